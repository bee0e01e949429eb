/* Translates our tensor names to those of Hugging Face's classes: one table per family. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/session/export/export.h"

struct part {
    const char *ours, *theirs;
};

static const struct part llama_whole[] = {
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
    {NULL, NULL},
};

static const struct part llama_block[] = {
    {"attn_norm", "input_layernorm"},    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},      {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"}, {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"}, {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},       {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},       {NULL, NULL},
};

static const struct part gemma3_block[] = {
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"post_attention_norm", "post_attention_layernorm"},
    {"ffn_norm", "pre_feedforward_layernorm"},
    {"post_ffw_norm", "post_feedforward_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {NULL, NULL},
};

static const struct part gpt2_whole[] = {
    {"token_embd.weight", "transformer.wte.weight"},
    {"position_embd.weight", "transformer.wpe.weight"},
    {"output_norm.weight", "transformer.ln_f.weight"},
    {"output_norm.bias", "transformer.ln_f.bias"},
    {"output.weight", "lm_head.weight"},
    {NULL, NULL},
};

static const struct part gpt2_block[] = {
    {"attn_norm", "ln_1"}, {"attn_qkv", "attn.c_attn"}, {"attn_output", "attn.c_proj"},
    {"ffn_norm", "ln_2"},  {"ffn_up", "mlp.c_fc"},      {"ffn_down", "mlp.c_proj"},
    {NULL, NULL},
};

/* By architecture; the first entry is for all others. */
static const struct naming {
    const char *arch, *layers;
    const struct part *whole, *block;
    bool transposed;
} namings[] = {
    {"", "model.layers", llama_whole, llama_block, false},
    {"gemma3", "model.layers", llama_whole, gemma3_block, false},
    {"gpt2", "transformer.h", gpt2_whole, gpt2_block, true},
};

static const struct naming *naming_of(const struct model_config *c)
{
    for (size_t i = 1; i < sizeof(namings) / sizeof(*namings); i++)
        if (!strncmp(c->arch, namings[i].arch, strlen(namings[i].arch)))
            return &namings[i];
    return &namings[0];
}

static const char *find_part(const struct part *part, const char *ours, size_t n)
{
    for (; part->ours; part++)
        if (strlen(part->ours) == n && !strncmp(part->ours, ours, n))
            return part->theirs;
    return NULL;
}

char *hf_module(const struct weights *w, int layer, enum matrix which)
{
    const struct naming *n = naming_of(weights_config(w));
    const char *part =
        export_fused(w, layer, which) ? "attn_qkv" : matrix_tensor(weights_config(w), which);
    const char *module = part ? find_part(n->block, part, strlen(part)) : NULL;
    const struct tensor *t = export_tensor(w, layer, which);

    if (!module || !t)
        return NULL;
    /* a multimodal checkpoint: its class nests the language model one level deeper */
    if (strstr(t->origin, "language_model."))
        return xasprintf("model.language_model.layers.%d.%s", layer, module);
    return xasprintf("%s.%d.%s", n->layers, layer, module);
}

int hf_paired_heads(const struct model_config *c, enum matrix which)
{
    return !c->rope_interleaved ? 0
           : which == MATRIX_Q  ? c->heads
           : which == MATRIX_K  ? c->kv_heads
                                : 0;
}

/* Within a head of `per` rows, transformers' row at (first half: at < per / 2) is our row 2 at, and
 * row per / 2 + at is our row 2 at + 1. */
long hf_row(long row, long rows, int heads)
{
    long per = heads ? rows / heads : 1, at = row % per;

    return heads ? row / per * per + 2 * (at % (per / 2)) + at / (per / 2) : row;
}

char *hf_tensor_name(const struct model_config *c, const char *ours)
{
    const struct naming *n = naming_of(c);
    const char *whole = find_part(n->whole, ours, strlen(ours)), *dot, *theirs;
    int layer, at = 0;

    if (whole)
        return xstrdup(whole);
    if (sscanf(ours, "blk.%9d.%n", &layer, &at) != 1 || !at)
        return NULL;
    dot = strrchr(ours + at, '.');
    theirs = dot ? find_part(n->block, ours + at, (size_t)(dot - ours - at)) : NULL;
    return theirs ? xasprintf("%s.%d.%s%s", n->layers, layer, theirs, dot) : NULL;
}

bool hf_transposed(const struct model_config *c)
{
    return naming_of(c)->transposed;
}
