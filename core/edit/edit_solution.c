/* The solution of one layer: solve, mask, compensation, and the report of them (editscope-method(7)
 * 7.3 to 7.10). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editor_internal.h"
#include "core/edit/mat_f64.h"

enum { CHANCE_TRIALS = 200 };
/* Below this gain a compensation would multiply the update by more than 50: refused. */
static const double smallest_gain = 0.02;
/* mask.compensate = auto leaves a mask alone that keeps this much of the gain, and one that keeps
 * too little to be compensated. */
static const double enough_gain = 0.8;

void edit_solution_free(struct edit_solution *s, struct device *dev)
{
    mat_free(dev, &s->keys);
    mat_free(dev, &s->x);
    free(s->weight);
    free(s->hx);
}

/* The mask of a fact in layer i; NULL: none. */
static const struct mask *mask_at(const struct edit_context *ctx, int i, int request)
{
    if (!ctx->mask)
        return NULL;
    return ctx->mask[ctx->mask_per_request ? i * ctx->count + request : i];
}

bool solve_in_null_space(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                         struct err *err)
{
    if (params_choice(ctx->params, P_EDIT_SOLVER) == SOLVER_DENSE)
        return solve_dense(ctx->solver[i], keys, x, err);
    return solve_lowrank(ctx->solver[i], keys, x, err);
}

bool solve_by_moments(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                      struct err *err)
{
    return solve_memit(ctx->solver[i], keys, ctx->solver[i]->lambda, 0, false, x, err);
}

/* Each fact's solution within its own mask: of the solve for all facts there, its row. */
static bool solve_own_masks(struct solver *solver, struct edit_solution *s, double mu,
                            struct err *err)
{
    struct mat all = mat_new(solver->dev, DT_F64, s->x.rows, s->x.cols);
    bool ok = true;

    for (int t = 0; ok && t < s->x.rows; t++) {
        ok = solve_pre(solver, s->keys, s->weight + (size_t)t * (size_t)s->x.cols, mu, all, err);
        device_copy(solver->dev, mat_rows(all, t, 1), mat_rows(s->x, t, 1));
    }
    mat_free(solver->dev, &all);
    return ok;
}

/* Gain and leak of what is written, beside those of the solve. */
static void take_written(struct layer_report *report, const struct layer_report *written)
{
    report->gain_mask = written->gain_mask;
    report->leak = written->leak;
    report->leak_ratio = (report->leak / (report->gain_mask * report->gain_mask)) /
                         (report->leak_unmasked / (report->gain * report->gain));
}

/* mask.place = pre: the selected neurons carry the whole residual (editscope-method(7) 7.7). */
static bool solve_selected(const struct edit_context *ctx, int i, struct edit_solution *s,
                           struct layer_report *report, struct err *err)
{
    struct solver *solver = ctx->solver[i];
    double mu = ctx->params->value[P_MASK_PRE_MU];
    struct layer_report pre = {0};
    size_t um = (size_t)s->x.rows * (size_t)s->x.cols;

    if (ctx->solve != solve_in_null_space)
        return err_set(err, ERR_USAGE,
                       "mask.place = pre is for the solve of nmke, alphaedit and sphere; set "
                       "mask.place = post");
    if (!solver_report(solver, s->keys, s->x, NULL, 1, report, err) ||
        !(ctx->mask_per_request ? solve_own_masks(solver, s, mu, err)
                                : solve_pre(solver, s->keys, s->weight, mu, s->x, err)) ||
        !solver_report(solver, s->keys, s->x, NULL, 1, &pre, err))
        return false;
    for (size_t j = 0; j < um; j++)
        s->weight[j] = s->weight[j] > 0 ? 1 : 0;
    take_written(report, &pre);
    return true;
}

/* The past edits that the masked update moves most, into report->hit. */
static bool report_hits(const struct edit_context *ctx, int i, const struct edit_solution *s,
                        struct layer_report *report, struct err *err)
{
    int n = ctx->solver[i]->count, u = s->x.rows;
    double *hit = xcalloc((size_t)u * (size_t)n + 1, sizeof(*hit));
    bool ok = solver_hits(ctx->solver[i], s->x, s->weight, hit, err);

