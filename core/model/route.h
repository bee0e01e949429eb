/* Which prompts a state sends to what its edits keep beside the weights: to a key (GRACE), a side
 * matrix (WISE), a memory. For such a method this is its locality: a prompt that is not sent keeps
 * every bit (editscope-method(7) 9.4). Engine thread. */
#ifndef CORE_MODEL_ROUTE_H
#define CORE_MODEL_ROUTE_H

#include "core/model/state.h"

/* Whether the state has a hook that decides so. */
bool state_has_routes(const struct model_state *s);
/* out [seqs]: each prompt, asked as a question, by the hooks of a layer; -1: of all layers, and
 * then of the one that takes it. Where no hook decides, `routed` is false and `value` NAN. The
 * prompts fit into the context (state_room()). */
bool state_routes(const struct model_state *s, int layer, const int *const *ids, const int *count,
                  int seqs, struct hook_route *out, struct job *job, struct err *err);
/* Whether a is nearer to being taken than b: by the quotient of value and limit. */
bool route_closer(const struct hook_route *a, const struct hook_route *b);

#endif
