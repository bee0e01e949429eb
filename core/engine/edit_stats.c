/* Statistics that an edit needs, made ready and kept current: e->stats.
 *
 * An edit must not disturb what the model says elsewhere. Three things say what "elsewhere" is
 * (editscope-method(7) 6 and 7.9). Each is computed from the one above it:
 *
 *     moments      C = (1/n) sum of m m^T over n tokens of a text, for each edited layer. m holds
 *                  the FFN coefficients of the base model, so C is [M][M], float64. M = 1536 and
 *                  5 layers make 94 MB; M = 14336 makes 1.6 GB a layer (then offload_mat.c keeps
 *                  it on the host).
 *     null space   eigenvectors of C with small eigenvalues: directions that ordinary text hardly
 *                  uses. O(M^3), so it is made once and kept. Editors without NEEDS_NULL_SPACE
 *                  only need C.
 *     key store    struct solver: the keys of all active edits, as the journal holds them,
 *                  projected and factorised, so that a new edit leaves the old ones alone.
 *
 * Each has its own reason to be made again. Other layers or another stats.window: everything
 * (edit_stats_open()). More tokens, another edit.null_threshold or edit.null_frac: null
 * spaces and stores. Another edit.lambda, an undo or redo: stores only (spaces_make() compares).
 * After a commit the stores simply grow by the new keys, unless the journal changed otherwise:
 * `history` counts its changes.
 *
 * Checkpoints. The sums are read at fixed token counts only: 5 M, 10 M, 20 M, 50 M, ... tokens
 * (M neurons) and the goal, stats.tokens. At each one they are saved to the disk cache and
 * EV_MOMENTS is emitted. So the weights of an edit depend on a number that is written down with
 * it, and not on how long a user happened to wait.
 *
 * Drafts. A commit waits for the goal. A draft (--draft, and previews on the screen) uses the last
 * checkpoint that was reached. It needs the first one: with fewer tokens than neurons, C has
 * M - n zero eigenvalues, which say nothing about the model. When summing has gone on since, the
 * checkpoint's sums are read back from the cache (spaces_at()).
 *
 * Summing is done in slices of one batch of text, in the background (edit_stats_step()) or at
 * once, when an edit needs it (stats_sum()). While the text is read, struct top_activations also
 * notes where each neuron was most active, which the screen shows. If the sums came from the cache
 * but these places did not, the start of the text is read again for them alone.
 *
 * With mpirun, processes share the summing (edit_stats_sum_ranks()). A round goes from one
 * checkpoint to the next; each process sums its part of it, then the sums are added on rank 0, in
 * the order of ranks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/mpi.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"

enum { TOKENS_BEFORE = 40 }; /* tokens of text shown before the one where a neuron was active */

/* Null spaces and key stores; the moments stay. */
static void spaces_free(struct edit_stats *g)
{
    for (int i = 0; i < g->layers; i++) {
        solver_free(g->solver[i]);
        nullspace_free(g->space[i]);
        g->solver[i] = NULL;
        g->space[i] = NULL;
        free(g->owner[i]);
        g->owner[i] = NULL;
        g->owners[i] = 0;
    }
    g->space_tokens = 0;
}

void edit_stats_free(struct engine *e)
{
    struct edit_stats *g = &e->stats;

    spaces_free(g);
    moments_text_free(g->reader);
    moments_text_free(g->top_reader);
    top_activations_free(g->top);
    moments_free(g->count_only);
    moments_free(g->moments);
    *g = (struct edit_stats){0};
}

