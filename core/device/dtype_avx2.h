/* Faster ways for dtype_to_float() on processors with AVX2. */
#ifndef CORE_DEVICE_DTYPE_AVX2_H
#define CORE_DEVICE_DTYPE_AVX2_H

#include <stdbool.h>
#include <stdint.h>

#include "core/device/dtype.h"

bool dtype_has_avx2(enum dtype type); /* and the processor too */
/* As dtype_to_float(), n > 0; false, and nothing done, where dtype_has_avx2() is. */
bool dtype_avx2(enum dtype type, const uint8_t *src, float *dst, long n);

#endif
