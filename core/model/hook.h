/* What a state does in a forward pass besides multiplying by its matrices: a hook reads and changes
 * the residual stream or a block's coefficients at one site of a block.
 *
 * A kind of hook is a file of statics ending in a const struct hook_ops and a line in hook.c. What
 * a session keeps of one is plain data (struct hook_data); opened on a model it is immutable, and
 * states share it. Engine thread only. */
#ifndef CORE_MODEL_HOOK_H
#define CORE_MODEL_HOOK_H

#include "core/model/model.h"

/* Where a block can be looked at, and changed. */
enum tap_site {
    TAP_BLOCK_IN,  /* residual before attention, [rows, d] */
    TAP_FFN_IN,    /* residual after attention, before the FFN: h_l */
    TAP_COEFF,     /* neuron coefficients m_l, [rows, M]; may be written to */
    TAP_BLOCK_OUT, /* residual after the FFN: o_l */
};

struct hook_data {
    char *name;   /* of its kind */
    char *params; /* JSON, as its kind has it */
    void *blob;   /* [bytes], as its kind has it; NULL: none */
    size_t bytes;
};

struct batch;

struct hook_ops {
    const char *name; /* as sessions keep it */
    /* What run() is given: owned by the hook, given back by close(). NULL: ERR_FORMAT or ERR_USAGE
     * says what in `data` is not of this kind or does not fit the model. */
    void *(*open)(const struct model *m, const struct hook_data *data, struct err *err);
    /* x [rows of batch, d or M] is what the block has at the site; it may be changed in place.
     * Device operations alone, so that the pass may be recorded. */
    void (*run)(void *ctx, const struct batch *batch, int layer, enum tap_site site, struct mat x);
    /* dx, the gradient with respect to what run() left, becomes that with respect to what it was
     * given. NULL: they are the same. */
    void (*grad)(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                 struct mat dx);
    void (*close)(void *ctx);
};

struct hook {
    const struct hook_ops *ops;
    struct hook_data data; /* owned */
    void *ctx;
    int refs;
};

extern const struct hook_ops hook_add, hook_neurons;

/* A copy of `data` is kept. ERR_FORMAT: no such kind, or what its open() says. */
struct hook *hook_open(const struct model *m, const struct hook_data *data, struct err *err);
struct hook *hook_retain(struct hook *h); /* one more holder */
void hook_release(struct hook *h);        /* the last one gives it back; NULL is fine */

struct hook_data hook_data_copy(const struct hook_data *data);
void hook_data_free(struct hook_data *data);

#endif
