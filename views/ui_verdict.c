/* The verdict of the last preview or commit of the fact at hand: how the screen's state keeps it.
 *
 * EV_PREVIEW or EV_COMMIT begins it, EV_SIDES, EV_PROBES and EV_OVERWRITTEN fill it. Those of a
 * fact in a list (the Facts view), or of a fact that is not at hand any more, are refused: the
 * first by what their job said when it began, the others by the checksum of the state that was
 * asked. The verdict of an edit that this screen did not see being made is read back from the
 * session (EV_RECALLED): what was measured at its commit, until both states are asked again. A
 * commit of exactly what was previewed has the same checksum: the weights before and after
 * are the same bits, so what the preview's probes found is true for it, too. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/fact_status.h"
#include "views/ui_state_internal.h"

/* Whether what a job asked of a state is about the verdict. The weights of one that was read back
 * from the session are those that the job says. */
static bool is_of_verdict(const struct ui_verdict *v, unsigned job, unsigned state, int edit,
                          const char *checksum)
{
    if (!v->report || edit != v->report->edit)
        return false;
    if (v->recalled)
        return job == v->probe_job;
    return !strcmp(checksum, v->report->checksum) &&
           state == (v->committed ? STATE_EDITED : STATE_PREVIEW);
}

static void verdict_free(struct ui_verdict *v)
{
    ui_replace(EV_COMMIT, (void **)&v->report, NULL);
    ui_replace(EV_SIDES, (void **)&v->sides, NULL);
    ui_replace(EV_PROBES, (void **)&v->probes, NULL);
    ui_replace(EV_OVERWRITTEN, (void **)&v->overwritten, NULL);
    ui_replace(EV_RECALLED, (void **)&v->recalled, NULL);
    *v = (struct ui_verdict){0};
}

void ui_forget_verdict_aside(struct ui_state *d)
{
    verdict_free(&d->verdict_aside);
}

static void verdict_origins(struct ui_state *d)
{
    const struct ui_verdict *v = &d->verdict;

    ui_set_origin(d, &v->report, &v->from);
    ui_set_origin(d, &v->sides, &v->from);
    ui_set_origin(d, &v->probes, &v->from);
    ui_set_origin(d, &v->overwritten, &v->from);
    ui_set_origin(d, &v->recalled, &v->from);
}

/* `next` becomes the verdict. That of a commit is put aside, for its weights may come back. */
static void verdict_replace(struct ui_state *d, const struct ui_verdict *next)
{
    struct ui_verdict *v = &d->verdict;

    if (v->report && v->committed) {
        verdict_free(&d->verdict_aside);
        d->verdict_aside = *v;
    } else {
        verdict_free(v);
    }
    *v = *next;
    verdict_origins(d);
}

/* The commit wrote what was previewed: its probes and overwritten facts stay. */
static void take_over_probes(struct ui_verdict *from, struct ui_verdict *to)
{
    to->probes = from->probes;
    to->overwritten = from->overwritten;
    from->probes = NULL;
    from->overwritten = NULL;
    if (to->probes) {
        to->probes->state = STATE_EDITED;
        to->probes->edit = to->report->edit;
    }
    if (to->overwritten) {
        to->overwritten->state = STATE_EDITED;
        to->overwritten->edit = to->report->edit;
    }
}

void ui_verdict_begin(struct ui_state *d, const struct event *ev)
{
    const struct edit_report *report = ev->edit_report;
    const struct job_begun *begun = ui_job_begun(d, ev->job);
    struct ui_verdict next = {.committed = ev->kind == EV_COMMIT}, *v = &d->verdict;

    next.from = origin_of_event(d, ev);
    if (report->facts > 1 || origin_differs(d, &next.from, STAMP_FACT | STAMP_OBJECT))
        return;
    memcpy(next.state, d->state.state, sizeof(next.state)); /* the next state corrects it */
    next.params = begun && begun->changed ? params_of_changed(begun->changed) : d->params;
    next.report = xmalloc(sizeof(*next.report));
    *next.report = *report;
    if (next.committed && v->report && !v->committed && *report->checksum &&
        !strcmp(report->checksum, v->report->checksum))
        take_over_probes(v, &next);
    verdict_replace(d, &next);
}

