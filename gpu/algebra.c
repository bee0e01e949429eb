/* Products, factors and eigenvectors: cuBLAS and cuSOLVER. Both think in columns: a row-major
 * matrix is to them its transpose, so we ask for the transposed equation. */
#include <limits.h>

#include "gpu/internal.h"
#include "gpu/kernels.h"

#define UNPACKED ((size_t)64 << 20) /* bytes of a stored matrix turned to floats at a time */

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

static cublasOperation_t turned(bool transposed)
{
    return transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
}

static bool with_math(struct device *dev, cublasMath_t math)
{
    struct cuda *self = cuda_of(dev);

    if (math != self->math) {
        if (!blas_ok(dev, self->api->set_math(self->blas, math), "set the precision"))
            return false;
        self->math = math;
    }
    return true;
}

static void full_product(struct device *dev, float alpha, struct mat a, bool ta, struct mat b,
                         bool tb, float beta, struct mat c)
{
    struct cuda *self = cuda_of(dev);
    cublasMath_t math =
        dev->precision == PRECISION_TF32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_PEDANTIC_MATH;

    if (!with_math(dev, math))
        return;
    blas_ok(dev,
            self->api->sgemm(self->blas, turned(tb), turned(ta), c.cols, c.rows,
                             ta ? a.rows : a.cols, &alpha, b.data, leading(b), a.data, leading(a),
                             &beta, c.data, leading(c)),
            "gemm");
}

size_t split_bytes(struct mat x, int terms)
{
    return x.type == DT_BF16 ? 0 : (size_t)x.rows * (size_t)x.cols * 2 * (size_t)terms;
}

struct split split_into(struct device *dev, struct mat x, int terms, char *scratch)
{
    struct split s = {.terms = x.type == DT_BF16 ? 1 : terms};
    size_t bytes = (size_t)x.rows * (size_t)x.cols * 2;

    if (x.type == DT_BF16) {
        s.term[0] = x;
        return s;
    }
    for (int t = 0; t < terms; t++)
        s.term[t] = (struct mat){scratch + (size_t)t * bytes, DT_BF16, x.rows, x.cols, x.cols};
    if (!empty(x))
        kernel_split(cuda_of(dev)->stream, x, terms, scratch);
    return s;
}

int split_terms(const struct device *dev, struct mat a, struct mat b)
{
    bool exact = a.type == DT_BF16 || b.type == DT_BF16;

    return dev->precision == PRECISION_BF16 ? 1 : exact ? 3 : 2;
}

void split_multiply(struct device *dev, float alpha, const struct split *x, bool ta,
                    const struct split *y, bool tb, float beta, struct mat c)
{
    struct cuda *self = cuda_of(dev);
    int most = x->terms > y->terms ? x->terms : y->terms;
    int k = ta ? x->term[0].rows : x->term[0].cols;
    float one = 1;

    /* Pedantic mathematics, a float32 product's, may keep cuBLAS off the tensor cores. Sums stay
     * float32 by the compute type, and so does what is summed in parts, since c is float32. */
    if (!with_math(dev, CUBLAS_DEFAULT_MATH))
        return;
    for (int sum = most - 1; sum >= 0 && !dev->fault.kind; sum--)
        for (int i = x->terms - 1; i >= 0; i--) {
            int j = sum - i;

            if (j < 0 || j >= y->terms)
                continue;
            blas_ok(dev,
                    self->api->gemm_ex(self->blas, turned(tb), turned(ta), c.cols, c.rows, k,
                                       &alpha, y->term[j].data, CUDA_R_16BF, leading(y->term[j]),
                                       x->term[i].data, CUDA_R_16BF, leading(x->term[i]), &beta,
                                       c.data, CUDA_R_32F, leading(c), CUBLAS_COMPUTE_32F,
                                       CUBLAS_GEMM_DEFAULT),
                    "gemm");
            beta = one; /* the rest is added */
        }
}

