/* Finds the first stored number that is not finite. A quantised block is small integers times its
 * scales, so it is finite if its scales are; only they are read. */
#include <string.h>

#include "core/device/dtype.h"
#include "core/device/finite.h"

enum { HALF_ONES = 0x7c00, BFLOAT_ONES = 0x7f80, BLOCK_MOST = 256 };

/* The offsets of a block's scales, all of them half floats. A type with one scale has it twice. */
static void scales_of(enum dtype type, int place[2])
{
    static const int places[DT_COUNT][2] = {
        [DT_Q4_0] = {0, 0}, [DT_Q4_1] = {0, 2},     [DT_Q5_0] = {0, 0},     [DT_Q5_1] = {0, 2},
        [DT_Q8_0] = {0, 0}, [DT_Q2_K] = {80, 82},   [DT_Q3_K] = {108, 108}, [DT_Q4_K] = {0, 2},
        [DT_Q5_K] = {0, 2}, [DT_Q6_K] = {208, 208},
    };

    memcpy(place, places[type], sizeof(places[type]));
}

static int half_at(const unsigned char *p)
{
    return p[0] | p[1] << 8;
}

/* The first block with a scale that is not finite; -1: none. */
static long first_bad_block(enum dtype type, const unsigned char *b, long blocks)
{
    size_t step = dtype_block_bytes(type);
    int place[2];

    scales_of(type, place);
    for (long i = 0; i < blocks; i++, b += step)
        if ((half_at(b + place[0]) & HALF_ONES) == HALF_ONES ||
            (half_at(b + place[1]) & HALF_ONES) == HALF_ONES)
            return i;
    return -1;
}

/* The first element that is not finite, by converting the block it is in; -1: none. */
static long first_bad_element(enum dtype type, const unsigned char *b, long n)
{
    int size = dtype_block(type);
    long at = first_bad_block(type, b, n / size), in;
    float value[BLOCK_MOST];

    if (at < 0)
        return -1;
    dtype_to_float(type, b + (size_t)at * dtype_block_bytes(type), value, size);
    in = not_finite(value, (size_t)size);
    return at * size + (in < 0 ? 0 : in);
}

long dtype_not_finite(enum dtype type, const void *src, long n)
{
    if (n <= 0)
        return -1;
    switch (type) {
    case DT_F32:
        return not_finite(src, (size_t)n);
    case DT_F16:
        return not_finite_16(src, (size_t)n, HALF_ONES);
    case DT_BF16:
        return not_finite_16(src, (size_t)n, BFLOAT_ONES);
    case DT_F64:
    case DT_COUNT:
        return -1;
    default:
        return first_bad_element(type, src, n);
    }
}
