/* The innermost loops. Each is one plain C function that is inlined into a version for each
 * instruction set and vectorised by the compiler. So there are no intrinsics, and no two versions
 * that could drift apart. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3") /* -O2 does not vectorise these */
#endif
#include "core/device/cpu_loops.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Partial sums of a reduction and of a dot product. The number is the same in every instruction
 * set, so that only fused multiply-adds can make results differ. */
enum { LANES = 16, DOT_LANES = 32 };

#define INLINE static inline __attribute__((always_inline))

INLINE float multiply_add(float a, float b, float c, bool fused)
{
    return fused ? __builtin_fmaf(a, b, c) : a * b + c;
}

/* e^x = 2^n e^r with x = n ln 2 + r, |r| <= ln 2 / 2. e^r is a minimax polynomial of degree 5 (the
 * coefficients of expf in Arm's optimized routines); 2^n is added to the bits of the exponent. */
INLINE float exponential(float x, bool fused)
{
    const float round = 0x1.8p23F; /* adding it rounds to an integer, which is in the low bits */
    float t, n, r, square, p, q;
    uint32_t bits, power;

    x = x < -87 ? -87 : x; /* NaN stays NaN: both comparisons are false */
    x = x > 88 ? 88 : x;
    t = multiply_add(x, 0x1.715476p+0F, round, fused);
    n = t - round;
    r = multiply_add(n, -0x1.62e4p-1F, x, fused);
    r = multiply_add(n, -0x1.7f7d1cp-20F, r, fused);
    square = r * r;
    p = multiply_add(0x1.0e4020p-7F, r, 0x1.573e2ep-5F, fused);
    q = multiply_add(0x1.555e66p-3F, r, 0x1.fffdb6p-2F, fused);
    q = multiply_add(p, square, q, fused);
    p = multiply_add(q, square, 0x1.ffffecp-1F * r, fused) + 1;
    memcpy(&bits, &p, sizeof(bits));
    memcpy(&power, &t, sizeof(power));
    bits += power << 23;
    memcpy(&p, &bits, sizeof(p));
    return p;
}

INLINE void exp_loop(const float *x, float shift, float *y, int n, bool fused)
{
    for (int i = 0; i < n; i++)
        y[i] = exponential(x[i] - shift, fused);
}

