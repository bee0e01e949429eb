/* The forward pass of decoder-only transformers, block by block, with taps; and the gradient of a
 * loss with respect to the residual stream. What a block has (biases, norms of q and k, norms
 * behind attention and FFN, a gate, a window) is told by struct block, not by the architecture's
 * name.
 *
 * A pass is a packed batch: the new rows of all sequences under one another. Rows already in
 * the cache are not computed again. A block is one slice of work: the caller looks at the
 * cancel flag between blocks. Engine thread only. Faults surface at device_sync(). */
#ifndef CORE_MODEL_FORWARD_H
#define CORE_MODEL_FORWARD_H

#include "core/model/state.h"

/* Who watches one pass, also to write to what it sees; what belongs to a state is a hook. It comes
 * after the state's hooks. */
struct tap {
    void (*fn)(void *ctx, int layer, enum tap_site site, struct mat x);
    void *ctx;
};

/* Keys (rotated) and values of every layer, [capacity, Hkv hd] each. */
struct kv_cache {
    struct mat *k, *v;
    int layers, capacity;
};

struct batch {
    int rows;             /* new rows of all sequences */
    int *id, *pos;        /* [rows] token and position */
    struct attn_seq *seq; /* [seqs] */
    int seqs;
};

/* What the backward pass needs of one block, for the new rows; what the block has no use for is
 * data NULL. */
struct saved {
    struct mat in, q, h, gate, up;
    struct mat q_raw, k_raw;     /* before their norms */
    struct mat att_sum, ffn_sum; /* before the norms behind them */
};

struct forward { /* workspace for passes of up to `capacity` rows */
    const struct model *model;
    int capacity;
    struct mat norm, q, k, v, att, gate, up, m, sum;            /* [capacity, ...] */
    struct mat d_norm, d_q, d_k, d_v, d_att, d_gate, d_up, d_m; /* backward; made when first used */
    struct mat capped; /* [n, V] logits under a soft cap, likewise */
};

struct forward *forward_new(const struct model *m, int capacity);
void forward_free(struct forward *f);
struct kv_cache *kv_cache_new(const struct model *m, int capacity);
void kv_cache_free(struct kv_cache *c, struct device *dev);

/* Packs sequences of token ids: sequence s has count[s] ids of which the first past[s] (or 0,
 * past NULL) are in the cache already. Cache rows are laid out one sequence after another with
 * `spare` free rows behind each. Arrays of the pass are freed by batch_free(). */
struct batch batch_new(const int *const *ids, const int *count, const int *past, int seqs,
                       int spare);
void batch_free(struct batch *batch);
/* Whether all positions lie within the model's context; else ERR_USAGE. forward_run() asks. */
bool batch_fits(const struct batch *batch, const struct model *m, struct err *err);

/* x [rows, d] = embeddings of the pass's tokens, scaled and with learned positions where the model
 * has them */
void forward_embed(struct forward *f, const struct batch *batch, struct mat x);
/* x becomes the output of block `layer` under the view. */
void forward_block(struct forward *f, const struct model_state *view, int layer,
                   const struct batch *batch, struct kv_cache *c, struct mat x,
                   const struct tap *tap, struct saved *save);
/* What the FFN makes of coefficients [n, M], before a norm behind it: sum [n, d]. */
void forward_ffn_sum(const struct model_state *view, int layer, struct mat coeff, struct mat sum);
/* logits [n, V] of residuals x [n, d]: final norm and head. x keeps its values. */
void forward_logits(struct forward *f, struct mat x, struct mat logits);
/* All blocks; err tells cancel, a fault, ERR_USAGE where the pass reaches beyond the context, or
 * ERR_FORMAT with the layer and the place where a number is not finite: then the taps of blocks
 * that were passed have been called twice. */
bool forward_run(struct forward *f, const struct model_state *view, const struct batch *batch,
                 struct kv_cache *c, struct mat x, const struct tap *tap, struct job *job,
                 struct err *err);

/* dx [rows, d]: the gradient with respect to the block's output becomes that with respect to
 * its input. `save` is what forward_block() kept on the same pass and cache. */
void backward_block(struct forward *f, const struct model_state *view, int layer,
                    const struct batch *batch, struct kv_cache *c, const struct saved *save,
                    struct mat dx);
/* dx [n, d] += gradient through head and final norm of x [n, d] for d_logits [n, V], which are
 * changed where the model caps its logits. */
void backward_logits(struct forward *f, struct mat x, struct mat d_logits, struct mat dx);

/* x [rows, heads * n], dense, as [rows * heads, n]. */
struct mat forward_by_head(struct mat x, int heads);

/* Whether x [n, d] holds numbers alone; scratch of f is used. False is a fault, not an answer. */
bool forward_check_finite(struct forward *f, struct mat x, bool *sound, struct err *err);

struct saved saved_new(const struct model *m, int rows);
void saved_free(struct saved *s, struct device *dev);

#endif
