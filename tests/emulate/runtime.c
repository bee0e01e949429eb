/* The CUDA runtime, cuBLAS and cuSOLVER on the host, to test gpu/ without a GPU. Each function does
 * what NVIDIA's documentation says, with the host's BLAS and LAPACK. */
#include <cblas.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/device/dtype.h"
#include "gpu/blas.h"
#include "tests/emulate/emulated.h"
#include "tests/emulate/stream.h"

struct emulated emulated = {
    .gpus = 1, .driver = 13000, .runtime = 13000, .memory = (size_t)1 << 30, .launches_left = -1};

static _Thread_local int current;

/* An error that stays is every later call's answer. */
static cudaError_t alive(void)
{
    return emulated.lost ? cudaErrorLaunchFailure : cudaSuccess;
}

int emulated_launch(void)
{
    if (emulated.launches_left > 0 && --emulated.launches_left == 0)
        emulated.lost = 1;
    return !emulated.lost;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = emulated.driver;
    return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = emulated.runtime;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 0;
    if (emulated.driver < emulated.runtime)
        return cudaErrorInsufficientDriver;
    if (!emulated.gpus)
        return cudaErrorNoDevice;
    *count = emulated.gpus;
    return alive();
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr what, int device)
{
    *value = what == cudaDevAttrComputeCapabilityMajor ? 9
             : what == cudaDevAttrL2CacheSize          ? 1 << 17 /* so that tiles are small */
                                                       : 0;
    return device < emulated.gpus ? alive() : cudaErrorInvalidDevice;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *out, int device)
{
    *out = (struct cudaDeviceProp){
        .name = "Emulated GPU", .major = 9, .totalGlobalMem = emulated.memory};
    return device < emulated.gpus ? alive() : cudaErrorInvalidDevice;
}

cudaError_t cudaSetDevice(int device)
{
    if (device >= emulated.gpus)
        return cudaErrorInvalidDevice;
    current = device;
    return alive();
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorLaunchFailure:
        return "unspecified launch failure";
    case cudaErrorStreamCaptureUnsupported:
        return "operation not permitted when stream is capturing";
    default:
        return "error";
    }
}

/* Its size and device stand before a piece of memory. */
struct piece {
    size_t bytes;
    int device;
};

/* What a GPU gives is not zeroed: here it is NaN, so that a kernel that counts on zeros fails. */
cudaError_t cudaMalloc(void **ptr, size_t bytes)
{
    size_t *used = &emulated.used[current];
    char *at;

    *ptr = NULL;
    if (alive() != cudaSuccess)
        return alive();
    if (emulate_is_forbidden())
        return cudaErrorStreamCaptureUnsupported;
    if (bytes > emulated.memory || *used > emulated.memory - bytes)
        return cudaErrorMemoryAllocation;
    at = aligned_alloc(256, 256 + (bytes + 255) / 256 * 256);
    if (!at)
        return cudaErrorMemoryAllocation;
    *(struct piece *)(void *)at = (struct piece){bytes, current};
    *used += bytes;
    if (*used > emulated.peak[current])
        emulated.peak[current] = *used;
    *ptr = at + 256;
    memset(*ptr, 0xff, bytes);
    return cudaSuccess;
}

/* Waits for everything, as CUDA does. */
cudaError_t cudaFree(void *ptr)
{
    if (emulate_is_forbidden())
        return cudaErrorStreamCaptureUnsupported;
    cudaDeviceSynchronize();
    if (ptr) {
        struct piece *at = (struct piece *)(void *)((char *)ptr - 256);

        emulated.used[at->device] -= at->bytes;
        free(at);
    }
    return alive();
}

cudaError_t cudaMallocHost(void **ptr, size_t bytes)
{
    *ptr = malloc(bytes ? bytes : 1);
    if (*ptr)
        emulate_pin(*ptr, bytes);
    return *ptr ? alive() : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void *ptr)
{
    cudaDeviceSynchronize();
    emulate_unpin(ptr);
    free(ptr);
    return alive();
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
    *free_bytes = emulated.memory - emulated.used[current];
    *total = emulated.memory;
    return alive();
}

struct emulated_blas {
    cudaStream_t stream;
    cublasMath_t math;
};

