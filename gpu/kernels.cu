#include "gpu/kernels.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

/* All of these are limited by memory: a grid that strides over the elements, a row never shared
 * by two indices of the same thread, so that windows of any stride work. */
#define THREADS 256

static unsigned blocks_for(int rows, int cols)
{
    long n = ((long)rows * cols + THREADS - 1) / THREADS;

    return (unsigned)(n < 65535 ? n : 65535);
}

#define FOR_EACH_ELEMENT(i, r, c, rows, cols)                                                  \
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x, r = i / (cols), c = i % (cols); \
         i < (long)(rows) * (cols);                                                            \
         i += (long)gridDim.x * blockDim.x, r = i / (cols), c = i % (cols))

__device__ static double load(const double *x)
{
    return *x;
}

__device__ static float load(const float *x)
{
    return *x;
}

__device__ static float load(const __half *x)
{
    return __half2float(*x);
}

__device__ static float load(const __nv_bfloat16 *x)
{
    return __bfloat162float(*x);
}

template <typename S, typename D>
__global__ static void copy(int rows, int cols, const S *src, long src_stride, D *dst,
                            long dst_stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    dst[r * dst_stride + c] = (D)load(src + r * src_stride + c);
}

template <typename D>
static void copy_to(cudaStream_t stream, int rows, int cols, const void *src, enum kernel_type from,
                    long src_stride, D *dst, long dst_stride)
{
    unsigned blocks = blocks_for(rows, cols);

    switch (from) {
    case KERNEL_F32:
        copy<<<blocks, THREADS, 0, stream>>>(rows, cols, (const float *)src, src_stride, dst,
                                             dst_stride);
        break;
    case KERNEL_F64:
        copy<<<blocks, THREADS, 0, stream>>>(rows, cols, (const double *)src, src_stride, dst,
                                             dst_stride);
        break;
    case KERNEL_F16:
        copy<<<blocks, THREADS, 0, stream>>>(rows, cols, (const __half *)src, src_stride, dst,
                                             dst_stride);
        break;
    case KERNEL_BF16:
        copy<<<blocks, THREADS, 0, stream>>>(rows, cols, (const __nv_bfloat16 *)src, src_stride,
                                             dst, dst_stride);
        break;
    }
}

void kernel_copy(cudaStream_t stream, int rows, int cols, const void *src, enum kernel_type from,
                 long src_stride, void *dst, enum kernel_type to, long dst_stride)
{
    if (to == KERNEL_F64)
        copy_to(stream, rows, cols, src, from, src_stride, (double *)dst, dst_stride);
    else
        copy_to(stream, rows, cols, src, from, src_stride, (float *)dst, dst_stride);
}

template <typename T> __global__ static void fill(int rows, int cols, T *x, long stride, T value)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    x[r * stride + c] = value;
}

void kernel_fill(cudaStream_t stream, int rows, int cols, void *x, enum kernel_type type,
                 long stride, double value)
{
    unsigned blocks = blocks_for(rows, cols);

    if (type == KERNEL_F64)
        fill<<<blocks, THREADS, 0, stream>>>(rows, cols, (double *)x, stride, value);
    else
        fill<<<blocks, THREADS, 0, stream>>>(rows, cols, (float *)x, stride, (float)value);
}

__global__ static void axpy(int rows, int cols, float alpha, const float *x, long x_stride,
                            float *y, long y_stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    y[r * y_stride + c] += alpha * x[r * x_stride + c];
}

void kernel_axpy(cudaStream_t stream, int rows, int cols, float alpha, const float *x,
                 long x_stride, float *y, long y_stride)
{
    axpy<<<blocks_for(rows, cols), THREADS, 0, stream>>>(rows, cols, alpha, x, x_stride, y,
                                                         y_stride);
}

__global__ static void scale_cols(int rows, int cols, const float *x, long x_stride, const float *s,
                                  float *y, long y_stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    y[r * y_stride + c] = x[r * x_stride + c] * s[c];
}

void kernel_scale_cols(cudaStream_t stream, int rows, int cols, const float *x, long x_stride,
                       const float *s, float *y, long y_stride)
{
    scale_cols<<<blocks_for(rows, cols), THREADS, 0, stream>>>(rows, cols, x, x_stride, s, y,
                                                               y_stride);
}

__global__ static void scale_rows(int rows, int cols, const float *s, float *x, long stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    x[r * stride + c] *= s[r];
}

void kernel_scale_rows(cudaStream_t stream, int rows, int cols, const float *s, float *x,
                       long stride)
{
    scale_rows<<<blocks_for(rows, cols), THREADS, 0, stream>>>(rows, cols, s, x, stride);
}