INLINE float max_loop(const float *x, int n)
{
    float lane[LANES], max = x[0];
    int i = 0;

    for (int l = 0; l < LANES; l++)
        lane[l] = max;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
    for (; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (int l = 0; l < LANES; l++)
        max = lane[l] > max ? lane[l] : max;
    return max;
}

INLINE void softmax_loop(float *x, int n, bool fused)
{
    float lane[LANES] = {0}, sum = 0;
    int i = 0;

    exp_loop(x, max_loop(x, n), x, n, fused);
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += x[i + l];
    for (; i < n; i++)
        sum += x[i];
    for (int l = 0; l < LANES; l++)
        sum += lane[l];
    sum = 1 / sum;
    for (i = 0; i < n; i++)
        x[i] *= sum;
}

/* Both activations are g / (1 + e^-t). SiLU: t = g. GELU in its tanh form:
 * t = 2 sqrt(2 / pi) (g + 0.044715 g^3), since (1 + tanh(t / 2)) / 2 = 1 / (1 + e^-t).
 * Returns 1 + e^-t. */
INLINE float act_divisor(float g, bool gelu, bool fused)
{
    float t = gelu ? 0x1.988454p+0F * (g + 0.044715F * g * g * g) : g;

    return 1 + exponential(-t, fused);
}

INLINE void gated_loop(const float *gate, const float *up, float *out, int n, bool gelu, bool fused)
{
    if (up)
        for (int i = 0; i < n; i++)
            out[i] = gate[i] / act_divisor(gate[i], gelu, fused) * up[i];
    else
        for (int i = 0; i < n; i++)
            out[i] = gate[i] / act_divisor(gate[i], gelu, fused);
}

/* With s = 1 / (1 + e^-t): d act / dg = s (1 + g (1 - s) dt / dg) */
INLINE void gated_grad_loop(const float *gate, const float *up, const float *dout, float *dgate,
                            float *dup, int n, bool gelu, bool fused)
{
    for (int i = 0; i < n; i++) {
        float g = gate[i], d = dout[i], u = up ? up[i] : 1, s = 1 / act_divisor(g, gelu, fused);
        float dt = gelu ? 0x1.988454p+0F * (1 + 3 * 0.044715F * g * g) : 1;

        if (dup)
            dup[i] = d * g * s;
        dgate[i] = d * u * s * (1 + g * (1 - s) * dt);
    }
}

/* First pass over a strip: updates max, and sets keep[i] = e^(old max - new max), the factor for
 * the sums so far, and shift[i] = -max[i]. */
INLINE void lps_update_max(const struct lps_strip *s, bool fused)
{
    const float *restrict coeff = s->coeff, *restrict scale = s->scale;
    float *restrict max = s->max, *restrict shift = s->shift, *restrict keep = s->keep;

    for (int i = 0; i < s->n; i++)
        keep[i] = max[i];
    for (int v = 0; v < s->rows; v++) {
        const float *restrict u = s->u + (long)v * s->ld;
        float base = s->base[v];

        for (int i = 0; i < s->n; i++) {
            float x = multiply_add(coeff[i], u[i], scale[i] * base, fused);

            max[i] = x > max[i] ? x : max[i];
        }
    }
    for (int i = 0; i < s->n; i++) {
        keep[i] = exponential(keep[i] - max[i], fused);
        shift[i] = -max[i];
    }
}

/* Ends a strip: its float32 sums (part) are added to the double sums. */
INLINE void lps_add_sums(const struct lps_strip *s)
{
    double *restrict sum = s->sum;

    for (int i = 0; i < s->n; i++)
        sum[i] = sum[i] * (double)s->keep[i] + (double)s->part[i];
}

/* Second pass: the sums of e^(term - max). */
INLINE void lps_loop(const struct lps_strip *s, bool fused)
{
    const float *restrict coeff = s->coeff, *restrict scale = s->scale;
    float *restrict part = s->part, *restrict shift = s->shift;

    lps_update_max(s, fused);
    for (int i = 0; i < s->n; i++)
        part[i] = 0;
    for (int v = 0; v < s->rows; v++) {
        const float *restrict u = s->u + (long)v * s->ld;
        float base = s->base[v];

        for (int i = 0; i < s->n; i++)
            part[i] += exponential(
                multiply_add(coeff[i], u[i], multiply_add(scale[i], base, shift[i], fused), fused),
                fused);
    }
    lps_add_sums(s);
}

/* cap tanh(x / cap) = cap (1 - 2 / (1 + e^(2 x / cap))) */
INLINE float soft_cap(float x, float cap, bool fused)
{
    return cap > 0 ? cap * (1 - 2 / (1 + exponential(2 * x / cap, fused))) : x;
}

INLINE float capped_term(const struct lps_strip *s, int v, int i, bool fused)
{
    float x = s->scale[i] * s->base[v] + (s->add ? s->add[v] : 0);

    return soft_cap(multiply_add(s->coeff[i], s->u[(long)v * s->ld + i], x, fused), s->cap, fused);
}

/* Both passes for terms with an addition and a cap. Few models need it, so it is not tuned. */
INLINE void capped_loop(const struct lps_strip *s, bool fused)
{
    for (int i = 0; i < s->n; i++)
        s->keep[i] = s->max[i];
    for (int v = 0; v < s->rows; v++)
        for (int i = 0; i < s->n; i++) {
            float x = capped_term(s, v, i, fused);

            s->max[i] = x > s->max[i] ? x : s->max[i];
        }
    for (int i = 0; i < s->n; i++) {
        s->keep[i] = exponential(s->keep[i] - s->max[i], fused);
        s->part[i] = 0;
    }
    for (int v = 0; v < s->rows; v++)
        for (int i = 0; i < s->n; i++)
            s->part[i] += exponential(capped_term(s, v, i, fused) - s->max[i], fused);
    lps_add_sums(s);
}

INLINE void moments_loop(const struct lps_strip *s, bool fused)
{
    const float *restrict coeff = s->coeff, *restrict scale = s->scale;
    float *restrict part = s->part, *restrict shift = s->shift;
    float *restrict mean = s->mean, *restrict square = s->square;

    lps_update_max(s, fused);
    for (int i = 0; i < s->n; i++) {
        part[i] = 0;
        mean[i] *= s->keep[i];
        square[i] *= s->keep[i];
    }
    for (int v = 0; v < s->rows; v++) {
        const float *restrict u = s->u + (long)v * s->ld;
        float base = s->base[v];

        for (int i = 0; i < s->n; i++) {
            float x = multiply_add(scale[i], base, shift[i], fused);
            float e = exponential(multiply_add(coeff[i], u[i], x, fused), fused);

            part[i] += e;
            mean[i] += e * u[i];
            square[i] += e * u[i] * u[i];
        }
    }
    lps_add_sums(s);
}

INLINE void delta_loop(float r, const float *restrict x, const int *restrict live,
                       float *restrict w, int n)
{
    for (int j = 0; j < n; j++) {
        float moved = __builtin_fmaf(r, x[j], w[j]);

        w[j] = live[j] ? moved : w[j];
    }
}

INLINE float dot_loop(const float *restrict a, const float *restrict b, int n, bool fused)
{
    float sum[DOT_LANES] = {0};
    int whole = n / DOT_LANES * DOT_LANES;

    for (int i = 0; i < whole; i += DOT_LANES)
        for (int l = 0; l < DOT_LANES; l++)
            sum[l] = multiply_add(a[i + l], b[i + l], sum[l], fused);
    for (int l = 0; whole + l < n; l++)
        sum[l] = multiply_add(a[whole + l], b[whole + l], sum[l], fused);
    for (int half = DOT_LANES / 2; half; half /= 2)
        for (int l = 0; l < half; l++)
            sum[l] += sum[l + half];
    return sum[0];
}

/* Defines all functions and the table for one instruction set. fused: it has fused multiply-adds.
 */
#define LOOPS(set, target, fused)                                                             \
    target static void exp_##set(const float *x, float shift, float *y, int n)                \
    {                                                                                         \
        exp_loop(x, shift, y, n, fused);                                                      \
    }                                                                                         \
    target static float max_##set(const float *x, int n)                                      \
    {                                                                                         \
        return max_loop(x, n);                                                                \
    }                                                                                         \
    target static void softmax_##set(float *x, int n)                                         \
    {                                                                                         \
        softmax_loop(x, n, fused);                                                            \
    }                                                                                         \
    target static void silu_##set(const float *gate, const float *up, float *out, int n)      \
    {                                                                                         \
        gated_loop(gate, up, out, n, false, fused);                                           \
    }                                                                                         \
    target static void silu_grad_##set(const float *gate, const float *up, const float *dout, \
                                       float *dgate, float *dup, int n)                       \
    {                                                                                         \
        gated_grad_loop(gate, up, dout, dgate, dup, n, false, fused);                         \
    }                                                                                         \
    target static void gelu_##set(const float *gate, const float *up, float *out, int n)      \
    {                                                                                         \
        gated_loop(gate, up, out, n, true, fused);                                            \
    }                                                                                         \
    target static void gelu_grad_##set(const float *gate, const float *up, const float *dout, \
                                       float *dgate, float *dup, int n)                       \
    {                                                                                         \
        gated_grad_loop(gate, up, dout, dgate, dup, n, true, fused);                          \
    }                                                                                         \
    target static void lps_##set(const struct lps_strip *s)                                   \
    {                                                                                         \
        if (s->add || s->cap > 0)                                                             \
            capped_loop(s, fused);                                                            \
        else if (s->mean)                                                                     \
            moments_loop(s, fused);                                                           \
        else                                                                                  \
            lps_loop(s, fused);                                                               \
    }                                                                                         \
    target static void delta_##set(float r, const float *x, const int *live, float *w, int n) \
    {                                                                                         \
        delta_loop(r, x, live, w, n);                                                         \
    }                                                                                         \
    target static float dot_##set(const float *a, const float *b, int n)                      \
    {                                                                                         \
        return dot_loop(a, b, n, fused);                                                      \
    }                                                                                         \
    static const struct cpu_loops loops_##set = {exp_##set,                                   \
                                                 max_##set,                                   \
                                                 softmax_##set,                               \
                                                 {silu_##set, gelu_##set},                    \
                                                 {silu_grad_##set, gelu_grad_##set},          \
                                                 lps_##set,                                   \
                                                 delta_##set,                                 \
                                                 dot_##set};

#if defined(__FP_FAST_FMAF)
LOOPS(base, , true)
#else
LOOPS(base, , false)
#endif
#if defined(__x86_64__)
LOOPS(avx2, __attribute__((target("avx2,fma"))), true)
LOOPS(avx512, __attribute__((target("avx512f,avx512dq,avx512vl"))), true)
#endif

const struct cpu_loops *cpu_loops(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return &loops_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &loops_avx2;
#endif
    return &loops_base;
}
