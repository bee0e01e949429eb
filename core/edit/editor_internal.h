/* An edit under way, for the files that make its parts: edit_solution.c (a layer's solution and
 * mask), edit_residual.c (what is left to reach, and a layer's part of it), keys.c (what is read of
 * a state), editor.c (the layers, one after the other). */
#ifndef CORE_EDIT_EDITOR_INTERNAL_H
#define CORE_EDIT_EDITOR_INTERNAL_H

#include "core/edit/editor.h"
#include "core/edit/post_norm.h"

/* The solution of one layer. */
struct edit_solution {
    struct mat keys, x; /* F64 [u, M] */
    float *weight;      /* [u][M] each fact's mask, or NULL */
    float *hx;          /* [u][M] float32 */
    double scale;
};

/* An edit under way: the scratch state as it was read last, and Z, what O is to become. */
struct edit_progress {
    struct edit_reads now;
    const float *reached; /* [u][d] O, of `now`, or `given` */
    const float *wanted;  /* [u][d] Z, in `targets` */
    float *targets;       /* [u][d] or, by RESIDUAL_EACH, [layers][u][d] */
    bool each;            /* of the layer at hand: wanted and reached */
    float *given;         /* [u][d] RESIDUAL_ROOT with norms: what the last one gives; else NULL */
    double size;          /* the length of Z, the unit of z_error */
    float *share;         /* [u][d] R of the layer at hand */
    struct post_norm *norm; /* [layers] if several layers have norms behind their FFNs; else NULL */
    double *most;           /* [u] with norms: how far z turns what the last one reads */
};

/* Solution, mask and compensation of the i-th layer, and their report. `keys` [u][M], host. Free
 * with edit_solution_free(), also on failure. */
bool edit_solve_layer(const struct edit_context *ctx, int i, const float *keys,
                      struct edit_solution *s, struct layer_report *report, struct job *job,
                      struct err *err);
void edit_solution_free(struct edit_solution *s, struct device *dev);
/* How far the update moves the outputs of past keys: their hits times ||R||, of n numbers. */
void edit_report_moved(struct layer_report *report, const float *share, int n);

/* Begins with what the context has read of the scratch state, which is not written yet. Free with
 * edit_progress_free(), also on failure. */
bool edit_progress_begin(struct edit_progress *g, const struct edit_context *ctx,
                         const struct model_state *scratch, struct job *job, struct err *err);
/* Goes on to the i-th layer. */
void edit_progress_at(struct edit_progress *g, const struct edit_context *ctx, int d, int i);
void edit_progress_free(struct edit_progress *g, int layers);
/* Reads the scratch state as it is now. */
bool edit_progress_read(struct edit_progress *g, const struct edit_context *ctx,
                        const struct model_state *scratch, struct job *job, struct err *err);
/* ||Z - O|| over all requests, of n numbers */
double edit_residual_norm(const struct edit_progress *g, int n);
/* The same in units of ||Z||, or 0: z_error */
double edit_progress_error(const struct edit_progress *g, int n);
/* g->share = R of the i-th layer by ctx->residual, (Z - O) / (layers left) or its root; with norms
 * this layer's part of Z - O as a change of what its norm reads. */
void edit_layer_share(struct edit_progress *g, const struct edit_context *ctx, int d, int i);

/* Room for what an edit reads; where the target is of an FFN's output, or with a norm behind the
 * FFNs, also their sums. */
struct edit_reads edit_reads_new(const struct edit_context *ctx, const struct model *m);
/* Stores the keys as they are after the edit with its low rank deltas: later edits must not move
 * the outputs for them (editscope-method(7) 7.9). keys [layers][count][neurons]. */
void edit_keep_keys(struct edit_result *out, const struct edit_context *ctx, const float *keys,
                    int neurons);

#endif
