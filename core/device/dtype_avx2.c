/* Dequantisation with AVX2, FMA and F16C: the operations of dtype.c in the same order, sixteen
 * elements at a time, so the bits are the same. Compilers vectorise those loops badly, and
 * generation spends most of its time in them. So each type is read in two ways: into floats, and
 * straight into a dot product, which never stores the floats. */
#include "core/device/dtype_avx2.h"

#include "core/device/dtype_blocks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

#define INLINE static inline __attribute__((always_inline, target("avx2,fma,f16c")))
#define AVX2   __attribute__((target("avx2,fma,f16c"))) static

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

/* Where elements go: to dst, or times those of x into sum, if dot. The 32 sums are those of
 * cpu_loops()->dot, in its order. */
struct sink {
    bool dot;
    float *dst;
    const float *x;
    __m256 sum[4]; /* element i goes to lane i mod 32 */
};

/* Takes elements at .. at + 7; lanes: at mod 32 / 8, a constant where it is called. */
INLINE void take(struct sink *s, long at, int lanes, __m256 y)
{
    if (s->dot)
        s->sum[lanes] = _mm256_fmadd_ps(_mm256_loadu_ps(s->x + at), y, s->sum[lanes]);
    else
        _mm256_storeu_ps(s->dst + at, y);
}

INLINE float sink_sum(const struct sink *s)
{
    __m256 sixteen =
        _mm256_add_ps(_mm256_add_ps(s->sum[0], s->sum[2]), _mm256_add_ps(s->sum[1], s->sum[3]));
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(sixteen), _mm256_extractf128_ps(sixteen, 1));

    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

enum then { ALONE, PLUS, MINUS };

INLINE __m256 shift(__m256 x, __m256 m, enum then then)
{
    return then == ALONE ? x : then == PLUS ? _mm256_add_ps(x, m) : _mm256_sub_ps(x, m);
}

/* Elements at .. at + 15 = q d, then + m or - m: two roundings. q: signed bytes. */
INLINE void put(struct sink *s, long at, int lanes, __m128i q, __m256 d, __m256 m, enum then then)
{
    __m256 x = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)), d);
    __m256 y = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(q, 8))), d);

    take(s, at, lanes, shift(x, m, then));
    take(s, at + 8, lanes + 1, shift(y, m, then));
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

INLINE void read_f16(struct sink *s, const uint8_t *b, long n)
{
    long i = 0;

    for (; i + 32 <= n; i += 32)
        for (int l = 0; l < 4; l++)
            take(s, i + 8 * l, l, _mm256_cvtph_ps(load(b + 2 * (i + 8 * l))));
    for (; i < n; i++) /* a dot product has none */
        s->dst[i] = number_at(b + 2 * i);
}

/* Q4_0 to Q5_1: d, m if shifted, the fifth bits if five, nibbles. */
INLINE void read_nibbles(struct sink *s, const uint8_t *b, long n, bool shifted, bool five)
{
    int start = 2 + (shifted ? 2 : 0) + (five ? 4 : 0);

    for (long i = 0; i < n; i += 32, b += start + 16) {
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
        put(s, i, 0, low, d, m, shifted ? PLUS : ALONE);
        put(s, i + 16, 2, high, d, m, shifted ? PLUS : ALONE);
    }
}

INLINE void read_q4_0(struct sink *s, const uint8_t *b, long n)
{
    read_nibbles(s, b, n, false, false);
}

INLINE void read_q4_1(struct sink *s, const uint8_t *b, long n)
{
    read_nibbles(s, b, n, true, false);
}

INLINE void read_q5_0(struct sink *s, const uint8_t *b, long n)
{
    read_nibbles(s, b, n, false, true);
}

INLINE void read_q5_1(struct sink *s, const uint8_t *b, long n)
{
    read_nibbles(s, b, n, true, true);
}

INLINE void read_q8_0(struct sink *s, const uint8_t *b, long n)
{
    for (long i = 0; i < n; i += 32, b += 34) {
        __m256 d = numbers_at(b);

        put(s, i, 0, load(b + 2), d, d, ALONE);
        put(s, i + 16, 2, load(b + 18), d, d, ALONE);
    }
}

/* Sixteen elements of Q4_K or Q5_K, e = 0 or 16 of run k. */
INLINE __m128i numbers_k(const uint8_t *b, const uint8_t *qs, int k, int e, bool five)
{
    __m128i q = bits(load(qs + 32 * (k / 2) + e), k % 2 * 4, 15);

    return five ? _mm_or_si128(q, _mm_slli_epi16(bits(load(b + 16 + e), k, 1), 4)) : q;
}

