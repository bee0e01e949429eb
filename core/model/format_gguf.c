/* Reads a model from one GGUF file: metadata becomes a struct model_config, tensors are taken over
 * as they are, since their names are GGUF's. gguf.c parses the container. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/format.h"

/* The value of key "llama.block_count" for c->arch "llama", key "block_count"; or NULL. */
static const struct gguf_value *arch_value(const struct model_config *c, const struct gguf *g,
                                           const char *key)
{
    char full[128];

    snprintf(full, sizeof(full), "%s.%s", c->arch, key);
    return gguf_find(g, full);
}

/* *out = the number at {arch}.key, or `absent`; a negative `absent` means it must be there. */
static bool get_int(const struct model_config *c, const struct gguf *g, const char *key,
                    long absent, int *out, struct err *err)
{
    const struct gguf_value *v = arch_value(c, g, key);
    long long value = absent;

    if (!v && absent < 0)
        return err_set(err, ERR_MODEL, "metadata %s.%s is missing", c->arch, key);
    if (v && v->array)
        return err_set(err, ERR_MODEL, "metadata %s.%s differs from layer to layer: not supported",
                       c->arch, key);
    if (v && !gguf_int(v, 0, &value))
        return err_set(err, ERR_MODEL, "metadata %s.%s is not a whole number", c->arch, key);
    if (value < 0 || value > 1 << 28)
        return err_set(err, ERR_MODEL, "metadata %s.%s is %lld; 0 to %d are valid", c->arch, key,
                       value, 1 << 28);
    *out = (int)value;
    return true;
}

static bool get_number(const struct model_config *c, const struct gguf *g, const char *key,
                       double absent, double *out, struct err *err)
{
    const struct gguf_value *v = arch_value(c, g, key);

    *out = absent;
    if (v && (v->array || !gguf_number(v, 0, out)))
        return err_set(err, ERR_MODEL, "metadata %s.%s is not a number", c->arch, key);
    return true;
}

/* Text of at most size - 1 bytes; empty if the key is absent or no text. */
static void get_text(const struct gguf *g, const char *key, char *out, size_t size)
{
    const struct gguf_value *v = gguf_find(g, key);
    const uint8_t *at;
    const char *text;
    size_t len;

    *out = '\0';
    if (!v || v->array || v->kind != GGUF_STRING)
        return;
    at = v->data;
    text = gguf_string(&at, &len);
    snprintf(out, size, "%.*s", (int)(len < size ? len : size), text);
    make_printable_ascii(out);
}

/* Rotary base and linear scaling. Llama-3's scaling is not in the metadata; converters store it as
 * the tensor rope_freqs.weight (rope_frequencies() in model.c). */
static bool read_rope(struct model_config *c, const struct gguf *g, struct err *err)
{
    char word[64], key[80];
    double old_scale;
    int rotated;

    if (c->parts & PART_POSITIONS)
        return true;
    if (!get_number(c, g, "rope.freq_base", arch_of(c)->theta, &c->rope_theta, err) ||
        !get_number(c, g, "rope.freq_base_swa", arch_of(c)->theta_swa, &c->rope_theta_swa, err) ||
        !get_int(c, g, "rope.dimension_count", c->head_dim, &rotated, err) ||
        !get_number(c, g, "rope.scale_linear", 1, &old_scale, err) ||
        !get_number(c, g, "rope.scaling.factor", old_scale, &c->rope_factor, err))
        return false;
    if (rotated != c->head_dim)
        return err_set(err, ERR_MODEL,
                       "rotary positions over %d of %d elements of a head are not supported",
                       rotated, c->head_dim);
    snprintf(key, sizeof(key), "%s.rope.scaling.type", c->arch);
    get_text(g, key, word, sizeof(word));
    if (*word && strcmp(word, "none") && strcmp(word, "linear"))
        return err_set(err, ERR_MODEL,
                       "rotary scaling '%s' is not supported; supported are none, linear", word);
    if (strcmp(word, "none") && fabs(c->rope_factor - 1) > 1e-12 && c->rope_factor != 0)
        c->rope_scaling = ROPE_LINEAR;
    return true;
}

