/* Model files: what is read from them, and that a damaged one is refused with one line. The GGUF
 * files come from another writer (tests/reference/tiny_gguf.py). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/format.h"
#include "core/model/safetensors.h"
#include "tests/folder.h"

#define STORIES "tests/data/stories260K"
#define LLAMA   "tests/fuzz/corpus/gguf/llama"
#define QWEN    "tests/fuzz/corpus/gguf/qwen2"

static char folder[64];

static char *in_folder(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static struct weights *open_in(const char *name, struct err *err)
{
    char *path = in_folder(name);
    struct weights *w = weights_open(path, err);

    free(path);
    return w;
}

static void put(const char *name, const char *bytes, size_t n)
{
    char *path = in_folder(name);

    CHECK(file_make_parents(path, NULL) && file_write(path, bytes, n, NULL));
    free(path);
}

static void copy(const char *from, const char *name)
{
    size_t n;
    char *bytes = file_read(from, 1 << 24, &n, NULL);

    CHECK(bytes);
    if (bytes)
        put(name, bytes, n);
    free(bytes);
}

/* The message of a model that does not open; "" if it does. */
static const char *refusal(const char *name)
{
    static struct err err;
    struct weights *w;

    err = (struct err){0};
    w = open_in(name, &err);
    CHECK(!w == (err.kind == ERR_MODEL));
    CHECK(!strchr(err.text, '\n'));
    weights_close(w);
    return err.text;
}

static bool says(const char *text, const char *part)
{
    if (strstr(text, part))
        return true;
    printf("'%s' is not in '%s'\n", part, text);
    return false;
}

/* --- GGUF ------------------------------------------------------------------------------ */

/* Element (r, c) of every tensor is r + c / 64, as near as its type can represent. */
static void check_ramp(const struct tensor *t, double tol)
{
    long cols = t->dim[t->ndim - 1], rows = t->ndim == 2 ? t->dim[0] : 1;
    size_t stride = dtype_row_bytes(t->type, cols);
    float *row = xmalloc((size_t)cols * sizeof(*row));

    CHECK(t->bytes == stride * (size_t)rows);
    for (long r = 0; r < rows; r++) {
        dtype_to_float(t->type, (const char *)t->data + (size_t)r * stride, row, cols);
        CHECK_NEAR((double)row[0], (double)r, tol);
        CHECK_NEAR((double)row[cols - 1], (double)r + (double)(cols - 1) / 64, tol);
    }
    free(row);
}

static void gguf_llama(void)
{
    struct err err = {0};
    const struct model_config *c;
    struct weights *w;

    copy(LLAMA, "llama.gguf");
    w = open_in("llama.gguf", &err);
    CHECK_STR(err.text, "");
    if (!w)
        return;
    c = weights_config(w);
    CHECK_STR(c->arch, "llama");
    CHECK_STR(c->name, "tiny llama");
    CHECK_STR(weights_format(w), "gguf");
    CHECK_STR(weights_dir(w), folder);
    CHECK(c->layers == 1 && c->hidden == 32 && c->ffn == 64 && c->heads == 4 && c->kv_heads == 2);
    CHECK(c->head_dim == 8 && c->vocab == 6 && c->context == 64);
    CHECK(c->tied && c->rope_interleaved && !(c->parts & PART_QKV_BIAS) &&
          c->rope_scaling == ROPE_NONE);
    CHECK_NEAR((double)c->norm_eps, 1e-5, 1e-12);
    CHECK_NEAR(c->rope_theta, 5000, 0);
    CHECK(weights_tensor(w, "rope_freqs.weight") && !weights_tensor(w, "output.weight"));
    check_ramp(weights_tensor(w, "token_embd.weight"), 0);
    check_ramp(weights_tensor(w, "output_norm.weight"), 0);
    check_ramp(weights_tensor(w, "blk.0.attn_v.weight"), 0);
    check_ramp(weights_tensor(w, "blk.0.attn_q.weight"), 0.02);
    check_ramp(weights_tensor(w, "blk.0.attn_output.weight"), 0.2);
    check_ramp(weights_tensor(w, "blk.0.attn_k.weight"), 0.05);
    CHECK(weights_tensor(w, "blk.0.ffn_down.weight")->dim[0] == 32);
    CHECK(weights_tensor(w, "blk.0.ffn_down.weight")->dim[1] == 64);
    weights_close(w);
}

