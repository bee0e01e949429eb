/* Rounds floats to IEEE float16, with fewer bits if wanted, for small recordings.
 * core/device/dtype.h reads them back. */
#ifndef CORE_ENGINE_FLOAT16_H
#define CORE_ENGINE_FLOAT16_H

#include <math.h>
#include <stdint.h>

/* The nearest float16 with `bits` (2 to 10) bits of mantissa, ties away from zero. Finite numbers
 * that are too large become the largest one with so many bits. */
static inline uint16_t half_of_float(float x, int bits)
{
    uint16_t sign = signbit(x) ? 0x8000 : 0;
    double a = fabs((double)x), unit;
    int e;

    if (isnan(a))
        return 0x7e00;
    if (isinf(a))
        return sign | 0x7c00;
    if (a == 0)
        return sign;
    (void)frexp(a, &e); /* a = m 2^e, m in [1/2, 1) */
    e = e < -13 ? -13 : e;
    unit = ldexp(1, e - 1 - bits);
    a = floor(a / unit + 0.5) * unit;
    if (a == 0)
        return sign;
    if (a >= 65536)
        return sign | (uint16_t)(0x7bff & ~((1 << (10 - bits)) - 1));
    (void)frexp(a, &e);
    if (e < -13) /* subnormal: multiples of 2^-24 */
        return sign | (uint16_t)ldexp(a, 24);
    return sign | (uint16_t)((e + 14) << 10 | ((int)ldexp(a, 11 - e) & 0x3ff));
}

#endif
