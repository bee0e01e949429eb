/* The hyperspherical energy of a matrix: how evenly the directions of its vectors lie on the sphere
 * (editscope-method(7) 14.5). Engine thread; a cancel ends both functions with false. */
#ifndef CORE_EVAL_ENERGY_H
#define CORE_EVAL_ENERGY_H

#include "core/model/state.h"

/* The mean of 1/|a - b| over all pairs of the n vectors v [n, d], scaled to length 1 in place.
 * Vectors of length 0 are left out. NAN: fewer than two are left. */
bool vectors_energy(double *out, struct device *dev, double *v, int n, int d, struct job *job,
                    struct err *err);
/* The same of a matrix of the state: of the columns of W_down, which are the value vectors of its
 * neurons; of any other one of its rows. */
bool matrix_energy(double *out, const struct model_state *state, int layer, enum matrix which,
                   struct job *job, struct err *err);

#endif
