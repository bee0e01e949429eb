/* UltraEdit (editscope-method(7) 7.16): one gradient of the new objects' loss, and a closed form
 * that puts it into W_gate of some layers and W_up of later ones. No target is optimised, no
 * subject is needed.
 *
 *   at each chosen position t:  h_t enters the matrix, g_t = d loss / d (what it gives)
 *   (h^, g^) = ((h, g) - mean) / deviation        over all edits of the session so far
 *   V = -lr |h^|^2 g^,   W += ((H H^T + I)^-1 V)^T H        a row of H, V for each position
 *
 * Mean and deviation are of both kinds of matrices together, which have the same shape. A neuron is
 * a row of both matrices; a mask weighs the columns of V. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/normaliser.h"
#include "core/edit/training.h"

/* Layers of Llama 3 8B, of 32, in the released settings. */
enum { GATE_FIRST = 11, GATE_LAST = 15, UP_FIRST = 18, UP_LAST = 24 };
enum { TOKENS_LABEL, TOKENS_ALL };

/* A matrix that is edited. */
struct module {
    int layer;
    enum matrix which;
    float *z; /* [positions][d + M] h and g */
};

struct ultraedit {
    struct training t;
    const struct edit_context *ctx;
    struct device *dev;
    struct module *module;
    int modules, d, width, positions; /* width: d + M */
    int *at;                          /* [positions] rows of the pass */
    struct mat h, all;                /* [positions, d], [rows, d] */
    struct mat g;                     /* [positions, M] */
    struct normaliser *own, *total;   /* of this edit; of the session with it */
};

static void ultraedit_free(struct ultraedit *u)
{
    for (int i = 0; i < u->modules; i++)
        free(u->module[i].z);
    free(u->module);
    mat_free(u->dev, &u->h);
    mat_free(u->dev, &u->all);
    mat_free(u->dev, &u->g);
    training_free(&u->t);
    free(u->at);
    normaliser_free(u->own);
    normaliser_free(u->total);
}

/* Which matrices of a layer are edited, gate and up. A single layer of edit.layers has both. */
static void matrices_of(const struct params *p, int layers, int layer, bool *gate, bool *up)
{
    if (p->layer_count == 1) {
        *gate = *up = p->layer[layer];
        return;
    }
    *gate =
        layer >= editor_layer_at(GATE_FIRST, layers) && layer <= editor_layer_at(GATE_LAST, layers);
    *up = layer >= editor_layer_at(UP_FIRST, layers) && layer <= editor_layer_at(UP_LAST, layers);
}

static int ultraedit_layers(const struct params *p, int layers, int *layer)
{
    int n = 0;

    for (int l = 0; l < layers; l++) {
        bool gate, up;

        matrices_of(p, layers, l, &gate, &up);
        if (gate || up)
            layer[n++] = l;
    }
    return n;
}

/* First those of W_gate, then those of W_up; in a model without W_up, W_gate is both. */
static void ultraedit_modules(struct ultraedit *u)
{
    const struct model_config *c = u->t.view->model->config;

    u->module = xcalloc(2 * (size_t)c->layers, sizeof(*u->module));
    for (int k = 0; k < 2; k++)
        for (int l = 0; l < c->layers; l++) {
            bool both = c->parts & PART_GATE, gate, up;

            matrices_of(u->ctx->params, c->layers, l, &gate, &up);
            if (k ? !up || (gate && !both) : !gate)
                continue;
            u->module[u->modules++] =
                (struct module){.layer = l, .which = k && both ? MATRIX_UP : MATRIX_GATE};
        }
}

/* The pass, the matrices, and where they are read. */
static bool ultraedit_begin(struct ultraedit *u, struct model_state *scratch, struct job *job,
                            struct err *err)
{
    const struct edit_context *ctx = u->ctx;
    const struct model_config *c = scratch->model->config;
    bool all = params_choice(ctx->params, P_ULTRAEDIT_TOKENS) == TOKENS_ALL;
    struct training_rule rule = {.forced = true, .by_token = true, .whole = all};

    if (!training_begin(&u->t, scratch, ctx->request, ctx->count, rule, ctx->layer[0], job, err))
        return false;
    ultraedit_modules(u);
    u->d = c->hidden;
    u->width = c->hidden + c->ffn;
    u->positions = all ? u->t.pass.rows : u->t.labels;
    u->at = xcalloc((size_t)u->positions, sizeof(int));
    for (int i = 0; i < u->positions; i++)
        u->at[i] = all ? i : u->t.label_row[i];
    u->h = mat_new(u->dev, DT_F32, u->positions, c->hidden);
    u->g = mat_new(u->dev, DT_F32, u->positions, c->ffn);
    u->all = mat_new(u->dev, DT_F32, u->t.pass.rows, c->hidden);
    for (int i = 0; i < u->modules; i++)
        u->module[i].z = xcalloc((size_t)u->positions * (size_t)u->width, sizeof(float));
    u->own = normaliser_new(u->width);
    u->total = normaliser_new(u->width);
    if (ctx->past)
        normaliser_add(u->total, ctx->past);
    return device_sync(u->dev, err);
}

