/* MEMIT and MEMIT-seq (editscope-method(7) 7.5): a solve that weighs the second moment of the layer
 * against the new keys, without a null space. In MEMIT past keys do not enter it, and reports still
 * say which edits are hit; MEMIT-seq, for one edit after another, has them beside the new ones. */
#include "core/edit/editors/editors.h"

static bool memit_seq_solve(const struct edit_context *ctx, int i, struct mat keys, struct mat x,
                            struct err *err)
{
    return solve_memit(ctx->solver[i], keys, ctx->solver[i]->lambda, 0, true, x, err);
}

extern const struct editor_ops editor_memit, editor_memit_seq;
const struct editor_ops editor_memit = {
    .name = "memit",
    .title = "MEMIT",
    .paper = "Meng et al. 2023",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_PAST_KEYS,
    .edit = edit_apply,
    .solve = solve_by_moments,
};
const struct editor_ops editor_memit_seq = {
    .name = "memit-seq",
    .title = "MEMIT-seq",
    .paper = "Meng et al. 2023, past keys as Fang et al. 2025",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS | NEEDS_PAST_KEYS,
    .edit = edit_apply,
    .solve = memit_seq_solve,
};
