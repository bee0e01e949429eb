/* States that were: how edits hold as more are made, what lies between two states, which edit
 * broke an answer (editscope-method(7) 11), and notes. Every state is rebuilt from the base and the
 * journal's deltas. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/checksum.h"
#include "core/engine/internal.h"

enum { STATES = 24, ANSWER_TOKENS = 24 };

/* --- what the facts of a session ask ---------------------------------------------------- */

/* A fact of the journal with the probes that belong to it. */
struct asked {
    const struct fact *fact;
    int index;      /* of its edit among the active ones */
    int superseded; /* index of the edit that gave the same prompt another object; count: none */
    char *text;     /* its prompt */
    struct probes probes;
    bool ready; /* they are made */
};

struct quiz {
    struct edit_record *edits;
    int count;
    struct asked *fact;
    int facts;
};

static void quiz_free(struct quiz *q)
{
    for (int i = 0; i < q->facts; i++) {
        free(q->fact[i].text);
        probes_free(&q->fact[i].probes);
    }
    free(q->fact);
    edit_records_free(q->edits, q->count);
    *q = (struct quiz){0};
}

/* A later edit of the same question takes the earlier fact's place. */
static void supersede(struct quiz *q)
{
    for (int i = 0; i < q->facts; i++) {
        q->fact[i].superseded = q->count;
        for (int j = i + 1; j < q->facts && q->fact[i].superseded == q->count; j++)
            if (!strcmp(q->fact[i].text, q->fact[j].text))
                q->fact[i].superseded = q->fact[j].index;
    }
}

static bool quiz_new(struct engine *e, struct quiz *q, struct err *err)
{
    int total = 0;

    *q = (struct quiz){0};
    if (!session_edits(e->open->journal, false, &q->edits, &q->count, err))
        return false;
    for (int n = 0; n < q->count; n++)
        total += q->edits[n].requests;
    q->fact = xcalloc((size_t)total + 1, sizeof(*q->fact));
    for (int n = 0; n < q->count; n++)
        for (int i = 0; i < q->edits[n].requests; i++) {
            struct asked *a = &q->fact[q->facts++];

            *a = (struct asked){.fact = &q->edits[n].facts[i], .index = n};
            a->text = fact_text(a->fact);
            a->text = a->text ? a->text : xstrdup("");
        }
    supersede(q);
    return true;
}

/* The fact's probes of these kinds, made when it is first asked. */
static bool asked_ready(struct engine *e, const struct quiz *q, struct asked *a, unsigned kinds,
                        struct err *err)
{
    const struct params p = edit_params(q->edits[a->index].params_json);

    if (!a->ready)
        a->ready = probes_of(&a->probes, e->base, a->fact, &p, kinds, &e->job, err);
    return a->ready;
}

/* --- drift -------------------------------------------------------------------------------- */

static bool drift_at(struct engine *e, struct quiz *q, int n, const struct model_state *view,
                     struct drift_point *point, struct err *err)
{
    *point = (struct drift_point){.edit = q->edits[n].id};
    for (int i = 0; i < q->facts && q->fact[i].index <= n; i++) {
        struct asked *a = &q->fact[i];
        struct verdict v;

        if (a->superseded <= n)
            continue;
        if (!asked_ready(e, q, a, PROBES_FACT | PROBES_LOCALITY, err))
            return false;
        for (int k = 0; k < a->probes.count; k++) {
            bool own = a->probes.probe[k].kind == PROBE_FACT;

            if (!probe_ask(&v, &a->probes, k, view, false, &e->job, err))
                return false;
            ++*(own ? &point->asked : &point->others);
            *(own ? &point->held : &point->stayed) += v.ok;
        }
    }
    return true;
}

static void tell_drift(struct engine *e, const struct drift_point *point, int points, int of,
                       int states)
{
    struct drift *d = xcalloc(1, sizeof(*d));
    struct event ev = {.kind = EV_DRIFT, .job = e->job_id, .drift = d};

    d->points = points;
    d->of = of;
    d->states = states;
    d->point = xcalloc((size_t)points + 1, sizeof(*d->point));
    memcpy(d->point, point, (size_t)points * sizeof(*point));
    bus_emit(e->bus, ev);
}

/* The k-th of `of` states among n, evenly spaced, the last one always. */
static int spaced(int k, int of, int n)
{
    return (int)((long long)(k + 1) * n / of) - 1;
}

bool job_drift(struct engine *e, struct command *cmd, struct err *err)
{
    struct quiz q;
    struct model_state *view = NULL;
    struct drift_point *point = NULL;
    int of = cmd->tokens > 0 ? cmd->tokens : STATES, at = 0;
    bool ok = quiz_new(e, &q, err);

    if (ok && !q.count)
        ok = err_set(err, ERR_USAGE, "no active edit: there is no drift to measure yet");
    of = of > q.count ? q.count : of;
    if (ok) {
        point = xcalloc((size_t)of + 1, sizeof(*point));
        view = state_copy(e->base, ++e->generation);
    }
    for (int k = 0; ok && k < of; k++) {
        int n = spaced(k, of, q.count);

        for (; ok && at <= n; at++)
            ok = engine_session_apply(e, e->open->journal, view, q.edits[at].id, err);
        ok = ok && device_sync(e->dev, err) && drift_at(e, &q, n, view, &point[k], err);
        if (ok) {
            tell_drift(e, point, k + 1, of, q.count);
            emit_progress(e, e->job_id, "drift", k + 1, of);
        }
    }
    free(point);
    state_free(view);
    quiz_free(&q);
    return ok;
}

