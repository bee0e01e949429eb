/* The sum of a matrix's edits as two thin factors: exact, or cut to a smaller rank. */
#include "core/session/export/low_rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void low_rank_free(struct low_rank *r)
{
    free(r->up);
    free(r->down);
    *r = (struct low_rank){0};
}

/* Factors of zeros. */
static bool low_rank_alloc(struct low_rank *r, int rank, int rows, int cols, struct err *err)
{
    *r = (struct low_rank){.rank = rank, .rows = rows, .cols = cols};
    r->up = calloc((size_t)rank * (size_t)rows + 1, sizeof(float));
    r->down = calloc((size_t)rank * (size_t)cols + 1, sizeof(float));
    if (r->up && r->down)
        return true;
    low_rank_free(r);
    return err_set(err, ERR_LIMIT, "not enough memory for an adapter of rank %d", rank);
}

/* D = I D: up is the unit matrix [rows, rows], down is D itself, summed in float64. */
static bool low_rank_sum(struct low_rank *out, const struct export_matrix *l, struct err *err)
{
    double *row = xmalloc((size_t)l->cols * sizeof(*row));
    bool ok = low_rank_alloc(out, l->rows, l->rows, l->cols, err);

    for (int i = 0; ok && i < l->rows; i++) {
        out->up[(size_t)i * (size_t)l->rows + (size_t)i] = 1;
        memset(row, 0, (size_t)l->cols * sizeof(*row));
        for (int p = 0; p < l->parts; p++)
            for (int t = 0; t < l->part[p].rank; t++) {
                const struct delta *d = &l->part[p];
                double r = (double)d->r[(size_t)t * (size_t)l->rows + (size_t)i];
                const float *x = d->x ? d->x + (size_t)t * (size_t)l->cols : NULL;

                if (d->kind == DELTA_COLUMNS)
                    row[d->column[t]] += r;
                for (int j = 0; d->kind == DELTA_LOW_RANK && j < l->cols; j++)
                    row[j] += r * (double)x[j];
            }
        for (int j = 0; j < l->cols; j++)
            out->down[(size_t)i * (size_t)l->cols + (size_t)j] = (float)row[j];
    }
    free(row);
    return ok;
}

bool low_rank_exact(struct low_rank *out, const struct export_matrix *l, struct err *err)
{
    size_t at = 0;

    if (l->rank > l->rows)
        return low_rank_sum(out, l, err);
    if (!low_rank_alloc(out, l->rank, l->rows, l->cols, err))
        return false;
    for (int p = 0; p < l->parts; p++) {
        const struct delta *d = &l->part[p];
        size_t n = (size_t)d->rank;

        memcpy(out->up + at * (size_t)l->rows, d->r, n * (size_t)l->rows * sizeof(float));
        if (d->kind == DELTA_LOW_RANK)
            memcpy(out->down + at * (size_t)l->cols, d->x, n * (size_t)l->cols * sizeof(float));
        for (int t = 0; d->kind == DELTA_COLUMNS && t < d->rank; t++)
            out->down[(at + (size_t)t) * (size_t)l->cols + (size_t)d->column[t]] = 1;
        at += n;
    }
    return true;
}

/* x [rows][cols] as a float64 matrix on the device. */
static struct mat upload_doubles(struct device *dev, const float *x, int rows, int cols)
{
    size_t n = (size_t)rows * (size_t)cols;
    struct mat m = mat_new(dev, DT_F64, rows, cols);
    double *wide = xmalloc((n + 1) * sizeof(*wide));

    for (size_t i = 0; i < n; i++)
        wide[i] = (double)x[i];
    device_upload(dev, m, wide);
    free(wide);
    return m;
}

/* The device's float64 matrix as floats in `out`. */
static void fetch_floats(struct device *dev, struct mat m, float *out)
{
    size_t n = (size_t)m.rows * (size_t)m.cols;
    double *wide = xcalloc(n + 1, sizeof(*wide));

    device_fetch(dev, wide, m, "the adapter's factors");
    for (size_t i = 0; i < n; i++)
        out[i] = (float)wide[i];
    free(wide);
}

