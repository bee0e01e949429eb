/* Plain C: the CUDA runtime and cuBLAS have C interfaces, so only kernels.cu needs nvcc. */
#include "gpu/cuda.h"

#include <cuda_runtime_api.h>
#include <limits.h>
#include <stdlib.h>

#include "gpu/blas.h"
#include "gpu/kernels.h"
#include "gpu/missing.h"

enum { OLDEST_CAPABILITY = 75 }; /* the first of CUDA_ARCH in the Makefile */

struct cuda {
    struct device base; /* first, so that a device * is a cuda * */
    cudaStream_t stream;
    const struct blas *api;
    cublasHandle_t blas;
};

static struct cuda *cuda_of(struct device *dev)
{
    return (struct cuda *)dev;
}

static bool cuda_ok(struct device *dev, cudaError_t rc, const char *what)
{
    if (rc == cudaSuccess)
        return true;
    return err_set(&dev->fault, ERR_DEVICE, "%s: %s", what, cudaGetErrorString(rc));
}

static bool blas_ok(struct device *dev, cublasStatus_t rc, const char *what)
{
    if (rc == CUBLAS_STATUS_SUCCESS)
        return true;
    return err_set(&dev->fault, ERR_DEVICE, "%s: %s", what, cuda_of(dev)->api->status(rc));
}

static int cuda_count(void)
{
    int n = 0;

    if (cudaGetDeviceCount(&n) == cudaSuccess)
        return n;
    cudaGetLastError(); /* no driver is no fault of a later operation */
    return 0;
}

static void cuda_close(struct device *dev)
{
    struct cuda *self = cuda_of(dev);

    if (self->blas)
        self->api->destroy(self->blas);
    if (self->stream)
        cudaStreamDestroy(self->stream);
    free(self);
}

static bool capable(struct device *dev, int index)
{
    int major = 0, minor = 0;

    if (!cuda_ok(dev, cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index),
                 "look at the GPU") ||
        !cuda_ok(dev, cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index),
                 "look at the GPU"))
        return false;
    if (major * 10 + minor >= OLDEST_CAPABILITY)
        return true;
    return err_set(&dev->fault, ERR_DEVICE, "GPU %d has compute capability %d.%d; %d.%d is needed",
                   index, major, minor, OLDEST_CAPABILITY / 10, OLDEST_CAPABILITY % 10);
}

/* `threads` are the CPU's business. */
static struct device *cuda_open(int index, int threads, struct err *err)
{
    struct cuda *self;
    int n = cuda_count();

    (void)threads;
    if (index < 0 || index >= n) {
        err_set(err, ERR_DEVICE, "no GPU %d here: %d found; use --device cpu", index, n);
        return NULL;
    }
    self = calloc(1, sizeof(*self));
    if (!self) {
        err_set(err, ERR_LIMIT, "out of memory");
        return NULL;
    }
    self->api = blas_load(&self->base.fault);
    if (!self->api || !capable(&self->base, index) ||
        !cuda_ok(&self->base, cudaSetDevice(index), "select the GPU") ||
        !cuda_ok(&self->base, cudaStreamCreateWithFlags(&self->stream, cudaStreamNonBlocking),
                 "create a stream") ||
        !blas_ok(&self->base, self->api->create(&self->blas), "start cuBLAS") ||
        !blas_ok(&self->base, self->api->set_stream(self->blas, self->stream), "bind the stream")) {
        err_set(err, self->base.fault.kind, "%s", self->base.fault.text);
        cuda_close(&self->base);
        return NULL;
    }
    return &self->base;
}

static size_t cuda_free_memory(struct device *dev)
{
    size_t free_bytes = 0, total = 0;

    cuda_ok(dev, cudaMemGetInfo(&free_bytes, &total), "ask for free memory");
    return free_bytes;
}

static void *cuda_alloc(struct device *dev, size_t bytes)
{
    void *ptr = NULL;

    if (cudaMalloc(&ptr, bytes ? bytes : 1) == cudaSuccess)
        return ptr;
    cudaGetLastError();
    err_set(&dev->fault, ERR_LIMIT, "the GPU has no room for %zu bytes", bytes);
    return NULL;
}

static void cuda_release(struct device *dev, void *ptr, size_t bytes)
{
    (void)bytes;
    cuda_ok(dev, cudaFree(ptr), "release memory");
}

static const void *cuda_adopt(struct device *dev, const void *host, size_t bytes)
{
    (void)dev;
    (void)host;
    (void)bytes;
    return NULL; /* host memory is too far away to compute from */
}

static void cuda_upload(struct device *dev, void *dst, const void *src, size_t bytes)
{
    cuda_ok(dev, cudaMemcpyAsync(dst, src, bytes, cudaMemcpyHostToDevice, cuda_of(dev)->stream),
            "upload");
}

static void cuda_download(struct device *dev, void *dst, const void *src, size_t bytes)
{
    cuda_ok(dev, cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToHost, cuda_of(dev)->stream),
            "download");
    cuda_ok(dev, cudaStreamSynchronize(cuda_of(dev)->stream), "download");
}

static void cuda_finish(struct device *dev)
{
    cuda_ok(dev, cudaGetLastError(), "launch");
    cuda_ok(dev, cudaStreamSynchronize(cuda_of(dev)->stream), "synchronize");
}

