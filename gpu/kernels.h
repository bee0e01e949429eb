/* The functions that launch kernels, callable from C. Each queues its kernels on stream s and
 * returns at once; errors show at the next cuda_finish().
 *
 * All pointers are to device memory. Arguments are trusted: core/device/device.c has checked the
 * shapes, and cuda.c does not call these for empty matrices. What each operation computes is in
 * core/device/device.h. Only the order of sums differs from the CPU's; it is fixed, so the same
 * input gives the same bits every time. */
#ifndef GPU_KERNELS_H
#define GPU_KERNELS_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "core/device/device.h"

/* elementwise.cu */
void kernel_copy(cudaStream_t s, struct mat src, struct mat dst); /* F32, F64 to F32, F64 */
void kernel_fill(cudaStream_t s, struct mat x, double value);     /* F32 or F64 */
void kernel_axpy(cudaStream_t s, float alpha, struct mat x, struct mat y); /* x one row: to each */
void kernel_scale_cols(cudaStream_t s, struct mat x, struct mat scale, struct mat y);
void kernel_nearest(cudaStream_t s, struct mat x, struct mat key, struct mat radius,
                    struct mat choice);
void kernel_largest(cudaStream_t s, struct mat x, int k, struct mat out);
void kernel_scale_rows(cudaStream_t s, struct mat scale, struct mat x);
void kernel_col_norms(cudaStream_t s, struct mat x, struct mat out);
void kernel_scatter_add(cudaStream_t s, struct mat x, const int *index, struct mat out);
void kernel_gated(cudaStream_t s, enum activation act, struct mat gate, struct mat up,
                  struct mat out);
void kernel_gated_grad(cudaStream_t s, enum activation act, struct mat gate, struct mat up,
                       struct mat dout, struct mat dgate, struct mat dup);
void kernel_softcap(cudaStream_t s, float cap, struct mat x);
void kernel_softcap_grad(cudaStream_t s, float cap, struct mat y, struct mat dy);
void kernel_zero_upper(cudaStream_t s, struct mat a); /* F64, above the diagonal */

/* dequant.cu: splits F32 x into bfloat16 terms (struct split), scratch [terms][rows][cols]. */
void kernel_split(cudaStream_t s, struct mat x, int terms, void *scratch);

/* dequant.cu: any stored type to F32, with the bits of dtype_to_float(). Row i of out is row
 * index[i] of the table; index NULL: row i. out may be F64. */
void kernel_unpack(cudaStream_t s, struct mat table, const int *index, struct mat out);

/* norm.cu */
void kernel_norm(cudaStream_t s, struct mat x, struct norm n, struct mat y);
void kernel_norm_grad(cudaStream_t s, struct mat x, struct norm n, struct mat dy, struct mat dx);
void kernel_rope(cudaStream_t s, struct mat x, const int *pos, int heads, const float *freq,
                 bool interleaved, bool backward);

/* attention.cu. lse and dot [heads, rows of q] F32: scratch for the backward pass, written by its
 * first kernel. `most`: new rows of the longest sequence. */
void kernel_attention(cudaStream_t s, struct mat q, struct mat k, struct mat v,
                      const struct attn_seq *seq, int seqs, int most, struct attn_shape shape,
                      struct mat out);
void kernel_attention_grad(cudaStream_t s, struct mat q, struct mat k, struct mat v,
                           const struct attn_seq *seq, int seqs, int most, struct attn_shape shape,
                           struct mat dout, struct mat dq, struct mat dk, struct mat dv, float *lse,
                           float *dot);

/* loss.cu */
void kernel_lse(cudaStream_t s, struct mat logits, struct mat out);
void kernel_cross_entropy(cudaStream_t s, struct mat logits, const int *label, float weight,
                          struct mat loss, bool grad);
void kernel_kl(cudaStream_t s, struct mat logits, struct mat ref, float weight, struct mat loss,
               bool grad);
void kernel_adam(cudaStream_t s, struct mat grad, struct adam a);

/* lps.cu: device_lps() for a tile u [T, M] = head values that exists in memory. */
void kernel_lps(cudaStream_t s, struct mat u, struct mat base, struct mat coeff, const int *target,
                int v0, struct lps_state state);

/* lps_fused.cu: the same without u in memory. head [T, d] and values [d, M] are bfloat16 terms (2
 * and 2, 1 and up to 3, or 1 and 1), all terms of a factor with the same stride, 16-byte aligned; d
 * and M are multiples of 8. scratch has kernel_lps_fused_bytes() bytes. */
size_t kernel_lps_fused_bytes(int vocab, int rows, int neurons, bool moments);
void kernel_lps_fused(cudaStream_t s, const struct mat *head, int head_terms,
                      const struct mat *values, int value_terms, struct mat base, struct mat coeff,
                      const int *target, int v0, struct lps_state state, void *scratch);

/* delta.cu */
void kernel_delta_apply(cudaStream_t s, struct mat r, struct mat xm, struct mat w);

#ifdef __cplusplus
}
#endif
#endif
