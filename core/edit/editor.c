/* The edit itself, as methods share it (editscope-method(7) 7): for each edited layer in ascending
 * order keys, residual, solve, mask, delta, and the report of the layer.
 *
 *   layer l_0:  R = (Z - O) / 3   keys k(l_0)   x = solve(k), w * x   W_0 += R^T (w * x)
 *   layer l_1:  R = (Z - O) / 2   keys and O read again, on the weights so far
 *   layer l_2:  R = (Z - O)       what the layers before did not reach
 *
 * All of it happens in a scratch state. The base and the edited state are never written. */
#include "core/edit/editor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/post_norm.h"

enum { CHANCE_TRIALS = 200 };
/* Below this gain a compensation would multiply the update by more than 50: refused. */
static const double smallest_gain = 0.02;
/* mask.compensate = auto leaves a mask alone that keeps this much of the gain, and one that keeps
 * too little to be compensated. */
static const double enough_gain = 0.8;

void edit_result_free(struct edit_result *r)
{
    for (int i = 0; i < r->deltas; i++)
        delta_free(&r->delta[i]);
    for (int i = 0; i < r->hooks; i++)
        hook_data_free(&r->hook[i]);
    for (int i = 0; i < r->prefixes; i++)
        free(r->prefix[i]);
    free(r->delta);
    free(r->hook);
    free(r->prefix);
    *r = (struct edit_result){0};
}

/* The solution of one layer. */
struct solution {
    struct mat keys, x; /* F64 [u, M] */
    float *weight;      /* [u][M] each fact's mask, or NULL */
    float *hx;          /* [u][M] float32 */
    double scale;
};

static void solution_free(struct solution *s, struct device *dev)
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

/* Each fact's solution within its own mask: of the solve for all facts there, its row. */
static bool solve_own_masks(struct solver *solver, struct solution *s, double mu, struct err *err)
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

/* mask.place = pre: the selected neurons carry the whole residual (editscope-method(7) 7.7). */
static bool solve_selected(const struct edit_context *ctx, int i, struct solution *s,
                           struct layer_report *report, struct err *err)
{
    struct solver *solver = ctx->solver[i];
    double mu = ctx->params->value[P_MASK_PRE_MU];
    struct layer_report pre = {0};
    size_t um = (size_t)s->x.rows * (size_t)s->x.cols;

    if (!solver_report(solver, s->keys, s->x, NULL, 1, report, err) ||
        !(ctx->mask_per_request ? solve_own_masks(solver, s, mu, err)
                                : solve_pre(solver, s->keys, s->weight, mu, s->x, err)) ||
        !solver_report(solver, s->keys, s->x, NULL, 1, &pre, err))
        return false;
    for (size_t j = 0; j < um; j++)
        s->weight[j] = s->weight[j] > 0 ? 1 : 0;
    report->gain_mask = pre.gain_mask;
    report->leak = pre.leak;
    report->leak_ratio = (report->leak / (report->gain_mask * report->gain_mask)) /
                         (report->leak_unmasked / (report->gain * report->gain));
    return true;
}

