/* Target optimisation: finds the vector z* that makes the model say the new object when it replaces
 * the output of block z at the subject's last token (editscope-method(7) 5; the same as in ROME,
 * MEMIT and AlphaEdit). PMET moves what attention adds there as well (7.15).
 *
 * In a model with a norm behind the FFN (Gemma 3) an edit of W_down cannot set the output of the
 * block, but it can set what the FFN gives to that norm. There z* is that vector
 * (editscope-method(7) 5.4). Engine thread. */
#ifndef CORE_EDIT_TARGET_H
#define CORE_EDIT_TARGET_H

#include "core/base/job.h"
#include "core/edit/report.h"
#include "core/edit/request.h"
#include "core/model/forward.h"

/* When the steps end, besides a loss below edit.v_stop. */
enum target_stop {
    STOP_BY_LOSS, /* by that alone */
    STOP_BY_SAID, /* every label is the most likely token of every row, and KL is small (PMET) */
    STOP_BY_COUNT /* for so many steps every label is that of every prefixed row (ENCORE) */
};

/* What differs between the methods that optimise a target. */
struct target_rule {
    enum param clamp, wd; /* the parameters of the largest |delta| and of the weight decay, */
    bool of_ffn;    /* both in units of the FFN's output at the lookup, not of the block's (ROME) */
    bool attention; /* with of_ffn: a second vector on what attention adds to the stream of block z,
                       and z is what the FFN is to give (PMET) */
    enum target_stop stop;
    enum param count; /* of STOP_BY_COUNT: the parameter of how many steps */
};

struct target {
    float *z; /* [d] h0 + delta; h0: the block's output, or the FFN's, see above. Caller frees */
    float *attention; /* [d] with target_rule.attention: what attention adds, moved; else NULL */
    double z_norm, h0_norm; /* Euclidean */
    double v_norm;          /* of what the FFN adds to make z, before edit.v_anchor */
    double rate, clamp;     /* those of the last step, where edit.v_lr or edit.v_clamp is auto */
    int steps;
    struct target_step *trace; /* [steps]. Caller frees */
};

/* `layer` is z, the last edited layer; rule NULL: of the block, by edit.v_clamp and edit.v_wd.
 * `step` (may be NULL) is called after every step, in this thread. At most edit.v_steps steps;
 * fewer when the loss falls below edit.v_stop. False and err on a cancel, a fault of the device, or
 * a loss that is not finite,
 * and ERR_USAGE where edit.v_anchor refuses the fact; `out` is then empty. Free with target_free().
 */
bool target_optimise(struct target *out, const struct model_state *view,
                     const struct request *request, int layer, const struct target_rule *rule,
                     const struct params *p, void (*step)(void *ctx, const struct target_step *s),
                     void *ctx, struct job *job, struct err *err);
void target_free(struct target *t);

#endif