bool edit_stats_text(struct engine *e, struct err *err)
{
    struct tokens tokens = {0}; /* what interrupts this must not see a part of them */
    size_t len;
    char *text;
    bool ok;

    if (e->text.count)
        return true;
    if (!e->options.text)
        return err_set(err, ERR_USAGE, "no text for the second moments: give one with --text FILE");
    text = file_read_prose(e->options.text, (size_t)1 << 30, &len, err);
    if (!text)
        return err_in(err, "text of the second moments");
    sha256_of(text, len, e->text_hash);
    ok = tokenizer_encode_text(e->model->tokenizer, text, len, 0, &tokens, &e->job, err);
    if (ok)
        e->text = tokens;
    else
        tokens_free(&tokens);
    free(text);
    return ok || err_in(err, "%s", e->options.text);
}

/* Loads the sums from the cache on rank 0 only: the other ranks begin at 0 and contribute what they
 * sum themselves. ERR_STATE if a rank has another model, text or window. */
static bool ranks_load(struct edit_stats *g, struct err *err)
{
    struct {
        struct moments_origin origin;
        long tokens;
    } first;

    if (!mpi_rank() && !moments_load(g->moments, g->goal, NULL, err))
        return false;
    memset(&first, 0, sizeof(first));
    first.origin = g->moments->origin;
    first.tokens = g->moments->tokens;
    if (!mpi_broadcast(&first, sizeof(first), err))
        return false;
    g->moments->tokens = first.tokens;
    if (!strcmp(first.origin.model, g->moments->origin.model) &&
        !strcmp(first.origin.text, g->moments->origin.text) &&
        first.origin.window == g->moments->origin.window)
        return true;
    return err_set(err, ERR_STATE, "process %d of mpirun has another model or text than process 0",
                   mpi_rank());
}

/* Ends a round: adds the sums of all ranks on rank 0 and zeroes the others. */
static bool ranks_join(struct edit_stats *g, long until, struct err *err)
{
    struct moments *m = g->moments;

    moments_flush(m);
    if (!device_sync(m->dev, err))
        return false;
    for (int i = 0; mpi_size() > 1 && i < m->layers; i++) {
        double *sum = offload_download(&m->sum[i], 0, m->neurons, err);
        bool ok = sum && mpi_sum(sum, (size_t)m->neurons * (size_t)m->neurons, err) &&
                  offload_own(&m->sum[i], NULL, err);

        if (ok && !mpi_rank())
            offload_upload(&m->sum[i], 0, m->neurons, sum);
        else if (ok)
            offload_fill(&m->sum[i], 0);
        free(sum);
        if (!ok || !device_sync(m->dev, err))
            return false;
    }
    m->tokens = until;
    g->part = g->part_end = 0;
    return true;
}

/* Sets the tokens of the round that this process sums: whole batches, except at the end. */
static void ranks_part(struct edit_stats *g, long begin, long until)
{
    long batch = moments_text_batch(g->reader), end;
    long first = mpi_part((until - begin + batch - 1) / batch, mpi_rank(), mpi_size(), &end);

    g->part = begin + first * batch < until ? begin + first * batch : until;
    g->part_end = begin + end * batch < until ? begin + end * batch : until;
}

/* One slice of this process's part of a round; the last one ends the round. */
static bool ranks_step(struct engine *e, long until, struct err *err)
{
    struct edit_stats *g = &e->stats;
    struct moments *m = g->moments;
    long begin = m->tokens;

    if (!g->part_end) {
        ranks_part(g, begin, until);
        m->tokens = g->part;
    }
    if (m->tokens < g->part_end && !moments_text_step(g->reader, g->part_end, err))
        return false;
    emit_progress(e, e->job_id, PROGRESS_MOMENTS,
                  (double)(g->part + (m->tokens - g->part) * mpi_size()), (double)g->goal);
    return m->tokens < g->part_end || !moments_text_idle(g->reader) || ranks_join(g, until, err);
}

/* stats.tokens, or what the text has if that is less. */
static void set_goal(struct edit_stats *g, const struct params *p)
{
    long limit = moments_text_limit(g->reader);

    g->goal = (long)p->value[P_STATS_TOKENS];
    if (g->goal > limit)
        g->goal = limit;
}

