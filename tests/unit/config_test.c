/* What config.json may say: the defaults of each model family, and that what is hostile, wrong or
 * unknown is refused with one line that names it. The files of tests/data/architectures, changed in
 * one place each. */
#include "tests/unit/families.h"

#include "core/base/buf.h"
#include "core/base/clock.h"

/* The error message for a config.json; "" if it is accepted. */
static const char *refusal(const char *text, size_t len)
{
    static struct err err;
    struct model_config c;
    bool ok;

    err = (struct err){0};
    ok = config_from_json(&c, text, len, &err);
    CHECK(ok ? err.kind == ERR_NONE : err.kind == ERR_MODEL && *err.text);
    CHECK(!ok || config_check(&c, NULL));
    return err.text;
}

/* --- config.json ------------------------------------------------------------------------ */

static const struct change unknown[] = {
    {"llama3", "{\"model_type\":\"mamba\"}", "'mamba' is not supported"},
    {"llama3", "{\"model_type\":\"mixtral\",\"num_local_experts\":8}", "'mixtral'"},
    {"qwen3", "{\"model_type\":\"qwen3_moe\",\"num_experts\":128}", "'qwen3_moe'"},
    {"llama3", "{\"model_type\":\"\\u001b[2J\"}", "not supported"},
    {"llama3", "{\"model_type\":7}", "model_type"},
    {"llama3", "{\"model_type\":\"-\"}", "model_type is missing"},
    {"llama2", "{\"rope_scaling\":{\"type\":\"yarn\"}}", "'yarn'"},
    {"llama2", "{\"rope_scaling\":{\"rope_type\":\"dynamic\"}}", "'dynamic'"},
    {"llama3", "{\"rope_parameters\":{\"rope_type\":\"longrope\"}}", "'longrope'"},
    {"llama3", "{\"rope_parameters\":{\"rope_type\":4}}", "rope_type"},
    {"mistral", "{\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4}}", "'yarn'"},
    {"qwen2", "{\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4}}", "'yarn'"},
    {"qwen3", "{\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4}}", "'yarn'"},
    {"gemma3", "{\"rope_scaling\":{\"rope_type\":\"dynamic\"}}", "'dynamic'"},
    {"gemma3-nested",
     "{\"text_config\":{\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"yarn\"}}}}",
     "'yarn'"},
    {"gemma3-nested",
     "{\"text_config\":{\"rope_parameters\":{\"sliding_attention\":{\"rope_type\":\"yarn\"}}}}",
     "'yarn'"},
    {"llama3", "{\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}}", "gptq"},
    {"llama3", "{\"quantization_config\":{}}", "quanti"},
    {"gpt2", "{\"quantization_config\":{\"quant_method\":\"bitsandbytes\"}}", "bitsandbytes"},
    {"gemma3-nested", "{\"quantization_config\":{\"quant_method\":\"fp8\"}}", "fp8"},
    {"llama3", "{\"hidden_act\":\"relu\"}", "'relu'"},
    {"llama3", "{\"hidden_act\":5}", "activation"},
    {"mistral", "{\"hidden_act\":\"gelu\"}", "'gelu'"},
    {"qwen2", "{\"hidden_act\":\"relu2\"}", "'relu2'"},
    {"qwen3", "{\"hidden_act\":\"mish\"}", "'mish'"},
    {"gpt2", "{\"activation_function\":\"relu\"}", "'relu'"},
    {"gemma3", "{\"hidden_activation\":\"quick_gelu\"}", "'quick_gelu'"},
    {"gemma3-nested", "{\"text_config\":{\"hidden_activation\":\"relu\"}}", "'relu'"},
    {"llama3", "{\"partial_rotary_factor\":0.5}", "partial_rotary_factor"},
    {"gpt2", "{\"scale_attn_weights\":false}", "scale_attn_weights"},
    {"gpt2", "{\"add_cross_attention\":true}", "add_cross_attention"},
    {"gemma3", "{\"use_bidirectional_attention\":true}", "use_bidirectional_attention"},
    {"qwen3-window",
     "{\"layer_types\":[\"full_attention\",\"chunked_attention\","
     "\"full_attention\"]}",
     "chunked_attention"},
    {"gemma3-nested", "{\"text_config\":{\"model_type\":\"llama\"}}", "llama"},
};

