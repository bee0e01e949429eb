/* Target optimisation: the vector z* that makes the model say the new object when it stands in
 * place of block z's output at the subject's last token (editscope-method(7) 5, as ROME,
 * MEMIT and AlphaEdit have it).
 *
 * Where a norm stands behind the FFN (Gemma 3), what can be written is not the block's output but
 * what the FFN gives to that norm, so z* is that vector: the norm lets through its direction, and
 * the same z* is reached exactly by one update of W_down, whatever the stream is.
 *
 * Blocks 0 to z run once; keys and values before the lookup position are reused, since they do
 * not depend on it; only later positions are run again, and the head only where labels are. */
#ifndef CORE_EDIT_TARGET_H
#define CORE_EDIT_TARGET_H

#include "core/base/job.h"
#include "core/edit/report.h"
#include "core/edit/request.h"
#include "core/model/forward.h"

struct target {
    float *z; /* [d] h0 + delta; h0: the block's output, or the FFN's, see above. Caller frees */
    double z_norm, h0_norm;
    int steps;
    struct target_step *trace; /* [steps]. Caller frees */
};

/* `layer` is z, the last edited layer. `step` (may be NULL) hears of every step. */
bool target_optimise(struct target *out, const struct model_state *view,
                     const struct request *request, int layer, const struct params *p,
                     void (*step)(void *ctx, const struct target_step *s), void *ctx,
                     struct job *job, struct err *err);
void target_free(struct target *t);

#endif
