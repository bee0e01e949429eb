/* Results that need more than replacing the last one: lens, scoreboard, variants, answers of
 * interventions, and the list of facts. */
#include <stdlib.h>
#include <string.h>

#include "views/ui_state_internal.h"

/* Index of a state's lens in ui_state.lens[]. */
static int lens_slot(unsigned state)
{
    return state == STATE_BASE ? 0 : state == STATE_EDITED ? 1 : 2;
}

const struct lens_grid *ui_lens(const struct ui_state *d, unsigned state)
{
    return d->lens[lens_slot(state)];
}

/* The scoreboard of a fact in the list is kept there. true: it is not that of the fact at hand. */
bool ui_take_scoreboard(struct ui_state *d, struct event *ev)
{
    for (int i = 0; i < d->queue_count; i++)
        if (ev->job && d->queue[i].job == ev->job) {
            ui_replace(EV_PROBES, (void **)&d->queue[i].probes, ev->probes);
            return true;
        }
    return false;
}

void ui_forget_variants(struct ui_state *d)
{
    for (int i = 0; i < UI_VARIANTS; i++)
        ui_replace(EV_VARIANT, (void **)&d->variant[i], NULL);
    d->variant_count = 0;
    d->variant_job = 0;
}

/* The first result of a new job drops those of the job before. */
bool ui_take_variant(struct ui_state *d, struct event *ev)
{
    struct variant_result *t = ev->variant;

    if (ev->job != d->variant_job)
        ui_forget_variants(d);
    d->variant_job = ev->job;
    d->variant_count = t->variants < UI_VARIANTS ? t->variants : UI_VARIANTS;
    if (t->variant >= 0 && t->variant < UI_VARIANTS)
        ui_replace(EV_VARIANT, (void **)&d->variant[t->variant], t);
    else
        ui_free_payload(EV_VARIANT, t);
    return true;
}

bool ui_take_lens(struct ui_state *d, struct event *ev)
{
    ui_replace(EV_LENS, (void **)&d->lens[lens_slot(ev->lens->state)], ev->lens);
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