/* False, and a fault, for the types no kernel reads yet. */
static bool kernel_type_of(struct device *dev, const char *what, struct mat x,
                           enum kernel_type *type)
{
    static const struct {
        enum dtype type;
        enum kernel_type kernel;
    } known[] = {
        {DT_F32, KERNEL_F32}, {DT_F64, KERNEL_F64}, {DT_F16, KERNEL_F16}, {DT_BF16, KERNEL_BF16}};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (known[i].type == x.type) {
            *type = known[i].kernel;
            return true;
        }
    err_set(&dev->fault, ERR_DEVICE,
            "%s of %s is not available on this device yet; use --device cpu", what,
            dtype_name(x.type));
    return false;
}

static bool empty(struct mat x)
{
    return x.rows == 0 || x.cols == 0;
}

static void cuda_copy(struct device *dev, struct mat src, struct mat dst)
{
    enum kernel_type from, to;

    if (!empty(src) && kernel_type_of(dev, "copy", src, &from) &&
        kernel_type_of(dev, "copy", dst, &to))
        kernel_copy(cuda_of(dev)->stream, src.rows, src.cols, src.data, from, src.stride, dst.data,
                    to, dst.stride);
}

static void cuda_fill(struct device *dev, struct mat x, double value)
{
    enum kernel_type type;

    if (!empty(x) && kernel_type_of(dev, "fill", x, &type))
        kernel_fill(cuda_of(dev)->stream, x.rows, x.cols, x.data, type, x.stride, value);
}

static void cuda_axpy(struct device *dev, float alpha, struct mat x, struct mat y)
{
    if (!empty(y))
        kernel_axpy(cuda_of(dev)->stream, y.rows, y.cols, alpha, x.data, x.rows == 1 ? 0 : x.stride,
                    y.data, y.stride);
}

static void cuda_scale_cols(struct device *dev, struct mat x, struct mat s, struct mat y)
{
    if (!empty(x))
        kernel_scale_cols(cuda_of(dev)->stream, x.rows, x.cols, x.data, x.stride, s.data, y.data,
                          y.stride);
}

static void cuda_scale_rows(struct device *dev, struct mat s, struct mat x)
{
    if (!empty(x))
        kernel_scale_rows(cuda_of(dev)->stream, x.rows, x.cols, s.data, x.data, x.stride);
}

/* Elements between two rows; a single row's may be anything, but cuBLAS looks at it. */
static int leading(struct mat x)
{
    return x.stride > x.cols ? (int)x.stride : x.cols;
}

/* cuBLAS is column-major: it sees our row-major c as its transpose, so we ask for c' = b' a'. */
static void cuda_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b,
                      bool tb, double beta, struct mat c)
{
    struct cuda *self = cuda_of(dev);
    cublasOperation_t opa = ta ? CUBLAS_OP_T : CUBLAS_OP_N, opb = tb ? CUBLAS_OP_T : CUBLAS_OP_N;
    int k = ta ? a.rows : a.cols;
    float alpha32 = (float)alpha, beta32 = (float)beta;
    enum kernel_type type;

    if (empty(c) || !kernel_type_of(dev, "gemm", b, &type))
        return;
    if (b.type != c.type) {
        err_set(&dev->fault, ERR_DEVICE,
                "gemm with %s weights is not available on this device yet; use --device cpu",
                dtype_name(b.type));
        return;
    }
    if (a.stride > INT_MAX || b.stride > INT_MAX || c.stride > INT_MAX) {
        err_set(&dev->fault, ERR_LIMIT, "gemm: rows longer than %d elements", INT_MAX);
        return;
    }
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

const struct device_ops device_cuda = {
    .name = "cuda",
    .count = cuda_count,
    .open = cuda_open,
    .close = cuda_close,
    .free_memory = cuda_free_memory,
    .alloc = cuda_alloc,
    .release = cuda_release,
    .adopt = cuda_adopt,
    .upload = cuda_upload,
    .download = cuda_download,
    .finish = cuda_finish,
    .graph_begin = missing_graph_begin,
    .graph_end = missing_graph_end,
    .graph_launch = missing_graph_launch,
    .graph_free = missing_graph_free,
    .copy = cuda_copy,
    .fill = cuda_fill,
    .axpy = cuda_axpy,
    .scale_cols = cuda_scale_cols,
    .scale_rows = cuda_scale_rows,
    .gemm = cuda_gemm,
    .gather = missing_gather,
    .scatter_add = missing_scatter_add,
    .gram = missing_gram,
    .eigh = missing_eigh,
    .cholesky = missing_cholesky,
    .cholesky_solve = missing_cholesky_solve,
    .rmsnorm = missing_rmsnorm,
    .rmsnorm_grad = missing_rmsnorm_grad,
    .rope = missing_rope,
    .attention = missing_attention,
    .attention_grad = missing_attention_grad,
    .swiglu = missing_swiglu,
    .swiglu_grad = missing_swiglu_grad,
    .lse = missing_lse,
    .cross_entropy = missing_cross_entropy,
    .kl = missing_kl,
    .lps = missing_lps,
    .adam = missing_adam,
    .delta_apply = missing_delta_apply,
};
