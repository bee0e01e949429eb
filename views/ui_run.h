/* A run of `editscope eval` as its file has it, for the Run view: the run (eval.h), the facts and
 * edits of its journal, every measure, and the numbers that take time to compute.
 *
 * EV_RUN begins it or says what the file got since, EV_MEASURES brings measures. A mean is there at
 * once; its interval takes 10,000 resamples and is computed by run_work(), a little at a time.
 * Owned by struct ui_state. UI thread. */
#ifndef VIEWS_UI_RUN_H
#define VIEWS_UI_RUN_H

#include "views/eval.h"

enum { RUN_BASE = -1 }; /* as a sequence */
/* As an arm: the base on the records that this arm has at the same time and checkpoint. */
static inline int run_base_of(int arm)
{
    return -1 - arm;
}

struct ui_run {
    char *path, *text; /* the file; what it is of, as JSON */
    struct eval eval;  /* its facts borrow their texts; a subject of NULL is not known yet */
    char why[240];     /* why it cannot be shown, or "" */
    double changed;    /* unix seconds: of the last step of its journal */
    int last;          /* id of the last measure */
    unsigned version;  /* grows when anything comes */

    struct run_fact *fact; /* [facts] of all edits, by their numbers */
    int facts, active_from, active_to;
    int *edit;  /* [sequences][facts] the edit that wrote a record; 0: not yet, or it failed */
    int *about; /* [facts] index in `fact` of a record; -1: not known yet */

    struct measure *measure; /* [measures] in the order they were written */
    int measures, room, grouped;
    struct run_group {
        int at, count;
    } * group; /* [1 + sequences * slots][facts] the measures of a record; the first row: the base
                */

    struct interval *cell; /* [metrics][2][arms][times][checkpoints], the base's then the arm's; n
                            * -1: not computed */
};

struct ui_state;
struct event;
/* For the table of ui_state.c. */
bool ui_take_run(struct ui_state *d, struct event *ev);
bool ui_take_run_measures(struct ui_state *d, struct event *ev);
void ui_run_free(struct ui_run *r);

/* Whether it can be shown. */
static inline bool run_there(const struct ui_run *r)
{
    return r && r->eval.facts;
}

/* The measures of a record (from 0) of a sequence, or of the base, in a slot; NULL: none. */
const struct measure *run_measures(const struct ui_run *r, int sequence, int slot, int record,
                                   int *count);
/* The mean of an arm (or of run_base_of() one) at a checkpoint, with its interval once that is
 * computed; until then low and high are NAN. *exact: it is computed, or there is none to compute.
 */
struct interval run_interval(const struct ui_run *r, int metric, int arm, int when, int checkpoint,
                             bool *exact);
/* Computes this one, if it is not there; true: it took time. */
bool run_compute(struct ui_run *r, int metric, int arm, int when, int checkpoint);
/* A record's value as the tables have it; NAN: none. */
double run_value(const struct ui_run *r, int metric, int sequence, int when, int checkpoint,
                 int record);
/* Sequences that are complete. */
int run_complete(const struct ui_run *r);
/* Records of a sequence that were asked after their own edit. */
int run_asked(const struct ui_run *r, int sequence);

#endif
