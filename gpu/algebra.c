/* Linear algebra with cuBLAS and cuSOLVER: products in the chosen precision, second moments,
 * Cholesky, eigenvectors.
 *
 * Both libraries store matrices by columns, we by rows. To them, our a is a^T. So instead of
 * c = a b we ask for c^T = b^T a^T: the same memory, factors exchanged, rows and columns exchanged.
 */
#include <limits.h>
#include <stdlib.h>

#include "gpu/internal.h"
#include "gpu/kernels.h"

#define UNPACKED ((size_t)64 << 20) /* bytes of a stored matrix converted to float at a time */

static bool blas_ok(struct device *dev, cublasStatus_t rc, const char *what)
{
    if (rc == CUBLAS_STATUS_SUCCESS)
        return true;
    return err_set(&dev->fault, ERR_DEVICE, "%s: %s", what, cuda_of(dev)->api->status(rc));
}

/* The leading dimension for cuBLAS. It checks it even for a single row, whose stride may be 0. */
static int leading_dim(struct mat x)
{
    return x.stride > x.cols ? (int)x.stride : x.cols;
}

/* cuBLAS takes strides as int. */
static bool strides_fit(struct device *dev, struct mat a, struct mat b, struct mat c)
{
    if (a.stride <= INT_MAX && b.stride <= INT_MAX && c.stride <= INT_MAX)
        return true;
    return err_set(&dev->fault, ERR_LIMIT, "gemm: a row has more than %d elements", INT_MAX);
}

static cublasOperation_t blas_op(bool transposed)
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
            self->api->sgemm(self->blas, blas_op(tb), blas_op(ta), c.cols, c.rows,
                             ta ? a.rows : a.cols, &alpha, b.data, leading_dim(b), a.data,
                             leading_dim(a), &beta, c.data, leading_dim(c)),
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

    /* The pedantic mode of float32 products may keep cuBLAS from using tensor cores. The compute
     * type and c's type keep all sums float32. */
    if (!with_math(dev, CUBLAS_DEFAULT_MATH))
        return;
    for (int sum = most - 1; sum >= 0 && !dev->fault.kind; sum--)
        for (int i = x->terms - 1; i >= 0; i--) {
            int j = sum - i;

            if (j < 0 || j >= y->terms)
                continue;
            blas_ok(dev,
                    self->api->gemm_ex(self->blas, blas_op(tb), blas_op(ta), c.cols, c.rows, k,
                                       &alpha, y->term[j].data, CUDA_R_16BF,
                                       leading_dim(y->term[j]), x->term[i].data, CUDA_R_16BF,
                                       leading_dim(x->term[i]), &beta, c.data, CUDA_R_32F,
                                       leading_dim(c), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
                    "gemm");
            beta = one; /* the other products are added */
        }
}

