/* Where the panes of the Edit view go: a pure function of the room there is. */
#ifndef VIEWS_SCREENS_EDIT_LAYOUT_H
#define VIEWS_SCREENS_EDIT_LAYOUT_H

#include "tui/surface.h"

enum edit_pane {
    PANE_NONE,
    PANE_FACT,
    PANE_PARAMS,
    PANE_MAP,
    PANE_RATIOS,
    PANE_VERDICT,
    PANE_LENS,
    PANE_NEURONS,
    PANE_COUNT
};

struct edit_layout {
    struct rect pane[PANE_COUNT]; /* of size 0: no room for it */
    bool beside;                  /* the map shares the place of the parameters */
};

/* The `layers` of the model decide how high the map wants to be (0: not known), the `edited` ones
 * how high the ratios must be. `verdict`: there is one to be shown. `form`: a fact is being typed,
 * and its old object has a row of its own. */
struct edit_layout edit_layout(struct rect area, int layers, int edited, bool verdict, bool form);
/* A map that found no room takes the right half of the parameters. */
void edit_layout_share(struct edit_layout *l);

#endif
