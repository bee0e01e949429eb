/* One edit, from requests to deltas in a scratch state (editscope-method(7) 7.11), and the steps
 * that editing methods share (core/edit/editors/editors.h).
 *
 *   fact -> request -> target z* -> attribution -> masks -> for each layer: keys, residual, solve,
 *   mask -> delta -> scratch state
 *
 * The caller owns the states, the solvers and the masks. Engine thread. */
#ifndef CORE_EDIT_EDITOR_H
#define CORE_EDIT_EDITOR_H

#include "core/edit/attribute.h"
#include "core/edit/delta.h"
#include "core/edit/mask.h"
#include "core/edit/normaliser.h"
#include "core/edit/request.h"
#include "core/edit/solve.h"
#include "core/edit/target.h"
#include "core/model/hook.h"

enum { EDIT_MAX_LAYERS = 64 };

struct edit_context;
struct edit_result;
/* The solution x [u, M] F64 of layer ctx->layer[i] for keys [u, M] F64, before any mask. */
typedef bool edit_solve(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                        struct err *err);

/* Which coefficients are a fact's key. */
enum key_rule {
    KEYS_HALVES, /* half the bare prompt's, half the mean over the prefixed ones */
    KEYS_BARE,   /* the bare prompt's */
    KEYS_MEAN    /* the mean over all rows */
};

/* What is left to reach, and a layer's part of it (editscope-method(7) 7.2). */
enum residual_rule {
    RESIDUAL_SPREAD, /* (Z - O) / layers left, O the output of block z */
    RESIDUAL_ROOT,   /* (Z - O) / sqrt(layers left), O what the FFN of block z adds (PMET) */
    RESIDUAL_EACH    /* Z_l - O_l: each layer has a target of its own, what the blocks make of the
                        first layer's, which alone is optimised (MEMIT-FE) */
};

/* What an edit reads of a state, at the lookups, on the host (editscope-method(7) 7.1, 7.2). */
struct edit_reads {
    enum key_rule rule;
    float *keys;  /* [layers][count][M] by the rule */
    float *means; /* [layers][count][M] the means over all rows; NULL: not wanted */
    float *out_z; /* [count][d] the output of block z, the last layer, of the bare prompts; by
                     KEYS_MEAN with the FFN's mean output in the place of the bare prompt's */
    float *sums;  /* [layers][count][d] what each FFN gives, to the norm behind it if there is one,
                     of the bare prompts, by KEYS_MEAN the mean; NULL: not wanted */
    float *outs;  /* [layers][count][d] the outputs of the edited blocks, of the bare prompts; NULL:
                     not wanted */
    const float *first; /* [count][d] what the first edited block is to give at the lookups of the
                           bare prompts instead of its output; NULL: nothing. Borrowed */
};

/* Writes a change of its own to layer i, before the solution for these keys [u, M] F64 is written,
 * and appends it to the result. */
typedef bool edit_before(struct edit_result *out, struct model_state *scratch,
                         const struct edit_context *ctx, int i, struct mat keys, struct err *err);

/* What an edit left for those after it, besides keys: numbers that its method knows. */
struct edit_note {
    int edit;
    double *value; /* [count] */
    int count;
};

struct edit_context {
    edit_solve *solve;             /* the editor's */
    enum key_rule keys;            /* the editor's */
    enum residual_rule residual;   /* the editor's */
    const struct request *request; /* [count] */
    int count;
    const struct params *params;
    int layer[EDIT_MAX_LAYERS], layers;
    struct mask **mask;      /* [layers], or [layers][count] when `mask_per_request`; an entry NULL:
                                no mask */
    bool mask_per_request;   /* mask.share = request: each request has its own */
    const float *z;          /* [count][d] targets */
    struct edit_reads reads; /* filled by edit_context_read(); keys NULL: not yet */
    bool unprojected;        /* no null space: q of the report is |k|^2 */
    struct solver *solver[EDIT_MAX_LAYERS]; /* [layers] with C, P and past keys; NULL where the
                                               method needs no moments. Borrowed */
    const int *owner[EDIT_MAX_LAYERS];      /* [layers][owners] the number of the edit of each past
                                               key. Borrowed */
    int owners[EDIT_MAX_LAYERS];
    /* NEEDS_CURVATURE: all eigenvectors of what enters W_down, and of the loss's gradient. Borrowed
     */
    const struct nullspace *curvature[EDIT_MAX_LAYERS][2];
    edit_before *before_layer; /* the editor's, by its edit(); NULL: nothing */
    struct edit_note *note; /* [notes] NEEDS_NOTES: of the active edits of this method, in order */
    int notes;
    struct normaliser *past; /* NEEDS_NORMALISER: of the active edits of this method; NULL: none */
    /* Of an edit that optimises: called after every step. May be NULL. */
    void (*on_step)(void *ctx, const struct target_step *s);
    void *on_step_ctx;
};

