/* What past edits of a method left for the next one. */
#include <limits.h>

#include "core/engine/internal.h"

struct past_edits {
    const struct model_config *config;
    struct normaliser *sum; /* NULL: none yet */
};

int edit_start_last(const struct engine *e)
{
    return e->start.state ? e->start.last : INT_MAX;
}

static bool past_edit_add(void *ctx, const double *value, int count)
{
    struct past_edits *past = ctx;

    if (!past->sum)
        past->sum = normaliser_new(past->config->hidden + past->config->ffn);
    return normaliser_add_numbers(past->sum, value, count);
}

bool edit_context_past(struct engine *e, struct edit_context *ctx, struct err *err)
{
    const struct editor_ops *editor = editor_of(ctx->params);
    struct past_edits past = {.config = e->model->config};
    bool ok = !(editor->needs & NEEDS_NORMALISER) ||
              session_statistics(e->open->journal, editor->name, edit_start_last(e), past_edit_add,
                                 &past, err);

    ctx->past = past.sum;
    return ok;
}
