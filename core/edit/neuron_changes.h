/* Changes of the value vectors of single neurons, for methods that choose neurons anywhere in the
 * model: as deltas of columns of W_down, and in the report. Engine thread. */
#ifndef CORE_EDIT_NEURON_CHANGES_H
#define CORE_EDIT_NEURON_CHANGES_H

#include "core/edit/editor.h"

struct neuron_change {
    int layer, neuron;
    const float *add; /* [d] to the neuron's column of W_down */
};

/* Appends the changes to result and state, a delta for each layer. `change` [count] ascends by
 * layer, then neuron; changes of the same neuron are summed. */
void neuron_changes_write(struct edit_result *out, struct model_state *view,
                          const struct neuron_change *change, int count);
/* edit_each_fact() of facts whose deltas are all of columns, with a row in out->report for each
 * layer that they change; `kept` is how many neurons they are. Faults of the device. */
bool neuron_changes_edit(struct edit_result *out, struct model_state *scratch,
                         const struct edit_context *ctx, edit_fact *one, struct job *job,
                         struct err *err);

#endif
