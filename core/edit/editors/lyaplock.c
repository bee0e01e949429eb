/* LyapLock (editscope-method(7) 7.27): MEMIT for many edits in a row, which weighs what it has done
 * to ordinary text. Each layer has a queue Q that grows while the damage is above its budget.
 *
 *   A  = K K^T + sum_past k k^T + Q lambda C
 *   dW = R K^T A^-1 + [ sum_past (v - W k) k^T - Q lambda (W - W0) C ] A^-1
 *   PL = |(W - W0) K0|^2 = tr((W - W0) C (W - W0)^T) after the edit;  D that of the first edit
 *   Q <- max(Q + PL / (alpha D) - 1, 1)
 *
 * The first term is MEMIT-seq's solve. The second pulls past keys to the values they were given,
 * and the matrix back to the base; it has full rank, and is written before the first. An edit
 * leaves PL and the values of its keys for those after it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/mat_f64.h"

/* A note has for each layer: its number, PL, u, d, and the values [u][d]. */
enum { NOTE_LAYER, NOTE_LOSS, NOTE_KEYS, NOTE_WIDTH, NOTE_VALUES };

/* The part of a note that is of a layer; NULL: none. */
static const double *note_of_layer(const struct edit_note *n, int layer)
{
    for (int at = 0; at + NOTE_VALUES <= n->count;) {
        const double *part = n->value + at;
        double size = NOTE_VALUES + part[NOTE_KEYS] * part[NOTE_WIDTH];

        if (!(part[NOTE_KEYS] >= 0 && part[NOTE_WIDTH] >= 0) || size > n->count - at)
            return NULL;
        if ((int)part[NOTE_LAYER] == layer)
            return part;
        at += (int)size;
    }
    return NULL;
}

/* Q of a layer, after the past edits in order. */
static double queue_of(const struct edit_context *ctx, int i)
{
    double queue = 1, first = 0, alpha = ctx->params->value[P_LYAPLOCK_ALPHA];

    for (int n = 0; n < ctx->notes; n++) {
        const double *part = note_of_layer(&ctx->note[n], ctx->layer[i]);

        if (part && !(first > 0))
            first = part[NOTE_LOSS];
        if (part && first > 0)
            queue = fmax(queue + part[NOTE_LOSS] / (alpha * first) - 1, 1);
    }
    return queue;
}

static bool lyaplock_solve(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                           struct err *err)
{
    return solve_memit(ctx->solver[i], keys, queue_of(ctx, i) * ctx->solver[i]->lambda, 0, true, x,
                       err);
}

/* v [n][d] of the past keys in the order of the solver; a row is NAN where its edit left none. */
static double *past_values(const struct edit_context *ctx, int i, int n, int d)
{
    double *v = xmalloc((size_t)n * (size_t)d * sizeof(*v));

    for (int j = 0, nth = 0; j < n; j++) {
        int edit = j < ctx->owners[i] ? ctx->owner[i][j] : 0;
        const double *part = NULL;

        nth = j && j < ctx->owners[i] && ctx->owner[i][j - 1] == edit ? nth + 1 : 0;
        for (int k = 0; k < ctx->notes && !part; k++)
            if (ctx->note[k].edit == edit)
                part = note_of_layer(&ctx->note[k], ctx->layer[i]);
        if (part && (int)part[NOTE_WIDTH] != d)
            part = NULL;
        for (int c = 0; c < d; c++)
            v[(size_t)j * (size_t)d + (size_t)c] =
                part && nth < (int)part[NOTE_KEYS] ? part[NOTE_VALUES + nth * d + c] : (double)NAN;
    }
    return v;
}

/* g [d, M] += sum_past (v - W k) k^T, of those whose v is known. */
static bool add_drift(const struct edit_context *ctx, int i, struct mat w, struct mat g,
                      struct err *err)
{
    struct solver *s = ctx->solver[i];
    int n = s->count, d = w.rows;
    struct mat past = mat_new(s->dev, DT_F64, n, s->neurons), e = mat_new(s->dev, DT_F64, n, d);
    double *now, *v = past_values(ctx, i, n, d);

