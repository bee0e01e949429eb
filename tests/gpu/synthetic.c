/* Makes models of any shape whose weights are windows on one pool of random numbers. */
#include "tests/gpu/synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/mem.h"
#include "core/model/format.h"

enum { SPREAD = 1 << 20, PROMPT = 10, PREFIX = 10, PREFIXES = 5, SUBJECT_END = 4 };

const struct shape shape_llama3_8b = {
    "8B, the shape of Llama 3", "llama", 32, 4096, 14336, 128256, 32, 8, 128, false};
const struct shape shape_qwen25_05b = {
    "0.5B, the shape of Qwen 2.5", "qwen2", 24, 896, 4864, 151936, 14, 2, 64, true};
const struct shape shape_small_llama = {
    "small, as Llama 3", "llama", 5, 32, 96, 300, 4, 2, 8, false};
const struct shape shape_small_qwen = {
    "small, as Qwen 2.5", "qwen2", 5, 24, 60, 211, 6, 2, 4, true};

/* A number of 32 bits with nothing left of the order of the arguments (Wellons' lowbias32). */
static inline uint32_t mixed(uint32_t x)
{
    x = (x ^ (x >> 16)) * 0x7feb352dU;
    x = (x ^ (x >> 15)) * 0x846ca68bU;
    return x ^ (x >> 16);
}

/* The sum of two uniform numbers: mean 0, standard deviation size / sqrt(6). */
static inline float drawn(uint32_t bits, float size)
{
    return ((float)(bits & 0xffff) + (float)(bits >> 16) - 65535.0F) * (size / 65536.0F);
}

void noise_f32(float *to, size_t n, float size, uint32_t seed)
{
    for (size_t i = 0; i < n; i++)
        to[i] = drawn(mixed((uint32_t)i + seed * 0x9e3779b9U), size);
}

void noise_bf16(uint16_t *to, size_t n, float size, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        float x = drawn(mixed((uint32_t)i + seed * 0x9e3779b9U), size);
        uint32_t bits;

        memcpy(&bits, &x, sizeof(bits));
        to[i] = (uint16_t)((bits + 0x8000U) >> 16);
    }
}

/* --- weights ---------------------------------------------------------------------- */

/* config.json of the shape, read by the code that reads everyone's. */
static bool configure(struct weights *w, const struct shape *s, struct err *err)
{
    char *text = xasprintf("{\"model_type\":\"%s\",\"num_hidden_layers\":%d,\"hidden_size\":%d,"
                           "\"intermediate_size\":%d,\"vocab_size\":%d,\"num_attention_heads\":%d,"
                           "\"num_key_value_heads\":%d,\"head_dim\":%d,\"tie_word_embeddings\":%s,"
                           "\"rms_norm_eps\":1e-5,\"rope_theta\":500000.0,\"hidden_act\":\"silu\","
                           "\"max_position_embeddings\":8192}",
                           s->arch, s->layers, s->hidden, s->ffn, s->vocab, s->heads, s->kv_heads,
                           s->head_dim, s->tied ? "true" : "false");
    bool ok = config_from_json(&w->config, text, strlen(text), err);

    snprintf(w->config.name, sizeof(w->config.name), "%s", s->name);
    free(text);
    return ok;
}

/* Memory of zeros that belongs to the weights and goes with them. */
static void *pool(struct weights *w, size_t bytes, struct err *err)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) {
        err_set(err, ERR_LIMIT, "%s: no room for %zu bytes of weights", w->path, bytes);
        return NULL;
    }
    w->map = xrealloc(w->map, (size_t)(w->maps + 1) * sizeof(*w->map));
    w->map[w->maps++] = (struct file_map){at, bytes};
    return at;
}

struct pools {
    uint16_t *noise; /* of `most` + SPREAD numbers */
    float *gains;    /* near 1 */
};

static void add(struct weights *w, const struct pools *p, const char *name, long rows, long cols)
{
    struct tensor *t = &w->tensor[w->count];
    bool gain = strstr(name, "norm") != NULL;

    /* a matrix begins at a place of its own, so that no two are the same; 16 bytes apart at least
     */
    size_t place = (size_t)mixed((uint32_t)w->count) % SPREAD / 8 * 8;

    *t = (struct tensor){.name = xstrdup(name),
                         .type = gain ? DT_F32 : DT_BF16,
                         .ndim = cols ? 2 : 1,
                         .dim = {rows, cols},
                         .data = gain ? (void *)p->gains : (void *)(p->noise + place)};
    t->bytes = (size_t)rows * (size_t)(cols ? cols : 1) * (gain ? 4 : 2);
    w->count++;
}

