/* GPU memory: matrices, scratch buffers, transfers, and the ring through which small host arrays
 * are copied.
 *
 *   stage_host (pinned)  |aaaa|bb|ccccc|      ->  stage (device)  |aaaa|bb|ccccc|
 *                                     ^ stage_at
 *
 * An array is copied into the pinned ring, so the caller may change it at once, and from there to
 * the same offset on the device by an asynchronous transfer. At the end of the ring the host waits
 * for the stream and starts over. */
#include <string.h>

#include "core/base/show.h"
#include "gpu/internal.h"

size_t cuda_free_memory(struct device *dev)
{
    size_t free_bytes = 0, total = 0;

    cuda_ok(dev, cudaMemGetInfo(&free_bytes, &total), "ask for free memory");
    return free_bytes;
}

/* cudaMalloc() with an error message. Too little memory is cleared from CUDA's state, because the
 * next call may succeed. Any other error comes from an earlier operation. */
static void *cuda_take(struct device *dev, size_t bytes, const char *what)
{
    void *ptr = NULL;
    size_t free_bytes = 0, total = 0;
    char need[16], there[16], all[16];
    cudaError_t rc = cudaMalloc(&ptr, bytes ? bytes : 1);

    if (rc == cudaSuccess)
        return ptr;
    if (rc != cudaErrorMemoryAllocation) {
        cuda_ok(dev, rc, "allocate memory");
        return NULL;
    }
    cudaGetLastError();
    if (cudaMemGetInfo(&free_bytes, &total) != cudaSuccess)
        cudaGetLastError();
    err_set(&dev->fault, ERR_LIMIT,
            "the GPU has too little memory for %s of %s: %s of %s are free; close other programs "
            "on it, or use --device cpu",
            show_bytes((double)bytes, need), what, show_bytes((double)free_bytes, there),
            show_bytes((double)total, all));
    return NULL;
}

void *cuda_alloc(struct device *dev, size_t bytes)
{
    return cuda_refuse_while_capturing(dev, "allocating memory")
               ? NULL
               : cuda_take(dev, bytes, "matrices");
}

void cuda_release(struct device *dev, void *ptr, size_t bytes)
{
    (void)bytes;
    if (cuda_refuse_while_capturing(dev, "releasing memory"))
        cuda_retire(cuda_of(dev), ptr);
    else
        cuda_ok(dev, cudaFree(ptr), "release memory");
}

const void *cuda_adopt(struct device *dev, const void *host, size_t bytes)
{
    (void)dev;
    (void)host;
    (void)bytes;
    return NULL; /* reading host memory from kernels would be too slow */
}

void cuda_upload(struct device *dev, void *dst, const void *src, size_t bytes)
{
    if (cuda_refuse_while_capturing(dev, "an upload"))
        return;
    cuda_ok(dev, cudaMemcpyAsync(dst, src, bytes, cudaMemcpyHostToDevice, cuda_of(dev)->stream),
            "upload");
}

void cuda_download(struct device *dev, void *dst, const void *src, size_t bytes)
{
    if (cuda_refuse_while_capturing(dev, "a download"))
        return;
    cuda_ok(dev, cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToHost, cuda_of(dev)->stream),
            "download");
    cuda_ok(dev, cudaStreamSynchronize(cuda_of(dev)->stream), "download");
}

void *cuda_scratch(struct device *dev, enum scratch_use name, size_t bytes)
{
    struct scratch *scratch = &cuda_of(dev)->scratch[name];

    if (dev->fault.kind)
        return NULL;
    if (bytes <= scratch->bytes)
        return scratch->data;
    if (cuda_refuse_while_capturing(dev, "growing scratch memory"))
        return NULL;
    if (cuda_of(dev)->graphs && scratch->data)
        cuda_retire(cuda_of(dev), scratch->data);
    else
        cuda_ok(dev, cudaFree(scratch->data), "release memory"); /* waits for kernels that use it */
    *scratch = (struct scratch){0};
    scratch->data = cuda_take(dev, bytes, "scratch");
    scratch->bytes = scratch->data ? bytes : 0;
    return scratch->data;
}

const void *cuda_stage(struct device *dev, const void *host, size_t bytes)
{
    struct cuda *self = cuda_of(dev);
    size_t at;

    if (dev->fault.kind)
        return NULL;
    if (bytes > STAGE_BYTES) {
        err_set(&dev->fault, ERR_LIMIT, "an index array of %zu bytes is too large; at most %d",
                bytes, STAGE_BYTES);
        return NULL;
    }
    if (self->graph)
        return cuda_graph_stage(dev, host, bytes);
    if (self->stage_at + bytes > STAGE_BYTES) { /* start over, once everything has been read */
        if (!cuda_ok(dev, cudaStreamSynchronize(self->stream), "synchronize"))
            return NULL;
        self->stage_at = 0;
    }
    at = self->stage_at;
    self->stage_at += (bytes + 255) / 256 * 256;
    memcpy(self->stage_host + at, host, bytes);
    if (!cuda_ok(dev,
                 cudaMemcpyAsync(self->stage + at, self->stage_host + at, bytes,
                                 cudaMemcpyHostToDevice, self->stream),
                 "upload"))
        return NULL;
    return self->stage + at;
}
