/* ENCORE (editscope-method(7) 7.5): MEMIT for many edits in a row. The solve has the past
 * keys beside the new ones and mu I, which bounds the update; the search for the target stops
 * early, when the new object has been the most likely after every prefix for some steps. */
#include "core/edit/editors/editors.h"

static const struct target_rule encore_target = {
    .clamp = P_EDIT_V_CLAMP, .wd = P_EDIT_V_WD, .stop = STOP_BY_COUNT, .count = P_ENCORE_STOP};

static bool encore_solve(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                         struct err *err)
{
    return solve_memit(ctx->solver[i], keys, ctx->solver[i]->lambda,
                       ctx->params->value[P_ENCORE_MU], true, x, err);
}

extern const struct editor_ops editor_encore;
const struct editor_ops editor_encore = {
    .name = "encore",
    .title = "ENCORE",
    .paper = "Gupta et al. 2025",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_PAST_KEYS,
    .edit = edit_apply,
    .solve = encore_solve,
    .target = &encore_target,
};
