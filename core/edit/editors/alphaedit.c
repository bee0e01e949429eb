/* AlphaEdit (editscope-method(7) 7.3): the solve in the null space of the second moments, without a
 * mask. Every neuron of the edited layers may change. */
#include "core/edit/editors/editors.h"

extern const struct editor_ops editor_alphaedit;
const struct editor_ops editor_alphaedit = {
    .name = "alphaedit",
    .title = "AlphaEdit",
    .paper = "Fang et al. 2025",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_NULL_SPACE | NEEDS_PAST_KEYS,
    .edit = edit_apply,
    .solve = solve_in_null_space,
};
