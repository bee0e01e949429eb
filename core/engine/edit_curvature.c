/* The curvature of a text's loss for CrispEdit, made ready and kept current: e->curvature
 * (core/edit/curvature.h).
 *
 * The sums over crispedit.tokens of the text come from the disk cache or are made here, forwards
 * and back; so do their eigenvectors. What past edits of the session added is in its journal: with
 * any of them, their rows are added to a copy of the sums and the eigenvectors are made again. */
#include "core/engine/internal.h"

#include <stdlib.h>
#include <string.h>

static void spaces_free(struct edit_curvature *g)
{
    for (int i = 0; i < g->layers; i++)
        for (int k = 0; k < 2; k++) {
            nullspace_free(g->space[i][k]);
            g->space[i][k] = NULL;
        }
    g->rows = 0;
}

void edit_curvature_free(struct engine *e)
{
    spaces_free(&e->curvature);
    curvature_free(&e->curvature.sums);
    e->curvature = (struct edit_curvature){0};
}

/* The sums of these layers and this window; from the cache as far as that goes. */
static bool curvature_open(struct engine *e, const struct params *p, struct err *err)
{
    struct edit_curvature *g = &e->curvature;
    struct moments_origin origin = {.window = e->model->config->context};
    int layer[PARAM_MAX_LAYERS], layers;
    struct buf notes = {0};
    long limit;
    bool ok;

    if (p->value[P_STATS_WINDOW] < origin.window)
        origin.window = (int)p->value[P_STATS_WINDOW];
    if (!editor_layers(p, e->model->config, layer, &layers, err) || !edit_stats_text(e, err))
        return false;
    if (origin.window < 2 || e->text.count < origin.window)
        return err_set(err, ERR_USAGE,
                       "%s: %d tokens in windows of %d have no window of two tokens: give a longer "
                       "text (--text) or another stats.window",
                       e->options.text, e->text.count, origin.window);
    if (!g->sums.in || g->layers != layers || g->window != origin.window ||
        memcmp(g->layer, layer, (size_t)layers * sizeof(int)) != 0) {
        edit_curvature_free(e);
        memcpy(origin.model, e->open->identity, sizeof(origin.model));
        memcpy(origin.text, e->text_hash, sizeof(origin.text));
        if (!curvature_new(&g->sums, e->dev, &origin, e->model->config, layer, layers, err)) {
            edit_curvature_free(e);
            return false;
        }
        memcpy(g->layer, layer, (size_t)layers * sizeof(int));
        g->layers = layers;
        g->window = origin.window;
    }
    limit = curvature_rows(&g->sums, e->text.count - e->text.count % g->window);
    g->goal = curvature_rows(&g->sums, (long)p->value[P_CRISPEDIT_TOKENS]);
    if (g->goal > limit)
        g->goal = limit;
    if (g->sums.in->tokens && g->sums.in->tokens <= g->goal)
        return true;
    ok = curvature_load(&g->sums, g->goal, &notes, err);
    notice_lines(e, &notes);
    return ok;
}

/* Sums until there are enough rows; what a cancel leaves is gone on from. */
static bool curvature_sum(struct engine *e, struct err *err)
{
    struct edit_curvature *g = &e->curvature;
    struct err why = {0};

    if (g->sums.in->tokens == g->goal)
        return true;
    while (g->sums.in->tokens < g->goal) {
        emit_progress(e, e->job_id, PROGRESS_CURVATURE, (double)g->sums.in->tokens,
                      (double)g->goal);
        if (!curvature_step(&g->sums, e->base, e->text.ids, e->text.count, g->goal, &e->job, err))
            return false;
    }
    if (!curvature_save(&g->sums, &why)) { /* a full disk is no reason to stop */
        struct buf note = {0};

        buf_printf(&note, "the curvature is not kept for the next run: %s\n", why.text);
        notice_lines(e, &note);
    }
    return device_sync(e->dev, err);
}

bool edit_curvature_summed(struct engine *e, const struct params *p, struct err *err)
{
    const struct edit_curvature *g = &e->curvature;

    return curvature_open(e, p, err) &&
           (g->sums.in->tokens >= g->goal ||
            err_set(err, ERR_USAGE,
                    "preview one edit with edit.method=%s first: the curvature of the text's loss "
                    "is not summed yet, which takes minutes",
                    editor_of(p)->name));
}

struct past_rows {
    struct engine *e;
    struct curvature with; /* the text's sums and the past rows; `in` NULL: there are none */
    struct err why;
};

static bool past_rows_add(void *ctx, int edit, const double *value, int count)
{
    struct past_rows *p = ctx;

    (void)edit;
    if (!p->with.in && !curvature_share(&p->with, &p->e->curvature.sums, &p->why))
        return true; /* the copy's fault, not the journal's: see spaces_make() */
    return curvature_add_numbers(&p->with, value, count);
}

/* The eigenvectors of both factors of each layer. */
static bool spaces_make(struct engine *e, struct err *err)
{
    struct edit_curvature *g = &e->curvature;
    struct past_rows past = {.e = e};
    const struct nullspace_rule rule = {.none = true};
    struct buf notes = {0};
    bool ok = session_statistics(e->open->journal, editor_by_method(METHOD_CRISPEDIT)->name,
                                 edit_start_last(e), past_rows_add, &past, err);

    ok = ok && (!past.why.kind || err_pass(err, &past.why));
    for (int i = 0; ok && i < g->layers; i++)
        for (int k = 0; ok && k < 2; k++) {
            const struct curvature *of = past.with.in ? &past.with : &g->sums;
            struct nullspace_job by = {&e->job, 2 * i + k, 2 * g->layers};

            emit_progress(e, e->job_id, PROGRESS_NULL_SPACE, by.done, by.all);
            g->space[i][k] = nullspace_cached(k ? of->out : of->in, i, rule, &by, &notes, err);
            ok = g->space[i][k] != NULL;
        }
    notice_lines(e, &notes);
    curvature_free(&past.with);
    return ok;
}

bool edit_curvature_prepare(struct engine *e, const struct params *p, struct err *err)
{
    struct edit_curvature *g = &e->curvature;

    if (!curvature_open(e, p, err) || !curvature_sum(e, err))
        return false;
    if (g->rows == g->goal && g->history == e->open->history && g->last == edit_start_last(e))
        return true;
    spaces_free(g);
    if (!spaces_make(e, err)) {
        spaces_free(g);
        return false;
    }
    g->rows = g->goal;
    g->history = e->open->history;
    g->last = edit_start_last(e);
    return true;
}

void edit_curvature_context(const struct engine *e, struct edit_context *ctx)
{
    for (int i = 0; i < ctx->layers && i < e->curvature.layers; i++)
        for (int k = 0; k < 2; k++)
            ctx->curvature[i][k] = e->curvature.space[i][k];
}
