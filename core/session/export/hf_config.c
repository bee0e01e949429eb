/* Writes config.json and generation_config.json of transformers from a GGUF file's metadata. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/session/export/export.h"

/* A model class of transformers, by GGUF architecture. */
struct hf_class {
    const char *arch, *model_type, *name, *act; /* act: JSON of the activation */
    void (*put_extra)(const struct weights *w, struct buf *out);
};

/* The metadata ARCH.key as a number. */
static bool meta_int(const struct weights *w, const char *key, long long *value)
{
    char full[128];
    size_t len = 0;
    const char *arch = weights_meta_text(w, "general.architecture", &len);

    snprintf(full, sizeof(full), "%.*s.%s", (int)(len < 32 ? len : 32), arch ? arch : "", key);
    return weights_meta_int(w, full, value);
}

/* Appends the shortest decimal that reads back as the same float. */
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

static void put_llama(const struct weights *w, struct buf *out)
{
    unsigned parts = weights_config(w)->parts;

    buf_printf(out, "  \"attention_bias\": %s,\n  \"mlp_bias\": %s,\n",
               parts & PART_QKV_BIAS ? "true" : "false", parts & PART_FFN_BIAS ? "true" : "false");
}

static void put_window(const struct model_config *c, struct buf *out)
{
    if (c->window)
        buf_printf(out, "  \"sliding_window\": %d,\n", c->window);
    else
        buf_puts(out, "  \"sliding_window\": null,\n");
}

static void put_mistral(const struct weights *w, struct buf *out)
{
    put_window(weights_config(w), out);
}

/* Qwen uses the window from one layer on: max_window_layers is the first of them. */
static void put_qwen(const struct weights *w, struct buf *out)
{
    const struct model_config *c = weights_config(w);
    int first = 0;

    while (c->window && first < c->layers && !c->windowed[first])
        first++;
    buf_printf(out, "  \"attention_bias\": false,\n  \"use_sliding_window\": %s,\n",
               c->window ? "true" : "false");
    buf_printf(out, "  \"max_window_layers\": %d,\n", c->window ? first : c->layers);
    put_window(c, out);
}

/* A soft cap, or null for none. */
static void put_cap(const char *name, float cap, struct buf *out)
{
    buf_printf(out, "  \"%s\": ", name);
    if (cap > 0)
        put_real(out, (double)cap);
    else
        buf_puts(out, "null");
    buf_puts(out, ",\n");
}

/* query_pre_attn_scalar is 1 / scale^2: Gemma gives the number whose root divides the scores. */
static void put_gemma3(const struct weights *w, struct buf *out)
{
    const struct model_config *c = weights_config(w);
    double scale = (double)c->attn_scale;

    buf_printf(out,
               "  \"attention_bias\": false,\n  \"query_pre_attn_scalar\": %ld,\n"
               "  \"rope_local_base_freq\": ",
               scale > 0 ? lround(1 / (scale * scale)) : (long)c->head_dim);
    put_real(out, c->rope_theta_swa > 0 ? c->rope_theta_swa : c->rope_theta);
    buf_puts(out, ",\n  \"layer_types\": [");
    for (int l = 0; l < c->layers; l++)
        buf_printf(out, "%s\"%s\"", l ? ", " : "",
                   c->window && c->windowed[l] ? "sliding_attention" : "full_attention");
    buf_puts(out, "],\n");
    put_window(c, out);
    put_cap("attn_logit_softcapping", c->attn_softcap, out);
    put_cap("final_logit_softcapping", c->logit_softcap, out);
}

static const struct hf_class classes[] = {
    {"llama", "llama", "LlamaForCausalLM", "\"hidden_act\": \"silu\"", put_llama},
    {"mistral", "mistral", "MistralForCausalLM", "\"hidden_act\": \"silu\"", put_mistral},
    {"qwen2", "qwen2", "Qwen2ForCausalLM", "\"hidden_act\": \"silu\"", put_qwen},
    {"qwen3", "qwen3", "Qwen3ForCausalLM", "\"hidden_act\": \"silu\"", put_qwen},
    {"gemma3", "gemma3_text", "Gemma3ForCausalLM", "\"hidden_activation\": \"gelu_pytorch_tanh\"",
     put_gemma3},
    {"gpt2", "gpt2", "GPT2LMHeadModel", "\"activation_function\": \"gelu_new\"", NULL},
};

