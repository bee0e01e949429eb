/* What sweep.c, which sets up and runs the grid, and sweep_draw.c share. */
#ifndef VIEWS_SCREENS_SWEEP_INTERNAL_H
#define VIEWS_SCREENS_SWEEP_INTERNAL_H

#include "core/base/param_grid.h"
#include "views/knobs.h"
#include "views/panes/pane_plane.h"
#include "views/variants_run.h"

enum { DOWN_AXIS, ACROSS, AXES, MOST = 16 };
enum { FOCUS_MAPS, FOCUS_DOWN, FOCUS_ACROSS, FOCUSES };
enum { MAPS = 6 }; /* the first metrics of metric_table that want a map */

struct sweep {
    struct param_grid grid; /* axis 0 goes down, axis 1 across */
    enum knob knob[AXES];
    struct variants_run run;
    struct variant variant[PARAM_GRID_CELLS]; /* by cell */
    enum param own[AXES];                     /* the parameters of the axes */
    bool set_up;
    int y, x;  /* the cell under the cursor */
    int focus; /* the maps or one of the axes */
    int map;   /* the first map that is shown, if not all fit */
    enum { PICTURE_MAPS, PICTURE_GAIN, PICTURE_ANSWER, PICTURES } picture; /* maps or the plane */
    struct pin pin[PINS];
};

/* Cells of the grid, 0 before the view was opened. */
static inline int sweep_cells(const struct sweep *w)
{
    return w->grid.axes ? w->grid.cells : 0;
}

static inline int sweep_rows(const struct sweep *w)
{
    return w->grid.axes > 1 ? w->grid.axis[DOWN_AXIS].count : 1;
}

/* The axis that goes across: the only one if there is one. */
static inline const struct param_grid_axis *sweep_across(const struct sweep *w)
{
    return &w->grid.axis[w->grid.axes - 1];
}

/* Index of the cell under the cursor, row by row. */
static inline int sweep_cell(const struct sweep *w)
{
    return w->y * sweep_across(w)->count + w->x;
}

/* "beta_sp=0.1 beta_ge=0.25": the values of the cell under the cursor. Returns out. */
const char *sweep_cell_label(const struct sweep *w, char out[96]);
/* Where the cell under the cursor lies; false: it has no numbers. */
bool sweep_point(const struct sweep *w, struct ui_point *out);
void sweep_draw(const struct view *v, struct surface *s, struct rect area);

#endif
