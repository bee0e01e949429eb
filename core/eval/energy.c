/* The hyperspherical energy. The products of all pairs are made in blocks by the device, those on
 * and above the diagonal alone; of vectors of length 1 they are |a - b|^2 = 2 - 2 a b. */
#include "core/eval/energy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/checksum.h"
#include "core/edit/mat_f64.h"

enum { BLOCK = 512 };
/* Vectors that are nearer count as so far apart: equal ones would have no energy that is finite. */
static const double NEAREST = 1e-6;

/* Scales the vectors to length 1, those of length 0 go; returns how many stay. */
static int vectors_normalise(double *v, int n, int d)
{
    int kept = 0;

    for (int i = 0; i < n; i++) {
        const double *from = v + (size_t)i * (size_t)d;
        double *to = v + (size_t)kept * (size_t)d, sum = 0;

        for (int j = 0; j < d; j++)
            sum += from[j] * from[j];
        for (int j = 0; sum > 0 && j < d; j++)
            to[j] = from[j] / sqrt(sum);
        kept += sum > 0;
    }
    return kept;
}

/* The sum over the pairs of a block of products [rows, cols]; on the diagonal those above it. */
static double block_sum(const double *product, int rows, int cols, bool diagonal)
{
    double sum = 0;

    for (int i = 0; i < rows; i++)
        for (int j = diagonal ? i + 1 : 0; j < cols; j++) {
            double square = 2 - 2 * product[(size_t)i * (size_t)cols + (size_t)j];

            sum += 1 / sqrt(fmax(square, NEAREST * NEAREST));
        }
    return sum;
}

/* Adds the pairs of a vector from `at` on and one from `to` on. */
static bool block_add(double *sum, struct device *dev, struct mat all, int at, int to,
                      struct err *err)
{
    int rows = all.rows - at < BLOCK ? all.rows - at : BLOCK;
    int cols = all.rows - to < BLOCK ? all.rows - to : BLOCK;
    struct mat product = mat_new(dev, DT_F64, rows, cols);
    double *host;

    device_gemm(dev, 1, mat_rows(all, at, rows), false, mat_rows(all, to, cols), true, 0, product);
    host = mat_download(dev, product, NULL, err);
    if (host)
        *sum += block_sum(host, rows, cols, at == to);
    free(host);
    mat_free(dev, &product);
    return host != NULL;
}

bool vectors_energy(double *out, struct device *dev, double *v, int n, int d, struct job *job,
                    struct err *err)
{
    struct mat all;
    double sum = 0;
    bool ok = true;

    n = vectors_normalise(v, n, d);
    *out = (double)NAN;
    if (n < 2)
        return true;
    all = mat_new(dev, DT_F64, n, d);
    device_upload(dev, all, v);
    for (int at = 0; ok && at < n; at += BLOCK)
        for (int to = at; ok && to < n; to += BLOCK)
            ok = !job_cancelled(job, err) && block_add(&sum, dev, all, at, to, err);
    mat_free(dev, &all);
    *out = sum / (0.5 * n * (n - 1));
    return ok;
}

bool matrix_energy(double *out, const struct model_state *state, int layer, enum matrix which,
                   struct job *job, struct err *err)
{
    struct mat w = state_matrix(state, layer, which);
    bool columns = which == MATRIX_DOWN;
    int n = columns ? w.cols : w.rows, d = columns ? w.rows : w.cols;
    float *from = weights_fetch(state, layer, which, err);
    double *v = from ? xmalloc((size_t)n * (size_t)d * sizeof(*v) + 1) : NULL;
    bool ok;

    for (size_t i = 0; v && i < (size_t)n; i++)
        for (size_t j = 0; j < (size_t)d; j++)
            v[i * (size_t)d + j] = (double)from[columns ? j * (size_t)n + i : i * (size_t)d + j];
    free(from);
    ok = v && vectors_energy(out, state->model->dev, v, n, d, job, err);
    free(v);
    return ok;
}
