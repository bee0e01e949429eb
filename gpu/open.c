/* Finds, opens and closes GPUs, and turns CUDA's errors into faults.
 *
 * The CUDA runtime is linked statically, and cuBLAS and cuSOLVER are loaded when they are needed
 * (blas.c). So a program built with CUDA also starts on a machine without a GPU, and can say what
 * is missing or too old: driver, library, compute capability. */
#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/show.h"
#include "gpu/cuda.h"
#include "gpu/internal.h"

enum {
    OLDEST_CAPABILITY = 80,     /* 8.0, Ampere: the first of CUDA_ARCH in the Makefile */
    WORKSPACE_BYTES = 32 << 20, /* NVIDIA's advice for cuBLAS on Hopper; older GPUs need 4 MiB */
};

/* Some errors (an illegal address, a GPU that fell off the bus) are permanent: every later call of
 * this process returns them. So clear the error and look whether it comes back. */
static bool is_lost(const struct cuda *self)
{
    cudaGetLastError();
    if (self->graph) /* waiting would end the recording; cuda_graph_end() will check */
        return false;
    if (cudaStreamSynchronize(self->stream) == cudaSuccess)
        return false;
    cudaGetLastError();
    return cudaStreamSynchronize(self->stream) != cudaSuccess;
}

bool cuda_ok(struct device *dev, cudaError_t rc, const char *what)
{
    if (rc == cudaSuccess)
        return true;
    if (rc == cudaErrorMemoryAllocation) { /* the GPU itself is fine */
        cudaGetLastError();
        return err_set(&dev->fault, ERR_LIMIT,
                       "%s: the GPU is out of memory; close other programs on it, or use --device "
                       "cpu",
                       what);
    }
    if (!dev->lost && is_lost(cuda_of(dev))) {
        dev->lost = true;
        err_set(&dev->fault, ERR_DEVICE,
                "the GPU has failed (%s: %s) and all edits are in the session; continue on the CPU "
                "with --device cpu",
                what, cudaGetErrorString(rc));
    }
    return err_set(&dev->fault, ERR_DEVICE, "%s: %s", what, cudaGetErrorString(rc));
}

void cuda_finish(struct device *dev)
{
    if (cuda_refuse_while_capturing(dev, "waiting"))
        cuda_graph_end(dev);
    cuda_ok(dev, cudaGetLastError(), "launch");
    cuda_ok(dev, cudaStreamSynchronize(cuda_of(dev)->stream), "synchronize");
}

int cuda_count(void)
{
    int n = 0;

    if (cudaGetDeviceCount(&n) == cudaSuccess)
        return n;
    cudaGetLastError(); /* clears the error: it must not show in a later operation */
    return 0;
}

/* A version as CUDA counts: 12040 is 12.4; 0: none. */
static int cuda_version(cudaError_t (*ask)(int *))
{
    int v = 0;

    if (ask(&v) == cudaSuccess)
        return v;
    cudaGetLastError();
    return 0;
}

/* CUDA reports cudaErrorInsufficientDriver if there is no driver and if the driver is older than
 * the runtime in this program. The driver's version tells them apart: 0 is none. */
static enum device_presence no_driver(struct err *err)
{
    int has = cuda_version(cudaDriverGetVersion), needs = cuda_version(cudaRuntimeGetVersion);

    if (!has) {
        err_set(err, ERR_DEVICE, "no GPU: no NVIDIA driver is installed; use --device cpu");
        return DEVICE_ABSENT;
    }
    err_set(err, ERR_DEVICE,
            "the NVIDIA driver is too old: it supports CUDA %d.%d, this program was built with "
            "CUDA %d.%d; install a newer driver, or use --device cpu",
            has / 1000, has % 1000 / 10, needs / 1000, needs % 1000 / 10);
    return DEVICE_UNUSABLE;
}

static bool gpu_capability(int index, int *major, int *minor)
{
    bool ok =
        cudaDeviceGetAttribute(major, cudaDevAttrComputeCapabilityMajor, index) == cudaSuccess &&
        cudaDeviceGetAttribute(minor, cudaDevAttrComputeCapabilityMinor, index) == cudaSuccess;

    if (!ok)
        cudaGetLastError();
    return ok;
}

enum device_presence cuda_check(int index, struct err *err)
{
    int n = 0, major = 0, minor = 0;
    cudaError_t rc = cudaGetDeviceCount(&n);

    if (rc != cudaSuccess)
        cudaGetLastError();
    if (rc == cudaErrorInsufficientDriver)
        return no_driver(err);
    if (rc == cudaErrorNoDevice || (rc == cudaSuccess && !n)) {
        err_set(err, ERR_DEVICE, "no GPU: the NVIDIA driver finds none; use --device cpu");
        return DEVICE_ABSENT;
    }
    if (rc != cudaSuccess)
        err_set(err, ERR_DEVICE, "the NVIDIA driver does not answer: %s; use --device cpu",
                cudaGetErrorString(rc));
    else if (index < 0 || index >= n)
        err_set(err, ERR_DEVICE, "no GPU %d here: %d found, the first is 0; use --device cpu",
                index, n);
    else if (!gpu_capability(index, &major, &minor))
        err_set(err, ERR_DEVICE, "GPU %d does not report its capability; use --device cpu", index);
    else if (major * 10 + minor < OLDEST_CAPABILITY)
        err_set(err, ERR_DEVICE,
                "GPU %d has compute capability %d.%d, but %d.%d is needed; use --device cpu", index,
                major, minor, OLDEST_CAPABILITY / 10, OLDEST_CAPABILITY % 10);
    else if (blas_load(err))
        return DEVICE_READY;
    return DEVICE_UNUSABLE;
}

