/* Model files of every family: shards and index, sizes against tensors, missing or damaged GGUF
 * keys and tensors. A wrong file is refused with one line that names what is wrong. */
#include "tests/unit/families.h"

#include <unistd.h>

#include "core/model/safetensors.h"
#include "tests/folder.h"

static char folder[64];

/* --- the files beside it ---------------------------------------------------------------- */

static char *in_folder(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static void put(const char *name, const char *bytes, size_t n)
{
    char *path = in_folder(name);

    CHECK(file_make_parents(path, NULL) && file_write(path, bytes, n, NULL));
    free(path);
}

/* Copies a file of a model into the test's folder, under the same name unless `as` says another. */
static void bring(const char *model, const char *name, const char *as)
{
    char *from = xasprintf(FOLDER "%s/%s", model, name), *to = xasprintf("%s/%s", model, as);
    size_t n;
    char *bytes = file_read(from, 1 << 24, &n, NULL);

    CHECK(bytes);
    if (bytes)
        put(to, bytes, n);
    free(bytes);
    free(from);
    free(to);
}

#define SHARD "model-0000%d-of-00003.safetensors"
#define INDEX "model.safetensors.index.json"

/* A fresh copy of the llama3 model, which is in three shards. */
static void fresh(void)
{
    bring("llama3", "config.json", "config.json");
    bring("llama3", INDEX, INDEX);
    for (int i = 1; i <= 3; i++) {
        char *name = xasprintf(SHARD, i);

        bring("llama3", name, name);
        free(name);
    }
}

static bool folder_says(const char *name, const char *part)
{
    char *path = in_folder(name);
    struct err err = {0};
    struct weights *w = weights_open(path, &err);

    weights_close(w);
    free(path);
    if (!part)
        CHECK_STR(err.text, "");
    else
        CHECK(!w && err.kind == ERR_MODEL);
    return part ? says(err.text, part) : w != NULL;
}

/* Makes the index say that its first tensor is in another file. */
static bool mapped_to(const char *where, const char *part)
{
    char *path = in_folder("llama3/" INDEX);
    json_t *root, *map;

    fresh();
    root = json_load_file(path, 0, NULL);
    map = json_object_get(root, "weight_map");
    json_object_set_new(map, "model.norm.weight", json_loads(where, JSON_DECODE_ANY, NULL));
    CHECK(!json_dump_file(root, path, 0));
    json_decref(root);
    free(path);
    return folder_says("llama3", part);
}

static void shards(void)
{
    static const char *const elsewhere[] = {"\"../x.safetensors\"",
                                            "\"/etc/passwd\"",
                                            "\"a/b.safetensors\"",
                                            "\"..\"",
                                            "\"\"",
                                            "\".hidden.safetensors\"",
                                            "7",
                                            "null",
                                            "[\"x.safetensors\"]"};

    fresh();
    CHECK(folder_says("llama3", NULL));
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(*elsewhere); i++)
        CHECK(mapped_to(elsewhere[i], "model.norm.weight"));
    CHECK(mapped_to("\"absent.safetensors\"",
                    "absent.safetensors does not exist, although the index puts"));
    CHECK(mapped_to("\"model-00001-of-00003.safetensors\"", NULL)); /* a list of files, no more */
    CHECK(mapped_to("\"model-00002-of-00003.safetensors\"", NULL));
    put("llama3/" INDEX, "{\"weight_map\":[]}", 17);
    CHECK(folder_says("llama3", "weight_map"));
    put("llama3/" INDEX, "{\"weight_map\":{}}", 17);
    CHECK(folder_says("llama3", "tensor model.embed_tokens.weight is missing"));
}

