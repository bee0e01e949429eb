/* What an editor asks of the side matrices of a state (hook_side.c). Engine thread. */
#ifndef CORE_MODEL_HOOK_SIDE_H
#define CORE_MODEL_HOOK_SIDE_H

#include "core/model/state.h"

enum { SIDE_EDITS = 500 }; /* of one side matrix; the next edit begins another one */

/* The number of the side matrix of a layer that the next edit changes,
 * W' [d * M] as it is (caller frees) and its threshold so far, INFINITY before its first edit.
 * NULL: the base's matrix could not be read. */
float *side_matrix(const struct model_state *s, int layer, int *number, double *threshold,
                   struct err *err);
/* How many side matrices the layer has. */
int side_count(const struct model_state *s, int layer);
/* The base model's W_down as float32; NULL on a fault. Caller frees. */
float *side_base(const struct model *m, int layer, struct err *err);
/* Removes the side matrices of a layer from a state that is no other's. */
void side_forget(struct model_state *s, int layer);
/* A matrix [n] in the place of two that were made of base; hook_side_merge.c. Caller frees. */
float *side_merge(const float *base, const float *a, const float *b, size_t n);
/* out [d, rows] = W m + bias for the rows m of coeff [rows, M], a column each; ones [1, rows] or
 * more, all 1. */
void side_sums(const struct model *m, int layer, struct mat w, struct mat coeff, struct mat ones,
               struct mat out);
/* The elements of a matrix of n numbers that an edit may change: element e where the first
 * number of the generator seeded with seed 2^32 + e is below share 2^64. [*count] ascending; caller
 * frees. */
int *side_elements(unsigned seed, double share, size_t n, int *count);
/* An edit as a session stores it: what it adds to those elements. */
struct hook_data side_entry(int layer, int number, unsigned seed, double share, double threshold,
                            const float *change, int count);
#endif
