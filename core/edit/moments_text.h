/* Walks a text through the base model to sum second moments, one block of a few windows at a
 * time: each step is one slice of work, and between steps anything else may run. */
#ifndef CORE_EDIT_MOMENTS_TEXT_H
#define CORE_EDIT_MOMENTS_TEXT_H

#include "core/edit/moments.h"
#include "core/edit/top_activations.h"
#include "core/model/forward.h"

struct moments_text;

/* `ids` [count] are the text's tokens as one string without BOS; borrowed, as `moments`, which
 * says where to begin (moments->tokens) and which layers are wanted. `view` is a base view. */
struct moments_text *moments_text_new(const struct model_state *view, struct moments *moments,
                                      const int *ids, long count);
void moments_text_free(struct moments_text *g);
/* Lets `contexts` (borrowed) hear the same coefficients, from the token on up to which they have
 * heard the text. With moments that have no sums (moments_count()) that is all that is done. */
void moments_text_collect(struct moments_text *g, struct top_activations *contexts);
/* Tokens there are at most: whole windows of the text. */
long moments_text_limit(const struct moments_text *g);
/* One slice towards `until` tokens. moments->tokens grows when a batch is whole. */
bool moments_text_step(struct moments_text *g, long until, struct err *err);
/* Tokens that go through the model at once: parts of the text that begin at multiples of it have
 * the same coefficients to the bit, whoever computes them. */
int moments_text_batch(const struct moments_text *g);
bool moments_text_idle(const struct moments_text *g); /* no batch is half done */

#endif
