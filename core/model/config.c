/* Reads a config.json into a struct model_config, and checks configurations of either format.
 *
 * Keys and defaults are those of transformers; where two of its versions write different keys, both
 * are read. A setting that changes the arithmetic and is not implemented is refused by name, never
 * ignored. Settings that change nothing here (dropout, initialisation) are not looked at. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/utf8.h"
#include "core/model/format.h"

static bool check_range(const char *what, long value, long low, long high, struct err *err)
{
    if (value >= low && value <= high)
        return true;
    return err_set(err, ERR_MODEL, "%s is %ld; %ld to %ld are supported", what, value, low, high);
}

static bool check_rope(const struct model_config *c, struct err *err)
{
    if (c->head_dim % 2)
        return err_set(err, ERR_MODEL, "the head size is %d, which rotary positions cannot halve",
                       c->head_dim);
    if (!(c->rope_theta > 0) || !isfinite(c->rope_theta) || !(c->rope_theta_swa >= 0) ||
        !isfinite(c->rope_theta_swa))
        return err_set(err, ERR_MODEL, "the rotary base is %g; it must be positive",
                       c->rope_theta > 0 ? c->rope_theta_swa : c->rope_theta);
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

bool config_check(const struct model_config *c, struct err *err)
{
    if (!check_range("the number of layers", c->layers, 1, MODEL_MAX_LAYERS, err) ||
        !check_range("the hidden size", c->hidden, 1, 1 << 17, err) ||
        !check_range("the FFN size", c->ffn, 1, 1 << 20, err) ||
        !check_range("the number of attention heads", c->heads, 1, 4096, err) ||
        !check_range("the number of key-value heads", c->kv_heads, 1, c->heads, err) ||
        !check_range("the head size", c->head_dim, 2, 4096, err) ||
        !check_range("the vocabulary size", c->vocab, 1, 1 << 24, err) ||
        !check_range("the context length", c->context, 1, 1 << 28, err) ||
        !check_range("the sliding window", c->window, 0, 1 << 28, err))
        return false;
    if (c->heads % c->kv_heads)
        return err_set(err, ERR_MODEL, "%d attention heads cannot share %d key-value heads",
                       c->heads, c->kv_heads);
    if (!(c->norm_eps >= 0 && c->norm_eps < 1))
        return err_set(err, ERR_MODEL, "the norm's epsilon is %g; 0 to 1 is valid",
                       (double)c->norm_eps);
    if (!(c->attn_scale >= 0) || !isfinite(c->attn_scale))
        return err_set(err, ERR_MODEL, "scores are scaled by %g, which is not positive",
                       (double)c->attn_scale);
    if (!(c->attn_softcap >= 0 && c->logit_softcap >= 0) || !isfinite(c->attn_softcap) ||
        !isfinite(c->logit_softcap))
        return err_set(err, ERR_MODEL,
                       "the softcap of scores is %g and that of logits %g; they must be positive",
                       (double)c->attn_softcap, (double)c->logit_softcap);
    return (c->parts & PART_POSITIONS) || check_rope(c, err);
}

/* The value at a key; NULL also for null. */
static const json_t *config_get(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_null(value) ? NULL : value;
}

/* *out = the whole number at key, or `absent`. A negative `absent` means it must be there. */
static bool get_int(const json_t *o, const char *key, long absent, int *out, struct err *err)
{
    const json_t *value = config_get(o, key);

    if (!value && absent < 0)
        return err_set(err, ERR_MODEL, "%s is missing", key);
    if (!value) {
        *out = (int)absent;
        return true;
    }
    if (!json_is_integer(value))
        return err_set(err, ERR_MODEL, "%s is not a whole number", key);
    if (json_integer_value(value) < 0 || json_integer_value(value) > 1 << 28)
        return err_set(err, ERR_MODEL, "%s is %lld; 0 to %d are valid", key,
                       (long long)json_integer_value(value), 1 << 28);
    *out = (int)json_integer_value(value);
    return true;
}

static bool get_number(const json_t *o, const char *key, double absent, double *out,
                       struct err *err)
{
    const json_t *value = config_get(o, key);

    if (value && !json_is_number(value))
        return err_set(err, ERR_MODEL, "%s is not a number", key);
    *out = value ? json_number_value(value) : absent;
    return true;
}

static bool get_bool(const json_t *o, const char *key, bool *out, struct err *err)
{
    const json_t *value = config_get(o, key);

    if (value && !json_is_boolean(value))
        return err_set(err, ERR_MODEL, "%s is neither true nor false", key);
    *out = json_is_true(value);
    return true;
}

