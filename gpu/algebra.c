/* Products, factors and eigenvectors: cuBLAS and cuSOLVER. Both think in columns: a row-major
 * matrix is to them its transpose, so we ask for the transposed equation. */
#include <limits.h>

#include "gpu/inside.h"
#include "gpu/kernels.h"

#define UNPACKED ((size_t)256 << 20) /* bytes of a stored matrix turned to floats at a time */
#define SHIFTED  ((size_t)32 << 20)  /* bytes of U a tile: it stays in the second cache */

static bool blas_ok(struct device *dev, cublasStatus_t rc, const char *what)
{
    if (rc == CUBLAS_STATUS_SUCCESS)
        return true;
    return err_set(&dev->fault, ERR_DEVICE, "%s: %s", what, cuda_of(dev)->api->status(rc));
}

/* Elements between two rows; a single row's may be anything, but cuBLAS looks at it. */
static int leading(struct mat x)
{
    return x.stride > x.cols ? (int)x.stride : x.cols;
}

static bool reachable(struct device *dev, struct mat a, struct mat b, struct mat c)
{
    if (a.stride <= INT_MAX && b.stride <= INT_MAX && c.stride <= INT_MAX)
        return true;
    return err_set(&dev->fault, ERR_LIMIT, "gemm: rows longer than %d elements", INT_MAX);
}

/* c = alpha op(a) op(b) + beta c, all float32 or all float64. */
static void product(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                    double beta, struct mat c)
{
    struct cuda *self = cuda_of(dev);
    cublasOperation_t opa = ta ? CUBLAS_OP_T : CUBLAS_OP_N, opb = tb ? CUBLAS_OP_T : CUBLAS_OP_N;
    int k = ta ? a.rows : a.cols;
    float alpha32 = (float)alpha, beta32 = (float)beta;

    if (dev->fault.kind || empty(c) || !reachable(dev, a, b, c))
        return;
    if (c.type == DT_F64)
        blas_ok(dev,
                self->api->dgemm(self->blas, opb, opa, c.cols, c.rows, k, &alpha, b.data,
                                 leading(b), a.data, leading(a), &beta, c.data, leading(c)),
                "gemm");
    else
        blas_ok(dev,
                self->api->sgemm(self->blas, opb, opa, c.cols, c.rows, k, &alpha32, b.data,
                                 leading(b), a.data, leading(a), &beta32, c.data, leading(c)),
                "gemm");
}

/* Rows of a matrix of this width that fit in so many bytes; at least one. */
static int rows_in(size_t bytes, size_t row_bytes, int rows)
{
    size_t fit = row_bytes ? bytes / row_bytes : 1;

    return fit < 1 ? 1 : fit < (size_t)rows ? (int)fit : rows;
}

/* Rows of a stored matrix as float32 in the scratch room. */
static struct mat unpacked(struct device *dev, struct mat x, int first, int rows)
{
    struct mat out = {NULL, DT_F32, rows, x.cols, x.cols};

    out.data = cuda_scratch(dev, mat_bytes(out));
    if (out.data)
        kernel_unpack(cuda_of(dev)->stream, mat_rows(x, first, rows), NULL, out);
    return out;
}

/* A stored b goes through the scratch room some rows at a time: as rows of b they are columns of c
 * when b is transposed, and terms of the sum when it is not. */
void cuda_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
               double beta, struct mat c)
{
    int step = rows_in(UNPACKED, (size_t)b.cols * sizeof(float), b.rows);

    if (empty(c))
        return;
    if (b.type == DT_F32 || b.type == DT_F64 || !b.rows) {
        product(dev, alpha, a, ta, b, tb, beta, c);
        return;
    }
    for (int r = 0; r < b.rows && !dev->fault.kind; r += step) {
        int rows = b.rows - r < step ? b.rows - r : step;
        struct mat piece = unpacked(dev, b, r, rows);

        if (!piece.data)
            return;
        if (tb)
            product(dev, alpha, a, ta, piece, true, beta, mat_cols(c, r, rows));
        else
            product(dev, alpha, ta ? mat_rows(a, r, rows) : mat_cols(a, r, rows), ta, piece, false,
                    r ? 1 : beta, c);
    }
}

void cuda_gram(struct device *dev, struct mat x, struct mat c)
{
    int step = rows_in(UNPACKED, (size_t)x.cols * sizeof(double), x.rows);

    if (empty(x))
        return;
    for (int r = 0; r < x.rows && !dev->fault.kind; r += step) {
        int rows = x.rows - r < step ? x.rows - r : step;
        struct mat wide = {NULL, DT_F64, rows, x.cols, x.cols};

        wide.data = cuda_scratch(dev, mat_bytes(wide));
        if (!wide.data)
            return;
        kernel_copy(cuda_of(dev)->stream, mat_rows(x, r, rows), wide);
        product(dev, 1, wide, true, wide, false, 1, c);
    }
}

static bool solver_ok(struct device *dev, cusolverStatus_t rc, const char *what)
{
    if (rc == CUSOLVER_STATUS_SUCCESS)
        return true;
    return err_set(&dev->fault, ERR_DEVICE, "%s: cuSOLVER status %d", what, (int)rc);
}

