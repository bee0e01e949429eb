/* The rows of the Neurons view: which neurons, in which order, and how a row is drawn. Pure, but
 * for the tags.
 *
 * A filter is a list of terms that all must hold: "L5", "L4-8", "all" or "edited" (layers);
 * "general", "specific", "both", "none" (class); "kept" (in the mask), "forced", "changed",
 * "tagged", "chosen" (by KN or FiNE); ">2.5" or "<0" (score); anything else is part of a token that
 * the neuron promotes,
 * "-word" of one it suppresses. */
#ifndef VIEWS_PANES_NEURONS_TABLE_H
#define VIEWS_PANES_NEURONS_TABLE_H

#include "tui/box.h"
#include "tui/field.h"
#include "views/ui_state.h"

enum { TAGS_MAX = 128, TABLE_EACH = 512 /* neurons of each layer, where several are shown */ };
enum table_sort { BY_SCORE, BY_CLASS, BY_INDEX, BY_ACTIVATION, BY_NORM, SORT_COUNT };
const char *sort_name(enum table_sort sort);

struct table_tags {
    struct neuron_place at[TAGS_MAX];
    int count;
};

struct neurons_table { /* what of the table is looked at */
    enum table_sort sort;
    bool inverted;
    char filter[128]; /* words, all of which must hold; "" for everything */
    struct table_tags tags;
};

bool tag_has(const struct table_tags *tags, int layer, int neuron);
/* Tags a neuron or removes its tag; false: TAGS_MAX are tagged already. */
bool tag_toggle(struct table_tags *tags, int layer, int neuron); /* false: no room */

/* The rows that pass the filter, sorted. Caller frees. *words (may be NULL) becomes true if a term
 * is about tokens: then only neurons whose tokens have been fetched can be found. */
struct ranked_neuron *table_rows(const struct ui_state *d, const struct neurons_table *t, int *n,
                                 bool *words);
/* The rows that pass all terms but those about tokens: their tokens are worth fetching. Caller
 * frees. */
struct ranked_neuron *table_candidates(const struct ui_state *d, const struct neurons_table *t,
                                       int *n);
/* Whether a neuron promotes (else: suppresses) a token that contains `text`, in upper or lower
 * case. */
bool neuron_has_token(const struct neuron_info *n, const char *text, bool promotes);

/* Draws the column titles into the first row of `in`. */
void table_head(const struct ui_state *d, const struct neurons_table *t, struct surface *s,
                struct rect in);
/* Draws one neuron in row y. */
void table_row(const struct ui_state *d, const struct neurons_table *t,
               const struct ranked_neuron *n, struct surface *s, struct rect in, int y, bool here);
/* Everything about one neuron: class, scores by row, coefficient, value norm, tokens. */
void pane_neuron(const struct ui_state *d, int layer, int neuron, struct surface *s,
                 struct rect area, const char *hint);

#endif