static cublasStatus_t blas_create(cublasHandle_t *handle)
{
    *handle = xcalloc(1, sizeof(**handle));
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_destroy(cublasHandle_t handle)
{
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_set_stream(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUBLAS_STATUS_SUCCESS;
}

/* Only that it is what cuBLAS takes. */
static cublasStatus_t blas_set_workspace(cublasHandle_t handle, void *workspace, size_t bytes)
{
    (void)handle;
    return (size_t)workspace % 256 || !bytes;
}

static cublasStatus_t blas_set_math(cublasHandle_t handle, cublasMath_t mode)
{
    handle->math = mode;
    return CUBLAS_STATUS_SUCCESS;
}

static const char *blas_status(cublasStatus_t status)
{
    (void)status;
    return "error";
}

static CBLAS_TRANSPOSE turned(cublasOperation_t op)
{
    return op == CUBLAS_OP_T ? CblasTrans : CblasNoTrans;
}

/* One call, with its scalars as they were. */
struct product {
    cublasOperation_t ta, tb;
    cublasSideMode_t side;
    cublasFillMode_t fill;
    cublasDiagType_t diag;
    int m, n, k, lda, ldb, ldc;
    double alpha, beta;
    const void *a, *b;
    void *c;
};

static struct product product_of(cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                                 const void *a, int lda, const void *b, int ldb, void *c, int ldc)
{
    return (struct product){.ta = ta,
                            .tb = tb,
                            .m = m,
                            .n = n,
                            .k = k,
                            .lda = lda,
                            .ldb = ldb,
                            .ldc = ldc,
                            .a = a,
                            .b = b,
                            .c = c};
}

static void run_sgemm(const void *args)
{
    const struct product *p = args;

    cblas_sgemm(CblasColMajor, turned(p->ta), turned(p->tb), p->m, p->n, p->k, (float)p->alpha,
                p->a, p->lda, p->b, p->ldb, (float)p->beta, p->c, p->ldc);
}

static cublasStatus_t blas_sgemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                 int m, int n, int k, const float *alpha, const float *a, int lda,
                                 const float *b, int ldb, const float *beta, float *c, int ldc)
{
    struct product p = product_of(ta, tb, m, n, k, a, lda, b, ldb, c, ldc);

    p.alpha = (double)*alpha;
    p.beta = (double)*beta;
    emulate_queue(handle->stream, run_sgemm, &p, sizeof(p));
    return CUBLAS_STATUS_SUCCESS;
}

/* bfloat16 as float32: columns of the column-major matrix, ld elements apart. Caller frees. */
static float *widened(const void *x, int rows, int cols, int ld)
{
    float *out = xmalloc((size_t)rows * (size_t)cols * sizeof(float) + 1);

    for (int j = 0; j < cols; j++)
        dtype_to_float(DT_BF16, (const char *)x + (size_t)j * (size_t)ld * 2,
                       out + (size_t)j * (size_t)rows, rows);
    return out;
}

static void run_gemm_ex(const void *args)
{
    struct product p = *(const struct product *)args;
    bool ta = p.ta == CUBLAS_OP_T, tb = p.tb == CUBLAS_OP_T;
    int ra = ta ? p.k : p.m, rb = tb ? p.n : p.k;
    float *wa = widened(p.a, ra, ta ? p.m : p.k, p.lda);
    float *wb = widened(p.b, rb, tb ? p.k : p.n, p.ldb);

    p.a = wa;
    p.lda = ra;
    p.b = wb;
    p.ldb = rb;
    run_sgemm(&p);
    free(wa);
    free(wb);
}

static cublasStatus_t blas_gemm_ex(cublasHandle_t handle, cublasOperation_t ta,
                                   cublasOperation_t tb, int m, int n, int k, const void *alpha,
                                   const void *a, cudaDataType a_type, int lda, const void *b,
                                   cudaDataType b_type, int ldb, const void *beta, void *c,
                                   cudaDataType c_type, int ldc, cublasComputeType_t compute,
                                   cublasGemmAlgo_t algorithm)
{
    struct product p = product_of(ta, tb, m, n, k, a, lda, b, ldb, c, ldc);

    (void)algorithm;
    if (handle->math == CUBLAS_PEDANTIC_MATH) /* that is not for the tensor cores */
        return 1;
    if (a_type != CUDA_R_16BF || b_type != CUDA_R_16BF || c_type != CUDA_R_32F ||
        compute != CUBLAS_COMPUTE_32F)
        return 1;
    p.alpha = (double)*(const float *)alpha;
    p.beta = (double)*(const float *)beta;
    emulate_queue(handle->stream, run_gemm_ex, &p, sizeof(p));
    return CUBLAS_STATUS_SUCCESS;
}

static void run_dgemm(const void *args)
{
    const struct product *p = args;

    cblas_dgemm(CblasColMajor, turned(p->ta), turned(p->tb), p->m, p->n, p->k, p->alpha, p->a,
                p->lda, p->b, p->ldb, p->beta, p->c, p->ldc);
}

static cublasStatus_t blas_dgemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                 int m, int n, int k, const double *alpha, const double *a, int lda,
                                 const double *b, int ldb, const double *beta, double *c, int ldc)
{
    struct product p = product_of(ta, tb, m, n, k, a, lda, b, ldb, c, ldc);

    p.alpha = *alpha;
    p.beta = *beta;
    emulate_queue(handle->stream, run_dgemm, &p, sizeof(p));
    return CUBLAS_STATUS_SUCCESS;
}