    report->hits = 0;
    for (int j = 0; ok && j < n && j < ctx->owners[i]; j++) {
        double most = 0;
        int at;

        for (int t = 0; t < u; t++)
            most = fmax(most, hit[t * n + j] * fabs(s->scale));
        if (report->hits == REPORT_HITS && most <= report->hit[REPORT_HITS - 1].hit)
            continue;
        report->hits += report->hits < REPORT_HITS;
        for (at = report->hits - 1; at > 0 && report->hit[at - 1].hit < most; at--)
            report->hit[at] = report->hit[at - 1];
        report->hit[at] = (struct layer_hit){ctx->owner[i][j], most, (double)NAN};
    }
    free(hit);
    return ok;
}

void edit_report_moved(struct layer_report *report, const float *share, int n)
{
    double sum = 0;

    for (int j = 0; j < n; j++)
        sum += (double)share[j] * (double)share[j];
    for (int j = 0; j < report->hits; j++)
        report->hit[j].moved = report->hit[j].hit * sqrt(sum);
}

bool edit_report_within(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                        const float *r, int d, struct layer_report *report, struct err *err)
{
    struct layer_report written = {0};
    struct edit_solution s = {.keys = keys, .x = x, .scale = 1};

    if (!solver_report(ctx->solver[i], keys, x, NULL, 1, &written, err) ||
        !report_hits(ctx, i, &s, report, err))
        return false;
    take_written(report, &written);
    edit_report_moved(report, r, x.rows * d);
    return true;
}

/* The mean squared length of the u rows of x [u][m]. */
static double mean_square(const float *x, int u, int m)
{
    double sum = 0;

    for (size_t i = 0; i < (size_t)u * (size_t)m; i++)
        sum += (double)x[i] * (double)x[i];
    return sum / u;
}

/* mask.compensate: gives the masked solution the gain that it had without the mask. */
static bool compensate_mask(const struct edit_context *ctx, struct edit_solution *s,
                            struct layer_report *report, struct err *err)
{
    int how = params_choice(ctx->params, P_MASK_COMPENSATE);

    if (how == COMPENSATE_NONE ||
        (how == COMPENSATE_AUTO &&
         (report->gain_mask >= enough_gain * report->gain || report->gain_mask < smallest_gain)))
        return true;
    if (report->gain_mask < smallest_gain)
        return err_set(err, ERR_USAGE,
                       "the mask keeps %.4f of the gain; mask.compensate = gain needs %.2f: "
                       "raise beta_ge or beta_sp",
                       report->gain_mask, smallest_gain);
    s->scale = report->gain / report->gain_mask;
    report->leak *= s->scale * s->scale;
    report->gain_mask *= s->scale;
    return true;
}

/* The length of w * x over that of x, all facts together. */
static bool masked_share(const struct edit_solution *s, struct device *dev, double *share,
                         struct err *err)
{
    size_t n = (size_t)s->x.rows * (size_t)s->x.cols;
    double *x = mat_download(dev, s->x, "the solution", err), all = 0, masked = 0;

    for (size_t j = 0; x && j < n; j++) {
        double w = (double)s->weight[j];

        all += x[j] * x[j];
        masked += w * w * x[j] * x[j];
    }
    *share = all > 0 ? sqrt(masked / all) : 0;
    free(x);
    return x != NULL;
}

/* update.like: the whole solution, as strong as it would be with the mask (editscope-method(7)
 * 7.6). */
static bool scale_like_mask(const struct edit_context *ctx, struct edit_solution *s,
                            struct layer_report *report, struct device *dev, struct err *err)
{
    if (params_choice(ctx->params, P_UPDATE_LIKE) == LIKE_GAIN)
        s->scale = report->gain != 0 ? report->gain_mask / report->gain : 0;
    else if (!masked_share(s, dev, &s->scale, err))
        return false;
    free(s->weight);
    s->weight = NULL;
    report->kept = s->x.cols;
    report->gain_mask = s->scale * report->gain;
    report->leak = s->scale * s->scale * report->leak_unmasked;
    report->leak_ratio = 1;
    return true;
}

/* update.scale: so many times the update. Its report is about what is written. */
static void scale_update(const struct edit_context *ctx, struct edit_solution *s,
                         struct layer_report *report)
{
    double times = ctx->params->value[P_UPDATE_SCALE];