static void gguf_qwen2(void)
{
    struct err err = {0};
    const struct model_config *c;
    struct weights *w;

    copy(QWEN, "qwen2.gguf");
    w = open_in("qwen2.gguf", &err);
    CHECK_STR(err.text, "");
    if (!w)
        return;
    c = weights_config(w);
    CHECK(c->layers == 2 && !c->tied && !c->rope_interleaved && c->parts & PART_QKV_BIAS);
    check_ramp(weights_tensor(w, "blk.1.attn_k.bias"), 0);
    check_ramp(weights_tensor(w, "output.weight"), 0.05);
    weights_close(w);
}

static void gguf_metadata(void)
{
    struct weights *w = open_in("llama.gguf", NULL);
    long long whole = 99;
    const char **text, *one;
    size_t *len, n;
    float *floats;
    int *ints;

    CHECK(w);
    if (!w)
        return;
    CHECK(weights_meta_strings(w, "tokenizer.ggml.tokens", &text, &len) == 5);
    CHECK(len[2] == 3 && !memcmp(text[2],
                                 "\xc4\xa0"
                                 "a",
                                 3));
    free(text);
    free(len);
    CHECK(weights_meta_ints(w, "tokenizer.ggml.token_type", &ints) == 5);
    CHECK(ints[0] == 1 && ints[4] == 3);
    free(ints);
    CHECK(weights_meta_floats(w, "tokenizer.ggml.scores", &floats) == 5);
    CHECK(floats[1] == -1 && floats[3] == 2);
    free(floats);
    CHECK(weights_meta_ints(w, "tokenizer.ggml.tokens", &ints) == -1);
    CHECK(weights_meta_ints(w, "tokenizer.ggml.scores", &ints) == -1);
    CHECK(weights_meta_strings(w, "absent", &text, &len) == -1);
    one = weights_meta_text(w, "tokenizer.ggml.model", &n);
    CHECK(one && n == 4 && !memcmp(one, "gpt2", 4));
    CHECK(!weights_meta_text(w, "tokenizer.ggml.tokens", &n));
    CHECK(weights_meta_int(w, "tokenizer.ggml.eos_token_id", &whole) && whole == 4);
    CHECK(weights_meta_int(w, "tokenizer.ggml.add_bos_token", &whole) && whole == 1);
    CHECK(weights_meta_int(w, "test.negative", &whole) && whole == -5);
    CHECK(!weights_meta_int(w, "test.huge", &whole) && whole == -5);
    CHECK(!weights_meta_int(w, "test.double", &whole));
    weights_close(w);
}

/* Memory of the exact size, so that a sanitizer sees every read beyond it. */
static bool opens(const char *bytes, size_t n)
{
    char *exact = memcpy(xmalloc(n ? n : 1), bytes, n);
    struct err err = {0};
    struct weights *w = weights_from_gguf(exact, n, &err);
    bool ok = w != NULL;

    CHECK(ok ? err.kind == ERR_NONE : err.kind == ERR_MODEL && *err.text);
    for (int i = 0; ok && i < weights_count(w); i++) {
        const struct tensor *t = weights_at(w, i);

        CHECK((const char *)t->data >= exact && (const char *)t->data + t->bytes <= exact + n);
    }
    weights_close(w);
    free(exact);
    return ok;
}

static void gguf_cut(void)
{
    size_t n;
    char *bytes = file_read(LLAMA, 1 << 24, &n, NULL);

    CHECK(bytes && opens(bytes, n));
    for (size_t cut = 0; bytes && cut < n; cut += cut < 3000 ? 1 : 61)
        CHECK(!opens(bytes, cut));
    free(bytes);
}

static void gguf_flipped(void)
{
    static const unsigned char masks[] = {0x01, 0x80, 0xff};
    size_t n, same = 0;
    char *bytes = file_read(LLAMA, 1 << 24, &n, NULL);

    CHECK(bytes);
    for (size_t at = 0; bytes && at < 3000 && at < n; at++)
        for (size_t m = 0; m < sizeof(masks); m++) {
            bytes[at] = (char)(bytes[at] ^ masks[m]);
            same += opens(bytes, n);
            bytes[at] = (char)(bytes[at] ^ masks[m]);
        }
    CHECK(same > 0); /* a flipped bit of a name or a score does no harm */
    free(bytes);
}

