/* The job of an edit, from CMD_PREVIEW or CMD_COMMIT to the journal, and estimates of an edit.
 *
 * Equations are in editscope-method(7) 7.11. The steps of job_edit(), and who does them:
 *
 *     facts          -> requests      requests_build(): rows of tokens, the subject's last token
 *     statistics                      edit_stats_prepare(): moments, null spaces, past keys
 *     requests       -> z             target_of_fact(): the value that makes the model say the new
 *                                     object; EV_STEP for each step (or given: cmd->z)
 *     requests       -> scores        run_of_facts(): EV_HEADER, EV_LAYER
 *     scores         -> masks         edit_masks(), with the user's overrides
 *     z, masks       -> scratch state the editor's edit(): a delta for each layer (core/edit/)
 *     scratch state  -> report        preview_report(): both states answer every fact
 *
 * An editor that does not need a step (enum editor_needs) skips it. All of it works on a copy of
 * the edited state; the copy shares every matrix that it does not write. The result is e->preview.
 * CMD_PREVIEW emits EV_PREVIEW, EV_SIDES of one fact, EV_STATE, and stops there.
 *
 * CMD_COMMIT goes on in edit_commit():
 *
 *   1. Verify that nothing but the masked columns changed, bit by bit (deltas_wrote_alone()).
 *   2. Write facts, parameters, z, deltas, metrics and checksum to the journal (session_append()),
 *      in one transaction. If that fails, the edited weights are still the old ones.
 *   3. The scratch state becomes the edited state, the key stores get the new keys.
 *   4. EV_COMMIT once, EV_COMMITTED for each fact, EV_SIDES if there is one, EV_STATE.
 *
 * A crash before the end of 2 leaves the old state, a crash after it the new one: opening the
 * session rebuilds the weights from the journal.
 *
 * A commit of exactly what was previewed must give the same bits, so it reuses the preview. "The
 * same" is decided by preview_key(): facts, parameters, overrides, z and the generation of the
 * edited weights, as one text. The moments may have grown meanwhile: a commit that allows a draft
 * writes what was seen, a new preview is made from what is there now. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/checksum.h"
#include "core/engine/internal.h"

enum { SAID_TOKENS = 12 }; /* length of the answers before and after */

const struct model_state *edit_start_state(const struct engine *e)
{
    return e->start.state ? e->start.state : e->open->edited;
}

const struct model_state *edit_weights(const struct engine *e, const struct params *p,
                                       enum param weights)
{
    return params_choice(p, weights) == WEIGHTS_BASE ? e->base : edit_start_state(e);
}

/* The same edits make the same bits, so what was made before an undo is found again after a redo.
 * Between a change of the edits and its EV_STATE there is no name yet. */
void edit_weights_name(const struct engine *e, const struct params *p, enum param weights,
                       struct buf *out)
{
    const struct open_session *s = e->open;
    const char *name = e->start.state ? e->start.name : s->named == s->history ? s->name : "";

    if (params_choice(p, weights) == WEIGHTS_BASE)
        buf_puts(out, "base");
    else if (*name)
        buf_puts(out, name);
    else
        buf_printf(out, "%u", edit_start_state(e)->generation);
}

void preview_drop(struct engine *e)
{
    struct preview *p = &e->preview;

    state_free(p->view);
    edit_result_free(&p->result);
    free(p->key);
    free(p->z);
    *p = (struct preview){0};
}

bool requests_build(struct engine *e, const struct command *cmd, struct request **out,
                    struct err *err)
{
    *out = NULL;
    if (cmd->count < 1)
        return err_set(err, ERR_USAGE, "no fact: give subject, prompt and new object");
    *out = xcalloc((size_t)cmd->count, sizeof(**out));
    for (int i = 0; i < cmd->count; i++)
        if (!request_build(&(*out)[i], &cmd->facts[i], &e->open->prefixes, e->model, &cmd->params,
                           err)) {
            requests_free(*out, i);
            *out = NULL;
            return false;
        }
    return true;
}

