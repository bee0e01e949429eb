/* The model families this program reads, one row each in `archs`.
 *
 * A row says how the files of a family are named and what its blocks contain. The rest of the
 * program sees only a struct model_config and tensors with GGUF's names; it never asks which family
 * a model is of. A row holds
 *
 *   name, type, gguf   our name, model_type of config.json, general.architecture of a GGUF file
 *   parts, maybe       what a block has (enum model_part): always; if the file says so
 *   norm, act          RMS norm or LayerNorm; SiLU or GELU
 *   keys               which key of config.json holds which size
 *   block, names ...   tensor names of safetensors, translated as in the example below
 *   ignored_tensors    tensors to skip: buffers that follow from the configuration, vision towers
 *   the rest           values to assume where config.json has no such key, as transformers does
 *
 * A name of a Llama file goes through three tables: `prefixes` (strip what a wrapper puts in
 * front), then `globals` or, after the block's number, `names`:
 *
 *   model.layers.7.mlp.down_proj.weight              block "model.layers." + 7 + "."
 *                  mlp.down_proj          -> ffn_down
 *   blk.7.ffn_down.weight
 *
 * To add a family: its tables of names if they differ, a row in `archs`, a tiny model and reference
 * numbers from tests/reference/architectures.py. An architecture that is close but not the same
 * (another rotary scaling, a shared expert) is refused, not approximated: weights.c rejects tensors
 * that no part explains, config.c rejects settings it does not implement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/model/format.h"

/* --- names of tensors: Hugging Face's, GGUF's, whether stored as [in, out] ---------------- */

#define LLAMA_ATTENTION                                                                    \
    {"self_attn.q_proj", "attn_q", false}, {"self_attn.k_proj", "attn_k", false},          \
        {"self_attn.v_proj", "attn_v", false}, {"self_attn.o_proj", "attn_output", false}, \
        {"self_attn.q_norm", "attn_q_norm", false},                                        \
    {                                                                                      \
        "self_attn.k_norm", "attn_k_norm", false                                           \
    }
#define LLAMA_FFN                                                           \
    {"mlp.gate_proj", "ffn_gate", false}, {"mlp.up_proj", "ffn_up", false}, \
    {                                                                       \
        "mlp.down_proj", "ffn_down", false                                  \
    }

static const struct tensor_name llama_globals[] = {
    {"model.embed_tokens", "token_embd", false},
    {"model.norm", "output_norm", false},
    {"lm_head", "output", false},
    {NULL, NULL, false},
};

static const struct tensor_name llama_parts[] = {
    {"input_layernorm", "attn_norm", false},
    LLAMA_ATTENTION,
    {"post_attention_layernorm", "ffn_norm", false},
    LLAMA_FFN,
    {NULL, NULL, false},
};

static const struct tensor_name gemma_parts[] = {
    {"input_layernorm", "attn_norm", false},
    LLAMA_ATTENTION,
    {"post_attention_layernorm", "post_attention_norm", false},
    {"pre_feedforward_layernorm", "ffn_norm", false},
    LLAMA_FFN,
    {"post_feedforward_layernorm", "post_ffw_norm", false},
    {NULL, NULL, false},
};

static const struct tensor_name gpt2_globals[] = {
    {"wte", "token_embd", false},
    {"wpe", "position_embd", false},
    {"ln_f", "output_norm", false},
    {"lm_head", "output", false},
    {NULL, NULL, false},
};

/* GPT-2's layers are Conv1D, which stores a matrix as [in, out]: `transposed` is true. */
static const struct tensor_name gpt2_parts[] = {
    {"ln_1", "attn_norm", false},
    {"attn.c_attn", "attn_qkv", true},
    {"attn.c_proj", "attn_output", true},
    {"ln_2", "ffn_norm", false},
    {"mlp.c_fc", "ffn_up", true},
    {"mlp.c_proj", "ffn_down", true},
    {NULL, NULL, false},
};

static const struct tensor_name gpt2_prefixes[] = {{"transformer.", "", false},
                                                   {NULL, NULL, false}};
/* Multimodal checkpoints put an extra prefix before the language model's tensors. */
static const struct tensor_name gemma_prefixes[] = {
    {"language_model.", "", false},
    {"model.language_model.", "model.", false},
    {NULL, NULL, false},
};
static const struct tensor_name no_prefixes[] = {{NULL, NULL, false}};
/* Tensors to skip: buffers that follow from the configuration, and parts that are not the language
 * model. */
static const char *const llama_ignored[] = {"*.rotary_emb.inv_freq", NULL};
static const char *const gpt2_ignored[] = {"*.attn.bias", "*.attn.masked_bias", NULL};
static const char *const gemma_ignored[] = {
    "vision_tower.*",        "multi_modal_projector.*",
    "model.vision_tower.*",  "model.multi_modal_projector.*",
    "*.rotary_emb.inv_freq", NULL};

/* --- names of sizes in config.json ------------------------------------------------------- */

