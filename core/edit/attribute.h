/* Neuron attribution (paper Eq. 1 to 3; editscope-method(7) 3): LPS, PSA and MPC scores of FFN
 * neurons.
 *
 * One forward pass over all rows, then a layer at a time: U = W_U diag(g) W_l tile by tile, for
 * each row an online log-sum-exp of base + c U. Exact, in memory of N M. Between
 * tiles the cancel flag of the job is checked. Engine thread; all functions use the device. */
#ifndef CORE_EDIT_ATTRIBUTE_H
#define CORE_EDIT_ATTRIBUTE_H

#include "core/base/job.h"
#include "core/edit/attribution.h"
#include "core/edit/request.h"
#include "core/model/forward.h"

struct attribute_run; /* the state after the forward pass */

/* Forward pass over the rows of `count` requests under the view (rows of all requests below one
 * another). Keeps residuals and coefficients of every layer at the scored position
 * (editscope-method(7) 3.1): L N (d + M) floats on the device. NULL and err on cancel or a fault.
 * Free with attribute_end(). */
struct attribute_run *attribute_begin(const struct model_state *view, const struct request *request,
                                      int count, const struct params *p, unsigned id,
                                      struct job *job, struct err *err);
/* Scores of one layer; with `curves` also their slope and curve in the amplification, at about a
 * quarter more time (for LPS with attr.norm = fixed_final and no softcap: elsewhere there are
 * none). NULL and err on cancel or a fault. Caller owns a reference. */
struct attribution *attribute_layer(struct attribute_run *run, int layer, bool curves,
                                    struct job *job, struct err *err);
/* The same for several layers, in the order given. on_layer() is called in this thread for each
 * finished layer and owns the reference it gets. Where the device queues, a layer is scored while
 * the device works on the next, so that the call comes in between. False and err on cancel or a
 * fault; attributions that on_layer() got before stay valid. */
bool attribute_layers(struct attribute_run *run, const int *layer, int count, bool curves,
                      void (*on_layer)(void *ctx, struct attribution *a), void *ctx,
                      struct job *job, struct err *err);
/* The preview of a layer: activations and MPC scores (editscope-method(7) 3.6), which need no pass
 * over the vocabulary. base_logp is 0 in it, and so is value_norm unless mpc.kind takes norms or
 * projections. Same ownership. */
struct attribution *attribute_estimate(struct attribute_run *run, int layer, struct job *job,
                                       struct err *err);
int attribute_rows(const struct attribute_run *run);
const int *attribute_targets(const struct attribute_run *run); /* [rows] explained tokens */
void attribute_end(struct attribute_run *run);
/* The layers of edit.layers, or for `auto` layers 4 to 8 scaled to the model's depth. layer[] has
 * room for PARAM_MAX_LAYERS. */
bool named_layers(const struct params *p, const struct model_config *config, int *layer, int *count,
                  struct err *err);

#endif