void requests_free(struct request *r, int count)
{
    for (int i = 0; i < count; i++)
        request_free(&r[i]);
    free(r);
}

/* Everything a preview depends on, as text. Parameters that only judge the result are left out. */
static char *preview_key(const struct engine *e, const struct command *cmd)
{
    struct buf b = {0};

    for (int i = 0; i < cmd->count; i++) {
        char *fact = fact_to_json(&cmd->facts[i]);

        buf_printf(&b, "%s\n", fact);
        free(fact);
    }
    params_show_all(&cmd->params, (AFFECTS_EDIT & ~AFFECTS_VERDICT) | AFFECTS_WORDING, &b);
    buf_printf(&b, "%u", e->open->edited->generation);
    for (int i = 0; i < cmd->mask_override_count; i++)
        buf_printf(&b, " L%dN%d%c", cmd->mask_overrides[i].layer, cmd->mask_overrides[i].neuron,
                   cmd->mask_overrides[i].in ? '+' : '-');
    if (cmd->z)
        buf_add(&b, cmd->z, (size_t)e->model->config->hidden * sizeof(float));
    return buf_take(&b);
}

/* Whether the preview is the edit that the command asks for. One that was made from a draft is not,
 * if the command does not allow that. */
static bool preview_is_of(const struct engine *e, const struct command *cmd)
{
    const struct preview *v = &e->preview;
    char *key = v->key ? preview_key(e, cmd) : NULL;
    bool same = key && !strcmp(v->key, key) && (cmd->draft || !v->report.draft);

    free(key);
    return same;
}

/* Whether there are statistics of more text than the preview was made from. */
static bool preview_outgrown(const struct engine *e, const struct params *p)
{
    struct edit_report now;

    edit_stats_report(e, p, &now);
    return now.moment_tokens != e->preview.report.moment_tokens;
}

/* A step of an edit that optimises the weights. */
static void on_edit_step(void *ctx, const struct target_step *t)
{
    struct target_step *s = xmalloc(sizeof(*s));

    *s = *t;
    engine_emit(ctx, EV_STEP, s);
}

struct target_watch { /* where an optimisation is among those of a command */
    struct engine *e;
    int fact, facts, steps; /* steps: at most, for each fact */
};

static void on_target_step(void *ctx, const struct target_step *t)
{
    const struct target_watch *w = ctx;
    struct target_step *s = xmalloc(sizeof(*s));

    *s = *t;
    engine_emit(w->e, EV_STEP, s);
    emit_progress(w->e, w->e->job_id, "target", w->fact * w->steps + t->step, w->facts * w->steps);
}

/* v->z [count][d] of all requests. `layer`: the last edited one. */
static bool targets_collect(struct engine *e, const struct command *cmd,
                            const struct request *request, int layer, struct preview *v,
                            struct err *err)
{
    int d = e->model->config->hidden;

    if (cmd->z) {
        memcpy(v->z, cmd->z, (size_t)d * sizeof(float));
        return cmd->count == 1 || err_set(err, ERR_USAGE,
                                          "--z gives the target of one fact, not "
                                          "of %d",
                                          cmd->count);
    }
    for (int i = 0; i < cmd->count; i++) {
        struct target_watch watch = {e, i, cmd->count, (int)cmd->params.value[P_EDIT_V_STEPS]};
        const struct target *t;

        emit_progress(e, e->job_id, "target", i * watch.steps, cmd->count * watch.steps);
        t = target_of_fact(e, &request[i], layer, &cmd->params, on_target_step, &watch, err);
        if (!t)
            return false;
        memcpy(v->z + (size_t)i * (size_t)d, t->z, (size_t)d * sizeof(float));
        if (!i) {
            v->v_lr = t->rate;
            v->v_clamp = t->clamp;
            v->v_norm = t->v_norm;
        }
    }
    return true;
}

