/* Eigendecomposition of a symmetric matrix: the largest eigenvalues and their vectors, in parts
 * that a job can stop (cpu_eigen.h). With r of n vectors it takes about
 *
 *   4/3 n^3  operations to tridiagonal form, half of them as fast as memory is read
 *   2 r n^2  for the way back
 *   2 r^2 n  to make the vectors orthonormal, and 500 r n divisions for the values
 *
 * and r n + r^2 numbers of memory beside the matrix. */
#include "core/device/cpu_eigen.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/job.h"

/* Where the parts end, as shares of the time: measured with n = 4864, r = 1459. */
#define REDUCED 0.70
#define VALUES  0.77
#define VECTORS 0.88

bool eigen_goes_on(struct eigen *g, double share)
{
    return device_goes_on(&g->cpu->dev, g->top, share);
}

static bool eigen_run(struct eigen *g)
{
    size_t n = (size_t)g->n, wanted;

    g->d = calloc(3 * n, sizeof(*g->d));
    g->e = g->d + n;
    g->tau = g->e + n;
    if (!g->d)
        return err_set(&g->cpu->dev.fault, ERR_LIMIT, "no memory to decompose a %d x %d matrix",
                       g->n, g->n);
    if (!eigen_reduce(g, 0, REDUCED))
        return false;
    eigen_choose(g);
    wanted = n - (size_t)g->first;
    g->value = calloc(wanted + 1, sizeof(*g->value));
    g->vector = malloc((wanted * n + 1) * sizeof(*g->vector));
    if (!g->value || !g->vector)
        return err_set(&g->cpu->dev.fault, ERR_LIMIT, "no memory for %zu eigenvectors", wanted);
    return eigen_values(g, REDUCED, VALUES) && eigen_vectors(g, VALUES, VECTORS) &&
           eigen_expand(g, VECTORS, 1);
}

void cpu_eigh_top(struct device *dev, struct mat a, struct mat values, struct eigh_top *top)
{
    struct eigen g = {
        .cpu = (struct cpu *)dev, .top = top, .a = a.data, .lda = a.stride, .n = a.rows};
    double *value = values.data;

    top->trace = 0;
    for (int i = 0; i < g.n; i++)
        top->trace += row_f64(a, i)[i];
    if (g.n && eigen_run(&g)) {
        top->first = g.first;
        for (int i = 0; i < g.n; i++)
            value[i] = i < g.first ? 0 : g.value[i - g.first] * (g.norm > 0 ? g.norm : 1);
        for (int i = g.first; i < g.n; i++)
            memcpy(row_f64(a, i), g.vector + (size_t)(i - g.first) * (size_t)g.n,
                   (size_t)g.n * sizeof(double));
    }
    free(g.d);
    free(g.value);
    free(g.vector);
}
