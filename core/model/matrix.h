/* The linear maps of a block by their role: what an edit can change. Plain data. */
#ifndef CORE_MODEL_MATRIX_H
#define CORE_MODEL_MATRIX_H

#include <stdbool.h>

#include "core/model/weights.h"

/* Shapes are [d, M], [H hd, d], [Hkv hd, d] twice, [d, H hd], [M, d] twice. The coefficients are
 * m = act(gate x) * (up x); of an ungated FFN the matrix that the activation reads (GGUF's ffn_up)
 * is the gate, and there is no up. */
enum matrix {
    MATRIX_DOWN, /* first: what most editors write, and what a zeroed delta is of */
    MATRIX_Q,
    MATRIX_K,
    MATRIX_V,
    MATRIX_O,
    MATRIX_GATE,
    MATRIX_UP,
    MATRICES
};

const char *matrix_name(enum matrix which); /* "down", "q", "k", "v", "o", "gate", "up" */
bool matrix_find(const char *name, enum matrix *out);
/* The tensor's name within a block, as "ffn_down"; NULL: blocks of this model have no such. */
const char *matrix_tensor(const struct model_config *c, enum matrix which);
/* False: blocks of this model have no such. */
bool matrix_shape(const struct model_config *c, enum matrix which, int *rows, int *cols);

#endif
