/* The report of a run of `editscope eval`. */
#ifndef VIEWS_CLI_EVAL_H
#define VIEWS_CLI_EVAL_H

#include "views/cli/trial.h"
#include "views/eval.h"

/* eval_ranks.c: one process, or several under mpirun. Collective, but for eval_ranks_note(). */
struct eval_ranks {
    struct eval *v;
    bool *complete;  /* [sequences] measured, or dealt in this round */
    int dealt;       /* sequences of this round */
    struct buf sent; /* what this process measured in it, for rank 0 */
};
/* r->complete becomes rank 0's; the moments are summed together. */
bool eval_ranks_begin(struct cli *c, struct eval_ranks *r, struct err *err);
/* The sequence of this process in the next round; -1: none. r->dealt 0: all are complete. */
int eval_ranks_deal(struct eval_ranks *r);
/* Keeps what was measured for rank 0. */
void eval_ranks_note(struct eval_ranks *r, const struct measures *m);
/* The end of a round: rank 0 writes what the others measured, with `on_event` and `r` for each
 * part. */
bool eval_ranks_collect(struct cli *c, struct eval_ranks *r, int mine, cli_on_event *on_event,
                        struct err *err);

struct eval_tasks;
/* eval_options.c */
/* All of the run but its tasks. */
bool eval_parse(struct cli *c, struct eval *v, struct err *err);
/* What the run is of, as its file keeps it. Caller frees. */
char *eval_run_text(const struct cli *c, const struct eval *v, const struct eval_tasks *t);

/* eval_tasks.c: the ability tasks of --tasks (core/eval/task.h) */
enum { EVAL_TASKS = 16 };
struct eval_tasks {
    const struct task *task[EVAL_TASKS];
    int tasks;
    char *folder; /* of the data */
    int records, shots;
    bool run, no_bos;
    int questions; /* of all tasks, for each state */
    char hash[65]; /* of the questions */
};
/* Of the options; the data is read, so that what it lacks is said before any edit. */
bool eval_tasks_parse(struct cli *c, struct eval_tasks *t, struct err *err);
void eval_tasks_free(struct eval_tasks *t);
void eval_list_tasks(void);                          /* --tasks list */
json_t *eval_tasks_json(const struct eval_tasks *t); /* as the run's file keeps them */
/* For CMD_TASKS, which owns it: task i of a state. */
struct task_wish *eval_task_wish(const struct eval_tasks *t, int i, int sequence, int edits);
/* An event for each answer. */
void eval_print_answers(const struct eval *v, const struct measures *all);
/* The scores of an arm after so many edits, beside the base's. */
json_t *eval_task_scores(const struct eval *v, int arm, int edits);
/* The table of all scores; nothing if there are none. */
void eval_print_tasks(const struct eval *v);

/* eval_json.c */
/* Which arm and order a sequence (from 1; 0: the base) is. */
void eval_put_sequence(json_t *o, const struct eval *v, int sequence);
/* One record at one time, an event for each of its measures. */
void eval_print_measures(const struct eval *v, const struct measures *all);
/* An event for each arm and checkpoint, and each comparison. */
void eval_print_json(const struct eval *v);

/* eval_report.c: the tables, or JSON */
void eval_report(const struct cli *c, const struct eval *v);
/* "0.930 [0.850, 0.980]", "0.930" of too few records; missing where there is no number. */
void eval_interval_cell(struct table *t, const struct interval *i);

#endif
