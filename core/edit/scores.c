/* A knob's keystroke recomputes these for every layer of the model, so the loops are written with
 * the compiler's vectors (gcc and clang; four floats, which every target has). */
#include "core/edit/scores.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

enum { LANES = 4, BLOCK = 64 };

typedef float lane __attribute__((vector_size(16)));
typedef int32_t ilane __attribute__((vector_size(16)));
typedef double dlane __attribute__((vector_size(32)));

/* x[j .. j+3]; places at n and after read as `fill`. No call and no array here, so that the
 * caller's sums stay in registers. */
static inline lane load(const float *x, int j, int n, float fill)
{
    lane v;

    if (j + LANES > n)
        return (lane){x[j], j + 1 < n ? x[j + 1] : fill, j + 2 < n ? x[j + 2] : fill, fill};
    memcpy(&v, x + j, sizeof(v));
    return v;
}

static inline void store(float *x, int j, int n, lane v)
{
    if (j + LANES <= n) {
        memcpy(x + j, &v, sizeof(v));
        return;
    }
    x[j] = v[0];
    if (j + 1 < n)
        x[j + 1] = v[1];
    if (j + 2 < n)
        x[j + 2] = v[2];
}

static inline lane all(float x)
{
    return (lane){x, x, x, x};
}

static inline lane choose(ilane mask, lane yes, lane no)
{
    return (lane)((mask & (ilane)yes) | (~mask & (ilane)no));
}

static inline lane larger(lane a, lane b)
{
    return choose(a > b, a, b);
}

static inline float largest(lane v)
{
    float a = v[0] > v[1] ? v[0] : v[1], b = v[2] > v[3] ? v[2] : v[3];

    return a > b ? a : b;
}

static inline double total(lane v)
{
    return (double)v[0] + (double)v[1] + (double)v[2] + (double)v[3];
}

/* e^x for -100 <= x <= 0, relative error 2e-7; 0 below -40, where it no longer counts and its
 * square would be slow to compute with. */
static inline lane lane_exp(lane x)
{
    lane turns = x * 1.44269504f + 12582912.0f; /* rounds to a whole number in the low bits */
    lane n = turns - 12582912.0f;
    lane r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    lane p = all(1.9875691500e-4f);
    ilane power;

    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    power = (__builtin_convertvector(n, ilane) + 127) << 23;
    return choose(x > all(-40), p * (lane)power, all(0));
}