bool edit_stats_open(struct engine *e, const struct params *p, struct err *err)
{
    struct edit_stats *g = &e->stats;
    struct moments_origin origin = {.window = e->model->config->context};
    struct buf notes = {0};
    int layer[PARAM_MAX_LAYERS], layers;
    bool ok, together;

    if (p->value[P_STATS_WINDOW] < origin.window) /* at most the model's context */
        origin.window = (int)p->value[P_STATS_WINDOW];
    if (!editor_layers(p, e->model->config, layer, &layers, err) || !edit_stats_text(e, err))
        return false;
    if (layers > EDIT_MAX_LAYERS)
        return err_set(err, ERR_USAGE, "%s: %d layers; at most %d at once", params_layers_name(p),
                       layers, EDIT_MAX_LAYERS);
    if (g->reader && g->layers == layers && g->moments->origin.window == origin.window &&
        !memcmp(g->layer, layer, (size_t)layers * sizeof(int))) {
        set_goal(g, p);
        if (g->moments->tokens <= moments_whole(g->moments, g->goal))
            return true;
        /* else the goal is lower now: sums do not get smaller, those of fewer tokens are read from
         * the cache or begun again */
    }
    together = g->by_ranks;
    edit_stats_free(e);
    g->by_ranks = together;
    memcpy(origin.model, e->open->identity, sizeof(origin.model));
    memcpy(origin.text, e->text_hash, sizeof(origin.text));
    memcpy(g->layer, layer, (size_t)layers * sizeof(int));
    g->layers = layers;
    g->goal = (long)p->value[P_STATS_TOKENS];
    g->moments = moments_new(e->dev, &origin, layers, layer, e->model->config->ffn, err);
    if (g->moments)
        g->moments->job = &e->job;
    ok = g->moments &&
         (g->by_ranks ? ranks_load(g, err) : moments_load(g->moments, g->goal, &notes, err));
    notice_lines(e, &notes);
    if (!ok)
        return false;
    g->checkpoint = g->moments->tokens;
    g->reader = moments_text_new(e->base, g->moments, e->text.ids, e->text.count);
    g->top = top_activations_new(g->moments);
    top_activations_load(g->top, g->moments);
    moments_text_collect(g->reader, g->top);
    if (!moments_text_limit(g->reader)) {
        edit_stats_free(e); /* so that the next call fails in the same way */
        return err_set(err, ERR_USAGE,
                       "%s: %d tokens are less than one window of %d: give a longer text (--text) "
                       "or a shorter stats.window",
                       e->options.text, e->text.count, origin.window);
    }
    set_goal(g, p);
    return device_sync(e->dev, err);
}

bool emit_moments(struct engine *e)
{
    struct edit_stats *g = &e->stats;
    struct moments_info *info = xcalloc(1, sizeof(*info));

    info->tokens = g->moments ? g->moments->tokens : 0;
    info->goal = g->goal;
    info->layers = g->layers;
    utf8_copy(info->unkept, sizeof(info->unkept), g->unsaved);
    for (int i = 0; i < g->layers; i++) {
        struct nullspace *s = g->space[i];

        info->layer[i] = g->layer[i];
        if (!s || !g->has_null)
            continue;
        info->null_fraction[i] = s->null_fraction;
        info->trace_lost[i] = s->trace_lost;
        info->trace[i] = s->trace;
        info->threshold[i] = s->threshold;
        for (int k = 0; k < 5 && k < s->rank; k++)
            info->top[i][k] = s->value[s->rank - 1 - k];
    }
    engine_emit(e, EV_MOMENTS, info);
    return true;
}

