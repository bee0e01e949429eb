/* Element types of matrices and of model files, and how their blocks become float32.
 *
 * Quantised types store blocks of elements of one row; a row's length must be a
 * multiple of the block. Formulas: the GGUF block layouts (ggml, "Q4_0" to "Q6_K"). */
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
int dtype_block(enum dtype type);          /* elements a block: 1, 32 or 256 */
size_t dtype_block_bytes(enum dtype type); /* bytes a block */
/* Bytes of a row of n elements; 0 if n is negative or no multiple of the block. */
size_t dtype_row_bytes(enum dtype type, long n);
/* dst[0..n) = float32 values of the n elements at src (any alignment). n is a
 * multiple of the block; type is not DT_F64. The same bits on every machine: no
 * contraction into fused multiply-adds. Thread-safe. */
void dtype_to_float(enum dtype type, const void *src, float *dst, long n);
/* The index of the first of the n elements at src whose float32 value is NaN or infinite; -1: none
 * is. Same conditions; reads no more than it must: of quantised types the scales. Thread-safe. */
long dtype_not_finite(enum dtype type, const void *src, long n);
/* Whether dtype_to_float() is faster on this processor than reading as many floats from memory. */
bool dtype_is_quick(enum dtype type);
/* Whether dtype_from_float() knows the type: F32, F16, BF16, Q4_0 to Q8_0. */
bool dtype_can_store(enum dtype type);
/* The n floats rounded into the type, at dst (any alignment; dtype_row_bytes() of it). n is a
 * multiple of the block. F16 and BF16 to nearest, ties to even; blocks as the reference
 * quantisers of GGUF do. The same bits on every machine. Thread-safe. */
void dtype_from_float(enum dtype type, const float *src, void *dst, long n);

#endif