static void survey_gpu(int index, struct buf *out)
{
    struct cudaDeviceProp is;
    size_t free_bytes = 0, total = 0;
    char there[16], all[16];

    if (cudaGetDeviceProperties(&is, index) != cudaSuccess) {
        cudaGetLastError();
        buf_printf(out, "cuda:%d\tdoes not report its properties\n", index);
        return;
    }
    buf_printf(out, "cuda:%d\t%s, compute capability %d.%d%s, ", index, is.name, is.major, is.minor,
               is.major * 10 + is.minor < OLDEST_CAPABILITY ? " (too old)" : "");
    if (cudaSetDevice(index) == cudaSuccess && cudaMemGetInfo(&free_bytes, &total) == cudaSuccess) {
        buf_printf(out, "%s of %s free\n", show_bytes((double)free_bytes, there),
                   show_bytes((double)total, all));
        return;
    }
    cudaGetLastError();
    buf_printf(out, "%s\n", show_bytes((double)is.totalGlobalMem, all));
}

void cuda_survey(struct buf *out)
{
    int has = cuda_version(cudaDriverGetVersion), needs = cuda_version(cudaRuntimeGetVersion);
    struct err blas = {0}, solver = {0}, why = {0};

    buf_printf(out, "cuda\tbuilt with CUDA %d.%d; ", needs / 1000, needs % 1000 / 10);
    if (has)
        buf_printf(out, "the driver supports CUDA %d.%d\n", has / 1000, has % 1000 / 10);
    else
        buf_printf(out, "no NVIDIA driver\n");
    if (has && cuda_check(0, &why) != DEVICE_READY)
        buf_printf(out, "cuda\t%s\n", why.text);
    for (int i = 0; i < cuda_count(); i++)
        survey_gpu(i, out);
    buf_printf(out, "cublas\t%s\n", blas_load(&blas) ? "found" : blas.text);
    buf_printf(out, "cusolver\t%s\n", solver_load(&solver) ? "found" : solver.text);
}

void cuda_close(struct device *dev)
{
    struct cuda *self = cuda_of(dev);

    if (self->graph)
        cuda_graph_end(dev);
    cuda_retired_free(self);
    lps_close(self);
    if (self->solver)
        self->solver_api->destroy(self->solver);
    if (self->blas)
        self->api->destroy(self->blas);
    for (int i = 0; i < SCRATCH_USES; i++)
        cudaFree(self->scratch[i].data); /* NULL is fine */
    for (int i = 0; i < THROTTLES; i++)
        if (self->throttle[i])
            cudaEventDestroy(self->throttle[i]);
    cudaFree(self->workspace);
    cudaFree(self->stage);
    cudaFreeHost(self->stage_host);
    if (self->stream)
        cudaStreamDestroy(self->stream);
    cudaGetLastError(); /* a lost GPU makes all of this fail */
    free(self);
}

static bool cublas_ok(struct device *dev, cublasStatus_t rc, const char *what)
{
    if (rc == CUBLAS_STATUS_SUCCESS)
        return true;
    return err_set(&dev->fault, ERR_DEVICE, "%s: %s", what, cuda_of(dev)->api->status(rc));
}

/* Creates stream, staging ring and cuBLAS. Products are full float32 (pedantic math) until another
 * precision is set. */
static bool cuda_start(struct cuda *self)
{
    struct device *dev = &self->base;

    self->api = blas_load(&dev->fault);
    return self->api && cuda_ok(dev, cudaSetDevice(self->index), "select the GPU") &&
           cuda_ok(dev, cudaStreamCreateWithFlags(&self->stream, cudaStreamNonBlocking),
                   "create a stream") &&
           cuda_ok(dev, cudaMalloc((void **)&self->stage, STAGE_BYTES), "allocate memory") &&
           cuda_ok(dev, cudaMallocHost((void **)&self->stage_host, STAGE_BYTES), "pin memory") &&
           cublas_ok(dev, self->api->create(&self->blas), "start cuBLAS") &&
           cublas_ok(dev, self->api->set_stream(self->blas, self->stream), "bind the stream") &&
           cuda_ok(dev, cudaMalloc(&self->workspace, WORKSPACE_BYTES), "allocate memory") &&
           cublas_ok(dev, self->api->set_workspace(self->blas, self->workspace, WORKSPACE_BYTES),
                     "set the workspace of cuBLAS") &&
           cublas_ok(dev, self->api->set_math(self->blas, self->math = CUBLAS_PEDANTIC_MATH),
                     "set the precision");
}

/* `threads` is for the CPU device. */
struct device *cuda_open(int index, int threads, struct err *err)
{
    struct cuda *self;

    (void)threads;
    if (cuda_check(index, err) != DEVICE_READY)
        return NULL;
    self = calloc(1, sizeof(*self));
    if (!self) {
        err_set(err, ERR_LIMIT, "not enough memory for the device");
        return NULL;
    }
    self->index = index;
    if (cuda_start(self))
        return &self->base;
    err_set(err, self->base.fault.kind, "cuda: %s", self->base.fault.text);
    cuda_close(&self->base);
    return NULL;
}
