/* SPHERE (editscope-method(7) 7.21): AlphaEdit, whose update is weakened along the directions that
 * most rows of W share, so that the rows stay spread over the sphere.
 *
 *   N = W with rows of length 1,   N^T N / d = U diag(s) U^T   M x M, of rank d at most
 *   X <- X - alpha U_r U_r^T X,   U_r the leading r of U: the first that hold more than eta of all
 * s
 *
 * No M x M matrix is formed: with N N^T / d = V diag(s) V^T, d x d, the columns of U are
 * N^T v_j / sqrt(d s_j). */
#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/mat_f64.h"

static const double least_length = 1e-8; /* added to a row's length before it divides */

/* The leading directions of one matrix, by those of its rows. */
struct leading {
    struct mat w;           /* F64 [d, M] on the device */
    double *length;         /* [d] of its rows */
    double *vector, *value; /* [d][d] rows v_j, and s_j, ascending */
    int rows, count;        /* d; r: the last r of them */
};

static void leading_free(struct leading *l, struct device *dev)
{
    mat_free(dev, &l->w);
    free(l->length);
    free(l->vector);
    free(l->value);
}

/* gram [d][d] of the rows becomes that of the rows of length 1, divided by d. */
static void leading_normalise(struct leading *l, double *gram)
{
    int d = l->rows;

    l->length = xmalloc((size_t)d * sizeof(double));
    for (int i = 0; i < d; i++)
        l->length[i] = sqrt(fmax(gram[(size_t)i * (size_t)d + (size_t)i], 0)) + least_length;
    for (int i = 0; i < d; i++)
        for (int j = 0; j < d; j++)
            gram[(size_t)i * (size_t)d + (size_t)j] /= l->length[i] * l->length[j] * d;
}

/* How many of the largest values hold at most the share eta, and one more. */
static int leading_count(const double *value, int n, double eta)
{
    double all = 0, sum = 0;
    int count = 0;

    for (int i = 0; i < n; i++)
        all += value[i];
    for (int i = n - 1; i >= 0; i--) {
        sum += value[i];
        if (sum > eta * all)
            break;
        count++;
    }
    return count < n ? count + 1 : n;
}

/* Of a matrix of any stored type. Free with leading_free(), also on failure. */
static bool leading_find(struct leading *l, struct device *dev, struct mat stored, double eta,
                         struct job *job, struct err *err)
{
    int d = stored.rows;
    struct eigh_top top = {.job = job, .phase = "directions of the rows", .total = 1};
    struct mat gram = mat_new(dev, DT_F64, d, d), values = mat_new(dev, DT_F64, 1, d);
    double *host;
    bool ok = false;

    *l = (struct leading){.w = mat_new(dev, DT_F64, d, stored.cols), .rows = d};
    device_copy(dev, stored, l->w);
    device_gemm(dev, 1, l->w, false, l->w, true, 0, gram);
    host = mat_download(dev, gram, "the products of the rows", err);
    if (host) {
        leading_normalise(l, host);
        device_upload(dev, gram, host);
        device_eigh_top(dev, gram, values, &top);
        l->vector = mat_download(dev, gram, "the directions", err);
        l->value = l->vector ? mat_download(dev, values, "their shares", err) : NULL;
        ok = l->value != NULL;
    }
    if (ok)
        l->count = leading_count(l->value, d, eta);
    free(host);
    mat_free(dev, &gram);
    mat_free(dev, &values);
    return device_sync(dev, err) && ok;
}

/* part [d] = W x of one solution x comes in; the d numbers p go out for which W^T p = U_r U_r^T x.
 */
static void leading_part(const struct leading *l, double *part)
{
    int d = l->rows;
    double *out = xcalloc((size_t)d, sizeof(*out));

    for (int i = 0; i < d; i++)
        part[i] /= l->length[i];
    for (int j = d - l->count; j < d; j++) {
        const double *v = l->vector + (size_t)j * (size_t)d;
        double along = 0;

        for (int i = 0; i < d; i++)
            along += v[i] * part[i];
        for (int i = 0; l->value[j] > 0 && i < d; i++)
            out[i] += along / (l->value[j] * d) * v[i];
    }
    for (int i = 0; i < d; i++)
        part[i] = out[i] / l->length[i];
    free(out);
}

