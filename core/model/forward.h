/* The forward pass of decoder-only transformers, block by block, and the gradient of a loss with
 * respect to the residual stream. forward.c explains blocks, batches, taps and the KV cache.
 *
 * The parts of a block (biases, norms of q and k, norms after attention and FFN, a gate, a window)
 * come from struct block; no function here looks at the name of the architecture.
 *
 * Letters in shapes: d hidden size, M neurons of an FFN, V vocabulary, H query heads, Hkv key-value
 * heads, hd elements of a head. Engine thread only. Functions that return nothing leave errors on
 * the device; device_sync() reports them. */
#ifndef CORE_MODEL_FORWARD_H
#define CORE_MODEL_FORWARD_H

#include "core/model/state.h"

/* A function that sees x at every site of every block in one pass, and may change x in place. It
 * runs after the hooks of the state. Use a hook (hook.h) for a change that belongs to a state. */
struct tap {
    void (*fn)(void *ctx, int layer, enum tap_site site, struct mat x);
    void *ctx;
};

/* Keys and values of the tokens computed so far. Keys are stored after the rotation. */
struct kv_cache {
    struct mat *k, *v; /* [layers] of [capacity, Hkv hd] */
    int layers, capacity;
};

/* The new rows of several sequences, one sequence after another. */
struct batch {
    int rows;             /* new rows of all sequences */
    int *id, *pos;        /* [rows] token and position */
    struct attn_seq *seq; /* [seqs] where each sequence's rows are, here and in the cache */
    int seqs;
    int *asked; /* [seqs] the row of each prompt's last token; -1: it is none of the new rows */
    const void *goes_on; /* who runs more tokens of these sequences later, the same in each of those
                            passes; NULL: nobody */
};

/* Activations of one block that its backward pass reads, for the new rows. A matrix that the block
 * does not need has data NULL. */
struct saved {
    struct mat in, q, h, gate, up;
    struct mat q_raw, k_raw;     /* before their norms */
    struct mat att_sum, ffn_sum; /* outputs of attention and FFN before their post-norms */
};

/* Workspace for batches of up to `capacity` rows. One at a time per pass; reuse it for the next. */
struct forward {
    const struct model *model;
    int capacity;
    int coeff_end; /* the block that ends behind its coefficients (TAP_COEFF), since nobody wants
                      its output; -1: none */
    struct mat norm, q, k, v, att, gate, up, m, sum;            /* [capacity, ...] */
    struct mat d_norm, d_q, d_k, d_v, d_att, d_gate, d_up, d_m; /* backward; made on first use */
    struct mat capped; /* [n, V] logits under a soft cap; made on first use */
};

/* The caller frees what these return, before the model and its device. */
struct forward *forward_new(const struct model *m, int capacity);
void forward_free(struct forward *f);
/* An empty cache for up to `capacity` tokens of all sequences together. */
struct kv_cache *kv_cache_new(const struct model *m, int capacity);
void kv_cache_free(struct kv_cache *c, struct device *dev);

/* Packs sequences of token ids: sequence s has count[s] ids, and the first past[s] of them are in
 * the cache already (past NULL: none). In the cache each sequence takes count[s] + spare rows, one
 * sequence after another. The last row of a sequence that begins here is its prompt's last token;
 * where an answer follows in the same sequence, or the prompt goes on elsewhere, the caller sets
 * `asked`. Free the result with batch_free(). */
struct batch batch_new(const int *const *ids, const int *count, const int *past, int seqs,
                       int spare);
void batch_free(struct batch *batch);
/* ERR_USAGE: a position is beyond the model's context length. forward_run() calls it. */
bool batch_fits(const struct batch *batch, const struct model *m, struct err *err);

/* x [rows, d] = embeddings of the batch's tokens, scaled and with learned positions where the model
 * has them. */
void forward_embed(struct forward *f, const struct batch *batch, struct mat x);
/* x [rows, d] becomes the output of block `layer`, with the matrices and hooks of the view. `tap`
 * and `save` may be NULL; `save` keeps what backward_block() needs. */
void forward_block(struct forward *f, const struct model_state *view, int layer,
                   const struct batch *batch, struct kv_cache *c, struct mat x,
                   const struct tap *tap, struct saved *save);
