/* One fact edited with many sets of parameters, for Compare and Sweep. Each variant is made in a
 * scratch state, measured by the metrics of core/eval/metric.h, and thrown away; nothing is
 * written.
 *
 * They are tried on the state that the command names: the state after an edit, the base, or the
 * present one (variants_start()). A later edit is not part of an older state, and its keys are not
 * protected there. So an edit that is in the session already can be compared with other ways of
 * making it, and a variant is bit for bit the edit that a preview was before that commit.
 *
 * What variants share is made once: the fact's probes, the answers before, and, kept by the
 * engine, a target and an attribution for all that ask for the same. Variants with the same scores
 * and statistics run one after another, because the engine keeps only RUNS attributions and one set
 * of null spaces. A command that was stopped can be posted again: it
 * leaves out the first `done` variants in this order, if its state is still that of `expect`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"

enum { SAID_TOKENS = 12 }; /* length of the answers */

struct variants {
    struct engine *e;
    const struct command *cmd;
    char state[17]; /* the state that they are tried on, as state_info.state, */
    int edit;       /* and the last edit in it; 0: the base */
    struct score before;
    struct fact fact;     /* the edited fact, normalised */
    struct probes probes; /* its rephrases and neighbours */
};

/* Parameters for the probes. A paraphrase that is a row of some variant cannot test any of them, so
 * attr.rows is that of a variant that has such rows. */
static struct params probing_params(const struct command *cmd)
{
    struct params p = cmd->params;

    for (int i = 0; i < cmd->variant_count; i++)
        if (params_choice(&cmd->variants[i], P_ATTR_ROWS))
            p.value[P_ATTR_ROWS] = cmd->variants[i].value[P_ATTR_ROWS];
    return p;
}

/* Sets e->start, t->state and t->edit: the state that the variants are tried on. The command then
 * names it by its last edit, so that it goes on with the same state if it is posted again after a
 * commit. */
static bool variants_start(struct variants *t, struct command *cmd, struct err *err)
{
    struct engine *e = t->e;
    struct session_status status;
    bool ok = session_status(e->open->journal, &status, err);

    if (ok)
        t->edit = cmd->edit ? cmd->edit : cmd->states == STATE_BASE ? 0 : status.last;
    ok = ok && state_name_after(e, t->edit, t->state, err);
    cmd->edit = t->edit;
    cmd->states = t->edit ? 0 : STATE_BASE;
    if (!ok || t->edit == status.last)
        return ok;
    e->start = (struct edit_start){state_after_edit(e, t->edit, err), t->edit, ""};
    memcpy(e->start.name, t->state, sizeof(e->start.name));
    return e->start.state != NULL;
}

/* Variants that were tried before the job was stopped or put back count only if the state is still
 * the one they were tried on: else the work begins again. */
static void variants_resume(struct variants *t, struct command *cmd)
{
    if (cmd->expect && strcmp(cmd->expect, t->state) != 0)
        cmd->resume.done = 0;
    free(cmd->expect);
    cmd->expect = xstrdup(t->state);
}

/* What all variants share: the fact, its probes, the score before. */
static bool variants_begin(struct variants *t, struct err *err)
{
    struct engine *e = t->e;
    const struct params p = probing_params(t->cmd);
    struct request *request = NULL;
    bool ok = requests_build(e, t->cmd, &request, err);

    if (ok) {
        const struct continuation c = continuation_of_request(&request[0]);

        t->fact = fact_copy(&request[0].fact);
        notice_facts(e, request, 1);
        ok = answer_score(&t->before, edit_start_state(e), &c, &e->job, err) &&
             probes_of(&t->probes, e->base, &t->fact, &p, metrics_probes(), &e->job, err);
    }
    requests_free(request, request ? t->cmd->count : 0);
    return ok;
}

static void variants_end(struct variants *t)
{
    probes_free(&t->probes);
    fact_free(&t->fact);
}

static bool variant_target(struct engine *e, const struct request *request,
                           struct edit_context *ctx, struct err *err)
{
    const struct target *t;

    emit_progress(e, e->job_id, "target", 0, 0);
    t = target_of_fact(e, request, edit_target_layer(ctx), ctx->params, NULL, NULL, err);
    ctx->z = t ? t->z : NULL;
    return t != NULL;
}

/* The answer after, and every metric. */
static bool variant_judge(struct variants *t, const struct model_state *view,
                          const struct request *request, const struct edit_result *result,
                          double seconds, struct variant_result *out, struct err *err)
{
    const struct continuation c = continuation_of_request(request);
    struct answered after;
    struct measuring m = {.result = result,
                          .params = &out->params,
                          .before = &t->before,
                          .after = &after.score,
                          .probes = &t->probes,
                          .state = view,
                          .neurons = view->model->config->ffn,
                          .seconds = seconds,
                          .job = &t->e->job};
    struct edit_report *a = &out->applied;
    bool ok;

    if (!answer_prompt(&after, view, &c, SAID_TOKENS, &t->e->job, err))
        return false;
    out->p_first[0] = a->p_before = t->before.p_first;
    out->p_first[1] = a->p_after = after.score.p_first;
    a->p_target[0] = t->before.p;
    a->p_target[1] = after.score.p;
    a->facts = 1;
    a->held = fact_holds(&after.score, out->params.value[P_ACCEPT_P_MIN]);
    utf8_copy(out->said, sizeof(out->said), after.said);
    utf8_copy(a->generated, sizeof(a->generated), after.said);
    ok = metrics_measure(&m, out->metric, err);
    answered_free(&after);
    return ok;
}

