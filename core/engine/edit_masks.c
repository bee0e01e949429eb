/* The masks of an edit, from the scores of its facts (editscope-method(7) 4.7, 4.8). */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"

unsigned facts_draw(const struct request *request, int count)
{
    unsigned hash = 2166136261U; /* FNV-1a over the tokens of the bare prompts */

    for (int r = 0; r < count; r++)
        for (int i = 0; i < request[r].row[0].count; i++)
            hash = (hash ^ (unsigned)request[r].row[0].id[i]) * 16777619U;
    return hash;
}

/* The part of a layer's attribution that belongs to one request: `rows` rows from `first`, and its
 * key. For mask.share = request. */
static struct attribution *request_rows(const struct attribution *a, const struct request *request,
                                        int number, int first)
{
    int rows = request[number].scored_count;
    struct attribution *part = attribution_new(a->layer, rows, a->neurons, false);
    size_t from = (size_t)first * (size_t)a->neurons, n = (size_t)rows * (size_t)a->neurons;

    part->strategy = a->strategy;
    part->layers = a->layers;
    part->draw = facts_draw(&request[number], 1);
    memcpy(part->score, a->score + from, n * sizeof(float));
    memcpy(part->activation, a->activation + from, n * sizeof(float));
    memcpy(part->value_norm, a->value_norm, (size_t)a->neurons * sizeof(float));
    attribution_set_keys(part, a->key + (size_t)number * (size_t)a->neurons, 1);
    return part;
}

/* The facts of the last edit of the state that is edited, as requests. */
static bool previous_requests(struct engine *e, const struct params *p, struct request **out,
                              int *count, struct err *err)
{
    struct edit_record *edits = NULL;
    int n = 0, last = -1;
    bool ok = session_edits(e->open->journal, false, &edits, &n, err);

    for (int i = 0; ok && i < n && edits[i].id <= edit_start_last(e); i++)
        last = i;
    if (ok && last < 0)
        ok = err_set(err, ERR_USAGE,
                     "mask.mode = previous takes the mask of the edit before, and there is none: "
                     "make the first edit with another one");
    if (ok) {
        struct command facts = {
            .facts = edits[last].facts, .count = edits[last].requests, .params = *p};

        *count = facts.count;
        ok = requests_build(e, &facts, out, err);
    }
    edit_records_free(edits, n);
    return ok;
}

/* mask.mode = previous: one mask a layer, the union of the scores that the facts of the edit before
 * have now. They are no scores of the present facts, so no event shows them. */
static bool previous_masks(struct engine *e, const struct params *given, struct edit_context *ctx,
                           unsigned *id, struct err *err)
{
    struct params p = *given;
    struct request *request = NULL;
    struct run *run;
    int count;
    bool silent = e->no_events;

    if (!previous_requests(e, given, &request, &count, err))
        return false;
    e->no_events = true;
    run = run_of_facts(e, request, count, given, ctx->layer, ctx->layers, false, err);
    e->no_events = silent;
    requests_free(request, count);
    if (!run)
        return false;
    *id = run->id;
    p.value[P_MASK_MODE] = MODE_UNION;
    ctx->mask = xcalloc((size_t)ctx->layers, sizeof(*ctx->mask));
    for (int i = 0; i < ctx->layers; i++)
        ctx->mask[i] = mask_build(run->layer[ctx->layer[i]], &p);
    return true;
}

/* Masks of the facts' own scores. */
static bool masks_by_rule(struct engine *e, const struct request *request, const struct params *p,
                          struct edit_context *ctx, unsigned *id, struct err *err)
{
    struct run *run = run_of_facts(e, request, ctx->count, p, ctx->layer, ctx->layers, false, err);

    if (!run)
        return false;
    *id = run->id;
    ctx->mask_per_request = params_choice(p, P_MASK_SHARE) && ctx->count > 1;
    ctx->mask = xcalloc((size_t)ctx->layers * (size_t)(ctx->mask_per_request ? ctx->count : 1),
                        sizeof(*ctx->mask));
    for (int i = 0; i < ctx->layers; i++) {
        const struct attribution *a = run->layer[ctx->layer[i]];

        if (!ctx->mask_per_request)
            ctx->mask[i] = mask_build(a, p);
        for (int r = 0, first = 0; ctx->mask_per_request && r < ctx->count; r++) {
            struct attribution *part = request_rows(a, request, r, first);

            ctx->mask[i * ctx->count + r] = mask_build(part, p);
            first += request[r].scored_count;
            attribution_unref(part);
        }
    }
    return true;
}

bool edit_masks(struct engine *e, const struct command *cmd, const struct request *request,
                struct edit_context *ctx, unsigned *id, struct err *err)
{
    const struct params *p = &cmd->params;

    if (params_choice(p, P_MASK_MODE) == MODE_PREVIOUS
            ? !previous_masks(e, p, ctx, id, err)
            : !masks_by_rule(e, request, p, ctx, id, err))
        return false;
    for (int i = 0; i < ctx->layers * (ctx->mask_per_request ? ctx->count : 1); i++)
        mask_apply_overrides(ctx->mask[i], cmd->mask_overrides, cmd->mask_override_count);
    return true;
}

void edit_masks_report(const struct edit_context *ctx, struct layer_report *report, int layers)
{
    for (int i = 0; ctx->mask && !ctx->mask_per_request && i < ctx->layers; i++)
        for (int k = 0; k < layers; k++) {
            const struct mask *m = ctx->mask[i];
            struct layer_report *l = &report[k];

            if (l->layer != m->layer)
                continue;
            l->general = m->general.chosen;
            l->specific = m->specific.chosen;
            l->both = m->both;
            l->rho_ge = m->general.rho;
            l->rho_sp = m->specific.rho;
            l->tau_ge = m->general.tau;
            l->tau_sp = m->specific.tau;
        }
}
