/* The panes that views are put together from. Each is a pure picture of the desk. */
#ifndef VIEWS_PANES_H
#define VIEWS_PANES_H

#include "tui/field.h"
#include "views/desk.h"
#include "views/knobs.h"

enum { FORM_SUBJECT, FORM_PROMPT, FORM_TARGET, FORM_FIELDS };

struct fact_form { /* the fact while it is being typed */
    struct field field[FORM_FIELDS];
    int at;
    bool open;
};

void pane_fact(const struct desk *d, const struct fact_form *form, struct surface *s,
               struct rect area, bool focus);
void pane_params(const struct desk *d, enum knob at, struct surface *s, struct rect area,
                 bool focus);

struct map_window { /* the neurons (columns of the sorted order) shown; to = 0: all */
    int from, to;
};

void pane_map(const struct desk *d, struct map_window window, struct surface *s, struct rect area,
              bool focus);
void pane_ratios(const struct desk *d, struct surface *s, struct rect area, bool focus);
void pane_lens(const struct desk *d, struct surface *s, struct rect area, bool focus);
/* The loss of the target's optimisation, while there is one. */
void pane_steps(const struct desk *d, struct surface *s, struct rect area, bool focus);
void pane_neurons(const struct desk *d, int at, struct surface *s, struct rect area, bool focus);
/* Words a neuron promotes, as many as fit. */
struct pen;
void put_words(struct pen *p, const struct neuron_info *n, bool promotes, int cols);

#endif
