/* The search for a target, for the files that make its parts: target.c (the steps, and what stops
 * them), target_start.c (the one full forward pass, and room), target_step.c (a step: backward,
 * Adam, forward, losses). */
#ifndef CORE_EDIT_TARGET_INTERNAL_H
#define CORE_EDIT_TARGET_INTERNAL_H

#include "core/edit/target.h"

/* Everything the steps share. Rows: the request's, then the KL row ("{} is a"). */
struct target_search {
    const struct model_state *view;
    const struct request *request;
    const struct target_rule *rule;
    struct device *dev;
    int layer, loss_layer, rows, hidden, layers, vocab, targets;
    struct batch pass; /* new positions: from each row's lookup on */
    struct forward *f;
    struct kv_cache *cache;
    struct saved *saved;    /* [layers] blocks after z */
    struct mat start;       /* [pass.rows, d] outputs of block z */
    struct mat x, dx;       /* [pass.rows, d] */
    struct mat mid;         /* the residual that NLL reads when edit.v_loss_layer is not last */
    int *label_row, *label; /* [rows * targets] where labels are predicted, and which */
    int *lookup_row;        /* [rows + 1] first new position of each row */
    struct mat lx, logits, dl, losses;                /* label rows */
    struct mat kx, klogits, kl_reference, kdx, kloss; /* the KL position */
    struct mat delta, m, v, grad;                     /* [1, d] */
    struct mat adam_steps;                            /* steps of Adam */
    /* of the lookups [rows + 1, d]: the stream before the FFN, for a rule of its output too; with a
     * norm behind the FFN, its output before the norm, that plus delta, room for gradients and for
     * what the norm gives */
    struct norm post;
    struct mat stream, sum, moved, room;
    struct adam adam;
    float kl_factor;
    void *graph;                /* a step as the device recorded it; NULL: not yet */
    float *h0, *hdelta, *hloss; /* host */
    double h2;                  /* |h0|^2, of the FFN's part where the rule says so */
};

/* The full forward pass, room for the steps, and h0. view to targets are set by the caller. Free
 * with target_search_free(), also on failure. */
bool target_search_begin(struct target_search *s, struct job *job, struct err *err);
void target_search_free(struct target_search *s);
/* The losses at delta = 0, which stay on the device; with them p_0 of the KL. */
bool target_first_losses(struct target_search *s, struct job *job, struct err *err);
/* From the losses of one step to those of the next, `step` (from 1). */
bool target_advance(struct target_search *s, int step, struct job *job, struct err *err);

#endif
