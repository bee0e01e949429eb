/* The parts of an eigendecomposition on the CPU (cpu_eigen.c puts them together):
 *
 *   a = Q T Q^T          T tridiagonal; Q is a product of reflectors    cpu_reduce.c
 *   T y = lambda y       for the largest eigenvalues alone              cpu_tridiagonal.c
 *   x = Q y                                                             cpu_reduce.c
 *
 * LAPACK does the same in one call. Here each part looks at a job between two slices of some
 * milliseconds, and only the vectors that are wanted are computed. Work is cut by shape alone, so
 * that the bits do not depend on the number of threads. A job may run other operations of the
 * device between two slices: nothing here uses its scratch memory. */
#ifndef CORE_DEVICE_CPU_EIGEN_H
#define CORE_DEVICE_CPU_EIGEN_H

#include "core/device/cpu.h"

struct eigen {
    struct cpu *cpu;
    struct eigh_top *top;
    double *a; /* [n][lda]; T's reflectors once it is reduced */
    long lda;
    int n;
    double norm;         /* no eigenvalue of a is larger */
    double *d, *e, *tau; /* [n] T / norm: its diagonal, its other diagonal; scales of reflectors */
    int first;           /* index of the first eigenvalue that is wanted */
    double *value;       /* [n - first] of T / norm */
    double *vector;      /* [n - first][n] rows */
};

/* Between two slices: says that `share` of the whole is done. False and a fault: cancelled. */
bool eigen_goes_on(struct eigen *g, double share);

/* a becomes T and reflectors: d, e, tau, norm. False and a fault: no memory, not finite, cancelled.
 */
bool eigen_reduce(struct eigen *g, double from, double to);
/* Each row of `vector`, of T, becomes the one of a. */
bool eigen_expand(struct eigen *g, double from, double to);

/* Which eigenvalues are wanted (g->first), as g->top says. */
void eigen_choose(struct eigen *g);
bool eigen_values(struct eigen *g, double from, double to);
/* Orthonormal vectors of T, by inverse iteration. */
bool eigen_vectors(struct eigen *g, double from, double to);

#endif
