/* Facts that are tried with one set of parameters, for `sweep` and `tune`: each alone on one state,
 * or one after the other in a row. Nothing is kept of it but these numbers. `eval` writes and
 * undoes its facts in the same way. */
#ifndef VIEWS_CLI_TRIAL_H
#define VIEWS_CLI_TRIAL_H

#include "core/eval/metric.h"
#include "views/cli/cli.h"
#include "views/eval.h"

/* Sums over the facts that were tried. */
struct trial {
    int tried, failed; /* failed: the edit cannot be made with its parameters */
    struct measured metric[METRICS_MOST];
    int held_then;           /* in a row: how many held right after their own edit */
    char said[80], why[160]; /* of the last one, */
    int edit;                /* and the last edit in the state that it was tried on; 0: the base */
};

void trial_add(struct trial *t, const struct variant_result *v);
/* A command about one fact, of which it gets a copy; --draft is heeded. */
struct command trial_command(enum command_kind kind, const struct cli *c, const struct fact *fact,
                             const struct params *p);
/* The same about several facts. */
struct command trial_command_facts(enum command_kind kind, const struct cli *c,
                                   const struct fact *fact, int facts, const struct params *p);
/* Writes facts into the open session as one edit. */
bool trial_write(struct cli *c, const struct fact *fact, int facts, const struct params *p,
                 cli_on_event *on_event, void *ctx, struct err *err);
/* Undoes the edits of these numbers. */
bool trial_undo(struct cli *c, int first, int last, struct err *err);
/* Puts `edits` and every metric into an object. */
void trial_metrics(json_t *o, const struct trial *t);

/* Gets each fact of a row as it is after all of them. */
typedef void trial_on_fact(struct cli *c, int fact, const struct trial *of_it, void *ctx);
/* Writes all facts into the open session in memory, one edit each, in order; asks every one, with
 * its rephrases and neighbours, when all are written; and undoes them. The numbers of the layers
 * are those of each edit when it was made, all others are from the end. Where the parameters allow
 * no edit (ERR_USAGE), out->why says so and all have failed. */
bool trial_in_a_row(struct cli *c, const struct fact *fact, int facts, const struct params *p,
                    struct trial *out, trial_on_fact *on_fact, void *ctx, struct err *err);

/* Reads an arm: "wide: beta_ge=.5 beta_sp=.4". A bare word is a method: "random: nmke
 * mask.mode=random". The parameters are set over `from`. `option`: where it stands, for messages:
 * "--arm". */
bool arm_parse(struct arm *arm, const char *option, const char *text, const struct params *from,
               struct err *err);

#endif
