/* Causal tracing (Meng et al. 2022, section 2.1; editscope-method(7) 10.3): which states carry a
 * fact.
 *
 * The subject's embeddings are corrupted by Gaussian noise, in several draws; then one state, the
 * output of one block at one token, is put back to what it is without noise, and the probability
 * of the clean answer is read again. Nothing before the restored state changes, so only later
 * blocks and tokens at or after it are computed, on the corrupted runs' keys and values. Engine
 * thread only. */
#ifndef CORE_EDIT_TRACE_H
#define CORE_EDIT_TRACE_H

#include <stdint.h>

#include "core/model/forward.h"

struct trace_run;

struct trace_base {
    int answer;                /* the most probable token of the clean run */
    double p_clean, p_corrupt; /* of it; corrupted: mean over the draws */
    double noise;              /* standard deviation of the noise */
    int samples;
};

/* The clean and the corrupted runs over `ids` [count]; corrupt [count] marks the tokens that get
 * noise, at least one of them. noise <= 0: three times the standard deviation of the model's token
 * embeddings. Draws are made from the seed in the order sample, token, component. */
struct trace_run *trace_begin(const struct model_state *view, const int *ids, int count,
                              const bool *corrupt, int samples, double noise, uint64_t seed,
                              struct job *job, struct err *err);
const struct trace_base *trace_base(const struct trace_run *run);
/* effect [count]: mean over the draws of p(answer | this block's output restored at the token),
 * less p_corrupt. Where nothing can have changed it is exactly 0. ERR_CANCELLED between blocks. */
bool trace_layer(struct trace_run *run, int layer, float *effect, struct job *job, struct err *err);
void trace_end(struct trace_run *run); /* NULL is fine */

#endif