/* One slice of summing. At a checkpoint it saves the sums and emits EV_MOMENTS. */
static bool stats_advance(struct engine *e, struct err *err)
{
    struct edit_stats *g = &e->stats;
    long until = moments_next(g->moments, g->goal), before = g->moments->tokens;

    if (g->by_ranks) {
        if (!g->part_end)
            g->round_end = until;
        until = g->round_end;
        if (!ranks_step(e, until, err))
            return false;
    } else if (!moments_text_step(g->reader, until, err)) {
        return false;
    }
    if (g->moments->tokens != before && !g->by_ranks)
        emit_progress(e, e->job_id, PROGRESS_MOMENTS, (double)g->moments->tokens,
                      (double)(e->job_id ? g->wanted : g->goal));
    if (g->moments->tokens == until && !g->part_end && (g->by_ranks || until != before)) {
        struct err why = {0};

        if (!mpi_rank())
            moments_save(g->moments, &why); /* on failure (a full disk) summing goes on */
        if (why.kind)
            err_in(&why, "not saved for the next run");
        utf8_copy(g->unsaved, sizeof(g->unsaved), why.text);
        if (g->top->tokens == until)
            top_activations_save(g->top, g->moments, NULL);
        g->checkpoint = until;
        emit_moments(e);
    }
    return true;
}

/* Tokens that a draft waits for: the first checkpoint, or the goal if that is less. */
static long draft_tokens(const struct edit_stats *g)
{
    long first = moments_checkpoint(g->moments->neurons, 0);

    return first < g->goal ? first : g->goal;
}

double edit_stats_needed(const struct engine *e)
{
    const struct edit_stats *g = &e->stats;
    long tokens = draft_tokens(g);

    return g->checkpoint >= tokens ? 0 : (double)moments_whole(g->moments, tokens);
}

static bool stats_complete(const struct edit_stats *g)
{
    return g->moments && g->moments->tokens >= g->goal && moments_text_idle(g->reader);
}

/* One slice of reading the text for `top` only, when the sums came from the cache. The tokens of
 * the first checkpoint are enough. False: done. */
static bool contexts_step(struct engine *e, struct err *err)
{
    struct edit_stats *g = &e->stats;
    long until = moments_whole(g->moments, moments_checkpoint(g->moments->neurons, 0));

    if (until > g->moments->tokens)
        until = g->moments->tokens;
    if (g->top->tokens >= until)
        return false;
    if (!g->top_reader) {
        g->count_only = moments_count(g->moments);
        g->count_only->tokens = g->top->tokens;
        g->top_reader = moments_text_new(e->base, g->count_only, e->text.ids, e->text.count);
        moments_text_collect(g->top_reader, g->top);
    }
    if (!moments_text_step(g->top_reader, until, err))
        return false;
    if (g->top->tokens >= until) {
        top_activations_save(g->top, g->moments, NULL);
        moments_text_free(g->top_reader);
        g->top_reader = NULL;
        moments_free(g->count_only);
        g->count_only = NULL;
    }
    return true;
}

bool edit_stats_step(struct engine *e, struct err *err)
{
    if (!(editor_of(&e->params)->needs & NEEDS_MOMENTS))
        return false;
    if (!edit_stats_open(e, &e->params, err))
        return false;
    if (stats_complete(&e->stats))
        return contexts_step(e, err);
    if (moments_room(e->stats.moments, err))
        return stats_advance(e, err);
    return err_in(err, "the second moments stay at %ld tokens", e->stats.moments->tokens);
}

/* The null space, from the cache or made here, and the empty key store of a layer. */
static bool space_make(struct engine *e, const struct moments *from, int index, bool null,
                       struct err *err)
{
    struct edit_stats *g = &e->stats;
    struct nullspace **space = &g->space[index];
    struct nullspace_job by = {&e->job, index, g->layers};
    struct buf notes = {0};

    if (null && !*space)
        emit_progress(e, e->job_id, PROGRESS_NULL_SPACE, index, g->layers);
    if (!*space)
        *space = null ? nullspace_cached(from, index, g->rule, &by, &notes, err)
                      : nullspace_none(from, index, err);
    notice_lines(e, &notes);
    solver_free(g->solver[index]);
    g->owners[index] = 0;
    g->solver[index] = *space ? solver_new(*space, g->lambda, err) : NULL;
    return g->solver[index] != NULL;
}

