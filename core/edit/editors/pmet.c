/* PMET (editscope-method(7) 7.15): the target is found with a second vector on what attention adds,
 * which is not written, and is what the FFN of block z is to give. MEMIT's solve brings each layer
 * a part of the way, the square root of the layers left. */
#include "core/edit/editors/editors.h"

static const struct target_rule pmet_target = {.clamp = P_PMET_CLAMP,
                                               .wd = P_PMET_WD,
                                               .of_ffn = true,
                                               .attention = true,
                                               .stop = STOP_BY_SAID};

extern const struct editor_ops editor_pmet;
const struct editor_ops editor_pmet = {
    .name = "pmet",
    .title = "PMET",
    .paper = "Li et al. 2024",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_PAST_KEYS,
    .edit = edit_apply,
    .solve = solve_by_moments,
    .target = &pmet_target,
    .residual = RESIDUAL_ROOT,
};