/* The state before and after an edit that was read back: what they say is of now. */
static void answers_renew(struct ui_verdict *v, const struct edit_sides *s)
{
    struct edit_report *a = v->report;

    a->p_before = s->before.prompt.p_first;
    a->p_after = s->after.prompt.p_first;
    a->p_target[0] = s->before.prompt.p_target;
    a->p_target[1] = s->after.prompt.p_target;
    a->held = s->after.holds;
    utf8_copy(a->generated, sizeof(a->generated), s->after.said);
}

bool ui_take_sides(struct ui_state *d, struct event *ev)
{
    struct ui_verdict *v = &d->verdict;

    if (v->report && ev->job == (v->recalled ? v->probe_job : v->from.job)) {
        if (v->recalled)
            answers_renew(v, ev->sides);
        ui_replace(EV_SIDES, (void **)&v->sides, ev->sides);
    } else {
        ui_free_payload(EV_SIDES, ev->sides);
    }
    return true;
}

/* Probes of a recording of 0.1.0 do not say of what: they are of the verdict that asked for them.
 */
bool ui_take_probes(struct ui_state *d, struct event *ev)
{
    const struct ui_verdict *v = &d->verdict;
    struct probe_report *p = ev->probes;

    if (!p->state && v->report && ev->job == v->probe_job) {
        p->state = v->committed ? STATE_EDITED : STATE_PREVIEW;
        p->edit = v->report->edit;
        memcpy(p->checksum, v->report->checksum, sizeof(p->checksum));
    }
    if (!is_of_verdict(v, ev->job, p->state, p->edit, p->checksum))
        return false;
    ui_replace(EV_PROBES, (void **)&d->verdict.probes, p);
    return true;
}

bool ui_take_overwritten(struct ui_state *d, struct event *ev)
{
    struct overwritten *o = ev->overwritten;

    if (is_of_verdict(&d->verdict, ev->job, o->state, o->edit, o->checksum))
        ui_replace(EV_OVERWRITTEN, (void **)&d->verdict.overwritten, o);
    else
        ui_free_payload(EV_OVERWRITTEN, o);
    return true;
}

/* Whether the edit gave the question of the fact at hand its object, alone. */
static bool is_of_fact(const struct ui_state *d, const struct recalled_edit *r)
{
    char *question[2];
    bool same;

    if (r->facts != 1 || !r->active || !d->fact.subject || !d->fact.target || !r->subject ||
        !r->prompt || !r->target || strcmp(r->target, d->fact.target) != 0)
        return false;
    question[0] = fact_question(d->fact.subject, d->fact.prompt);
    question[1] = fact_question(r->subject, r->prompt);
    same = !strcmp(question[0], question[1]);
    free(question[0]);
    free(question[1]);
    return same;
}

bool ui_take_recalled(struct ui_state *d, struct event *ev)
{
    struct recalled_edit *r = ev->recalled;
    struct ui_verdict next = {.committed = true, .recalled = r};

    if (ui_verdict(d) || !is_of_fact(d, r)) {
        ui_free_payload(EV_RECALLED, r);
        return true;
    }
    next.from = origin_of_event(d, ev);
    next.from.stamp = r->stamp;
    memcpy(next.from.stamp.fact, d->now.stamp.fact, sizeof(next.from.stamp.fact));
    memcpy(next.from.stamp.object, d->now.stamp.object, sizeof(next.from.stamp.object));
    memcpy(next.from.stamp.target, d->now.stamp.target, sizeof(next.from.stamp.target));
    memcpy(next.from.stamp.old, d->now.stamp.old, sizeof(next.from.stamp.old));
    utf8_copy(next.from.changed, sizeof(next.from.changed), r->changed ? r->changed : "");
    memcpy(next.state, d->state.state, sizeof(next.state));
    next.params = edit_params(r->parameters);
    next.report = xmalloc(sizeof(*next.report));
    *next.report = r->report;
    verdict_replace(d, &next);
    return true;
}

