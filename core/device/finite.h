/* Where in a row of numbers the first one stands that is none: NaN or an infinity. Any thread. */
#ifndef CORE_DEVICE_FINITE_H
#define CORE_DEVICE_FINITE_H

#include <stddef.h>

/* Its index among n floats, or doubles, at any address; -1: all are finite. */
long not_finite(const void *floats, size_t n);
long not_finite_doubles(const void *doubles, size_t n);
/* The same of n 16-bit floats at any address whose exponent are these bits: 0x7c00 of a half,
 * 0x7f80 of a bfloat16. */
long not_finite_16(const void *x, size_t n, unsigned exponent);
/* What such a number is called: "nan", "inf" or "-inf", on every machine. */
const char *not_finite_name(double x);

#endif
