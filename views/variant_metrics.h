/* What Compare and Sweep keep and show of one variant, a way of making the edit. Pure. */
#ifndef VIEWS_VARIANT_METRICS_H
#define VIEWS_VARIANT_METRICS_H

#include "core/engine/events.h"
#include "core/eval/metric.h"
#include "views/ui_state.h"

/* One variant's result. `has` is false until it arrives; `why` says why it could not be made. */
struct variant {
    bool has;
    char why[160];
    struct measured metric[METRICS_MOST];
    char said[80];
};

/* What a set of variants is about: results stay on the screen when fact or weights change. */
struct variants_subject {
    char fact[120], state[17];
};
/* Fills *a with the fact and the state at hand. */
void variants_subject_now(struct variants_subject *a, const struct ui_state *d);
/* "Compare: Eiffel Tower → Rome": what the variants are about, or the fact at hand if there are
 * none yet. Returns out. */
const char *variants_title(const struct variants_subject *a, const struct ui_state *d,
                           const char *word, char out[160]);
/* "for another fact", "for other weights", or "" if nothing has changed. */
const char *variants_stale(const struct variants_subject *a, const struct ui_state *d);

void variant_take(struct variant *to, const struct variant_result *t);
/* Whether it has arrived and could be made. */
bool variant_has_numbers(const struct variant *t); /* has numbers */
/* A metric's value, by its index in metric_table; NAN: the variant has no such number. */
double variant_value(const struct variant *t, int metric);
/* With its unit. "·": not arrived, "✗": could not be made, "–": there is no such number. */
const char *metric_text(const struct variant *t, int metric, char out[24]);
/* The same in at most 4 columns, for a cell of a grid. */
const char *metric_short(const struct variant *t, int metric, char out[16]);
/* Index of the best variant by this metric; -1 if there is none or all are equal. */
int metric_best(const struct variant *t, int count, int metric);
/* The lowest and highest value; false if there is none. */
bool metric_range(const struct variant *t, int count, int metric, double *low, double *high);

#endif