    device_copy(s->dev, mat_rows(s->raw, 0, n), past);
    device_gemm(s->dev, 1, past, false, w, true, 0, e);
    now = mat_download(s->dev, e, "the values of past keys", err);
    for (size_t j = 0; now && j < (size_t)n * (size_t)d; j++)
        now[j] = isnan(v[j]) ? 0 : v[j] - now[j];
    if (now) {
        device_upload(s->dev, e, now);
        device_gemm(s->dev, 1, e, true, past, false, 1, g);
    }
    mat_free(s->dev, &past);
    mat_free(s->dev, &e);
    free(v);
    free(now);
    return now != NULL;
}

/* g [d, M] = -times D C, the moment a few rows at a time. */
static bool damage_gradient(struct solver *s, struct mat change, double times, struct mat g,
                            struct err *err)
{
    int step = offload_band(&s->null->sum);
    struct mat room = {0};

    device_fill(s->dev, g, 0);
    for (int at = 0; at < s->neurons; at += step) {
        int rows = s->neurons - at < step ? s->neurons - at : step;
        struct mat band = offload_map_rows(&s->null->sum, at, rows, &room);

        device_gemm(s->dev, -times / (double)s->null->tokens, mat_cols(change, at, rows), false,
                    band, false, 1, g);
    }
    mat_free(s->dev, &room);
    return device_sync(s->dev, err);
}

static struct delta narrow_delta(int layer, struct mat g, const double *host)
{
    size_t n = (size_t)g.rows * (size_t)g.cols;
    float *r = xmalloc(n * sizeof(*r));

    for (size_t j = 0; j < n; j++)
        r[j] = (float)host[j];
    return delta_dense(layer, MATRIX_DOWN, g.rows, g.cols, r);
}

/* The second term of a layer, for the keys [u, M] that the first one is solved for. Nothing where
 * nothing was written. */
static bool lyaplock_pull(struct edit_result *out, struct model_state *scratch,
                          const struct edit_context *ctx, int i, struct mat keys, struct err *err)
{
    struct solver *s = ctx->solver[i];
    int layer = ctx->layer[i], d = scratch->model->config->hidden;
    double times = queue_of(ctx, i) * s->lambda, *host = NULL;
    struct mat change, w, g;
    struct delta *delta;

    if (!state_replaced(scratch, layer, MATRIX_DOWN))
        return true;
    change = mat_new(s->dev, DT_F64, d, s->neurons);
    w = mat_new(s->dev, DT_F64, d, s->neurons);
    g = mat_new(s->dev, DT_F64, d, s->neurons);
    matrix_change(scratch, layer, MATRIX_DOWN, change);
    device_copy(s->dev, state_matrix(scratch, layer, MATRIX_DOWN), w);
    if (damage_gradient(s, change, times, g, err) && (!s->count || add_drift(ctx, i, w, g, err)) &&
        solve_memit_rows(s, keys, times, 0, true, g, err))
        host = mat_download(s->dev, g, "the change that keeps what was", err);
    if (host) {
        out->delta = xrealloc(out->delta, (size_t)(out->deltas + 1) * sizeof(*out->delta));
        delta = &out->delta[out->deltas++];
        *delta = narrow_delta(layer, g, host);
        delta_apply(scratch, delta);
    }
    free(host);
    mat_free(s->dev, &change);
    mat_free(s->dev, &w);
    mat_free(s->dev, &g);
    return host != NULL;
}

/* The damage of a layer: the sum over the rows x of D of x^T C x. */
static bool damage_of(const struct solver *s, struct mat change, double *loss, struct err *err)
{
    double *leak = xcalloc((size_t)change.rows, sizeof(*leak));
    bool ok = nullspace_leak(s->null, change, leak, err);

    *loss = 0;
    for (int i = 0; ok && i < change.rows; i++)
        *loss += leak[i];
    free(leak);
    return ok;
}

