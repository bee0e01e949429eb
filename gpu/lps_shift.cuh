/* The running log-sum-exp of the log probability shift, for one row and one neuron, in a thread's
 * registers. A new maximum m' rescales the sums by e^(m - m'), so nothing overflows; the sums of
 * two threads are joined in the same way. log sum e^x = max + log(sum). */
#ifndef GPU_LPS_SHIFT_CUH
#define GPU_LPS_SHIFT_CUH

#include "gpu/launch.cuh"

enum { SHIFT_TERMS = 4 }; /* terms that are added in float32 before they enter the double sums */

/* The maximum of the terms x, and the sums of e, e U and e U^2, where e = e^(x - max). */
struct shift {
    float max;
    double sum, mean, square;
};

/* No terms yet. */
__device__ static inline struct shift shift_none(void)
{
    struct shift t = {-INFINITY, 0, 0, 0};

    return t;
}

/* Adds the first n >= 1 of SHIFT_TERMS terms x = c u + a base. */
template <bool MOMENTS>
__device__ static inline void shift_take(struct shift *t, const float *u, const float *base,
                                         float c, float a, int n)
{
    float x[SHIFT_TERMS], top = t->max, sum = 0, mean = 0, square = 0;

    UNROLL
    for (int k = 0; k < SHIFT_TERMS; k++) {
        x[k] = k < n ? fmaf(c, u[k], a * base[k]) : -INFINITY;
        top = fmaxf(top, x[k]);
    }
    if (top == -INFINITY) { /* all terms so far are -infinity and add 0; or NaN, which must stay */
        UNROLL
        for (int k = 0; k < SHIFT_TERMS; k++)
            sum += x[k] == -INFINITY ? 0 : x[k];
        t->sum += (double)sum;
        return;
    }
    if (top > t->max) {
        double keep = (double)expf(t->max - top);

        t->max = top;
        t->sum *= keep;
        t->mean *= keep;
        t->square *= keep;
    }
    UNROLL
    for (int k = 0; k < SHIFT_TERMS; k++) {
        float e = k < n ? expf(x[k] - top) : 0;

        sum += e;
        if (MOMENTS) {
            mean += e * u[k];
            square += e * u[k] * u[k];
        }
    }
    t->sum += (double)sum;
    if (MOMENTS) {
        t->mean += (double)mean;
        t->square += (double)square;
    }
}

/* Adds the terms of another one. */
__device__ static inline void shift_join(struct shift *t, struct shift o)
{
    float max = fmaxf(t->max, o.max);
    double mine, other;

    if (max == -INFINITY) { /* no finite term on either side, or NaN */
        t->sum += o.sum;
        return;
    }
    mine = (double)expf(t->max - max);
    other = (double)expf(o.max - max);
    t->max = max;
    t->sum = t->sum * mine + o.sum * other;
    t->mean = t->mean * mine + o.mean * other;
    t->square = t->square * mine + o.square * other;
}

/* Reads element (b, i) of the state, and writes it back. */
template <bool MOMENTS>
__device__ static inline struct shift shift_load(struct lps_state s, long b, int i)
{
    struct shift t = {((const float *)s.max.data)[b * s.max.stride + i],
                      ((const double *)s.sum.data)[b * s.sum.stride + i], 0, 0};

    if (MOMENTS) {
        t.mean = (double)((const float *)s.mean.data)[b * s.mean.stride + i];
        t.square = (double)((const float *)s.square.data)[b * s.square.stride + i];
    }
    return t;
}

template <bool MOMENTS>
__device__ static inline void shift_store(struct lps_state s, long b, int i, struct shift t)
{
    ((float *)s.max.data)[b * s.max.stride + i] = t.max;
    ((double *)s.sum.data)[b * s.sum.stride + i] = t.sum;
    if (MOMENTS) {
        ((float *)s.mean.data)[b * s.mean.stride + i] = (float)t.mean;
        ((float *)s.square.data)[b * s.square.stride + i] = (float)t.square;
    }
}

#endif
