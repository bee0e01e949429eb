/* Results that one view shows: the lens, traces, trials, the past. */
#include <stdlib.h>
#include <string.h>

#include "views/ui_state_internal.h"

static int lens_slot(unsigned state)
{
    return state == STATE_BASE ? 0 : state == STATE_EDITED ? 1 : 2;
}

const struct lens_grid *ui_lens(const struct ui_state *d, unsigned state)
{
    return d->lens[lens_slot(state)];
}

/* A scoreboard belongs to the fact at hand, or to one of the list, or to both. */
bool ui_take_scoreboard(struct ui_state *d, struct event *ev)
{
    for (int i = 0; i < d->queued; i++)
        if (ev->job && d->queue[i].job == ev->job) {
            ui_keep(EV_PROBES, (void **)&d->queue[i].board, ev->probes);
            return true;
        }
    return false;
}

void ui_forget_variants(struct ui_state *d)
{
    for (int i = 0; i < UI_TRIED; i++)
        ui_keep(EV_VARIANT, (void **)&d->tried[i], NULL);
    d->variants = 0;
    d->trying = 0;
}

bool ui_take_variant(struct ui_state *d, struct event *ev)
{
    struct variant_result *t = ev->variant;

    if (ev->job != d->trying)
        ui_forget_variants(d);
    d->trying = ev->job;
    d->variants = t->variants < UI_TRIED ? t->variants : UI_TRIED;
    if (t->variant >= 0 && t->variant < UI_TRIED)
        ui_keep(EV_VARIANT, (void **)&d->tried[t->variant], t);
    else
        ui_drop(EV_VARIANT, t);
    return true;
}

bool ui_take_lens(struct ui_state *d, struct event *ev)
{
    ui_keep(EV_LENS, (void **)&d->lens[lens_slot(ev->lens->state)], ev->lens);
    return true;
}

void ui_forget_intervention_answers(struct ui_state *d)
{
    for (int k = 0; k < 2; k++) {
        ui_keep(EV_ANSWER, (void **)&d->trial[k], NULL);
        if (d->trial_job[k])
            d->trial_old[d->trial_olds++ % 8] = d->trial_job[k];
        d->trial_job[k] = 0;
    }
}

void ui_queue_drop(struct ui_state *d, int at)
{
    if (at < 0 || at >= d->queued)
        return;
    fact_free(&d->queue[at].fact);
    ui_drop(EV_PROBES, d->queue[at].board);
    memmove(&d->queue[at], &d->queue[at + 1], (size_t)(d->queued - at - 1) * sizeof(*d->queue));
    d->queued--;
}

void ui_forget_queue(struct ui_state *d)
{
    for (int i = 0; i < d->queued; i++) {
        fact_free(&d->queue[i].fact);
        ui_drop(EV_PROBES, d->queue[i].board);
    }
    free(d->queue);
    d->queue = NULL;
    d->queued = 0;
}
