/* Solves that form an M x M matrix: the dense check of the small form, mask.place = pre, MEMIT, and
 * ROME. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/mat_f64.h"
#include "core/edit/solve.h"

static bool solve_finish(struct solver *s, struct err *err)
{
    return device_sync(s->dev, err) || err_in(err, "layer %d: solve", s->null->layer);
}

/* out = P, as a matrix */
static void dense_projector(const struct solver *s, struct mat out)
{
    mat_identity(s->dev, 1, out);
    nullspace_subtract(s->null, out);
}

bool solve_dense(struct solver *s, struct mat keys, struct mat x, struct err *err)
{
    int width = s->neurons, u = keys.rows, n = s->count;
    struct mat all = mat_new(s->dev, DT_F64, n + u, width); /* past keys, then new ones */
    struct mat p = mat_new(s->dev, DT_F64, width, width), a = mat_new(s->dev, DT_F64, width, width);
    struct mat half = mat_new(s->dev, DT_F64, width, width);
    struct mat right = mat_new(s->dev, DT_F64, width, u);

    if (n)
        device_copy(s->dev, mat_rows(s->raw, 0, n), mat_rows(all, 0, n));
    device_copy(s->dev, keys, mat_rows(all, n, u));
    dense_projector(s, p);
    device_gemm(s->dev, 1, all, true, all, false, 0, a);
    device_gemm(s->dev, 1, p, false, a, false, 0, half);
    mat_identity(s->dev, s->lambda, a);
    device_gemm(s->dev, 1, half, false, p, false, 1, a);
    device_cholesky(s->dev, a);
    device_gemm(s->dev, 1, p, false, mat_rows(all, n, u), true, 0, right);
    device_cholesky_solve(s->dev, a, right, false);
    mat_transpose(s->dev, right, x);
    mat_free(s->dev, &right);
    mat_free(s->dev, &half);
    mat_free(s->dev, &a);
    mat_free(s->dev, &p);
    mat_free(s->dev, &all);
    return solve_finish(s, err);
}

/* out [M, M] = scale * the sum + diagonal * I, a few rows at a time through host memory. Its
 * result serves many solves. */
static bool scaled_moment(struct solver *s, double scale, double diagonal, struct mat out,
                          struct err *err)
{
    int step = 256;

    for (int at = 0; at < s->neurons; at += step) {
        int rows = s->neurons - at < step ? s->neurons - at : step;
        size_t width = (size_t)s->neurons;
        double *host = offload_download(&s->null->sum, at, rows, err);

        if (!host)
            return false;
        for (size_t i = 0; i < (size_t)rows * width; i++)
            host[i] *= scale;
        for (int i = 0; i < rows; i++)
            host[(size_t)i * width + (size_t)(at + i)] += diagonal;
        device_upload(s->dev, mat_rows(out, at, rows), host);
        free(host);
    }
    return device_sync(s->dev, err);
}

/* Makes s->prior = mu C + lambda I + Kp Kp^T. solver_append() adds new keys to it from then on. */
static bool make_prior(struct solver *s, double mu, struct err *err)
{
    if (s->prior.data && s->prior_mu == mu)
        return true;
    mat_free(s->dev, &s->prior);
    s->prior = mat_new(s->dev, DT_F64, s->neurons, s->neurons);
    s->prior_mu = mu;
    if (s->prior.data && scaled_moment(s, mu / (double)s->null->tokens, s->lambda, s->prior, err)) {
        if (s->count)
            device_gram(s->dev, mat_rows(s->raw, 0, s->count), s->prior);
        if (device_sync(s->dev, err))
            return true;
    }
    device_sync(s->dev, err);
    mat_free(s->dev, &s->prior);
    return err_in(err, "layer %d: mask.place = pre", s->null->layer);
}

/* out [u][n] = the columns index[n] of rows [u][width]; place_columns() is the way back, with 0 in
 * all other columns. */
static void pick_columns(const double *rows, int u, int width, const int *index, int n, double *out)
{
    for (int t = 0; t < u; t++)
        for (int i = 0; i < n; i++)
            out[(size_t)t * (size_t)n + (size_t)i] =
                rows[(size_t)t * (size_t)width + (size_t)index[i]];
}

