/* The sum of a matrix's edits as a product of two thin matrices: D = up^T down. */
#ifndef CORE_SESSION_EXPORT_LOW_RANK_H
#define CORE_SESSION_EXPORT_LOW_RANK_H

#include "core/session/export/export.h"

struct low_rank {
    int rank, rows, cols;
    float *up;   /* [rank][rows] */
    float *down; /* [rank][cols] */
};

/* The exact factors: those of all edits, one below another. With more ranks than rows, D itself
 * with the unit matrix, which is smaller. ERR_LIMIT: no memory. */
bool low_rank_exact(struct low_rank *out, const struct export_matrix *l, struct err *err);
/* The nearest matrix of rank `rank` < exact->rank in the Frobenius norm (Eckart and Young),
 * computed in float64 on the device. *loss2 grows by |D - D_rank|^2, *total2 by |D|^2. */
bool low_rank_cut(struct low_rank *out, const struct low_rank *exact, int rank, struct device *dev,
                  double *loss2, double *total2, struct err *err);
void low_rank_free(struct low_rank *r); /* accepts a zeroed one */

#endif
