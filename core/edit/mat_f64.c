/* Windows of float64 matrices, their transposes and products, by the operations that every device
 * has. */
#include "core/edit/mat_f64.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"

struct mat mat_window(struct mat m, int row, int rows, int col, int cols)
{
    return m.data ? mat_cols(mat_rows(m, row, rows), col, cols) : m;
}

/* [n, 1] of a square matrix. */
static struct mat window_diagonal(struct mat m)
{
    return (struct mat){m.data, m.type, m.rows, 1, m.stride + 1};
}

struct mat mat_turned(struct mat m)
{
    return m.rows == 1 ? (struct mat){m.data, m.type, m.cols, 1, 1}
                       : (struct mat){m.data, m.type, 1, m.rows, m.rows};
}

void mat_identity(struct device *dev, double value, struct mat m)
{
    device_fill(dev, m, 0);
    device_fill(dev, window_diagonal(m), value);
}

void mat_transpose(struct device *dev, struct mat in, struct mat out)
{
    struct mat one;

    if (in.rows == 1 || in.cols == 1) {
        device_copy(dev, mat_turned(in), out);
        return;
    }
    /* times the smaller identity: exact, since every other product is a zero */
    one = mat_new(dev, DT_F64, in.rows < in.cols ? in.rows : in.cols,
                  in.rows < in.cols ? in.rows : in.cols);
    mat_identity(dev, 1, one);
    if (in.cols <= in.rows)
        device_gemm(dev, 1, one, false, in, true, 0, out);
    else
        device_gemm(dev, 1, in, true, one, false, 0, out);
    mat_free(dev, &one);
}

void mat_products(struct device *dev, struct mat a, struct mat b, struct mat out)
{
    if (b.rows == 1)
        device_gemm(dev, 1, b, false, a, true, 0, mat_turned(out));
    else
        device_gemm(dev, 1, a, false, b, true, 0, out);
}

/* The length of the run of consecutive indices that begins at i. */
static int run_at(const int *index, int n, int i)
{
    int run = 1;

    while (i + run < n && index[i + run] == index[i] + run)
        run++;
    return run;
}

void mat_select(struct device *dev, struct mat a, const int *index, struct mat out)
{
    int n = out.rows;
    struct mat rows = mat_new(dev, DT_F64, n, a.cols);

    for (int i = 0, run; rows.data && i < n; i += run) {
        run = run_at(index, n, i);
        device_copy(dev, mat_rows(a, index[i], run), mat_rows(rows, i, run));
    }
    for (int i = 0, run; rows.data && out.data && i < n; i += run) {
        run = run_at(index, n, i);
        device_copy(dev, mat_cols(rows, index[i], run), mat_cols(out, i, run));
    }
    mat_free(dev, &rows);
}

double *mat_download(struct device *dev, struct mat m, const char *name, struct err *err)
{
    size_t n = (size_t)m.rows * (size_t)m.cols;
    double *host = malloc(n ? n * sizeof *host : 1);
    struct mat wide = m;

    if (!host) {
        err_set(err, ERR_LIMIT, "not enough memory for a matrix of %d by %d on the host", m.rows,
                m.cols);
        return NULL;
    }
    if (m.type != DT_F64) {
        wide = mat_new(dev, DT_F64, m.rows, m.cols);
        device_copy(dev, m, wide);
    }
    if (name)
        device_fetch(dev, host, wide, "%s", name);
    else
        device_download(dev, host, wide);
    if (m.type != DT_F64)
        mat_free(dev, &wide);
    if (device_sync(dev, err))
        return host;
    free(host);
    return NULL;
}

bool mat_length(struct device *dev, struct mat x, const char *name, double *length, struct err *err)
{
    struct mat norms = mat_new(dev, DT_F32, 1, x.cols);
    float *host = xmalloc((size_t)x.cols * sizeof(*host));
    double sum = 0;
    bool ok;

    device_col_norms(dev, x, norms);
    device_fetch(dev, host, norms, "%s: the lengths of its columns", name);
    mat_free(dev, &norms);
    ok = device_sync(dev, err);
    for (int i = 0; ok && i < x.cols; i++)
        sum += (double)host[i] * (double)host[i];
    free(host);
    *length = sqrt(sum);
    return ok;
}
