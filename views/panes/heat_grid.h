/* What a map of layers and neurons shows, as a grid of numbers: one row per layer, one column per
 * bin of neurons. Made from the screen's state alone; pane_map.c draws it. See heat_grid.c for how
 * neurons become columns. */
#ifndef VIEWS_PANES_HEAT_GRID_H
#define VIEWS_PANES_HEAT_GRID_H

#include "views/ui_state.h"

enum heat_mode { HEAT_LPS, HEAT_PSA, HEAT_MPC, HEAT_ACTIVATION, HEAT_TRACE, HEAT_MODES };
/* "LPS", "PSA", "MPC", "activation", "causal trace". */
const char *heat_mode_name(enum heat_mode mode);

/* What part of the map is looked at; all zero means everything. */
struct map_window {
    int from, to; /* columns, in their order; to = 0: all */
    bool chosen;  /* mode counts; else it is the strategy's */
    enum heat_mode mode;
    bool some; /* only the layers in `layer`; else all */
    unsigned char layer[PARAM_MAX_LAYERS];
    bool compact; /* the lines below the map give their rows to layers; it has no foot */
};

/* The mode that is shown: the one chosen, else the strategy that scores are computed with. */
enum heat_mode map_window_mode(const struct map_window *w, const struct ui_state *d);
/* Whether this layer is to be shown. */
bool map_window_has(const struct map_window *w, int layer);

/* What a row shows. ROW_MPC: the MPC scores that come free with a forward pass, in grey, until the
 * scores of the chosen strategy arrive. ROW_STALE: scores that do not match what is at hand. */
enum heat_row { ROW_EMPTY, ROW_STALE, ROW_MPC, ROW_EXACT };

/* The grid. Allocated by heat_grid_make(), freed by heat_grid_free(). */
struct heat_grid {
    int rows, *layer; /* [rows] */
    enum heat_row *kind;
    bool *stale;        /* [rows] kind is ROW_STALE */
    int from, to, bins; /* columns of the order, and how many bins they make */
    int cols;           /* bins, and one for the rule */
    float *value;       /* [rows][cols], as struct heatmap wants it */
    double *peak;       /* [rows] largest size in the layer */
    double *high;       /* [rows] value of the highest colour */
    enum ramp *ramp;    /* [rows] */
    double highest;     /* the largest peak of the exact rows */
    double top;         /* the common one of the exact rows; 0: none */
    double clipped;     /* share of values that lie below it, in percent */
    bool differs;       /* signed: colours run from -top to top */
    bool ruled;         /* the cut is drawn */
    int cursor;         /* column of the neuron under the cursor; -1: not shown */
    struct heat_mark {
        int row, col;
    } * mark; /* [marks] neurons that a method chose itself (ui_chosen_in()) */
    int marks;
    int exact_rows, mpc_rows, stale_rows;
};

/* What the row of a layer shows. */
enum heat_row heat_kind(const struct ui_state *d, enum heat_mode mode, int layer);
/* Fills x[neurons] with one number per neuron: the largest over the rows of the attribution (Eq.
 * 5). With keep_sign, and for modes in which a large negative number matters as much, the one of
 * largest size; otherwise negative numbers become 0. Returns heat_kind(). */
enum heat_row heat_values(const struct ui_state *d, enum heat_mode mode, int layer, bool keep_sign,
                          float *x);
/* Fills at[neurons] with the neurons of a layer in the order of the columns: at[0] is in the
 * first. */
void heat_order(const struct ui_state *d, enum heat_mode mode, int layer, int *at);
/* Makes the grid of these layers in at most `room` columns. */
void heat_grid_make(struct heat_grid *g, const struct ui_state *d, const struct map_window *w,
                    const int *layer, int rows, int room);
void heat_grid_free(struct heat_grid *g);

#endif
