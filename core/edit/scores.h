/* Reduces the attribution scores of a layer to what a mask is made of (paper Eq. 4 to 7;
 * editscope-method(7) 4.1 to 4.4). Pure functions; any thread. */
#ifndef CORE_EDIT_SCORES_H
#define CORE_EDIT_SCORES_H

#include <stdbool.h>
#include <stddef.h>

struct score_reduction {
    bool zscore_general;  /* Eq. 4 counts rows with a positive z-score, else a positive score */
    bool zscore_specific; /* Eq. 5 takes the maximum of z-scores, else of scores */
};

/* score [rows][neurons], all finite. general [neurons]: Eq. 4, a count 0..rows. specific
 * [neurons]: Eq. 5. mean_z [neurons]: mean over rows of the z-scores over neurons (unbiased
 * standard deviation + 1e-6). */
void scores_reduce(const float *score, int rows, int neurons, struct score_reduction how,
                   float *general, float *specific, float *mean_z);
/* Whether no value is NaN or infinite. */
bool scores_finite(const float *score, size_t n);
/* Entropy of softmax(sharpness x), sharpness > 0, over log n (a row of Eq. 6). scratch [n]. */
double scores_softmax_entropy(const float *x, int n, float sharpness, float *scratch);
/* Entropy of max(x, 0) / sum over log n (Eq. 7); 0 where nothing is positive. scratch [n]. */
double scores_share_entropy(const float *x, int n, float *scratch);
/* Largest |x|. */
float scores_max_abs(const float *x, int n);

#endif
