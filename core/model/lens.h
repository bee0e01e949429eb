/* The logit lens: the next token the model would predict if it stopped after a given block.
 * lens.c explains. Prompts are asked after the state's prefixes; positions of prefixes are not part
 * of the result. Engine thread only. */
#ifndef CORE_MODEL_LENS_H
#define CORE_MODEL_LENS_H

#include "core/model/forward.h"

/* Turns value vectors of a layer, the columns of values [d, n], into what they contribute to the
 * logits up to one factor per row of the batch:
 *   - with a post-norm after the FFN (gain g): V becomes diag(g) V. The post-norm also divides the
 *     whole FFN output by its length; that factor is left to the caller.
 *   - with a final LayerNorm, which subtracts the mean: V becomes (I - 1 1^T / d) V.
 * Other models: unchanged. */
void lens_contribution(const struct model *m, int layer, struct mat values);

/* What a model predicts after a prompt, at the end and layer by layer. */
struct lens_readout {
    float *logits; /* [V] after the prompt */
    double *logp;  /* [targets] natural log p of each target token, teacher-forced */
    int old;       /* the old object's token: as given, or the most probable one */
    int layers;
    int *rank_old,
        *rank_new; /* [layers] rank of `old` and of target[0] at the prompt's last token; from 1 */
};

/* Runs prompt `ids` [count] and the continuation `target` [targets >= 1] in one pass. old < 0: use
 * the most probable next token as the old object. ERR_CANCELLED and the errors of forward_run().
 * On success free *out with lens_readout_free(). */
bool lens_readout(struct lens_readout *out, const struct model_state *view, const int *ids,
                  int count, const int *target, int targets, int old, struct job *job,
                  struct err *err);
void lens_readout_free(struct lens_readout *readout);

/* The lens at every block and every position of the prompt `ids` [count]:
 *    best [layers][count]           the most probable next token
 *    p    [layers][count]           its probability; may be NULL
 *    rank [tokens][layers][count]   the rank, from 1, of each token[t] given
 * Logits are computed for a few rows at a time, so memory stays bounded; the cancel flag of `job`
 * is checked in between. ERR_CANCELLED and the errors of forward_run(). */
bool lens_cells(const struct model_state *view, const int *ids, int count, const int *token,
                int tokens, int *best, float *p, int *rank, struct job *job, struct err *err);

/* 1 + the number of tokens with a larger logit, of logits [vocab]. */
int token_rank(const float *logits, int vocab, int token);

#endif