/* log x for normal x > 0, relative error 2e-7. */
static inline lane lane_log(lane x)
{
    /* mantissa in [sqrt(1/2), sqrt(2)) */
    ilane bits = (ilane)x - 0x3f3504f3;
    lane e = __builtin_convertvector(bits >> 23, lane);
    lane m = (lane)((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
    lane z = m * m;
    lane p = all(7.0376836292e-2f);

    p = p * m - 1.1514610310e-1f;
    p = p * m + 1.1676998740e-1f;
    p = p * m - 1.2420140846e-1f;
    p = p * m + 1.4249322787e-1f;
    p = p * m - 1.6668057665e-1f;
    p = p * m + 2.0000714765e-1f;
    p = p * m - 2.4999993993e-1f;
    p = p * m + 3.3333331174e-1f;
    p = p * m * z - e * 2.12194440e-4f - z * 0.5f;
    return m + p + e * 0.693359375f;
}

struct moments {
    float mean, inverse_std; /* of z = (x - mean) / (std + 1e-6) */
};

/* Sums are taken about the first value, so a row of equal values has exactly that mean. */
static struct moments row_moments(const float *x, int n)
{
    lane origin = all(x[0]);
    dlane sum = {0}, squares = {0};
    double s, ss, variance;

    for (int j = 0; j < n; j += LANES) {
        dlane d = __builtin_convertvector(load(x, j, n, x[0]) - origin, dlane);

        sum += d;
        squares += d * d;
    }
    s = sum[0] + sum[1] + sum[2] + sum[3];
    ss = squares[0] + squares[1] + squares[2] + squares[3];
    variance = n > 1 ? (ss - s * s / n) / (n - 1) : 0;
    return (struct moments){(float)((double)x[0] + s / n),
                            (float)(1 / (sqrt(fmax(variance, 0)) + 1e-6))};
}

static void reduce_block(const float *score, int rows, int neurons, int from,
                         struct score_reduction how, const struct moments *of, float *general,
                         float *specific, float *mean_z)
{
    int to = from + BLOCK < neurons ? from + BLOCK : neurons;

    for (int j = from; j < to; j += LANES) {
        lane count = all(0), top = all(-INFINITY), sum = all(0);

        for (int b = 0; b < rows; b++) {
            lane a = load(score + (size_t)b * (size_t)neurons, j, neurons, 0);
            lane about = a - of[b].mean, z = about * of[b].inverse_std;

            count += choose((how.zscore_general ? about : a) > all(0), all(1), all(0));
            top = larger(how.zscore_specific ? z : a, top);
            sum += z;
        }
        store(general, j, neurons, count);
        store(specific, j, neurons, top);
        store(mean_z, j, neurons, sum * (1 / (float)rows));
    }
}

void scores_reduce(const float *score, int rows, int neurons, struct score_reduction how,
                   float *general, float *specific, float *mean_z)
{
    struct moments *of = xmalloc((size_t)rows * sizeof(*of));

    for (int b = 0; b < rows; b++)
        of[b] = row_moments(score + (size_t)b * (size_t)neurons, neurons);
    for (int j = 0; j < neurons; j += BLOCK)
        reduce_block(score, rows, neurons, j, how, of, general, specific, mean_z);
    free(of);
}

bool scores_finite(const float *score, size_t n)
{
    ilane bad = {0};
    int chunk;

    for (; n; score += chunk, n -= (size_t)chunk) {
        chunk = n < (1 << 20) ? (int)n : 1 << 20;
        for (int j = 0; j < chunk; j += LANES) {
            ilane bits = (ilane)load(score, j, chunk, 0) & 0x7f800000;

            bad |= bits == 0x7f800000;
        }
    }
    return !(bad[0] | bad[1] | bad[2] | bad[3]);
}

static float row_max(const float *x, int n)
{
    lane top = all(x[0]);

    for (int j = 0; j < n; j += LANES)
        top = larger(load(x, j, n, x[0]), top);
    return largest(top);
}

float scores_max_abs(const float *x, int n)
{
    lane top = all(0);

    for (int j = 0; j < n; j += LANES)
        top = larger((lane)((ilane)load(x, j, n, 0) & 0x7fffffff), top);
    return largest(top);
}

/* sum of -p log(p + 1e-8), p = e scale. */
static double entropy(const float *e, int n, float scale)
{
    double h = 0;

    for (int from = 0; from < n; from += BLOCK) {
        int to = from + BLOCK < n ? from + BLOCK : n;
        lane sum = all(0), any = all(0);

        for (int j = from; j < to; j += LANES)
            any = larger(load(e, j, n, 0), any);
        if (largest(any) * scale < 1e-16f) /* nothing positive here: spare the logarithms */
            continue;
        for (int j = from; j < to; j += LANES) {
            lane p = load(e, j, n, 0) * scale;

            sum -= p * lane_log(p + 1e-8f);
        }
        h += total(sum);
    }
    return h;
}

/* sum of log1p(u) / u, u = floor / e: what the 1e-8 in Eq. 6's logarithm adds, over 1e-8. The
 * approximation by Pade is within .025 of a quotient that lies in (0, 1]. */
static double floor_terms(const float *e, int n, float floor)
{
    double sum = 0;

    for (int from = 0; from < n; from += BLOCK) {
        int to = from + BLOCK < n ? from + BLOCK : n;
        lane part = all(0);

        for (int j = from; j < to; j += LANES) {
            lane x = load(e, j, n, 0), y = x * x * 6.0f, z = x * floor * 3.0f;

            part += (y + z) / (y + z + z + floor * floor);
        }
        sum += total(part);
    }
    return sum;
}

/* With t = sharpness (x - max), e = exp t and S = sum e, the sum of -p log p is
 * log S - sum(t e) / S, which spares a logarithm a neuron. */
double scores_softmax_entropy(const float *x, int n, float sharpness, float *scratch)
{
    float top = row_max(x, n);
    double sum = 0, weighted = 0, h;

    if (n < 2)
        return 0;
    for (int from = 0; from < n; from += BLOCK) {
        int to = from + BLOCK < n ? from + BLOCK : n;
        lane part = all(0), part_weighted = all(0);

        for (int j = from; j < to; j += LANES) {
            lane t = larger((load(x, j, n, -FLT_MAX) - top) * sharpness, all(-100));
            lane e = lane_exp(t);

            store(scratch, j, n, e);
            part += e;
            part_weighted += e * t;
        }
        sum += total(part);
        weighted += total(part_weighted);
    }
    h = log(sum) - weighted / sum - 1e-8 * floor_terms(scratch, n, (float)(1e-8 * sum));
    return h / log(n);
}

double scores_share_entropy(const float *x, int n, float *scratch)
{
    double sum = 0;

    for (int from = 0; from < n; from += BLOCK) {
        int to = from + BLOCK < n ? from + BLOCK : n;
        lane part = all(0);

        for (int j = from; j < to; j += LANES) {
            lane e = larger(load(x, j, n, 0), all(0));

            store(scratch, j, n, e);
            part += e;
        }
        sum += total(part);
    }
    if (sum < 1e-8 || n < 2)
        return 0;
    return entropy(scratch, n, (float)(1 / (sum + 1e-8))) / log(n);
}
