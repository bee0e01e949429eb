/* Reductions and entropies of scores. A change of a parameter on the screen recomputes them for
 * every layer of the model, so the loops use the vector types of gcc and clang (four floats, which
 * every target has). */
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

/* x[j .. j+3]; elements from n on read as `fill`. Without calls and arrays, so that the
 * sums of the caller stay in registers. */
static inline lane lane_load(const float *x, int j, int n, float fill)
{
    lane v;

    if (j + LANES > n)
        return (lane){x[j], j + 1 < n ? x[j + 1] : fill, j + 2 < n ? x[j + 2] : fill, fill};
    memcpy(&v, x + j, sizeof(v));
    return v;
}

static inline void lane_store(float *x, int j, int n, lane v)
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

static inline lane lane_all(float x)
{
    return (lane){x, x, x, x};
}

static inline lane lane_choose(ilane mask, lane yes, lane no)
{
    return (lane)((mask & (ilane)yes) | (~mask & (ilane)no));
}

static inline lane lane_larger(lane a, lane b)
{
    return lane_choose(a > b, a, b);
}

static inline float lane_largest(lane v)
{
    float a = v[0] > v[1] ? v[0] : v[1], b = v[2] > v[3] ? v[2] : v[3];

    return a > b ? a : b;
}

static inline double lane_total(lane v)
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
    lane p = lane_all(1.9875691500e-4f);
    ilane power;

    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    power = (__builtin_convertvector(n, ilane) + 127) << 23;
    return lane_choose(x > lane_all(-40), p * (lane)power, lane_all(0));
}

/* log x for normal x > 0, relative error 2e-7. */
static inline lane lane_log(lane x)
{
    /* mantissa in [sqrt(1/2), sqrt(2)) */
    ilane bits = (ilane)x - 0x3f3504f3;
    lane e = __builtin_convertvector(bits >> 23, lane);
    lane m = (lane)((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
    lane z = m * m;
    lane p = lane_all(7.0376836292e-2f);

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
    lane origin = lane_all(x[0]);
    dlane sum = {0}, squares = {0};
    double s, ss, variance;

    for (int j = 0; j < n; j += LANES) {
        dlane d = __builtin_convertvector(lane_load(x, j, n, x[0]) - origin, dlane);

        sum += d;
        squares += d * d;
    }
    s = sum[0] + sum[1] + sum[2] + sum[3];
    ss = squares[0] + squares[1] + squares[2] + squares[3];
    variance = n > 1 ? (ss - s * s / n) / (n - 1) : 0;
    return (struct moments){(float)((double)x[0] + s / n),
                            (float)(1 / (sqrt(fmax(variance, 0)) + 1e-6))};
}

/* scores_reduce() for BLOCK neurons from `from` on: the rows of a block stay in the cache. */
static void reduce_block(const float *score, int rows, int neurons, int from,
                         struct score_reduction how, const struct moments *of, float *general,
                         float *specific, float *mean_z)
{
    int to = from + BLOCK < neurons ? from + BLOCK : neurons;

    for (int j = from; j < to; j += LANES) {
        lane count = lane_all(0), top = lane_all(-INFINITY), sum = lane_all(0);

        for (int b = 0; b < rows; b++) {
            lane a = lane_load(score + (size_t)b * (size_t)neurons, j, neurons, 0);
            lane about = a - of[b].mean, z = about * of[b].inverse_std;

            count += lane_choose((how.zscore_general ? about : a) > lane_all(0), lane_all(1),
                                 lane_all(0));
            top = lane_larger(how.zscore_specific ? z : a, top);
            sum += z;
        }
        lane_store(general, j, neurons, count);
        lane_store(specific, j, neurons, top);
        lane_store(mean_z, j, neurons, sum * (1 / (float)rows));
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
            ilane bits = (ilane)lane_load(score, j, chunk, 0) & 0x7f800000;

            bad |= bits == 0x7f800000;
        }
    }
    return !(bad[0] | bad[1] | bad[2] | bad[3]);
}

static float row_max(const float *x, int n)
{
    lane top = lane_all(x[0]);

    for (int j = 0; j < n; j += LANES)
        top = lane_larger(lane_load(x, j, n, x[0]), top);
    return lane_largest(top);
}

float scores_max_abs(const float *x, int n)
{
    lane top = lane_all(0);

    for (int j = 0; j < n; j += LANES)
        top = lane_larger((lane)((ilane)lane_load(x, j, n, 0) & 0x7fffffff), top);
    return lane_largest(top);
}

/* sum of -p log(p + 1e-8), p = e scale. */
static double share_entropy(const float *e, int n, float scale)
{
    double h = 0;

    for (int from = 0; from < n; from += BLOCK) {
        int to = from + BLOCK < n ? from + BLOCK : n;
        lane sum = lane_all(0), any = lane_all(0);

        for (int j = from; j < to; j += LANES)
            any = lane_larger(lane_load(e, j, n, 0), any);
        if (lane_largest(any) * scale < 1e-16f) /* nothing positive in the block: no logarithms */
            continue;
        for (int j = from; j < to; j += LANES) {
            lane p = lane_load(e, j, n, 0) * scale;

            sum -= p * lane_log(p + 1e-8f);
        }
        h += lane_total(sum);
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
        lane part = lane_all(0);

        for (int j = from; j < to; j += LANES) {
            lane x = lane_load(e, j, n, 0), y = x * x * 6.0f, z = x * floor * 3.0f;

            part += (y + z) / (y + z + z + floor * floor);
        }
        sum += lane_total(part);
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
        lane part = lane_all(0), part_weighted = lane_all(0);

        for (int j = from; j < to; j += LANES) {
            lane t = lane_larger((lane_load(x, j, n, -FLT_MAX) - top) * sharpness, lane_all(-100));
            lane e = lane_exp(t);

            lane_store(scratch, j, n, e);
            part += e;
            part_weighted += e * t;
        }
        sum += lane_total(part);
        weighted += lane_total(part_weighted);
    }
    h = log(sum) - weighted / sum - 1e-8 * floor_terms(scratch, n, (float)(1e-8 * sum));
    return h / log(n);
}

double scores_share_entropy(const float *x, int n, float *scratch)
{
    double sum = 0;

    for (int from = 0; from < n; from += BLOCK) {
        int to = from + BLOCK < n ? from + BLOCK : n;
        lane part = lane_all(0);

        for (int j = from; j < to; j += LANES) {
            lane e = lane_larger(lane_load(x, j, n, 0), lane_all(0));

            lane_store(scratch, j, n, e);
            part += e;
        }
        sum += lane_total(part);
    }
    if (sum < 1e-8 || n < 2)
        return 0;
    return share_entropy(scratch, n, (float)(1 / (sum + 1e-8))) / log(n);
}
