/* Solutions of an edit's equations on the host, by the authors' formulas term by term: what the
 * solver's answers are compared with. */
#ifndef TESTS_UNIT_HOST_SOLVE_H
#define TESTS_UNIT_HOST_SOLVE_H

#include <math.h>
#include <stdlib.h>

#include "core/edit/nullspace.h"

enum { M = 96 }; /* neurons */

/* Gaussian elimination with pivoting: a [n][n] x = b [n][u]; x replaces b. */
static void eliminate(double *a, double *b, int n, int u)
{
    for (int p = 0; p < n; p++) {
        int best = p;

        for (int r = p + 1; r < n; r++)
            if (fabs(a[r * n + p]) > fabs(a[best * n + p]))
                best = r;
        for (int c = 0; c < n + u; c++) {
            double *x = c < n ? &a[p * n + c] : &b[p * u + c - n];
            double *y = c < n ? &a[best * n + c] : &b[best * u + c - n];
            double t = *x;

            *x = *y;
            *y = t;
        }
        for (int r = 0; r < n; r++) {
            double f = r == p ? 0 : a[r * n + p] / a[p * n + p];

            for (int c = p; f != 0 && c < n; c++)
                a[r * n + c] -= f * a[p * n + c];
            for (int c = 0; f != 0 && c < u; c++)
                b[r * u + c] -= f * b[p * u + c];
        }
    }
    for (int r = 0; r < n; r++)
        for (int c = 0; c < u; c++)
            b[r * u + c] /= a[r * n + r];
}

/* P of the null space on the host, from its kept vectors. */
static void host_projector(const struct nullspace *null, double *p)
{
    double *v = offload_download(&null->vectors, 0, null->rank, NULL);

    for (int i = 0; i < M; i++)
        for (int j = 0; j < M; j++) {
            p[i * M + j] = i == j;
            for (int r = 0; r < null->rank; r++)
                p[i * M + j] -= v[r * M + i] * v[r * M + j];
        }
    free(v);
}

/* X as rows by the authors' formula, [P (K K^T + Cc) + lambda I]^-1 P K, term by term. */
static void host_solve(const struct nullspace *null, const float *past, int n, const float *k,
                       int u, double lambda, double *x)
{
    double *p = malloc(M * M * sizeof *p), *s = calloc(M * M, sizeof *s);
    double *a = calloc(M * M, sizeof *a), *b = calloc((size_t)(M * u), sizeof *b);

    host_projector(null, p);
    for (int t = 0; t < n + u; t++) {
        const float *row = t < n ? past + t * M : k + (t - n) * M;

        for (int i = 0; i < M; i++)
            for (int j = 0; j < M; j++)
                s[i * M + j] += (double)row[i] * (double)row[j];
    }
    for (int i = 0; i < M; i++)
        for (int m = 0; m < M; m++) {
            for (int j = 0; j < M; j++)
                a[i * M + j] += p[i * M + m] * s[m * M + j];
            for (int t = 0; t < u; t++)
                b[i * u + t] += p[i * M + m] * (double)k[t * M + m];
        }
    for (int i = 0; i < M; i++)
        a[i * M + i] += lambda;
    eliminate(a, b, M, u);
    for (int t = 0; t < u; t++)
        for (int i = 0; i < M; i++)
            x[t * M + i] = b[i * u + t];
    free(p);
    free(s);
    free(a);
    free(b);
}

/* (K_S K_S^T + Cc_SS + mu C_SS + lambda I) X_S = K_S by elimination; X as rows, 0 elsewhere. */
static void host_pre(const double *c, double mu, double lambda, const float *past, int n,
                     const float *k, int u, const float *weight, double *x)
{
    double *a = calloc(M * M, sizeof *a), *b = calloc((size_t)(M * u), sizeof *b);

    for (int i = 0; i < M; i++) {
        for (int j = 0; j < M && weight[i] > 0; j++) {
            double sum = mu * c[i * M + j];

            for (int t = 0; t < n + u; t++) {
                const float *row = t < n ? past + t * M : k + (t - n) * M;

                sum += (double)row[i] * (double)row[j];
            }
            a[i * M + j] = weight[j] > 0 ? sum : 0;
        }
        a[i * M + i] += weight[i] > 0 ? lambda : 1;
        for (int t = 0; t < u; t++)
            b[i * u + t] = weight[i] > 0 ? (double)k[t * M + i] : 0;
    }
    eliminate(a, b, M, u);
    for (int t = 0; t < u; t++)
        for (int i = 0; i < M; i++)
            x[t * M + i] = b[i * u + t];
    free(a);
    free(b);
}

#endif
