/* PRUNE (editscope-method(7) 7.24): MEMIT, and what all edits together have added to a matrix may
 * stretch no direction more than the matrix itself did.
 *
 *   D = W - W0 = U s V^T,   s_0 the largest singular value of W0
 *   f(s) = s up to s_0,  s_0 + ln(s / s_0) above it;     W = W0 + U f(s) V^T
 *
 * The sum of the raw updates is not kept, since f can be turned back: it is U f^-1(s) V^T of what
 * the weights hold. Only directions above s_0 are found, from the d x d products of the rows of D,
 * and what f changes along them is a delta of low rank of its own. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/mat_f64.h"

/* Left singular vectors of a matrix, and what their rows of it are. */
struct strong {
    int rows, cols, count; /* d, M */
    double *vector;        /* [count][d] of length 1 */
    double *value;         /* [count] singular values */
    double *along;         /* [count][M] vector^T matrix, of length value */
};

static void strong_free(struct strong *s)
{
    free(s->vector);
    free(s->value);
    free(s->along);
    *s = (struct strong){0};
}

/* vector^T matrix for each vector. */
static bool strong_rows(struct strong *s, struct device *dev, struct mat a, struct err *err)
{
    struct mat u = mat_new(dev, DT_F64, s->count, s->rows);
    struct mat y = mat_new(dev, DT_F64, s->count, s->cols);

    device_upload(dev, u, s->vector);
    device_gemm(dev, 1, u, false, a, false, 0, y);
    s->along = mat_download(dev, y, "the update along its strong directions", err);
    mat_free(dev, &u);
    mat_free(dev, &y);
    return s->along != NULL;
}

/* Those of a [d, M] F64 above a value, or of 0 the largest one. Free with strong_free(), also on
 * failure. */
static bool strong_find(struct strong *s, struct device *dev, struct mat a, double above,
                        struct job *job, struct err *err)
{
    int d = a.rows;
    struct eigh_top top = {.least = above * above,
                           .first = d - 1,
                           .job = job,
                           .phase = "directions of the update",
                           .total = 1};
    struct mat gram = mat_new(dev, DT_F64, d, d), values = mat_new(dev, DT_F64, 1, d);
    double *square, *vector;
    bool ok;

    *s = (struct strong){.rows = d, .cols = a.cols};
    device_gemm(dev, 1, a, false, a, true, 0, gram);
    device_eigh_top(dev, gram, values, &top);
    vector = mat_download(dev, gram, "the directions", err);
    square = vector ? mat_download(dev, values, "their squared lengths", err) : NULL;
    ok = square != NULL;
    if (ok && top.first < d) {
        s->count = d - top.first;
        s->value = xcalloc((size_t)s->count, sizeof(double));
        s->vector = xmalloc((size_t)s->count * (size_t)d * sizeof(double));
        memcpy(s->vector, vector + (size_t)top.first * (size_t)d,
               (size_t)s->count * (size_t)d * sizeof(double));
        for (int j = 0; j < s->count; j++)
            s->value[j] = sqrt(fmax(square[top.first + j], 0));
        ok = strong_rows(s, dev, a, err);
    }
    free(vector);
    free(square);
    mat_free(dev, &gram);
    mat_free(dev, &values);
    return ok;
}

static double damped(double s, double most)
{
    return s > most ? most + log(s / most) : s;
}

static double undamped(double s, double most)
{
    return s > most ? most * exp(s - most) : s;
}

/* Appends to a delta what f, or f^-1, changes along the directions, and adds it to a [d, M]. */
static void strong_change(const struct strong *s, struct device *dev, double most,
                          double (*f)(double s, double most), struct delta *to, struct mat a)
{
    size_t d = (size_t)s->rows, m = (size_t)s->cols, n = (size_t)(to->rank + s->count);
    struct mat u, y;

    if (!s->count)
        return;
    to->r = xrealloc(to->r, n * d * sizeof(float));
    to->x = xrealloc(to->x, n * m * sizeof(float));
    for (int j = 0; j < s->count; j++) {
        double times = f(s->value[j], most) / s->value[j] - 1;
        size_t at = (size_t)(to->rank + j), from = (size_t)j;

        for (size_t i = 0; i < d; i++)
            to->r[at * d + i] = (float)s->vector[from * d + i];
        for (size_t i = 0; i < m; i++) {
            s->along[from * m + i] *= times;
            to->x[at * m + i] = (float)s->along[from * m + i];
        }
    }
    to->rank += s->count;
    u = mat_new(dev, DT_F64, s->count, s->rows);
    y = mat_new(dev, DT_F64, s->count, s->cols);
    device_upload(dev, u, s->vector);
    device_upload(dev, y, s->along);
    device_gemm(dev, 1, u, true, y, false, 1, a);
    mat_free(dev, &u);
    mat_free(dev, &y);
}

