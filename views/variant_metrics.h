/* What Compare and Sweep keep and show of one variant, a way of making the edit. Pure. */
#ifndef VIEWS_VARIANT_METRICS_H
#define VIEWS_VARIANT_METRICS_H

#include "core/engine/events.h"
#include "core/eval/metric.h"
#include "views/ui_state.h"

/* One variant's result. `has` is false until it arrives; `why` says why it could not be made. */
struct variant {
    bool has;
    char state[17]; /* that it was tried on; "": not known */
    char why[160];
    struct measured metric[METRICS_MOST];
    char said[80];
};

void variant_take(struct variant *to, const struct variant_result *t);
/* Whether it has arrived and could be made. */
bool variant_has_numbers(const struct variant *t); /* has numbers */
/* A metric's value, by its index in metric_table; NAN: the variant has no such number. */
double variant_value(const struct variant *t, int metric);
/* With its unit. "·": not arrived, "✗": could not be made, "–": there is no such number. */
const char *metric_text(const struct variant *t, int metric, char out[24]);
/* The same in at most 4 columns, for a cell of a grid. */
const char *metric_short(const struct variant *t, int metric, char out[16]);
/* Index of the best variant by this metric; -1 if there is none or they differ by nothing that
 * counts. */
int metric_best(const struct variant *t, int count, int metric);
/* The lowest and highest value; false if there is none. */
bool metric_range(const struct variant *t, int count, int metric, double *low, double *high);
/* Whether values of this range say nothing: they differ by less than 1 % or than the metric's
 * resolution (editscope-method(7) 9.6). */
bool metric_flat(int metric, double low, double high);

#endif