static bool read_sizes(struct model_config *c, const struct gguf *g, struct err *err)
{
    const char *eps_key = arch_of(c)->gguf_eps;
    int values, experts;
    double eps;

    if (!get_int(c, g, "block_count", -1, &c->layers, err) ||
        !get_int(c, g, "embedding_length", -1, &c->hidden, err) ||
        !get_int(c, g, "feed_forward_length", -1, &c->ffn, err) ||
        !get_int(c, g, "attention.head_count", -1, &c->heads, err) ||
        !get_int(c, g, "attention.head_count_kv", c->heads, &c->kv_heads, err) ||
        !get_int(c, g, "context_length", -1, &c->context, err) ||
        !get_int(c, g, "expert_count", 0, &experts, err) ||
        !get_number(c, g, eps_key, -1, &eps, err))
        return false;
    if (experts)
        return err_set(err, ERR_MODEL, "a mixture of %d experts is not supported", experts);
    if (eps < 0)
        return err_set(err, ERR_MODEL, "metadata %s.%s is missing", c->arch, eps_key);
    c->norm_eps = (float)eps;
    if (!get_int(c, g, "attention.key_length", c->heads ? c->hidden / c->heads : 0, &c->head_dim,
                 err) ||
        !get_int(c, g, "attention.value_length", c->head_dim, &values, err))
        return false;
    if (values != c->head_dim)
        return err_set(err, ERR_MODEL, "keys of %d and values of %d elements are not supported",
                       c->head_dim, values);
    return true;
}

/* Which layers have the window: an array with a value for each layer, or a number n, which means
 * all but every n-th layer. */
static bool read_pattern(struct model_config *c, const struct gguf *g, struct err *err)
{
    const struct gguf_value *v = arch_value(c, g, "attention.sliding_window_pattern");
    long long on;
    int every;

    if (v && v->array) {
        for (int l = 0; l < c->layers; l++) {
            if ((uint64_t)l >= v->count || !gguf_int(v, (uint64_t)l, &on))
                return err_set(err, ERR_MODEL,
                               "metadata %s.attention.sliding_window_pattern is not a list of %d "
                               "numbers, one for each layer",
                               c->arch, c->layers);
            c->windowed[l] = on != 0;
        }
        return true;
    }
    if (!get_int(c, g, "attention.sliding_window_pattern", 6, &every, err))
        return false;
    for (int l = 0; l < c->layers; l++)
        c->windowed[l] = every > 0 && (l + 1) % every != 0;
    return true;
}

static bool read_windows(struct model_config *c, const struct gguf *g, struct err *err)
{
    enum windows windows = arch_of(c)->gguf_windows;

    if (!get_int(c, g, "attention.sliding_window",
                 windows == WINDOW_PATTERN ? arch_of(c)->window : 0, &c->window, err))
        return false;
    if (windows == WINDOW_PATTERN)
        return read_pattern(c, g, err);
    for (int l = 0; l < c->layers; l++)
        c->windowed[l] = windows == WINDOW_ALL;
    if (windows ==
        WINDOW_NONE) { /* unknown which layers: stay within the window, where all agree */
        c->context = c->window && c->window < c->context ? c->window : c->context;
        c->window = 0;
    }
    return true;
}

/* Gemma's scales and soft caps. Missing keys get llama.cpp's defaults: scores are scaled by
 * 1 / sqrt(head_dim), in the 27B model (62 layers) by 1 / sqrt(d / heads). */
static bool read_scales(struct model_config *c, const struct gguf *g, struct err *err)
{
    double scale, scores, logits,
        own = c->heads && c->hidden >= c->heads && c->layers == 62 ? 1 / sqrt(c->hidden / c->heads)
                                                                   : 1 / sqrt(fmax(c->head_dim, 1));

    if (!arch_of(c)->gemma)
        return true;
    if (!get_number(c, g, "attention.scale", own, &scale, err) ||
        !get_number(c, g, "attn_logit_softcapping", 0, &scores, err) ||
        !get_number(c, g, "final_logit_softcapping", 0, &logits, err))
        return false;
    c->attn_scale = (float)scale;
    c->attn_softcap = (float)scores;
    c->logit_softcap = (float)logits;
    c->embed_scale = sqrtf((float)c->hidden);
    return true;
}

