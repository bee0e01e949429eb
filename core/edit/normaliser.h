/* Mean and standard deviation of vectors that come in batches, over all edits of a method
 * (editscope-method(7) 7.16). Plain data in float64, on the host.
 *
 * A normaliser can be added to another one: so each edit stores its own (struct edit_result), and
 * that of a session is the sum over the active edits in their order. Undo, redo and reopening give
 * its bits, as they give those of the weights. */
#ifndef CORE_EDIT_NORMALISER_H
#define CORE_EDIT_NORMALISER_H

#include <stdbool.h>

struct normaliser {
    int width;
    double count;           /* vectors so far */
    double *mean, *scatter; /* [width] scatter: the sum of squared deviations from the mean */
};

/* Empty, of this width. Free with normaliser_free(). */
struct normaliser *normaliser_new(int width);
void normaliser_free(struct normaliser *n); /* accepts NULL */
/* n becomes that of its vectors and those of `more`, of the same width. */
void normaliser_add(struct normaliser *n, const struct normaliser *more);
/* Adds a batch: `count` vectors x [count][width] of one module. Its scatter counts count / (count -
 * 1) times, as in the released code, and is 0 of a single vector. */
void normaliser_add_batch(struct normaliser *n, const float *x, int count);
/* The standard deviation of component i, never 0. */
double normaliser_deviation(const struct normaliser *n, int i);

/* As numbers for a session, [*count]; the caller frees them. */
double *normaliser_numbers(const struct normaliser *n, int *count);
/* Adds what normaliser_numbers() gave; false: the numbers are of another width. */
bool normaliser_add_numbers(struct normaliser *n, const double *value, int count);

#endif
