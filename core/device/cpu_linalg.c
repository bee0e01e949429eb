/* Double precision linear algebra on the CPU: second moments (gram), eigenvectors, Cholesky. LAPACK
 * uses the device's number of threads during one call; it cannot be cancelled. What takes seconds
 * does not go this way: cpu_eigen.c. */
#include "core/device/cpu.h"

#include <cblas.h>
#include <limits.h>

/* LAPACK inside OpenBLAS, by its Fortran names. The lengths of text arguments come last. */
void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *lda,
             double *values, double *work, const int *work_n, int *iwork, const int *iwork_n,
             int *info, size_t job_len, size_t triangle_len);
void dpotrf_(const char *triangle, const int *n, double *a, const int *lda, int *info,
             size_t triangle_len);

enum {
    GRAM_ROWS = 1024, /* rows of x converted to double at a time */
    GRAM_TILE = 512,  /* rows and columns of c in a piece */
    GRAM_STRIP = 32   /* columns of it that are mirrored together: their lines stay in the cache */
};

struct gram {
    const double *x; /* [rows, cols] */
    int rows;
    struct mat c;
    int tiles;
};

/* Computes one tile of c on or above the diagonal and copies it to its mirror image: half the
 * work, and c is exactly symmetric. */
static void gram_piece(void *context, int piece, int worker)
{
    const struct gram *g = context;
    int i0 = piece / g->tiles * GRAM_TILE, j0 = piece % g->tiles * GRAM_TILE;
    int ni = g->c.rows - i0 < GRAM_TILE ? g->c.rows - i0 : GRAM_TILE;
    int nj = g->c.cols - j0 < GRAM_TILE ? g->c.cols - j0 : GRAM_TILE;
    double *c = row_f64(g->c, i0) + j0;

    (void)worker;
    if (i0 > j0)
        return;
    if (i0 == j0)
        cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, ni, g->rows, 1, g->x + i0, g->c.cols, 1,
                    c, (int)g->c.stride);
    else
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, ni, nj, g->rows, 1, g->x + i0,
                    g->c.cols, g->x + j0, g->c.cols, 1, c, (int)g->c.stride);
    for (int s = j0; s < j0 + nj; s += GRAM_STRIP) {
        int end = s + GRAM_STRIP < j0 + nj ? s + GRAM_STRIP : j0 + nj;

        for (int i = i0; i < i0 + ni; i++)
            for (int j = i0 == j0 && i + 1 > s ? i + 1 : s; j < end; j++)
                row_f64(g->c, j)[i] = row_f64(g->c, i)[j];
    }
}

void cpu_gram(struct device *dev, struct mat x, struct mat c)
{
    struct cpu *cpu = (struct cpu *)dev;
    int step = x.rows < GRAM_ROWS ? x.rows : GRAM_ROWS;
    struct gram g = {.c = c, .tiles = (c.cols + GRAM_TILE - 1) / GRAM_TILE};

    if (!x.rows || !c.cols || !cpu_shared(cpu, (size_t)step * (size_t)x.cols * sizeof(double)))
        return;
    g.x = cpu->shared;
    for (int r0 = 0; r0 < x.rows; r0 += step) {
        struct mat wide = {.data = cpu->shared, .type = DT_F64, .cols = x.cols, .stride = x.cols};

        g.rows = x.rows - r0 < step ? x.rows - r0 : step;
        wide.rows = g.rows;
        cpu_copy(dev, mat_rows(x, r0, g.rows), wide);
        cpu_pool_run(cpu->pool, g.tiles * g.tiles, gram_piece, &g);
    }
}

/* LAPACK stores matrices by columns, we by rows. A symmetric matrix is the same both ways, and the
 * eigenvectors that LAPACK writes as columns are rows for us: nothing has to be transposed. */
void cpu_eigh(struct device *dev, struct mat a, struct mat values)
{
    struct cpu *cpu = (struct cpu *)dev;
    int n = a.rows, lda = (int)a.stride, info = 0, ask = -1, iwork_n = 0, work_n;
    double size = 0;
    size_t bytes;

    if (!n)
        return;
    dsyevd_("V", "L", &n, NULL, &lda, NULL, &size, &ask, &iwork_n, &ask, &info, 1, 1);
    work_n = (int)size;
    bytes = (size_t)work_n * sizeof(double);
    if (info || size > (double)INT_MAX) {
        err_set(&dev->fault, ERR_LIMIT, "a %d x %d matrix is too large for dsyevd", n, n);
        return;
    }
    if (!cpu_shared(cpu, bytes + (size_t)iwork_n * sizeof(int)))
        return;
    cpu_blas_threads(dev->threads);
    dsyevd_("V", "L", &n, a.data, &lda, values.data, cpu->shared, &work_n,
            (int *)((char *)cpu->shared + bytes), &iwork_n, &info, 1, 1);
    cpu_blas_threads(1);
    if (info)
        err_set(&dev->fault, ERR_DEVICE,
                "eigenvectors of a %d x %d matrix failed (dsyevd %d); is every value finite?", n, n,
                info);
}

void cpu_cholesky(struct device *dev, struct mat a)
{
    int n = a.rows, lda = (int)a.stride, info = 0;

    if (!n)
        return;
    cpu_blas_threads(dev->threads);
    dpotrf_("U", &n, a.data, &lda, &info, 1); /* by columns our lower triangle is the upper one */
    cpu_blas_threads(1);
    if (info)
        err_set(&dev->fault, ERR_DEVICE,
                "a %d x %d matrix is not positive definite (row %d); a larger regularisation helps",
                n, n, info);
    for (int r = 0; r < n; r++)
        for (int i = r + 1; i < n; i++)
            row_f64(a, r)[i] = 0;
}

void cpu_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half)
{
    if (!b.rows || !b.cols)
        return;
    cpu_blas_threads(dev->threads);
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, b.rows, b.cols, 1,
                l.data, (int)l.stride, b.data, (int)b.stride);
    if (!half)
        cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, b.rows, b.cols,
                    1, l.data, (int)l.stride, b.data, (int)b.stride);
    cpu_blas_threads(1);
}
