/* The innermost loops of the CPU device, compiled for several instruction sets. cpu_loops() chooses
 * the best for this processor. Any thread. */
#ifndef CORE_DEVICE_CPU_LOOPS_H
#define CORE_DEVICE_CPU_LOOPS_H

#include <stdbool.h>

/* One step of device_lps(): one row b, some rows v of the vocabulary, and n neurons i. The terms
 *   term(v, i) = scale[i] * base[v] + coeff[i] * u[v * ld + i]
 * (plus add[v], then cap tanh(term / cap)) enter max[i] and sum[i]. */
struct lps_strip {
    const float *u, *base, *coeff, *scale; /* [rows, ld], [rows], [n], [n] */
    float *max;                            /* [n] */
    double *sum;                           /* [n] of e^(term - max) */
    float *mean, *square;                  /* [n]; NULL: not computed */
    float *shift, *keep, *part;            /* [n] scratch */
    const float *add;                      /* [rows]; NULL: none. Not with mean and square */
    float cap;                             /* 0: none. Not with mean and square */
    int rows, n, ld;
};

struct cpu_loops {
    /* y[i] = e^(x[i] - shift), to 2 units in the last place. x - shift is clamped to -87 .. 88. y
     * may be x. */
    void (*exp)(const float *x, float shift, float *y, int n);
    float (*max)(const float *x, int n); /* n >= 1 */
    void (*softmax)(float *x, int n);    /* in place, n >= 1 */
    /* out = act(gate) * up and its gradient, indexed by enum activation. up and dup may be NULL:
     * factor 1. Inputs and outputs may be the same. */
    void (*gated[2])(const float *gate, const float *up, float *out, int n);
    void (*gated_grad[2])(const float *gate, const float *up, const float *dout, float *dgate,
                          float *dup, int n);
    void (*lps)(const struct lps_strip *s);
    /* w[j] = fmaf(r, x[j], w[j]) where live[j] is not 0; the same bits in every set */
    void (*delta)(float r, const float *x, const int *live, float *w, int n);
    float (*dot)(const float *a, const float *b, int n);
};

/* The loops for the best instruction set of this processor: AVX-512, AVX2 or plain C. */
const struct cpu_loops *cpu_loops(void);

#endif
