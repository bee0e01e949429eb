/* Asking a model: next-token logits, greedy or sampled continuation, teacher-forced
 * probability of a continuation; behind the state's prefixes. Engine thread only. */
#ifndef CORE_MODEL_GENERATE_H
#define CORE_MODEL_GENERATE_H

#include <stdint.h>

#include "core/model/forward.h"

struct generate_options {
    int tokens;         /* at most this many new ones; 0: only the next-token logits */
    double temperature; /* 0: greedy */
    uint64_t seed;
    bool ignore_eos;                  /* go on after an end-of-text token */
    int stop[2], stops;               /* further tokens that end the text, unless ignore_eos */
    void (*token)(void *ctx, int id); /* hears of each new token; may be NULL */
    void *ctx;
    const int *target; /* a continuation to be judged in the prompt's pass, or NULL */
    int targets;
};

struct generated {
    int *id, count; /* new tokens, an end-of-text token not included */
    float *logits;  /* [V] after the prompt */
    double *logp;   /* [targets] log p of each wanted token, teacher-forced; NULL without any */
    bool *top;      /* [targets] whether it is the argmax */
};

/* `ids` are the whole prompt (BOS included if wanted). */
bool generate(struct generated *out, const struct model_state *view, const int *ids, int count,
              const struct generate_options *o, struct job *job, struct err *err);
void generated_free(struct generated *g);

/* Indices of the k largest of n, descending; ties by index. k is cut to n; returns it. */
int top_k(const float *x, int n, int k, int *index);
double log_sum_exp(const float *x, int n);

#endif