void edit_context_begin(const struct engine *e, struct edit_context *ctx, const struct command *cmd,
                        const struct request *request)
{
    const struct editor_ops *editor = editor_of(&cmd->params);
    int layer[PARAM_MAX_LAYERS];

    *ctx = (struct edit_context){.solve = editor->solve,
                                 .keys = editor->keys,
                                 .residual = editor->residual,
                                 .request = request,
                                 .count = cmd->count,
                                 .params = &cmd->params,
                                 .unprojected = !(editor->needs & NEEDS_NULL_SPACE)};
    if (editor_layers(&cmd->params, e->model->config, layer, &ctx->layers, NULL))
        memcpy(ctx->layer, layer, (size_t)ctx->layers * sizeof(int));
    edit_curvature_context(e, ctx);
    if (!(editor->needs & NEEDS_MOMENTS))
        return;
    memcpy(ctx->solver, e->stats.solver, sizeof(ctx->solver));
    for (int i = 0; i < ctx->layers; i++) {
        ctx->owner[i] = e->stats.owner[i];
        ctx->owners[i] = e->stats.owners[i];
    }
}

/* Makes the whole edit in a scratch state: e->preview. */
static bool preview_make(struct engine *e, struct command *cmd, const struct request *request,
                         struct err *err)
{
    struct preview *v = &e->preview;
    int d = e->model->config->hidden;
    double t0 = clock_seconds(), t1, t2;
    struct edit_context ctx;
    bool ok;

    preview_drop(e);
    edit_context_begin(e, &ctx, cmd, request);
    v->z = xcalloc((size_t)cmd->count * (size_t)d, sizeof(float));
    v->width = d;
    ok = edit_context_past(e, &ctx, err) &&
         (!(editor_of(&cmd->params)->needs & NEEDS_TARGET) ||
          targets_collect(e, cmd, request, edit_target_layer(&ctx), v, err));
    t1 = clock_seconds();
    ok = ok && (!editor_has_mask(&cmd->params) || edit_masks(e, cmd, request, &ctx, &v->run, err));
    t2 = clock_seconds();
    ctx.z = v->z;
    ctx.on_step = on_edit_step;
    ctx.on_step_ctx = e;
    if (ok) {
        emit_progress(e, e->job_id, "solve", 0, 0);
        v->view = state_copy(e->open->edited, ++e->generation);
        ok = editor_of(&cmd->params)->edit(&v->result, v->view, &ctx, &e->job, err) &&
             edit_routes(&v->result, v->view, &ctx, &e->job, err);
        edit_masks_report(&ctx, v->result.report, v->result.layers);
    }
    edit_context_free(&ctx);
    if (!ok) {
        preview_drop(e);
        return false;
    }
    v->seconds[0] = t1 - t0;
    v->seconds[1] = t2 - t1;
    v->seconds[2] = clock_seconds() - t2;
    if (ctx.solver[0])
        v->lambda = ctx.solver[0]->lambda;
    if (editor_of(&cmd->params)->needs & NEEDS_NULL_SPACE)
        memcpy(v->projector, e->stats.space[0]->hash, sizeof(v->projector));
    v->key = preview_key(e, cmd);
    edit_stats_report(e, &cmd->params, &v->report);
    return true;
}

void edit_report_take(struct edit_report *a, const struct edit_result *r)
{
    a->layers = r->layers;
    memcpy(a->layer, r->report, (size_t)r->layers * sizeof(*a->layer));
    a->z_error = r->z_error;
    utf8_copy(a->beside, sizeof(a->beside), r->beside);
    a->routes = r->routes;
    a->demonstrations = r->demonstrations;
    memcpy(a->demonstration, r->demonstration, sizeof(a->demonstration));
}

/* Asks the state before and after for every fact, and fills e->preview.report. Its probabilities
 * and its answer are those of the first fact. */
static bool preview_report(struct engine *e, const struct command *cmd,
                           const struct request *request, struct answered *before,
                           struct answered *after, struct err *err)
{
    struct preview *v = &e->preview;
    struct edit_report *a = &v->report;