static const struct change wrong[] = {
    {"llama2", "{\"hidden_size\":\"-\"}", "hidden_size is missing"},
    {"llama2", "{\"intermediate_size\":\"-\"}", "intermediate_size is missing"},
    {"llama2", "{\"num_hidden_layers\":null}", "num_hidden_layers is missing"},
    {"llama2", "{\"num_attention_heads\":\"-\"}", "num_attention_heads is missing"},
    {"llama2", "{\"vocab_size\":\"-\"}", "vocab_size is missing"},
    {"gemma3-nested", "{\"text_config\":{\"hidden_size\":\"-\"}}", "hidden_size"},
    {"gemma3-nested", "{\"text_config\":\"-\"}", "text_config"},
    {"gemma3-nested", "{\"text_config\":[1]}", "text_config"},
    {"llama2", "{\"num_attention_heads\":0}", "heads is 0"},
    {"gpt2", "{\"n_head\":0}", "heads is 0"},
    {"gemma3", "{\"num_attention_heads\":0}", "heads is 0"},
    {"llama2", "{\"num_attention_heads\":5}", "hidden_size 32 is not a multiple of 5"},
    {"gpt2", "{\"n_embd\":30}", "not a multiple of 4"},
    {"llama3", "{\"num_key_value_heads\":8}", "key-value heads is 8"},
    {"llama3", "{\"num_key_value_heads\":0}", "key-value heads is 0"},
    {"llama3", "{\"num_key_value_heads\":3}", "share"},
    {"qwen3", "{\"num_key_value_heads\":64}", "key-value heads is 64"},
    {"llama3", "{\"num_hidden_layers\":1000000000}", "num_hidden_layers is 1000000000"},
    {"llama3", "{\"num_hidden_layers\":1e9}", "num_hidden_layers is not a whole number"},
    {"llama3", "{\"num_hidden_layers\":-1}", "num_hidden_layers is -1"},
    {"llama3", "{\"num_hidden_layers\":0}", "layers is 0"},
    {"llama3", "{\"num_hidden_layers\":\"3\"}", "num_hidden_layers is not a whole number"},
    {"gpt2", "{\"n_layer\":1000000000}", "n_layer is 1000000000"},
    {"llama3", "{\"hidden_size\":9223372036854775807}", "hidden_size is 9223372036854775807"},
    {"llama3", "{\"hidden_size\":32.5}", "hidden_size is not a whole number"},
    {"llama3", "{\"vocab_size\":2147483648}", "vocab_size is 2147483648"},
    {"llama3", "{\"head_dim\":7}", "halve"},
    {"llama3", "{\"head_dim\":-2}", "head_dim is -2"},
    {"llama3", "{\"max_position_embeddings\":0}", "context length is 0"},
    {"llama3", "{\"rms_norm_eps\":\"NaN\"}", "rms_norm_eps is not a number"},
    {"llama3", "{\"rms_norm_eps\":-1}", "epsilon"},
    {"llama3", "{\"rms_norm_eps\":1e300}", "epsilon"},
    {"gpt2", "{\"layer_norm_epsilon\":\"1e-5\"}", "layer_norm_epsilon is not a number"},
    {"qwen2", "{\"rope_theta\":0}", "rotary base"},
    {"qwen2", "{\"rope_theta\":\"1e6\"}", "rope_theta is not a number"},
    {"llama2", "{\"rope_scaling\":{\"factor\":0}}", "factor is 0"},
    {"llama2", "{\"rope_scaling\":{\"factor\":-2.5}}", "factor"},
    {"llama2", "{\"rope_scaling\":[]}", "not an object"},
    {"llama3", "{\"rope_parameters\":{\"low_freq_factor\":8}}", "0 < low < high"},
    {"llama3", "{\"rope_parameters\":{\"original_max_position_embeddings\":0}}", "length"},
    {"llama3", "{\"tie_word_embeddings\":\"yes\"}", "tie_word_embeddings is neither true nor"},
    {"mistral", "{\"sliding_window\":\"4\"}", "sliding_window"},
    {"mistral", "{\"sliding_window\":-4}", "sliding_window is -4"},
    {"qwen2-window", "{\"use_sliding_window\":1}", "use_sliding_window"},
    {"qwen3-window", "{\"layer_types\":[\"full_attention\"]}", "layer_types"},
    {"qwen3-window", "{\"layer_types\":\"full_attention\"}", "layer_types"},
    {"gemma3", "{\"query_pre_attn_scalar\":0}", "query_pre_attn_scalar"},
    {"gemma3", "{\"query_pre_attn_scalar\":\"x\"}", "query_pre_attn_scalar"},
    {"gemma3", "{\"sliding_window_pattern\":0}", "sliding_window_pattern"},
    {"gemma3", "{\"sliding_window\":null}", "sliding_window"},
    {"gemma3-nested",
     "{\"text_config\":{\"rope_parameters\":{\"sliding_attention\":{\"rope_type\":\"linear\","
     "\"factor\":2}}}}",
     "sliding_attention"},
    {"gemma3", "{\"rope_local_base_freq\":-1}", "rotary base"},
    {"gemma3", "{\"final_logit_softcapping\":-30}", "softcap"},
    {"gemma3", "{\"attn_logit_softcapping\":\"30\"}", "softcap"},
};

