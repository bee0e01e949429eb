/* NaN and infinities are found by their exponent, all ones: a loop of integers that compilers turn
 * into vectors, over pieces of a fixed size that stay in the cache for what comes next. */
#include "core/device/finite.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { PIECE = 512 };

static bool any_32(const unsigned char *x, size_t n)
{
    uint32_t piece[PIECE], bad = 0;

    if (n < PIECE)
        memset(piece, 0, sizeof(piece));
    memcpy(piece, x, n * sizeof(*piece));
    for (int i = 0; i < PIECE; i++)
        bad |= (uint32_t)((piece[i] & 0x7f800000) == 0x7f800000);
    return bad;
}

static bool any_64(const unsigned char *x, size_t n)
{
    uint64_t piece[PIECE], bad = 0, ones = (uint64_t)0x7ff << 52;

    if (n < PIECE)
        memset(piece, 0, sizeof(piece));
    memcpy(piece, x, n * sizeof(*piece));
    for (int i = 0; i < PIECE; i++)
        bad |= (uint64_t)((piece[i] & ones) == ones);
    return bad;
}

static bool any_16(const unsigned char *x, size_t n, uint16_t exponent)
{
    uint16_t piece[PIECE], bad = 0;

    if (n < PIECE)
        memset(piece, 0, sizeof(piece));
    memcpy(piece, x, n * sizeof(*piece));
    for (int i = 0; i < PIECE; i++)
        bad |= (uint16_t)((piece[i] & exponent) == exponent);
    return bad;
}

long not_finite(const void *floats, size_t n)
{
    const unsigned char *bytes = floats;

    for (size_t at = 0; at < n; at += PIECE) {
        size_t some = n - at < PIECE ? n - at : PIECE;

        if (!any_32(bytes + at * sizeof(float), some))
            continue;
        for (float x;; at++) {
            memcpy(&x, bytes + at * sizeof(x), sizeof(x));
            if (!isfinite(x))
                return (long)at;
        }
    }
    return -1;
}

long not_finite_doubles(const void *doubles, size_t n)
{
    const unsigned char *bytes = doubles;

    for (size_t at = 0; at < n; at += PIECE) {
        size_t some = n - at < PIECE ? n - at : PIECE;

        if (!any_64(bytes + at * sizeof(double), some))
            continue;
        for (double x;; at++) {
            memcpy(&x, bytes + at * sizeof(x), sizeof(x));
            if (!isfinite(x))
                return (long)at;
        }
    }
    return -1;
}

long not_finite_16(const void *x, size_t n, unsigned exponent)
{
    const unsigned char *bytes = x;

    for (size_t at = 0; at < n; at += PIECE) {
        size_t some = n - at < PIECE ? n - at : PIECE;

        if (!any_16(bytes + 2 * at, some, (uint16_t)exponent))
            continue;
        for (uint16_t h = 0;; at++) {
            memcpy(&h, bytes + 2 * at, sizeof(h));
            if ((h & exponent) == exponent)
                return (long)at;
        }
    }
    return -1;
}

const char *number_word(double x)
{
    return isnan(x) ? "nan" : x > 0 ? "inf" : "-inf";
}
