/* The CUDA runtime and its libraries on the host, for tests of gpu/ where there is no GPU. What
 * they are asked is written down by NVIDIA; the BLAS and LAPACK of the host answer. */
#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/device/dtype.h"
#include "gpu/blas.h"
#include "tests/emulate/emulated.h"

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
    *value = what == cudaDevAttrComputeCapabilityMajor ? 9 : 0;
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

cudaError_t cudaGetLastError(void)
{
    return alive();
}

const char *cudaGetErrorString(cudaError_t error)
{
    switch (error) {
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorLaunchFailure:
        return "unspecified launch failure";
    default:
        return "error";
    }
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    (void)flags;
    *stream = NULL;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    (void)stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    (void)stream;
    return alive();
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

    if (alive() != cudaSuccess)
        return alive();
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

cudaError_t cudaFree(void *ptr)
{
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
    return *ptr ? alive() : cudaErrorMemoryAllocation;
}

cudaError_t cudaFreeHost(void *ptr)
{
    free(ptr);
    return alive();
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
    *free_bytes = emulated.memory - emulated.used[current];
    *total = emulated.memory;
    return alive();
}

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    (void)kind;
    (void)stream;
    if (alive() == cudaSuccess)
        memcpy(dst, src, bytes);
    return alive();
}

static cublasStatus_t blas_create(cublasHandle_t *handle)
{
    *handle = xcalloc(1, 1);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_destroy(cublasHandle_t handle)
{
    free(handle);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_set_stream(cublasHandle_t handle, cudaStream_t stream)
{
    (void)handle;
    (void)stream;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_set_math(cublasHandle_t handle, cublasMath_t mode)
{
    (void)handle;
    (void)mode;
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

static cublasStatus_t blas_sgemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                 int m, int n, int k, const float *alpha, const float *a, int lda,
                                 const float *b, int ldb, const float *beta, float *c, int ldc)
{
    (void)handle;
    cblas_sgemm(CblasColMajor, turned(ta), turned(tb), m, n, k, *alpha, a, lda, b, ldb, *beta, c,
                ldc);
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

static cublasStatus_t blas_gemm_ex(cublasHandle_t handle, cublasOperation_t ta,
                                   cublasOperation_t tb, int m, int n, int k, const void *alpha,
                                   const void *a, cudaDataType a_type, int lda, const void *b,
                                   cudaDataType b_type, int ldb, const void *beta, void *c,
                                   cudaDataType c_type, int ldc, cublasComputeType_t compute,
                                   cublasGemmAlgo_t algorithm)
{
    int ra = ta == CUBLAS_OP_T ? k : m, ca = ta == CUBLAS_OP_T ? m : k;
    int rb = tb == CUBLAS_OP_T ? n : k, cb = tb == CUBLAS_OP_T ? k : n;
    float *wa, *wb;

    (void)algorithm;
    if (a_type != CUDA_R_16BF || b_type != CUDA_R_16BF || c_type != CUDA_R_32F ||
        compute != CUBLAS_COMPUTE_32F)
        return 1;
    wa = widened(a, ra, ca, lda);
    wb = widened(b, rb, cb, ldb);
    blas_sgemm(handle, ta, tb, m, n, k, alpha, wa, ra, wb, rb, beta, c, ldc);
    free(wa);
    free(wb);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_dgemm(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                                 int m, int n, int k, const double *alpha, const double *a, int lda,
                                 const double *b, int ldb, const double *beta, double *c, int ldc)
{
    (void)handle;
    cblas_dgemm(CblasColMajor, turned(ta), turned(tb), m, n, k, *alpha, a, lda, b, ldb, *beta, c,
                ldc);
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t blas_dtrsm(cublasHandle_t handle, cublasSideMode_t side,
                                 cublasFillMode_t fill, cublasOperation_t trans,
                                 cublasDiagType_t diag, int m, int n, const double *alpha,
                                 const double *a, int lda, double *b, int ldb)
{
    (void)handle;
    cblas_dtrsm(CblasColMajor, side == CUBLAS_SIDE_LEFT ? CblasLeft : CblasRight,
                fill == CUBLAS_FILL_MODE_LOWER ? CblasLower : CblasUpper, turned(trans),
                diag == CUBLAS_DIAG_UNIT ? CblasUnit : CblasNonUnit, m, n, *alpha, a, lda, b, ldb);
    return CUBLAS_STATUS_SUCCESS;
}

void dsyevd_(const char *job, const char *triangle, const int *n, double *a, const int *lda,
             double *values, double *work, const int *work_n, int *iwork, const int *iwork_n,
             int *info, size_t job_len, size_t triangle_len);
void dpotrf_(const char *triangle, const int *n, double *a, const int *lda, int *info,
             size_t triangle_len);

static cusolverStatus_t solver_create(cusolverDnHandle_t *handle)
{
    *handle = xcalloc(1, 1);
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_destroy(cusolverDnHandle_t handle)
{
    free(handle);
    return CUSOLVER_STATUS_SUCCESS;
}

static cusolverStatus_t solver_set_stream(cusolverDnHandle_t handle, cudaStream_t stream)
{
    (void)handle;
    (void)stream;
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
    (void)handle;
    (void)work;
    (void)words;
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
    int size = 3 + 5 * n, *room = xcalloc((size_t)size, sizeof(*room));

    (void)handle;
    dsyevd_(job == CUSOLVER_EIG_MODE_VECTOR ? "V" : "N", fill == CUBLAS_FILL_MODE_LOWER ? "L" : "U",
            &n, a, &lda, values, work, &words, room, &size, info, 1, 1);
    free(room);
    return CUSOLVER_STATUS_SUCCESS;
}

const struct blas *blas_load(struct err *err)
{
    static const struct blas api = {blas_create,   blas_destroy, blas_set_stream,
                                    blas_set_math, blas_sgemm,   blas_gemm_ex,
                                    blas_dgemm,    blas_dtrsm,   blas_status};

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
