/* Results that need more than replacing the last one: lens, scoreboard, variants, answers of
 * interventions, and the list of facts. */
#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"
#include "views/ui_state_internal.h"

const struct lens_grid *ui_lens(const struct ui_state *d, unsigned state)
{
    return d->lens[state == STATE_BASE ? 0 : state == STATE_EDITED ? 1 : 2];
}

/* What an answer depends on. A preview's depends on what the preview was made from. */
static unsigned answer_parts(const struct answer *a)
{
    if (a->state == STATE_BASE && !a->edit)
        return 0;
    return a->state == STATE_PREVIEW ? STAMP_ALL & ~(unsigned)STAMP_SCORES : STAMP_STATE;
}

/* Whether the new answer takes the place of the old one: the same question to the same weights, or
 * more of an answer that was not complete. */
static bool answer_replaces(const struct answer *a, const struct ui_origin *from,
                            const struct answer *old, const struct ui_origin *old_from)
{
    if (old->state != a->state || old->edit != a->edit || old->chat != a->chat ||
        !old->changed != !a->changed)
        return false;
    return old->partial || (!strcmp(old->prompt, a->prompt) &&
                            !stamp_differs(&old_from->stamp, &from->stamp, answer_parts(a)));
}

/* Answers of intervention jobs go to their own places. Any other replaces the same one or the
 * oldest; the newest is first. */
bool ui_take_answer(struct ui_state *d, struct event *ev)
{
    struct answer *a = ev->answer;
    struct ui_origin from =
        a->state == STATE_PREVIEW ? origin_of_preview(d) : origin_of_event(d, ev);
    unsigned job = ev->job;
    int at = 0;

    from.job = job; /* also of a preview's answer */
    if (*a->state_name)
        memcpy(from.stamp.state, a->state_name, sizeof(from.stamp.state));
    for (int k = 0; k < 2; k++)
        if (job && job == d->intervention_job[k]) {
            ui_replace(EV_ANSWER, (void **)&d->intervention_answer[k], a);
            d->intervention_from[k] = from;
            return true;
        }
    for (int k = 0; k < UI_OLD_JOBS; k++)
        if (job && job == d->intervention_old_job[k]) {
            ui_free_payload(EV_ANSWER, a);
            return true;
        }
    while (at < UI_ANSWERS - 1 && d->answer[at] &&
           !answer_replaces(a, &from, d->answer[at], &d->answer_from[at]))
        at++;
    ui_free_payload(EV_ANSWER, d->answer[at]);
    memmove(&d->answer[1], &d->answer[0], (size_t)at * sizeof(d->answer[0]));
    memmove(&d->answer_from[1], &d->answer_from[0], (size_t)at * sizeof(d->answer_from[0]));
    d->answer[0] = a;
    d->answers += !a->partial;
    d->answer_from[0] = from;
    return true;
}

const struct ui_origin *ui_origin_of_result(const struct ui_state *d, const void *result,
                                            unsigned *parts)
{
    for (int i = 0; i < UI_ANSWERS; i++)
        if (d->answer[i] == result) {
            *parts = answer_parts(d->answer[i]);
            return &d->answer_from[i];
        }
    for (int k = 0; k < 2; k++)
        if (d->intervention_answer[k] == result) {
            *parts = answer_parts(d->intervention_answer[k]);
            return &d->intervention_from[k];
        }
    for (int i = 0; i < UI_VARIANTS; i++)
        if (d->variant[i] == result) { /* it names itself the state that it was tried on */
            *parts = STAMP_FACT | STAMP_OBJECT | STAMP_OLD;
            return &d->variant_from;
        }
    for (int i = 0; i < d->queue_count; i++)
        if (d->queue[i].probes == result) {
            *parts = STAMP_STATE;
            return &d->queue[i].probes_from;
        }
    if (result == d->step) {
        *parts = STAMP_FACT | STAMP_OBJECT | STAMP_EDIT | STAMP_STATE;
        return &d->step_from;
    }
    return ui_origin_of_row(d, result, parts);
}

/* The name of the state after this edit; "": the edit is not active. */
static const char *state_after(const struct ui_state *d, int edit)
{
    const struct history *h = d->history;

    for (int i = 0; h && i < h->count; i++)
        if (h->entry[i].edit == edit)
            return h->entry[i].state;
    return "";
}

/* In which of these parts a result is not what is at hand. An answer of an earlier state is held
 * against that state as it is now. */
static unsigned result_differs(const struct ui_state *d, const void *result,
                               const struct ui_origin *from, unsigned parts)
{
    struct stamp now = d->now.stamp;

    for (int i = 0; i < UI_ANSWERS; i++)
        if (d->answer[i] == result && *d->answer[i]->state_name)
            utf8_copy(now.state, sizeof(now.state), state_after(d, d->answer[i]->edit));
    return stamp_differs(&from->stamp, &now, parts);
}

