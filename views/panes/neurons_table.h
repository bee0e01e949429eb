/* The rows of the Neurons view: which, in which order, and how one is drawn. Pure but for the
 * tags. */
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
bool tag_toggle(struct table_tags *tags, int layer, int neuron); /* false: no room */

/* The rows. Caller frees. `words` (may be NULL) becomes true if a word filters: then only
 * neurons whose words are known can be found. */
struct ranked_neuron *table_rows(const struct ui_state *d, const struct neurons_table *t, int *n,
                                 bool *words);
/* The same without the filter's words: those whose words are worth asking for. Caller frees. */
struct ranked_neuron *table_candidates(const struct ui_state *d, const struct neurons_table *t,
                                       int *n);
/* Whether a neuron promotes (or, suppresses) a word that holds `text`, whatever the case. */
bool neuron_has_token(const struct neuron_info *n, const char *text, bool promotes);

void table_head(const struct ui_state *d, const struct neurons_table *t, struct surface *s,
                struct rect in);
void table_row(const struct ui_state *d, const struct neurons_table *t,
               const struct ranked_neuron *n, struct surface *s, struct rect in, int y, bool here);
/* Everything about one neuron. */
void pane_neuron(const struct ui_state *d, int layer, int neuron, struct surface *s,
                 struct rect area, const char *hint);

#endif