#define LLAMA_KEYS                                                                      \
    .layers = "num_hidden_layers", .hidden = "hidden_size", .ffn = "intermediate_size", \
    .heads = "num_attention_heads", .context = "max_position_embeddings", .eps = "rms_norm_eps"

static const struct config_keys llama_keys = {LLAMA_KEYS, .act = "hidden_act"};
static const struct config_keys gemma_keys = {LLAMA_KEYS, .act = "hidden_activation"};

static const struct config_keys gpt2_keys = {
    .layers = "n_layer",
    .hidden = "n_embd",
    .ffn = "n_inner",
    .heads = "n_head",
    .context = "n_positions",
    .eps = "layer_norm_epsilon",
    .act = "activation_function",
};

/* --- the table --------------------------------------------------------------------------- */

#define LIKE_LLAMA                                                            \
    .gguf_eps = "attention.layer_norm_rms_epsilon", .block = "model.layers.", \
    .globals = llama_globals, .norm = NORM_RMS, .eps = 1e-6

#define LLAMA_FILES                                                     \
    .keys = &llama_keys, .names = llama_parts, .prefixes = no_prefixes, \
    .ignored_tensors = llama_ignored, .act = ACT_SILU, .theta = 10000

static const struct arch archs[] = {
    {
        .name = "gpt2",
        .type = "gpt2",
        .gguf = "gpt2",
        .parts = PART_QKV_BIAS | PART_OUT_BIAS | PART_FFN_BIAS | PART_NORM_BIAS | PART_POSITIONS,
        .fused = true,
        .norm = NORM_LAYER,
        .act = ACT_GELU,
        .gguf_eps = "attention.layer_norm_epsilon",
        .keys = &gpt2_keys,
        .block = "h.",
        .globals = gpt2_globals,
        .names = gpt2_parts,
        .prefixes = gpt2_prefixes,
        .ignored_tensors = gpt2_ignored,
        .tied = true,
        .context = 1024,
        .eps = 1e-5,
        .theta = 10000,
    },
    {
        LIKE_LLAMA,
        LLAMA_FILES,
        .name = "llama",
        .type = "llama",
        .gguf = "llama",
        .interleaved = true,
        .parts = PART_GATE,
        .maybe = PART_QKV_BIAS | PART_OUT_BIAS | PART_FFN_BIAS,
        .gguf_windows = WINDOW_ALL,
        .context = 2048,
    },
    {
        LIKE_LLAMA,
        LLAMA_FILES,
        .name = "mistral",
        .type = "mistral",
        .parts = PART_GATE,
        .windows = WINDOW_ALL,
        .kv_heads = 8,
        .context = 4096 * 32,
        .window = 4096,
    },
    {
        LIKE_LLAMA,
        LLAMA_FILES,
        .name = "qwen2",
        .type = "qwen2",
        .gguf = "qwen2",
        .parts = PART_GATE | PART_QKV_BIAS,
        .windows = WINDOW_IF_USED,
        .kv_heads = 32,
        .context = 32768,
        .window = 4096,
    },
    {
        LIKE_LLAMA,
        LLAMA_FILES,
        .name = "qwen3",
        .type = "qwen3",
        .gguf = "qwen3",
        .parts = PART_GATE | PART_QK_NORM,
        .maybe = PART_QKV_BIAS | PART_OUT_BIAS,
        .windows = WINDOW_IF_USED,
        .kv_heads = 32,
        .head_dim = 128,
        .context = 32768,
        .window = 4096,
    },
    {
        LIKE_LLAMA,
        .name = "gemma3",
        .type = "gemma3_text",
        .multimodal_wrapper = "gemma3",
        .heads = 8,
        .vocab = 262208,
        .gguf = "gemma3",
        .parts = PART_GATE | PART_QK_NORM | PART_POST_NORMS,
        .maybe = PART_QKV_BIAS | PART_OUT_BIAS,
        .act = ACT_GELU,
        .keys = &gemma_keys,
        .names = gemma_parts,
        .prefixes = gemma_prefixes,
        .ignored_tensors = gemma_ignored,
        .windows = WINDOW_PATTERN,
        .gguf_windows = WINDOW_PATTERN,
        .gemma = true,
        .tied = true,
        .kv_heads = 4,
        .head_dim = 256,
        .context = 131072,
        .window = 4096,
        .theta = 1e6,
        .theta_swa = 1e4,
    },
};
enum { ARCHS = sizeof(archs) / sizeof(*archs) };

const struct arch *arch_of_type(const char *type, bool *wrapped)
{
    for (int i = 0; i < ARCHS; i++) {
        *wrapped = archs[i].multimodal_wrapper && !strcmp(archs[i].multimodal_wrapper, type);
        if (*wrapped || !strcmp(archs[i].type, type))
            return &archs[i];
    }
    return NULL;
}

const struct arch *arch_of_gguf(const char *name)
{
    for (int i = 0; i < ARCHS; i++)
        if (archs[i].gguf && !strcmp(archs[i].gguf, name))
            return &archs[i];
    return NULL;
}

