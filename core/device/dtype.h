/* Element types of matrices and model files, and their conversion to and from float32.
 *
 * Quantised types store a row as blocks of 32 or 256 elements, each block with its own scales. A
 * row's length is a multiple of the block. Q4_0, for example, 18 bytes for 32 elements:
 *
 *   byte  0 1 | 2 .. 17                      element i      = d * ((q[i] & 15) - 8)
 *         d   | q: 16 bytes, 2 elements each  element i + 16 = d * ((q[i] >> 4) - 8)
 *
 * editscope-formats(7) 1.3 has all layouts; they are ggml's. Any thread. */
#ifndef CORE_DEVICE_DTYPE_H
#define CORE_DEVICE_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

enum dtype {
    DT_F32,
    DT_F64,
    DT_F16,
    DT_BF16,
    DT_Q4_0,
    DT_Q4_1,
    DT_Q5_0,
    DT_Q5_1,
    DT_Q8_0,
    DT_Q2_K,
    DT_Q3_K,
    DT_Q4_K,
    DT_Q5_K,
    DT_Q6_K,
    DT_COUNT
};

const char *dtype_name(enum dtype type);   /* "Q4_1" */
int dtype_block(enum dtype type);          /* elements of a block: 1, 32 or 256 */
size_t dtype_block_bytes(enum dtype type); /* bytes of a block */
/* Bytes of a row of n elements; 0 if n is negative or not a multiple of the block. */
size_t dtype_row_bytes(enum dtype type, long n);
/* dst[0..n) = the n elements at src (any alignment) as float32. n is a multiple of the block; type
 * is not DT_F64. The same bits on every machine: products and sums are rounded separately, never
 * fused. */
void dtype_to_float(enum dtype type, const void *src, float *dst, long n);
/* The index of the first of the n elements at src that is NaN or infinite as float32; -1: all are
 * finite. Conditions as above. Of quantised types it reads the scales only. */
long dtype_not_finite(enum dtype type, const void *src, long n);
/* Whether converting is faster on this processor than reading the float32 values from memory. Then
 * a product of few rows reads the stored weight even if there is a float32 copy. */
bool dtype_is_quick(enum dtype type);
/* Whether dtype_from_float() supports the type: F32, F16, BF16, Q4_0 to Q8_0. */
bool dtype_can_store(enum dtype type);
/* Rounds n floats to the type: dtype_row_bytes() bytes at dst (any alignment). n is a multiple of
 * the block. F16 and BF16 round to nearest, ties to even; blocks are quantised like ggml's
 * reference code. The same bits on every machine. */
void dtype_from_float(enum dtype type, const float *src, void *dst, long n);

#endif
