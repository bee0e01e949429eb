/* An edit whose deltas are changed when they are written: all layers are solved first, as if
 * nothing would be changed, and what they leave to each other is that. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editor_internal.h"

/* Puts a delta before that one. */
static void insert_delta(struct edit_result *out, int at, struct delta d)
{
    out->delta = xrealloc(out->delta, (size_t)(out->deltas + 1) * sizeof(*out->delta));
    memmove(&out->delta[at + 1], &out->delta[at], (size_t)(out->deltas - at) * sizeof(*out->delta));
    out->delta[at] = d;
    out->deltas++;
}

/* Changes each delta and writes it. */
static bool write_shaped(struct edit_result *out, struct model_state *scratch,
                         const struct edit_context *ctx, edit_shape *shape, struct job *job,
                         struct err *err)
{
    for (int t = 0; t < out->deltas; t++) {
        struct delta *d = &out->delta[t], first = {0};
        int i = 0;
        bool ok;

        while (ctx->layer[i] != d->layer)
            i++;
        if (job_cancelled(job, err))
            return false;
        ok = shape(ctx, i, scratch, d, &first, &out->report[i], job, err);
        if (!ok || !first.rank)
            delta_free(&first);
        if (!ok)
            return err_in(err, "layer %d", d->layer);
        if (first.rank) {
            delta_apply(scratch, &first);
            insert_delta(out, t++, first);
        }
        delta_apply(scratch, &out->delta[t]);
        out->report[i].percentile_gain = out->report[i].percentile_leak =
            -1; /* of what is no more */
    }
    return true;
}

bool edit_apply_shaped(struct edit_result *out, struct model_state *scratch,
                       struct edit_context *ctx, edit_shape *shape, struct job *job,
                       struct err *err)
{
    const struct model_config *c = scratch->model->config;
    struct model_state *trial;
    struct edit_progress g;
    bool ok;

    *out = (struct edit_result){0};
    if (ctx->mask_per_request)
        return err_set(err, ERR_USAGE,
                       "mask.share = request: this method changes the update of all facts at once, "
                       "which one mask limits; mask.share = batch has one");
    if (!edit_context_read(ctx, scratch, job, err))
        return false;
    ok = edit_progress_begin(&g, ctx, scratch, job, err);
    trial = state_copy(scratch, scratch->generation);
    ok = ok && edit_apply(out, trial, ctx, job, err);
    state_free(trial);
    ok = ok && write_shaped(out, scratch, ctx, shape, job, err) &&
         edit_progress_read(&g, ctx, scratch, job, err);
    if (ok) {
        edit_progress_at(&g, ctx, c->hidden, ctx->layers - 1);
        out->z_error = edit_progress_error(&g, ctx->count * c->hidden);
        edit_keep_keys(out, ctx, g.now.keys, c->ffn);
    } else {
        edit_result_free(out);
    }
    edit_progress_free(&g, ctx->layers);
    return ok;
}
