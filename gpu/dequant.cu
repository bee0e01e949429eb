/* Converts the types of model files to float32, with exactly the bits of dtype_to_float(): this
 * file is compiled without fused multiply-adds (-fmad=false). A thread converts one element, so the
 * formulas are those of core/device/dtype.c, solved for the element's index in its block.
 * editscope-formats(7) 1.3 has the layouts. */
#include <stdint.h>

#include "gpu/kernels.h"
#include "gpu/launch.cuh"

__device__ static float half_at(const uint8_t *p)
{
    uint16_t h = (uint16_t)(p[0] | p[1] << 8);
    int exponent = h >> 10 & 31, fraction = h & 1023;
    float sign = h & 0x8000 ? -1.f : 1.f;

    if (exponent == 31)
        return fraction ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexpf((float)(1024 + fraction), exponent - 25)
                            : ldexpf((float)fraction, -24));
}

__device__ static float bfloat_at(const uint8_t *p)
{
    union {
        uint32_t bits;
        float value;
    } u;

    u.bits = (uint32_t)(p[0] | p[1] << 8) << 16;
    return u.value;
}

/* Element e of a block of 32 with 4 or 5 bits: elements 0-15 are the low nibbles, 16-31 the high
 * ones. high: the fifth bits, one for each element; NULL: none. */
__device__ static int nibble32(const uint8_t *q, const uint8_t *high, int e)
{
    int v = e < 16 ? q[e] & 15 : q[e - 16] >> 4;

    return high ? v | (high[e / 8] >> e % 8 & 1) << 4 : v;
}

/* In the K types, g is a run of 16 elements (k: of 32) that has its own scale. */
__device__ static float q2_k(const uint8_t *b, int i)
{
    int g = i / 16, e = i % 16, shift = g % 8 / 2 * 2;
    const uint8_t *q = b + 16 + 32 * (g / 8) + 16 * (g % 2);
    float scale = half_at(b + 80) * (float)(b[g] & 15);
    float least = half_at(b + 82) * (float)(b[g] >> 4);

    return scale * (float)(q[e] >> shift & 3) - least;
}

__device__ static float q3_k(const uint8_t *b, int i)
{
    int g = i / 16, e = i % 16, shift = g % 8 / 2 * 2;
    const uint8_t *s = b + 96, *q = b + 32 + 32 * (g / 8) + 16 * (g % 2), *h = b + 16 * (g % 2);
    int low = g < 8 ? s[g] & 15 : s[g - 8] >> 4, high = s[8 + (g & 3)] >> 2 * (g >> 2) & 3;
    int v = (q[e] >> shift & 3) + ((h[e] >> g / 2 & 1) << 2) - 4;

    return half_at(b + 108) * (float)((low | high << 4) - 32) * (float)v;
}

__device__ static float q45_k(const uint8_t *b, int i, bool five)
{
    int k = i / 32, e = i % 32, scale, least;
    const uint8_t *s = b + 4, *q = b + (five ? 48 : 16) + 32 * (k / 2);
    int v = (q[e] >> k % 2 * 4 & 15) + (five ? (b[16 + e] >> k & 1) << 4 : 0);

    if (k < 4) {
        scale = s[k] & 63;
        least = s[k + 4] & 63;
    } else {
        scale = (s[k + 4] & 15) | s[k - 4] >> 6 << 4;
        least = s[k + 4] >> 4 | s[k] >> 6 << 4;
    }
    return half_at(b) * (float)scale * (float)v - half_at(b + 2) * (float)least;
}

__device__ static float q6_k(const uint8_t *b, int i)
{
    int g = i / 16, e = i % 16, part = g / 8, quarter = g % 8 / 2, odd = g % 2;
    const uint8_t *low = b + 64 * part + 32 * (quarter & 1) + 16 * odd;
    const uint8_t *high = b + 128 + 32 * part + 16 * odd;
    int v = (low[e] >> (quarter >= 2 ? 4 : 0) & 15) | (high[e] >> 2 * quarter & 3) << 4;

    return half_at(b + 208) * (float)(int8_t)b[192 + g] * (float)(v - 32);
}

