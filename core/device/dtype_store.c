/* Converts float32 to the types of model files, the opposite of dtype.c. It rounds like the
 * reference quantisers of ggml (quantize_row_*_ref), so an export has the bytes that other tools
 * would write. No fused multiply-adds. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/device/dtype.h"

static uint32_t bits_of(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof(u));
    return u;
}

/* Rounds to nearest, ties to even. Too large numbers become infinite, NaN a quiet NaN. */
static uint16_t half_of(float x)
{
    uint32_t u = bits_of(x), sign = u >> 16 & 0x8000, a = u & 0x7fffffff, rest, keep;
    int shift;

    if (a > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (a >> 13 & 0x1ff));
    if (a >= 0x477ff000) /* 65520 and beyond */
        return (uint16_t)(sign | 0x7c00);
    if (a >= 0x38800000) { /* normal: the exponent's bias goes from 127 to 15 */
        keep = (a >> 13) - (112u << 10);
        rest = a & 0x1fff;
        return (uint16_t)(sign | (keep + (rest > 0x1000 || (rest == 0x1000 && (keep & 1)))));
    }
    if (a < 0x33000000) /* below half of the smallest, 2^-25 */
        return (uint16_t)sign;
    shift = 126 - (int)(a >> 23); /* subnormal: whole multiples of 2^-24 */
    a = (a & 0x7fffff) | 0x800000;
    keep = a >> shift;
    rest = a & ((1u << shift) - 1);
    keep += rest > 1u << (shift - 1) || (rest == 1u << (shift - 1) && (keep & 1));
    return (uint16_t)(sign | keep);
}

static uint16_t bf16_of(float x)
{
    uint32_t u = bits_of(x);

    if ((u & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static void put_16(unsigned char *at, uint16_t value)
{
    at[0] = (unsigned char)value;
    at[1] = (unsigned char)(value >> 8);
}

enum { BLOCK = 32 };

static int low_of(int a, int b)
{
    return a < b ? a : b;
}

/* The value of 32 that is farthest from 0, with its sign. */
static float block_extreme(const float *x)
{
    float most = 0, at = 0;

    for (int i = 0; i < BLOCK; i++)
        if (fabsf(x[i]) > most) {
            most = fabsf(x[i]);
            at = x[i];
        }
    return at;
}

static void block_span(const float *x, float *low, float *high)
{
    *low = *high = x[0];
    for (int i = 1; i < BLOCK; i++) {
        *low = x[i] < *low ? x[i] : *low;
        *high = x[i] > *high ? x[i] : *high;
    }
}

static void put_nibbles(unsigned char *at, const int *n)
{
    for (int i = 0; i < BLOCK / 2; i++)
        at[i] = (unsigned char)((n[i] & 15) | (n[i + BLOCK / 2] & 15) << 4);
}

static void put_fifth(unsigned char *at, const int *n)
{
    uint32_t high = 0;

    for (int i = 0; i < BLOCK; i++)
        high |= (uint32_t)(n[i] >> 4 & 1) << i;
    put_16(at, (uint16_t)high);
    put_16(at + 2, (uint16_t)(high >> 16));
}

/* Q4_0 and Q5_0: one scale, chosen so that the extreme value becomes -half (8 or 16). */
static void put_scaled(unsigned char *at, const float *x, int half)
{
    float d = block_extreme(x) / -(float)half, id = d != 0 ? 1 / d : 0;
    int n[BLOCK];

    put_16(at, half_of(d));
    for (int i = 0; i < BLOCK; i++) {
        float scaled = x[i] * id;

        n[i] = low_of(2 * half - 1, (int)(scaled + ((float)half + 0.5F)));
    }
    if (half == 16)
        put_fifth(at + 2, n);
    put_nibbles(at + (half == 16 ? 6 : 2), n);
}

/* Q4_1 and Q5_1: the smallest value and a scale; the largest value becomes `most` (15 or 31). */
static void put_spanned(unsigned char *at, const float *x, int most)
{
    float low, high, d, id;
    int n[BLOCK];

    block_span(x, &low, &high);
    d = (high - low) / (float)most;
    id = d != 0 ? 1 / d : 0;
    put_16(at, half_of(d));
    put_16(at + 2, half_of(low));
    for (int i = 0; i < BLOCK; i++) {
        float scaled = (x[i] - low) * id;

        n[i] = low_of(most, (int)(scaled + 0.5F));
    }
    if (most == 31)
        put_fifth(at + 4, n);
    put_nibbles(at + (most == 31 ? 8 : 4), n);
}

static void put_q8(unsigned char *at, const float *x)
{
    float d = fabsf(block_extreme(x)) / 127, id = d != 0 ? 1 / d : 0;

    put_16(at, half_of(d));
    for (int i = 0; i < BLOCK; i++)
        at[2 + i] = (unsigned char)(signed char)roundf(x[i] * id);
}

bool dtype_can_store(enum dtype type)
{
    return type == DT_F32 || type == DT_F16 || type == DT_BF16 ||
           (type >= DT_Q4_0 && type <= DT_Q8_0);
}

static void store_block(enum dtype type, const float *x, unsigned char *at)
{
    switch (type) {
    case DT_F16:
        put_16(at, half_of(*x));
        break;
    case DT_BF16:
        put_16(at, bf16_of(*x));
        break;
    case DT_Q4_0:
        put_scaled(at, x, 8);
        break;
    case DT_Q5_0:
        put_scaled(at, x, 16);
        break;
    case DT_Q4_1:
        put_spanned(at, x, 15);
        break;
    case DT_Q5_1:
        put_spanned(at, x, 31);
        break;
    case DT_Q8_0:
        put_q8(at, x);
        break;
    default:
        memcpy(at, x, sizeof(*x));
        break;
    }
}

void dtype_from_float(enum dtype type, const float *src, void *dst, long n)
{
    int block = dtype_block(type);
    size_t bytes = dtype_block_bytes(type);
    unsigned char *at = dst;

    for (long i = 0; i + block <= n; i += block, at += bytes)
        store_block(type, src + i, at);
}
