/* The panes that views are put together from. Each is a pure picture of the desk. */
#ifndef VIEWS_PANES_PANES_H
#define VIEWS_PANES_PANES_H

#include "tui/field.h"
#include "views/knobs.h"
#include "views/panes/heat_grid.h"
#include "views/ui_state.h"

enum { FORM_SUBJECT, FORM_PROMPT, FORM_TARGET, FORM_FIELDS };

struct fact_form { /* the fact while it is being typed */
    struct field field[FORM_FIELDS];
    int at;
    bool open;
};

void pane_fact(const struct ui_state *d, const struct fact_form *form, struct surface *s,
               struct rect area, bool focus);
void pane_params(const struct ui_state *d, enum knob at, struct surface *s, struct rect area,
                 bool focus);

struct map_shape { /* where the map's cells are: for drawing and for clicks */
    struct rect in, plot;
    int left, wide, tall;
    int first, rows, layer[PARAM_MAX_LAYERS]; /* layers shown, from the top */
    int from, to;                             /* columns shown, of the order */
};
struct map_shape map_shape(const struct ui_state *d, const struct map_window *window,
                           struct rect area);
void pane_map(const struct ui_state *d, const struct map_window *window, struct surface *s,
              struct rect area, bool focus);
/* The causal trace, layer x token; `token` is under the cursor. */
void pane_trace(const struct ui_state *d, int token, struct surface *s, struct rect area,
                bool focus);
int trace_token_at(const struct ui_state *d, int token, struct rect area, int y, int x, int *layer);
void pane_ratios(const struct ui_state *d, struct surface *s, struct rect area, bool focus);
void pane_lens(const struct ui_state *d, struct surface *s, struct rect area, bool focus);
/* The same before and after at one position, from the lens at every position where it is there. */
void pane_curves(const struct ui_state *d, int token, struct surface *s, struct rect area,
                 bool focus);
/* The lens at every position. */
enum lens_mode { LENS_TOP, LENS_OLD, LENS_NEW, LENS_MODES };
void pane_lens_grid(const struct ui_state *d, enum lens_mode mode, int token, struct surface *s,
                    struct rect area, bool focus);
/* The layer and the token in the cell at (y, x) of the screen; false: none. */
bool lens_cell_at(const struct ui_state *d, int token, struct rect area, int y, int x, int *layer,
                  int *at);
/* The grid of what is shown: after, or before where nothing was done. NULL: not there. */
const struct lens_grid *lens_shown(const struct ui_state *d, enum neuron_side side);
/* From which layer on the new object stays ahead of the old one; -1: it does not end ahead. `step`
 * is the distance of two layers in the arrays. */
int lens_overtakes(const int *rank_old, const int *rank_new, int layers, int step);
/* The loss of the target's optimisation, while there is one. */
void pane_steps(const struct ui_state *d, struct surface *s, struct rect area, bool focus);
void pane_neurons(const struct ui_state *d, int at, struct surface *s, struct rect area,
                  bool focus);
/* Words a neuron promotes, as many as fit. */
struct pen;
void pen_neuron_tokens(struct pen *p, const struct neuron_info *n, bool promotes, int cols);

#endif
