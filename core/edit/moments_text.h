/* Runs a text through the base model to sum second moments. A step is one block of a few windows,
 * under 50 ms on two cores; between steps the engine does other work. Engine thread. */
#ifndef CORE_EDIT_MOMENTS_TEXT_H
#define CORE_EDIT_MOMENTS_TEXT_H

#include "core/edit/moments.h"
#include "core/edit/top_activations.h"
#include "core/model/forward.h"

struct moments_text;

/* `ids` [count] are the text's tokens as one string without BOS; borrowed, as `moments`, which
 * says how many are summed already (moments->tokens) and which layers are wanted. Windows are read
 * in the order of moments_window(). `view` is a base view. */
struct moments_text *moments_text_new(const struct model_state *view, struct moments *moments,
                                      const int *ids, long count);
void moments_text_free(struct moments_text *g);
/* Also adds the coefficients to `top` (borrowed), from the window on where top->tokens are read.
 * With moments without sums (moments_count()) nothing else is done. */
void moments_text_collect(struct moments_text *g, struct top_activations *top);
/* The tokens of all whole windows of the text. */
long moments_text_limit(const struct moments_text *g);
/* One step towards `until` tokens. moments->tokens grows when a batch has passed all blocks. */
bool moments_text_step(struct moments_text *g, long until, struct err *err);
/* Tokens that go through the model at once: parts of the text that begin at multiples of it have
 * the same coefficients to the bit, whoever computes them. */
int moments_text_batch(const struct moments_text *g);
bool moments_text_idle(const struct moments_text *g); /* no batch is at work */

#endif