static void add_block(struct weights *w, const struct pools *p, const struct shape *s, int layer)
{
    long d = s->hidden, q = (long)s->heads * s->head_dim, kv = (long)s->kv_heads * s->head_dim;
    const struct {
        const char *name;
        long rows, cols;
    } part[] = {
        {"attn_norm.weight", d, 0},     {"attn_q.weight", q, d},
        {"attn_k.weight", kv, d},       {"attn_v.weight", kv, d},
        {"attn_output.weight", d, q},   {"ffn_norm.weight", d, 0},
        {"ffn_gate.weight", s->ffn, d}, {"ffn_up.weight", s->ffn, d},
        {"ffn_down.weight", d, s->ffn}, {"attn_q.bias", q, 0},
        {"attn_k.bias", kv, 0},         {"attn_v.bias", kv, 0},
    };
    size_t parts = sizeof(part) / sizeof(*part) - (w->config.parts & PART_QKV_BIAS ? 0 : 3);

    for (size_t i = 0; i < parts; i++) {
        char *name = xasprintf("blk.%d.%s", layer, part[i].name);

        add(w, p, name, part[i].rows, part[i].cols);
        free(name);
    }
}

static const struct format_ops format_synthetic = {"synthetic", NULL, NULL};

struct weights *synthetic_weights(const struct shape *s, uint32_t seed, struct err *err)
{
    struct weights *w = xcalloc(1, sizeof(*w));
    size_t head = (size_t)s->vocab * (size_t)s->hidden, ffn = (size_t)s->ffn * (size_t)s->hidden;
    size_t most = head > ffn ? head : ffn;
    struct pools p;

    w->path = xstrdup(s->name);
    w->dir = xstrdup(".");
    w->format = &format_synthetic;
    if (!configure(w, s, err))
        goto fail;
    p.noise = pool(w, (most + SPREAD) * sizeof(*p.noise), err);
    p.gains = p.noise ? pool(w, (size_t)s->hidden * sizeof(*p.gains), err) : NULL;
    if (!p.gains)
        goto fail;
    /* each output of a product of normed inputs has a standard deviation near 1 */
    noise_bf16(p.noise, most + SPREAD, (float)sqrt(6.0 / s->hidden), seed);
    noise_f32(p.gains, (size_t)s->hidden, 0.2F, seed);
    for (int i = 0; i < s->hidden; i++)
        p.gains[i] += 1;
    w->tensor = xcalloc((size_t)s->layers * 12 + 3, sizeof(*w->tensor));
    add(w, &p, "token_embd.weight", s->vocab, s->hidden);
    add(w, &p, "output_norm.weight", s->hidden, 0);
    if (!s->tied)
        add(w, &p, "output.weight", s->vocab, s->hidden);
    for (int l = 0; l < s->layers; l++)
        add_block(w, &p, s, l);
    if (weights_check(w, err))
        return w;
fail:
    weights_close(w);
    return NULL;
}

/* --- a fact ----------------------------------------------------------------------- */

static struct row row_of(int count, int lookup, int vocab, uint32_t seed)
{
    struct row row = {.text = xstrdup(""), .count = count, .lookup = lookup};

    row.id = xcalloc((size_t)count, sizeof(*row.id));
    for (int i = 0; i < count; i++)
        row.id[i] = (int)(mixed((uint32_t)i + seed * 0x9e3779b9U) % (uint32_t)vocab);
    return row;
}

struct request synthetic_request(int vocab, uint32_t seed)
{
    struct request r = {
        .rows = 1 + PREFIXES, .scored_count = 1 + PREFIXES, .targets = 1, .old = -1};

    r.row = xcalloc((size_t)r.rows, sizeof(*r.row));
    r.scored = r.row;
    for (int i = 0; i < r.rows; i++) { /* the prompt is the same behind every prefix */
        int before = i ? PREFIX : 0;
        struct row prompt = row_of(PROMPT, SUBJECT_END, vocab, seed);

        r.row[i] = row_of(before + PROMPT, before + SUBJECT_END, vocab, seed + 1 + (uint32_t)i);
        memcpy(r.row[i].id + before, prompt.id, PROMPT * sizeof(int));
        free(prompt.text);
        free(prompt.id);
    }
    r.kl_row = row_of(SUBJECT_END + 3, SUBJECT_END, vocab, seed);
    r.target = xcalloc(1, sizeof(int));
    r.target[0] = (int)(mixed(seed) % (uint32_t)vocab);
    return r;
}
