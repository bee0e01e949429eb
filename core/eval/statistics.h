/* Statistics over the records of a run (editscope-method(7) 14.4): intervals by bootstrap, p values
 * by sign flips, and Holm's correction. The unit is the record. The same numbers and seed give the
 * same result on every machine. Plain data; any thread. */
#ifndef CORE_EVAL_STATISTICS_H
#define CORE_EVAL_STATISTICS_H

#include <stdint.h>

enum { STATISTICS_RESAMPLES = 10000 };

struct interval {
    double value, low, high; /* the mean, and the ends of its 95 % interval; NAN: no number */
    int n;                   /* how many numbers went into it */
};

/* The mean of x [orders][records], with an interval by bootstrap (0 resamples: without one). NAN in
 * x: not measured, left out.
 *
 * With one order: BCa over the records; the plain percentiles where BCa is not defined (all
 * resamples on one side of the mean). With several, orders are resampled first, then records in
 * each of them, since the records of an order share one model; plain percentiles. For a difference
 * of two arms give the differences of their pairs. */
struct interval bootstrap_mean(const double *x, int orders, int records, int resamples,
                               uint64_t seed);
/* The share of n answers that are right or wrong, with Wilson's interval. It stays within 0 and 1,
 * and has a width at both ends, where the standard error and a bootstrap have none. n 0: NAN. */
struct interval wilson_interval(double share, int n);
/* The mean of n numbers with this standard error: 1.96 of it to each side. */
struct interval normal_interval(double mean, double error, int n);
/* The two-sided p value of the mean of the differences d [n] being 0, by flipping their signs: all
 * 2^n ways if these are at most `resamples`, else so many random ones, where the observed signs
 * count as one way more. NAN is left out. NAN: no number. */
double sign_flip_p(const double *d, int n, int resamples, uint64_t seed);
/* Holm's correction of p [n], in place. NAN is no comparison and stays. */
void holm(double *p, int n);
/* The standard normal distribution, and its inverse for 0 < p < 1. */
double normal_cdf(double x);
double normal_quantile(double p);

#endif