/* Element i of the block at b, as float32. */
__device__ static float element(enum dtype type, const uint8_t *b, int i)
{
    switch (type) {
    case DT_F32:
        return *(const float *)b;
    case DT_F16:
        return half_at(b);
    case DT_BF16:
        return bfloat_at(b);
    case DT_Q4_0:
        return (float)(nibble32(b + 2, NULL, i) - 8) * half_at(b);
    case DT_Q4_1:
        return (float)nibble32(b + 4, NULL, i) * half_at(b) + half_at(b + 2);
    case DT_Q5_0:
        return (float)(nibble32(b + 6, b + 2, i) - 16) * half_at(b);
    case DT_Q5_1:
        return (float)nibble32(b + 8, b + 4, i) * half_at(b) + half_at(b + 2);
    case DT_Q8_0:
        return (float)(int8_t)b[2 + i] * half_at(b);
    case DT_Q2_K:
        return q2_k(b, i);
    case DT_Q3_K:
        return q3_k(b, i);
    case DT_Q4_K:
        return q45_k(b, i, false);
    case DT_Q5_K:
        return q45_k(b, i, true);
    case DT_Q6_K:
        return q6_k(b, i);
    default:
        return NAN;
    }
}

template <typename D>
__global__ static void unpack(int rows, int cols, enum dtype type, int block, long block_bytes,
                              long row_bytes, const uint8_t *table, const int *index, D *out,
                              long stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    {
        const uint8_t *row = table + (index ? index[r] : r) * row_bytes;

        out[r * stride + c] = (D)element(type, row + c / block * block_bytes, (int)(c % block));
    }
}

void kernel_unpack(cudaStream_t s, struct mat table, const int *index, struct mat out)
{
    unsigned blocks = blocks_for((long)out.rows * out.cols);
    int block = dtype_block(table.type);
    long block_bytes = (long)dtype_block_bytes(table.type);
    long row_bytes = (long)dtype_row_bytes(table.type, table.stride);

    if (out.type == DT_F64)
        LAUNCH(unpack<double>, blocks, THREADS, s, out.rows, out.cols, table.type, block,
               block_bytes, row_bytes, (const uint8_t *)table.data, index, (double *)out.data,
               out.stride);
    else
        LAUNCH(unpack<float>, blocks, THREADS, s, out.rows, out.cols, table.type, block,
               block_bytes, row_bytes, (const uint8_t *)table.data, index, (float *)out.data,
               out.stride);
}

/* The bits of the nearest bfloat16, ties to even. Infinities stay, NaN becomes a quiet NaN. */
__device__ static uint16_t bfloat_bits(float x)
{
    union {
        float value;
        uint32_t bits;
    } u;

    u.value = x;
    if (x != x)
        return 0x7fc0;
    return (uint16_t)((u.bits + 0x7fff + (u.bits >> 16 & 1)) >> 16);
}

__device__ static float float_of_bits(uint16_t high)
{
    union {
        uint32_t bits;
        float value;
    } u;

    u.bits = (uint32_t)high << 16;
    return u.value;
}

__global__ static void split(int rows, int cols, const float *x, long stride, int terms,
                             uint16_t *scratch)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    {
        float rest = x[r * stride + c];

        for (int t = 0; t < terms; t++) {
            uint16_t bits = bfloat_bits(rest);

            scratch[((long)t * rows + r) * cols + c] = bits;
            rest = rest - float_of_bits(bits); /* exact: the difference needs fewer bits */
        }
    }
}

void kernel_split(cudaStream_t s, struct mat x, int terms, void *scratch)
{
    LAUNCH(split, blocks_for((long)x.rows * x.cols), THREADS, s, x.rows, x.cols,
           (const float *)x.data, x.stride, terms, (uint16_t *)scratch);
}
