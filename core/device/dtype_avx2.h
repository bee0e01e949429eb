/* dtype_to_float() with AVX2 instructions, on processors that have them. */
#ifndef CORE_DEVICE_DTYPE_AVX2_H
#define CORE_DEVICE_DTYPE_AVX2_H

#include <stdbool.h>
#include <stdint.h>

#include "core/device/dtype.h"

/* Whether the processor has AVX2 and there is a version for the type. */
bool dtype_has_avx2(enum dtype type);
/* Like dtype_to_float(), n > 0, with the same bits. Does nothing and returns false if
 * !dtype_has_avx2(type). */
bool dtype_avx2(enum dtype type, const uint8_t *src, float *dst, long n);

#endif