static void place_columns(const double *in, int u, int width, const int *index, int n, double *rows)
{
    memset(rows, 0, (size_t)u * (size_t)width * sizeof *rows);
    for (int t = 0; t < u; t++)
        for (int i = 0; i < n; i++)
            rows[(size_t)t * (size_t)width + (size_t)index[i]] =
                in[(size_t)t * (size_t)n + (size_t)i];
}

/* ks [u, n] on the device: (K_S^T K_S + prior_SS)^-1 applied; out is ks solved, as rows. */
static void solve_chosen(struct solver *s, const int *index, struct mat ks)
{
    int n = ks.cols;
    struct mat a = mat_new(s->dev, DT_F64, n, n), right = mat_new(s->dev, DT_F64, n, ks.rows);

    mat_select(s->dev, s->prior, index, a);
    device_gemm(s->dev, 1, ks, true, ks, false, 1, a);
    device_cholesky(s->dev, a);
    mat_transpose(s->dev, ks, right);
    device_cholesky_solve(s->dev, a, right, false);
    mat_transpose(s->dev, right, ks);
    mat_free(s->dev, &right);
    mat_free(s->dev, &a);
}

bool solve_pre(struct solver *s, struct mat keys, const float *weight, double mu, struct mat x,
               struct err *err)
{
    int width = s->neurons, u = keys.rows, n = 0;
    int *index = xcalloc((size_t)width, sizeof *index);
    double *rows, *chosen = NULL, *solved = NULL;
    struct mat ks = {0};
    bool ok = false;

    for (int i = 0; i < width; i++)
        if (weight[i] > 0)
            index[n++] = i;
    rows = mat_download(s->dev, keys, "the keys", err);
    if (!rows || (n && !make_prior(s, mu, err)))
        goto out;
    if (n) {
        chosen = xcalloc((size_t)u * (size_t)n, sizeof *chosen);
        pick_columns(rows, u, width, index, n, chosen);
        ks = mat_new(s->dev, DT_F64, u, n);
        device_upload(s->dev, ks, chosen);
        solve_chosen(s, index, ks);
        solved = mat_download(s->dev, ks, "the solution", err);
        if (!solved)
            goto out;
    }
    place_columns(solved, u, width, index, n, rows);
    device_upload(s->dev, x, rows);
    ok = true;
out:
    mat_free(s->dev, &ks);
    free(solved);
    free(chosen);
    free(rows);
    free(index);
    return solve_finish(s, err) && ok;
}

/* Makes s->moment the factor of lambda_c C + mu I. */
static bool make_moment_factor(struct solver *s, double lambda_c, double mu, struct err *err)
{
    if (s->moment.data && s->moment_lambda == lambda_c && s->moment_mu == mu)
        return true;
    mat_free(s->dev, &s->moment);
    s->moment = mat_new(s->dev, DT_F64, s->neurons, s->neurons);
    s->moment_lambda = lambda_c;
    s->moment_mu = mu;
    if (s->moment.data &&
        scaled_moment(s, lambda_c / (double)s->null->tokens, mu, s->moment, err)) {
        device_cholesky(s->dev, s->moment);
        if (device_sync(s->dev, err))
            return true;
    }
    device_sync(s->dev, err);
    mat_free(s->dev, &s->moment);
    return err_in(err, "layer %d: second moment of %ld tokens", s->null->layer, s->null->tokens);
}

/* rows [n, M] become rows (lambda_c C + mu I)^-1, by its factor. */
static void solve_moment(struct solver *s, struct mat rows)
{
    struct mat column = mat_new(s->dev, DT_F64, s->neurons, rows.rows);

    mat_transpose(s->dev, rows, column);
    device_cholesky_solve(s->dev, s->moment, column, false);
    mat_transpose(s->dev, column, rows);
    mat_free(s->dev, &column);
}

/* All keys of a solve by moments, the past ones first, and what makes it small. */
struct moment_solve {
    struct mat keys, y, small; /* [all, M] K; K (lambda_c C + mu I)^-1; [all, all] the factor of
                                  I + K y^T */
    int past;
};