/* Makes null spaces and key stores from these sums, as far as `needs` asks for them and they are
 * not there yet. Eigenvectors that are there are kept, even if this editor does not need them. */
static bool spaces_make(struct engine *e, const struct moments *from, const struct params *p,
                        unsigned needs, struct err *err)
{
    struct edit_stats *g = &e->stats;
    struct nullspace_rule rule = {.threshold = p->value[P_EDIT_NULL_THRESHOLD],
                                  .fraction = p->value[P_EDIT_NULL_FRACTION]};
    bool null = needs & NEEDS_NULL_SPACE;
    bool same = g->space_tokens == from->tokens &&
                (!null || (g->has_null && g->rule.threshold == rule.threshold &&
                           g->rule.fraction == rule.fraction));

    if (same && g->lambda == p->value[P_EDIT_LAMBDA] && edit_past_current(e, needs))
        return true;
    if (!same) {
        spaces_free(g);
        g->has_null = null;
        g->rule = rule;
    }
    g->space_tokens = 0;
    g->lambda = p->value[P_EDIT_LAMBDA];
    for (int i = 0; i < g->layers; i++)
        if (job_cancelled(&e->job, err) || !space_make(e, from, i, null, err))
            return false;
    g->has_past = needs & NEEDS_PAST_KEYS;
    if (g->has_past && !edit_past_load(e, err))
        return false;
    g->space_tokens = from->tokens;
    g->history = e->open->history;
    g->last = edit_start_last(e);
    return true;
}

/* spaces_make() from the sums of `tokens` tokens: the present ones, or those of a checkpoint in the
 * disk cache if summing has gone on. */
static bool spaces_at(struct engine *e, long tokens, const struct params *p, unsigned needs,
                      struct err *err)
{
    struct edit_stats *g = &e->stats;
    struct moments *kept;
    bool ok;

    moments_flush(g->moments);
    if (g->moments->tokens == tokens && moments_text_idle(g->reader))
        return spaces_make(e, g->moments, p, needs, err);
    kept = moments_new(e->dev, &g->moments->origin, g->layers, g->layer, g->moments->neurons, err);
    if (kept)
        kept->job = &e->job;
    ok = kept && moments_load(kept, tokens, NULL, err);
    if (ok && kept->tokens != tokens)
        ok = err_set(err, ERR_IO,
                     "the second moments of %ld tokens are no longer in the cache; "
                     "wait for the full count or run `editscope stats`",
                     tokens);
    ok = ok && spaces_make(e, kept, p, needs, err);
    moments_free(kept);
    return ok;
}

/* Sums until there is enough: the goal, or the first checkpoint for a draft. */
static bool stats_sum(struct engine *e, const struct params *p, bool draft, struct err *err)
{
    struct edit_stats *g = &e->stats;

    if (!edit_stats_open(e, p, err))
        return false;
    g->wanted = draft ? draft_tokens(g) : g->goal;
    while (g->moments->tokens < g->wanted)
        if (job_cancelled(&e->job, err) || !stats_advance(e, err))
            return false;
    return true;
}

static bool stats_prepare(struct engine *e, const struct params *p, bool draft, unsigned needs,
                          struct err *err)
{
    const struct edit_stats *g = &e->stats;

    return (!(needs & NEEDS_CURVATURE) || edit_curvature_prepare(e, p, err)) &&
           (!(needs & NEEDS_MOMENTS) ||
            (stats_sum(e, p, draft, err) &&
             spaces_at(e, draft ? g->checkpoint : g->moments->tokens, p, needs, err)));
}

bool edit_stats_prepare(struct engine *e, const struct params *p, bool draft, struct err *err)
{
    return stats_prepare(e, p, draft, editor_of(p)->needs, err);
}