/* --- differences -------------------------------------------------------------------------- */

static bool state_of(struct engine *e, int edit, struct model_state **view, struct err *err)
{
    if (edit)
        return engine_session_rebuild(e, e->open->journal, edit, view, err);
    *view = state_copy(e->base, ++e->generation);
    return true;
}

/* Columns whose bits differ, and norms. [rows][cols] */
static void compare(const float *a, const float *b, int rows, int cols, struct diff_layer *out)
{
    bool *differs = xcalloc((size_t)cols, sizeof(*differs));
    double norm = 0, whole = 0;

    for (int y = 0; y < rows; y++)
        for (int x = 0; x < cols; x++) {
            size_t at = (size_t)y * (size_t)cols + (size_t)x;
            double d = (double)b[at] - (double)a[at];

            differs[x] = differs[x] || memcmp(&a[at], &b[at], sizeof(float));
            norm += d * d;
            whole += (double)a[at] * (double)a[at];
        }
    for (int x = 0; x < cols; x++)
        out->columns += differs[x];
    out->norm = sqrt(norm);
    out->weight_norm = sqrt(whole);
    free(differs);
}

static bool diff_matrix(struct engine *e, struct model_state *const view[2], int layer,
                        enum matrix which, struct diff_layer *out, struct err *err)
{
    struct mat w = state_matrix(view[0], layer, which);
    float *a, *b;

    if (job_cancelled(&e->job, err))
        return false;
    a = weights_fetch(view[0], layer, which, err);
    b = a ? weights_fetch(view[1], layer, which, err) : NULL;
    *out = (struct diff_layer){.layer = layer};
    utf8_copy(out->matrix, sizeof(out->matrix), matrix_name(which));
    if (b)
        compare(a, b, w.rows, w.cols, out);
    free(a);
    free(b);
    return b != NULL;
}

/* Of every matrix that either state replaces. */
static bool diff_layers(struct engine *e, struct model_state *const view[2], struct diff *d,
                        struct err *err)
{
    int slots = e->model->config->layers * MATRICES;

    for (int i = 0; i < slots && d->layers < DIFF_MATRICES; i++) {
        enum matrix which = (enum matrix)(i % MATRICES);
        int l = i / MATRICES;

        if (!state_replaced(view[0], l, which) && !state_replaced(view[1], l, which))
            continue;
        if (!diff_matrix(e, view, l, which, &d->layer[d->layers], err))
            return false;
        d->layers++;
    }
    return true;
}

/* A fact's probes of both states. */
static bool diff_fact(struct engine *e, struct model_state *const view[2], struct quiz *q,
                      struct asked *a, struct diff *d, struct err *err)
{
    const struct model_state *const state[2] = {view[0], view[1]};
    struct probe_result *r;

    if (!asked_ready(e, q, a, PROBES_FACT | PROBES_REPHRASE | PROBES_PORTABILITY | PROBES_LOCALITY,
                     err))
        return false;
    for (int i = 0; i < a->probes.count; i++) {
        d->probe = xrealloc(d->probe, (size_t)(d->probes + 1) * sizeof(*d->probe));
        r = &d->probe[d->probes++];
        *r = (struct probe_result){0};
        if (!probe_compare(r, &a->probes, i, state, &e->job, err))
            return false;
    }
    return true;
}

static bool diff_probes(struct engine *e, struct model_state *const view[2], struct quiz *q,
                        int until, struct diff *d, struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < q->facts && q->edits[q->fact[i].index].id <= until; i++) {
        struct asked *a = &q->fact[i];

        emit_progress(e, e->job_id, "questions", i, q->facts);
        if (a->superseded == q->count || q->edits[a->superseded].id > until)
            ok = diff_fact(e, view, q, a, d, err);
    }
    return ok;
}

bool job_diff(struct engine *e, struct command *cmd, struct err *err)
{
    struct model_state *view[2] = {NULL, NULL};
    struct diff *d = xcalloc(1, sizeof(*d));
    struct event ev = {.kind = EV_DIFF, .job = e->job_id, .diff = d};
    struct quiz q = {0};
    bool ok = quiz_new(e, &q, err);

    d->from = cmd->from;
    d->to = cmd->edit;
    if (ok && (cmd->from < 0 || cmd->edit < 0))
        ok = err_set(err, ERR_USAGE, "states are edits from 1, or 0 for the base: not %d",
                     cmd->from < 0 ? cmd->from : cmd->edit);
    if (ok && cmd->from == cmd->edit)
        ok = err_set(err, ERR_USAGE, "two states are needed: both are edit %d", cmd->edit);
    ok = ok && state_of(e, cmd->from, &view[0], err) && state_of(e, cmd->edit, &view[1], err) &&
         diff_layers(e, view, d, err) &&
         diff_probes(e, view, &q, cmd->from > cmd->edit ? cmd->from : cmd->edit, d, err);
    state_free(view[0]);
    state_free(view[1]);
    quiz_free(&q);
    if (ok)
        bus_emit(e->bus, ev);
    else
        event_free(&ev);
    return ok;
}