/* Replaces the only place where `from` stands; both have n bytes. */
static const char *patched(const char *file, const char *from, const char *to, size_t n)
{
    size_t size;
    char *bytes = file_read(file, 1 << 24, &size, NULL), *at;

    at = bytes ? memmem(bytes, size, from, n) : NULL;
    CHECK(at);
    if (at) {
        memcpy(at, to, n);
        put("patched.gguf", bytes, size);
    }
    free(bytes);
    return refusal("patched.gguf");
}

static void gguf_refusals(void)
{
    CHECK(says(patched(LLAMA, "\5\0\0\0\0\0\0\0llama", "\5\0\0\0\0\0\0\0l\33ama", 13),
               "architecture 'l?ama' is not supported; supported are gpt2, llama, "
               "mistral, qwen2, qwen3, gemma3"));
    CHECK(says(patched(LLAMA, "blk.0.ffn_up", "blk.0.ffn_ux", 12), "blk.0.ffn_up.weight"));
    CHECK(says(patched(LLAMA, "rope_freqs", "rope_freqz", 10), "rope_freqz.weight is not part"));
    CHECK(says(patched(LLAMA, "block_count\4\0\0\0\1", "block_count\4\0\0\0\2", 16),
               "blk.1.attn_norm.weight is missing"));
    CHECK(says(patched(LLAMA, "block_count\4\0\0\0\1", "block_count\4\0\0\0\0", 16), "layers"));
    CHECK(says(patched(LLAMA, "head_count\4\0\0\0\4", "head_count\4\0\0\0\0", 15), "heads"));
    CHECK(says(patched(LLAMA, "head_count_kv\4\0\0\0\2", "head_count_kv\4\0\0\0\3", 18), "share"));
    CHECK(says(patched(LLAMA, "forward_length\4\0\0\0\x40", "forward_length\4\0\0\0\x20", 19),
               "blk.0.ffn_gate.weight is 64 x 32, not 32 x 32"));
    CHECK(says(patched(LLAMA, "GGUF\3", "GGUF\1", 5), "version 1"));
    CHECK(says(patched(LLAMA, "GGUF", "GGML", 4), "not a GGUF file"));
    CHECK(says(refusal("absent.gguf"), "No such file"));
    CHECK(says(refusal("absent"), "no such file or folder"));
    put("empty.gguf", "", 0);
    CHECK(says(refusal("empty.gguf"), "not a GGUF file"));
    put("note.txt", "hello", 5);
    CHECK(says(refusal("note.txt"), "give a .gguf file or a folder"));
}

/* The first n bytes of the file, in memory of that size. */
static bool parses(const char *file, size_t n)
{
    size_t size;
    char *bytes = file_read(file, 1 << 24, &size, NULL), *exact = xmalloc(n ? n : 1);
    struct gguf g;
    bool ok;

    CHECK(bytes && n <= size);
    memcpy(exact, bytes, n);
    ok = gguf_parse(&g, exact, n, NULL);
    gguf_free(&g);
    free(exact);
    free(bytes);
    return ok;
}

/* With no tensors the header may be padded or end where it ends; gguf-py wrote the second file,
 * and the first one's last value is a byte, seven before its end. */
static void gguf_vocabulary(void)
{
    for (size_t n = 13050; n <= 13056; n++)
        CHECK(parses("tests/data/tokenizer/llama2.gguf", n));
    CHECK(!parses("tests/data/tokenizer/llama2.gguf", 13049));
    CHECK(parses("tests/data/field/vocab-only.gguf", 3919));
    CHECK(!parses("tests/data/field/vocab-only.gguf", 3918));
    copy("tests/data/field/vocab-only.gguf", "vocabulary.gguf");
    CHECK(says(refusal("vocabulary.gguf"), "metadata and no weights"));
    copy(LLAMA, "blob"); /* a name without an ending */
    CHECK_STR(refusal("blob"), "");
}

