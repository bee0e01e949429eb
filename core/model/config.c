/* What a model is made of: the table of architectures, and config.json. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/model/format.h"

static const struct arch archs[] = {
    /* name    interleaved  qkv bias */
    {"llama", true, false},
    {"qwen2", false, true},
};

const struct arch *arch_find(const char *name)
{
    for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++)
        if (!strcmp(archs[i].name, name))
            return &archs[i];
    return NULL;
}

bool arch_unknown(const char *name, struct err *err)
{
    struct buf known = {0};

    for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++)
        buf_printf(&known, "%s%s", i ? ", " : "", archs[i].name);
    err_set(err, ERR_MODEL, "architecture '%.64s' is not supported; supported are %s", name,
            known.data);
    buf_free(&known);
    return false;
}

static bool between(const char *what, long value, long low, long high, struct err *err)
{
    if (value >= low && value <= high)
        return true;
    return err_set(err, ERR_MODEL, "%s is %ld; %ld to %ld are supported", what, value, low, high);
}

bool config_check(const struct model_config *c, struct err *err)
{
    if (!between("the number of layers", c->layers, 1, 512, err) ||
        !between("the hidden size", c->hidden, 1, 1 << 17, err) ||
        !between("the FFN size", c->ffn, 1, 1 << 20, err) ||
        !between("the number of attention heads", c->heads, 1, 4096, err) ||
        !between("the number of key-value heads", c->kv_heads, 1, c->heads, err) ||
        !between("the head size", c->head_dim, 2, 4096, err) ||
        !between("the vocabulary size", c->vocab, 1, 1 << 24, err) ||
        !between("the context length", c->context, 1, 1 << 28, err))
        return false;
    if (c->heads % c->kv_heads)
        return err_set(err, ERR_MODEL, "%d attention heads cannot share %d key-value heads",
                       c->heads, c->kv_heads);
    if (c->head_dim % 2)
        return err_set(err, ERR_MODEL, "the head size is %d, which rotary positions cannot halve",
                       c->head_dim);
    if (!(c->norm_eps >= 0 && c->norm_eps < 1))
        return err_set(err, ERR_MODEL, "the norm's epsilon is %g; 0 to 1 is valid",
                       (double)c->norm_eps);
    if (!(c->rope_theta > 0) || !isfinite(c->rope_theta))
        return err_set(err, ERR_MODEL, "the rotary base is %g; it must be positive", c->rope_theta);
    if (c->rope_scaling == ROPE_NONE)
        return true;
    if (!(c->rope_factor > 0) || !isfinite(c->rope_factor))
        return err_set(err, ERR_MODEL, "the rotary scaling factor is %g; it must be positive",
                       c->rope_factor);
    if (c->rope_scaling == ROPE_LLAMA3 &&
        !(c->rope_low > 0 && c->rope_high > c->rope_low && c->rope_orig > 0 &&
          isfinite(c->rope_high) && isfinite(c->rope_orig)))
        return err_set(err, ERR_MODEL,
                       "rotary scaling llama3 with low %g, high %g, original length %g: needs "
                       "0 < low < high and a positive length",
                       c->rope_low, c->rope_high, c->rope_orig);
    return true;
}

static const json_t *get(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_null(value) ? NULL : value;
}

/* *out = the whole number at key, or `absent`. A negative `absent` means it must be there. */
static bool get_int(const json_t *o, const char *key, long absent, int *out, struct err *err)
{
    const json_t *value = get(o, key);

    if (!value && absent < 0)
        return err_set(err, ERR_MODEL, "%s is missing", key);
    if (!value) {
        *out = (int)absent;
        return true;
    }
    if (!json_is_integer(value))
        return err_set(err, ERR_MODEL, "%s is no whole number", key);
    if (json_integer_value(value) < 0 || json_integer_value(value) > 1 << 28)
        return err_set(err, ERR_MODEL, "%s is %lld; 0 to %d are valid", key,
                       (long long)json_integer_value(value), 1 << 28);
    *out = (int)json_integer_value(value);
    return true;
}

static bool get_number(const json_t *o, const char *key, double absent, double *out,
                       struct err *err)
{
    const json_t *value = get(o, key);

    if (value && !json_is_number(value))
        return err_set(err, ERR_MODEL, "%s is no number", key);
    *out = value ? json_number_value(value) : absent;
    return true;
}

static bool get_bool(const json_t *o, const char *key, bool *out, struct err *err)
{
    const json_t *value = get(o, key);

    if (value && !json_is_boolean(value))
        return err_set(err, ERR_MODEL, "%s is neither true nor false", key);
    *out = json_is_true(value);
    return true;
}

/* "rope_parameters" of newer files holds all; older ones have rope_theta beside a
 * "rope_scaling" whose "rope_type" was once called "type". */
