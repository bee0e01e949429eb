/* The plane of Sweep: leak against gain or p, with all that was tried as points: pane_plane.c. */
#ifndef VIEWS_PANES_PANE_PLANE_H
#define VIEWS_PANES_PANE_PLANE_H

#include "tui/surface.h"
#include "views/ui_state.h"

enum { PIN_A, PIN_B, PINS };

struct pin { /* a point that the user keeps to compare with */
    bool set;
    char label[48]; /* "beta_sp=.1 beta_ge=.25" */
    struct ui_point at;
};

struct plane {
    bool by_answer;              /* x is p(target), not the gain */
    const char *state, *words;   /* the state whose points are shown: its name, and in words */
    const struct pin *pin;       /* [PINS] */
    const struct ui_point *here; /* under the cursor; NULL: none */
};

/* Points on the left, numbers of the marked ones on the right. */
void plane_draw(const struct plane *plane, const struct ui_state *d, struct surface *s,
                struct rect area);

#endif
