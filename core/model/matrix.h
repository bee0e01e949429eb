/* The weight matrices of a block, by role. These are what an edit can change. Plain data. */
#ifndef CORE_MODEL_MATRIX_H
#define CORE_MODEL_MATRIX_H

#include <stdbool.h>

#include "core/model/weights.h"

/* Neuron coefficients are m = act(W_gate n) * (W_up n). In an ungated FFN, m = act(W n), W is
 * MATRIX_GATE here, although GGUF calls it ffn_up, and there is no MATRIX_UP. */
enum matrix {
    MATRIX_DOWN, /* [d, M]; 0, so that a zeroed struct delta is one of W_down */
    MATRIX_Q,    /* [H hd, d] */
    MATRIX_K,    /* [Hkv hd, d] */
    MATRIX_V,    /* [Hkv hd, d] */
    MATRIX_O,    /* [d, H hd] */
    MATRIX_GATE, /* [M, d] */
    MATRIX_UP,   /* [M, d] */
    MATRICES
};

const char *matrix_name(enum matrix which); /* "down", "q", "k", "v", "o", "gate", "up" */
/* The inverse. False: no matrix has this name, or name is NULL. */
bool matrix_find(const char *name, enum matrix *out);
/* The name of the tensor within a block, such as "ffn_down". NULL: this model has no such matrix.
 */
const char *matrix_tensor(const struct model_config *c, enum matrix which);
/* Rows (out) and columns (in). False: this model has no such matrix. */
bool matrix_shape(const struct model_config *c, enum matrix which, int *rows, int *cols);

#endif
