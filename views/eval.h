/* A run of `editscope eval`: what it is of, what was measured so far, and the numbers of its tables
 * (editscope-method(7) 14). The subcommand fills one as it measures, the Run view from the run's
 * file (ui_run.h): so both show the same numbers. */
#ifndef VIEWS_EVAL_H
#define VIEWS_EVAL_H

#include "core/base/params.h"
#include "core/edit/fact.h"
#include "core/engine/events.h"
#include "core/eval/measure.h"
#include "core/eval/statistics.h"
#include "core/eval/task.h"

/* An arm: parameters under a name, "wide: beta_ge=.5 beta_sp=.4". */
struct arm {
    char name[40];
    struct params params;
};

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
    struct eval_part
        *part; /* [parts] what tasks' answers say, each subtask of each state by itself; */
    int parts; /* the Run view has none */
};

/* The answers of a state (sequence, edits as in struct measure) to the questions of a subtask. */
struct eval_part {
    int sequence, edits;
    char *task, *subtask;
    double sum[TASK_SCORES];
    int n[TASK_SCORES];
};

/* What later edits took of a record: immediate less final. A third time beside those of
 * core/eval/measure.h. */
enum { WHEN_FORGOTTEN = MEASURE_WHENS };

/* eval_run.c */
/* The orders and an empty table of values, of facts, arms, orders and checkpoints. */
void eval_make(struct eval *v);
/* All of it from the text that a run's file keeps of its command, without texts of facts.
 * ERR_FORMAT: it is not valid, or larger than any run. */
bool eval_from_text(struct eval *v, const char *text, struct err *err);
/* Frees what eval_make() and eval_take() made. */
void eval_free(struct eval *v);

/* eval_figure.c */
struct buf;
/* Appends the run as a figure, SVG; `name` heads it. False: nothing was measured. */
bool eval_figure(const struct eval *v, const char *name, struct buf *out);

/* eval_numbers.c */
int eval_sequences(const struct eval *v);
int eval_slots(const struct eval *v);
/* Whether a sequence (from 0) has this number at the last checkpoint: "complete"; "elsewhere": its
 * edits are in another process's session. */
bool eval_sequence_is(const struct eval *v, int sequence, const char *name);
/* The batch of its sequence (n->sequence - 1) that could not be written, if that is what the number
 * says, else -1. */
int eval_failed_batch(const struct eval *v, const struct run_number *n);
/* The slot of a measure's time; -1: it is none of this command's. */
int eval_slot_of(const struct eval *v, const struct measure *m);
/* The values of a metric of a sequence (from 0) in a slot: [facts] by record. */
double *eval_values(const struct eval *v, int metric, int sequence, int slot);
/* Takes what an event brought. */
void eval_take(struct eval *v, const struct measures *m);
/* The mean of the numbers of this name of an arm, over its orders and edits; NAN: none. */
double eval_number_mean(const struct eval *v, int arm, const char *name);
/* The index of a metric by its name in JSON; -1: there is none. */
int eval_metric(const char *json);
/* The values of an arm at a checkpoint, [orders][facts] by record; NAN where a record was not asked
 * or not written yet. `when`: also WHEN_FORGOTTEN. Caller frees. */
double *eval_arm_values(const struct eval *v, int metric, int arm, int when, int checkpoint);
/* Their mean; resamples 0, or fewer records than EVAL_RECORDS_LEAST: low and high are NAN. Arm -1:
 * the base beside the first arm that has such records. */
struct interval eval_interval(const struct eval *v, int metric, int arm, int when, int checkpoint,
                              int resamples);
/* How many records of an arm (of every order) were asked at a checkpoint so far; *of: how many will
 * be. WHEN_FORGOTTEN: as final. */
int eval_asked(const struct eval *v, int arm, int when, int checkpoint, int *of);
/* The base on the same records as an arm at a checkpoint, as often as its orders have them. n 0: it
 * says nothing of the base, since it is of a change. */
struct interval eval_base_beside(const struct eval *v, int metric, int arm, int when,
                                 int checkpoint, int resamples);
/* In how many parts the edits of a checkpoint are divided by age, and the mean of the records of
 * one part, the newest first: of those with *from to *to - 1 edits since their own. NAN: none. */
int eval_ages(const struct eval *v, int checkpoint);
double eval_retention(const struct eval *v, int metric, int arm, int checkpoint, int part,
                      int *from, int *to, int *n);
/* ROME's score, the harmonic mean of es, ps and ns: 0 if one of them is 0, NAN if one is not known.
 * Of an arm, or of the base (-1). */
double eval_score_of(const double success[3]);
double eval_rome_score(const struct eval *v, int arm, int when, int checkpoint);
/* A number of the states of an arm (-1: the base) at a checkpoint: the mean over its orders; of
 * layers the largest in size, or their mean. NAN: none. */
double eval_state_number(const struct eval *v, int arm, int edits, const char *name, bool largest);
/* eval_tasks.c */
/* For eval_take(). */
void eval_take_answers(struct eval *v, const struct task_answer *a, int count);
/* The mean score in an ability task ("mmlu.acc") of the states of an arm (-1: the base), over its
 * orders. A share of questions has Wilson's interval, a log p that of its standard error; of fewer
 * questions than EVAL_RECORDS_LEAST there is none. of.n 0: not asked. */
struct eval_score {
    struct interval of;
    double error; /* the standard error */
};
struct eval_score eval_task_score(const struct eval *v, int arm, int edits, const char *name);
/* The i-th subtask of a task, in the order they were asked; NULL: past the last, or it has none. */
const char *eval_subtask(const struct eval *v, const struct task *task, int i);
/* The mean of a score over the questions of a subtask, as eval_task_score(). */
struct interval eval_subtask_score(const struct eval *v, int arm, int edits,
                                   const struct task *task, const char *subtask, int score);
/* An arm less another one, record by record in the same order. */
struct comparison {
    int arm, metric;
    struct interval difference;
    double p, p_holm;
};
/* p_holm is p: it needs the others. */
struct comparison eval_compare_arms(const struct eval *v, int metric, int arm, int with, int when,
                                    int checkpoint);
/* Every arm but the first against the first one, by one metric, final at the last checkpoint,
 * [arms - 1], Holm over them. Caller frees; NULL: there is one arm, or nothing was measured. */
struct comparison *eval_compare(const struct eval *v, int metric);
/* What the metrics of a text table are: "teacher-forced: share of tokens that are right". */
const char *eval_table_title(int table);

#endif
