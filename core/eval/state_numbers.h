/* Numbers of a whole state beside the base (editscope-method(7) 14.5): how far its weights went,
 * and how it reads ordinary text. Engine thread; a cancel ends every function with false. */
#ifndef CORE_EVAL_STATE_NUMBERS_H
#define CORE_EVAL_STATE_NUMBERS_H

#include "core/edit/nullspace.h"
#include "core/edit/wording.h"
#include "core/model/state.h"

/* A matrix against the base's: the change is D = W - W0. */
struct matrix_drift {
    double norm;        /* ||D||, Frobenius */
    double relative;    /* ||W|| / ||W0|| */
    double sigma;       /* the largest singular value of D */
    double stable_rank; /* ||D||^2 / sigma^2; NAN: D is 0 */
    double leak;        /* tr(D C D^T) / tr(W0 C W0^T); NAN: no C */
};
/* `null`, which may be NULL, has the layer's C. */
bool matrix_drift_of(struct matrix_drift *out, const struct model_state *base,
                     const struct model_state *state, int layer, enum matrix which,
                     const struct nullspace *null, struct job *job, struct err *err);
/* exp of the mean of -log p of the tokens ids [count], in windows of so many; the first of a window
 * is not scored. NAN: no window fits. */
bool state_perplexity(double *out, const struct model_state *state, const int *ids, int count,
                      int window, struct job *job, struct err *err);
/* The mean KL(base || state) of the next token after `prompts` stretches of `length` tokens each,
 * evenly spaced in ids [count]. NAN: none fits. */
bool state_kl(double *out, const struct model_state *base, const struct model_state *state,
              const int *ids, int count, int prompts, int length, struct job *job, struct err *err);
/* The fluency (fluency.h) of the prompt with what the state says, 100 tokens in all, each drawn
 * from the five most probable ones. NAN: the prompt alone is longer. */
bool state_fluency(double *out, const struct model_state *state, const struct wording *w,
                   const char *prompt, unsigned long long seed, struct job *job, struct err *err);

#endif
