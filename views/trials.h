/* What is kept and shown of one way of making an edit: shared by Compare and Sweep. Pure. */
#ifndef VIEWS_TRIALS_H
#define VIEWS_TRIALS_H

#include "core/engine/results.h"
#include "core/eval/metric.h"
#include "views/desk.h"

struct trial {
    bool has;
    char why[160]; /* it could not be made */
    struct measured metric[METRICS_MOST];
    char said[80];
};

/* What trials are about: results outlive the fact and the weights they were made with. */
struct trials_about {
    char fact[120], state[17];
};
void trials_now(struct trials_about *a, const struct desk *d);
/* "Compare: Eiffel Tower → Rome", of what the trials are about, if any were made. */
const char *trials_title(const struct trials_about *a, const struct desk *d, const char *word,
                         char out[160]);
/* What has changed since they were made, "" for nothing. */
const char *trials_stale(const struct trials_about *a, const struct desk *d);

void trial_take(struct trial *to, const struct tried *t);
bool trial_stands(const struct trial *t); /* has numbers */
/* By a metric's index. NAN: there is nothing to know. */
double trial_value(const struct trial *t, int metric);
/* With its unit; "·" where nothing is known, "–" where there is nothing to know. */
const char *metric_text(const struct trial *t, int metric, char out[24]);
/* In at most 4 columns, for a cell of a grid. */
const char *metric_short(const struct trial *t, int metric, char out[16]);
/* Best of `count` by this metric: its index, -1 if none stands or all are equal. */
int metric_best(const struct trial *t, int count, int metric);
/* Lowest and highest; false if none stands. */
bool metric_range(const struct trial *t, int count, int metric, double *low, double *high);

#endif