static bool moment_solve_begin(struct moment_solve *m, struct solver *s, struct mat keys,
                               double lambda_c, double mu, bool past, struct err *err)
{
    int n = past ? s->count : 0, all = n + keys.rows;

    *m = (struct moment_solve){.past = n};
    if (!make_moment_factor(s, lambda_c, mu, err))
        return false;
    m->keys = mat_new(s->dev, DT_F64, all, s->neurons);
    m->y = mat_new(s->dev, DT_F64, all, s->neurons);
    m->small = mat_new(s->dev, DT_F64, all, all);
    if (n)
        device_copy(s->dev, mat_rows(s->raw, 0, n), mat_rows(m->keys, 0, n));
    device_copy(s->dev, keys, mat_rows(m->keys, n, keys.rows));
    device_copy(s->dev, m->keys, m->y);
    solve_moment(s, m->y);
    mat_identity(s->dev, 1, m->small);
    device_gemm(s->dev, 1, m->keys, false, m->y, true, 1, m->small);
    device_cholesky(s->dev, m->small);
    return true;
}

static void moment_solve_free(struct moment_solve *m, struct solver *s)
{
    mat_free(s->dev, &m->small);
    mat_free(s->dev, &m->y);
    mat_free(s->dev, &m->keys);
}

/* X = y (I + K y)^-1: the rows of the new keys are the solution. */
bool solve_memit(struct solver *s, struct mat keys, double lambda_c, double mu, bool past,
                 struct mat x, struct err *err)
{
    struct moment_solve m;

    if (!moment_solve_begin(&m, s, keys, lambda_c, mu, past, err))
        return false;
    device_cholesky_solve(s->dev, m.small, m.y, false);
    device_copy(s->dev, mat_rows(m.y, m.past, keys.rows), x);
    moment_solve_free(&m, s);
    return solve_finish(s, err);
}

/* rows A^-1 = rows B - (rows B K^T) (I + K B K^T)^-1 K B, B = (lambda_c C + mu I)^-1. */
bool solve_memit_rows(struct solver *s, struct mat keys, double lambda_c, double mu, bool past,
                      struct mat rows, struct err *err)
{
    struct moment_solve m;
    struct mat along;

    if (!moment_solve_begin(&m, s, keys, lambda_c, mu, past, err))
        return false;
    along = mat_new(s->dev, DT_F64, m.keys.rows, rows.rows);
    device_gemm(s->dev, 1, m.y, false, rows, true, 0, along);
    device_cholesky_solve(s->dev, m.small, along, false);
    solve_moment(s, rows);
    device_gemm(s->dev, -1, along, true, m.y, false, 1, rows);
    mat_free(s->dev, &along);
    moment_solve_free(&m, s);
    return solve_finish(s, err);
}

/* The least |k . u| / |k| of a direction u of length 1: below it the update, which divides by
 * k . u, would be noise. */
static const double least_overlap = 1e-6;

/* x = C^-1 of each direction. */
static bool whiten_rows(struct solver *s, struct mat directions, struct mat x, struct err *err)
{
    if (!make_moment_factor(s, 1, 0, err))
        return false;
    device_copy(s->dev, directions, x);
    solve_moment(s, x);
    return true;
}

bool solve_rome(struct solver *s, struct mat keys, struct mat directions, bool plain, struct mat x,
                struct err *err)
{
    int u = keys.rows, width = s->neurons;
    double *k, *y;
    bool ok;

    if (plain)
        device_copy(s->dev, directions, x);
    else if (!whiten_rows(s, directions, x, err))
        return false;
    k = mat_download(s->dev, keys, "the keys", err);
    y = k ? mat_download(s->dev, x, "the solution", err) : NULL;
    ok = y != NULL;
    for (int t = 0; ok && t < u; t++) {
        double ky = 0, kk = 0, yy = 0;

        for (int i = t * width; i < (t + 1) * width; i++) {
            ky += k[i] * y[i];
            kk += k[i] * k[i];
            yy += y[i] * y[i];
        }
        if (fabs(ky) < least_overlap * sqrt(kk * yy))
            ok = err_set(err, ERR_USAGE,
                         "layer %d: the key and C^-1 times the mean key are perpendicular; "
                         "r-rome takes the mean key for both",
                         s->null->layer);
        for (int i = t * width; ok && i < (t + 1) * width; i++)
            y[i] /= ky;
    }
    if (ok)
        device_upload(s->dev, x, y);
    free(k);
    free(y);
    return solve_finish(s, err) && ok;
}
