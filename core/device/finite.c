/* Finds NaN and infinities by their exponent, whose bits are all ones. The loops are over integers
 * and of fixed length, so compilers vectorise them. */
#include "core/device/finite.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { PIECE = 512 };

/* Whether one of n <= PIECE numbers has all bits of its exponent set. */
typedef bool bad_in(const unsigned char *x, size_t n, uint64_t exponent);

static bool bad_in_32(const unsigned char *x, size_t n, uint64_t exponent)
{
    uint32_t piece[PIECE], bad = 0, ones = (uint32_t)exponent;

    if (n < PIECE)
        memset(piece, 0, sizeof(piece));
    memcpy(piece, x, n * sizeof(*piece));
    for (int i = 0; i < PIECE; i++)
        bad |= (uint32_t)((piece[i] & ones) == ones);
    return bad;
}

static bool bad_in_64(const unsigned char *x, size_t n, uint64_t ones)
{
    uint64_t piece[PIECE], bad = 0;

    if (n < PIECE)
        memset(piece, 0, sizeof(piece));
    memcpy(piece, x, n * sizeof(*piece));
    for (int i = 0; i < PIECE; i++)
        bad |= (uint64_t)((piece[i] & ones) == ones);
    return bad;
}

static bool bad_in_16(const unsigned char *x, size_t n, uint64_t exponent)
{
    uint16_t piece[PIECE], bad = 0, ones = (uint16_t)exponent;

    if (n < PIECE)
        memset(piece, 0, sizeof(piece));
    memcpy(piece, x, n * sizeof(*piece));
    for (int i = 0; i < PIECE; i++)
        bad |= (uint16_t)((piece[i] & ones) == ones);
    return bad;
}

/* The index of the first bad number; -1: none. size: bytes of a number. */
static long first_bad(const unsigned char *x, size_t n, size_t size, bad_in *bad, uint64_t exponent)
{
    for (size_t at = 0; at < n; at += PIECE) {
        size_t some = n - at < PIECE ? n - at : PIECE;

        if (!bad(x + at * size, some, exponent))
            continue;
        while (!bad(x + at * size, 1, exponent))
            at++;
        return (long)at;
    }
    return -1;
}

long not_finite(const void *floats, size_t n)
{
    return first_bad(floats, n, sizeof(float), bad_in_32, 0x7f800000);
}

long not_finite_doubles(const void *doubles, size_t n)
{
    return first_bad(doubles, n, sizeof(double), bad_in_64, (uint64_t)0x7ff << 52);
}

long not_finite_16(const void *x, size_t n, unsigned exponent)
{
    return first_bad(x, n, sizeof(uint16_t), bad_in_16, exponent);
}

const char *not_finite_name(double x)
{
    return isnan(x) ? "nan" : x > 0 ? "inf" : "-inf";
}