/* The second half of forward_block(): x [rows, d], the stream before the FFN, becomes the block's
 * output. The batch says where the rows are, for hooks; the cache is not used. */
void forward_ffn(struct forward *f, const struct model_state *view, int layer,
                 const struct batch *batch, struct mat x, const struct tap *tap,
                 struct saved *save);
/* sum [n, d] = coeff [n, M] W_down^T (+ bias): the FFN's output before its post-norm, if any. */
void forward_ffn_sum(const struct model_state *view, int layer, struct mat coeff, struct mat sum);
/* logits [n, V] of residuals x [n, d]: final norm and head. x keeps its values. */
void forward_logits(struct forward *f, struct mat x, struct mat logits);
/* Embeds the batch and runs all blocks; x [rows, d] is the output of the last one. The cancel flag
 * of `job` is checked before each block. ERR_CANCELLED; ERR_USAGE: beyond the context; a fault of
 * the device; ERR_FORMAT: a number is not finite, with its layer and place. To find that place the
 * pass is run again, so the tap has been called twice for some blocks. */
bool forward_run(struct forward *f, const struct model_state *view, const struct batch *batch,
                 struct kv_cache *c, struct mat x, const struct tap *tap, struct job *job,
                 struct err *err);

/* Runs blocks 0 to `last` in memory of its own, for what the tap sees. ERR_CANCELLED; ERR_USAGE:
 * beyond the context; a fault of the device. */
bool forward_until(const struct model_state *view, const struct batch *batch, int last,
                   const struct tap *tap, struct job *job, struct err *err);

/* dx [rows, d] holds the gradient with respect to the block's output and becomes the gradient with
 * respect to its input. `save` comes from forward_block() with the same batch and cache. */
void backward_block(struct forward *f, const struct model_state *view, int layer,
                    const struct batch *batch, struct kv_cache *c, const struct saved *save,
                    struct mat dx);
/* dcoeff [rows, M] = the gradient with respect to the block's coefficients, behind their hooks,
 * from dx [rows, d], that with respect to the block's output. dx is taken back through the hooks
 * behind the block, no further. */
void backward_coeff(struct forward *f, const struct model_state *view, int layer,
                    const struct batch *batch, const struct saved *save, struct mat dx,
                    struct mat dcoeff);
/* Its first half: dx of the block's output becomes that of the stream before the FFN. `save` comes
 * from forward_block() or forward_ffn(). */
void backward_ffn(struct forward *f, const struct model_state *view, int layer,
                  const struct batch *batch, const struct saved *save, struct mat dx);
/* grad [d, M] = the gradient with respect to W_down of the block, from dx [rows, d], that with
 * respect to the block's output, and the block's coefficients [rows, M]. dx is taken back through
 * the hooks behind the block, no further. */
void backward_down(struct forward *f, const struct model_state *view, int layer,
                   const struct batch *batch, const struct saved *save, struct mat coeff,
                   struct mat dx, struct mat grad);
/* g [rows, d] = the gradient with respect to what W_down of the block gives, before the norm behind
 * it if there is one, from dx [rows, d], that with respect to the block's output, which stays. */
void backward_sum(struct forward *f, const struct model_state *view, int layer,
                  const struct batch *batch, const struct saved *save, struct mat dx, struct mat g);
/* dx [n, d] += the gradient of d_logits [n, V] taken back through the head and the final norm of
 * x [n, d]. Where the model caps its logits, d_logits is overwritten. */
void backward_logits(struct forward *f, struct mat x, struct mat d_logits, struct mat dx);

/* x [rows, heads * n], which must be dense, seen as [rows * heads, n]. No data moves. */
struct mat forward_by_head(struct mat x, int heads);

/* *finite = whether every number of x [n, d] is finite and no row is too long for float32. Uses
 * scratch memory of f. False: the device failed, and *finite says nothing. */
bool forward_check_finite(struct forward *f, struct mat x, bool *finite, struct err *err);

/* Memory for one block's activations of up to `rows` rows. */
struct saved saved_new(const struct model *m, int rows);
void saved_free(struct saved *s, struct device *dev);

#endif