static struct ui_verdict verdict_taken(struct ui_verdict *from)
{
    struct ui_verdict v = *from;

    *from = (struct ui_verdict){0};
    return v;
}

/* A commit's own state names the weights that its verdict is about. What was put aside is there
 * again with its weights. */
void ui_verdict_at_state(struct ui_state *d, unsigned job, const struct state_info *state)
{
    struct ui_verdict *v = &d->verdict, *aside = &d->verdict_aside, was = {0};

    if (v->committed && job == v->from.job)
        memcpy(v->state, state->state, sizeof(v->state));
    if (v->committed && strcmp(v->state, state->state) != 0)
        was = verdict_taken(v);
    else if (!v->committed && !state->preview)
        verdict_free(v);
    if (!v->report && !state->preview && aside->report && !strcmp(aside->state, state->state))
        *v = verdict_taken(aside);
    if (was.report) {
        verdict_free(aside);
        *aside = was;
    }
    verdict_origins(d);
}

const struct ui_verdict *ui_verdict(const struct ui_state *d)
{
    const struct ui_verdict *v = &d->verdict;

    return v->report && !origin_differs(d, &v->from, STAMP_FACT | STAMP_OBJECT) ? v : NULL;
}

const struct probe_report *ui_scoreboard(const struct ui_state *d)
{
    const struct ui_verdict *v = ui_verdict(d);

    return v && v->probes ? v->probes : d->probes;
}

/* In what a preview was made from something else; a commit is of what it was made from. */
static unsigned verdict_differs(const struct ui_state *d)
{
    const struct ui_verdict *v = ui_verdict(d);

    return v && !v->committed ? origin_differs(d, &v->from, STAMP_EDIT | STAMP_STATE) : 0;
}

bool ui_verdict_moved(const struct ui_state *d)
{
    return verdict_differs(d) != 0;
}

const struct layer_report *ui_chosen_in(const struct ui_state *d, int layer)
{
    const struct ui_verdict *v = ui_verdict(d);

    if (!v || (!v->committed && ui_verdict_moved(d)))
        return NULL;
    for (int i = 0; i < v->report->layers; i++)
        if (v->report->layer[i].layer == layer && v->report->layer[i].chosen)
            return &v->report->layer[i];
    return NULL;
}

bool ui_neuron_chosen(const struct ui_state *d, int layer, int neuron)
{
    const struct layer_report *r = ui_chosen_in(d, layer);

    for (int i = 0; r && i < r->chosen; i++)
        if (r->chosen_neuron[i].neuron == neuron)
            return true;
    return false;
}

const char *ui_verdict_words(const struct ui_state *d, char out[UI_WORDS])
{
    return origin_words(d, &d->verdict.from, verdict_differs(d), out);
}

bool ui_verdict_other_params(const struct ui_state *d, char out[UI_WORDS])
{
    const struct ui_verdict *v = ui_verdict(d);

    if (!v || !v->committed || (v->recalled && !v->recalled->parameters) ||
        !origin_differs(d, &v->from, STAMP_EDIT))
        return false;
    origin_words(d, &v->from, STAMP_EDIT, out);
    return true;
}

bool ui_verdict_is_present(const struct ui_state *d)
{
    const struct ui_verdict *v = ui_verdict(d);
    const struct recalled_edit *r = v ? v->recalled : NULL;

    return v && (!r || (!strcmp(r->after, d->state.state) && (v->sides || !r->others) &&
                        !isnan(report_p_change(v->report).after)));
}

const struct edit_side *ui_shown_side(const struct ui_state *d)
{
    const struct ui_verdict *v = ui_verdict(d);

    return !v || !v->sides || !ui_verdict_is_present(d) ? NULL
           : d->side == SIDE_BEFORE                     ? &v->sides->before
                                                        : &v->sides->after;
}
