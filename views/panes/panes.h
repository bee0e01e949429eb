/* The panes that views are put together from. Each draws a part of the screen's state into an area
 * and changes nothing; `focus` highlights its frame. */
#ifndef VIEWS_PANES_PANES_H
#define VIEWS_PANES_PANES_H

#include "tui/field.h"
#include "views/knobs.h"
#include "views/panes/heat_grid.h"
#include "views/ui_state.h"

/* Appends "  ╱ rows WORDS" to a pane's title; nothing where the words are empty. Returns whether it
 * did. */
bool pane_stale_words(const char *part, const char *words, char *title, size_t n);
/* If the result (of struct ui_state) does not match what is at hand, appends "  ╱ of Eiffel Tower →
 * Rome" to a pane's title and returns true; the caller then marks its content: surface_stale(). */
bool pane_stale_title(const struct ui_state *d, const void *result, char *title, size_t n);
/* The same of a part of the pane: "  ╱ rows of Eiffel Tower → Rome". */
bool pane_stale_part_title(const struct ui_state *d, const void *result, const char *part,
                           char *title, size_t n);

/* The same of scores, ratios or masks; before that, " · of BASE" if they are of the unedited model.
 */
bool pane_scores_title(const struct ui_state *d, const void *result, char *title, size_t n);

enum { FORM_SUBJECT, FORM_PROMPT, FORM_TARGET, FORM_OLD, FORM_FIELDS };

/* The fact while it is being typed. */
struct fact_form {
    struct field field[FORM_FIELDS];
    int at;
    bool open;
    bool old_typed; /* the old object is what was typed, else that of the present fact */
};

/* The fact as it stands in the form, whole and normalised. A subject that is a whole line, such as
 * "subject | prompt | object", is a fact by itself. If subject and prompt are those of the present
 * fact, its probes stay with it. false: why it is none, and *out is empty. Caller frees. */
bool form_fact(const struct ui_state *d, const struct fact_form *form, struct fact *out,
               struct err *err);
/* The fact, its tokens and the model's prediction. */
void pane_fact(const struct ui_state *d, const struct fact_form *form, struct surface *s,
               struct rect area, bool focus);
/* The live parameters as sliders, the cursor on `at`. */
void pane_params(const struct ui_state *d, enum knob at, struct surface *s, struct rect area,
                 bool focus);

/* Where the map's cells are: for drawing and for clicks. */
struct map_shape {
    struct rect in, plot;
    int left, wide, tall;
    int first, rows, below;      /* layers out of sight, shown, out of sight */
    int layer[PARAM_MAX_LAYERS]; /* those shown, from the top */
    int from, to;                /* columns shown, of the order */
};
struct map_shape map_shape(const struct ui_state *d, const struct map_window *window,
                           struct rect area);
/* The neuron whose cell is at (y, x) of a map on this area; false: there is none. */
bool map_neuron_at(const struct ui_state *d, const struct map_window *window, struct rect area,
                   int y, int x, struct neuron_place *out);
/* The map of layers and neurons. */
void pane_map(const struct ui_state *d, const struct map_window *window, struct surface *s,
              struct rect area, bool focus);
/* The causal trace, layer x token; `token` is under the cursor. */
void pane_trace(const struct ui_state *d, int token, struct surface *s, struct rect area,
                bool focus);
/* The token, and *layer, of the cell at (y, x) of the screen; -1: none. */
int trace_token_at(const struct ui_state *d, int token, struct rect area, int y, int x, int *layer);
/* Writes what gives the ratio of one side, and the ratio:
 *
 *   = 0.100 × 0.891 + 0.214 = 0.303                     Eq. 6 (general) or Eq. 7 (specific)
 *   = 1.200 × 0.891 + 0.214 = 1.283, limited to 1.000   a ratio lies in 0..1
 *   set by the mask mode = 0.300                        mask_mode_sets_ratio() */
void pen_ratio(struct pen *p, const struct ui_state *d, const struct mask *m, bool general);
/* Entropies, ratios and masks of the layers. `rest`, with keys as in hint.h: what shows those that
 * do not fit. */
void pane_ratios(const struct ui_state *d, const char *rest, struct surface *s, struct rect area,
                 bool focus);
/* Ranks of the old and the new object by layer, at the last position of the prompt. */
void pane_lens(const struct ui_state *d, struct surface *s, struct rect area, bool focus);
/* The same before and after the edit at one position, inside a frame, with a line in words for each
 * state. Before: marks; after: lines. false: no ranks are known, or there is no room. */
bool rank_curves_draw(const struct ui_state *d, int token, struct surface *s, struct rect in);
/* These curves in a frame. */
void pane_curves(const struct ui_state *d, int token, struct surface *s, struct rect area,
                 bool focus);
/* The cell of the lens under the cursor. */
struct lens_cursor {
    int layer, token;
};
/* What a cell of the lens shows. */
enum lens_mode { LENS_TOP, LENS_OLD, LENS_NEW, LENS_MODES };
/* The lens at every layer and position. */
void pane_lens_grid(const struct ui_state *d, enum lens_mode mode, struct lens_cursor at,
                    struct surface *s, struct rect area, bool focus);
/* The layer and position of the cell at (y, x) of the screen; false: none. */
bool lens_cell_at(const struct ui_state *d, struct lens_cursor at, struct rect area, int y, int x,
                  struct lens_cursor *cell);
/* The lens that this side shows: before the edit or, if there is one, after it. NULL: not known. */
const struct lens_grid *lens_shown(const struct ui_state *d, enum neuron_side side);
/* The layer from which on the new object ranks before the old one in every later layer; -1: it
 * does not end ahead. `step` is the distance of two layers in the arrays. */
int lens_overtakes(const int *rank_old, const int *rank_new, int layers, int step);
/* The loss of the target's optimisation by step, while it runs. */
void pane_steps(const struct ui_state *d, struct surface *s, struct rect area, bool focus);
/* The strongest neurons, row `at` selected. */
void pane_neurons(const struct ui_state *d, int at, struct surface *s, struct rect area,
                  bool focus);
struct pen;
/* The tokens that a neuron promotes (else: suppresses), as many as fit `cols` columns. */
void pen_neuron_tokens(struct pen *p, const struct neuron_info *n, bool promotes, int cols);

#endif
