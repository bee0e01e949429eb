/* Kernel launches, callable from C. Each returns at once; errors surface at the next finish.
 * Matrices are row-major windows: rows, cols, and elements between the starts of two rows. */
#ifndef GPU_KERNELS_H
#define GPU_KERNELS_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

enum kernel_type { KERNEL_F32, KERNEL_F64, KERNEL_F16, KERNEL_BF16 };

/* dst = src, converted; dst is KERNEL_F32 or KERNEL_F64 */
void kernel_copy(cudaStream_t stream, int rows, int cols, const void *src, enum kernel_type from,
                 long src_stride, void *dst, enum kernel_type to, long dst_stride);
/* x = value; KERNEL_F32 or KERNEL_F64 */
void kernel_fill(cudaStream_t stream, int rows, int cols, void *x, enum kernel_type type,
                 long stride, double value);
/* y += alpha x; x_stride 0: one row added to each. Float32 */
void kernel_axpy(cudaStream_t stream, int rows, int cols, float alpha, const float *x,
                 long x_stride, float *y, long y_stride);
/* y = x diag(s), s [cols]; x and y may be the same */
void kernel_scale_cols(cudaStream_t stream, int rows, int cols, const float *x, long x_stride,
                       const float *s, float *y, long y_stride);
/* x = diag(s) x, s [rows] */
void kernel_scale_rows(cudaStream_t stream, int rows, int cols, const float *s, float *x,
                       long stride);

#ifdef __cplusplus
}
#endif
#endif