static void missing_and_doubled_shards(void)
{
    struct st_tensor all[64];
    struct safetensors *one, *two;
    char *path = in_folder("llama3/model-00002-of-00003.safetensors"), *twice;
    int n = 0;

    fresh();
    CHECK(!unlink(path));
    CHECK(folder_says("llama3", "model-00002-of-00003.safetensors does not exist"));
    one = safetensors_open(FOLDER "llama3/model-00001-of-00003.safetensors", NULL);
    two = safetensors_open(FOLDER "llama3/model-00002-of-00003.safetensors", NULL);
    CHECK(one && two && safetensors_count(two) < 63);
    if (!one || !two)
        return;
    for (; n < safetensors_count(two); n++)
        all[n] = *safetensors_at(two, n);
    all[n] = *safetensors_at(one, 0); /* in both */
    CHECK(safetensors_save(path, all, n + 1, NULL, 0, NULL));
    twice =
        xasprintf("tensor %s appears twice, also in model-00002-of-00003.safetensors", all[n].name);
    CHECK(folder_says("llama3", twice));
    free(twice);
    all[n].name = "model.layers.0.self_attn.extra.weight"; /* nowhere in the index */
    CHECK(safetensors_save(path, all, n + 1, NULL, 0, NULL));
    CHECK(folder_says("llama3", "tensor model.layers.0.self_attn.extra.weight is not part of "
                                "architecture llama"));
    safetensors_close(one);
    safetensors_close(two);
    free(path);
}

