/* Converts stored types to float32 in plain C, one function a type; editscope-formats(7) 1.3 has
 * the layouts. dtype_avx2.c has faster versions with the same bits; this is the reference. */
#include "core/device/dtype.h"

#include <stdint.h>
#include <string.h>

#include "core/device/dtype_avx2.h"
#include "core/device/dtype_blocks.h"

/* No fused multiply-add: scale * value + minimum is rounded twice, as in ggml, on every machine.
 * gcc ignores the pragma, so the Makefile also passes -ffp-contract=off for this file. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

static const struct {
    const char *name;
    int block;
    int bytes;
} types[DT_COUNT] = {
    [DT_F32] = {"F32", 1, 4},       [DT_F64] = {"F64", 1, 8},       [DT_F16] = {"F16", 1, 2},
    [DT_BF16] = {"BF16", 1, 2},     [DT_Q4_0] = {"Q4_0", 32, 18},   [DT_Q4_1] = {"Q4_1", 32, 20},
    [DT_Q5_0] = {"Q5_0", 32, 22},   [DT_Q5_1] = {"Q5_1", 32, 24},   [DT_Q8_0] = {"Q8_0", 32, 34},
    [DT_Q2_K] = {"Q2_K", 256, 84},  [DT_Q3_K] = {"Q3_K", 256, 110}, [DT_Q4_K] = {"Q4_K", 256, 144},
    [DT_Q5_K] = {"Q5_K", 256, 176}, [DT_Q6_K] = {"Q6_K", 256, 210},
};

static bool is_dtype(enum dtype type)
{
    return (unsigned)type < DT_COUNT;
}

const char *dtype_name(enum dtype type)
{
    return is_dtype(type) ? types[type].name : "?";
}

int dtype_block(enum dtype type)
{
    return is_dtype(type) ? types[type].block : 1;
}

size_t dtype_block_bytes(enum dtype type)
{
    return is_dtype(type) ? (size_t)types[type].bytes : 0;
}

size_t dtype_row_bytes(enum dtype type, long n)
{
    size_t bytes;

    if (!is_dtype(type) || n < 0 || n % types[type].block)
        return 0;
    if (__builtin_mul_overflow((size_t)(n / types[type].block), (size_t)types[type].bytes, &bytes))
        return 0;
    return bytes;
}

static uint16_t load16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void from_f16(const uint8_t *restrict src, float *restrict dst, long n)
{
    for (long i = 0; i < n; i++) {
        uint16_t h;

        memcpy(&h, src + 2 * i, 2);
        dst[i] = half(h);
    }
}

static void from_bf16(const uint8_t *restrict src, float *restrict dst, long n)
{
    for (long i = 0; i < n; i++) {
        uint16_t h;

        memcpy(&h, src + 2 * i, 2);
        dst[i] = float_of((uint32_t)h << 16);
    }
}

static void from_q4_0(const uint8_t *restrict b, float *restrict dst, long n)
{
    for (; n > 0; n -= 32, b += 18, dst += 32) {
        float d = half(load16(b));

        for (int e = 0; e < 16; e++) {
            dst[e] = (float)((b[2 + e] & 15) - 8) * d;
            dst[e + 16] = (float)((b[2 + e] >> 4) - 8) * d;
        }
    }
}

static void from_q4_1(const uint8_t *restrict b, float *restrict dst, long n)
{
    for (; n > 0; n -= 32, b += 20, dst += 32) {
        float d = half(load16(b)), m = half(load16(b + 2));

        for (int e = 0; e < 16; e++) {
            float low = (float)(b[4 + e] & 15) * d, high = (float)(b[4 + e] >> 4) * d;

            dst[e] = low + m;
            dst[e + 16] = high + m;
        }
    }
}

static uint32_t load32(const uint8_t *p)
{
    return (uint32_t)load16(p) | (uint32_t)load16(p + 2) << 16;
}

static void from_q5_0(const uint8_t *restrict b, float *restrict dst, long n)
{
    for (; n > 0; n -= 32, b += 22, dst += 32) {
        float d = half(load16(b));
        uint32_t qh = load32(b + 2);

        for (int e = 0; e < 16; e++) {
            int low = (b[6 + e] & 15) | (int)(qh >> e & 1) << 4;
            int high = b[6 + e] >> 4 | (int)(qh >> (e + 16) & 1) << 4;

            dst[e] = (float)(low - 16) * d;
            dst[e + 16] = (float)(high - 16) * d;
        }
    }
}

static void from_q5_1(const uint8_t *restrict b, float *restrict dst, long n)
{
    for (; n > 0; n -= 32, b += 24, dst += 32) {
        float d = half(load16(b)), m = half(load16(b + 2));
        uint32_t qh = load32(b + 4);

        for (int e = 0; e < 16; e++) {
            int low = (b[8 + e] & 15) | (int)(qh >> e & 1) << 4;
            int high = b[8 + e] >> 4 | (int)(qh >> (e + 16) & 1) << 4;
            float x = (float)low * d, y = (float)high * d;

            dst[e] = x + m;
            dst[e + 16] = y + m;
        }
    }
}

static void from_q8_0(const uint8_t *restrict b, float *restrict dst, long n)
{
    for (; n > 0; n -= 32, b += 34, dst += 32) {
        float d = half(load16(b));

        for (int e = 0; e < 32; e++)
            dst[e] = (float)(int8_t)b[2 + e] * d;
    }
}

/* 84 bytes: scales[16] | qs[64] | d | dmin */
static void from_q2_k(const uint8_t *restrict b, float *restrict dst, long n)
{
    for (; n > 0; n -= 256, b += 84, dst += 256) {
        float d = half(load16(b + 80)), dmin = half(load16(b + 82));

        for (int g = 0; g < 16; g++) { /* g: a run of 16 elements with one scale */
            const uint8_t *q = b + 16 + 32 * (g / 8) + 16 * (g % 2);
            int shift = g % 8 / 2 * 2;
            float scale = d * (float)(b[g] & 15), least = dmin * (float)(b[g] >> 4);

            for (int e = 0; e < 16; e++) {
                float x = scale * (float)(q[e] >> shift & 3);

                dst[16 * g + e] = x - least;
            }
        }
    }
}

