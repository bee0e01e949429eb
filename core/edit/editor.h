/* One edit, from requests to deltas in a scratch view (editscope-method(7) 7.11).
 *
 *   fact -> request -> target z* -> attribution -> masks -> per layer: keys, residual, solve,
 *   mask -> delta -> scratch view
 *
 * Nothing here is global: the caller owns the view, the layers' key stores and the masks. */
#ifndef CORE_EDIT_EDITOR_H
#define CORE_EDIT_EDITOR_H

#include "core/edit/attribute.h"
#include "core/edit/delta.h"
#include "core/edit/mask.h"
#include "core/edit/request.h"
#include "core/edit/solve.h"
#include "core/edit/target.h"

enum { EDIT_MAX_LAYERS = 64 };

struct edit_context;
/* Layer ctx->layer[i]'s update x [u, M] F64 for keys [u, M] F64, before any mask. */
typedef bool edit_solve(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                        struct err *err);

struct edit_context {
    edit_solve *solve;             /* the editor's */
    const struct request *request; /* [count] */
    int count;
    const struct params *params;
    int layer[EDIT_MAX_LAYERS], layers;
    struct mask **mask;    /* [layers], or [layers][count] when `mask_per_request`; an entry NULL:
                              no mask */
    bool mask_per_request; /* mask.share = request: each request has its own */
    const float *z;        /* [count][d] targets */
    float *keys, *out_z;   /* what edit_context_keys() filled; NULL: not yet */
    bool unprojected;      /* the editor needs no null space: q is of the keys themselves */
    struct solver *solver[EDIT_MAX_LAYERS]; /* [layers] key stores with C and P, or NULL where the
                                               editor needs no moments. Borrowed */
    const int *owner[EDIT_MAX_LAYERS];      /* [layers][owners] the edit of each key of a store.
                                               Borrowed */
    int owners[EDIT_MAX_LAYERS];
};

struct edit_result {
    struct delta *delta; /* [deltas] in order of application */
    int deltas;
    struct layer_report report[EDIT_MAX_LAYERS]; /* of the last pass */
    int layers;
    double z_error; /* ||Z - O|| / ||Z|| after the last layer */
};

/* Keys of all requests at the lookup positions under the view (editscope-method(7) 7.1): half the
 * bare prompt's coefficients, half the mean over the prefixed ones. keys [layers][count][M], host;
 * out_z (may be NULL) [count][d]: block z's output at the bare prompt's lookup. */
bool edit_keys(const struct model_state *view, const struct request *request, int count,
               const int *layer, int layers, float *keys, float *out_z, struct job *job,
               struct err *err);

/* Keys and block z's outputs under the state that is to be edited, into the ctx: one forward pass
 * a ctx, whoever needs them first. */
bool edit_context_keys(struct edit_context *ctx, const struct model_state *state, struct job *job,
                       struct err *err);
void edit_context_free(struct edit_context *ctx); /* masks and keys */

/* Writes the edit into `scratch` (a copy of the state that the ctx is for, changed in place). The
 * key stores are not extended: edit_remember() does so once the edit stands. */
bool edit_apply(struct edit_result *out, struct model_state *scratch, struct edit_context *ctx,
                struct job *job, struct err *err);
/* Within the null space, by edit.solver: NMKE's and AlphaEdit's. */
edit_solve solve_in_null_space;
/* Appends the post-edit keys (deltas' keys) to the layers' stores. */
bool edit_remember(const struct edit_result *r, const struct edit_context *ctx, struct err *err);
void edit_result_free(struct edit_result *r);

/* What the masks would do without solving later layers on changed weights: keys and unmasked
 * solutions on the view as it is. report [layers]. */
bool edit_estimate(struct layer_report *report, const struct model_state *view,
                   struct edit_context *ctx, struct job *job, struct err *err);

#endif
