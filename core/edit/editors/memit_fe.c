/* MEMIT-FE (editscope-method(7) 7.19): the target is found at the first edited layer, and what the
 * blocks above make of it are the targets of the other layers. Each layer goes all the way to its
 * own. */
#include "core/edit/editors/editors.h"

/* That of MEMIT, at another layer: not to be shared with it. */
static const struct target_rule first_layer = {.clamp = P_EDIT_V_CLAMP, .wd = P_EDIT_V_WD};

extern const struct editor_ops editor_memit_fe;
const struct editor_ops editor_memit_fe = {
    .name = "memit-fe",
    .title = "MEMIT-FE",
    .paper = "EasyEdit 2026",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_PAST_KEYS,
    .edit = edit_apply,
    .solve = solve_by_moments,
    .target = &first_layer,
    .residual = RESIDUAL_EACH,
};