/* m = diag(s^power) m. Values of s below 1e-14 of the largest (the last) count as 0. */
static void scale_rows(struct device *dev, struct mat m, const double *s, double power)
{
    double *x = xcalloc((size_t)m.rows * (size_t)m.cols + 1, sizeof(*x)), most = s[m.rows - 1];

    device_fetch(dev, x, m, "the adapter's factors");
    for (int i = 0; i < m.rows; i++)
        for (int j = 0; j < m.cols; j++)
            x[(size_t)i * (size_t)m.cols + (size_t)j] *= s[i] > 1e-14 * most ? pow(s[i], power) : 0;
    device_upload(dev, m, x);
    free(x);
}

/* The Gram matrix x x^T [u, u] of the rows of x [u, n]. */
static struct mat gram_matrix(struct device *dev, struct mat x)
{
    struct mat g = mat_new(dev, DT_F64, x.rows, x.rows);

    device_gemm(dev, 1, x, false, x, true, 0, g);
    return g;
}

/* Replaces the symmetric matrix a by its eigenvectors, as rows. Returns the eigenvalues, ascending;
 * the caller frees them. */
static double *eigen_decompose(struct device *dev, struct mat a)
{
    struct mat values = mat_new(dev, DT_F64, 1, a.rows);
    double *s = xcalloc((size_t)a.rows + 1, sizeof(*s));

    device_eigh(dev, a, values);
    device_fetch(dev, s, values, "the adapter's singular values");
    mat_free(dev, &values);
    return s;
}

/* out = a b */
static struct mat mat_product(struct device *dev, struct mat a, struct mat b)
{
    struct mat out = mat_new(dev, DT_F64, a.rows, b.cols);

    device_gemm(dev, 1, a, false, b, false, 0, out);
    return out;
}

/* The singular value decomposition of D = up^T down, without ever forming D [rows, cols]: with k
 * the rank of the factors, all matrices here are k x k or k wide.
 *
 *   up up^T = V^T diag(s) V             eigenvectors V (as rows), eigenvalues s
 *   L = diag(s)^1/2 V                   so that up^T = Q L with orthonormal Q
 *   L (down down^T) L^T                 has eigenvalues sigma^2, D's squared singular values,
 *                                       and eigenvectors W (as rows); Q W^T are D's left ones
 *   up'   = W_r diag(s)^-1/2 V up       W_r: the rows of W with the r largest sigma
 *   down' = W_r diag(s)^1/2 V down
 *
 * Then up'^T down' is the nearest matrix of rank r, and |D - D_r|^2 is the sum of the other
 * sigma^2. */
bool low_rank_cut(struct low_rank *out, const struct low_rank *exact, int rank, struct device *dev,
                  double *loss2, double *total2, struct err *err)
{
    struct mat up = upload_doubles(dev, exact->up, exact->rank, exact->rows);
    struct mat down = upload_doubles(dev, exact->down, exact->rank, exact->cols);
    struct mat v = gram_matrix(dev, up), g = gram_matrix(dev, down), l, lg, s2, w, wl, back, new_up,
               new_down;
    double *s = eigen_decompose(dev, v), *sigma2;
    bool ok = low_rank_alloc(out, rank, exact->rows, exact->cols, err);

    l = mat_new(dev, DT_F64, v.rows, v.cols);
    device_copy(dev, v, l);
    scale_rows(dev, l, s, 0.5);
    lg = mat_product(dev, l, g);
    s2 = mat_new(dev, DT_F64, v.rows, v.rows);
    device_gemm(dev, 1, lg, false, l, true, 0, s2);
    sigma2 = eigen_decompose(dev, s2);
    for (int i = 0; i < exact->rank; i++) {
        double square = sigma2[i] > 0 ? sigma2[i] : 0;

        *total2 += square;
        *loss2 += i < exact->rank - rank ? square : 0;
    }
    w = mat_rows(s2, exact->rank - rank, rank);
    scale_rows(dev, v, s, -0.5);
    wl = mat_product(dev, w, l);
    back = mat_product(dev, w, v);
    new_up = mat_product(dev, back, up);
    new_down = mat_product(dev, wl, down);
    if (ok) {
        fetch_floats(dev, new_up, out->up);
        fetch_floats(dev, new_down, out->down);
    }
    {
        struct mat *all[] = {&up, &down, &v, &g, &l, &lg, &s2, &wl, &back, &new_up, &new_down};

        for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
            mat_free(dev, all[i]);
    }
    free(s);
    free(sigma2);
    if (device_sync(dev, err) && ok)
        return true;
    low_rank_free(out);
    return false;
}
