/* A run of `editscope eval`: its command, what was measured so far, and the report of it. */
#ifndef VIEWS_CLI_EVAL_H
#define VIEWS_CLI_EVAL_H

#include "core/eval/measure.h"
#include "core/eval/statistics.h"
#include "views/cli/trial.h"

enum { EVAL_ARMS = 64, EVAL_CHECKPOINTS = 32, EVAL_ORDERS = 64 };
/* Fewer records than this get a mean without an interval: their resamples are too few to say how
 * far it may be off (editscope-method(7) 14.4). */
enum { EVAL_RECORDS_LEAST = 5 };

/* Where a value of a record stands: right after its own edit, or at a checkpoint. */
enum { SLOT_IMMEDIATE = 0, SLOT_FINAL = 1 /* + checkpoint */ };

struct eval {
    /* The command. */
    struct fact *fact; /* [facts] of the data, those that are written; fact[i].record is i + 1 */
    int facts;
    struct arm arm[EVAL_ARMS];
    int arms;
    int checkpoint[EVAL_CHECKPOINTS], checkpoints; /* ascending; the last one is `facts` */
    int batch, orders;
    int *order; /* [orders][facts] indices of facts in the order they are written, */
    int *turn;  /* and when each of them is, from 0 */
    unsigned protocols;
    unsigned long long seed;

    /* What was measured. A sequence is an arm in an order: arm * orders + order, from 0. */
    double *base;              /* [record_metric_count][facts] */
    double *value;             /* [record_metric_count][sequences][slots][facts], NAN: not yet */
    struct run_number *number; /* [numbers], of all sequences */
    int numbers;
};

/* eval_numbers.c */
int eval_sequences(const struct eval *v);
int eval_slots(const struct eval *v);
/* The values of a metric of a sequence (from 0) in a slot: [facts] by record. */
double *eval_values(const struct eval *v, int metric, int sequence, int slot);
/* Takes what an event brought. */
void eval_take(struct eval *v, const struct measures *m);
/* The mean of the numbers of this name of an arm, over its orders and edits; NAN: none. */
double eval_number_mean(const struct eval *v, int arm, const char *name);
/* The index of a metric by its name in JSON; -1: there is none. */
int eval_metric(const char *json);
/* The values of an arm at a checkpoint, [orders][facts] by record; NAN where a record was not asked
 * or not written yet. Caller frees. */
double *eval_arm_values(const struct eval *v, int metric, int arm, enum measure_when when,
                        int checkpoint);
/* Their mean; resamples 0, or fewer records than EVAL_RECORDS_LEAST: low and high are NAN. */
struct interval eval_interval(const struct eval *v, int metric, int arm, enum measure_when when,
                              int checkpoint, int resamples);
struct interval eval_base_interval(const struct eval *v, int metric);
/* What later edits took: immediate less final of each record, at a checkpoint. */
struct interval eval_forgetting(const struct eval *v, int metric, int arm, int checkpoint);
/* In how many parts the edits of a checkpoint are divided by age, and the mean of the records of
 * one part, the newest first: of those with *from to *to - 1 edits since their own. NAN: none. */
int eval_ages(const struct eval *v, int checkpoint);
double eval_retention(const struct eval *v, int metric, int arm, int checkpoint, int part,
                      int *from, int *to, int *n);
/* The harmonic mean of es, ps and ns. */
double eval_rome_score(const struct eval *v, int arm, enum measure_when when, int checkpoint);
/* A number of the states of an arm (-1: the base) at a checkpoint: the mean over its orders; of
 * layers the largest, or their mean. NAN: none. */
double eval_state_number(const struct eval *v, int arm, int edits, const char *name, bool largest);
/* An arm less another one, record by record in the same order, at the last checkpoint. */
struct comparison {
    int arm, metric;
    struct interval difference;
    double p, p_holm;
};
/* Every arm but the first against the first one, by one metric, [arms - 1], Holm over them. Caller
 * frees; NULL: there is one arm, or nothing was measured. */
struct comparison *eval_compare(const struct eval *v, int metric);

/* eval_json.c */
/* One record at one time, an event for each of its measures. */
void eval_print_measures(const struct eval *v, const struct measures *all);
/* An event for each arm and checkpoint, and each comparison. */
void eval_print_json(const struct eval *v);

/* eval_report.c: the tables, or JSON */
void eval_report(const struct cli *c, const struct eval *v);

#endif
