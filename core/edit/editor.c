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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editor_internal.h"
#include "core/edit/mat_f64.h"

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
    free(r->numbers);
    *r = (struct edit_result){0};
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
                          const struct edit_context *ctx, int i, const struct edit_solution *s,
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

/* Of w, or if `less` has data of w - less. */
static bool matrix_length(struct device *dev, struct mat w, struct mat less, int layer,
                          enum matrix which, double *length, struct err *err)
{
    struct mat copy = mat_new(dev, DT_F32, w.rows, w.cols), other = {0};
    char name[48];
    bool ok;

    snprintf(name, sizeof(name), "layer %d, %s", layer, matrix_name(which));
    device_copy(dev, w, copy);
    if (less.data) {
        other = mat_new(dev, DT_F32, w.rows, w.cols);
        device_copy(dev, less, other);
        device_axpy(dev, -1, other, copy);
    }
    ok = mat_length(dev, copy, name, length, err);
    mat_free(dev, &copy);
    mat_free(dev, &other);
    return ok;
}

double matrix_norm(const struct model_state *view, int layer, enum matrix which, struct err *err)
{
    double length = 0;
    bool ok = matrix_length(view->model->dev, state_matrix(view, layer, which), (struct mat){0},
                            layer, which, &length, err);

    return ok ? length : 0;
}

bool matrix_distance(double *out, const struct model_state *a, const struct model_state *b,
                     int layer, enum matrix which, struct err *err)
{
    return matrix_length(a->model->dev, state_matrix(a, layer, which),
                         state_matrix(b, layer, which), layer, which, out, err);
}

void matrix_change(const struct model_state *view, int layer, enum matrix which, struct mat out)
{
    struct device *dev = view->model->dev;
    struct mat base = mat_new(dev, DT_F32, out.rows, out.cols);
    struct mat now = mat_new(dev, DT_F32, out.rows, out.cols);

    device_copy(dev, view->model->block[layer].w[which], base);
    device_copy(dev, state_matrix(view, layer, which), now);
    device_axpy(dev, -1, base, now);
    device_copy(dev, now, out);
    mat_free(dev, &base);
    mat_free(dev, &now);
}

void edit_context_free(struct edit_context *ctx)
{
    for (int i = 0; ctx->mask && i < ctx->layers * (ctx->mask_per_request ? ctx->count : 1); i++)
        mask_free(ctx->mask[i]);
    free(ctx->mask);
    edit_reads_free(&ctx->reads);
    for (int i = 0; i < ctx->notes; i++)
        free(ctx->note[i].value);
    free(ctx->note);
    ctx->note = NULL;
    ctx->notes = 0;
    normaliser_free(ctx->past);
    ctx->past = NULL;
    ctx->mask = NULL;
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
        struct edit_solution s = {0};
        const float *k = g->now.keys + (size_t)i * (size_t)ctx->count * (size_t)m;
        bool ok;

        edit_progress_at(g, ctx, scratch->model->config->hidden, i);
        report->weight_norm = matrix_norm(scratch, ctx->layer[i], MATRIX_DOWN, err);
        report->residual = edit_residual_norm(g, ud);
        edit_layer_share(g, ctx, scratch->model->config->hidden, i);
        ok = edit_solve_layer(ctx, i, k, &s, report, job, err) &&
             (!ctx->before_layer || ctx->before_layer(out, scratch, ctx, i, s.keys, err));
        if (ok) {
            edit_report_moved(report, g->share, ud);
            report->delta_norm = write_layer(out, scratch, ctx, i, &s, g->share);
        }
        edit_solution_free(&s, scratch->model->dev);
        if (!ok)
            return err_in(err, "layer %d", ctx->layer[i]);
        if (!edit_progress_read(g, ctx, scratch, job, err))
            return false;
    }
    return true;
}

void edit_keep_keys(struct edit_result *out, const struct edit_context *ctx, const float *keys,
                    int neurons)
{
    size_t m = (size_t)neurons, um = (size_t)ctx->count * m;

    for (int i = 0; i < ctx->layers; i++)
        for (int t = out->deltas - 1, part = ctx->count - 1; t >= 0; t--) {
            struct delta *delta = &out->delta[t];
            int first = ctx->mask_per_request ? part : 0;

            if (delta->layer != ctx->layer[i] || delta->kind != DELTA_LOW_RANK)
                continue;
            free(delta->key);
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
    ok = edit_progress_begin(&g, ctx, scratch, job, err);
    for (int pass = 0; ok && pass < passes; pass++) {
        ok = write_layers(out, scratch, ctx, &g, job, err);
        if (!ok)
            break;
        out->z_error = edit_progress_error(&g, ctx->count * m->config->hidden);
        if (out->z_error < 0.02)
            break;
    }
    if (ok)
        edit_keep_keys(out, ctx, g.now.keys, m->config->ffn);
    else
        edit_result_free(out);
    edit_progress_free(&g, ctx->layers);
    return ok;
}

bool edit_each_fact(struct edit_result *out, struct model_state *scratch,
                    const struct edit_context *ctx, edit_fact *one, struct job *job,
                    struct err *err)
{
    bool ok = true;

    *out = (struct edit_result){.z_error = (double)NAN};
    for (int i = 0; ok && i < ctx->count; i++)
        ok = one(out, scratch, ctx, &ctx->request[i], job, err);
    if (!ok)
        edit_result_free(out);
    return ok;
}

bool edit_add_hook(struct edit_result *out, struct model_state *scratch, struct hook_data data,
                   struct err *err)
{
    struct hook *hook = hook_open(scratch->model, &data, err);

    out->hook = xrealloc(out->hook, (size_t)(out->hooks + 1) * sizeof(*out->hook));
    out->hook[out->hooks++] = data;
    if (hook)
        state_add_hook(scratch, hook);
    hook_release(hook);
    return hook != NULL;
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