    for (int i = 0; i < cmd->count; i++) {
        const struct continuation c = continuation_of_request(&request[i]);

        if (!answer_prompt(&before[i], e->open->edited, &c, SAID_TOKENS, &e->job, err) ||
            !answer_prompt(&after[i], v->view, &c, SAID_TOKENS, &e->job, err))
            return false;
    }
    *a = (struct edit_report){.v_lr = v->v_lr,
                              .v_norm = v->v_norm,
                              .v_clamp = v->v_clamp,
                              .moment_tokens = a->moment_tokens,
                              .draft = a->draft};
    edit_report_take(a, &v->result);
    a->p_before = before->score.p_first;
    a->p_after = after->score.p_first;
    a->p_target[0] = before->score.p;
    a->p_target[1] = after->score.p;
    a->facts = cmd->count;
    for (int i = 0; i < cmd->count; i++)
        a->held += fact_holds(&after[i].score, cmd->params.value[P_ACCEPT_P_MIN]);
    utf8_copy(a->generated, sizeof(a->generated), after->said);
    return weights_checksum(v->view, a->checksum, err);
}

/* One side of the edit of one fact. */
static bool edit_side_read(struct engine *e, const struct request *r,
                           const struct model_state *view, const struct answered *a, double accept,
                           struct edit_side *out, struct err *err)
{
    out->said = xstrdup(a->said);
    out->accuracy = a->score.accuracy;
    out->holds = fact_holds(&a->score, accept);
    return prompt_read(e, r, view, &out->prompt, err);
}

/* The states before and after an edit, as EV_SIDES. An event of kind EV_NONE: failed. */
static struct event sides_event(struct engine *e, const struct command *cmd,
                                const struct request *request,
                                const struct model_state *const state[2],
                                const struct answered *before, const struct answered *after,
                                struct err *err)
{
    double accept = cmd->params.value[P_ACCEPT_P_MIN];
    struct request r = *request; /* with the old object that both sides are asked about */
    struct event ev = {.kind = EV_SIDES, .job = e->job_id};

    ev.sides = xcalloc(1, sizeof(*ev.sides));
    ev.sides->accept = accept;
    if (!old_token(e, request, &r.old, err) ||
        !edit_side_read(e, &r, state[0], before, accept, &ev.sides->before, err) ||
        !edit_side_read(e, &r, state[1], after, accept, &ev.sides->after, err))
        event_free(&ev);
    return ev;
}

bool emit_sides(struct engine *e, const struct command *cmd,
                const struct model_state *const state[2], int edit, struct err *err)
{
    struct request *request = NULL;
    struct answered a[2] = {0};
    struct event ev = {0};
    struct continuation c;
    bool ok = requests_build(e, cmd, &request, err);

    for (int k = 0; ok && k < 2; k++) {
        c = continuation_of_request(request);
        ok = answer_prompt(&a[k], state[k], &c, SAID_TOKENS, &e->job, err);
    }
    if (ok)
        ev = sides_event(e, cmd, request, state, &a[0], &a[1], err);
    if (ev.kind == EV_SIDES) {
        ev.sides->edit = edit;
        bus_emit(e->bus, ev);
    }
    answered_free(&a[0]);
    answered_free(&a[1]);
    if (request)
        requests_free(request, cmd->count);
    return ev.kind == EV_SIDES;
}

static void emit_edit_report(struct engine *e, enum event_kind kind)
{
    struct edit_report *a = xmalloc(sizeof(*a));

    *a = e->preview.report;
    engine_emit(e, kind, a);
}

static double log_odds(const struct answered *a)
{
    return a->p_other > 0 && a->score.p_first > 0 ? log(a->score.p_first) - log(a->p_other)
                                                  : (double)NAN;
}

/* One fact of a commit: probabilities, most probable token and answer, before and after. */
static void fact_report(const struct engine *e, const struct params *p,
                        const struct answered *before, const struct answered *after,
                        struct commit_report *out)
{
    const struct answered *a[2] = {before, after};

    for (int i = 0; i < 2; i++) {
        struct shown_token w;

        shown_token_of(e, a[i]->argmax, &w);
        utf8_copy(out->argmax[i], sizeof(out->argmax[i]), w.text);
        utf8_copy(out->generated[i], sizeof(out->generated[i]), a[i]->said);
        out->p_target[i] = a[i]->score.p;
        out->p_first[i] = a[i]->score.p_first;
        out->log_odds[i] = log_odds(a[i]);
    }
    out->rewrite_acc = after->score.accuracy;
    out->success = fact_holds(&after->score, p->value[P_ACCEPT_P_MIN]);
}

