/* What an edit is: W += r^T x on one matrix, of rank u. Plain data. */
#ifndef CORE_EDIT_DELTA_H
#define CORE_EDIT_DELTA_H

#include <stdbool.h>

#include "core/base/err.h"

struct delta {
    int layer;
    int rank, rows, cols; /* u; d; M for a down projection W [d, M] */
    float *r;             /* [u][d] residuals to add (R of the paper, already divided) */
    float *x;             /* [u][M] solution before the mask */
    float *weight;        /* [M] mask weights; NULL means all ones */
    double scale;         /* gain compensation: 1 unless mask.compensate = gain */
    float *key;           /* [u][M] raw post-edit key, or NULL */
};
/* The one definition of its application (every device, bit for bit): for each rank t in
 * order, element (i, j): w = fmaf(r[t][i], xm[t][j], w), xm[t][j] = (float)scale *
 * (weight[j] * x[t][j]) in float32, without contraction. Columns of weight 0 stay untouched. */

/* Whether all its numbers are finite; ERR_FORMAT names the layer, the part, the row (fact) and the
 * column. What is applied to weights or kept has passed here. */
bool delta_sound(const struct delta *d, struct err *err);
void delta_free(struct delta *d); /* frees the arrays, zeroes the struct */
struct delta delta_copy(const struct delta *d);
/* xm [u][M] as defined above. Caller frees. */
float *delta_masked_x(const struct delta *d);

#endif
