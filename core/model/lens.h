/* The logit lens: what the residual stream would say if it were read out after each block, through
 * the final norm and the head. Prompts stand behind the state's prefixes, whose own positions are
 * not shown. Engine thread only. */
#ifndef CORE_MODEL_LENS_H
#define CORE_MODEL_LENS_H

#include "core/model/forward.h"

/* The columns of values [d, n], value vectors of a layer, become what they add to the stream as far
 * as the final norm sees it: a norm behind the FFN multiplies them with its gain (and divides all
 * of them by one number a row, which is left to the caller), and a final norm that centres takes
 * each one's mean away: diag(g_post) V, (I - 11^T / d) V. Elsewhere they stay as they are. */
void lens_contribution(const struct model *m, int layer, struct mat values);

/* A prompt with a continuation, in one pass: what a fact looks like to the model. */
struct lens_readout {
    float *logits; /* [V] after the prompt */
    double *logp;  /* [targets] log p of each token of the continuation, teacher-forced */
    int old;       /* the token asked for, or the most probable one after the prompt */
    int layers;
    int *rank_old,
        *rank_new; /* [layers] at the prompt's last token: of `old`, of target[0]; from 1 */
};

/* old < 0: take the most probable token. `target` has at least one token. */
bool lens_readout(struct lens_readout *out, const struct model_state *view, const int *ids,
                  int count, const int *target, int targets, int old, struct job *job,
                  struct err *err);
void lens_readout_free(struct lens_readout *readout);

/* Every position, every block: the most probable next token, best [layers][count], its
 * probability, p [layers][count] (may be NULL), and the rank, from 1, of each of the
 * `tokens` asked, rank [tokens][layers][count]. The head is read for a few rows at a time, so
 * that memory stays bounded; the job's flag is looked at between them. */
bool lens_cells(const struct model_state *view, const int *ids, int count, const int *token,
                int tokens, int *best, float *p, int *rank, struct job *job, struct err *err);

/* The rank, from 1, of a token by its logit among [vocab]. */
int token_rank(const float *logits, int vocab, int token);

#endif
