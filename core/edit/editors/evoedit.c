/* EvoEdit (editscope-method(7) 7.25): AlphaEdit whose null space shrinks with every edit. The
 * directions of past keys are taken out of it, so that an update moves no past key at all. A key
 * that the new one has as good as again is not among them: that fact is written over. */
#include "core/edit/editors/editors.h"

static bool evoedit_solve(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                          struct err *err)
{
    return solve_evolving(ctx->solver[i], keys, x, err);
}

extern const struct editor_ops editor_evoedit;
const struct editor_ops editor_evoedit = {
    .name = "evoedit",
    .title = "EvoEdit",
    .paper = "EvoEdit 2025",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_NULL_SPACE | NEEDS_PAST_KEYS,
    .edit = edit_apply,
    .solve = evoedit_solve,
};
