/* Shared by ratios*.c alone. */
#ifndef VIEWS_SCREENS_RATIOS_INTERNAL_H
#define VIEWS_SCREENS_RATIOS_INTERNAL_H

#include "views/knobs.h"
#include "views/ui_state.h"

/* How many neurons of a layer enter and leave the mask when a knob moves one step. */
struct knob_effect {
    struct {
        int enter[2], leave[2]; /* one step down, one step up */
    } of[KNOB_AMPLIFY];         /* the knobs before it: those that move no score */
    /* what they are of: */
    const struct attribution *score;
    struct params params;
    int layer, kept, forces;
};

/* Measures them unless *e holds them already: ten masks, milliseconds. */
void knob_effect_of(struct knob_effect *e, const struct ui_state *d, int layer);
/* Everything about the layer at hand, from row -scroll on; returns the rows it has. */
int ratios_explain(const struct ui_state *d, const struct knob_effect *e, int scroll,
                   struct surface *s, struct rect in);

#endif
