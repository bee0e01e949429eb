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
static void take_board(struct desk *d, unsigned job, struct probed *board)
{
    for (int i = 0; i < d->queued; i++)
        if (job && d->queue[i].job == job) {
            desk_keep(EV_PROBED, (void **)&d->queue[i].board, board);
            return;
        }
    desk_keep(EV_PROBED, (void **)&d->board, board);
}

static void forget_tries(struct desk *d)
{
    for (int i = 0; i < DESK_TRIED; i++) {
        desk_drop(EV_TRIED, d->tried[i]);
        d->tried[i] = NULL;
    }
    d->variants = 0;
    d->trying = 0;
}

static void take_tried(struct desk *d, unsigned job, struct tried *t)
{
    if (job != d->trying)
        forget_tries(d);
    d->trying = job;
    d->variants = t->variants < DESK_TRIED ? t->variants : DESK_TRIED;
    if (t->variant >= 0 && t->variant < DESK_TRIED)
        desk_keep(EV_TRIED, (void **)&d->tried[t->variant], t);
    else
        desk_drop(EV_TRIED, t);
}

void desk_forget_trial(struct desk *d)
{
    for (int k = 0; k < 2; k++) {
        desk_drop(EV_ANSWER, d->trial[k]);
        d->trial[k] = NULL;
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

static void forget_queue(struct desk *d)
{
    for (int i = 0; i < d->queued; i++) {
        fact_free(&d->queue[i].fact);
        desk_drop(EV_PROBED, d->queue[i].board);
    }
    free(d->queue);
    d->queue = NULL;
    d->queued = 0;
}

void desk_forget_looks(struct desk *d)
{
    for (int i = 0; i < 3; i++) {
        desk_drop(EV_LENS, d->lens[i]);
        d->lens[i] = NULL;
    }
    desk_drop(EV_TRACE, d->trace);
    desk_drop(EV_PROBED, d->board);
    d->trace = NULL;
    d->board = NULL;
    desk_forget_trial(d);
}

bool desk_take_look(struct desk *d, struct event *ev)
{
    switch (ev->kind) {
    case EV_LENS:
        desk_keep(EV_LENS, (void **)&d->lens[lens_slot(ev->lens->state)], ev->lens);
        break;
    case EV_TRACE:
        desk_keep(EV_TRACE, (void **)&d->trace, ev->trace);
        break;
    case EV_PROBED:
        take_board(d, ev->job, ev->probed);
        break;
    case EV_TRIED:
        take_tried(d, ev->job, ev->tried);
        break;
    case EV_DRIFT:
        desk_keep(EV_DRIFT, (void **)&d->drift, ev->drift);
        break;
    case EV_DIFF:
        desk_keep(EV_DIFF, (void **)&d->diff, ev->diff);
        break;
    case EV_BISECTED:
        desk_keep(EV_BISECTED, (void **)&d->bisected, ev->bisected);
        break;
    case EV_EXPORTED:
        desk_keep(EV_EXPORTED, (void **)&d->exported, ev->exported);
        break;
    default:
        return false;
    }
    ev->progress = NULL;
    return true;
}

void desk_free_looks(struct desk *d)
{
    desk_forget_looks(d);
    forget_tries(d);
    forget_queue(d);
    desk_drop(EV_DRIFT, d->drift);
    desk_drop(EV_DIFF, d->diff);
    desk_drop(EV_BISECTED, d->bisected);
    desk_drop(EV_EXPORTED, d->exported);
}