static bool read_rope(struct model_config *c, const json_t *root, struct err *err)
{
    const json_t *rope = get(root, "rope_parameters"), *type;
    const char *word;
    double partial;

    if (!rope)
        rope = get(root, "rope_scaling");
    if (rope && !json_is_object(rope))
        return err_set(err, ERR_MODEL, "rope_scaling is no object");
    if (!get_number(root, "rope_theta", 10000, &c->rope_theta, err) ||
        !get_number(rope, "rope_theta", c->rope_theta, &c->rope_theta, err) ||
        !get_number(root, "partial_rotary_factor", 1, &partial, err) ||
        !get_number(rope, "partial_rotary_factor", partial, &partial, err))
        return false;
    if (fabs(partial - 1) > 1e-9)
        return err_set(err, ERR_MODEL, "partial_rotary_factor %g is not supported", partial);
    type = get(rope, "rope_type") ? get(rope, "rope_type") : get(rope, "type");
    word = type ? json_string_value(type) : "default";
    if (!word)
        return err_set(err, ERR_MODEL, "rope_type is no text");
    if (!strcmp(word, "default"))
        return true;
    if (strcmp(word, "linear") && strcmp(word, "llama3"))
        return err_set(err, ERR_MODEL,
                       "rope_type '%.64s' is not supported; supported are default, linear, llama3",
                       word);
    c->rope_scaling = strcmp(word, "linear") ? ROPE_LLAMA3 : ROPE_LINEAR;
    return get_number(rope, "factor", 0, &c->rope_factor, err) &&
           get_number(rope, "low_freq_factor", 0, &c->rope_low, err) &&
           get_number(rope, "high_freq_factor", 0, &c->rope_high, err) &&
           get_number(rope, "original_max_position_embeddings", 0, &c->rope_orig, err);
}

static bool refuse_if(const json_t *root, const char *key, struct err *err)
{
    bool on = false;

    if (!get_bool(root, key, &on, err))
        return false;
    return !on || err_set(err, ERR_MODEL, "%s true is not supported", key);
}

/* What would change the arithmetic and is not built here is refused, never ignored. */
static bool refuse_unknown(const struct model_config *c, const json_t *root, struct err *err)
{
    const json_t *quantised = get(root, "quantization_config");
    const json_t *act = get(root, "hidden_act");
    const char *method = json_string_value(get(quantised, "quant_method"));

    if (quantised)
        return err_set(err, ERR_MODEL,
                       "the weights are quantised (%.64s), which is not supported in safetensors; "
                       "use the original or a GGUF file",
                       method ? method : "quantization_config");
    if (act && (!json_is_string(act) || (strcmp(json_string_value(act), "silu") &&
                                         strcmp(json_string_value(act), "swish"))))
        return err_set(err, ERR_MODEL, "activation '%.64s' is not supported; supported is silu",
                       json_is_string(act) ? json_string_value(act) : "?");
    if (!strcmp(c->arch, "llama") && !refuse_if(root, "attention_bias", err))
        return false;
    return refuse_if(root, "mlp_bias", err);
}

/* Inside its window a sliding attention is a full one: the window limits the context. */
static bool read_window(struct model_config *c, const json_t *root, struct err *err)
{
    int window;
    bool used = false;

    if (!get_int(root, "max_position_embeddings", 2048, &c->context, err) ||
        !get_int(root, "sliding_window", 0, &window, err) ||
        !get_bool(root, "use_sliding_window", &used, err))
        return false;
    if (used && window > 0 && window < c->context)
        c->context = window;
    return true;
}

static bool read_config(struct model_config *c, const json_t *root, struct err *err)
{
    const char *type = json_string_value(get(root, "model_type"));
    const char *name = json_string_value(get(root, "_name_or_path"));
    const struct arch *arch;
    double eps = 0;
    int apart;

    if (!json_is_object(root))
        return err_set(err, ERR_MODEL, "is no object");
    if (!type)
        return err_set(err, ERR_MODEL, "model_type is missing");
    arch = arch_find(type);
    if (!arch)
        return arch_unknown(type, err);
    snprintf(c->arch, sizeof(c->arch), "%s", arch->name);
    snprintf(c->name, sizeof(c->name), "%s", name && *name != '/' ? name : "");
    text_make_ascii(c->name);
    c->qkv_bias = arch->qkv_bias;
    if (!get_int(root, "num_hidden_layers", -1, &c->layers, err) ||
        !get_int(root, "hidden_size", -1, &c->hidden, err) ||
        !get_int(root, "intermediate_size", -1, &c->ffn, err) ||
        !get_int(root, "num_attention_heads", -1, &c->heads, err) ||
        !get_int(root, "num_key_value_heads", c->heads, &c->kv_heads, err) ||
        !get_int(root, "vocab_size", -1, &c->vocab, err) ||
        !get_number(root, "rms_norm_eps", 1e-6, &eps, err) ||
        !get_bool(root, "tie_word_embeddings", &c->tied, err))
        return false;
    apart = c->heads ? c->hidden / c->heads : 0;
    c->norm_eps = (float)eps;
    if (!get_int(root, "head_dim", apart, &c->head_dim, err) || !read_rope(c, root, err) ||
        !read_window(c, root, err) || !refuse_unknown(c, root, err))
        return false;
    if (!get(root, "head_dim") && c->heads && c->hidden % c->heads)
        return err_set(err, ERR_MODEL, "hidden_size %d is no multiple of %d heads", c->hidden,
                       c->heads);
    return config_check(c, err);
}

bool config_from_json(struct model_config *c, const char *text, size_t len, struct err *err)
{
    json_error_t why;
    json_t *root;
    bool ok;

    *c = (struct model_config){0};
    if (len && memchr(text, '\0', len)) /* jansson would take one behind a number for a space */
        return err_set(err, ERR_MODEL, "a NUL byte in the text");
    root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return err_set(err, ERR_MODEL, "line %d: %s", why.line, why.text);
    ok = read_config(c, root, err);
    json_decref(root);
    return ok;
}
