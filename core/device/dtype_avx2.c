/* Dequantisation with AVX2 and F16C: the operations of dtype.c in the same order, sixteen elements
 * at a time, so the bits are the same. Compilers vectorise those loops badly, and generation spends
 * most of its time in them. */
#include "core/device/dtype_avx2.h"

#include "core/device/dtype_blocks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

#define INLINE static inline __attribute__((always_inline, target("avx2,f16c")))
#define AVX2   __attribute__((target("avx2,f16c"))) static

/* The half at b. */
INLINE float number_at(const uint8_t *b)
{
    return _cvtsh_ss((unsigned short)(b[0] | b[1] << 8));
}

INLINE __m256 numbers_at(const uint8_t *b)
{
    return _mm256_set1_ps(number_at(b));
}

INLINE __m128i load(const uint8_t *b)
{
    return _mm_loadu_si128((const __m128i *)b);
}

enum then { ALONE, PLUS, MINUS };

INLINE __m256 shift(__m256 x, __m256 m, enum then then)
{
    return then == ALONE ? x : then == PLUS ? _mm256_add_ps(x, m) : _mm256_sub_ps(x, m);
}

/* dst[0..16) = q d, then + m or - m: two roundings. q: signed bytes. */
INLINE void put(float *dst, __m128i q, __m256 d, __m256 m, enum then then)
{
    __m256 x = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)), d);
    __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8))), d);

    _mm256_storeu_ps(dst, shift(x, m, then));
    _mm256_storeu_ps(dst + 8, shift(y, m, then));
}

/* (bytes >> by) & mask */
INLINE __m128i bits(__m128i bytes, int by, int mask)
{
    return _mm_and_si128(_mm_srl_epi16(bytes, _mm_cvtsi32_si128(by)), _mm_set1_epi8((char)mask));
}

/* 16 where a bit of the first two bytes is set, else 0: a byte for each bit. */
INLINE __m128i fifth_bits(const uint8_t *b)
{
    const __m128i which = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
    const __m128i bit = _mm_set1_epi64x((long long)0x8040201008040201ULL);
    __m128i spread = _mm_shuffle_epi8(_mm_cvtsi32_si128(b[0] | b[1] << 8), which);

    return _mm_and_si128(_mm_cmpeq_epi8(_mm_and_si128(spread, bit), bit), _mm_set1_epi8(16));
}

AVX2 void from_f16(const uint8_t *b, float *dst, long n)
{
    for (; n >= 8; n -= 8, b += 16, dst += 8)
        _mm256_storeu_ps(dst, _mm256_cvtph_ps(load(b)));
    for (; n > 0; n--, b += 2, dst++)
        *dst = number_at(b);
}

/* Q4_0 to Q5_1: d, m if shifted, the fifth bits if five, nibbles. */
INLINE void nibbles(const uint8_t *b, float *dst, long n, bool shifted, bool five)
{
    int start = 2 + (shifted ? 2 : 0) + (five ? 4 : 0);

    for (; n > 0; n -= 32, b += start + 16, dst += 32) {
        __m256 d = numbers_at(b), m = shifted ? numbers_at(b + 2) : d;
        __m128i q = load(b + start), low = bits(q, 0, 15), high = bits(q, 4, 15);

        if (five) {
            low = _mm_or_si128(low, fifth_bits(b + start - 4));
            high = _mm_or_si128(high, fifth_bits(b + start - 2));
        }
        if (!shifted) {
            low = _mm_sub_epi8(low, _mm_set1_epi8(five ? 16 : 8));
            high = _mm_sub_epi8(high, _mm_set1_epi8(five ? 16 : 8));
        }
        put(dst, low, d, m, shifted ? PLUS : ALONE);
        put(dst + 16, high, d, m, shifted ? PLUS : ALONE);
    }
}

AVX2 void from_q8_0(const uint8_t *b, float *dst, long n)
{
    for (; n > 0; n -= 32, b += 34, dst += 32) {
        __m256 d = numbers_at(b);

        put(dst, load(b + 2), d, d, ALONE);
        put(dst + 16, load(b + 18), d, d, ALONE);
    }
}

AVX2 void from_q4_0(const uint8_t *b, float *dst, long n)
{
    nibbles(b, dst, n, false, false);
}