/* The vocabulary size is the embedding's number of rows; there may be fewer tokens than rows. */
static bool read_vocab(struct model_config *c, const struct gguf *g, struct err *err)
{
    const struct gguf_value *tokens = gguf_find(g, "tokenizer.ggml.tokens");

    for (int i = 0; i < g->tensors; i++)
        if (!strcmp(g->tensor[i].name, "token_embd.weight") && g->tensor[i].dim[0] <= 1 << 24)
            c->vocab = (int)g->tensor[i].dim[0];
    if (!c->vocab)
        return err_set(err, ERR_MODEL, "tensor token_embd.weight is missing or has too many rows");
    if (tokens && tokens->count > (uint64_t)c->vocab)
        return err_set(err, ERR_MODEL, "%llu tokens, but token_embd.weight has %d rows",
                       (unsigned long long)tokens->count, c->vocab);
    return true;
}

bool config_from_gguf(struct model_config *c, const struct gguf *g, struct err *err)
{
    const struct arch *arch;
    char word[64];

    *c = (struct model_config){0};
    get_text(g, "general.architecture", word, sizeof(word));
    if (!*word)
        return err_set(err, ERR_MODEL, "metadata general.architecture is missing");
    arch = arch_of_gguf(word);
    if (!arch)
        return arch_unknown(word, err);
    arch_defaults(arch, c);
    c->maybe = arch->maybe;
    get_text(g, "general.name", c->name, sizeof(c->name));
    c->rope_interleaved = arch->interleaved;
    return read_sizes(c, g, err) && read_rope(c, g, err) && read_vocab(c, g, err) &&
           config_check(c, err) && read_windows(c, g, err) && read_scales(c, g, err) &&
           config_check(c, err);
}

static bool refuse_split(const struct gguf *g, struct err *err)
{
    const struct gguf_value *v = gguf_find(g, "split.count");
    long long parts;

    if (!v || !gguf_int(v, 0, &parts) || parts <= 1)
        return true;
    return err_set(err, ERR_MODEL,
                   "one of %lld parts of a split file; join them with "
                   "llama-gguf-split --merge",
                   parts);
}

/* Refuses a file of metadata alone, such as llama.cpp's ggml-vocab files. */
static bool refuse_empty(const struct gguf *g, struct err *err)
{
    return g->tensors || err_set(err, ERR_MODEL,
                                 "the file holds metadata and no weights: `editscope tokens` reads "
                                 "its vocabulary; all else needs the whole model's file");
}

static bool fill_weights(struct weights *w, const void *bytes, size_t n, struct err *err)
{
    if (!gguf_parse(&w->gguf, bytes, n, err) || !refuse_split(&w->gguf, err) ||
        !refuse_empty(&w->gguf, err) || !config_from_gguf(&w->config, &w->gguf, err))
        return false;
    w->tensor = w->gguf.tensor; /* w takes them over */
    w->count = w->gguf.tensors;
    w->gguf.tensor = NULL;
    w->gguf.tensors = 0;
    return true;
}

static bool has_gguf_magic(const char *path)
{
    char magic[4] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool ok = fd >= 0 && read(fd, magic, sizeof(magic)) == 4 && !memcmp(magic, "GGUF", 4);

    if (fd >= 0)
        close(fd);
    return ok;
}

bool weights_is_gguf(const char *path)
{
    bool named = file_ends_in_any_case(path, ".gguf");
    struct stat st;

    if (stat(path, &st)) /* opening it will then report that it does not exist */
        return named;
    return !S_ISDIR(st.st_mode) && (named || (S_ISREG(st.st_mode) && has_gguf_magic(path)));
}

static bool gguf_read(struct weights *w, struct err *err)
{
    w->map = xcalloc(1, sizeof(*w->map));
    if (!file_map(w->map, w->path, err))
        return false;
    w->maps = 1;
    weights_add_file(w, w->path);
    return fill_weights(w, w->map->data, w->map->size, err);
}

struct weights *weights_from_gguf(const void *bytes, size_t n, struct err *err)
{
    struct weights *w = xcalloc(1, sizeof(*w));

    w->format = &format_gguf;
    w->path = xstrdup("memory");
    w->dir = xstrdup(".");
    if (fill_weights(w, bytes, n, err) && weights_check(w, err))
        return w;
    weights_close(w);
    return NULL;
}

const struct format_ops format_gguf = {"gguf", weights_is_gguf, gguf_read};
