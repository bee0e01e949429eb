/* The sum of a layer's edits as a product of two thin matrices: D = up^T down. */
#ifndef CORE_SESSION_EXPORT_LOW_RANK_H
#define CORE_SESSION_EXPORT_LOW_RANK_H

#include "core/session/export/export.h"

struct low_rank {
    int rank, rows, cols;
    float *up;   /* [rank][rows] */
    float *down; /* [rank][cols] */
};

/* Exact: the edits' own factors one under another, or with more of them than rows the sum itself
 * under the unit matrix. */
bool low_rank_exact(struct low_rank *out, const struct export_matrix *l, struct err *err);
/* The nearest of this rank in the Frobenius norm (Eckart and Young), from the eigenvectors of the
 * factors' Gram matrices in float64; rank < that of `exact`. The squares of what is lost and of
 * the whole are added to the sums. */
bool low_rank_cut(struct low_rank *out, const struct low_rank *exact, int rank, struct device *dev,
                  double *lost2, double *whole2, struct err *err);
void low_rank_free(struct low_rank *r); /* accepts a zeroed one */

#endif
