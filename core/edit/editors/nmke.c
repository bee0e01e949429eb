/* NMKE (editscope-method(7) 7.3, 7.6): the solve of AlphaEdit, limited to the neurons that
 * attribution selects. edit_apply() applies the mask to the solution or, with mask.place = pre,
 * solves within it. */
#include "core/edit/editors/editors.h"

extern const struct editor_ops editor_nmke;
const struct editor_ops editor_nmke = {
    .name = "nmke",
    .title = "NMKE",
    .paper = "Liu et al. 2025",
    .needs = NEEDS_TARGET | NEEDS_SCORES | NEEDS_MOMENTS | NEEDS_NULL_SPACE | NEEDS_PAST_KEYS,
    .edit = edit_apply,
    .solve = solve_in_null_space,
};