static void refused(const struct change *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *text = changed(table[i].name, table[i].patch);
        const char *got = refusal(text, strlen(text));

        if (!says(got, table[i].says)) {
            printf("    %s with %s\n", table[i].name, table[i].patch);
            CHECK(!"refused by name");
        }
        CHECK(*got);
        free(text);
    }
}

static void unknown_is_named(void)
{
    refused(unknown, sizeof(unknown) / sizeof(*unknown));
}

static void wrong_is_named(void)
{
    refused(wrong, sizeof(wrong) / sizeof(*wrong));
}

/* The unchanged files are accepted. */
static void the_files_are_fine(void)
{
    static const char *const names[] = {"gpt2",        "gpt2-prefixed", "llama2", "llama3",
                                        "mistral",     "mistral-full",  "qwen2",  "qwen2-window",
                                        "qwen3",       "qwen3-window",  "gemma3", "gemma3-nested",
                                        "llama-biased"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *text = changed(names[i], "{}");
        const char *got = refusal(text, strlen(text));

        CHECK_STR(got, "");
        free(text);
    }
}

/* Missing keys get transformers' defaults. */
static void defaults(void)
{
    static const struct {
        const char *name, *patch;
        int heads, kv_heads, head_dim, context, ffn;
        bool tied;
    } cases[] = {
        {"llama2", "{\"tie_word_embeddings\":\"-\",\"max_position_embeddings\":\"-\"}", 4, 4, 8,
         2048, 48, false},
        {"llama3", "{\"head_dim\":null,\"num_key_value_heads\":null}", 4, 4, 8, 64, 48, true},
        {"mistral", "{\"num_attention_heads\":16,\"num_key_value_heads\":\"-\"}", 16, 8, 2, 64, 48,
         false},
        {"mistral-full", "{}", 8, 8, 2, 131072, 24, true},
        {"qwen2", "{\"tie_word_embeddings\":\"-\"}", 4, 1, 8, 64, 64, false},
        {"qwen3", "{\"head_dim\":\"-\"}", 4, 2, 128, 64, 48, true},
        {"gemma3", "{\"head_dim\":\"-\",\"num_attention_heads\":8,\"num_key_value_heads\":\"-\"}",
         8, 4, 256, 64, 32, true},
        {"gemma3-nested", "{}", 4, 2, 8, 64, 40, true},
        {"gpt2", "{\"n_positions\":\"-\",\"n_ctx\":\"-\"}", 4, 4, 8, 1024, 128, true},
        {"gpt2-prefixed", "{}", 3, 3, 8, 20, 40, true},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = changed(cases[i].name, cases[i].patch);
        struct model_config c = {0};
        bool ok = config_from_json(&c, text, strlen(text), NULL);
        int before = test_failures;

        CHECK(ok);
        if (ok) {
            CHECK(c.heads == cases[i].heads && c.kv_heads == cases[i].kv_heads);
            CHECK(c.head_dim == cases[i].head_dim && c.ffn == cases[i].ffn);
            CHECK(c.context == cases[i].context && c.tied == cases[i].tied);
        }
        if (test_failures > before)
            printf("    %s: %d heads, %d kv, head_dim %d, context %d, ffn %d, tied %d\n",
                   cases[i].name, c.heads, c.kv_heads, c.head_dim, c.context, c.ffn, c.tied);
        free(text);
    }
}