static void split_product(struct device *dev, float alpha, struct mat a, bool ta, struct mat b,
                          bool tb, float beta, struct mat c)
{
    int terms = split_terms(dev, a, b);
    size_t half = split_bytes(a, terms);
    char *scratch = cuda_scratch(dev, SCRATCH_TERMS, half + split_bytes(b, terms) + 1);
    struct split x, y;

    cuda_of(dev)->lps.values = NULL; /* theirs was the scratch */
    if (!scratch)
        return;
    x = split_into(dev, a, terms, scratch);
    y = split_into(dev, b, terms, scratch + half);
    split_multiply(dev, alpha, &x, ta, &y, tb, beta, c);
}

bool splits(const struct device *dev, struct mat a, struct mat b)
{
    return (dev->precision == PRECISION_SPLIT || dev->precision == PRECISION_BF16) &&
           (a.type == DT_F32 || a.type == DT_BF16) && (b.type == DT_F32 || b.type == DT_BF16);
}

/* c = alpha op(a) op(b) + beta c: all float64, or c float32 and the factors float32, or bfloat16
 * where splits() says so. */
void cuda_product(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                  double beta, struct mat c)
{
    struct cuda *self = cuda_of(dev);

    if (dev->fault.kind || empty(c) || !reachable(dev, a, b, c))
        return;
    if (c.type == DT_F64)
        blas_ok(dev,
                self->api->dgemm(self->blas, turned(tb), turned(ta), c.cols, c.rows,
                                 ta ? a.rows : a.cols, &alpha, b.data, leading(b), a.data,
                                 leading(a), &beta, c.data, leading(c)),
                "gemm");
    else if (splits(dev, a, b))
        split_product(dev, (float)alpha, a, ta, b, tb, (float)beta, c);
    else
        full_product(dev, (float)alpha, a, ta, b, tb, (float)beta, c);
}

/* Rows of a matrix of this width that fit in so many bytes; at least one. */
static int rows_in(size_t bytes, size_t row_bytes, int rows)
{
    size_t fit = row_bytes ? bytes / row_bytes : 1;

    return fit < 1 ? 1 : fit < (size_t)rows ? (int)fit : rows;
}

/* Rows of a stored matrix as float32 in the scratch scratch. */
static struct mat unpacked(struct device *dev, struct mat x, int first, int rows)
{
    struct mat out = {NULL, DT_F32, rows, x.cols, x.cols};

    out.data = cuda_scratch(dev, SCRATCH_WORK, mat_bytes(out));
    if (out.data)
        kernel_unpack(cuda_of(dev)->stream, mat_rows(x, first, rows), NULL, out);
    return out;
}

/* A stored b goes through the scratch scratch some rows at a time: as rows of b they are columns of
 * c when b is transposed, and terms of the sum when it is not. */
void cuda_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
               double beta, struct mat c)
{
    int step = rows_in(UNPACKED, (size_t)b.cols * sizeof(float), b.rows);

    if (empty(c))
        return;
    if (b.type == DT_F32 || b.type == DT_F64 || splits(dev, a, b) || !b.rows) {
        cuda_product(dev, alpha, a, ta, b, tb, beta, c);
        return;
    }
    for (int r = 0; r < b.rows && !dev->fault.kind; r += step) {
        int rows = b.rows - r < step ? b.rows - r : step;
        struct mat piece = unpacked(dev, b, r, rows);

        if (!piece.data)
            return;
        if (tb)
            cuda_product(dev, alpha, a, ta, piece, true, beta, mat_cols(c, r, rows));
        else
            cuda_product(dev, alpha, ta ? mat_rows(a, r, rows) : mat_cols(a, r, rows), ta, piece,
                         false, r ? 1 : beta, c);
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

        wide.data = cuda_scratch(dev, SCRATCH_WORK, mat_bytes(wide));
        if (!wide.data)
            return;
        kernel_copy(cuda_of(dev)->stream, mat_rows(x, r, rows), wide);
        cuda_product(dev, 1, wide, true, wide, false, 1, c);
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
static double *solver_scratch(struct device *dev, int words)
{
    return cuda_scratch(dev, SCRATCH_WORK, ((size_t)words + 1) * sizeof(double));
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
    work = solver_scratch(dev, words);
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
    work = solver_scratch(dev, words);
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