static void default_model(void)
{
    const char *path = getenv("EDITSCOPE_MODEL");
    const struct model_config *c;
    struct err err = {0};
    struct weights *w;

    if (!path || !file_exists(path))
        SKIP("EDITSCOPE_MODEL is not there");
    w = weights_open(path, &err);
    CHECK_STR(err.text, "");
    if (!w)
        return;
    c = weights_config(w);
    CHECK(c->layers == 30 && c->hidden == 576 && c->ffn == 1536 && c->vocab == 49152);
    CHECK(c->heads == 9 && c->kv_heads == 3 && c->head_dim == 64 && c->context == 8192);
    CHECK(c->tied && c->rope_interleaved);
    CHECK_NEAR(c->rope_theta, 100000, 0);
    weights_close(w);
}

/* --- safetensors ----------------------------------------------------------------------- */

static void folder_of_safetensors(void)
{
    const char *paths[] = {STORIES, STORIES "/model.safetensors"};

    for (int i = 0; i < 2; i++) {
        struct err err = {0};
        struct weights *w = weights_open(paths[i], &err);
        const struct model_config *c;
        const struct tensor *t;

        CHECK_STR(err.text, "");
        if (!w)
            continue;
        c = weights_config(w);
        t = weights_tensor(w, "blk.4.ffn_down.weight");
        CHECK(c->layers == 5 && c->head_dim == 8 && c->kv_heads == 4 && c->context == 512);
        CHECK(c->tied && !c->rope_interleaved && !(c->parts & PART_QKV_BIAS));
        CHECK(t && t->type == DT_F32 && t->dim[0] == 64 && t->dim[1] == 172);
        CHECK(weights_count(w) == 47);
        CHECK_STR(weights_dir(w), STORIES);
        CHECK_STR(weights_format(w), "safetensors");
        weights_close(w);
    }
}

enum {
    SPLIT_GOOD,
    SPLIT_UNMAPPED, /* a tensor that the index does not list */
    SPLIT_MOVED,    /* a tensor in another shard than the index says */
    SPLIT_STALE,    /* an unneeded tensor in no shard, another one in a file that does not exist */
    SPLIT_MISSING,  /* a needed tensor in no shard */
    SPLIT_NO_FILE,  /* a needed tensor in a file that does not exist */
    SPLIT_TWICE,    /* a tensor in both shards */
    SPLIT_ESCAPES,
};

