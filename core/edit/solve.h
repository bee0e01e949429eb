/* The update of one layer: X such that W += R^T X (R [u, d] residuals, X [u, M]).
 *
 *   X = [P (K K^T + Cc) P + lambda I]^-1 P K                    (editscope-method(7) 7.3)
 *
 * for new keys K [u, M], the cache of past keys Cc and the null space projector P. A struct
 * solver is one layer's memory of past keys: their projections and a float64 Cholesky factor of
 * G = lambda I + Kt Kt^T, which grows by appending (editscope-method(7) 7.4), so that a solve costs
 * O(M r + M n + n^2) for n past keys. It is a cache: raw keys live in the session, and whoever
 * undoes an edit, or changes lambda or P, makes it anew. Keys are rows, on the device, F32 or F64;
 * X is F64. Engine thread only.
 *
 * A function that returns false has left the keys as they were, unless it says otherwise. */
#ifndef CORE_EDIT_SOLVE_H
#define CORE_EDIT_SOLVE_H

#include "core/edit/nullspace.h"
#include "core/edit/report.h"

struct solver {
    struct device *dev;
    const struct nullspace *null; /* not owned; lives longer */
    double lambda;
    int neurons, count, capacity; /* M; past keys; rows there is room for */
    struct mat raw;               /* F32 [capacity, M]: the keys as they were appended */
    struct mat keys;              /* F64 [capacity, M]: projected */
    struct mat factor;            /* F64 [capacity, capacity]: L of G in its first `count` rows */
    struct mat prior; /* F64 [M, M]: mu C + lambda I + Cc of solve_pre(), when it was used */
    double prior_mu;
    struct mat moment; /* F64 [M, M]: L of lambda_c C of solve_memit(), when it was used */
    double moment_lambda;
};

/* No keys yet. lambda > 0. */
struct solver *solver_new(const struct nullspace *null, double lambda, struct err *err);
void solver_free(struct solver *s);
/* Remembers keys [u, M] (post-edit keys, rounded to float32) behind those there are. */
bool solver_append(struct solver *s, struct mat keys, struct err *err);

/* x [u, M] by the low-rank form; the solver's keys are not changed. */
bool solve_lowrank(struct solver *s, struct mat keys, struct mat x, struct err *err);
/* The same by a dense M x M system from the raw keys, as the formula says (edit.solver =
 * dense): O(M^3) and 24 M^2 bytes. */
bool solve_dense(struct solver *s, struct mat keys, struct mat x, struct err *err);
/* mask.place = pre (editscope-method(7) 7.7): only neurons S with weight[i] > 0 (weight [M], host)
 * may move, and they carry the whole residual: (K_S K_S^T + Cc_SS + mu C_SS + lambda I) X_S = K_S,
 * 0 elsewhere. An empty mask gives x = 0. */
bool solve_pre(struct solver *s, struct mat keys, const float *weight, double mu, struct mat x,
               struct err *err);
/* MEMIT: X = (lambda_c C + K K^T)^-1 K, no memory of past edits. Needs a moment of more tokens
 * than neurons. The factor of lambda_c C is kept for the next call. */
bool solve_memit(struct solver *s, struct mat keys, double lambda_c, struct mat x, struct err *err);

/* What a solution does: q, gains and leaks of the report. weight [u][M] on the host, a row for each
 * fact, NULL for all ones; scale: struct delta. */
bool solver_report(const struct solver *s, struct mat keys, struct mat x, const float *weight,
                   double scale, struct layer_report *report, struct err *err);
/* Against chance: shares (0..100) of `trials` random masks, the weights shuffled over the
 * neurons, for all facts alike, that have a smaller gain, and a smaller leak / gain^2, than this
 * mask. The same seed gives the same masks. Says nothing about a solution of solve_pre(), which is
 * 0 elsewhere. */
bool solver_percentiles(const struct solver *s, struct mat keys, struct mat x, const float *weight,
                        int trials, unsigned long long seed, double *gain_percentile,
                        double *leak_percentile, struct err *err);
/* hit [u][count] (host) = |k_j^T x_i|: how far the raw past keys are moved by the update, in
 * units of ||r_i||. weight as above. */
bool solver_hits(const struct solver *s, struct mat x, const float *weight, double *hit,
                 struct err *err);

#endif
