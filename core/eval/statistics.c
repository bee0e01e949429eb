/* Bootstrap intervals, sign-flip tests and Holm's correction (editscope-method(7) 14.4).
 *
 *   resample b:  theta_b = mean of n records drawn with replacement
 *   percentile:  quantiles .025 and .975 of theta_1 ... theta_B
 *   BCa:         quantiles Phi(z0 + (z0 + z) / (1 - a (z0 + z))) instead, z = -+1.96,
 *                z0 = Phi^-1(share of theta_b below the mean, half of those equal to it),
 *                a  = sum u^3 / (6 (sum u^2)^1.5), u = mean of the jackknife means - each of them
 *
 *   Wilson:      all p with |p - share| <= z sqrt(p (1 - p) / n)
 *
 * Efron 1987, Wilson 1927. Draws come from splitmix64 (core/base/rng.h), one 32-bit number a
 * record. */
#include "core/eval/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/base/rng.h"

static const double tail = 0.025; /* of each side of an interval */

double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* By bisection: 100 halvings of -40..40 end at neighbouring numbers. */
double normal_quantile(double p)
{
    double low = -40, high = 40;

    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;

        if (normal_cdf(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static int compare_doubles(const void *a, const void *b)
{
    return number_order(*(const double *)a, *(const double *)b);
}

/* The numbers of x [n] that are none of NAN, in order, into out [n]. Returns how many. */
static int take_known(const double *x, int n, double *out)
{
    int count = 0;

    for (int i = 0; i < n; i++)
        if (!isnan(x[i]))
            out[count++] = x[i];
    return count;
}

static double mean_of(const double *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += x[i];
    return sum / n;
}

/* Quantile q of sorted x [n], interpolated between neighbours. */
static double quantile_of(const double *x, int n, double q)
{
    double at = q * (n - 1), below = floor(at);
    int i = (int)below;

    if (i >= n - 1)
        return x[n - 1];
    return x[i] + (at - below) * (x[i + 1] - x[i]);
}

/* The acceleration of the mean of x [n]. The jackknife means differ from their mean by
 * (x[i] - mean) / (n - 1); the factor cancels. */
static double acceleration_of(const double *x, int n, double mean)
{
    double square = 0, cube = 0;

    for (int i = 0; i < n; i++) {
        double u = x[i] - mean;

        square += u * u;
        cube += u * u * u;
    }
    return square > 0 ? cube / (6 * pow(square, 1.5)) : 0;
}

/* Sets *low and *high to the quantiles that BCa takes. False: z0 is not finite. Means of the same
 * numbers in another order differ in their last bits and count as equal. */
static bool bca_tails(const double *theta, int resamples, double mean, double acceleration,
                      double *low, double *high)
{
    double below = 0, same = 0, z0;
    double *const side[2] = {low, high};

    for (int b = 0; b < resamples; b++)
        same = fmax(same, 1e-12 * fabs(theta[b]));
    for (int b = 0; b < resamples; b++)
        below += fabs(theta[b] - mean) <= same ? 0.5 : theta[b] < mean;
    if (below <= 0 || below >= resamples)
        return false;
    z0 = normal_quantile(below / resamples);
    for (int i = 0; i < 2; i++) {
        double z = z0 + normal_quantile(i ? 1 - tail : tail);

        *side[i] = normal_cdf(z0 + z / (1 - acceleration * z));
    }
    return true;
}

/* One resample of orders, then of the records of each. */
static double resampled_mean(const double *x, const int *count, int orders, int records,
                             uint64_t *rng)
{
    double sum = 0;
    int n = 0;

    for (int k = 0; k < orders; k++) {
        int from = orders > 1 ? (int)rng_below(rng, (uint32_t)orders) : 0;

        for (int i = 0; i < count[from]; i++)
            sum +=
                x[(size_t)from * (size_t)records + (size_t)rng_below(rng, (uint32_t)count[from])];
        n += count[from];
    }
    return sum / n;
}

struct interval bootstrap_mean(const double *x, int orders, int records, int resamples,
                               uint64_t seed)
{
    struct interval out = {(double)NAN, (double)NAN, (double)NAN, 0};
    size_t row = (size_t)records;
    double *known = xcalloc((size_t)orders * row + 1, sizeof(*known));
    double *theta = xcalloc((size_t)resamples + 1, sizeof(*theta));
    double low = tail, high = 1 - tail, sum = 0;
    int *count = xcalloc((size_t)orders + 1, sizeof(*count)), used = 0;
    uint64_t rng = seed;

    for (int k = 0; k < orders; k++) { /* an order without a number is left out */
        count[used] = take_known(x + (size_t)k * row, records, known + (size_t)used * row);
        for (int i = 0; i < count[used]; i++)
            sum += known[(size_t)used * row + (size_t)i];
        out.n += count[used];
        used += count[used] > 0;
    }
    if (out.n)
        out.value = sum / out.n;
    if (out.n && resamples > 0) {
        for (int b = 0; b < resamples; b++)
            theta[b] = resampled_mean(known, count, used, records, &rng);
        if (used == 1)
            bca_tails(theta, resamples, out.value, acceleration_of(known, out.n, out.value), &low,
                      &high);
        qsort(theta, (size_t)resamples, sizeof(*theta), compare_doubles);
        out.low = quantile_of(theta, resamples, low);
        out.high = quantile_of(theta, resamples, high);
    }
    free(count);
    free(theta);
    free(known);
    return out;
}

struct interval wilson_interval(double share, int n)
{
    double z = normal_quantile(1 - tail), by = z * z / n, middle, side;
    struct interval out = {share, (double)NAN, (double)NAN, n};

    if (n < 1 || isnan(share))
        return out;
    middle = (share + by / 2) / (1 + by);
    side = z * sqrt(share * (1 - share) / n + by / n / 4) / (1 + by);
    out.low = fmax(0, middle - side);
    out.high = fmin(1, middle + side);
    return out;
}

struct interval normal_interval(double mean, double error, int n)
{
    double side = normal_quantile(1 - tail) * error;

    return (struct interval){mean, mean - side, mean + side, n};
}

/* The sum of d [n] with random signs, or with those of the bits of `way`. */
static double flipped_sum(const double *d, int n, uint64_t way, uint64_t *rng)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        if (rng && i % 64 == 0)
            way = rng_next(rng);
        sum += way >> (i % 64) & 1 ? -d[i] : d[i];
    }
    return sum;
}

double sign_flip_p(const double *d, int n, int resamples, uint64_t seed)
{
    double *known = xcalloc((size_t)n + 1, sizeof(*known)), observed, scale = 0, p;
    int count = take_known(d, n, known), as_large = 0;
    bool all = count < 31 && 1L << count <= resamples;
    int ways = all ? 1 << count : resamples;
    uint64_t rng = seed;

    for (int i = 0; i < count; i++)
        scale += fabs(known[i]);
    observed = fabs(mean_of(known, count) * count);
    for (int b = 0; count && b < ways; b++) /* sums differ in their last bits with the order */
        as_large += fabs(flipped_sum(known, count, (uint64_t)b, all ? NULL : &rng)) >=
                    observed - 1e-12 * scale;
    p = !count ? (double)NAN : all ? (double)as_large / ways : (as_large + 1.0) / (ways + 1.0);
    free(known);
    return p;
}

void holm(double *p, int n)
{
    double *sorted = xcalloc((size_t)n + 1, sizeof(*sorted));
    double *out = xcalloc((size_t)n + 1, sizeof(*out));
    int count = take_known(p, n, sorted);

    qsort(sorted, (size_t)count, sizeof(*sorted), compare_doubles);
    for (int i = 0; i < count; i++) {
        out[i] = fmin(1, (count - i) * sorted[i]);
        if (i)
            out[i] = fmax(out[i], out[i - 1]);
    }
    for (int k = 0; k < n; k++)
        for (int i = count - 1; i >= 0 && !isnan(p[k]); i--)
            if (sorted[i] <= p[k]) {
                p[k] = out[i];
                break;
            }
    free(out);
    free(sorted);
}
