/* What is left to reach, and the part of it for each layer (editscope-method(7) 7.2). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editor_internal.h"

void edit_progress_free(struct edit_progress *g, int layers)
{
    edit_reads_free(&g->now);
    free(g->wanted);
    free(g->given);
    free(g->share);
    for (int i = 0; g->norm && i < layers; i++)
        post_norm_free(&g->norm[i]);
    free(g->norm);
    free(g->most);
}

/* With norms: Z = O + n(z) - n(s), the output of block z if its norm read z instead of the sum s;
 * of what the FFN gives, Z = n(z). Its length is that of n(z). */
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
            g->wanted[t * d + j] =
                (float)(g->given ? to[j] : (double)g->now.out_z[t * d + j] + to[j] - from[j]);
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

bool edit_progress_begin(struct edit_progress *g, const struct edit_context *ctx,
                         const struct model *m, struct err *err)
{
    size_t u = (size_t)ctx->count, d = (size_t)m->config->hidden, n = (size_t)ctx->layers;
    size_t rows = u * d * sizeof(float);
    double sum = 0;
    bool ok = true, norms = m->config->parts & PART_POST_NORMS;
    bool ffn = ctx->residual == RESIDUAL_ROOT;

    *g = (struct edit_progress){.now = edit_reads_new(ctx, m)};
    memcpy(g->now.keys, ctx->reads.keys, n * u * (size_t)m->config->ffn * sizeof(float));
    memcpy(g->now.out_z, ctx->reads.out_z, rows);
    if (g->now.sums)
        memcpy(g->now.sums, ctx->reads.sums, n * rows);
    g->reached = ffn || (norms && n == 1) ? g->now.sums + (n - 1) * u * d : g->now.out_z;
    g->wanted = memcpy(xmalloc(rows), ctx->z, rows);
    g->share = xmalloc(rows);
    for (size_t j = 0; j < u * d; j++)
        sum += (double)g->wanted[j] * (double)g->wanted[j];
    g->size = sqrt(sum);
    if (!norms || n == 1)
        return true;
    g->norm = xcalloc(n, sizeof(*g->norm));
    for (int i = 0; ok && i < ctx->layers; i++)
        ok = post_norm_fetch(&g->norm[i], m, ctx->layer[i], err);
    if (ok && ffn)
        g->reached = g->given = xmalloc(rows);
    if (ok)
        wanted_outputs(g, ctx, m->config->hidden);
    given_outputs(g, ctx, m->config->hidden);
    return ok;
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

void edit_layer_share(struct edit_progress *g, const struct edit_context *ctx, int d, int i)
{
    int u = ctx->count, left = ctx->layers - i;
    float more = ctx->residual == RESIDUAL_ROOT ? (float)sqrt(left) : 1;

    for (int j = 0; j < u * d; j++)
        g->share[j] = more * (g->wanted[j] - g->reached[j]);
    for (int t = 0; g->norm && t < u; t++)
        post_norm_turn(&g->norm[i], left, g->now.sums + (i * u + t) * d, g->most[t],
                       g->share + t * d);
    for (int j = 0; !g->norm && j < u * d; j++)
        g->share[j] /= (float)left;
}
