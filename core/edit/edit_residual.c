/* What is left to reach, and the part of it for each layer (editscope-method(7) 7.2). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editor_internal.h"

void edit_progress_free(struct edit_progress *g, int layers)
{
    edit_reads_free(&g->now);
    free(g->targets);
    free(g->given);
    free(g->share);
    for (int i = 0; g->norm && i < layers; i++)
        post_norm_free(&g->norm[i]);
    free(g->norm);
    free(g->most);
}

/* With norms: Z = O + n(z) - n(s), the output of block z if its norm read z instead of the sum s;
 * of what the FFN gives, Z = n(z). `at` is the place of block z among the layers, out [u][d] its
 * output. The length of Z is that of n(z). */
static void wanted_outputs(struct edit_progress *g, const struct edit_context *ctx, int d, int at,
                           const float *out)
{
    int u = ctx->count;
    const struct post_norm *norm = &g->norm[at];
    double *to = xcalloc((size_t)d, sizeof(*to)), *from = xcalloc((size_t)d, sizeof(*from));
    double sum = 0;

    g->most = xcalloc((size_t)u, sizeof(*g->most));
    for (int t = 0; t < u; t++) {
        const float *s = g->now.sums + (at * u + t) * d, *z = ctx->z + t * d;

        post_norm_apply(norm, z, to);
        post_norm_apply(norm, s, from);
        g->most[t] = post_norm_way(norm, s, z);
        for (int j = 0; j < d; j++) {
            g->targets[t * d + j] =
                (float)(g->given ? to[j] : (double)out[t * d + j] + to[j] - from[j]);
            sum += to[j] * to[j];
        }
    }
    g->size = sqrt(sum);
    free(to);
    free(from);
}

/* g->given, of what was read last. */
static void given_outputs(struct edit_progress *g, const struct edit_context *ctx, int d)
{
    const float *sums;
    double *out;

    if (!g->given)
        return;
    sums = g->now.sums + (ctx->layers - 1) * ctx->count * d;
    out = xcalloc((size_t)d, sizeof(*out));
    for (int t = 0; t < ctx->count; t++) {
        post_norm_apply(&g->norm[ctx->layers - 1], sums + t * d, out);
        for (int j = 0; j < d; j++)
            g->given[t * d + j] = (float)out[j];
    }
    free(out);
}

/* The norms behind the FFNs, and Z through the one of block z. */
static bool norms_begin(struct edit_progress *g, const struct edit_context *ctx,
                        const struct model *m, struct err *err)
{
    size_t rows = (size_t)ctx->count * (size_t)m->config->hidden * sizeof(float);
    int at = g->each ? 0 : ctx->layers - 1;

    g->norm = xcalloc((size_t)ctx->layers, sizeof(*g->norm));
    for (int i = 0; i < ctx->layers; i++)
        if (!post_norm_fetch(&g->norm[i], m, ctx->layer[i], err))
            return false;
    if (ctx->residual == RESIDUAL_ROOT)
        g->reached = g->given = xmalloc(rows);
    wanted_outputs(g, ctx, m->config->hidden, at, g->each ? g->now.outs : g->now.out_z);
    given_outputs(g, ctx, m->config->hidden);
    return true;
}

/* By RESIDUAL_EACH: what the blocks above the first edited one make of its target. */
static bool targets_forward(struct edit_progress *g, const struct edit_context *ctx,
                            const struct model_state *scratch, struct job *job, struct err *err)
{
    size_t row = (size_t)ctx->count * (size_t)scratch->model->config->hidden;
    struct edit_reads after = edit_reads_new(ctx, scratch->model);
    bool ok;

    after.first = g->targets;
    ok = edit_read(scratch, ctx->request, ctx->count, ctx->layer, ctx->layers, &after, job, err);
    if (ok)
        memcpy(g->targets + row, after.outs + row, (size_t)(ctx->layers - 1) * row * sizeof(float));
    edit_reads_free(&after);
    return ok;
}

static double length_of(const float *x, size_t n)
{
    double sum = 0;

    for (size_t j = 0; j < n; j++)
        sum += (double)x[j] * (double)x[j];
    return sqrt(sum);
}

bool edit_progress_begin(struct edit_progress *g, const struct edit_context *ctx,
                         const struct model_state *scratch, struct job *job, struct err *err)
{
    const struct model *m = scratch->model;
    size_t u = (size_t)ctx->count, d = (size_t)m->config->hidden, n = (size_t)ctx->layers;
    size_t rows = u * d * sizeof(float);
    bool norms = m->config->parts & PART_POST_NORMS, ffn = ctx->residual == RESIDUAL_ROOT;

    *g = (struct edit_progress){.now = edit_reads_new(ctx, m),
                                .each = ctx->residual == RESIDUAL_EACH && n > 1};
    memcpy(g->now.keys, ctx->reads.keys, n * u * (size_t)m->config->ffn * sizeof(float));
    memcpy(g->now.out_z, ctx->reads.out_z, rows);
    if (g->now.sums)
        memcpy(g->now.sums, ctx->reads.sums, n * rows);
    if (g->now.outs)
        memcpy(g->now.outs, ctx->reads.outs, n * rows);
    g->reached = ffn || (norms && n == 1) ? g->now.sums + (n - 1) * u * d : g->now.out_z;
    g->targets = xmalloc((g->each ? n : 1) * rows);
    g->wanted = memcpy(g->targets, ctx->z, rows);
    g->share = xmalloc(rows);
    g->size = length_of(g->targets, u * d);
    if (norms && n > 1 && !norms_begin(g, ctx, m, err))
        return false;
    if (!g->each)
        return true;
    if (!targets_forward(g, ctx, scratch, job, err))
        return false;
    g->size = length_of(g->targets + (n - 1) * u * d, u * d);
    return true;
}

void edit_progress_at(struct edit_progress *g, const struct edit_context *ctx, int d, int i)
{
    if (!g->each)
        return;
    g->wanted = g->targets + i * ctx->count * d;
    g->reached = g->now.outs + i * ctx->count * d;
}

bool edit_progress_read(struct edit_progress *g, const struct edit_context *ctx,
                        const struct model_state *scratch, struct job *job, struct err *err)
{
    if (!edit_read(scratch, ctx->request, ctx->count, ctx->layer, ctx->layers, &g->now, job, err))
        return false;
    given_outputs(g, ctx, scratch->model->config->hidden);
    return true;
}

double edit_residual_norm(const struct edit_progress *g, int n)
{
    double sum = 0;

    for (int j = 0; j < n; j++) {
        double r = (double)(g->wanted[j] - g->reached[j]);

        sum += r * r;
    }
    return sqrt(sum);
}

double edit_progress_error(const struct edit_progress *g, int n)
{
    return g->size > 0 ? edit_residual_norm(g, n) / g->size : 0;
}

void edit_layer_share(struct edit_progress *g, const struct edit_context *ctx, int d, int i)
{
    int u = ctx->count, left = g->each ? 1 : ctx->layers - i;
    float more = ctx->residual == RESIDUAL_ROOT ? (float)sqrt(left) : 1;

    for (int j = 0; j < u * d; j++)
        g->share[j] = more * (g->wanted[j] - g->reached[j]);
    for (int t = 0; g->norm && t < u; t++)
        post_norm_turn(&g->norm[i], left, g->now.sums + (i * u + t) * d, g->most[t],
                       g->share + t * d);
    for (int j = 0; !g->norm && j < u * d; j++)
        g->share[j] /= (float)left;
}
