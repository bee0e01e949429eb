/* What a map of layers and neurons shows, as a grid of numbers: which scores, in which order of
 * the columns, pooled into bins, with the cut of the mask. Pure: made from the desk alone. */
#ifndef VIEWS_PANES_HEAT_GRID_H
#define VIEWS_PANES_HEAT_GRID_H

#include "views/ui_state.h"

enum heat_mode { HEAT_LPS, HEAT_PSA, HEAT_MPC, HEAT_ACTIVATION, HEAT_TRACE, HEAT_MODES };
const char *heat_mode_name(enum heat_mode mode); /* "LPS", ... "causal trace" */

struct map_window { /* what of the map is looked at; all zero: everything */
    int from, to;   /* columns, in their order; to = 0: all */
    bool chosen;    /* mode counts; else it is the strategy's */
    enum heat_mode mode;
    bool some; /* only the layers in `layer`; else all */
    unsigned char layer[PARAM_MAX_LAYERS];
};

enum heat_mode map_window_mode(const struct map_window *w, const struct ui_state *d);
bool map_window_has(const struct map_window *w, int layer);

enum heat_row { ROW_EMPTY, ROW_MPC, ROW_EXACT }; /* rough: the free MPC in place of scores */

struct heat_grid {
    int rows, *layer; /* [rows] */
    enum heat_row *kind;
    int from, to, bins;       /* columns of the order, and how many bins they make */
    int cols;                 /* bins, and one for the rule */
    float *value;             /* [rows][cols], as struct heatmap wants it */
    double *peak;             /* [rows] largest size in the layer */
    double *high;             /* [rows] value of the highest colour */
    enum ramp *ramp;          /* [rows] */
    double highest;           /* the largest peak of the exact rows */
    double top;               /* the common one of the exact rows; 0: none */
    double clipped;           /* share of values that lie below it, in percent */
    bool differs;             /* signed: colours run from -top to top */
    bool ruled;               /* the cut is drawn */
    int cursor;               /* column of the neuron under the cursor; -1: not shown */
    int exact_rows, mpc_rows; /* rows of each kind */
};

/* The values of one layer's neurons as the mode has them, largest over the rows. x [neurons]. */
enum heat_row heat_values(const struct ui_state *d, enum heat_mode mode, int layer, bool keep_sign,
                          float *x);
/* The neurons of a layer in the order of the columns. at [neurons]. */
void heat_order(const struct ui_state *d, enum heat_mode mode, int layer, int *at);
/* The grid of these layers in at most `room` columns. */
void heat_grid_make(struct heat_grid *g, const struct ui_state *d, const struct map_window *w,
                    const int *layer, int rows, int room);
void heat_grid_free(struct heat_grid *g);

#endif