/* --- bisection ---------------------------------------------------------------------------- */

struct search {
    struct engine *e;
    const struct command *cmd;
    struct edit_record *edits;
    int count; /* states are 0 (base) to count */
    int from, to;
    struct bisect_report b;
};

static void tell_bisected(struct search *s, bool over)
{
    struct bisect_report *b = xmalloc(sizeof(*b));
    struct event ev = {.kind = EV_BISECT, .job = s->e->job_id, .bisect = b};

    *b = s->b;
    b->over = over;
    b->prompt = xstrdup(s->cmd->text);
    b->expect = xstrdup(s->cmd->expect);
    bus_emit(s->e->bus, ev);
}

static bool ask_state(struct search *s, int state, bool *holds, struct err *err)
{
    struct engine *e = s->e;
    struct bisect_step *step = &s->b.step[s->b.steps];
    struct model_state *view = NULL;
    int edit = state ? s->edits[state - 1].id : 0;
    int tokens = s->cmd->tokens > 0 ? s->cmd->tokens : ANSWER_TOKENS;
    struct wording w = wording_of(&s->cmd->params);
    char *text = NULL;

    if (!job_cancelled(&e->job, err) && state_of(e, edit, &view, err))
        text = answer_words(view, &w, s->cmd->text, tokens, &e->job, err);
    state_free(view);
    if (!text)
        return false;
    *step = (struct bisect_step){.edit = edit, .holds = answer_begins(text, s->cmd->expect)};
    utf8_copy(step->said, sizeof(step->said), text);
    *holds = step->holds;
    if (s->b.steps < (int)(sizeof(s->b.step) / sizeof(s->b.step[0])) - 1)
        s->b.steps++;
    free(text);
    tell_bisected(s, false);
    return true;
}

/* The ends first: where both agree there is nothing to find between them. Then halves, with one
 * end that holds and one that does not: when they are neighbours, both have been asked. */
static bool bisect(struct search *s, struct err *err)
{
    int low = s->from, high = s->to;
    bool at_base, at_end, holds;

    if (!ask_state(s, low, &at_base, err) || !ask_state(s, high, &at_end, err))
        return false;
    if (at_base == at_end)
        return true;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;

        if (!ask_state(s, middle, &holds, err))
            return false;
        emit_progress(s->e, s->e->job_id, "bisect", s->b.steps, 0);
        if (holds == at_base)
            low = middle;
        else
            high = middle;
    }
    s->b.edit = s->edits[high - 1].id;
    s->b.exact = true;
    return true;
}

/* The place of an edit among the states; 0 (no edit) is `otherwise`. */
static bool place(const struct search *s, int edit, int otherwise, int *at, struct err *err)
{
    *at = otherwise;
    for (int i = 0; edit && i < s->count; i++)
        if (s->edits[i].id == edit) {
            *at = i + 1;
            return true;
        }
    return !edit || err_set(err, ERR_USAGE, "no active edit %d; `editscope log` lists them", edit);
}

bool job_bisect(struct engine *e, struct command *cmd, struct err *err)
{
    struct search s = {.e = e, .cmd = cmd};
    struct wording w = wording_of(&cmd->params);
    bool ok;

    if (!cmd->text || !*cmd->text || !cmd->expect || !cmd->expect[strspn(cmd->expect, " \t\n")])
        return err_set(err, ERR_USAGE, "bisect needs a prompt and how its answer should begin");
    if (!utf8_valid(cmd->expect, strlen(cmd->expect), NULL))
        return err_set(err, ERR_USAGE, "how the answer should begin is not UTF-8");
    if (!session_edits(e->open->journal, false, &s.edits, &s.count, err))
        return false;
    ok = s.count > 0 || err_set(err, ERR_USAGE, "the session has no active edit to search");
    ok = ok && place(&s, cmd->from, 0, &s.from, err) && place(&s, cmd->edit, s.count, &s.to, err);
    if (ok && s.from >= s.to)
        ok = err_set(err, ERR_USAGE, "bisect: edit %d is not before edit %d", cmd->from,
                     s.edits[s.to - 1].id);
    s.b.states = s.to - s.from + 1;
    if (ok)
        notice_text(e, &w, cmd->text);
    ok = ok && bisect(&s, err);
    if (ok)
        tell_bisected(&s, true);
    edit_records_free(s.edits, s.count);
    return ok;
}

/* --- notes -------------------------------------------------------------------------------- */

bool job_note(struct engine *e, struct command *cmd, struct err *err)
{
    const char *text = cmd->text ? cmd->text + strspn(cmd->text, " ") : "";

    if (e->options.readonly)
        return err_set(err, ERR_USAGE, "read-only: no note is written");
    return session_set_note(e->open->journal, cmd->edit, *text ? text : NULL, err) &&
           job_history(e, cmd, err);
}
