/* Walks a text through the base model to sum second moments, one block of a few windows at a
 * time: each step is one slice of work, and between steps anything else may run. */
#ifndef CORE_EDIT_GATHER_H
#define CORE_EDIT_GATHER_H

#include "core/edit/contexts.h"
#include "core/edit/moments.h"
#include "core/model/forward.h"

struct gather;

/* `ids` [count] are the text's tokens as one string without BOS; borrowed, as `moments`, which
 * says where to begin (moments->tokens) and which layers are wanted. `view` is a base view. */
struct gather *gather_new(const struct model_state *view, struct moments *moments, const int *ids,
                          long count);
void gather_free(struct gather *g);
/* Lets `contexts` (borrowed) hear the same coefficients, from the token on up to which they have
 * heard the text. With moments that have no sums (moments_count()) that is all that is done. */
void gather_hear(struct gather *g, struct contexts *contexts);
/* Tokens there are at most: whole windows of the text. */
long gather_limit(const struct gather *g);
/* One slice towards `until` tokens. moments->tokens grows when a batch is whole. */
bool gather_step(struct gather *g, long until, struct err *err);
/* Tokens that go through the model at once: parts of the text that begin at multiples of it have
 * the same coefficients to the bit, whoever computes them. */
int gather_batch(const struct gather *g);
bool gather_idle(const struct gather *g); /* no batch is half done */

#endif
