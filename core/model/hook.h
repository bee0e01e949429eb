/* Hooks: changes a state makes during the forward pass, besides its matrices. A hook reads and
 * changes the residual stream or the neuron coefficients at one site of a block. Activation
 * steering (hook_add.c), scaled or fixed neurons (hook_neurons.c) and keys with values of their own
 * (hook_codebook.c), side matrices (hook_side.c) and a residual memory (hook_memory.c) are hooks.
 *
 * A session stores a hook as plain data (struct hook_data). hook_open() makes a struct hook of it
 * for one model; that is immutable and shared by states through a reference count. To add a kind:
 * a file that ends in a const struct hook_ops, and a line in hook.c. Engine thread only. */
#ifndef CORE_MODEL_HOOK_H
#define CORE_MODEL_HOOK_H

#include "core/model/model.h"

/* The sites of a block where taps and hooks run. forward.c has a drawing. */
enum tap_site {
    TAP_BLOCK_IN,  /* residual before attention, [rows, d] */
    TAP_FFN_IN,    /* residual after attention, before the FFN: h_l */
    TAP_COEFF,     /* neuron coefficients m_l, [rows, M] */
    TAP_BLOCK_OUT, /* residual after the FFN: o_l */
};

/* A hook as sessions store it. The kind defines what params and blob mean. */
struct hook_data {
    char *name;   /* the kind: "add", "neurons" */
    char *params; /* JSON */
    void *blob;   /* [bytes], or NULL */
    size_t bytes;
};

struct batch;

/* Where a hook that chooses sends a prompt. `value` is what it compares with `limit`, of the entry
 * that is the nearest to taking the prompt; NAN: it decides nothing. */
struct hook_route {
    bool routed, below; /* below: a prompt is taken where value <= limit, else where >= */
    double value, limit;
    int entry;                  /* which entry, from 0, */
    const struct hook_kept *of; /* of what; set by state_routes(). Static */
    int entries, layer;         /* how many there are, and of which layer; likewise */
};

/* What a hook that chooses keeps, an entry each: "key", "keys", and by what a prompt is sent to it.
 */
struct hook_kept {
    const char *one, *many, *measure;
    /* How many there are now, and of which layer. */
    int (*count)(const void *ctx, int *layer);
};

struct hook_ops {
    const char *name; /* hook_data.name */
    /* Makes the ctx of the functions below; close() frees it. NULL with ERR_FORMAT (the data is not
     * of this kind) or ERR_USAGE (it does not fit the model). */
    void *(*open)(const struct model *m, const struct hook_data *data, struct err *err);
    /* Called at every site of every block; x [batch rows, d or M] may be changed in place. Uses
     * device operations only, so that a device can record the pass and replay it. */
    void (*run)(void *ctx, const struct batch *batch, int layer, enum tap_site site, struct mat x);
    /* dx is the gradient with respect to x after run() and becomes the gradient with respect to x
     * before it. NULL: the two are equal, as for a hook that adds a constant. */
    void (*grad)(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                 struct mat dx);
    void (*close)(void *ctx);
    /* Optional. Of two hooks that a state would run one after the other: the ctx of one that does
     * what both mean together; NULL: they stay apart. */
    void *(*join)(const void *before, const void *added);
    /* Optional, of a hook that chooses: fills out [batch seqs] for the batch that it has just run
     * on; nothing if it is not of this layer (-1: of any). route.h. */
    bool (*routes)(void *ctx, const struct batch *batch, int layer, struct hook_route *out,
                   struct err *err);
    const struct hook_kept *kept; /* of one with routes, else NULL */
};

/* The stored data of a hook that was joined, from the last part back to the first. Hooks share it:
 * joining one more copies nothing. */
struct hook_part {
    struct hook_data data; /* owned */
    struct hook_part *before;
    int place, refs; /* place: how many are before it */
};

struct hook {
    const struct hook_ops *ops;
    struct hook_part *last;
    void *ctx;
    int refs;
};

extern const struct hook_ops hook_add, hook_neurons, hook_codebook, hook_side, hook_memory;

/* Copies `data`. The result has one reference, the caller's. ERR_FORMAT: no such kind; or the error
 * of the kind's open(). */
struct hook *hook_open(const struct model *m, const struct hook_data *data, struct err *err);
/* A hook in the place of both, with one reference; NULL: they stay apart. */
struct hook *hook_join(const struct hook *before, const struct hook *added);
struct hook *hook_retain(struct hook *h); /* adds a reference; returns h */
void hook_release(struct hook *h);        /* drops one; the last frees the hook. Accepts NULL. */

/* The stored data of all parts, in the order they were added. The data is borrowed; the caller
 * frees the list. */
const struct hook_data **hook_parts(const struct hook *h, int *count);

/* A deep copy; free it with hook_data_free(). */
struct hook_data hook_data_copy(const struct hook_data *data);
void hook_data_free(struct hook_data *data);

#endif