static bool with_solver(struct device *dev)
{
    struct cuda *self = cuda_of(dev);

    if (self->solver || dev->fault.kind)
        return !dev->fault.kind;
    self->solver_api = solver_load(&dev->fault);
    return self->solver_api &&
           solver_ok(dev, self->solver_api->create(&self->solver), "start cuSOLVER") &&
           solver_ok(dev, self->solver_api->set_stream(self->solver, self->stream),
                     "bind the stream");
}

/* cuSOLVER's verdict: it stands on the device, after `words` doubles of work. */
static int verdict(struct device *dev, const double *work, int words)
{
    int info = -1;

    cuda_ok(dev,
            cudaMemcpyAsync(&info, work + words, sizeof(info), cudaMemcpyDeviceToHost,
                            cuda_of(dev)->stream),
            "download");
    cuda_ok(dev, cudaStreamSynchronize(cuda_of(dev)->stream), "factorise");
    return info;
}

/* Room for `words` doubles and the verdict. */
static double *work_room(struct device *dev, int words)
{
    return cuda_scratch(dev, ((size_t)words + 1) * sizeof(double));
}

/* Vectors in cuSOLVER's columns are our rows. */
void cuda_eigh(struct device *dev, struct mat a, struct mat values)
{
    struct cuda *self = cuda_of(dev);
    int n = a.rows, words = 0, info;
    double *work;

    if (!n || !with_solver(dev) ||
        !solver_ok(dev,
                   self->solver_api->eigh_size(self->solver, CUSOLVER_EIG_MODE_VECTOR,
                                               CUBLAS_FILL_MODE_LOWER, n, a.data, leading(a),
                                               values.data, &words),
                   "eigenvectors"))
        return;
    work = work_room(dev, words);
    if (!work || !solver_ok(dev,
                            self->solver_api->eigh(self->solver, CUSOLVER_EIG_MODE_VECTOR,
                                                   CUBLAS_FILL_MODE_LOWER, n, a.data, leading(a),
                                                   values.data, work, words, (int *)(work + words)),
                            "eigenvectors"))
        return;
    info = verdict(dev, work, words);
    if (info && !dev->fault.kind)
        err_set(&dev->fault, ERR_DEVICE,
                "eigenvectors of a %d x %d matrix failed (syevd %d); is every value finite?", n, n,
                info);
}

/* Our lower triangle is cuSOLVER's upper one. */
void cuda_cholesky(struct device *dev, struct mat a)
{
    struct cuda *self = cuda_of(dev);
    int n = a.rows, words = 0, info;
    double *work;

    if (!n || !with_solver(dev) ||
        !solver_ok(dev,
                   self->solver_api->cholesky_size(self->solver, CUBLAS_FILL_MODE_UPPER, n, a.data,
                                                   leading(a), &words),
                   "cholesky"))
        return;
    work = work_room(dev, words);
    if (!work ||
        !solver_ok(dev,
                   self->solver_api->cholesky(self->solver, CUBLAS_FILL_MODE_UPPER, n, a.data,
                                              leading(a), work, words, (int *)(work + words)),
                   "cholesky"))
        return;
    info = verdict(dev, work, words);
    if (info && !dev->fault.kind)
        err_set(&dev->fault, ERR_DEVICE,
                "a %d x %d matrix is not positive definite (row %d); a larger regularisation helps",
                n, n, info);
    kernel_zero_upper(self->stream, a);
}

/* L y = b is, transposed, y' U = b' with U = L' as cuBLAS reads our L: from the right, and
 * L' x = y is x' U' = y'. */
void cuda_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half)
{
    struct cuda *self = cuda_of(dev);
    double one = 1;

    for (int pass = 0; pass < (half ? 1 : 2) && !empty(b) && !dev->fault.kind; pass++)
        blas_ok(dev,
                self->api->dtrsm(self->blas, CUBLAS_SIDE_RIGHT, CUBLAS_FILL_MODE_UPPER,
                                 pass ? CUBLAS_OP_T : CUBLAS_OP_N, CUBLAS_DIAG_NON_UNIT, b.cols,
                                 b.rows, &one, l.data, leading(l), b.data, leading(b)),
                "solve");
}

/* U = head values, some rows of the vocabulary at a time: the product by cuBLAS, then one kernel
 * that reads the tile once for all rows b. */
void cuda_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
              struct mat coeff, const int *target, int v0, struct lps_state s)
{
    size_t row = (size_t)values.cols * sizeof(float), stored = (size_t)head.cols * sizeof(float);
    int step = rows_in(SHIFTED, row, head.rows);
    const int *own;

    if (empty(head) || empty(coeff))
        return;
    own = cuda_stage(dev, target, (size_t)coeff.rows * sizeof(*target));
    for (int r = 0; own && r < head.rows && !dev->fault.kind; r += step) {
        int rows = head.rows - r < step ? head.rows - r : step;
        struct mat u = {NULL, DT_F32, rows, values.cols, values.cols}, piece;
        char *room = cuda_scratch(dev, (size_t)step * (row + stored));

        if (!room)
            return;
        u.data = room + (size_t)step * stored;
        piece = mat_rows(head, r, rows);
        if (head.type != DT_F32) {
            piece = (struct mat){room, DT_F32, rows, head.cols, head.cols};
            kernel_unpack(cuda_of(dev)->stream, mat_rows(head, r, rows), NULL, piece);
        }
        product(dev, 1, piece, false, values, false, 0, u);
        kernel_lps(cuda_of(dev)->stream, u, mat_cols(base, r, rows), coeff, own, v0 + r, s);
    }
}
