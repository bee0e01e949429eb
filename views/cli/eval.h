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

/* eval_json.c */
/* One record at one time, an event for each of its measures. */
void eval_print_measures(const struct eval *v, const struct measures *all);
/* An event for each arm and checkpoint, and each comparison. */
void eval_print_json(const struct eval *v);

/* eval_report.c: the tables, or JSON */
void eval_report(const struct cli *c, const struct eval *v);

#endif
