/* The steps of the tour and how each is known to be done (tour.h). Reads the state only; the strip
 * that shows a step is drawn by caption.c. */
#include "views/shell/tour.h"

const char tour_end_sentence[] = "One edit: scored, chosen, tried, committed, undone. {help} lists "
                                 "all keys, {details} explains the words of a pane.";

/* Every layer that the edit writes has scores. */
static bool step_scored(const struct tour *t, const struct ui_state *d)
{
    int edited = 0, scored = 0;

    (void)t;
    for (int l = 0; l < d->layers; l++)
        if (ui_edits_layer(d, l)) {
            edited++;
            scored += ui_row_counts(d, l);
        }
    return edited && scored == edited;
}

static bool step_tuned(const struct tour *t, const struct ui_state *d)
{
    static const enum param knob[] = {P_RATIO_GE_A, P_RATIO_SP_A, P_RATIO_GE_B, P_RATIO_SP_B,
                                      P_RATIO_INV_TEMP};
    bool moved = false;

    for (size_t i = 0; i < sizeof(knob) / sizeof(*knob); i++)
        moved |= d->params.value[knob[i]] < t->params.value[knob[i]] ||
                 d->params.value[knob[i]] > t->params.value[knob[i]];
    return moved;
}

static bool step_previewed(const struct tour *t, const struct ui_state *d)
{
    (void)t;
    return d->state.preview;
}

static bool step_flipped(const struct tour *t, const struct ui_state *d)
{
    return d->side != t->side;
}

/* A question has got a whole answer since. */
static bool step_asked(const struct tour *t, const struct ui_state *d)
{
    return d->answers > t->answers;
}

static bool step_committed(const struct tour *t, const struct ui_state *d)
{
    return d->state.edits > t->edits;
}

static bool step_undone(const struct tour *t, const struct ui_state *d)
{
    return d->state.edits < t->edits;
}

const struct tour_step tour_steps[] = {
#define X(name, action, press, sentence, done) \
    {name, ACTION_##action, press, sentence, step_##done},
    TOUR_STEPS(X)
#undef X
};
const int tour_step_count = sizeof(tour_steps) / sizeof(*tour_steps);

static void step_begin(struct tour *t, const struct ui_state *d)
{
    t->params = d->params;
    t->side = d->side;
    t->answers = d->answers;
    t->edits = d->state.edits;
}

void tour_begin(struct tour *t, const struct ui_state *d)
{
    *t = (struct tour){.on = true};
    step_begin(t, d);
}

bool tour_follow(struct tour *t, const struct ui_state *d)
{
    int from = t->step;

    while (t->on && t->step < tour_step_count && tour_steps[t->step].done(t, d)) {
        t->step++;
        step_begin(t, d);
    }
    return t->step > from;
}
