/* Results that one view shows: the lens, traces, trials, the past. */
#include <stdlib.h>
#include <string.h>

#include "views/desk_inside.h"

static int lens_slot(unsigned state)
{
    return state == STATE_BASE ? 0 : state == STATE_EDITED ? 1 : 2;
}

const struct lens_grid *desk_lens(const struct desk *d, unsigned state)
{
    return d->lens[lens_slot(state)];
}

/* A scoreboard belongs to the fact at hand, or to one of the list, or to both. */
bool desk_take_board(struct desk *d, struct event *ev)
{
    for (int i = 0; i < d->queued; i++)
        if (ev->job && d->queue[i].job == ev->job) {
            desk_keep(EV_PROBED, (void **)&d->queue[i].board, ev->probed);
            return true;
        }
    return false;
}

void desk_forget_tries(struct desk *d)
{
    for (int i = 0; i < DESK_TRIED; i++)
        desk_keep(EV_TRIED, (void **)&d->tried[i], NULL);
    d->variants = 0;
    d->trying = 0;
}

bool desk_take_tried(struct desk *d, struct event *ev)
{
    struct tried *t = ev->tried;

    if (ev->job != d->trying)
        desk_forget_tries(d);
    d->trying = ev->job;
    d->variants = t->variants < DESK_TRIED ? t->variants : DESK_TRIED;
    if (t->variant >= 0 && t->variant < DESK_TRIED)
        desk_keep(EV_TRIED, (void **)&d->tried[t->variant], t);
    else
        desk_drop(EV_TRIED, t);
    return true;
}

bool desk_take_lens(struct desk *d, struct event *ev)
{
    desk_keep(EV_LENS, (void **)&d->lens[lens_slot(ev->lens->state)], ev->lens);
    return true;
}

void desk_forget_trial(struct desk *d)
{
    for (int k = 0; k < 2; k++) {
        desk_keep(EV_ANSWER, (void **)&d->trial[k], NULL);
        if (d->trial_job[k])
            d->trial_old[d->trial_olds++ % 8] = d->trial_job[k];
        d->trial_job[k] = 0;
    }
}

void desk_queue_drop(struct desk *d, int at)
{
    if (at < 0 || at >= d->queued)
        return;
    fact_free(&d->queue[at].fact);
    desk_drop(EV_PROBED, d->queue[at].board);
    memmove(&d->queue[at], &d->queue[at + 1], (size_t)(d->queued - at - 1) * sizeof(*d->queue));
    d->queued--;
}

void desk_forget_queue(struct desk *d)
{
    for (int i = 0; i < d->queued; i++) {
        fact_free(&d->queue[i].fact);
        desk_drop(EV_PROBED, d->queue[i].board);
    }
    free(d->queue);
    d->queue = NULL;
    d->queued = 0;
}
