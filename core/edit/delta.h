/* What an edit adds to one matrix of a block. Plain data. */
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
/* The one definition of its application (every device, bit for bit). Low rank: for each rank t in
 * order, element (i, j): w = fmaf(r[t][i], xm[t][j], w), xm[t][j] = (float)scale *
 * (weight[j] * x[t][j]) in float32, without contraction. Columns of weight 0 stay untouched. The
 * others: w = w + r in float32. */

const char *delta_kind_name(enum delta_kind kind); /* "low rank", "columns", "dense" */
/* "layer 3", or with what is not the usual: "layer 3, q (dense)". */
void delta_place(const struct delta *d, char *out, size_t size);
/* How many floats r has. */
size_t delta_values(const struct delta *d);
/* Whether all its numbers are finite; ERR_FORMAT names the layer, the part, the row (fact) and the
 * column. What is applied to weights or kept has passed here. */
bool delta_is_finite(const struct delta *d, struct err *err);
/* Whether the model has such a matrix of such a size; it is safe to apply then. */
bool delta_fits(const struct delta *d, const struct model_config *c);
void delta_free(struct delta *d);             /* frees the arrays, zeroes the struct */
void deltas_free(struct delta *d, int count); /* and the array */
struct delta delta_copy(const struct delta *d);
/* xm [u][cols] as defined above, of low rank. Caller frees. */
float *delta_masked_x(const struct delta *d);
/* Adds it to the state's matrix, which becomes the state's own; the state notes it as a change of
 * no edit yet (state_assign_edit()). Engine thread. */
void delta_apply(struct model_state *s, const struct delta *d);

#endif