/* 110 bytes: hmask[32] | qs[64] | scales[12] | d */
static void from_q3_k(const uint8_t *restrict b, float *restrict dst, long n)
{
    for (; n > 0; n -= 256, b += 110, dst += 256) {
        const uint8_t *s = b + 96;
        float d = half(load16(b + 108));

        for (int g = 0; g < 16; g++) {
            const uint8_t *q = b + 32 + 32 * (g / 8) + 16 * (g % 2), *h = b + 16 * (g % 2);
            int shift = g % 8 / 2 * 2, bit = g / 2;
            int low = g < 8 ? s[g] & 15 : s[g - 8] >> 4, high = s[8 + (g & 3)] >> 2 * (g >> 2) & 3;
            float scale = d * (float)((low | high << 4) - 32);

            for (int e = 0; e < 16; e++) {
                int v = (q[e] >> shift & 3) + ((h[e] >> bit & 1) << 2) - 4;

                dst[16 * g + e] = scale * (float)v;
            }
        }
    }
}

/* 144 bytes: d | dmin | scales[12] | qs[128]; Q5_K has qh[32] before its qs. */
static void from_q45_k(const uint8_t *restrict b, float *restrict dst, long n, bool five)
{
    for (; n > 0; n -= 256, b += five ? 176 : 144, dst += 256) {
        float d = half(load16(b)), dmin = half(load16(b + 2));
        const uint8_t *high = b + 16, *qs = b + (five ? 48 : 16);

        for (int k = 0; k < 8; k++) { /* k: a run of 32 elements with one scale */
            const uint8_t *q = qs + 32 * (k / 2);
            int shift = k % 2 * 4, sc, mn;
            float scale, least;

            scales_k(b + 4, k, &sc, &mn);
            scale = d * (float)sc;
            least = dmin * (float)mn;
            for (int e = 0; e < 32; e++) {
                int v = (q[e] >> shift & 15) + (five ? (high[e] >> k & 1) << 4 : 0);
                float x = scale * (float)v;

                dst[32 * k + e] = x - least;
            }
        }
    }
}

/* 210 bytes: ql[128] | qh[64] | scales[16] | d */
static void from_q6_k(const uint8_t *restrict b, float *restrict dst, long n)
{
    for (; n > 0; n -= 256, b += 210, dst += 256) {
        float d = half(load16(b + 208));

        for (int g = 0; g < 16; g++) {
            int half_block = g / 8, quarter = g % 8 / 2, odd = g % 2;
            const uint8_t *low = b + 64 * half_block + 32 * (quarter & 1) + 16 * odd;
            const uint8_t *high = b + 128 + 32 * half_block + 16 * odd;
            int shift = quarter >= 2 ? 4 : 0;
            float scale = d * (float)(int8_t)b[192 + g];

            for (int e = 0; e < 16; e++) {
                int v = (low[e] >> shift & 15) | (high[e] >> 2 * quarter & 3) << 4;

                dst[16 * g + e] = scale * (float)(v - 32);
            }
        }
    }
}

void dtype_to_float(enum dtype type, const void *src, float *dst, long n)
{
    const uint8_t *b = src;

    if (n <= 0 || dtype_avx2(type, b, dst, n))
        return;
    switch (type) {
    case DT_F32:
        memcpy(dst, src, (size_t)n * sizeof(*dst));
        break;
    case DT_F16:
        from_f16(b, dst, n);
        break;
    case DT_BF16:
        from_bf16(b, dst, n);
        break;
    case DT_Q4_0:
        from_q4_0(b, dst, n);
        break;
    case DT_Q4_1:
        from_q4_1(b, dst, n);
        break;
    case DT_Q5_0:
        from_q5_0(b, dst, n);
        break;
    case DT_Q5_1:
        from_q5_1(b, dst, n);
        break;
    case DT_Q8_0:
        from_q8_0(b, dst, n);
        break;
    case DT_Q2_K:
        from_q2_k(b, dst, n);
        break;
    case DT_Q3_K:
        from_q3_k(b, dst, n);
        break;
    case DT_Q4_K:
        from_q45_k(b, dst, n, false);
        break;
    case DT_Q5_K:
        from_q45_k(b, dst, n, true);
        break;
    case DT_Q6_K:
        from_q6_k(b, dst, n);
        break;
    case DT_F64:
    case DT_COUNT:
        break;
    }
}

bool dtype_is_quick(enum dtype type)
{
    return type == DT_BF16 || dtype_has_avx2(type);
}