/* Q4_K; Q5_K has its fifth bits between scales and nibbles. */
INLINE void read_q45_k(struct sink *s, const uint8_t *b, long n, bool five)
{
    for (long i = 0; i < n; i += 256, b += five ? 176 : 144) {
        float d = number_at(b), dmin = number_at(b + 2);
        const uint8_t *qs = b + (five ? 48 : 16);

        for (int k = 0; k < 8; k++) { /* a run of 32 elements with one scale */
            int sc, mn;
            __m256 scale, least;

            scales_k(b + 4, k, &sc, &mn);
            scale = _mm256_set1_ps(d * (float)sc);
            least = _mm256_set1_ps(dmin * (float)mn);
            put(s, i + 32 * k, 0, numbers_k(b, qs, k, 0, five), scale, least, MINUS);
            put(s, i + 32 * k + 16, 2, numbers_k(b, qs, k, 16, five), scale, least, MINUS);
        }
    }
}

INLINE void read_q4_k(struct sink *s, const uint8_t *b, long n)
{
    read_q45_k(s, b, n, false);
}

INLINE void read_q5_k(struct sink *s, const uint8_t *b, long n)
{
    read_q45_k(s, b, n, true);
}

/* Run g of Q6_K at element `at`: 16 elements with one scale. d: the block's factor. */
INLINE void put_q6_k(struct sink *s, long at, int lanes, const uint8_t *b, int g, __m256 d)
{
    int quarter = g % 8 / 2, odd = g % 2;
    __m128i low = load(b + 64 * (g / 8) + 32 * (quarter & 1) + 16 * odd);
    __m128i high = load(b + 128 + 32 * (g / 8) + 16 * odd);
    __m256 scale = _mm256_mul_ps(d, _mm256_set1_ps((float)(int8_t)b[192 + g]));
    __m128i q = _mm_or_si128(bits(low, quarter >= 2 ? 4 : 0, 15),
                             _mm_slli_epi16(bits(high, 2 * quarter, 3), 4));

    put(s, at, lanes, _mm_sub_epi8(q, _mm_set1_epi8(32)), scale, scale, ALONE);
}

INLINE void read_q6_k(struct sink *s, const uint8_t *b, long n)
{
    for (long i = 0; i < n; i += 256, b += 210) {
        __m256 d = numbers_at(b + 208);

        for (int g = 0; g < 16; g += 2) {
            put_q6_k(s, i + 16 * g, 0, b, g, d);
            put_q6_k(s, i + 16 * g + 16, 2, b, g + 1, d);
        }
    }
}

#define BOTH_WAYS(type)                                             \
    AVX2 void from_##type(const uint8_t *b, float *dst, long n)     \
    {                                                               \
        struct sink s = {.dst = dst};                               \
                                                                    \
        read_##type(&s, b, n);                                      \
    }                                                               \
    AVX2 float dot_##type(const uint8_t *b, const float *x, long n) \
    {                                                               \
        struct sink s = {.dot = true, .x = x};                      \
                                                                    \
        read_##type(&s, b, n);                                      \
        return sink_sum(&s);                                        \
    }

BOTH_WAYS(f16)
BOTH_WAYS(q4_0)
BOTH_WAYS(q4_1)
BOTH_WAYS(q5_0)
BOTH_WAYS(q5_1)
BOTH_WAYS(q8_0)
BOTH_WAYS(q4_k)
BOTH_WAYS(q5_k)
BOTH_WAYS(q6_k)

/* Whether the processor has all three. Asked once, because CPUID is slow in a virtual machine. */
static bool has_avx2(void)
{
    static atomic_int known; /* 1: yes, 2: no */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    unsigned eax, ebx, ecx, edx;

    if (!answer) {
        answer = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                         __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C)
                     ? 1
                     : 2;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == 1;
}

static const struct {
    void (*from)(const uint8_t *, float *, long);
    float (*dot)(const uint8_t *, const float *, long);
} reads[DT_COUNT] = {
    [DT_F16] = {from_f16, dot_f16},    [DT_Q4_0] = {from_q4_0, dot_q4_0},
    [DT_Q4_1] = {from_q4_1, dot_q4_1}, [DT_Q5_0] = {from_q5_0, dot_q5_0},
    [DT_Q5_1] = {from_q5_1, dot_q5_1}, [DT_Q8_0] = {from_q8_0, dot_q8_0},
    [DT_Q4_K] = {from_q4_k, dot_q4_k}, [DT_Q5_K] = {from_q5_k, dot_q5_k},
    [DT_Q6_K] = {from_q6_k, dot_q6_k},
};

bool dtype_has_avx2(enum dtype type)
{
    return (unsigned)type < DT_COUNT && reads[type].from && has_avx2();
}

bool dtype_avx2(enum dtype type, const uint8_t *src, float *dst, long n)
{
    if (!dtype_has_avx2(type))
        return false;
    reads[type].from(src, dst, n);
    return true;
}

bool dtype_avx2_dot(enum dtype type, const uint8_t *src, const float *x, long n, float *out)
{
    if (n % 32 || !dtype_has_avx2(type))
        return false;
    *out = reads[type].dot(src, x, n);
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

bool dtype_avx2_dot(enum dtype type, const uint8_t *src, const float *x, long n, float *out)
{
    (void)type;
    (void)src;
    (void)x;
    (void)n;
    (void)out;
    return false;
}
#endif