/* What W gives for the keys of a delta, appended to the note. */
static bool note_values(struct edit_result *out, const struct delta *d, struct device *dev,
                        struct mat w, struct err *err)
{
    struct mat narrow = mat_new(dev, DT_F32, d->rank, d->cols);
    struct mat keys = mat_new(dev, DT_F64, d->rank, d->cols);
    struct mat v = mat_new(dev, DT_F64, d->rank, d->rows);
    size_t n = (size_t)d->rank * (size_t)d->rows;
    double *host;

    device_upload(dev, narrow, d->key);
    device_copy(dev, narrow, keys);
    device_gemm(dev, 1, keys, false, w, true, 0, v);
    host = mat_download(dev, v, "the values of the keys", err);
    if (host) {
        out->numbers = xrealloc(out->numbers, ((size_t)out->numbers_count + n) * sizeof(double));
        memcpy(out->numbers + out->numbers_count, host, n * sizeof(double));
        out->numbers_count += (int)n;
    }
    free(host);
    mat_free(dev, &narrow);
    mat_free(dev, &keys);
    mat_free(dev, &v);
    return host != NULL;
}

/* The note of layer i, and in its report the size of all that was written to it. */
static bool note_layer(struct edit_result *out, const struct model_state *before,
                       const struct model_state *after, const struct edit_context *ctx, int i,
                       struct err *err)
{
    struct solver *s = ctx->solver[i];
    int layer = ctx->layer[i], d = after->model->config->hidden, at = out->numbers_count, keys = 0;
    struct mat change = mat_new(s->dev, DT_F64, d, s->neurons);
    struct mat w = mat_new(s->dev, DT_F64, d, s->neurons);
    double loss;
    bool ok;

    matrix_change(after, layer, MATRIX_DOWN, change);
    device_copy(s->dev, state_matrix(after, layer, MATRIX_DOWN), w);
    ok = damage_of(s, change, &loss, err) &&
         matrix_distance(&out->report[i].delta_norm, before, after, layer, MATRIX_DOWN, err);
    out->numbers = xrealloc(out->numbers, (size_t)(at + NOTE_VALUES) * sizeof(double));
    out->numbers_count = at + NOTE_VALUES;
    for (int t = 0; ok && t < out->deltas; t++)
        if (out->delta[t].layer == layer && out->delta[t].key) {
            ok = note_values(out, &out->delta[t], s->dev, w, err);
            keys += out->delta[t].rank;
        }
    out->numbers[at + NOTE_LAYER] = layer;
    out->numbers[at + NOTE_LOSS] = loss;
    out->numbers[at + NOTE_KEYS] = keys;
    out->numbers[at + NOTE_WIDTH] = d;
    mat_free(s->dev, &change);
    mat_free(s->dev, &w);
    return ok;
}

static bool lyaplock_edit(struct edit_result *out, struct model_state *scratch,
                          struct edit_context *ctx, struct job *job, struct err *err)
{
    struct model_state *before = state_copy(scratch, scratch->generation);
    bool ok;

    ctx->before_layer = lyaplock_pull;
    ok = edit_apply(out, scratch, ctx, job, err);
    for (int i = 0; ok && i < ctx->layers; i++)
        ok = note_layer(out, before, scratch, ctx, i, err);
    state_free(before);
    if (!ok)
        edit_result_free(out);
    return ok;
}

extern const struct editor_ops editor_lyaplock;
const struct editor_ops editor_lyaplock = {
    .name = "lyaplock",
    .title = "LyapLock",
    .paper = "LyapLock 2025",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_PAST_KEYS | NEEDS_NOTES,
    .edit = lyaplock_edit,
    .solve = lyaplock_solve,
};