/* One set of rotary parameters. `theta` is the base if neither object has one; `outer` is the
 * object around `rope`, where older files keep some of the keys. */
static bool read_scaling(struct model_config *c, const json_t *outer, const json_t *rope,
                         double theta, struct err *err)
{
    const json_t *type =
        config_get(rope, "rope_type") ? config_get(rope, "rope_type") : config_get(rope, "type");
    const char *word = type ? json_string_value(type) : "default";
    double partial;

    if (rope && !json_is_object(rope))
        return err_set(err, ERR_MODEL, "rope_scaling is not an object");
    if (!get_number(outer, "rope_theta", theta, &c->rope_theta, err) ||
        !get_number(rope, "rope_theta", c->rope_theta, &c->rope_theta, err) ||
        !get_number(outer, "partial_rotary_factor", 1, &partial, err) ||
        !get_number(rope, "partial_rotary_factor", partial, &partial, err))
        return false;
    if (fabs(partial - 1) > 1e-9)
        return err_set(err, ERR_MODEL, "partial_rotary_factor %g is not supported", partial);
    if (!word)
        return err_set(err, ERR_MODEL, "rope_type is not text");
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

/* The rotary base of windowed layers. Only Gemma gives them another base than the other layers. */
static bool read_local_rope(struct model_config *c, const json_t *root, const json_t *swa,
                            struct err *err)
{
    struct model_config local = *c;
    double theta;

    if (!arch_of(c)->theta_swa && !swa)
        return true;
    local.rope_scaling = ROPE_NONE;
    if (!get_number(root, "rope_local_base_freq",
                    arch_of(c)->theta_swa > 0 ? arch_of(c)->theta_swa : c->rope_theta, &theta,
                    err) ||
        !read_scaling(&local, NULL, swa, theta, err))
        return false;
    if (local.rope_scaling != ROPE_NONE)
        return err_set(err, ERR_MODEL,
                       "scaled rotary positions of sliding_attention layers are "
                       "not supported");
    c->rope_theta_swa = local.rope_theta;
    return true;
}

/* Newer files have one object "rope_parameters", for Gemma one for each kind of layer. Older files
 * have "rope_theta", and beside it "rope_scaling", whose "rope_type" was once called "type". */
static bool read_rope(struct model_config *c, const json_t *root, struct err *err)
{
    const json_t *rope = config_get(root, "rope_parameters");
    const json_t *full = config_get(rope, "full_attention"),
                 *swa = config_get(rope, "sliding_attention");

    if (c->parts & PART_POSITIONS)
        return true;
    if (!full && !swa)
        full = rope ? rope : config_get(root, "rope_scaling");
    return read_scaling(c, root, full, arch_of(c)->theta, err) &&
           read_local_rope(c, root, swa, err);
}

/* Refuses a boolean setting that is true and not implemented. */
static bool refuse_if(const json_t *root, const char *key, struct err *err)
{
    bool on = false;

    if (!get_bool(root, key, &on, err))
        return false;
    return !on || err_set(err, ERR_MODEL, "%s true is not supported", key);
}

/* Refuses a boolean setting that is false and only implemented as true, its default. */
static bool refuse_unless(const json_t *root, const char *key, struct err *err)
{
    bool on = true;

    if (config_get(root, key) && !get_bool(root, key, &on, err))
        return false;
    return on || err_set(err, ERR_MODEL, "%s false is not supported", key);
}

static bool refuse_quantised(const json_t *root, struct err *err)
{
    const json_t *quantised = config_get(root, "quantization_config");
    const char *method = json_string_value(config_get(quantised, "quant_method"));

    return !quantised ||
           err_set(err, ERR_MODEL,
                   "the weights are quantised (%.64s), which is not supported in safetensors; use "
                   "the original or a GGUF file",
                   method ? method : "quantization_config");
}

static bool read_activation(const struct model_config *c, const json_t *root, struct err *err)
{
    static const struct {
        const char *name;
        enum activation act;
    } known[] = {
        {"silu", ACT_SILU},
        {"swish", ACT_SILU},
        {"gelu_new", ACT_GELU},
        {"gelu_pytorch_tanh", ACT_GELU},
    };
    const json_t *value = config_get(root, arch_of(c)->keys->act);
    const char *word = json_string_value(value);

    if (!value)
        return true;
    for (size_t i = 0; word && i < sizeof(known) / sizeof(*known); i++)
        if (known[i].act == c->act && !strcmp(known[i].name, word))
            return true;
    return err_set(err, ERR_MODEL, "activation '%.64s' is not supported; supported is %s",
                   word ? word : "?", c->act == ACT_SILU ? "silu" : "gelu_new (the tanh form)");
}

/* Adds `parts` to the configuration if the boolean at `key` is true. Ignores the key if blocks of
 * this architecture cannot have these parts. */
static bool read_part(struct model_config *c, const json_t *root, const char *key, unsigned parts,
                      struct err *err)
{
    bool on = false;

    if (!(arch_of(c)->maybe & parts))
        return true;
    if (!get_bool(root, key, &on, err))
        return false;
    c->parts |= on ? parts : 0;
    return true;
}

/* layer_types: "full_attention" or "sliding_attention" for each layer. */
static bool read_layer_types(struct model_config *c, const json_t *types, struct err *err)
{
    if (!json_is_array(types) || json_array_size(types) != (size_t)c->layers)
        return err_set(err, ERR_MODEL, "layer_types is not a list of the types of %d layers",
                       c->layers);
    for (int l = 0; l < c->layers; l++) {
        const char *type = json_string_value(json_array_get(types, (size_t)l));

        if (!type || (strcmp(type, "full_attention") && strcmp(type, "sliding_attention")))
            return err_set(err, ERR_MODEL,
                           "layer type '%.64s' is not supported; supported are full_attention, "
                           "sliding_attention",
                           type ? type : "?");
        c->windowed[l] = !strcmp(type, "sliding_attention");
    }
    return true;
}

static bool read_windows(struct model_config *c, const json_t *root, struct err *err)
{
    const struct arch *arch = arch_of(c);
    const json_t *types = config_get(root, "layer_types");
    bool there = json_object_get(root, "sliding_window") != NULL, used = true;
    int first, pattern;

    if (arch->windows == WINDOW_NONE)
        return true;
    if (!get_int(root, "sliding_window", there ? 0 : arch->window, &c->window, err) ||
        !get_int(root, "max_window_layers", 28, &first, err) ||
        !get_int(root, "sliding_window_pattern", 6, &pattern, err) ||
        (arch->windows == WINDOW_IF_USED && !get_bool(root, "use_sliding_window", &used, err)))
        return false;
    if (!used)
        c->window = 0;
    if (!c->window && arch->theta_swa > 0)
        return err_set(err, ERR_MODEL, "sliding_window is missing for %s", arch->name);
    if (!c->window)
        return true;
    if (arch->windows != WINDOW_ALL && types)
        return read_layer_types(c, types, err);
    if (!check_range("sliding_window_pattern", pattern, 1, 1 << 28, err))
        return false;
    for (int l = 0; l < c->layers; l++)
        c->windowed[l] = arch->windows == WINDOW_ALL ||
                         (arch->windows == WINDOW_IF_USED ? l >= first : (l + 1) % pattern != 0);
    return true;
}

/* Scale and soft cap of attention scores, soft cap of logits, Gemma's offsets and embedding scale.
 */
static bool read_scales(struct model_config *c, const json_t *root, struct err *err)
{
    double query = 0, scores = 0, logits = 0;

    if (c->parts & PART_POSITIONS) /* GPT-2's own */
        return get_bool(root, "scale_attn_by_inverse_layer_idx", &c->attn_scale_by_layer, err) &&
               refuse_unless(root, "scale_attn_weights", err) &&
               refuse_if(root, "add_cross_attention", err);
    if (!arch_of(c)->gemma)
        return true;
    if (!get_number(root, "query_pre_attn_scalar", 256, &query, err) ||
        !get_number(root, "attn_logit_softcapping", 0, &scores, err) ||
        !get_number(root, "final_logit_softcapping", 0, &logits, err) ||
        !refuse_if(root, "use_bidirectional_attention", err))
        return false;
    if (!(query > 0))
        return err_set(err, ERR_MODEL, "query_pre_attn_scalar is %g; it must be positive", query);
    c->attn_scale = (float)(1 / sqrt(query));
    c->attn_softcap = (float)scores;
    c->logit_softcap = (float)logits;
    c->norm_offset = 1;
    c->embed_scale = sqrtf((float)c->hidden);
    return true;
}

static bool read_sizes(struct model_config *c, const json_t *root, struct err *err)
{
    const struct arch *arch = arch_of(c);
    const struct config_keys *k = arch->keys;
    bool kv = json_object_get(root, "num_key_value_heads") != NULL;
    bool dim = json_object_get(root, "head_dim") != NULL;
    bool plain = c->parts & PART_POSITIONS; /* GPT-2: neither key; the FFN's default is 4 d */
    double eps = 0;
    int apart;

    if (!get_int(root, k->layers, -1, &c->layers, err) ||
        !get_int(root, k->hidden, -1, &c->hidden, err) ||
        !get_int(root, k->ffn, plain ? 4L * c->hidden : -1, &c->ffn, err) ||
        !get_int(root, k->heads, arch->heads ? arch->heads : -1, &c->heads, err) ||
        !get_int(root, "vocab_size", arch->vocab ? arch->vocab : -1, &c->vocab, err) ||
        !get_int(root, k->context, arch->context, &c->context, err) ||
        !get_number(root, k->eps, arch->eps, &eps, err))
        return false;
    c->norm_eps = (float)eps;
    c->kv_heads = c->heads;
    apart = c->heads ? c->hidden / c->heads : 0;
    c->head_dim = apart;
    if (plain ? c->heads && c->hidden % c->heads
              : (dim ? !config_get(root, "head_dim") : !arch->head_dim) && c->heads &&
                    c->hidden % c->heads)
        return err_set(err, ERR_MODEL, "%s %d is not a multiple of %d heads", k->hidden, c->hidden,
                       c->heads);
    if (!kv && arch->kv_heads && arch->kv_heads < c->heads)
        c->kv_heads = arch->kv_heads;
    return plain || (get_int(root, "num_key_value_heads", c->kv_heads, &c->kv_heads, err) &&
                     get_int(root, "head_dim", dim || !arch->head_dim ? apart : arch->head_dim,
                             &c->head_dim, err));
}

/* Finds the architecture and the object with its sizes: the whole file, or text_config in the
 * config.json of a multimodal model. */
static bool find_text_config(const json_t *root, const json_t **text, const struct arch **arch,
                             struct err *err)
{
    const char *type = json_string_value(config_get(root, "model_type")), *inner;
    bool wrapped;

    if (!json_is_object(root))
        return err_set(err, ERR_MODEL, "is not an object");
    if (!type)
        return err_set(err, ERR_MODEL, "model_type is missing");
    *arch = arch_of_type(type, &wrapped);
    if (!*arch)
        return arch_unknown(type, err);
    *text = wrapped ? config_get(root, "text_config") : root;
    if (!json_is_object(*text))
        return err_set(err, ERR_MODEL, "text_config is missing or no object");
    inner = json_string_value(config_get(*text, "model_type"));
    if (wrapped && inner && strcmp(inner, (*arch)->type))
        return err_set(err, ERR_MODEL, "text_config of a %s is a '%.64s', not a %s", type, inner,
                       (*arch)->type);
    return refuse_quantised(root, err) && refuse_quantised(*text, err);
}

static bool read_config(struct model_config *c, const json_t *root, struct err *err)
{
    const char *name = json_string_value(config_get(root, "_name_or_path"));
    const struct arch *arch = NULL;
    const json_t *text = NULL;

    if (!find_text_config(root, &text, &arch, err))
        return false;
    arch_defaults(arch, c);
    utf8_copy(c->name, sizeof(c->name), name && *name != '/' ? name : "");
    make_printable_ascii(c->name);
    c->tied = arch->tied;
    if (config_get(text, "tie_word_embeddings") &&
        !get_bool(text, "tie_word_embeddings", &c->tied, err))
        return false;
    return read_sizes(c, text, err) &&
           check_range("the number of layers", c->layers, 1, MODEL_MAX_LAYERS, err) &&
           read_part(c, text, "attention_bias", PART_QKV_BIAS | PART_OUT_BIAS, err) &&
           read_part(c, text, "mlp_bias", PART_FFN_BIAS, err) && read_rope(c, text, err) &&
           read_windows(c, text, err) && read_scales(c, text, err) &&
           read_activation(c, text, err) && config_check(c, err);
}

bool config_from_json(struct model_config *c, const char *text, size_t len, struct err *err)
{
    json_error_t why;
    json_t *root;
    bool ok;

    *c = (struct model_config){0};
    if (len && memchr(text, '\0', len)) /* jansson takes a NUL after a number for a space */
        return err_set(err, ERR_MODEL, "a NUL byte in the text");
    root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return err_set(err, ERR_MODEL, "line %d: %s", why.line, why.text);
    ok = read_config(c, root, err);
    json_decref(root);
    return ok;
}
