/* ROME and r-ROME (editscope-method(7) 7.12): an update of rank one of one layer, which gives the
 * key exactly the value v = h0 + delta. ROME takes the bare prompt's key and the direction of the
 * mean key; r-ROME the mean key, and the mean output, for all.
 *
 *   u = C^-1 kbar        W += (v - W k) u^T / (k . u)
 *
 * Several facts are written one after the other: a solve for all at once is MEMIT. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"

static const struct target_rule rome_target = {
    .clamp = P_ROME_CLAMP, .wd = P_ROME_WD, .of_ffn = true};

static bool rome_solve(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                       struct err *err)
{
    struct device *dev = ctx->solver[i]->dev;
    bool plain = params_choice(ctx->params, P_BASELINE_QUIRKS) == QUIRKS_EASYEDIT, ok;
    struct mat mean, wide;

    if (!ctx->reads.means)
        return solve_rome(ctx->solver[i], keys, keys, plain, x, err);
    mean = mat_new(dev, DT_F32, keys.rows, keys.cols);
    wide = mat_new(dev, DT_F64, keys.rows, keys.cols);
    device_upload(dev, mean, ctx->reads.means + (size_t)i * (size_t)keys.rows * (size_t)keys.cols);
    device_copy(dev, mean, wide);
    ok = solve_rome(ctx->solver[i], keys, wide, plain, x, err);
    mat_free(dev, &mean);
    mat_free(dev, &wide);
    return ok;
}

/* Moves the deltas of one fact to the end of the result, and takes its report. */
static void take_fact(struct edit_result *out, struct edit_result *one)
{
    int all = out->deltas + one->deltas;
    struct delta *joined = xrealloc(out->delta, (size_t)all * sizeof(*joined));

    memcpy(joined + out->deltas, one->delta, (size_t)one->deltas * sizeof(*joined));
    free(one->delta);
    one->delta = joined;
    one->deltas = all;
    *out = *one;
    out->report[0].lambda = 0; /* there is none in it */
}

static bool rome_edit(struct edit_result *out, struct model_state *scratch,
                      struct edit_context *ctx, struct job *job, struct err *err)
{
    int d = scratch->model->config->hidden;
    bool ok = true;

    *out = (struct edit_result){0};
    for (int t = 0; ok && t < ctx->count; t++) {
        struct edit_context of = *ctx;
        struct edit_result one;

        of.request = &ctx->request[t];
        of.z = ctx->z + (size_t)t * (size_t)d;
        of.count = 1;
        of.reads = (struct edit_reads){0};
        of.mask = ctx->mask ? ctx->mask + (ctx->mask_per_request ? t : 0) : NULL;
        ok = edit_apply(&one, scratch, &of, job, err);
        edit_reads_free(&of.reads); /* the rest is the caller's */
        if (ok)
            take_fact(out, &one);
    }
    if (!ok)
        edit_result_free(out);
    return ok;
}

extern const struct editor_ops editor_rome, editor_r_rome;
const struct editor_ops editor_rome = {
    .name = "rome",
    .title = "ROME",
    .paper = "Meng et al. 2022",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_PAST_KEYS,
    .edit = rome_edit,
    .solve = rome_solve,
    .target = &rome_target,
    .keys = KEYS_BARE,
    .layer = P_ROME_LAYER,
};
const struct editor_ops editor_r_rome = {
    .name = "r-rome",
    .title = "r-ROME",
    .paper = "Gupta et al. 2024",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_PAST_KEYS,
    .edit = rome_edit,
    .solve = rome_solve,
    .target = &rome_target,
    .keys = KEYS_MEAN,
    .layer = P_ROME_LAYER,
};