/* The stories model in two files and an index, correct or wrong in one way. */
static const char *split_model(int how)
{
    struct safetensors *st = safetensors_open(STORIES "/model.safetensors", NULL);
    struct st_tensor part[2][64];
    int count[2] = {0, 0};
    struct buf index = {0};
    const char *names[] = {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"};

    CHECK(st && safetensors_count(st) < 64);
    buf_puts(&index, "{\"metadata\":{\"total_size\":1},\"weight_map\":{");
    for (int i = 0; st && i < safetensors_count(st); i++) {
        const struct st_tensor *t = safetensors_at(st, i);

        if (i != 7 || (how != SPLIT_MISSING && how != SPLIT_NO_FILE))
            part[i % 2][count[i % 2]++] = *t;
        if (i == 7 && how == SPLIT_TWICE)
            part[0][count[0]++] = *t;
        if (i == 7 && how == SPLIT_UNMAPPED)
            continue;
        buf_printf(&index, "%s\"%s\":\"%s\"", i ? "," : "", t->name,
                   i == 7 && how == SPLIT_MOVED     ? names[0]
                   : i == 7 && how == SPLIT_NO_FILE ? "model-00003-of-00002.safetensors"
                   : i == 7 && how == SPLIT_ESCAPES ? "../x.safetensors"
                                                    : names[i % 2]);
    }
    if (how == SPLIT_STALE)
        buf_puts(&index, ",\"mtp.fc.weight\":\"model-00001-of-00002.safetensors\","
                         "\"mtp.norm.weight\":\"mtp.safetensors\"");
    buf_puts(&index, "}}");
    put("split/model.safetensors.index.json", index.data, index.len);
    for (int i = 0; i < 2; i++) {
        char *name = xasprintf("split/%s", names[i]), *path = in_folder(name);

        CHECK(safetensors_save(path, part[i], count[i], NULL, 0, NULL));
        free(name);
        free(path);
    }
    buf_free(&index);
    safetensors_close(st);
    copy(STORIES "/config.json", "split/config.json");
    return refusal("split");
}

static void shards(void)
{
    CHECK_STR(split_model(SPLIT_GOOD), "");
    CHECK_STR(split_model(SPLIT_UNMAPPED), "");
    CHECK_STR(split_model(SPLIT_MOVED), "");
    CHECK_STR(split_model(SPLIT_STALE), "");
    CHECK(says(split_model(SPLIT_MISSING), "although the index says so"));
    CHECK(says(split_model(SPLIT_NO_FILE), "model-00003-of-00002.safetensors does not exist"));
    CHECK(says(split_model(SPLIT_TWICE), "appears twice, also in model-00002-of-00002"));
    CHECK(says(split_model(SPLIT_ESCAPES), "not a plain file name"));
    put("split/model.safetensors.index.json", "{", 1);
    CHECK(says(refusal("split"), "index.json: line 1"));
}

/* If a folder has both one file and shards, the one file is read, as transformers does. */
static void one_before_shards(void)
{
    struct weights *w;

    CHECK_STR(split_model(SPLIT_GOOD), "");
    w = open_in("split", NULL);
    CHECK(w && !weights_note(w));
    weights_close(w);
    copy(STORIES "/model.safetensors", "split/model.safetensors");
    w = open_in("split", NULL);
    CHECK(w && weights_note(w) && strstr(weights_note(w), "model.safetensors is read"));
    CHECK(w && strstr(weights_file(w, 1), "/model.safetensors"));
    weights_close(w);
}

static void folders_refused(void)
{
    put("poor/config.json", "\xef\xbb\xbf{\"model_type\":\"x\"}", 21);
    CHECK(says(refusal("poor"), "architecture 'x'")); /* after a byte order mark */
    copy(STORIES "/config.json", "poor/config.json");
    CHECK(says(refusal("poor"), "no model.safetensors in this folder"));
    put("poor/pytorch_model.bin", "PK", 2);
    CHECK(says(refusal("poor"), "no model.safetensors; Python's pickled weights"));
    copy(LLAMA, "poor/b.gguf");
    copy(LLAMA, "poor/a.gguf");
    CHECK(says(refusal("poor"), "name the one to open (a.gguf, b.gguf)"));
    copy(LLAMA, "ggufs/a.gguf");
    CHECK(says(refusal("ggufs"), "no config.json; GGUF files are here"));
    put("split/other-00001-of-00002.safetensors", "", 0);
    CHECK(says(refusal("split/other-00001-of-00002.safetensors"), "one shard of several"));
}

/* A head stored beside a tied embedding: equal values change nothing, other values untie it. */
static void stored_heads(void)
{
    struct safetensors *st = safetensors_open(STORIES "/model.safetensors", NULL);
    struct st_tensor all[64];
    char *path = in_folder("head/model.safetensors"), *other;
    int n = 0;

    CHECK(st);
    if (!st)
        return;
    for (; n < safetensors_count(st); n++)
        all[n] = *safetensors_at(st, n);
    all[n] = *safetensors_tensor(st, "model.embed_tokens.weight");
    all[n].name = "lm_head.weight";
    other = memcpy(xmalloc(all[n].bytes), all[n].data, all[n].bytes);
    copy(STORIES "/config.json", "head/config.json");
    for (int same = 1; same >= 0; same--) {
        struct weights *w;

        if (!same) {
            other[2] ^= 1;
            all[n].data = other;
        }
        CHECK(safetensors_save(path, all, n + 1, NULL, 0, NULL));
        w = open_in("head", NULL);
        CHECK(w && weights_config(w)->tied == (same == 1));
        CHECK(w && !weights_tensor(w, "output.weight") == (same == 1));
        weights_close(w);
    }
    free(other);
    free(path);
    safetensors_close(st);
}

#define SIZES                                                               \
    "\"hidden_size\":64,\"intermediate_size\":172,\"num_hidden_layers\":5," \
    "\"num_attention_heads\":8,\"vocab_size\":512"

static void configs(void)
{
    static const struct {
        const char *more, *why;
    } cases[] = {
        {"\"model_type\":\"llama\"", NULL},
        {"\"model_type\":\"qwen2\",\"num_key_value_heads\":2,\"head_dim\":null,\"rope_scaling\":"
         "null",
         NULL},
        {"\"model_type\":\"llama\",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}", NULL},
        {"\"model_type\":\"llama\",\"dtype\":\"bfloat16\",\"quantization_config\":null", NULL},
        {"\"model_type\":\"gpt_neox\"", "'gpt_neox' is not supported"},
        {"\"a\":1", "model_type is missing"},
        {"\"model_type\":\"llama\",\"hidden_act\":\"gelu\"", "activation 'gelu'"},
        {"\"model_type\":\"llama\",\"attention_bias\":true", NULL},
        {"\"model_type\":\"llama\",\"mlp_bias\":true", NULL},
        {"\"model_type\":\"llama\",\"quantization_config\":{\"quant_method\":\"awq\"}", "awq"},
        {"\"model_type\":\"llama\",\"rope_scaling\":{\"rope_type\":\"yarn\"}", "'yarn'"},
        {"\"model_type\":\"llama\",\"rope_scaling\":{\"rope_type\":\"linear\"}", "factor is 0"},
        {"\"model_type\":\"llama\",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8}",
         "0 < low < high"},
        {"\"model_type\":\"llama\",\"rope_scaling\":7", "not an object"},
        {"\"model_type\":\"llama\",\"rope_theta\":-1", "rotary base"},
        {"\"model_type\":\"llama\",\"rms_norm_eps\":\"x\"", "not a number"},
        {"\"model_type\":\"llama\",\"partial_rotary_factor\":0.5", "partial_rotary_factor"},
        {"\"model_type\":\"llama\",\"num_key_value_heads\":3", "share"},
        {"\"model_type\":\"llama\",\"num_key_value_heads\":16", "key-value heads is 16"},
        {"\"model_type\":\"llama\",\"head_dim\":7", "halve"},
        {"\"model_type\":\"llama\",\"head_dim\":1e3", "not a whole number"},
        {"\"model_type\":\"llama\",\"max_position_embeddings\":1000000000000", "0 to"},
        {"\"model_type\":\"llama\",\"vocab_size\":3", "duplicate"},
    };
    struct model_config c;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = xasprintf("{" SIZES ",%s}", cases[i].more);
        struct err err = {0};
        bool ok = config_from_json(&c, text, strlen(text), &err);

        CHECK(ok == !cases[i].why);
        CHECK(ok || (err.kind == ERR_MODEL && says(err.text, cases[i].why)));
        free(text);
    }
}