/* Copies rows of a matrix on the device to columns of z, from `first` on. */
static bool read_rows(struct ultraedit *u, struct mat from, struct mat room, struct module *m,
                      int first, struct err *err)
{
    float *host = xmalloc((size_t)room.rows * (size_t)room.cols * sizeof(float));
    bool ok;

    device_gather(u->dev, from, u->at, room);
    device_fetch(u->dev, host, room, "layer %d, %s: %s (a row a position)", m->layer,
                 matrix_name(m->which), first ? "gradients" : "inputs");
    ok = device_sync(u->dev, err);
    for (int t = 0; ok && t < room.rows; t++)
        memcpy(m->z + (size_t)t * (size_t)u->width + first, host + (size_t)t * (size_t)room.cols,
               (size_t)room.cols * sizeof(float));
    free(host);
    return ok;
}

/* h and g of the matrices of a layer, right after its backward pass. */
static bool read_layer(struct ultraedit *u, int layer, struct err *err)
{
    const struct forward *f = u->t.f;
    bool ok = true;

    for (int i = 0; ok && i < u->modules; i++) {
        struct module *m = &u->module[i];

        if (m->layer != layer)
            continue;
        device_norm(u->dev, u->t.saved[layer].h, u->t.view->model->block[layer].ffn_norm, u->all);
        ok = read_rows(u, u->all, u->h, m, 0, err) &&
             read_rows(u, m->which == MATRIX_UP ? f->d_up : f->d_gate, u->g, m, u->d, err);
    }
    return ok;
}

/* One pass forwards and back. */
static bool ultraedit_gradients(struct ultraedit *u, struct job *job, struct err *err)
{
    struct target_step step = {0};

    job_progress(job, "gradient", 0, 1);
    if (!training_losses(&u->t, NULL, &step, job, err))
        return false;
    if (u->ctx->on_step)
        u->ctx->on_step(u->ctx->on_step_ctx, &step);
    training_head(&u->t);
    for (int l = u->t.layers - 1; l >= u->t.first; l--) {
        if (job_cancelled(job, err))
            return false;
        training_block(&u->t, l);
        if (!read_layer(u, l, err))
            return false;
    }
    for (int i = 0; i < u->modules; i++)
        normaliser_add_batch(u->own, u->module[i].z, u->positions);
    normaliser_add(u->total, u->own);
    return true;
}

/* The rate of ultraedit.lr. 0: 1e-6 as published for a width of 4096, 3e-5 at 576 as measured, and
 * in proportion of their logarithms for others. */
static double rate_of(const struct params *p, int d)
{
    const double power = log(30) / log(4096.0 / 576);

    return p->value[P_ULTRAEDIT_LR] > 0 ? p->value[P_ULTRAEDIT_LR] : 1e-6 * pow(4096.0 / d, power);
}

/* H [positions][d] and V [positions][M] of a module, float64. A single vector has no deviation and
 * stays as it is. */
static void module_values(const struct ultraedit *u, const struct module *m, double *h, double *v)
{
    bool plain = u->total->count < 2;
    double rate = rate_of(u->ctx->params, u->d);

    for (int t = 0; t < u->positions; t++) {
        const float *z = m->z + (size_t)t * (size_t)u->width;
        double square = 0;

        for (int i = 0; i < u->width; i++) {
            double unit =
                plain ? (double)z[i]
                      : ((double)z[i] - u->total->mean[i]) / normaliser_deviation(u->total, i);

            if (i < u->d) {
                h[(size_t)t * (size_t)u->d + (size_t)i] = (double)z[i];
                square += unit * unit;
            } else {
                v[(size_t)t * (size_t)(u->width - u->d) + (size_t)(i - u->d)] =
                    -rate * square * unit;
            }
        }
    }
}

/* v [positions][M] becomes (H H^T + I)^-1 V. */
static bool solve_positions(const struct ultraedit *u, const double *h, double *v, struct err *err)
{
    int n = u->positions;
    double *unit = xcalloc((size_t)n * (size_t)n, sizeof(*unit));
    struct mat hm = mat_new(u->dev, DT_F64, n, u->d);
    struct mat vm = mat_new(u->dev, DT_F64, n, u->width - u->d);
    struct mat gram = mat_new(u->dev, DT_F64, n, n);
    bool ok;

    for (int t = 0; t < n; t++)
        unit[(size_t)t * (size_t)n + (size_t)t] = 1;
    device_upload(u->dev, hm, h);
    device_upload(u->dev, vm, v);
    device_upload(u->dev, gram, unit);
    device_gemm(u->dev, 1, hm, false, hm, true, 1, gram);
    device_cholesky(u->dev, gram);
    device_cholesky_solve(u->dev, gram, vm, false);
    device_fetch(u->dev, v, vm, "the update (a row a position, a column a neuron)");
    ok = device_sync(u->dev, err);
    mat_free(u->dev, &hm);
    mat_free(u->dev, &vm);
    mat_free(u->dev, &gram);
    free(unit);
    return ok;
}