AVX2 void from_q4_1(const uint8_t *b, float *dst, long n)
{
    nibbles(b, dst, n, true, false);
}

AVX2 void from_q5_0(const uint8_t *b, float *dst, long n)
{
    nibbles(b, dst, n, false, true);
}

AVX2 void from_q5_1(const uint8_t *b, float *dst, long n)
{
    nibbles(b, dst, n, true, true);
}

/* Q4_K; Q5_K has its fifth bits between scales and nibbles. */
INLINE void from_q45_k(const uint8_t *b, float *dst, long n, bool five)
{
    for (; n > 0; n -= 256, b += five ? 176 : 144, dst += 256) {
        float d = number_at(b), dmin = number_at(b + 2);
        const uint8_t *qs = b + (five ? 48 : 16);

        for (int k = 0; k < 8; k++) { /* a run of 32 elements with one scale */
            int sc, mn;
            __m256 scale, least;

            scales_k(b + 4, k, &sc, &mn);
            scale = _mm256_set1_ps(d * (float)sc);
            least = _mm256_set1_ps(dmin * (float)mn);
            for (int e = 0; e < 32; e += 16) {
                __m128i q = bits(load(qs + 32 * (k / 2) + e), k % 2 * 4, 15);

                if (five)
                    q = _mm_or_si128(q, _mm_slli_epi16(bits(load(b + 16 + e), k, 1), 4));
                put(dst + 32 * k + e, q, scale, least, MINUS);
            }
        }
    }
}

AVX2 void from_q4_k(const uint8_t *b, float *dst, long n)
{
    from_q45_k(b, dst, n, false);
}

AVX2 void from_q5_k(const uint8_t *b, float *dst, long n)
{
    from_q45_k(b, dst, n, true);
}

AVX2 void from_q6_k(const uint8_t *b, float *dst, long n)
{
    for (; n > 0; n -= 256, b += 210, dst += 256) {
        __m256 d = numbers_at(b + 208);

        for (int g = 0; g < 16; g++) { /* a run of 16 elements with one scale */
            int quarter = g % 8 / 2, odd = g % 2;
            __m128i low = load(b + 64 * (g / 8) + 32 * (quarter & 1) + 16 * odd);
            __m128i high = load(b + 128 + 32 * (g / 8) + 16 * odd);
            __m256 scale = _mm256_mul_ps(d, _mm256_set1_ps((float)(int8_t)b[192 + g]));
            __m128i q = _mm_or_si128(bits(low, quarter >= 2 ? 4 : 0, 15),
                                     _mm_slli_epi16(bits(high, 2 * quarter, 3), 4));

            put(dst + 16 * g, _mm_sub_epi8(q, _mm_set1_epi8(32)), scale, scale, ALONE);
        }
    }
}

/* Whether the processor has both. Asked once, because CPUID is slow in a virtual machine. */
static bool has_avx2(void)
{
    static atomic_int known; /* 1: yes, 2: no */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    unsigned eax, ebx, ecx, edx;

    if (!answer) {
        answer = __builtin_cpu_supports("avx2") && __get_cpuid(1, &eax, &ebx, &ecx, &edx) &&
                         (ecx & bit_F16C)
                     ? 1
                     : 2;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == 1;
}

static void (*const from[DT_COUNT])(const uint8_t *, float *, long) = {
    [DT_F16] = from_f16,   [DT_Q4_0] = from_q4_0, [DT_Q4_1] = from_q4_1,
    [DT_Q5_0] = from_q5_0, [DT_Q5_1] = from_q5_1, [DT_Q8_0] = from_q8_0,
    [DT_Q4_K] = from_q4_k, [DT_Q5_K] = from_q5_k, [DT_Q6_K] = from_q6_k,
};

bool dtype_has_avx2(enum dtype type)
{
    return (unsigned)type < DT_COUNT && from[type] && has_avx2();
}

bool dtype_avx2(enum dtype type, const uint8_t *src, float *dst, long n)
{
    if (!dtype_has_avx2(type))
        return false;
    from[type](src, dst, n);
    return true;
}
#else
bool dtype_has_avx2(enum dtype type)
{
    (void)type;
    return false;
}

bool dtype_avx2(enum dtype type, const uint8_t *src, float *dst, long n)
{
    (void)type;
    (void)src;
    (void)dst;
    (void)n;
    return false;
}
#endif