/* The past edits that the masked update moves most, into report->hit. */
static bool report_hits(const struct edit_context *ctx, int i, const struct solution *s,
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
            most = fmax(most, hit[t * n + j] * s->scale);
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

/* The mean squared length of the u rows of x [u][m]. */
static double mean_square(const float *x, int u, int m)
{
    double sum = 0;

    for (size_t i = 0; i < (size_t)u * (size_t)m; i++)
        sum += (double)x[i] * (double)x[i];
    return sum / u;
}

/* mask.compensate: gives the masked solution the gain that it had without the mask. */
static bool compensate_mask(const struct edit_context *ctx, struct solution *s,
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

/* Solution, mask and compensation of one layer, and their report. `keys` [u][M], host. */
static bool solve_layer(const struct edit_context *ctx, int i, const float *keys,
                        struct solution *s, struct layer_report *report, struct job *job,
                        struct err *err)
{
    struct solver *solver = ctx->solver[i];
    struct device *dev = solver->dev;
    const struct mask *mask = mask_at(ctx, i, 0);
    int m = solver->neurons, u = ctx->count;
    long kept = 0;
    struct mat k32 = mat_new(dev, DT_F32, u, m), x32 = mat_new(dev, DT_F32, u, m);
    bool pre = params_choice(ctx->params, P_MASK_PLACE) == PLACE_PRE && mask, ok;

    *s = (struct solution){.scale = 1};
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
    if (ok && pre) {
        ok = solve_selected(ctx, i, s, report, err);
    } else if (ok) {
        ok = solver_report(solver, s->keys, s->x, s->weight, 1, report, err) &&
             (!mask || compensate_mask(ctx, s, report, err));
        if (ok && mask)
            ok = solver_percentiles(solver, s->keys, s->x, s->weight, CHANCE_TRIALS, 1,
                                    &report->percentile_gain, &report->percentile_leak, job, err);
    }
    report->scale = s->scale;
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

/* Appends an empty delta of this size to the result. */
static struct delta *add_delta(struct edit_result *out, int layer, int rank, int rows, int cols)
{
    struct delta *d;

    out->delta = xrealloc(out->delta, (size_t)(out->deltas + 1) * sizeof(*out->delta));
    d = &out->delta[out->deltas++];
    *d = (struct delta){.layer = layer, .rank = rank, .rows = rows, .cols = cols, .scale = 1};
    d->r = xmalloc((size_t)rank * (size_t)rows * sizeof(float));
    d->x = xmalloc((size_t)rank * (size_t)cols * sizeof(float));
    return d;
}

/* The layer's deltas into the result and the state: one of rank u, or with own masks u of rank 1.
 * Returns the norm of all of it. */
static double write_layer(struct edit_result *out, struct model_state *scratch,
                          const struct edit_context *ctx, int i, const struct solution *s,
                          const float *share)
{
    int u = ctx->count, d = scratch->model->config->hidden, m = s->x.cols;
    int parts = ctx->mask_per_request ? u : 1, rank = ctx->mask_per_request ? 1 : u;
    size_t r_size = (size_t)rank * (size_t)d, x_size = (size_t)rank * (size_t)m;
    float *r = xmalloc((size_t)parts * r_size * sizeof(float));
    float *x = xmalloc((size_t)parts * x_size * sizeof(float));
    double norm;

    for (int part = 0; part < parts; part++) {
        struct delta *delta = add_delta(out, ctx->layer[i], rank, d, m);
        float *xm;

        memcpy(delta->r, share + (size_t)part * (size_t)d, r_size * sizeof(float));
        memcpy(delta->x, s->hx + (size_t)part * (size_t)m, x_size * sizeof(float));
        delta->scale = s->scale;
        if (s->weight) {
            delta->weight = xmalloc((size_t)m * sizeof(float));
            memcpy(delta->weight, s->weight + (size_t)part * (size_t)m, (size_t)m * sizeof(float));
        }
        delta_apply(scratch, delta);
        xm = delta_masked_x(delta);
        memcpy(r + (size_t)part * r_size, delta->r, r_size * sizeof(float));
        memcpy(x + (size_t)part * x_size, xm, x_size * sizeof(float));
        free(xm);
    }
    norm = low_rank_norm(r, x, u, d, m);
    free(r);
    free(x);
    return norm;
}

/* The device computes the lengths of the columns, so that only those are copied to the host. */
double matrix_norm(const struct model_state *view, int layer, enum matrix which, struct err *err)
{
    struct mat w = state_matrix(view, layer, which), copy, norms;
    struct device *dev = view->model->dev;
    float *host = xmalloc((size_t)w.cols * sizeof(float));
    double sum = 0;

    copy = mat_new(dev, DT_F32, w.rows, w.cols);
    norms = mat_new(dev, DT_F32, 1, w.cols);
    device_copy(dev, w, copy);
    device_col_norms(dev, copy, norms);
    device_fetch(dev, host, norms, "layer %d: the lengths of %s's columns", layer,
                 matrix_name(which));
    mat_free(dev, &copy);
    mat_free(dev, &norms);
    if (device_sync(dev, err))
        for (int j = 0; j < w.cols; j++)
            sum += (double)host[j] * (double)host[j];
    free(host);
    return sqrt(sum);
}

/* Room for what an edit reads; with a norm behind the FFNs also their sums. */
static struct edit_reads reads_new(const struct edit_context *ctx, const struct model *m)
{
    size_t u = (size_t)ctx->count, lu = (size_t)ctx->layers * u, d = (size_t)m->config->hidden;
    bool norms = m->config->parts & PART_POST_NORMS;

    return (struct edit_reads){.rule = ctx->keys,
                               .keys = xmalloc(lu * (size_t)m->config->ffn * sizeof(float)),
                               .means = ctx->keys == KEYS_BARE
                                            ? xmalloc(lu * (size_t)m->config->ffn * sizeof(float))
                                            : NULL,
                               .out_z = xmalloc(u * d * sizeof(float)),
                               .sums = norms ? xmalloc(lu * d * sizeof(float)) : NULL};
}

static void reads_free(struct edit_reads *r)
{
    free(r->keys);
    free(r->means);
    free(r->out_z);
    free(r->sums);
    *r = (struct edit_reads){0};
}

bool edit_context_read(struct edit_context *ctx, const struct model_state *state, struct job *job,
                       struct err *err)
{
    if (ctx->reads.keys)
        return true;
    ctx->reads = reads_new(ctx, state->model);
    if (edit_read(state, ctx->request, ctx->count, ctx->layer, ctx->layers, &ctx->reads, job, err))
        return true;
    reads_free(&ctx->reads);
    return false;
}

void edit_context_free(struct edit_context *ctx)
{
    for (int i = 0; ctx->mask && i < ctx->layers * (ctx->mask_per_request ? ctx->count : 1); i++)
        mask_free(ctx->mask[i]);
    free(ctx->mask);
    reads_free(&ctx->reads);
    ctx->mask = NULL;
}

/* An edit under way: the scratch state as it was read last, and Z, what O is to become. */
struct edit_progress {
    struct edit_reads now;
    const float *reached;   /* [u][d] O, of `now` */
    float *wanted;          /* [u][d] Z */
    double size;            /* the length of Z, the unit of z_error */
    float *share;           /* [u][d] R of the layer at hand */
    struct post_norm *norm; /* [layers] if several layers have norms behind their FFNs; else NULL */
    double *most;           /* [u] with norms: how far z turns what the last one reads */
};

static void progress_free(struct edit_progress *g, int layers)
{
    reads_free(&g->now);
    free(g->wanted);
    free(g->share);
    for (int i = 0; g->norm && i < layers; i++)
        post_norm_free(&g->norm[i]);
    free(g->norm);
    free(g->most);
}

/* With norms: Z = O + n(z) - n(s), the output of block z if its norm read z instead of the sum s.
 * Its length is that of n(z). */
static void wanted_outputs(struct edit_progress *g, const struct edit_context *ctx, int d)
{
    int last = ctx->layers - 1, u = ctx->count;
    const struct post_norm *norm = &g->norm[last];
    double *to = xcalloc((size_t)d, sizeof(*to)), *from = xcalloc((size_t)d, sizeof(*from));
    double sum = 0;

    g->most = xcalloc((size_t)u, sizeof(*g->most));
    for (int t = 0; t < u; t++) {
        const float *s = g->now.sums + (last * u + t) * d, *z = ctx->z + t * d;

        post_norm_apply(norm, z, to);
        post_norm_apply(norm, s, from);
        g->most[t] = post_norm_way(norm, s, z);
        for (int j = 0; j < d; j++) {
            g->wanted[t * d + j] = (float)((double)g->now.out_z[t * d + j] + to[j] - from[j]);
            sum += to[j] * to[j];
        }
    }
    g->size = sqrt(sum);
    free(to);
    free(from);
}

/* Begins with what the context has read. Free with progress_free(), also on failure. */
static bool progress_begin(struct edit_progress *g, const struct edit_context *ctx,
                           const struct model *m, struct err *err)
{
    size_t u = (size_t)ctx->count, d = (size_t)m->config->hidden, n = (size_t)ctx->layers;
    size_t rows = u * d * sizeof(float);
    double sum = 0;
    bool ok = true;

    *g = (struct edit_progress){.now = reads_new(ctx, m)};
    memcpy(g->now.keys, ctx->reads.keys, n * u * (size_t)m->config->ffn * sizeof(float));
    memcpy(g->now.out_z, ctx->reads.out_z, rows);
    if (g->now.sums)
        memcpy(g->now.sums, ctx->reads.sums, n * rows);
    g->reached = g->now.sums && n == 1 ? g->now.sums : g->now.out_z;
    g->wanted = memcpy(xmalloc(rows), ctx->z, rows);
    g->share = xmalloc(rows);
    for (size_t j = 0; j < u * d; j++)
        sum += (double)g->wanted[j] * (double)g->wanted[j];
    g->size = sqrt(sum);
    if (!g->now.sums || n == 1)
        return true;
    g->norm = xcalloc(n, sizeof(*g->norm));
    for (int i = 0; ok && i < ctx->layers; i++)
        ok = post_norm_fetch(&g->norm[i], m, ctx->layer[i], err);
    if (ok)
        wanted_outputs(g, ctx, m->config->hidden);
    return ok;
}

/* ||Z - O|| over all requests */
static double residual_norm(const struct edit_progress *g, int n)
{
    double sum = 0;

    for (int j = 0; j < n; j++) {
        double r = (double)(g->wanted[j] - g->reached[j]);

        sum += r * r;
    }
    return sqrt(sum);
}

/* g->share = R of the i-th layer: (Z - O) / (layers left), or with norms this layer's part of Z - O
 * as a change of what its norm reads. */
static void layer_share(struct edit_progress *g, const struct edit_context *ctx, int d, int i)
{
    int u = ctx->count, left = ctx->layers - i;

    for (int j = 0; j < u * d; j++)
        g->share[j] = g->wanted[j] - g->reached[j];
    for (int t = 0; g->norm && t < u; t++)
        post_norm_turn(&g->norm[i], left, g->now.sums + (i * u + t) * d, g->most[t],
                       g->share + t * d);
    for (int j = 0; !g->norm && j < u * d; j++)
        g->share[j] /= (float)left;
}

/* How far the update moves the outputs of past keys: their hits times ||R||. */
static void report_moved(struct layer_report *report, const float *share, int n)
{
    double sum = 0;

    for (int j = 0; j < n; j++)
        sum += (double)share[j] * (double)share[j];
    for (int j = 0; j < report->hits; j++)
        report->hit[j].moved = report->hit[j].hit * sqrt(sum);
}

/* Step 4 of editscope-method(7) 7.11: one pass over all layers. The scratch state is read again
 * after each layer. */
static bool write_layers(struct edit_result *out, struct model_state *scratch,
                         const struct edit_context *ctx, struct edit_progress *g, struct job *job,
                         struct err *err)
{
    int ud = ctx->count * scratch->model->config->hidden, m = scratch->model->config->ffn;

    for (int i = 0; i < ctx->layers; i++) {
        struct layer_report *report = &out->report[i];
        struct solution s = {0};
        const float *k = g->now.keys + (size_t)i * (size_t)ctx->count * (size_t)m;
        bool ok;

        report->weight_norm = matrix_norm(scratch, ctx->layer[i], MATRIX_DOWN, err);
        report->residual = residual_norm(g, ud);
        layer_share(g, ctx, scratch->model->config->hidden, i);
        ok = solve_layer(ctx, i, k, &s, report, job, err);
        if (ok) {
            report_moved(report, g->share, ud);
            report->delta_norm = write_layer(out, scratch, ctx, i, &s, g->share);
        }
        solution_free(&s, scratch->model->dev);
        if (!ok)
            return err_in(err, "layer %d", ctx->layer[i]);
        if (!edit_read(scratch, ctx->request, ctx->count, ctx->layer, ctx->layers, &g->now, job,
                       err))
            return false;
    }
    return true;
}

/* Stores the keys as they are after the edit with its deltas: later edits must not move the outputs
 * for them (editscope-method(7) 7.9). */
static void keep_keys(struct edit_result *out, const struct edit_context *ctx, const float *keys,
                      int neurons)
{
    size_t m = (size_t)neurons, um = (size_t)ctx->count * m;

    for (int i = 0; i < ctx->layers; i++)
        for (int t = out->deltas - 1, part = ctx->count - 1; t >= 0; t--) {
            struct delta *delta = &out->delta[t];
            int first = ctx->mask_per_request ? part : 0;

            if (delta->layer != ctx->layer[i])
                continue;
            delta->key = xmalloc((size_t)delta->rank * m * sizeof(float));
            memcpy(delta->key, keys + (size_t)i * um + (size_t)first * m,
                   (size_t)delta->rank * m * sizeof(float));
            if (!ctx->mask_per_request || --part < 0)
                break;
        }
}

bool edit_apply(struct edit_result *out, struct model_state *scratch, struct edit_context *ctx,
                struct job *job, struct err *err)
{
    const struct model *m = scratch->model;
    int passes = (int)ctx->params->value[P_EDIT_PASSES];
    struct edit_progress g;
    bool ok;

    *out = (struct edit_result){.layers = ctx->layers};
    if (!edit_context_read(ctx, scratch, job, err))
        return false;
    ok = progress_begin(&g, ctx, m, err);
    for (int pass = 0; ok && pass < passes; pass++) {
        ok = write_layers(out, scratch, ctx, &g, job, err);
        if (!ok)
            break;
        out->z_error = g.size > 0 ? residual_norm(&g, ctx->count * m->config->hidden) / g.size : 0;
        if (out->z_error < 0.02)
            break;
    }
    if (ok)
        keep_keys(out, ctx, g.now.keys, m->config->ffn);
    else
        edit_result_free(out);
    progress_free(&g, ctx->layers);
    return ok;
}

bool edit_remember(const struct edit_result *r, const struct edit_context *ctx, struct err *err)
{
    for (int t = 0; t < r->deltas; t++) {
        const struct delta *d = &r->delta[t];

        for (int i = 0; d->key && i < ctx->layers; i++) {
            struct device *dev = ctx->solver[i]->dev;
            struct mat keys;
            bool ok;

            if (ctx->layer[i] != d->layer || d->matrix != MATRIX_DOWN)
                continue;
            keys = mat_new(dev, DT_F32, d->rank, d->cols);
            device_upload(dev, keys, d->key);
            ok = solver_append(ctx->solver[i], keys, err);
            mat_free(dev, &keys);
            if (!ok)
                return false;
        }
    }
    return true;
}

bool edit_estimate(struct layer_report *report, const struct model_state *view,
                   struct edit_context *ctx, struct job *job, struct err *err)
{
    size_t um = (size_t)ctx->count * (size_t)view->model->config->ffn;
    bool ok = edit_context_read(ctx, view, job, err);

    for (int i = 0; ok && i < ctx->layers; i++) {
        struct solution s = {0};

        report[i] = (struct layer_report){.stale = i > 0};
        ok = !job_cancelled(job, err) &&
             solve_layer(ctx, i, ctx->reads.keys + (size_t)i * um, &s, &report[i], job, err);
        solution_free(&s, view->model->dev);
        if (!ok)
            err_in(err, "layer %d", ctx->layer[i]);
    }
    return ok;
}