unsigned ui_differs(const struct ui_state *d, const void *result)
{
    unsigned parts = 0;
    const struct ui_origin *from = result ? ui_origin(d, result, &parts) : NULL;

    return from ? result_differs(d, result, from, parts) : 0;
}

const char *ui_object_of(const struct ui_state *d, const void *result)
{
    bool other = ui_differs(d, result) & (STAMP_FACT | STAMP_OBJECT);

    return d->fact.target && !other ? d->fact.target : "new";
}

const char *ui_differs_words(const struct ui_state *d, const void *result, char out[UI_WORDS])
{
    unsigned parts = 0;
    const struct ui_origin *from = result ? ui_origin(d, result, &parts) : NULL;

    *out = '\0';
    return from ? origin_words(d, from, result_differs(d, result, from, parts), out) : out;
}

/* The scoreboard of a fact in the list is kept there. true: it is not that of the fact at hand. */
bool ui_take_scoreboard(struct ui_state *d, struct event *ev)
{
    struct queued_fact *q = ui_queue_at(d, ev->job);

    if (!q)
        return ui_take_probes(d, ev);
    ui_replace(EV_PROBES, (void **)&q->probes, ev->probes);
    q->probes_from = origin_of_event(d, ev);
    return true;
}

void ui_forget_variants(struct ui_state *d)
{
    for (int i = 0; i < UI_VARIANTS; i++)
        ui_replace(EV_VARIANT, (void **)&d->variant[i], NULL);
    d->variant_count = 0;
    d->variant_job = 0;
}

/* Whether results of the same job are of another state: it was put back, and began again. */
static bool is_of_another_state(const struct ui_state *d, const struct variant_result *t)
{
    for (int i = 0; i < UI_VARIANTS; i++)
        if (d->variant[i] && *d->variant[i]->state && *t->state &&
            strcmp(d->variant[i]->state, t->state) != 0)
            return true;
    return false;
}

/* The first result of a new job, or of another state, drops those before it. */
bool ui_take_variant(struct ui_state *d, struct event *ev)
{
    struct variant_result *t = ev->variant;

    if (ev->job != d->variant_job || is_of_another_state(d, t))
        ui_forget_variants(d);
    d->variant_job = ev->job;
    d->variant_from = origin_of_event(d, ev);
    d->variant_count = t->variants < UI_VARIANTS ? t->variants : UI_VARIANTS;
    if (t->variant >= 0 && t->variant < UI_VARIANTS)
        ui_replace(EV_VARIANT, (void **)&d->variant[t->variant], t);
    else
        ui_free_payload(EV_VARIANT, t);
    return true;
}

void ui_forget_intervention_answers(struct ui_state *d)
{
    for (int k = 0; k < 2; k++) {
        ui_replace(EV_ANSWER, (void **)&d->intervention_answer[k], NULL);
        if (d->intervention_job[k])
            d->intervention_old_job[d->intervention_old_count++ % 8] = d->intervention_job[k];
        d->intervention_job[k] = 0;
    }
}

struct queued_fact *ui_queue_at(const struct ui_state *d, unsigned job)
{
    for (int i = 0; job && i < d->queue_count; i++)
        if (d->queue[i].job == job)
            return &d->queue[i];
    return NULL;
}

const struct overwritten_fact *ui_overwritten_since(const struct ui_state *d,
                                                    const struct queued_fact *q)
{
    const struct overwritten *o = d->rechecked;

    for (int i = 0; o && q->edit && i < o->lost && !ui_differs(d, o); i++)
        if (o->fact[i].edit == q->edit && !strcmp(o->fact[i].subject, q->fact.subject))
            return &o->fact[i];
    return NULL;
}

int ui_rewritten_since(const struct ui_state *d, const struct queued_fact *q)
{
    const struct history *h = d->history;

    for (int i = 0; h && q->edit && i < h->count; i++)
        if (h->entry[i].edit == q->edit)
            return h->entry[i].fact[0].rewritten; /* each is an edit of its own */
    return 0;
}

void ui_queue_remove(struct ui_state *d, int at)
{
    if (at < 0 || at >= d->queue_count)
        return;
    fact_free(&d->queue[at].fact);
    ui_free_payload(EV_PROBES, d->queue[at].probes);
    memmove(&d->queue[at], &d->queue[at + 1],
            (size_t)(d->queue_count - at - 1) * sizeof(*d->queue));
    d->queue_count--;
}

void ui_forget_queue(struct ui_state *d)
{
    for (int i = 0; i < d->queue_count; i++) {
        fact_free(&d->queue[i].fact);
        ui_free_payload(EV_PROBES, d->queue[i].probes);
    }
    free(d->queue);
    d->queue = NULL;
    d->queue_count = 0;
}
