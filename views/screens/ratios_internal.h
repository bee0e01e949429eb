/* Shared by ratios.c (the view) and ratios_explain.c (its text). */
#ifndef VIEWS_SCREENS_RATIOS_INTERNAL_H
#define VIEWS_SCREENS_RATIOS_INTERNAL_H

#include "views/knobs.h"
#include "views/ui_state.h"

/* How many neurons of a layer enter and leave the mask when a knob moves one step. */
struct knob_effect {
    struct {
        int enter[2], leave[2]; /* one step down, one step up */
    } of[KNOB_AMPLIFY];         /* the knobs before it: those that change no score */
    /* what they were measured for: */
    const struct attribution *score;
    struct params params;
    int layer, selected, overrides;
};

/* Measures them unless *e holds them already: two masks for each of five knobs, milliseconds. */
void knob_effect_of(struct knob_effect *e, const struct ui_state *d, int layer);
/* Draws everything about the cursor's layer, scrolled by `scroll` rows. Returns the rows it has. */
int ratios_explain(const struct ui_state *d, const struct knob_effect *e, int scroll,
                   struct surface *s, struct rect in);

#endif