static void rope_of_configs(void)
{
    static const char older[] =
        "{" SIZES
        ",\"model_type\":\"llama\",\"rope_theta\":500000.0,\"rope_scaling\":{\"rope_type\":"
        "\"llama3\",\"factor\":32.0,\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
        "\"original_max_position_embeddings\":8192}}";
    static const char newer[] =
        "{" SIZES
        ",\"model_type\":\"llama\",\"rope_parameters\":{\"rope_theta\":500000,\"rope_type\":"
        "\"llama3\",\"factor\":32,\"low_freq_factor\":1,\"high_freq_factor\":4,"
        "\"original_max_position_embeddings\":8192}}";
    static const char window[] = "{" SIZES ",\"model_type\":\"qwen2\",\"num_key_value_heads\":8,"
                                 "\"use_sliding_window\":true,"
                                 "\"sliding_window\":100,\"max_position_embeddings\":4096}";
    const char *texts[] = {older, newer};
    struct model_config c;

    for (int i = 0; i < 2; i++) {
        CHECK(config_from_json(&c, texts[i], strlen(texts[i]), NULL));
        CHECK(c.rope_scaling == ROPE_LLAMA3 && c.rope_theta == 500000 && c.rope_factor == 32);
        CHECK(c.rope_low == 1 && c.rope_high == 4 && c.rope_orig == 8192);
    }
    CHECK(config_from_json(&c, window, strlen(window), NULL) && c.context == 4096);
    CHECK(c.window == 100 && !c.windowed[4] && c.parts & PART_QKV_BIAS);
    CHECK(c.kv_heads == 8 && c.head_dim == 8 && !c.tied && c.rope_theta == 10000);
}

