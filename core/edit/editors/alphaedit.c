/* AlphaEdit: the update within the null space of what the layer's keys usually are; every neuron of
 * the edited layers may move. */
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
