/* What an editor asks of the codebook of a state (hook_codebook.c). Engine thread. */
#ifndef CORE_MODEL_HOOK_CODEBOOK_H
#define CORE_MODEL_HOOK_CODEBOOK_H

#include "core/model/state.h"

/* The entry whose key is the nearest. Borrowed from the state. */
struct codebook_match {
    double distance, radius;
    const float *value; /* [d] */
    const int *label;
    int labels;
};

/* The nearest entry of the layer to key [M]; false: the state has none there. */
bool codebook_nearest(const struct model_state *s, int layer, const float *key,
                      struct codebook_match *out);
/* An entry as a session stores it: key [M], value [d], the tokens that it was trained for. Free
 * with hook_data_free(). */
struct hook_data codebook_entry(const struct model *m, int layer, double radius, const int *label,
                                int labels, const float *key, const float *value);

#endif
