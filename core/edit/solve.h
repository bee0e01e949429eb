/* The update of one layer: the solution X such that W += R^T X, for residuals R [u, d] and X [u,
 * M], a row for each of u facts.
 *
 *   X = [P (K K^T + Kp Kp^T) P + lambda I]^-1 P K             (editscope-method(7) 7.3)
 *
 * K are the keys of the new facts, Kp those of past edits, P projects on the null space
 * (core/edit/nullspace.h). lambda I alone would write R into the direction of the key. P keeps X
 * out of the directions that ordinary text uses, and Kp Kp^T makes it small along past keys.
 *
 * A struct solver is the memory of past keys of one layer. It keeps their projections Q = P Kp and
 * the Cholesky factor L of G = lambda I + Q^T Q, which grows by rows when keys are appended:
 *
 *   keys [capacity, M]  F64         factor [capacity, capacity]  F64
 *   | q_0           |               | l              |
 *   | ...           | count         | l l            | count
 *   | q_count-1     |               | l l l          |
 *   | (unused)      |               | (unused)       |
 *
 * So a solve costs O(M r + M n + n^2) for rank r of the eigenvectors and n past keys, where the
 * M x M system would cost O(M^3): for M = 14336 that is 2e8 instead of 3e12 operations.
 *
 * A solver is a cache. The session has the raw keys; after an undo, or when lambda or P change, the
 * caller makes a new one. Keys are rows on the device, F32 or F64; X is F64. Engine thread. A
 * function that returns false has left the stored keys unchanged, unless it says otherwise. */
#ifndef CORE_EDIT_SOLVE_H
#define CORE_EDIT_SOLVE_H

#include "core/edit/nullspace.h"
#include "core/edit/report.h"

struct solver {
    struct device *dev;
    const struct nullspace *null; /* not owned; lives longer */
    double lambda;
    int neurons, count, capacity; /* M; past keys; allocated rows */
    struct mat raw;               /* F32 [capacity, M]: the keys as they were appended */
    struct mat keys;              /* F64 [capacity, M]: projected */
    struct mat factor;            /* F64 [capacity, capacity]: L of G in its first `count` rows */
    struct mat prior; /* F64 [M, M]: mu C + lambda I + Kp Kp^T of solve_pre(); empty until then */
    double prior_mu;
    struct mat moment; /* F64 [M, M]: L of lambda_c C + mu I of solve_memit(); empty until then */
    double moment_lambda, moment_mu;
};

/* Without keys. lambda 0 (edit.lambda = auto) is solver_auto_lambda(); below 0 it is ERR_USAGE. */
struct solver *solver_new(const struct nullspace *null, double lambda, struct err *err);
/* The lambda that fits a null space (editscope-method(7) 7.3): a share of the mean q = k^T P k of
 * the text's keys, which is what the null directions hold of the trace. 1 without a null space, or
 * where the text holds nothing of it. */
double solver_auto_lambda(const struct nullspace *null);
void solver_free(struct solver *s);
/* Appends keys [u, M] (read after their edit, rounded to float32): editscope-method(7) 7.9. */
bool solver_append(struct solver *s, struct mat keys, struct err *err);

/* x [u, M] by the small form, editscope-method(7) 7.4. Stores nothing. */
bool solve_lowrank(struct solver *s, struct mat keys, struct mat x, struct err *err);
/* EvoEdit (editscope-method(7) 7.25): P leaves out the directions of the past keys as well, but of
 * those that a new key has again: X = [P' K K^T P' + lambda I]^-1 P' K. O(M n^2 + n^3). */
bool solve_evolving(struct solver *s, struct mat keys, struct mat x, struct err *err);
/* The same by the M x M system of the formula, from the raw keys (edit.solver = dense), as a check:
 * O(M^3) operations and 24 M^2 bytes. */
bool solve_dense(struct solver *s, struct mat keys, struct mat x, struct err *err);
/* mask.place = pre (editscope-method(7) 7.7): only neurons S with weight[i] > 0 (weight [M], host)
 * may move, and they carry the whole residual: (K_S K_S^T + Kp_S Kp_S^T + mu C_SS + lambda I) X_S =
 * K_S, 0 elsewhere. An empty mask gives x = 0. */
bool solve_pre(struct solver *s, struct mat keys, const float *weight, double mu, struct mat x,
               struct err *err);
/* MEMIT (editscope-method(7) 7.5): X = (lambda_c C + mu I + K K^T)^-1 K; with `past` K K^T holds
 * the past keys as well, which takes O(n M^2). With mu 0 it needs a moment of more tokens than
 * neurons. The factor of lambda_c C + mu I is kept for the next call. */
bool solve_memit(struct solver *s, struct mat keys, double lambda_c, double mu, bool past,
                 struct mat x, struct err *err);

/* rows [d, M] F64 become rows A^-1, with the A = lambda_c C + mu I + K K^T of solve_memit(). */
bool solve_memit_rows(struct solver *s, struct mat keys, double lambda_c, double mu, bool past,
                      struct mat rows, struct err *err);

/* ROME (editscope-method(7) 7.12): x_t = C^-1 d_t / (k_t . C^-1 d_t) for each row of keys and of
 * directions d [u, M], each alone: k_t . x_t is 1. ERR_USAGE where d and the key are as good as
 * perpendicular. Needs a moment of more tokens than neurons; with `plain` the directions are taken
 * without C^-1. */
bool solve_rome(struct solver *s, struct mat keys, struct mat directions, bool plain, struct mat x,
                struct err *err);

/* The effect of a solution: q, gains and leaks of the report (editscope-method(7) 7.10). weight
 * [u][M] on the host, a row for each fact, NULL for all ones; scale: struct delta. */
bool solver_report(const struct solver *s, struct mat keys, struct mat x, const float *weight,
                   double scale, struct layer_report *report, struct err *err);
/* The mask against random ones: percentage (0..100) of `trials` random masks, the weights shuffled
 * over the neurons, for all facts alike, that have a smaller gain, and a smaller leak / gain^2,
 * than this mask. The same seed gives the same masks. Not for solutions of solve_pre(), which are 0
 * outside their mask. A product of M x M for each: ERR_CANCELLED. */
bool solver_percentiles(const struct solver *s, struct mat keys, struct mat x, const float *weight,
                        int trials, unsigned long long seed, double *gain_percentile,
                        double *leak_percentile, struct job *job, struct err *err);
/* hit [u][count] (host) = |k_j^T x_i|: how far the update moves the output for each raw past key,
 * in units of ||r_i||. weight as above. */
bool solver_hits(const struct solver *s, struct mat x, const float *weight, double *hit,
                 struct err *err);

#endif
