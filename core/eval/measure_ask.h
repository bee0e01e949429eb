/* Asks a state the questions of a record (editscope-method(7) 14.1, 14.2). Engine thread; a cancel
 * ends every function with false. */
#ifndef CORE_EVAL_MEASURE_ASK_H
#define CORE_EVAL_MEASURE_ASK_H

#include "core/edit/fact.h"
#include "core/eval/answer.h"
#include "core/eval/measure.h"

struct measure_list {
    struct measure *measure; /* [count] owned */
    int count;
};
void measure_list_free(struct measure_list *list);

/* Asks `state` every question of the fact by the protocols (bits 1 << enum measure_protocol) and
 * appends a measure each. The fact is normalised and its wording complete. `base`: the measures of
 * the base of the same record, which say what a neighbour's answer was; NULL: `state` is the base.
 * sequence, edits, when and record of the new measures are the caller's. Left out are questions
 * that are longer than the model's context, whose answer has no tokens, and the chat form of a
 * model without one. */
bool measure_ask(struct measure_list *out, const struct model_state *state, const struct fact *fact,
                 unsigned protocols, const struct measure_list *base, struct job *job,
                 struct err *err);

#endif