void edit_stats_report(const struct engine *e, const struct params *p, struct edit_report *a)
{
    unsigned needs = editor_of(p)->needs;
    bool moments = needs & NEEDS_MOMENTS;

    a->moment_tokens = moments                   ? e->stats.space_tokens
                       : needs & NEEDS_CURVATURE ? e->curvature.rows
                                                 : 0;
    a->draft = moments && e->stats.space_tokens < e->stats.goal;
}

/* Copies rank 0's sums to all ranks. */
static bool ranks_broadcast(struct edit_stats *g, struct err *err)
{
    struct moments *m = g->moments;
    size_t count = (size_t)m->neurons * (size_t)m->neurons;

    for (int i = 0; i < m->layers; i++) {
        double *sum = offload_download(&m->sum[i], 0, m->neurons, err);
        bool ok = sum && mpi_broadcast(sum, count * sizeof(*sum), err);

        ok = ok && mpi_broadcast(m->hash[i], sizeof(m->hash[i]), err);
        ok = ok && (!mpi_rank() || offload_own(&m->sum[i], NULL, err));
        if (ok && mpi_rank())
            offload_upload(&m->sum[i], 0, m->neurons, sum);
        free(sum);
        if (!ok || !device_sync(m->dev, err))
            return false;
    }
    return true;
}

bool edit_stats_sum_ranks(struct engine *e, const struct command *cmd, struct err *err)
{
    const unsigned all = NEEDS_MOMENTS | NEEDS_NULL_SPACE | NEEDS_PAST_KEYS |
                         (editor_of(&cmd->params)->needs & NEEDS_CURVATURE);
    struct edit_stats *g = &e->stats;
    bool ok;

    if (mpi_size() < 2)
        return stats_prepare(e, &cmd->params, cmd->draft, all, err);
    edit_stats_free(e);
    g->by_ranks = true;
    ok = edit_stats_open(e, &cmd->params, err) && stats_sum(e, &cmd->params, cmd->draft, err) &&
         (!cmd->on_all_ranks || ranks_broadcast(g, err));
    g->by_ranks = false;
    if (!ok || (mpi_rank() && !cmd->on_all_ranks))
        return ok;
    return stats_prepare(e, &cmd->params, cmd->draft, all, err);
}

/* The text up to and including a token: at most TOKENS_BEFORE tokens before it, from the same
 * window (the model read no further back), as much of its end as fits, in whole characters. */
static void text_until(const struct engine *e, int token, int window, char *out, size_t size)
{
    int from = token - token % window;
    struct buf text = {0};
    size_t at;

    if (from < token - TOKENS_BEFORE)
        from = token - TOKENS_BEFORE;
    tokenizer_decode(e->model->tokenizer, e->text.ids + from, token - from + 1, DECODE_SKIP_SPECIAL,
                     &text);
    utf8_encode_nul(&text);
    at = text.len < size ? 0 : text.len - size + 1;
    while (at < text.len && at && ((unsigned char)text.data[at] & 0xC0) == 0x80)
        at++;
    utf8_copy(out, size, text.data ? text.data + at : "");
    buf_free(&text);
}

void edit_stats_top_activations(const struct engine *e, struct neuron_info *info)
{
    const struct top_activations *c = e->stats.top;

    for (int i = 0; c && i < c->layers; i++) {
        size_t first =
            ((size_t)i * (size_t)c->neurons + (size_t)info->neuron) * TOP_ACTIVATIONS_KEPT;

        if (c->layer[i] != info->layer)
            continue;
        for (int k = 0; k < TOP_ACTIVATIONS_KEPT; k++) {
            int token = c->at[first + (size_t)k];
            float value = c->value[first + (size_t)k];

            if (value != 0 && token >= 0 &&
                token < e->text.count) { /* the cache file may be damaged */
                struct context *to = &info->context[info->contexts++];

                to->coefficient = value;
                text_until(e, token, c->origin.window, to->text, sizeof(to->text));
            }
        }
    }
}
