/* config.json and generation_config.json from a GGUF file's metadata. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/session/export/export.h"

/* Classes by the file's architecture. */
static const struct class
{
    const char *arch, *model_type, *name, *more; /* more: what else the class wants to be told */
} classes[] = {
    {"llama", "llama", "LlamaForCausalLM",
     "  \"attention_bias\": false,\n  \"mlp_bias\": false,\n"},
    {"qwen2", "qwen2", "Qwen2ForCausalLM",
     "  \"use_sliding_window\": false,\n  \"sliding_window\": null,\n"},
    {"qwen3", "qwen3", "Qwen3ForCausalLM",
     "  \"attention_bias\": false,\n  \"use_sliding_window\": false,\n"
     "  \"sliding_window\": null,\n"},
};
static const struct class mistral = {"llama", "mistral", "MistralForCausalLM", ""};

static bool meta_int(const struct weights *w, const char *key, long long *value)
{
    char full[128];

    snprintf(full, sizeof(full), "%s.%s", weights_config(w)->arch, key);
    return weights_meta_int(w, full, value);
}

static const struct class *class_of(const struct weights *w, struct err *err)
{
    const char *arch = weights_config(w)->arch;
    long long window;

    if (!strcmp(arch, "llama") && meta_int(w, "attention.sliding_window", &window) && window > 0)
        return &mistral;
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
        if (!strcmp(classes[i].arch, arch))
            return &classes[i];
    err_set(err, ERR_USAGE,
            "a GGUF file of architecture %s is not written as safetensors (llama, qwen2 and qwen3 "
            "are): --as gguf, lora and delta are possible",
            arch);
    return NULL;
}

/* The shortest decimal that is this float again. */
static void put_real(struct buf *out, double value)
{
    char text[32];

    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtof(text, NULL) == (float)value)
            break;
    }
    buf_puts(out, text);
    if (!strpbrk(text, ".e"))
        buf_puts(out, ".0");
}

static void put_id(const struct weights *w, const char *key, const char *name, struct buf *out)
{
    char full[64];
    long long id;

    snprintf(full, sizeof(full), "tokenizer.ggml.%s", key);
    if (weights_meta_int(w, full, &id))
        buf_printf(out, "  \"%s\": %lld,\n", name, id);
}

/* Whether the factors are those of the rule with this original length and the two bounds every
 * published model uses. */
static bool is_llama3(const struct model_config *c, const float *by, long n, double factor,
                      double orig)
{
    const double low = 1, high = 4;

    for (long i = 0; i < n; i++) {
        double f = pow(c->rope_theta, -2.0 * (double)i / c->head_dim), wave = 2 * M_PI / f;
        double s = (orig / wave - low) / (high - low), want;

        s = s < 0 ? 0 : s > 1 ? 1 : s;
        want = 1 / ((1 - s) / factor + s);
        if (fabs(want - (double)by[i]) > 1e-3 * want)
            return false;
    }
    return true;
}

/* The file holds the factors themselves: the rule they came from is found again. */
static bool put_llama3(const struct weights *w, const struct tensor *factors, struct buf *out,
                       struct err *err)
{
    const struct model_config *c = weights_config(w);
    long n = factors->dim[factors->ndim - 1], orig = 16;
    float *by = xmalloc((size_t)n * sizeof(*by)), most = 0;

    dtype_to_float(factors->type, factors->data, by, n);
    for (long i = 0; i < n; i++)
        most = by[i] > most ? by[i] : most;
    while (orig <= 1 << 24 && !is_llama3(c, by, n, (double)most, (double)orig))
        orig *= 2;
    free(by);
    if (orig > 1 << 24)
        return err_set(err, ERR_USAGE,
                       "the rotary factors in rope_freqs.weight are no known rule: config.json "
                       "cannot say them");
    buf_puts(out, "  \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": ");
    put_real(out, (double)most);
    buf_printf(out,
               ", \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, "
               "\"original_max_position_embeddings\": %ld},\n",
               orig);
    return true;
}

static bool put_rope(const struct weights *w, struct buf *out, struct err *err)
{
    const struct model_config *c = weights_config(w);
    const struct tensor *factors = weights_tensor(w, "rope_freqs.weight");

    buf_puts(out, "  \"rope_theta\": ");
    put_real(out, c->rope_theta);
    buf_puts(out, ",\n");
    if (factors)
        return put_llama3(w, factors, out, err);
    if (c->rope_scaling == ROPE_LINEAR) {
        buf_puts(out, "  \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": ");
        put_real(out, c->rope_factor);
        buf_puts(out, "},\n");
    }
    return true;
}

static const char *torch_type(enum dtype type)
{
    return type == DT_F16 ? "float16" : type == DT_BF16 ? "bfloat16" : "float32";
}

bool hf_config(const struct weights *w, enum dtype type, struct buf *out, struct err *err)
{
    const struct model_config *c = weights_config(w);
    const struct class *class = class_of(w, err);
    long long context = c->context, window = 0;

    if (!class)
        return false;
    meta_int(w, "context_length", &context);
    buf_printf(out, "{\n  \"architectures\": [\"%s\"],\n  \"model_type\": \"%s\",\n", class->name,
               class->model_type);
    buf_printf(out,
               "  \"hidden_size\": %d,\n  \"intermediate_size\": %d,\n"
               "  \"num_hidden_layers\": %d,\n  \"num_attention_heads\": %d,\n"
               "  \"num_key_value_heads\": %d,\n  \"head_dim\": %d,\n  \"vocab_size\": %d,\n"
               "  \"max_position_embeddings\": %lld,\n  \"hidden_act\": \"silu\",\n",
               c->hidden, c->ffn, c->layers, c->heads, c->kv_heads, c->head_dim, c->vocab, context);
    buf_puts(out, "  \"rms_norm_eps\": ");
    put_real(out, (double)c->norm_eps);
    buf_puts(out, ",\n");
    if (!put_rope(w, out, err))
        return false;
    buf_puts(out, class->more);
    if (meta_int(w, "attention.sliding_window", &window) && window > 0)
        buf_printf(out, "  \"sliding_window\": %lld,\n", window);
    put_id(w, "bos_token_id", "bos_token_id", out);
    put_id(w, "eos_token_id", "eos_token_id", out);
    put_id(w, "padding_token_id", "pad_token_id", out);
    buf_printf(out,
               "  \"tie_word_embeddings\": %s,\n  \"use_cache\": true,\n"
               "  \"torch_dtype\": \"%s\"\n}\n",
               c->tied ? "true" : "false", torch_type(type));
    return true;
}

bool hf_generation_config(const struct weights *w, struct buf *out)
{
    buf_puts(out, "{\n");
    put_id(w, "bos_token_id", "bos_token_id", out);
    put_id(w, "eos_token_id", "eos_token_id", out);
    put_id(w, "padding_token_id", "pad_token_id", out);
    buf_puts(out, "  \"_from_model_config\": true\n}\n");
    return true;
}
