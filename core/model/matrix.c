/* Names and shapes of a block's matrices, from the model's configuration. */
#include "core/model/matrix.h"

#include <stddef.h>
#include <string.h>

const char *matrix_name(enum matrix which)
{
    static const char *const name[MATRICES] = {"down", "q", "k", "v", "o", "gate", "up"};

    return name[which];
}

bool matrix_find(const char *name, enum matrix *out)
{
    for (int i = 0; name && i < MATRICES; i++)
        if (!strcmp(matrix_name((enum matrix)i), name)) {
            *out = (enum matrix)i;
            return true;
        }
    return false;
}

const char *matrix_tensor(const struct model_config *c, enum matrix which)
{
    static const char *const tensor[MATRICES] = {"ffn_down",    "attn_q",   "attn_k", "attn_v",
                                                 "attn_output", "ffn_gate", "ffn_up"};

    if (c->parts & PART_GATE)
        return tensor[which];
    return which == MATRIX_GATE ? "ffn_up" : which == MATRIX_UP ? NULL : tensor[which];
}

bool matrix_shape(const struct model_config *c, enum matrix which, int *rows, int *cols)
{
    int q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
    const int shape[MATRICES][2] = {
        [MATRIX_Q] = {q, c->hidden},         [MATRIX_K] = {kv, c->hidden},
        [MATRIX_V] = {kv, c->hidden},        [MATRIX_O] = {c->hidden, q},
        [MATRIX_GATE] = {c->ffn, c->hidden}, [MATRIX_UP] = {c->ffn, c->hidden},
        [MATRIX_DOWN] = {c->hidden, c->ffn},
    };

    *rows = shape[which][0];
    *cols = shape[which][1];
    return matrix_tensor(c, which) != NULL;
}