static void run_dtrsm(const void *args)
{
    const struct product *p = args;

    cblas_dtrsm(CblasColMajor, p->side == CUBLAS_SIDE_LEFT ? CblasLeft : CblasRight,
                p->fill == CUBLAS_FILL_MODE_LOWER ? CblasLower : CblasUpper, turned(p->ta),
                p->diag == CUBLAS_DIAG_UNIT ? CblasUnit : CblasNonUnit, p->m, p->n, p->alpha, p->a,
                p->lda, p->c, p->ldc);
}

static cublasStatus_t blas_dtrsm(cublasHandle_t handle, cublasSideMode_t side,
                                 cublasFillMode_t fill, cublasOperation_t trans,
                                 cublasDiagType_t diag, int m, int n, const double *alpha,
                                 const double *a, int lda, double *b, int ldb)
{
    struct product p = {.side = side,
                        .fill = fill,
                        .ta = trans,
                        .diag = diag,
                        .m = m,
                        .n = n,
                        .alpha = *alpha,
                        .a = a,
                        .lda = lda,
                        .c = b,
                        .ldc = ldb};

    emulate_queue(handle->stream, run_dtrsm, &p, sizeof(p));
    return CUBLAS_STATUS_SUCCESS;
}

void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *lda,
             double *values, double *work, const int *work_n, int *iwork, const int *iwork_n,
             int *info, size_t job_len, size_t triangle_len);
void dpotrf_(const char *triangle, const int *n, double *a, const int *lda, int *info,
             size_t triangle_len);

/* Factors are made at once, after what was queued before. */
struct emulated_solver {
    cudaStream_t stream;
};

static cusolverStatus_t solver_create(cusolverDnHandle_t *handle)
{
    *handle = xcalloc(1, sizeof(**handle));
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_destroy(cusolverDnHandle_t handle)
{
    free(handle);
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_set_stream(cusolverDnHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t cholesky_size(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                      double *a, int lda, int *words)
{
    (void)handle;
    (void)fill;
    (void)n;
    (void)a;
    (void)lda;
    *words = 1;
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t cholesky(cusolverDnHandle_t handle, cublasFillMode_t fill, int n, double *a,
                                 int lda, double *work, int words, int *info)
{
    (void)work;
    (void)words;
    if (!emulate_settle(handle->stream))
        return 1;
    dpotrf_(fill == CUBLAS_FILL_MODE_LOWER ? "L" : "U", &n, a, &lda, info, 1);
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t eigh_size(cusolverDnHandle_t handle, cusolverEigMode_t job,
                                  cublasFillMode_t fill, int n, const double *a, int lda,
                                  const double *values, int *words)
{
    (void)handle;
    (void)job;
    (void)fill;
    (void)a;
    (void)lda;
    (void)values;
    *words = 1 + 6 * n + 2 * n * n;
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t eigh(cusolverDnHandle_t handle, cusolverEigMode_t job,
                             cublasFillMode_t fill, int n, double *a, int lda, double *values,
                             double *work, int words, int *info)
{
    int size = 3 + 5 * n, *room;

    if (!emulate_settle(handle->stream))
        return 1;
    room = xcalloc((size_t)size, sizeof(*room));
    dsyevd_(job == CUSOLVER_EIG_MODE_VECTOR ? "V" : "N", fill == CUBLAS_FILL_MODE_LOWER ? "L" : "U",
            &n, a, &lda, values, work, &words, room, &size, info, 1, 1);
    free(room);
    return CUSOLVER_STATUS_SUCCESS;
}

const struct blas *blas_load(struct err *err)
{
    static const struct blas api = {.create = blas_create,
                                    .destroy = blas_destroy,
                                    .set_stream = blas_set_stream,
                                    .set_workspace = blas_set_workspace,
                                    .set_math = blas_set_math,
                                    .sgemm = blas_sgemm,
                                    .gemm_ex = blas_gemm_ex,
                                    .dgemm = blas_dgemm,
                                    .dtrsm = blas_dtrsm,
                                    .status = blas_status};

    (void)err;
    return &api;
}

const struct solver_api *solver_load(struct err *err)
{
    static const struct solver_api api = {
        solver_create, solver_destroy, solver_set_stream, cholesky_size, cholesky, eigh_size, eigh};

    (void)err;
    return &api;
}