    s->scale *= times;
    report->gain_mask *= times;
    report->leak *= times * times;
}

/* The mask on a solution that was made without it, and how it compares with random ones. */
static bool mask_solution(const struct edit_context *ctx, int i, struct edit_solution *s,
                          struct layer_report *report, struct job *job, struct err *err)
{
    struct solver *solver = ctx->solver[i];
    bool like = params_choice(ctx->params, P_UPDATE_LIKE) != LIKE_NONE;

    if (like && !s->weight)
        return err_set(err, ERR_USAGE,
                       "update.like takes the strength that a mask leaves, and there is none: "
                       "mask.methods = all gives this method one");
    if (!solver_report(solver, s->keys, s->x, s->weight, 1, report, err))
        return false;
    if (like)
        return scale_like_mask(ctx, s, report, solver->dev, err);
    return !s->weight ||
           (compensate_mask(ctx, s, report, err) &&
            solver_percentiles(solver, s->keys, s->x, s->weight, CHANCE_TRIALS, 1,
                               &report->percentile_gain, &report->percentile_leak, job, err));
}

bool edit_solve_layer(const struct edit_context *ctx, int i, const float *keys,
                      struct edit_solution *s, struct layer_report *report, struct job *job,
                      struct err *err)
{
    struct solver *solver = ctx->solver[i];
    struct device *dev = solver->dev;
    const struct mask *mask = mask_at(ctx, i, 0);
    int m = solver->neurons, u = ctx->count;
    long kept = 0;
    struct mat k32 = mat_new(dev, DT_F32, u, m), x32 = mat_new(dev, DT_F32, u, m);
    bool pre = params_choice(ctx->params, P_MASK_PLACE) == PLACE_PRE && mask &&
               params_choice(ctx->params, P_UPDATE_LIKE) == LIKE_NONE;
    bool ok;

    *s = (struct edit_solution){.scale = 1};
    s->keys = mat_new(dev, DT_F64, u, m);
    s->x = mat_new(dev, DT_F64, u, m);
    s->hx = xmalloc((size_t)u * (size_t)m * sizeof(float));
    if (mask)
        s->weight = xmalloc((size_t)u * (size_t)m * sizeof(float));
    for (int t = 0; mask && t < u; t++) {
        memcpy(s->weight + (size_t)t * (size_t)m, mask_at(ctx, i, t)->weight,
               (size_t)m * sizeof(float));
        kept += mask_at(ctx, i, t)->selected;
    }
    report->layer = ctx->layer[i];
    report->kept = mask ? (int)lround((double)kept / u) : m;
    report->lambda = solver->lambda;
    report->percentile_gain = report->percentile_leak = -1;
    device_upload(dev, k32, keys);
    device_copy(dev, k32, s->keys);
    ok = ctx->solve(ctx, i, s->keys, s->x, err);
    if (ok)
        ok = pre ? solve_selected(ctx, i, s, report, err)
                 : mask_solution(ctx, i, s, report, job, err);
    report->scale = s->scale;
    scale_update(ctx, s, report);
    if (ctx->unprojected)
        report->q = mean_square(keys, u, m);
    ok = ok && report_hits(ctx, i, s, report, err);
    device_copy(dev, s->x, x32);
    device_fetch(dev, s->hx, x32, "the solution (a row a fact, a column a neuron)");
    ok = ok && device_sync(dev, err);
    mat_free(dev, &k32);
    mat_free(dev, &x32);
    return ok;
}

bool edit_estimate(struct layer_report *report, const struct model_state *view,
                   struct edit_context *ctx, struct job *job, struct err *err)
{
    size_t um = (size_t)ctx->count * (size_t)view->model->config->ffn;
    bool ok = edit_context_read(ctx, view, job, err);

    for (int i = 0; ok && i < ctx->layers; i++) {
        struct edit_solution s = {0};

        report[i] = (struct layer_report){.stale = i > 0};
        ok = !job_cancelled(job, err) &&
             edit_solve_layer(ctx, i, ctx->reads.keys + (size_t)i * um, &s, &report[i], job, err);
        edit_solution_free(&s, view->model->dev);
        if (!ok)
            err_in(err, "layer %d", ctx->layer[i]);
    }
    return ok;
}