/* Writes the edit to the journal and then makes the scratch state the edited state. */
static bool edit_journal(struct engine *e, struct command *cmd, const struct request *request,
                         const struct commit_report *fact, struct err *err)
{
    struct preview *v = &e->preview;
    struct edit_record rec = {.requests = cmd->count,
                              .width = v->width,
                              .z = v->z,
                              .deltas = v->result.deltas,
                              .delta = v->result.delta,
                              .hooks = v->result.hooks,
                              .hook = v->result.hook,
                              .prefixes = v->result.prefixes,
                              .prefix = v->result.prefix,
                              .statistics = v->result.numbers,
                              .statistics_count = v->result.numbers_count,
                              .lambda = v->lambda,
                              .draft = v->report.draft,
                              .moment_tokens = v->report.moment_tokens,
                              .attribution = v->run};
    bool ok;

    if (v->result.numbers)
        rec.statistics_of = editor_of(&cmd->params)->name;
    rec.facts = xcalloc((size_t)cmd->count, sizeof(*rec.facts));
    for (int i = 0; i < cmd->count; i++)
        rec.facts[i] = request[i].fact;
    rec.params_json = params_to_json(&cmd->params);
    rec.metrics_json = metrics_put_edit(metrics_json(fact, cmd->count, &v->report), &v->report,
                                        cmd->mask_overrides, cmd->mask_override_count);
    memcpy(rec.projector, v->projector, sizeof(rec.projector));
    memcpy(rec.checksum, v->report.checksum, sizeof(rec.checksum));
    ok = session_append(e->open->journal, &rec, err);
    free(rec.facts);
    free(rec.params_json);
    free(rec.metrics_json);
    if (!ok)
        return false;
    v->report.edit = rec.id;
    state_free(e->open->edited);
    e->open->edited = v->view;
    state_assign_edit(e->open->edited, rec.id);
    v->view = NULL;
    edit_past_add(e, &v->result, rec.id);
    return true;
}

/* Commits what e->preview holds: verify, journal, swap, events. */
static bool edit_commit(struct engine *e, struct command *cmd, const struct request *request,
                        const struct answered *before, const struct answered *after, double began,
                        struct err *err)
{
    struct preview *v = &e->preview;
    struct commit_report all = {0}, *fact = xcalloc((size_t)cmd->count, sizeof(*fact)), *one;
    double verify_began = clock_seconds();
    /* outside of what the edit may write, every bit must be the same */
    bool ok = deltas_wrote_alone(e->open->edited, v->view, v->result.delta, v->result.deltas,
                                 &all.unmasked_unchanged, err);

    memcpy(all.checksum, v->report.checksum, sizeof(all.checksum));
    all.seconds_target = v->seconds[0];
    all.seconds_attribution = v->seconds[1];
    all.seconds_solve = v->seconds[2];
    all.seconds_verify = clock_seconds() - verify_began;
    all.seconds_total = clock_seconds() - began;
    for (int i = 0; i < cmd->count; i++) {
        fact[i] = all;
        fact[i].fact = i;
        fact_report(e, &cmd->params, &before[i], &after[i], &fact[i]);
    }
    ok = ok && edit_journal(e, cmd, request, fact, err);
    if (ok)
        emit_edit_report(e, EV_COMMIT);
    for (int i = 0; ok && i < cmd->count; i++) {
        one = xmalloc(sizeof(*one));
        *one = fact[i];
        one->edit = v->report.edit;
        engine_emit(e, EV_COMMITTED, one);
    }
    free(fact);
    return ok;
}

