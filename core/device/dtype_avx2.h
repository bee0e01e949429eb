/* dtype_to_float() and dot products with AVX2 instructions, on processors that have them. */
#ifndef CORE_DEVICE_DTYPE_AVX2_H
#define CORE_DEVICE_DTYPE_AVX2_H

#include <stdbool.h>
#include <stdint.h>

#include "core/device/dtype.h"

/* Whether the processor has AVX2, FMA and F16C, and there is a version for the type. */
bool dtype_has_avx2(enum dtype type);
/* Like dtype_to_float(), n > 0, with the same bits. Does nothing and returns false if
 * !dtype_has_avx2(type). */
bool dtype_avx2(enum dtype type, const uint8_t *src, float *dst, long n);
/* *out = sum of the n elements at src times x[0..n): the bits of dtype_avx2() and then
 * cpu_loops()->dot. Does nothing and returns false if !dtype_has_avx2(type) or n is not a multiple
 * of 32. */
bool dtype_avx2_dot(enum dtype type, const uint8_t *src, const float *x, long n, float *out);

#endif