/* The sizes in config.json must agree with the tensors. */
static void sizes_and_tensors(void)
{
    static const struct change cases[] = {
        {"llama2", "{\"vocab_size\":97}", "96 x 32, not 97 x 32"},
        {"llama2", "{\"vocab_size\":95}", "96 x 32, not 95 x 32"},
        {"llama2", "{\"intermediate_size\":64}", "48 x 32, not 64 x 32"},
        {"llama2", "{\"num_key_value_heads\":2}", "32 x 32, not 16 x 32"},
        {"llama2", "{\"num_hidden_layers\":3}", "is missing"},
        {"llama2", "{\"num_hidden_layers\":1}", "not part of"},
        {"llama2", "{\"head_dim\":16}", "32 x 32, not 64 x 32"},
        {"llama2", "{\"attention_bias\":true}", "bias"},
        {"llama2", "{\"model_type\":\"qwen2\"}", "bias is missing"},
        {"llama-biased", "{\"attention_bias\":false,\"mlp_bias\":false}", "not part of"},
        {"qwen2", "{\"model_type\":\"llama\"}", "not part of"},
        {"qwen3", "{\"model_type\":\"llama\"}", "not part of"},
        {"qwen3", "{\"model_type\":\"qwen2\"}", "is missing"},
        {"gpt2", "{\"vocab_size\":95}", "96 x 32, not 95 x 32"},
        {"gpt2", "{\"n_positions\":16}", "32 x 32, not 16 x 32"},
        {"gpt2", "{\"n_inner\":96}", "128"},
        {"gpt2", "{\"n_layer\":3}", "is missing"},
        {"gemma3", "{\"head_dim\":16}", "not 32 x 32"},
        {"gemma3-nested", "{\"text_config\":{\"vocab_size\":95}}", "not 95 x 24"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = changed(cases[i].name, cases[i].patch);
        char *name = xasprintf("%s/config.json", cases[i].name);

        bring(cases[i].name, "model.safetensors", "model.safetensors");
        put(name, text, strlen(text));
        if (!folder_says(cases[i].name, cases[i].says)) {
            printf("    %s with %s\n", cases[i].name, cases[i].patch);
            CHECK(!"refused by name");
        }
        free(name);
        free(text);
    }
}

/* Multimodal checkpoints exist with two different prefixes. */
static void renamed_prefix(void)
{
    struct safetensors *st = safetensors_open(FOLDER "gemma3-nested/model.safetensors", NULL);
    struct st_tensor all[128];
    char *path = in_folder("gemma3-nested/model.safetensors");
    int n = 0;

    CHECK(st && safetensors_count(st) <= 128);
    for (; st && n < safetensors_count(st); n++) {
        const char *name = safetensors_at(st, n)->name,
                   *rest = name + strlen("language_model.model.");
        bool text = !strncmp(name, "language_model.model.", strlen("language_model.model."));

        all[n] = *safetensors_at(st, n);
        all[n].name =
            text ? xasprintf("model.language_model.%s", rest) : xasprintf("model.%s", name);
    }
    bring("gemma3-nested", "config.json", "config.json");
    CHECK(safetensors_save(path, all, n, NULL, 0, NULL));
    CHECK(folder_says("gemma3-nested", NULL));
    for (int i = 0; i < n; i++)
        free((void *)(size_t)all[i].name);
    free(path);
    safetensors_close(st);
}

/* Whatever tensor is taken out of a folder, or made longer by one dimension, is named as the file
 * has it. Those that follow from others, or mean nothing to the text, may go. */
static void named_as_the_file_has_it(void)
{
    static const char *const names[] = {"gpt2",          "gpt2-prefixed", "llama-biased", "qwen3",
                                        "gemma3-nested", "qwen2",         "mistral"};

    for (size_t f = 0; f < sizeof(names) / sizeof(*names); f++) {
        char *from = xasprintf(FOLDER "%s/model.safetensors", names[f]);
        char *to = xasprintf("%s/%s/model.safetensors", folder, names[f]);
        struct safetensors *st = safetensors_open(from, NULL);
        int n = st ? safetensors_count(st) : 0, named = 0;

        CHECK(n > 10 && n < 128);
        bring(names[f], "config.json", "config.json");
        for (int without = 0; without < n; without++)
            for (int longer = 0; longer < 2; longer++) {
                const char *name = safetensors_at(st, without)->name;
                struct st_tensor all[128];
                struct err err = {0};
                struct weights *w;
                char *says;
                int at = 0;

                for (int i = 0; i < n; i++)
                    if (longer || i != without)
                        all[at++] = *safetensors_at(st, i);
                if (longer)
                    all[without].dim[all[without].ndim++] = 1;
                CHECK(safetensors_save(to, all, at, NULL, 0, NULL));
                w = weights_open(to, &err);
                says = xasprintf("tensor %s is %s", name, longer ? "" : "missing");
                CHECK(w || strstr(err.text, says));
                named += !w;
                weights_close(w);
                free(says);
            }
        CHECK(named >= 2 * (n - 14));
        safetensors_close(st);
        free(from);
        free(to);
    }
}

/* --- GGUF ------------------------------------------------------------------------------- */

/* The message of a file of the corpus in which `from` stands for `to`, of the same length. */
static const char *gguf_says(const char *family, const char *from, const char *to)
{
    static struct err err;
    char *path = xasprintf("tests/fuzz/corpus/gguf/%s", family);
    size_t n, len = strlen(from);
    char *bytes = file_read(path, 1 << 24, &n, NULL), *at = bytes;

    CHECK(bytes && len == strlen(to));
    if (bytes && len)
        at = memmem(bytes, n, from, len);
    CHECK(at);
    if (at)
        memcpy(at, to, len);
    err = (struct err){0};
    weights_close(weights_from_gguf(bytes, n, &err));
    free(bytes);
    free(path);
    return err.text;
}

/* What llama.cpp's loader knows of Gemma 3 and its files do not say: the largest model's scale of
 * attention, sqrt(hidden / heads) in place of sqrt(head_dim), the local rotary base, which layers
 * see all. */
static void unsaid_in_gguf(void)
{
    struct err err = {0};
    struct model_config c = {0};
    struct gguf g = {0};
    size_t n;
    char *bytes = file_read("tests/fuzz/corpus/gguf/gemma3_sizes", 1 << 20, &n, NULL);

    CHECK(bytes && gguf_parse(&g, bytes, n, &err) && config_from_gguf(&c, &g, &err));
    CHECK_STR(err.text, "");
    CHECK_NEAR((double)c.attn_scale, 1 / sqrt(5376.0 / 32), 1e-8);
    CHECK(c.rope_theta == 1e6 && c.rope_theta_swa == 1e4 && c.rope_factor == 8);
    CHECK(c.window == 1024 && c.head_dim == 128);
    for (int l = 0; l < c.layers; l++)
        CHECK(c.windowed[l] == (l % 6 != 5));
    CHECK_NEAR((double)c.embed_scale, sqrt(5376.0), 1e-5);
    gguf_free(&g);
    free(bytes);
}

/* A key or a tensor that was renamed is reported as missing. */
static void renamed_in_gguf(void)
{
    static const struct {
        const char *family, *from, *to, *says;
    } cases[] = {
        {"gpt2", "gpt2.embedding_length", "gpt2.embedding_lengtx", "gpt2.embedding_length"},
        {"gpt2", "gpt2.block_count", "gpt2.block_counx", "gpt2.block_count"},
        {"gpt2", "layer_norm_epsilon", "layer_norm_epsilox", "layer_norm_epsilon is missing"},
        {"gpt2", "position_embd", "position_embx", "position_embd.weight is missing"},
        {"gpt2", "output_norm.bias", "output_norm.biax", "output_norm.bias is missing"},
        {"gpt2", "blk.0.attn_qkv.bias", "blk.0.attn_qkv.biax", "blk.0.attn_qkv.bias"},
        {"gpt2", "blk.0.ffn_up.bias", "blk.0.ffn_up.biax", "blk.0.ffn_up.bia"},
        {"qwen3", "layer_norm_rms_epsilon", "layer_norm_rms_epsilox", "epsilon is missing"},
        {"qwen3", "blk.0.attn_q_norm", "blk.0.attn_q_norx", "blk.0.attn_q_norm.weight"},
        {"qwen3", "blk.0.ffn_gate", "blk.0.ffn_gatx", "blk.0.ffn_gat"},
        {"gemma3", "blk.0.attn_k_norm", "blk.0.attn_k_norx", "blk.0.attn_k_nor"},
        {"gemma3", "blk.0.post_ffw_norm", "blk.0.post_ffw_norx", "blk.0.post_ffw_nor"},
        {"gemma3", "post_attention_norm", "post_attention_norx", "post_attention_nor"},
        {"gemma3", "gemma3.attention.sliding_window", "gemma3.attention.sliding_windox", ""},
        {"qwen3", "general.name", "general.namx", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *got = gguf_says(cases[i].family, cases[i].from, cases[i].to);

        CHECK(says(got, cases[i].says));
        CHECK(!*got == !*cases[i].says);
    }
}

/* Every bit of the header flipped, and the file cut at every byte: a model or an error, no crash.
 */
static void damaged_gguf(void)
{
    static const char *const names[] = {"gpt2", "qwen3", "gemma3"};
    static const char masks[] = {0x01, 0x08, (char)0x80};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *path = xasprintf("tests/fuzz/corpus/gguf/%s", names[i]);
        size_t n, step = 7;
        char *bytes = file_read(path, 1 << 24, &n, NULL);

        CHECK(bytes && !*gguf_says(names[i], "", ""));
        for (size_t at = 0; bytes && at < n && at < 2600; at++)
            for (size_t m = 0; m < sizeof(masks); m++) {
                struct err err = {0};
                struct weights *w;

                bytes[at] = (char)(bytes[at] ^ masks[m]);
                w = weights_from_gguf(bytes, n, &err);
                CHECK(w ? err.kind == ERR_NONE : err.kind == ERR_MODEL && *err.text);
                weights_close(w);
                bytes[at] = (char)(bytes[at] ^ masks[m]);
            }
        for (size_t cut = 0; bytes && cut < n; cut += cut < 2600 ? step : 211) {
            char *exact = memcpy(xmalloc(cut + 1), bytes, cut);

            CHECK(!weights_from_gguf(exact, cut, NULL));
            free(exact);
        }
        free(bytes);
        free(path);
    }
}

static const struct test tests[] = {
    {"shards and their index", shards},
    {"missing and doubled shards", missing_and_doubled_shards},
    {"tensors by their names in the file", named_as_the_file_has_it},
    {"sizes against tensors", sizes_and_tensors},
    {"the other prefix of models that see", renamed_prefix},
    {"unsaid in GGUF", unsaid_in_gguf},
    {"renamed in GGUF", renamed_in_gguf},
    {"damaged GGUF", damaged_gguf},
};

FOLDER_MAIN(folder, tests)
