/* MEMIT (editscope-method(7) 7.5): a solve that weighs the second moment of the layer against the
 * new keys, without a null space. Past keys do not enter it; reports still say which edits are hit.
 */
#include "core/edit/editors/editors.h"

static bool memit_solve(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                        struct err *err)
{
    return solve_memit(ctx->solver[i], keys, ctx->solver[i]->lambda, x, err);
}

extern const struct editor_ops editor_memit;
const struct editor_ops editor_memit = {
    .name = "memit",
    .title = "MEMIT",
    .paper = "Meng et al. 2023",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_PAST_KEYS,
    .edit = edit_apply,
    .solve = memit_solve,
};