static void split_product(struct device *dev, float alpha, struct mat a, bool ta, struct mat b,
                          bool tb, float beta, struct mat c)
{
    int terms = split_terms(dev, a, b);
    size_t half = split_bytes(a, terms);
    char *scratch = cuda_scratch(dev, SCRATCH_TERMS, half + split_bytes(b, terms) + 1);
    struct split x, y;

    cuda_of(dev)->lps.values = NULL; /* their terms are overwritten */
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

void cuda_product(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                  double beta, struct mat c)
{
    struct cuda *self = cuda_of(dev);

    if (dev->fault.kind || empty(c) || !strides_fit(dev, a, b, c))
        return;
    if (c.type == DT_F64)
        blas_ok(dev,
                self->api->dgemm(self->blas, blas_op(tb), blas_op(ta), c.cols, c.rows,
                                 ta ? a.rows : a.cols, &alpha, b.data, leading_dim(b), a.data,
                                 leading_dim(a), &beta, c.data, leading_dim(c)),
                "gemm");
    else if (splits(dev, a, b))
        split_product(dev, (float)alpha, a, ta, b, tb, (float)beta, c);
    else
        full_product(dev, (float)alpha, a, ta, b, tb, (float)beta, c);
}

/* How many of `rows` rows fit into `bytes`; at least one. */
static int rows_in(size_t bytes, size_t row_bytes, int rows)
{
    size_t fit = row_bytes ? bytes / row_bytes : 1;

    return fit < 1 ? 1 : fit < (size_t)rows ? (int)fit : rows;
}

/* Rows of a stored matrix as float32, in SCRATCH_WORK; data NULL after a fault. */
static struct mat unpacked_rows(struct device *dev, struct mat x, int first, int rows)
{
    struct mat out = {NULL, DT_F32, rows, x.cols, x.cols};

    out.data = cuda_scratch(dev, SCRATCH_WORK, mat_bytes(out));
    if (out.data)
        kernel_unpack(cuda_of(dev)->stream, mat_rows(x, first, rows), NULL, out);
    return out;
}

/* A stored b is converted some rows at a time. If b is transposed, these rows give some columns of
 * c; if not, they give some terms of every sum. */
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
        struct mat piece = unpacked_rows(dev, b, r, rows);

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

/* Loads and starts cuSOLVER at the first call. */
static bool solver_start(struct device *dev)
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

/* Downloads cuSOLVER's result code, which is on the device after `words` doubles of workspace. */
static int solver_info(struct device *dev, const double *work, int words)
{
    int info = -1;

    cuda_ok(dev,
            cudaMemcpyAsync(&info, work + words, sizeof(info), cudaMemcpyDeviceToHost,
                            cuda_of(dev)->stream),
            "download");
    cuda_ok(dev, cudaStreamSynchronize(cuda_of(dev)->stream), "factorise");
    return info;
}

/* Scratch for `words` doubles of workspace and the result code. */
static double *solver_scratch(struct device *dev, int words)
{
    return cuda_scratch(dev, SCRATCH_WORK, ((size_t)words + 1) * sizeof(double));
}

/* cuSOLVER writes eigenvectors as columns, which are rows for us. */
void cuda_eigh(struct device *dev, struct mat a, struct mat values)
{
    struct cuda *self = cuda_of(dev);
    int n = a.rows, words = 0, info;
    double *work;

    if (!n || !solver_start(dev) ||
        !solver_ok(dev,
                   self->solver_api->eigh_size(self->solver, CUSOLVER_EIG_MODE_VECTOR,
                                               CUBLAS_FILL_MODE_LOWER, n, a.data, leading_dim(a),
                                               values.data, &words),
                   "eigenvectors"))
        return;
    work = solver_scratch(dev, words);
    if (!work ||
        !solver_ok(dev,
                   self->solver_api->eigh(self->solver, CUSOLVER_EIG_MODE_VECTOR,
                                          CUBLAS_FILL_MODE_LOWER, n, a.data, leading_dim(a),
                                          values.data, work, words, (int *)(work + words)),
                   "eigenvectors"))
        return;
    info = solver_info(dev, work, words);
    if (info && !dev->fault.kind)
        err_set(&dev->fault, ERR_DEVICE,
                "eigenvectors of a %d x %d matrix failed (syevd %d); is every value finite?", n, n,
                info);
}

/* All of them, in one call: seconds, which the host only waits for. */
void cuda_eigh_top(struct device *dev, struct mat a, struct mat values, struct eigh_top *top)
{
    double *value = malloc(((size_t)a.rows + 1) * sizeof(*value));

    if (!value)
        err_set(&dev->fault, ERR_LIMIT, "no memory for %d eigenvalues", a.rows);
    if (value && device_goes_on(dev, top, 0)) {
        cuda_eigh(dev, a, values);
        device_download(dev, value, values);
        if (!dev->fault.kind)
            eigh_top_choose(top, value, a.rows);
    }
    free(value);
}

/* Our lower triangle is the upper one for cuSOLVER. */
void cuda_cholesky(struct device *dev, struct mat a)
{
    struct cuda *self = cuda_of(dev);
    int n = a.rows, words = 0, info;
    double *work;

    if (!n || !solver_start(dev) ||
        !solver_ok(dev,
                   self->solver_api->cholesky_size(self->solver, CUBLAS_FILL_MODE_UPPER, n, a.data,
                                                   leading_dim(a), &words),
                   "cholesky"))
        return;
    work = solver_scratch(dev, words);
    if (!work ||
        !solver_ok(dev,
                   self->solver_api->cholesky(self->solver, CUBLAS_FILL_MODE_UPPER, n, a.data,
                                              leading_dim(a), work, words, (int *)(work + words)),
                   "cholesky"))
        return;
    info = solver_info(dev, work, words);
    if (info && !dev->fault.kind)
        err_set(&dev->fault, ERR_DEVICE,
                "a %d x %d matrix is not positive definite (row %d); a larger regularisation helps",
                n, n, info);
    kernel_zero_upper(self->stream, a);
}

/* Transposed, as cuBLAS sees it: L y = b is y^T U = b^T with U = L^T, and L^T x = y is
 * x^T U^T = y^T. So U is on the right side. */
void cuda_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half)
{
    struct cuda *self = cuda_of(dev);
    double one = 1;

    for (int pass = 0; pass < (half ? 1 : 2) && !empty(b) && !dev->fault.kind; pass++)
        blas_ok(dev,
                self->api->dtrsm(self->blas, CUBLAS_SIDE_RIGHT, CUBLAS_FILL_MODE_UPPER,
                                 pass ? CUBLAS_OP_T : CUBLAS_OP_N, CUBLAS_DIAG_NON_UNIT, b.cols,
                                 b.rows, &one, l.data, leading_dim(l), b.data, leading_dim(b)),
                "solve");
}
