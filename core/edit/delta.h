/* A delta: what an edit adds to one matrix of a block (editscope-method(7) 8.1). Plain data; a
 * session stores an edit as its deltas in order, and weights change in no other way.
 *
 * The editors here make low rank deltas of the FFN's output matrix W [d, M], where neuron j is
 * column j. For u facts:
 *
 *     W [d, M]  +=   r^T [d, u]   *   xm [u, M],    xm[t][j] = scale (weight[j] x[t][j])
 *
 *     one fact:    | r0 |
 *                  | r1 |  *  | x0 x1  0  0 x4 ... |      weight 0: the column keeps its bits
 *                  | .. |
 *
 * That is u (d + M) numbers instead of d M. It is applied by one definition, the same on every
 * device to the bit, in float32 with one rounding for each fact:
 *
 *     for t = 0 ... u-1, in order:  w = fmaf(r[t][i], xm[t][j], w)
 *     xm[t][j] = (float)scale * (weight[j] * x[t][j]), without contraction
 *
 * So undo can rebuild a state from the base and the remaining deltas and get the bits it had, and a
 * checksum can prove it. Column and dense deltas are of other editors and formats: w = w + r. */
#ifndef CORE_EDIT_DELTA_H
#define CORE_EDIT_DELTA_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/model/matrix.h"

struct model_state;

enum delta_kind {
    DELTA_LOW_RANK, /* W += r^T x, of rank u */
    DELTA_COLUMNS,  /* columns of W += the rows of r, one each */
    DELTA_DENSE,    /* W += r */
    DELTA_KINDS
};

struct delta {
    int layer;
    enum matrix matrix;
    enum delta_kind kind;
    int rank, rows, cols; /* u, or how many columns, or 0; W is [rows, cols] */
    float *r;    /* [u][rows] residuals to add (R of the paper, already divided); of columns
                    [rank][rows]; dense [rows][cols] */
    int *column; /* [rank] of columns alone: which, ascending */
    /* of low rank alone: */
    float *x;      /* [u][cols] solution before the mask */
    float *weight; /* [cols] mask weights; NULL means all ones */
    double scale;  /* gain compensation: 1 unless mask.compensate = gain */
    float *key;    /* [u][cols] raw post-edit key, or NULL */
};

const char *delta_kind_name(enum delta_kind kind); /* "low rank", "columns", "dense" */
/* "layer 3" for a low rank delta of W_down; else with matrix and kind: "layer 3, q (dense)". */
void delta_place(const struct delta *d, char *out, size_t size);
/* The number of floats in r. */
size_t delta_values(const struct delta *d);
/* Whether all numbers are finite and columns ascend; ERR_FORMAT names the layer, the part, the row
 * (fact) and the column. Call it before a delta is applied or stored. */
bool delta_check(const struct delta *d, struct err *err);
/* Whether the model has this matrix, of this size: only then may it be applied. */
bool delta_fits(const struct delta *d, const struct model_config *c);
void delta_free(struct delta *d);             /* frees the arrays, zeroes the struct */
void deltas_free(struct delta *d, int count); /* and the array */
struct delta delta_copy(const struct delta *d);
struct delta delta_dense(int layer, enum matrix matrix, int rows, int cols, float *r); /* takes r */
/* xm [u][cols] as defined above, of low rank. Caller frees. */
float *delta_masked_x(const struct delta *d);
/* The Frobenius norm of sum_t r_t x_t^T, of r [u, rows] and x [u, cols] (masked and scaled),
 * from their Gram matrices. */
double low_rank_norm(const float *r, const float *x, int u, int rows, int cols);
/* Adds it to the state's matrix, which becomes the state's own; the state notes it as a change of
 * no edit yet (state_assign_edit()). Engine thread. */
void delta_apply(struct model_state *s, const struct delta *d);

#endif