const struct arch *arch_of(const struct model_config *c)
{
    int i = 0;

    while (i + 1 < ARCHS && strcmp(archs[i].name, c->arch))
        i++;
    return &archs[i];
}

bool arch_unknown(const char *name, struct err *err)
{
    struct buf known = {0};

    for (int i = 0; i < ARCHS; i++)
        buf_printf(&known, "%s%s", i ? ", " : "", archs[i].name);
    err_set(err, ERR_MODEL, "architecture '%.64s' is not supported; supported are %s", name,
            known.data);
    buf_free(&known);
    return false;
}

/* Whether a name matches NAME, "*END" or "START*". */
static bool pattern_matches(const char *pattern, const char *name)
{
    size_t n = strlen(name), m = strlen(pattern);

    if (*pattern == '*')
        return n >= m - 1 && !strcmp(name + n - (m - 1), pattern + 1);
    if (pattern[m - 1] == '*')
        return !strncmp(name, pattern, m - 1);
    return !strcmp(name, pattern);
}

bool arch_ignored(const struct arch *arch, const char *name)
{
    for (int i = 0; arch->ignored_tensors[i]; i++)
        if (pattern_matches(arch->ignored_tensors[i], name))
            return true;
    return false;
}

/* The entry whose `theirs`, followed by a dot, begins `name`; or NULL. */
static const struct tensor_name *find_by_theirs(const struct tensor_name *names, const char *name)
{
    for (; names->theirs; names++) {
        size_t n = strlen(names->theirs);

        if (!strncmp(names->theirs, name, n) && name[n] == '.')
            return names;
    }
    return NULL;
}

/* The name without the prefix of a wrapper. Caller frees. */
static char *strip_prefix(const struct arch *arch, const char *name)
{
    for (const struct tensor_name *p = arch->prefixes; p->theirs; p++)
        if (!strncmp(name, p->theirs, strlen(p->theirs)))
            return xasprintf("%s%s", p->ours, name + strlen(p->theirs));
    return xstrdup(name);
}

static char *canonical_name(const struct arch *arch, const char *name, bool *transposed)
{
    const struct tensor_name *found = find_by_theirs(arch->globals, name);
    size_t n = strlen(arch->block);
    int layer, at = 0;
    const char *rest;

    if (found)
        return xasprintf("%s%s", found->ours, name + strlen(found->theirs));
    if (strncmp(name, arch->block, n) || sscanf(name + n, "%9d.%n", &layer, &at) != 1 || !at ||
        layer < 0)
        return NULL;
    rest = name + n + at;
    found = find_by_theirs(arch->names, rest);
    if (!found)
        return NULL;
    rest += strlen(found->theirs);
    *transposed = found->transposed && !strcmp(rest, ".weight");
    return xasprintf("blk.%d.%s%s", layer, found->ours, rest);
}

char *arch_canonical(const struct arch *arch, const char *name, bool *transposed)
{
    char *plain = strip_prefix(arch, name), *ours;

    *transposed = false;
    ours = canonical_name(arch, plain, transposed);
    free(plain);
    return ours ? ours : xstrdup(name);
}

/* The entry whose `ours`, followed by a dot, begins the name; or NULL. */
static const struct tensor_name *find_by_ours(const struct tensor_name *names, const char *ours)
{
    for (; names->theirs; names++) {
        size_t n = strlen(names->ours);

        if (!strncmp(names->ours, ours, n) && ours[n] == '.')
            return names;
    }
    return NULL;
}

/* The inverse of canonical_name(). NULL: the table has no such name. */
static char *name_in_files(const struct arch *arch, const char *ours)
{
    const struct tensor_name *found = find_by_ours(arch->globals, ours);
    int layer, at = 0;

    if (found)
        return xasprintf("%s%s", found->theirs, ours + strlen(found->ours));
    if (sscanf(ours, "blk.%9d.%n", &layer, &at) != 1 || !at)
        return NULL;
    found = find_by_ours(arch->names, ours + at);
    return found ? xasprintf("%s%d.%s%s", arch->block, layer, found->theirs,
                             ours + at + strlen(found->ours))
                 : NULL;
}

char *arch_file_name(const struct arch *arch, const char *ours, const char *like)
{
    char *name = name_in_files(arch, ours), *full = NULL;

    /* lm_head is outside the prefixed part, except in multimodal models, which prefix both */
    for (const struct tensor_name *p = arch->prefixes; name && like && p->theirs && !full; p++)
        if (!strncmp(like, p->theirs, strlen(p->theirs)) &&
            !strncmp(name, p->ours, strlen(p->ours)) &&
            (arch->multimodal_wrapper || strncmp(name, "lm_head.", 8)))
            full = xasprintf("%s%s", p->theirs, name + strlen(p->ours));
    if (!full)
        return name;
    free(name);
    return full;
}

void arch_defaults(const struct arch *arch, struct model_config *c)
{
    *c = (struct model_config){.parts = arch->parts, .norm = arch->norm, .act = arch->act};
    snprintf(c->arch, sizeof(c->arch), "%s", arch->name);
}
