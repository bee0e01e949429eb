/* Questions to a model: the logits of the next token, a greedy or sampled continuation, and the
 * teacher-forced probability of a given continuation. The prompt is asked after the state's
 * prefixes. Engine thread only. */
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
    int most_probable;                /* sampling draws from so many tokens; 0: all */
    void (*token)(void *ctx, int id); /* called for each new token; may be NULL */
    void *ctx;
    const bool *enough; /* token() sets it to end the text with that token; or NULL */
    const int *target;  /* [targets] a continuation to score in the prompt's pass, or NULL */
    int targets;
};

struct generated {
    int *id, count; /* new tokens, an end-of-text token not included */
    float *logits;  /* [V] after the prompt */
    double *logp;   /* [targets] natural log p of each target token; NULL if there are none */
    int *argmax;    /* [targets] the most probable token there */
    bool *top;      /* [targets] whether it is the target's */
};

/* `ids` is the whole prompt, with BOS if there shall be one. ERR_USAGE: the prompt is empty, or
 * prompt and new tokens exceed the model's context; ERR_CANCELLED; errors of forward_run(). On
 * success free *out with generated_free(). */
bool generate(struct generated *out, const struct model_state *view, const int *ids, int count,
              const struct generate_options *o, struct job *job, struct err *err);
void generated_free(struct generated *g);

/* Writes the indices of the k largest of x [n], descending, ties by index; NaN is skipped. Returns
 * how many there are, at most k. */
int top_k(const float *x, int n, int k, int *index);
/* log(sum of exp(x[i])), summed in float64 and safe from overflow. */
double log_sum_exp(const float *x, int n);

#endif
