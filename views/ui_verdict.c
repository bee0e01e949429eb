/* The verdict of the last preview or commit of the fact at hand: how the screen's state keeps it.
 *
 * EV_PREVIEW or EV_COMMIT begins it, EV_SIDES, EV_PROBES and EV_OVERWRITTEN fill it. Those of a
 * fact in a list (the Facts view), or of a fact that is not at hand any more, are refused: the
 * first by what their job said when it began, the others by the checksum of the state that was
 * asked. A commit of exactly what was previewed has the same checksum: the weights before and after
 * are the same bits, so what the preview's probes found is true for it, too. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "views/ui_state_internal.h"

/* Whether what was asked of a state is about the verdict. */
static bool is_of_verdict(const struct ui_verdict *v, unsigned state, int edit,
                          const char *checksum)
{
    return v->report && edit == v->report->edit && !strcmp(checksum, v->report->checksum) &&
           state == (v->committed ? STATE_EDITED : STATE_PREVIEW);
}

static void verdict_forget(struct ui_state *d)
{
    ui_replace(EV_COMMIT, (void **)&d->verdict.report, NULL);
    ui_replace(EV_SIDES, (void **)&d->verdict.sides, NULL);
    ui_replace(EV_PROBES, (void **)&d->verdict.probes, NULL);
    ui_replace(EV_OVERWRITTEN, (void **)&d->verdict.overwritten, NULL);
    d->verdict = (struct ui_verdict){0};
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
    struct ui_verdict next = {.committed = ev->kind == EV_COMMIT}, *v = &d->verdict;

    next.from = origin_of_event(d, ev);
    if (report->facts > 1 || origin_differs(d, &next.from, STAMP_FACT | STAMP_OBJECT))
        return;
    next.report = xmalloc(sizeof(*next.report));
    *next.report = *report;
    if (next.committed && v->report && *report->checksum &&
        !strcmp(report->checksum, v->report->checksum))
        take_over_probes(v, &next);
    verdict_forget(d);
    *v = next;
    ui_set_origin(d, &v->report, &v->from);
    ui_set_origin(d, &v->probes, &v->from);
    ui_set_origin(d, &v->overwritten, &v->from);
}

bool ui_take_sides(struct ui_state *d, struct event *ev)
{
    if (d->verdict.report && ev->job == d->verdict.from.job)
        return false;
    ui_free_payload(EV_SIDES, ev->sides);
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
    if (!is_of_verdict(v, p->state, p->edit, p->checksum))
        return false;
    ui_replace(EV_PROBES, (void **)&d->verdict.probes, p);
    return true;
}

bool ui_take_overwritten(struct ui_state *d, struct event *ev)
{
    const struct overwritten *o = ev->overwritten;

    if (is_of_verdict(&d->verdict, o->state, o->edit, o->checksum))
        return false;
    ui_free_payload(EV_OVERWRITTEN, ev->overwritten);
    return true;
}

void ui_verdict_at_state(struct ui_state *d, unsigned job, const struct state_info *state)
{
    const struct ui_verdict *v = &d->verdict;
    bool moved = strcmp(d->state.state, state->state) != 0;

    if (v->report && (v->committed ? moved && job != v->from.job : !state->preview))
        verdict_forget(d);
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

const char *ui_verdict_words(const struct ui_state *d, char out[UI_WORDS])
{
    return origin_words(d, &d->verdict.from, verdict_differs(d), out);
}

const struct edit_side *ui_shown_side(const struct ui_state *d)
{
    const struct ui_verdict *v = ui_verdict(d);

    return !v || !v->sides ? NULL : d->side == SIDE_BEFORE ? &v->sides->before : &v->sides->after;
}
