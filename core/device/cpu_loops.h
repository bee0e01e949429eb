/* Innermost loops of the CPU device, compiled for several instruction sets. */
#ifndef CORE_DEVICE_CPU_LOOPS_H
#define CORE_DEVICE_CPU_LOOPS_H

#include <stdbool.h>

/* One row of LPS over a strip of the vocabulary and some neurons: term(v, i) =
 * scale[i] * base[v] + coeff[i] * u[v * ld + i], plus add[v], then cap tanh(term / cap). The sums
 * are kept relative to max. */
struct lps_strip {
    const float *u, *base, *coeff, *scale;
    float *max;
    double *sum;          /* in double: where one term is nearly all, the others still count */
    float *mean, *square; /* NULL: not wanted */
    float *shift, *keep, *part; /* [n] working room */
    const float *add;           /* NULL: none; it and cap only without mean and square */
    float cap;                  /* 0: none */
    int rows, n, ld;
};

struct cpu_loops {
    /* y[i] = e^(x[i] - shift), to 2 units in the last place where x - shift is in -87 .. 88;
     * arguments outside are moved to its edge. y may be x. */
    void (*exp)(const float *x, float shift, float *y, int n);
    float (*max)(const float *x, int n); /* n >= 1 */
    void (*softmax)(float *x, int n);    /* in place, n >= 1 */
    /* out = act(gate) * up, by enum activation; up (then dup too) NULL: 1. Aliases allowed. */
    void (*gated[2])(const float *gate, const float *up, float *out, int n);
    void (*gated_grad[2])(const float *gate, const float *up, const float *dout, float *dgate,
                          float *dup, int n);
    void (*lps)(const struct lps_strip *s);
    /* w[j] = fmaf(r, x[j], w[j]) where live[j]; the same bits in every set */
    void (*delta)(float r, const float *x, const int *live, float *w, int n);
    float (*dot)(const float *a, const float *b, int n);
};

/* The best for this processor. */
const struct cpu_loops *cpu_loops(void);

#endif
