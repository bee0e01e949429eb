/* The metrics of an edit (editscope-method(7) 9.4): a table with a row for each, in metric.c.
 * Compare, Sweep, `editscope sweep`, tables and recordings know nothing of a metric but its row.
 *
 * The table is constant and measured numbers are plain data, for any thread; metrics_measure() is
 * for the engine thread. */
#ifndef CORE_EVAL_METRIC_H
#define CORE_EVAL_METRIC_H

#include <stdbool.h>

#include "core/base/err.h"

enum { METRICS_MOST = 32 };

/* A measured metric: part / whole. Over several edits parts and wholes are summed (9.5): a metric
 * of one number has the whole 1, so that its average is a mean over edits; a count has the number
 * of things counted, so that its average is a mean over all of those. whole 0: not known. */
struct measured {
    double part, whole;
    double before; /* as part, of the state before the edit, where the metric has one */
};

/* What a metric may use. */
struct measuring {
    const struct edit_result *result;
    const struct params *params;
    const struct score *before, *after; /* of the fact's own prompt */
    const struct probes *probes;        /* of the kinds that metrics_probes() names */
    const struct model_state *state;    /* with the edit */
    int neurons;                        /* M: of a layer */
    double seconds;                     /* of the edit without target and scores */
    struct job *job;
};

enum metric_show {
    METRIC_YES,         /* yes or no */
    METRIC_COUNT,       /* 3/4 */
    METRIC_PROBABILITY, /* and other numbers of about 1 */
    METRIC_PERCENT,
    METRIC_SMALL, /* a share that may be very small */
    METRIC_TIMES,
    METRIC_SECONDS,
};

struct layer_report;
struct probe_result;
struct metric {
    const char *name; /* as the screen has it: "leak/gain²" */
    enum metric_show show;
    int better;            /* 1: the higher, -1: the lower, 0: neither */
    const char *json;      /* the average, in records of `sweep` */
    const char *key;       /* of one edit, in recordings and tables; counts: the part */
    const char *whole_key; /* counts: the whole; NULL elsewhere */
    const char *column;    /* of text, as table_layout() has it; NULL: it has none */
    bool map;              /* one of the small pictures of Sweep */
    bool has_before;       /* `before` is measured: the value is a pair */
    double resolution;     /* a smaller difference says nothing (9.6) */
    /* One of these three is set: how it is measured. */
    unsigned probes; /* PROBES_*: how many of this kind the edited state passes */
    double (*layer)(const struct layer_report *r, const struct measuring *m); /* the mean of it */
    bool (*measure)(const struct measuring *m, struct measured *out, struct err *err);
};

extern const struct metric metric_table[];
extern const int metric_count;     /* at most METRICS_MOST */
int metric_find(const char *name); /* its index, -1: none */
unsigned metrics_probes(void);     /* PROBES_* that any metric counts */
/* Measures all metrics into out [metric_count]. Probes run the model: false and err on a cancel or
 * a fault. */
bool metrics_measure(const struct measuring *m, struct measured *out, struct err *err);
/* The rows of the table that follow from reports of an edit that was committed: numbers of its
 * layers of so many neurons, and counts of probes that were asked. Both add to sum
 * [metric_count]. A neighbour counts if the base knows it; the others all count, as in
 * metrics_measure(). */
void metrics_add_layers(struct measured *sum, const struct layer_report *report, int layers,
                        int neurons);
void metrics_add_probes(struct measured *sum, const struct probe_result *probe, int count);
double measured_value(const struct measured *m);  /* NAN: not known */
double measured_before(const struct measured *m); /* of the state before the edit */
void measured_add(struct measured *sum, const struct measured *one);

#endif