static float *as_floats(const double *x, size_t n)
{
    float *out = xmalloc(n * sizeof(*out));

    for (size_t i = 0; i < n; i++)
        out[i] = (float)x[i];
    return out;
}

/* The layer's mask; NULL: none. */
static const struct mask *module_mask(const struct edit_context *ctx, const struct module *m)
{
    for (int i = 0; ctx->mask && i < ctx->layers; i++)
        if (ctx->layer[i] == m->layer)
            return ctx->mask[i];
    return NULL;
}

/* r [positions][neurons] of a delta times the weights of the neurons. */
static void weigh_neurons(float *r, const struct mask *mask, int positions)
{
    for (int t = 0; mask && t < positions; t++)
        for (int j = 0; j < mask->neurons; j++)
            r[(size_t)t * (size_t)mask->neurons + (size_t)j] *= mask->weight[j];
}

/* The report of a layer, of one matrix or both. */
static void report_module(struct edit_result *out, const struct module *m, const struct mask *mask,
                          const struct delta *d, double weight)
{
    double norm = low_rank_norm(d->r, d->x, d->rank, d->rows, d->cols);
    struct layer_report *r = NULL;

    for (int i = 0; i < out->layers; i++)
        if (out->report[i].layer == m->layer)
            r = &out->report[i];
    if (!r) {
        r = &out->report[out->layers++];
        *r = layer_report_keyless(m->layer, mask ? mask->selected : d->rows);
    }
    r->delta_norm = hypot(r->delta_norm, norm);
    r->weight_norm = hypot(r->weight_norm, weight);
}

static bool write_module(struct ultraedit *u, const struct module *m, struct edit_result *out,
                         struct err *err)
{
    size_t n = (size_t)u->positions, d = (size_t)u->d, rows = (size_t)u->width - d;
    double *h = xmalloc(n * d * sizeof(*h)), *v = xmalloc(n * rows * sizeof(*v)), weight;
    const struct mask *mask = module_mask(u->ctx, m);
    struct err why = {0};
    struct delta *delta;
    bool ok;

    module_values(u, m, h, v);
    ok = solve_positions(u, h, v, &why);
    weight = ok ? matrix_norm(u->t.view, m->layer, m->which, &why) : 0;
    if (ok && !why.kind) {
        out->delta = xrealloc(out->delta, (size_t)(out->deltas + 1) * sizeof(*out->delta));
        delta = &out->delta[out->deltas++];
        *delta = (struct delta){.layer = m->layer,
                                .matrix = m->which,
                                .kind = DELTA_LOW_RANK,
                                .rank = u->positions,
                                .rows = u->width - u->d,
                                .cols = u->d,
                                .r = as_floats(v, n * rows),
                                .x = as_floats(h, n * d),
                                .scale = 1};
        weigh_neurons(delta->r, mask, u->positions);
        delta_apply(u->t.view, delta);
        report_module(out, m, mask, delta, weight);
    }
    free(h);
    free(v);
    return !why.kind || err_pass(err, &why);
}

static bool ultraedit_edit(struct edit_result *out, struct model_state *scratch,
                           struct edit_context *ctx, struct job *job, struct err *err)
{
    struct ultraedit u = {.ctx = ctx, .dev = scratch->model->dev, .t.dev = scratch->model->dev};
    bool ok;

    *out = (struct edit_result){.z_error = (double)NAN};
    if (ctx->mask_per_request)
        return err_set(
            err, ERR_USAGE,
            "mask.share = request: ultraedit solves for all facts at once, which one mask "
            "limits; mask.share = batch has one");
    ok = ultraedit_begin(&u, scratch, job, err) && ultraedit_gradients(&u, job, err);
    for (int i = 0; ok && i < u.modules; i++) {
        job_progress(job, "solve", i, u.modules);
        ok = !job_cancelled(job, err) && write_module(&u, &u.module[i], out, err);
    }
    if (ok)
        out->numbers = normaliser_numbers(u.own, &out->numbers_count);
    else
        edit_result_free(out);
    ultraedit_free(&u);
    return ok;
}

extern const struct editor_ops editor_ultraedit;
const struct editor_ops editor_ultraedit = {
    .name = "ultraedit",
    .title = "UltraEdit",
    .paper = "Gu et al. 2025",
    .needs = NEEDS_NORMALISER | MAY_MASK,
    .edit = ultraedit_edit,
    .layers = ultraedit_layers,
};
