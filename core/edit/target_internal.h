/* The search for a target, for the files that make its parts: target.c (the steps, and what stops
 * them), target_start.c (the one full forward pass, and room), target_step.c (a step: backward,
 * Adam, forward, losses). */
#ifndef CORE_EDIT_TARGET_INTERNAL_H
#define CORE_EDIT_TARGET_INTERNAL_H

#include "core/edit/target.h"

/* A vector that the search moves: delta, in units of what it is added to. */
struct target_move {
    struct mat delta, m, v, grad; /* [1, d] */
    struct mat adam_steps;
    struct adam adam;
    float *start, *moved; /* [d] on the host: what the first row has there, and delta */
    double h2;            /* |h0|^2, the unit of clamp and decay */
};

/* Everything the steps share. Rows: the request's, then the KL row ("{} is a"). */
struct target_search {
    const struct model_state *view;
    const struct request *request;
    const struct target_rule *rule;
    struct device *dev;
    int layer, loss_layer, rows, hidden, layers, vocab, targets;
    struct batch pass;    /* new positions: from each row's lookup on */
    struct batch lookups; /* those of the lookups alone */
    struct forward *f;
    struct kv_cache *cache;
    struct saved *saved;    /* [layers] blocks after z; with rule->attention also z's FFN at the
                               lookups */
    struct mat start;       /* [pass.rows, d] outputs of block z */
    struct mat x, dx;       /* [pass.rows, d] */
    struct mat mid;         /* the residual that NLL reads when edit.v_loss_layer is not last */
    int *label_row, *label; /* [rows * targets] where labels are predicted, and which */
    int *lookup_row;        /* [rows + 1] first new position of each row */
    /* What the head reads and gives, [labels + 1, d or V], the KL position last, and windows on
     * it. */
    struct mat head_x, head_dx, head_logits;
    struct mat lx, logits, dl, losses;                /* label rows */
    struct mat kx, klogits, kl_reference, kdx, kloss; /* the KL position */
    struct target_move move[2]; /* z's, and with rule->attention that on what attention adds */
    int moves;
    /* of the lookups [rows + 1, d]: the stream before the FFN, for a rule of its output too; with a
     * norm behind the FFN, its output before the norm, that plus delta, room for gradients and for
     * what the norm gives */
    struct norm post;
    struct mat stream, sum, moved, room;
    struct mat entry; /* with rule->attention: what enters block z */
    float kl_factor, nll_factor;
    int said;     /* steps at which all labels were said, of STOP_BY_COUNT */
    void *graph;  /* a step as the device recorded it; NULL: not yet */
    float *ffn;   /* [d] on the host: what the FFN gives to the first row */
    float *hloss; /* [rows * targets] on the host */
};

/* The full forward pass, room for the steps, and h0. view to targets are set by the caller. Free
 * with target_search_free(), also on failure. */
bool target_search_begin(struct target_search *s, struct job *job, struct err *err);
void target_search_free(struct target_search *s);
/* The losses at delta = 0, which stay on the device; with them p_0 of the KL. */
bool target_first_losses(struct target_search *s, struct job *job, struct err *err);
/* From the losses of one step to those of the next, `step` (from 1). */
bool target_advance(struct target_search *s, int step, struct job *job, struct err *err);
/* Whether each label of the rows from `first` on is the most likely token there, by the losses that
 * were read last (s->hloss) and the gradients on the device. */
bool target_labels_said(struct target_search *s, int first, bool *said, struct err *err);

#endif