/* Makes and measures one variant. `seconds` count from the mask to the end of the solve. */
static bool variant_make(struct variants *t, const struct command *cmd, struct variant_result *out,
                         struct err *err)
{
    struct engine *e = t->e;
    struct request *request = NULL;
    struct edit_result result = {0};
    struct model_state *view = NULL;
    struct edit_context ctx = {0};
    unsigned run = 0;
    double began, seconds;
    bool ok = layers_editable(e, &cmd->params, err) && requests_build(e, cmd, &request, err);

    if (ok && cmd->draft && editor_of(&cmd->params)->needs & NEEDS_CURVATURE)
        ok = edit_curvature_summed(e, &cmd->params, err); /* one of many must not hold them up */
    ok = ok && edit_stats_prepare(e, &cmd->params, cmd->draft, err);
    if (ok)
        edit_context_begin(e, &ctx, cmd, request);
    ok = ok && edit_context_past(e, &ctx, err);
    ctx.z = cmd->z;
    if (ok && !cmd->z && editor_of(&cmd->params)->needs & NEEDS_TARGET)
        ok = variant_target(e, request, &ctx, err);
    if (ok && editor_has_mask(&cmd->params))
        ok = run_of_facts(e, request, 1, &cmd->params, ctx.layer, ctx.layers, false, err) != NULL;
    began = clock_seconds();
    if (ok && editor_has_mask(&cmd->params))
        ok = edit_masks(e, cmd, request, &ctx, &run, err);
    if (ok) {
        view = state_copy(edit_start_state(e), ++e->generation);
        ok = editor_of(&cmd->params)->edit(&result, view, &ctx, &e->job, err);
    }
    seconds = clock_seconds() - began;
    ok = ok && edit_routes(&result, view, &ctx, &e->job, err);
    if (ok) {
        edit_report_take(&out->applied, &result);
        edit_stats_report(e, &out->params, &out->applied);
        ok = variant_judge(t, view, request, &result, seconds, out, err);
    }
    edit_result_free(&result);
    edit_context_free(&ctx);
    state_free(view);
    requests_free(request, request ? 1 : 0);
    return ok;
}

/* One variant to its EV_VARIANT. Parameters that cannot be used (ERR_USAGE) are its result too; any
 * other error ends the job. */
static bool variant_run(struct variants *t, int variant, struct err *err)
{
    struct command one = *t->cmd; /* borrows everything but the parameters */
    struct variant_result *out = xcalloc(1, sizeof(*out));
    struct err why = {0};

    one.params = t->cmd->variants[variant];
    one.count = 1;
    out->variant = variant;
    out->variants = t->cmd->variant_count;
    out->params = one.params;
    memcpy(out->state, t->state, sizeof(out->state));
    out->edit = t->edit;
    if (!variant_make(t, &one, out, &why)) {
        if (why.kind != ERR_USAGE) {
            if (err)
                *err = why;
            free(out);
            return false;
        }
        utf8_copy(out->why, sizeof(out->why), why.text);
    }
    engine_emit(t->e, EV_VARIANT, out);
    return true;
}

/* All variants that are not done yet, grouped by equal scores and statistics. */
static bool variants_run(struct variants *t, struct command *cmd, struct err *err)
{
    const struct params *p = cmd->variants;
    int n = cmd->variant_count, before = cmd->resume.done, order = 0;
    bool *done = xcalloc((size_t)n, sizeof(*done)), ok = true;

    for (int i = 0; ok && i < n; i++) {
        bool first = !done[i];

        for (int j = i; ok && first && j < n; j++) {
            if (done[j] || !params_same(&p[i], &p[j], AFFECTS_SCORES | AFFECTS_STATISTICS))
                continue;
            done[j] = true;
            if (order++ < before)
                continue;
            ok = !job_cancelled(&t->e->job, err) && variant_run(t, j, err);
            cmd->resume.done += ok;
            units_done(t->e, "variants", cmd->resume.done, n);
        }
    }
    free(done);
    return ok;
}

/* The answers before are shared, so the wording must be the same: ERR_USAGE. */
static bool same_wording(const struct command *cmd, struct err *err)
{
    for (int i = 0; i < cmd->variant_count; i++)
        if (!params_same(&cmd->variants[i], &cmd->params, AFFECTS_WORDING))
            return err_set(err, ERR_USAGE,
                           "prompt.form, prompt.special and target.blank are the same for all "
                           "variants: set them with --set, not in the grid");
    return true;
}

bool job_variants(struct engine *e, struct command *cmd, struct err *err)
{
    struct variants t = {.e = e, .cmd = cmd};
    int n = cmd->variant_count;
    bool ok;

    if (cmd->count != 1)
        return err_set(err, ERR_USAGE, "variants are tried on one fact, not on %d", cmd->count);
    if (n < 1 || n > VARIANTS_MOST)
        return err_set(err, ERR_USAGE, "%d variants: 1 to %d can be tried at once", n,
                       VARIANTS_MOST);
    if (!same_wording(cmd, err))
        return false;
    e->no_events = true;
    ok = variants_start(&t, cmd, err);
    if (ok)
        variants_resume(&t, cmd);
    units_done(e, "variants", cmd->resume.done, n);
    ok = ok && variants_begin(&t, err) && variants_run(&t, cmd, err);
    units_end(e);
    e->no_events = false;
    e->start = (struct edit_start){0};
    if (ok || !e->put_back)
        engine_session_forget_older(e->open);
    variants_end(&t);
    return ok;
}
