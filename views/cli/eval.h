/* The report of a run of `editscope eval`. */
#ifndef VIEWS_CLI_EVAL_H
#define VIEWS_CLI_EVAL_H

#include "views/cli/trial.h"
#include "views/eval.h"

/* eval_json.c */
/* One record at one time, an event for each of its measures. */
void eval_print_measures(const struct eval *v, const struct measures *all);
/* An event for each arm and checkpoint, and each comparison. */
void eval_print_json(const struct eval *v);

/* eval_report.c: the tables, or JSON */
void eval_report(const struct cli *c, const struct eval *v);

#endif
