/* The metrics of an edit (editscope-method(7) 9.4), one table: metric.c has a row for each. What a
 * row says is all that variants, Compare, Sweep, `editscope sweep`, their tables and recordings
 * know of it.
 *
 * The table is constant and measured numbers are plain data; measuring is the engine's thread's. */
#ifndef CORE_EVAL_METRIC_H
#define CORE_EVAL_METRIC_H

#include <stdbool.h>

#include "core/base/err.h"

enum { METRICS_MOST = 32 };

/* What was measured of one edit: part / whole. Over several edits the parts and the wholes are
 * summed: a metric of one number has whole 1, so that its average is over edits; one that counts
 * has how many it counts, so that its average is over all of those. whole 0: not known. */
struct measured {
    double part, whole;
    double before; /* as part, of the state before the edit, where the metric has one */
};

/* What a metric may look at; see metric.c. */
struct measuring {
    const struct edit_result *result;
    const struct params *params;
    const struct score *before, *after; /* of the fact's own prompt */
    const struct probes *probes;        /* of the kinds that metrics_probes() names */
    const struct model_state *state;    /* with the edit */
    double seconds;                     /* that the edit took, without the target */
    struct job *job;
};

enum metric_show {
    METRIC_YES,         /* yes or no */
    METRIC_COUNT,       /* 3/4 */
    METRIC_PROBABILITY, /* and whatever else lies about 1 */
    METRIC_PERCENT,
    METRIC_SMALL, /* a share that may be very small */
    METRIC_TIMES,
    METRIC_SECONDS,
};

struct layer_report;
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
    /* One of these says how it is measured. */
    unsigned probes; /* PROBES_*: how many of this kind the edited state passes */
    double (*layer)(const struct layer_report *r, const struct measuring *m); /* the mean of it */
    bool (*measure)(const struct measuring *m, struct measured *out, struct err *err);
};

extern const struct metric metric_table[];
extern const int metric_count;     /* at most METRICS_MOST */
int metric_find(const char *name); /* its index, -1: none */
unsigned metrics_probes(void);     /* PROBES_* that any of them asks */
/* All of them, out [metric_count]. The model may be asked: err says cancel and faults. */
bool metrics_measure(const struct measuring *m, struct measured *out, struct err *err);
double measured_value(const struct measured *m);  /* NAN: not known */
double measured_before(const struct measured *m); /* the same of the state before */
void measured_add(struct measured *sum, const struct measured *one);

#endif