/* A GGUF file calls Mistral "llama", too; only a sliding window tells them apart. */
static const struct hf_class *hf_class_of(const struct weights *w, struct err *err)
{
    const struct model_config *c = weights_config(w);
    const char *arch = !strcmp(c->arch, "llama") && c->window ? "mistral" : c->arch;
    unsigned odd = c->parts & (PART_QKV_BIAS | PART_OUT_BIAS);

    if (!strcmp(c->arch, "llama") && odd == PART_QKV_BIAS) {
        err_set(err, ERR_USAGE,
                "its attention has biases at q, k and v only, which transformers' Llama "
                "class cannot express; use --as gguf, lora or delta");
        return NULL;
    }
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
        if (!strcmp(classes[i].arch, arch))
            return &classes[i];
    err_set(err, ERR_USAGE,
            "a GGUF file of architecture %s cannot be written as safetensors; use --as gguf, "
            "lora or delta",
            arch);
    return NULL;
}

/* A special token's id, if the file has one. */
static void put_id(const struct weights *w, const char *key, const char *name, struct buf *out)
{
    char full[64];
    long long id;

    snprintf(full, sizeof(full), "tokenizer.ggml.%s", key);
    if (weights_meta_int(w, full, &id))
        buf_printf(out, "  \"%s\": %lld,\n", name, id);
}

/* Whether by[n] are the rotary factors of Llama 3's rule with this factor and original length, and
 * the bounds low = 1, high = 4 of every published model. Frequency i, f = theta^(-2i / head_dim),
 * has the wavelength 2 pi / f and is divided by 1 / ((1 - s) / factor + s), where
 * s = clamp((orig / wavelength - low) / (high - low), 0, 1). */
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

/* The file has the factors, config.json the rule: tries the original lengths 16, 32, ... 2^24. */
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
        return err_set(
            err, ERR_USAGE,
            "the rotary factors in rope_freqs.weight follow no known rule, so config.json "
            "cannot express them; use --as gguf, lora or delta");
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

static void put_gpt2(const struct model_config *c, long long context, struct buf *out)
{
    buf_printf(out,
               "  \"n_embd\": %d,\n  \"n_inner\": %d,\n  \"n_layer\": %d,\n  \"n_head\": %d,\n"
               "  \"vocab_size\": %d,\n  \"n_positions\": %lld,\n  \"layer_norm_epsilon\": ",
               c->hidden, c->ffn, c->layers, c->heads, c->vocab, context);
    put_real(out, (double)c->norm_eps);
    buf_puts(out, ",\n");
}

static bool put_sizes(const struct weights *w, long long context, struct buf *out, struct err *err)
{
    const struct model_config *c = weights_config(w);

    buf_printf(out,
               "  \"hidden_size\": %d,\n  \"intermediate_size\": %d,\n"
               "  \"num_hidden_layers\": %d,\n  \"num_attention_heads\": %d,\n"
               "  \"num_key_value_heads\": %d,\n  \"head_dim\": %d,\n  \"vocab_size\": %d,\n"
               "  \"max_position_embeddings\": %lld,\n  \"rms_norm_eps\": ",
               c->hidden, c->ffn, c->layers, c->heads, c->kv_heads, c->head_dim, c->vocab, context);
    put_real(out, (double)c->norm_eps);
    buf_puts(out, ",\n");
    return put_rope(w, out, err);
}

bool hf_config(const struct weights *w, enum dtype type, struct buf *out, struct err *err)
{
    const struct model_config *c = weights_config(w);
    const struct hf_class *class = hf_class_of(w, err);
    long long context = c->context;

    if (!class)
        return false;
    meta_int(w, "context_length", &context);
    buf_printf(out, "{\n  \"architectures\": [\"%s\"],\n  \"model_type\": \"%s\",\n  %s,\n",
               class->name, class->model_type, class->act);
    if (c->parts & PART_POSITIONS)
        put_gpt2(c, context, out);
    else if (!put_sizes(w, context, out, err))
        return false;
    if (class->put_extra)
        class->put_extra(w, out);
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