/* x [u, M] -= alpha U_r U_r^T x */
static bool leading_weaken(const struct leading *l, struct device *dev, double alpha, struct mat x,
                           struct err *err)
{
    struct mat parts = mat_new(dev, DT_F64, x.rows, l->rows);
    double *host;

    device_gemm(dev, 1, x, false, l->w, true, 0, parts);
    host = mat_download(dev, parts, "the solution along the rows", err);
    for (int t = 0; host && t < x.rows; t++)
        leading_part(l, host + (size_t)t * (size_t)l->rows);
    if (host) {
        device_upload(dev, parts, host);
        device_gemm(dev, -alpha, parts, false, l->w, false, 1, x);
    }
    free(host);
    mat_free(dev, &parts);
    return device_sync(dev, err) && host;
}

/* What the report says of the update as it is written: its gain and leak, and its size. */
static bool report_weakened(const struct edit_context *ctx, int i, const struct delta *d,
                            struct layer_report *report, struct err *err)
{
    struct device *dev = ctx->solver[i]->dev;
    struct mat narrow, keys, x;
    float *xm = delta_masked_x(d);
    bool ok = true;

    report->delta_norm = low_rank_norm(d->r, xm, d->rank, d->rows, d->cols);
    if (d->key) {
        narrow = mat_new(dev, DT_F32, d->rank, d->cols);
        keys = mat_new(dev, DT_F64, d->rank, d->cols);
        x = mat_new(dev, DT_F64, d->rank, d->cols);
        device_upload(dev, narrow, d->key);
        device_copy(dev, narrow, keys);
        device_upload(dev, narrow, xm);
        device_copy(dev, narrow, x);
        ok = edit_report_within(ctx, i, keys, x, d->r, d->rows, report, err);
        mat_free(dev, &narrow);
        mat_free(dev, &keys);
        mat_free(dev, &x);
    }
    free(xm);
    return ok;
}

static bool sphere_shape(const struct edit_context *ctx, int i, const struct model_state *state,
                         struct delta *d, struct delta *first, struct layer_report *report,
                         struct job *job, struct err *err)
{
    struct device *dev = state->model->dev;
    struct mat x32 = mat_new(dev, DT_F32, d->rank, d->cols);
    struct mat x = mat_new(dev, DT_F64, d->rank, d->cols);
    struct leading l;
    bool ok = leading_find(&l, dev, state_matrix(state, d->layer, MATRIX_DOWN),
                           ctx->params->value[P_SPHERE_ETA], job, err);

    (void)first;
    device_upload(dev, x32, d->x);
    device_copy(dev, x32, x);
    ok = ok && leading_weaken(&l, dev, ctx->params->value[P_SPHERE_ALPHA], x, err);
    device_copy(dev, x, x32);
    device_fetch(dev, d->x, x32, "the solution (a row a fact, a column a neuron)");
    ok = device_sync(dev, err) && ok && report_weakened(ctx, i, d, report, err);
    leading_free(&l, dev);
    mat_free(dev, &x32);
    mat_free(dev, &x);
    return ok;
}

static bool sphere_edit(struct edit_result *out, struct model_state *scratch,
                        struct edit_context *ctx, struct job *job, struct err *err)
{
    return edit_apply_shaped(out, scratch, ctx, sphere_shape, job, err);
}

extern const struct editor_ops editor_sphere;
const struct editor_ops editor_sphere = {
    .name = "sphere",
    .title = "SPHERE",
    .paper = "EasyEdit 2026",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_NULL_SPACE | NEEDS_PAST_KEYS,
    .edit = sphere_edit,
    .solve = solve_in_null_space,
};
