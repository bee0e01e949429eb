/* What past edits left for the next one: their keys in the stores of e->stats, which a new edit
 * must not move, and the running sums of a method. */
#include <limits.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"

struct past_edits {
    const struct model_config *config;
    struct normaliser *sum; /* NULL: none yet */
};

int edit_start_last(const struct engine *e)
{
    return e->start.state ? e->start.last : INT_MAX;
}

static bool past_edit_add(void *ctx, int edit, const double *value, int count)
{
    struct past_edits *past = ctx;

    (void)edit;
    if (!past->sum)
        past->sum = normaliser_new(past->config->hidden + past->config->ffn);
    return normaliser_add_numbers(past->sum, value, count);
}

static bool past_note_add(void *to, int edit, const double *value, int count)
{
    struct edit_context *ctx = to;
    struct edit_note *n;

    ctx->note = xrealloc(ctx->note, (size_t)(ctx->notes + 1) * sizeof(*ctx->note));
    n = &ctx->note[ctx->notes++];
    *n = (struct edit_note){.edit = edit, .count = count};
    n->value = xmalloc((size_t)count * sizeof(double));
    memcpy(n->value, value, (size_t)count * sizeof(double));
    return true;
}

bool edit_context_past(struct engine *e, struct edit_context *ctx, struct err *err)
{
    const struct editor_ops *editor = editor_of(ctx->params);
    struct past_edits past = {.config = e->model->config};
    bool ok = !(editor->needs & NEEDS_NORMALISER) ||
              session_statistics(e->open->journal, editor->name, edit_start_last(e), past_edit_add,
                                 &past, err);

    ctx->past = past.sum;
    return ok && (!(editor->needs & NEEDS_NOTES) ||
                  session_statistics(e->open->journal, editor->name, edit_start_last(e),
                                     past_note_add, ctx, err));
}

/* Marks the keys that were added to the stores since the last call as this edit's. */
static void stores_own_keys(struct edit_stats *g, int edit)
{
    for (int i = 0; i < g->layers; i++) {
        int count = g->solver[i] ? g->solver[i]->count : 0;

        if (count <= g->owners[i])
            continue;
        g->owner[i] = xrealloc(g->owner[i], (size_t)count * sizeof(int));
        while (g->owners[i] < count)
            g->owner[i][g->owners[i]++] = edit;
    }
}

/* Appends the keys of an edit's deltas to the stores. */
static bool stores_append(struct edit_stats *g, const struct edit_result *r, int edit,
                          struct err *err)
{
    struct edit_context ctx = {.layers = g->layers};
    bool ok;

    memcpy(ctx.layer, g->layer, sizeof(ctx.layer));
    memcpy(ctx.solver, g->solver, sizeof(ctx.solver));
    ok = edit_remember(r, &ctx, err);
    stores_own_keys(g, edit);
    return ok;
}

bool edit_past_load(struct engine *e, struct err *err)
{
    struct edit_record *edits = NULL;
    int count = 0;
    bool ok = session_edits(e->open->journal, false, &edits, &count, err);

    for (int n = 0; ok && n < count && edits[n].id <= edit_start_last(e); n++) {
        struct edit_result past = {0};

        ok = session_load_deltas(e->open->journal, edits[n].id, &past.delta, &past.deltas, err) &&
             stores_append(&e->stats, &past, edits[n].id, err);
        edit_result_free(&past);
    }
    edit_records_free(edits, count);
    return ok;
}

bool edit_past_current(const struct engine *e, unsigned needs)
{
    const struct edit_stats *g = &e->stats;

    return needs & NEEDS_PAST_KEYS
               ? g->has_past && g->history == e->open->history && g->last == edit_start_last(e)
               : !g->has_past;
}

void edit_past_add(struct engine *e, const struct edit_result *r, int edit)
{
    struct edit_stats *g = &e->stats;
    bool grow = g->space_tokens > 0 && edit_past_current(e, NEEDS_PAST_KEYS);

    e->open->history++;
    if (grow && stores_append(g, r, edit, NULL))
        g->history = e->open->history;
}
