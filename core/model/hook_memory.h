/* What an editor asks of the residual memory of a state (hook_memory.c). Engine thread. */
#ifndef CORE_MODEL_HOOK_MEMORY_H
#define CORE_MODEL_HOOK_MEMORY_H

#include "core/model/state.h"

/* What the masks of a memory are made with. Hooks with another one are another memory. */
struct memory_key {
    int layer, active;       /* active: neurons of a mask */
    const float *background; /* [M] what is subtracted from the mean coefficients of a prompt */
};

/* W_m [d * M] of the state's memory with this key, all 0 where it has none. Caller frees. */
float *memory_matrix(const struct model_state *s, const struct memory_key *key);
/* Removes the memories of a layer from a state that is no other's. */
void memory_forget(struct model_state *s, int layer);
/* The mask of a prompt with the mean coefficients mean [M]: chosen [active], ascending, are the
 * neurons whose distance from the background is the largest, the first of equal ones. */
void memory_mask(const struct memory_key *key, const float *mean, int neurons, int *chosen);
/* column [active]: where a permutation of the M neurons, drawn with this seed, puts them. */
void memory_columns(unsigned seed, int neurons, const int *chosen, int active, int *column);
/* An edit as a session stores it: its mask, and what it adds to those columns, change
 * [d * active], row by row, in the order of `chosen`. A prompt is sent to it from this overlap of
 * masks on, 0 to 1. */
struct hook_data memory_entry(const struct model *m, const struct memory_key *key, double overlap,
                              unsigned seed, const int *chosen, const float *change);

#endif