static void damaged_folders(void)
{
    CHECK(says(refusal("."), "no config.json"));
    copy(STORIES "/config.json", "bad/config.json");
    CHECK(says(refusal("bad"), "no model.safetensors in this folder"));
    put("bad/model.safetensors", "12345678", 8);
    CHECK(says(refusal("bad"), "complete"));
    put("bad/model.safetensors", "\2\0\0\0\0\0\0\0{}", 10);
    CHECK(says(refusal("bad"), "model.embed_tokens.weight is missing"));
    put("bad/config.json", "{", 1);
    CHECK(says(refusal("bad"), "config.json: line 1"));
}

/* --- identity -------------------------------------------------------------------------- */

/* sha256 of "503 ...\n1044992 ...\n" and of "config.json 503 ...\nmodel.safetensors 1044992
 * ...\n", made with hashlib. */
#define STORIES_ID    "c26b20adff23523efb76c1b9b3b57003c0c52f5b0db5e5aed92e35216da8287f"
#define STORIES_NAMED "a3d2d4dcc08b28e51776d81da6c63e9ea28b17c688efd7a0282760728a9a11f5"

static void identity(void)
{
    struct weights *w = weights_open(STORIES, NULL);
    struct job job = {0};
    struct err err = {0};
    struct identity id;
    char named[65];

    CHECK(w && weights_files(w) == 2);
    if (!w)
        return;
    atomic_store(&job.cancel, true);
    CHECK(!weights_identity(w, &job, &id, &err) && err.kind == ERR_CANCELLED);
    CHECK(weights_identity(w, NULL, &id, NULL) && id.files == 2);
    CHECK_STR(id.hex, STORIES_ID);
    identity_named(&id, NULL, named);
    CHECK_STR(named, STORIES_NAMED);
    identity_named(&id, "other.gguf", named); /* only a single file had another name */
    CHECK_STR(named, STORIES_NAMED);
    identity_free(&id);
    CHECK(weights_identity(w, &job, &id, NULL)); /* cached: too fast to be cancelled */
    CHECK_STR(id.hex, STORIES_ID);
    identity_free(&id);
    weights_close(w);
}

static void identity_in(const char *name, char hex[65], char as_llama[65])
{
    struct weights *w = open_in(name, NULL);
    struct identity id = {0};

    CHECK(w && weights_identity(w, NULL, &id, NULL));
    memcpy(hex, id.hex, 65);
    identity_named(&id, "llama.gguf", as_llama);
    identity_free(&id);
    weights_close(w);
}

/* A file that changed is read again, although its old sum is cached. */
static void identity_of_changed_file(void)
{
    char first[65], second[65], named[65];

    copy(LLAMA, "changing.gguf");
    identity_in("changing.gguf", first, named);
    copy(QWEN, "changing.gguf");
    identity_in("changing.gguf", second, named);
    CHECK(strcmp(first, second));
}

/* File names do not count; the identity of version 0.1.0 uses the old name. */
static void identity_of_renamed_file(void)
{
    char here[65], there[65], named[2][65];

    copy(LLAMA, "llama.gguf");
    copy(LLAMA, "Other Name.gguf");
    identity_in("llama.gguf", here, named[0]);
    identity_in("Other Name.gguf", there, named[1]);
    CHECK_STR(here, there);
    CHECK_STR(named[0], named[1]);
    CHECK(strcmp(here, named[0]));
}

static const struct test tests[] = {
    {"gguf: llama", gguf_llama},
    {"gguf: qwen2", gguf_qwen2},
    {"gguf: metadata", gguf_metadata},
    {"gguf: cut at every length", gguf_cut},
    {"gguf: every header byte changed", gguf_flipped},
    {"gguf: refusals", gguf_refusals},
    {"gguf: a vocabulary alone", gguf_vocabulary},
    {"default model", default_model},
    {"folder of safetensors", folder_of_safetensors},
    {"shards", shards},
    {"safetensors: one file before shards", one_before_shards},
    {"safetensors: folders refused", folders_refused},
    {"stored heads", stored_heads},
    {"configs", configs},
    {"rope of configs", rope_of_configs},
    {"damaged folders", damaged_folders},
    {"identity", identity},
    {"identity of a changed file", identity_of_changed_file},
    {"identity of a renamed file", identity_of_renamed_file},
};

FOLDER_MAIN(folder, tests)