bool layers_editable(const struct engine *e, const struct params *p, struct err *err)
{
    int layer[PARAM_MAX_LAYERS], layers;

    return editor_layers(p, e->model->config, layer, &layers, err) &&
           (layers <= EDIT_MAX_LAYERS ||
            err_set(err, ERR_USAGE, "%s: %d layers; at most %d at once", params_layers_name(p),
                    layers, EDIT_MAX_LAYERS));
}

bool job_edit(struct engine *e, struct command *cmd, struct err *err)
{
    bool commits = cmd->kind == CMD_COMMIT, ok, seen, reuse;
    struct request *request = NULL;
    struct answered *before, *after;
    struct event sides = {0};
    double start = clock_seconds();

    if (commits && e->options.readonly)
        return err_set(err, ERR_USAGE,
                       "the session is open for reading only: nothing can be committed");
    if (!layers_editable(e, &cmd->params, err) || !requests_build(e, cmd, &request, err))
        return false;
    seen = preview_is_of(e, cmd);
    if (!(seen && commits) && !edit_stats_prepare(e, &cmd->params, cmd->draft, err)) {
        requests_free(request, cmd->count);
        return false;
    }
    notice_facts(e, request, cmd->count);
    reuse = seen && (commits || !preview_outgrown(e, &cmd->params));
    before = xcalloc((size_t)cmd->count, sizeof(*before));
    after = xcalloc((size_t)cmd->count, sizeof(*after));
    ok = (reuse || preview_make(e, cmd, request, err)) &&
         preview_report(e, cmd, request, before, after, err);
    if (ok && cmd->count == 1) {
        const struct model_state *const state[2] = {e->open->edited, e->preview.view};

        sides = sides_event(e, cmd, request, state, before, after, err);
        ok = sides.kind == EV_SIDES;
    }
    if (ok && commits) {
        ok = edit_commit(e, cmd, request, before, after, start, err);
    } else if (ok) {
        emit_edit_report(e, EV_PREVIEW);
    }
    if (ok && sides.kind == EV_SIDES) {
        sides.sides->edit = e->preview.report.edit;
        bus_emit(e->bus, sides);
    } else {
        event_free(&sides);
    }
    if (ok && commits)
        preview_drop(e);
    ok = ok && emit_state(e, err);
    for (int i = 0; i < cmd->count; i++) {
        answered_free(&before[i]);
        answered_free(&after[i]);
    }
    free(before);
    free(after);
    requests_free(request, cmd->count);
    return ok;
}

/* What the present parameters would do: gain and leak of the masks on the weights as they are. It
 * runs whenever a parameter moves, so it gives up when a newer one waits or there are too few
 * moments: nobody asked for it, so it sums none. */
bool job_estimate(struct engine *e, struct command *cmd, struct err *err)
{
    struct request *request = NULL;
    struct layer_report report[EDIT_MAX_LAYERS];
    struct edit_report *a;
    struct edit_context ctx = {0};
    unsigned id = 0;
    bool ok;

    if (bus_waiting(e->bus, CMD_ESTIMATE)) /* a newer one waits */
        return true;
    if (!editor_of(&cmd->params)->solve) /* nothing to estimate */
        return true;
    if (!layers_editable(e, &cmd->params, err) || !edit_stats_open(e, &cmd->params, err))
        return false;
    if (edit_stats_needed(e) > 0) /* too few moments; do not wait for them */
        return true;
    if (!requests_build(e, cmd, &request, err))
        return false;
    ok = edit_stats_prepare(e, &cmd->params, true, err);
    edit_context_begin(e, &ctx, cmd, request);
    ok = ok && edit_context_past(e, &ctx, err) &&
         (!editor_has_mask(&cmd->params) || edit_masks(e, cmd, request, &ctx, &id, err)) &&
         edit_estimate(report, e->open->edited, &ctx, &e->job, err);
    if (ok) {
        a = xcalloc(1, sizeof(*a));
        a->layers = ctx.layers;
        edit_stats_report(e, &cmd->params, a);
        memcpy(a->layer, report, (size_t)ctx.layers * sizeof(*report));
        engine_emit(e, EV_ESTIMATE, a);
    }
    edit_context_free(&ctx);
    requests_free(request, cmd->count);
    return ok;
}