/* The two rotary bases of Gemma 3, with the old keys, with the new keys, and without any. */
static void two_rotary_bases(void)
{
    static const struct {
        const char *name, *patch;
        double theta, local, factor;
    } cases[] = {
        {"gemma3", "{}", 1000, 50, 4},
        {"gemma3", "{\"rope_theta\":\"-\",\"rope_local_base_freq\":\"-\"}", 1e6, 1e4, 4},
        {"gemma3", "{\"rope_scaling\":null}", 1000, 50, 0},
        {"gemma3-nested", "{}", 1000, 50, 8},
        {"gemma3-nested", "{\"text_config\":{\"rope_parameters\":{\"sliding_attention\":\"-\"}}}",
         1000, 1e4, 8},
        {"gemma3-nested",
         "{\"text_config\":{\"rope_parameters\":{\"sliding_attention\":{\"rope_theta\":\"-\"}}}}",
         1000, 1e4, 8},
        {"gemma3-nested",
         "{\"text_config\":{\"rope_parameters\":{\"full_attention\":{\"rope_theta\":\"-\"}}}}", 1e6,
         50, 8},
        {"gemma3-nested", "{\"text_config\":{\"rope_parameters\":\"-\"}}", 1e6, 1e4, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = changed(cases[i].name, cases[i].patch);
        struct model_config c = {0};
        struct err err = {0};
        bool ok = config_from_json(&c, text, strlen(text), &err);
        int before = test_failures;

        CHECK_STR(err.text, "");
        CHECK(ok && c.rope_theta == cases[i].theta && c.rope_theta_swa == cases[i].local);
        CHECK(c.rope_factor == cases[i].factor);
        if (test_failures > before)
            printf("    %s: %g, %g, %g\n", cases[i].patch, c.rope_theta, c.rope_theta_swa,
                   c.rope_factor);
        free(text);
    }
}

/* Published config.json files of well-known models. */
static void published(void)
{
    static const struct {
        const char *file;
        int layers, hidden, ffn, heads, kv_heads, head_dim, vocab, context;
        double theta;
        bool tied;
    } cases[] = {
        {"gpt2", 12, 768, 3072, 12, 12, 64, 50257, 1024, 0, true},
        {"llama-2-7b", 32, 4096, 11008, 32, 32, 128, 32000, 4096, 1e4, false},
        {"llama-3.2-1b", 16, 2048, 8192, 32, 8, 64, 128256, 131072, 5e5, true},
        {"mistral-7b-v0.1", 32, 4096, 14336, 32, 8, 128, 32000, 32768, 1e4, false},
        {"mistral-7b-v0.3", 32, 4096, 14336, 32, 8, 128, 32768, 32768, 1e6, false},
        {"qwen2.5-0.5b", 24, 896, 4864, 14, 2, 64, 151936, 32768, 1e6, true},
        {"qwen3-0.6b", 28, 1024, 3072, 16, 8, 128, 151936, 40960, 1e6, true},
        {"gemma-3-1b", 26, 1152, 6912, 4, 1, 256, 262144, 32768, 1e6, true},
        {"gemma-3-4b", 34, 2560, 10240, 8, 4, 256, 262208, 131072, 1e6, true},
        {"smollm2-135m", 30, 576, 1536, 9, 3, 64, 49152, 8192, 1e5, true},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *path = xasprintf("tests/fuzz/corpus/config/real-%s", cases[i].file);
        struct model_config c = {0};
        struct err err = {0};
        size_t n;
        char *text = file_read(path, 1 << 20, &n, &err);
        bool ok = text && config_from_json(&c, text, n, &err);
        int before = test_failures;

        CHECK(ok);
        if (ok) {
            CHECK(c.layers == cases[i].layers && c.hidden == cases[i].hidden);
            CHECK(c.ffn == cases[i].ffn && c.heads == cases[i].heads);
            CHECK(c.kv_heads == cases[i].kv_heads && c.head_dim == cases[i].head_dim);
            CHECK(c.vocab == cases[i].vocab && c.context == cases[i].context);
            CHECK(c.tied == cases[i].tied);
            CHECK(cases[i].theta <= 0 || fabs(c.rope_theta - cases[i].theta) < 1e-9);
        }
        if (test_failures > before)
            printf("    %s: %s\n", cases[i].file, err.text);
        free(text);
        free(path);
    }
}

/* --- hostile text ----------------------------------------------------------------------- */

static void repeat(struct buf *b, const char *text, int times)
{
    while (times-- > 0)
        buf_puts(b, text);
}

static void hostile_json(void)
{
    static const char *const texts[] = {
        "",
        "null",
        "[]",
        "7",
        "\xef\xbb\xbf{}",
        "{\"model_type\":\"llama\"",
        "{\"model_type\":\"llama\"} {}",
        "{\"model_type\":\"llama\",\"model_type\":\"qwen2\"}",
        "{\"model_type\":\"\\ud800\"}",
        "{\"model_type\":\"ll\\u0000ama\"}",
        "{\"model_type\":\"\xff\xfe\"}",
        "{\"model_type\":\"llama\",\"hidden_size\":1e400}",
        "{\"model_type\":\"llama\",\"hidden_size\":NaN}",
        "{\"model_type\":\"llama\",\"hidden_size\":99999999999999999999}",
        "{\"model_type\":\"llama\",\"hidden_size\":-0}",
        "{\"model_type\":\"llama\",\"hidden_size\":0x20}",
        "{\"model_type\":\"llama\",}",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        CHECK(*refusal(texts[i], strlen(texts[i])));
}

static void deep_and_wide_json(void)
{
    struct buf deep = {0}, wide = {0};
    double start = clock_seconds();

    repeat(&deep, "[", 100000);
    CHECK(*refusal(deep.data, deep.len));
    buf_free(&deep);
    repeat(&deep, "{\"text_config\":", 100000);
    CHECK(*refusal(deep.data, deep.len));
    buf_free(&deep);
    repeat(&deep, "{\"text_config\":", 1000); /* within jansson's depth */
    buf_puts(&deep, "7");
    repeat(&deep, "}", 1000);
    CHECK(*refusal(deep.data, deep.len));
    buf_free(&deep);
    buf_puts(&wide, "{\"model_type\":\"llama\"");
    for (int i = 0; i < 200000; i++)
        buf_printf(&wide, ",\"k%d\":%d", i, i);
    buf_puts(&wide, "}");
    CHECK(says(refusal(wide.data, wide.len), "missing"));
    buf_free(&wide);
    CHECK(clock_seconds() - start < 5);
}

/* Every cut, and bits flipped everywhere: an answer, never a crash; what is accepted is within
 * bounds (refusal() looks). */
static void cut_and_flipped(void)
{
    static const char *const names[] = {"gpt2", "llama3", "qwen3-window", "gemma3-nested"};
    static const char masks[] = {0x01, 0x10, (char)0x80};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *text = changed(names[i], "{}");
        size_t n = strlen(text);

        for (size_t cut = 0; cut < n; cut++)
            CHECK(*refusal(text, cut));
        for (size_t at = 0; at < n; at++)
            for (size_t m = 0; m < sizeof(masks); m++) {
                text[at] = (char)(text[at] ^ masks[m]);
                refusal(text, n);
                text[at] = (char)(text[at] ^ masks[m]);
            }
        free(text);
    }
}

static const struct test tests[] = {
    {"the files of every family are read", the_files_are_fine},
    {"what is unknown is refused by name", unknown_is_named},
    {"what is wrong is refused by name", wrong_is_named},
    {"defaults", defaults},
    {"two rotary bases", two_rotary_bases},
    {"the files people have", published},
    {"hostile JSON", hostile_json},
    {"deep and wide JSON", deep_and_wide_json},
    {"cut and flipped", cut_and_flipped},
};

TEST_MAIN(tests)
