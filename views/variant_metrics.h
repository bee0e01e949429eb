/* What is kept and shown of one way of making an edit: shared by Compare and Sweep. Pure. */
#ifndef VIEWS_VARIANT_METRICS_H
#define VIEWS_VARIANT_METRICS_H

#include "core/engine/events.h"
#include "core/eval/metric.h"
#include "views/ui_state.h"

struct variant {
    bool has;
    char why[160]; /* it could not be made */
    struct measured metric[METRICS_MOST];
    char said[80];
};

/* What trials are about: results outlive the fact and the weights they were made with. */
struct variants_about {
    char fact[120], state[17];
};
void variants_about_now(struct variants_about *a, const struct ui_state *d);
/* "Compare: Eiffel Tower → Rome", of what the trials are about, if any were made. */
const char *variants_title(const struct variants_about *a, const struct ui_state *d,
                           const char *word, char out[160]);
/* What has changed since they were made, "" for nothing. */
const char *variants_stale(const struct variants_about *a, const struct ui_state *d);

void variant_take(struct variant *to, const struct variant_result *t);
bool variant_has_numbers(const struct variant *t); /* has numbers */
/* By a metric's index. NAN: there is nothing to know. */
double variant_value(const struct variant *t, int metric);
/* With its unit; "·" where nothing is known, "–" where there is nothing to know. */
const char *metric_text(const struct variant *t, int metric, char out[24]);
/* In at most 4 columns, for a cell of a grid. */
const char *metric_short(const struct variant *t, int metric, char out[16]);
/* Best of `count` by this metric: its index, -1 if none stands or all are equal. */
int metric_best(const struct variant *t, int count, int metric);
/* Lowest and highest; false if none stands. */
bool metric_range(const struct variant *t, int count, int metric, double *low, double *high);

#endif
