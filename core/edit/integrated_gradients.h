/* Integrated gradients of a probability by the neurons of every layer, at the last position of a
 * prompt (editscope-method(7) 7.14). Engine thread. */
#ifndef CORE_EDIT_INTEGRATED_GRADIENTS_H
#define CORE_EDIT_INTEGRATED_GRADIENTS_H

#include "core/model/state.h"

struct integrated_rule {
    int steps;   /* points on the way from 0 to the activation */
    bool inside; /* the released code's: of what enters the activation function in place of the
                    coefficient, at points that begin with 0 */
};

/* Adds to score [layers][M], on the host, for neuron i of layer l
 *
 *     a_i / steps * sum over the points s of  d p(label) / d a_i  with all of a_l at s a_l
 *
 * where a_l are the layer's activations at the last of the `count` tokens, and sets *next to the
 * most probable next token. label -1: *next alone. Layers are changed one at a time; earlier
 * positions keep their keys and values. ERR_CANCELLED; faults of the device; ERR_FORMAT: a number
 * is not finite. */
bool integrated_gradients(double *score, int *next, const struct model_state *view, const int *ids,
                          int count, int label, const struct integrated_rule *rule, struct job *job,
                          struct err *err);

#endif