struct edit_result {
    struct delta *delta; /* [deltas] in order of application */
    int deltas;
    struct hook_data *hook; /* [hooks] changes inside the forward pass, in order */
    int hooks;
    char **prefix; /* [prefixes] texts before every prompt, in order */
    int prefixes;
    char beside[300]; /* what hooks and prefixes do, for users: "19 tokens before every prompt" */
    struct route_report routes;                              /* edit_routes() */
    struct demonstration demonstration[DEMONSTRATIONS_MOST]; /* in their order */
    int demonstrations;
    struct layer_report report[EDIT_MAX_LAYERS]; /* of the last pass */
    int layers;
    double *numbers; /* [numbers_count] what later edits of the method want to know of this one; or
                        NULL */
    int numbers_count;
    double z_error; /* ||Z - O|| / ||Z|| after the last layer (editscope-method(7) 7.10) */
};

/* The layer whose output the target is of: the last one, by RESIDUAL_EACH the first. */
int edit_target_layer(const struct edit_context *ctx);

/* Reads a state at the lookups of all requests, by one forward pass. out->keys and layers must be
 * wanted; means, out_z, sums and outs may be NULL. */
bool edit_read(const struct model_state *view, const struct request *request, int count,
               const int *layer, int layers, const struct edit_reads *out, struct job *job,
               struct err *err);

/* Fills ctx->reads on the state that is to be edited; does nothing if it is filled. */
bool edit_context_read(struct edit_context *ctx, const struct model_state *state, struct job *job,
                       struct err *err);
void edit_context_free(struct edit_context *ctx); /* masks, reads, notes and normaliser */
void edit_reads_free(struct edit_reads *r);       /* of a context that borrows all else */

/* The Frobenius norm of a matrix; 0 after a fault. */
double matrix_norm(const struct model_state *view, int layer, enum matrix which, struct err *err);
/* The Frobenius norm of the difference of two states' matrices. */
bool matrix_distance(double *out, const struct model_state *a, const struct model_state *b,
                     int layer, enum matrix which, struct err *err);
/* out [rows, cols] F64 = what a state has more than the base in this matrix. */
void matrix_change(const struct model_state *view, int layer, enum matrix which, struct mat out);

/* Writes the edit into `scratch`, a copy of the state to be edited. The solvers get no new keys;
 * that is for edit_remember(), after the commit. Free with edit_result_free(), also on failure. */
bool edit_apply(struct edit_result *out, struct model_state *scratch, struct edit_context *ctx,
                struct job *job, struct err *err);
/* Changes a delta of the i-th layer before it is written to `state`, and the layer's report. The
 * delta has the keys that its solution was made for, where it is of the last pass. `first` may get
 * a delta of low rank that is written before it; of rank 0: none. */
typedef bool edit_shape(const struct edit_context *ctx, int i, const struct model_state *state,
                        struct delta *d, struct delta *first, struct layer_report *report,
                        struct job *job, struct err *err);
/* edit_apply() on a copy of the state, then each delta changed and written to `scratch`: the layers
 * share what is left as if nothing were changed. Keys are read on what is written. */
bool edit_apply_shaped(struct edit_result *out, struct model_state *scratch,
                       struct edit_context *ctx, edit_shape *shape, struct job *job,
                       struct err *err);
/* For a shape of the solution: gain, leak and hits of x [u, M] as it is written, for keys [u, M],
 * both F64, and residuals r [u][d]; those of the solve stay as the ones without a mask. */
bool edit_report_within(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                        const float *r, int d, struct layer_report *report, struct err *err);
/* The solve in the null space, by edit.solver: for NMKE and AlphaEdit. */
edit_solve solve_in_null_space;
/* The solve beside the second moments, edit.lambda C: for MEMIT, MEMIT-FE and PMET. */
edit_solve solve_by_moments;
/* Writes one fact into result and scratch state; what it leaves there on failure is freed. */
typedef bool edit_fact(struct edit_result *out, struct model_state *scratch,
                       const struct edit_context *ctx, const struct request *fact, struct job *job,
                       struct err *err);
/* The facts one after the other, for methods that solve for no target. */
bool edit_each_fact(struct edit_result *out, struct model_state *scratch,
                    const struct edit_context *ctx, edit_fact *one, struct job *job,
                    struct err *err);
/* Appends a hook to the result, which takes `data` over, and to the scratch state. */
bool edit_add_hook(struct edit_result *out, struct model_state *scratch, struct hook_data data,
                   struct err *err);
/* Where the state with the edit sends rephrases and neighbours of its facts: r->routes, and a
 * phrase in r->beside. Nothing for an edit that sends no prompts anywhere. */
bool edit_routes(struct edit_result *r, const struct model_state *state,
                 const struct edit_context *ctx, struct job *job, struct err *err);
/* Appends the keys of the deltas (read after the edit) to the solvers of their layers. */
bool edit_remember(const struct edit_result *r, const struct edit_context *ctx, struct err *err);
void edit_result_free(struct edit_result *r);

/* Estimates what the masks do: solves all layers on the weights as they are, where edit_apply()
 * would change one after the other. Reports of layers above the first are marked stale. report
 * [layers]. */
bool edit_estimate(struct layer_report *report, const struct model_state *view,
                   struct edit_context *ctx, struct job *job, struct err *err);

#endif