/* a [d, M] += what the delta writes. */
static void add_update(struct device *dev, const struct delta *d, struct mat a)
{
    struct mat narrow[2] = {mat_new(dev, DT_F32, d->rank, d->rows),
                            mat_new(dev, DT_F32, d->rank, d->cols)};
    struct mat wide[2] = {mat_new(dev, DT_F64, d->rank, d->rows),
                          mat_new(dev, DT_F64, d->rank, d->cols)};
    float *xm = delta_masked_x(d);

    device_upload(dev, narrow[0], d->r);
    device_upload(dev, narrow[1], xm);
    for (int k = 0; k < 2; k++)
        device_copy(dev, narrow[k], wide[k]);
    device_gemm(dev, 1, wide[0], true, wide[1], false, 1, a);
    for (int k = 0; k < 2; k++) {
        mat_free(dev, &narrow[k]);
        mat_free(dev, &wide[k]);
    }
    free(xm);
}

/* What the report says of both deltas together: their size, and the share of the residual that the
 * keys receive. Leak and hits are of a factor for each key. */
static void report_both(const struct delta *d, const struct delta *damp,
                        struct layer_report *report)
{
    size_t rows = (size_t)d->rows, cols = (size_t)d->cols;
    int n = d->rank + damp->rank;
    float *r = xmalloc((size_t)n * rows * sizeof(float)), *xm = delta_masked_x(d);
    float *x = xmalloc((size_t)n * cols * sizeof(float));
    double gain = 0;

    memcpy(r, d->r, (size_t)d->rank * rows * sizeof(float));
    memcpy(r + (size_t)d->rank * rows, damp->r, (size_t)damp->rank * rows * sizeof(float));
    memcpy(x, xm, (size_t)d->rank * cols * sizeof(float));
    memcpy(x + (size_t)d->rank * cols, damp->x, (size_t)damp->rank * cols * sizeof(float));
    for (int t = 0; d->key && t < d->rank; t++)
        for (int k = 0; k < n; k++) {
            double rr = 0, own = 0, xk = 0;

            for (size_t i = 0; i < rows; i++) {
                rr += (double)r[(size_t)t * rows + i] * (double)r[(size_t)k * rows + i];
                own += (double)r[(size_t)t * rows + i] * (double)r[(size_t)t * rows + i];
            }
            for (size_t i = 0; i < cols; i++)
                xk += (double)d->key[(size_t)t * cols + i] * (double)x[(size_t)k * cols + i];
            gain += own > 0 ? rr / own * xk / d->rank : 0;
        }
    report->gain_mask = gain;
    report->delta_norm = low_rank_norm(r, x, n, d->rows, d->cols);
    report->leak = report->leak_ratio = (double)NAN;
    report->hits = 0;
    free(xm);
    free(r);
    free(x);
}

/* D + the update is in a [d, M], and before that D: what f makes of them, as a delta. */
static bool damp_update(struct device *dev, struct mat a, bool edited, double most,
                        const struct delta *d, struct delta *damp, struct job *job, struct err *err)
{
    struct strong s = {0};
    bool ok = !edited || strong_find(&s, dev, a, most, job, err);

    if (ok) {
        strong_change(&s, dev, most, undamped, damp, a);
        strong_free(&s);
        add_update(dev, d, a);
        ok = strong_find(&s, dev, a, most, job, err);
    }
    if (ok)
        strong_change(&s, dev, most, damped, damp, a);
    strong_free(&s);
    return device_sync(dev, err) && ok;
}

static bool prune_shape(const struct edit_context *ctx, int i, const struct model_state *state,
                        struct delta *d, struct delta *damp, struct layer_report *report,
                        struct job *job, struct err *err)
{
    const struct model *m = state->model;
    struct mat base = mat_new(m->dev, DT_F64, d->rows, d->cols);
    struct mat a = mat_new(m->dev, DT_F64, d->rows, d->cols);
    struct strong most = {0};
    bool ok;

    (void)ctx;
    (void)i;
    device_copy(m->dev, m->block[d->layer].w[MATRIX_DOWN], base);
    matrix_change(state, d->layer, MATRIX_DOWN, a);
    *damp = (struct delta){.layer = d->layer, .rows = d->rows, .cols = d->cols, .scale = 1};
    ok = strong_find(&most, m->dev, base, 0, job, err) &&
         damp_update(m->dev, a, state_replaced(state, d->layer, MATRIX_DOWN), most.value[0], d,
                     damp, job, err);
    if (ok && damp->rank)
        report_both(d, damp, report);
    strong_free(&most);
    mat_free(m->dev, &base);
    mat_free(m->dev, &a);
    return ok;
}

static bool prune_edit(struct edit_result *out, struct model_state *scratch,
                       struct edit_context *ctx, struct job *job, struct err *err)
{
    return edit_apply_shaped(out, scratch, ctx, prune_shape, job, err);
}

extern const struct editor_ops editor_prune;
const struct editor_ops editor_prune = {
    .name = "prune",
    .title = "PRUNE",
    .paper = "Ma et al. 2025",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_PAST_KEYS,
    .edit = prune_edit,
    .solve = solve_by_moments,
};
