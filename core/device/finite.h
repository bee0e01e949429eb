/* Finds NaN and infinities among numbers in memory. Any thread. */
#ifndef CORE_DEVICE_FINITE_H
#define CORE_DEVICE_FINITE_H

#include <stddef.h>

/* The index of the first of n floats (doubles) that is NaN or infinite; -1: all are finite. Any
 * alignment. */
long not_finite(const void *floats, size_t n);
long not_finite_doubles(const void *doubles, size_t n);
/* The same for n 16-bit floats whose exponent has these bits: 0x7c00 for a half, 0x7f80 for a
 * bfloat16. */
long not_finite_16(const void *x, size_t n, unsigned exponent);
/* The name of such a number: "nan", "inf" or "-inf" (printf's "-nan" depends on the machine). */
const char *not_finite_name(double x);

#endif
