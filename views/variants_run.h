/* A set of variants that a view has computed: what they are about, and how far they are. Shared by
 * Compare and Sweep, which keep the results themselves. */
#ifndef VIEWS_VARIANTS_RUN_H
#define VIEWS_VARIANTS_RUN_H

#include "views/tried_on.h"
#include "views/variant_metrics.h"
#include "views/view.h"

struct variants_run {
    unsigned job;              /* the command that makes them; 0: none yet */
    bool running, stopped;     /* stopped: it ended before all were done */
    bool waits;                /* it has not begun, or made way for another job */
    int count;                 /* how many were asked for */
    char fact[120];            /* "Eiffel Tower → Rome" */
    struct stamp stamp;        /* of the fact */
    struct tried_state on;     /* the state that they are tried on */
    char on_words[WORDS][160]; /* tried_state_words() of it */
    struct params params;      /* the user's; a variant changes some of them */
    const enum param *own;     /* [own_count] these: they may change without making results old */
    int own_count;
};

/* Posts the variants, all [count]. If a run of the same was stopped, it goes on; else `variant`
 * [count] is cleared first. False: refused, a message said why. */
bool variants_run_start(struct host *host, struct variants_run *r, const struct params *all,
                        int count, struct variant *variant);
/* After ui_event(): whether the event is news of this run; then ui_state.variant has its results.
 * `r` is brought up to date. */
bool variants_run_event(struct host *host, struct variants_run *r, const struct event *ev);
/* Drops results of another state than the one that the newest came from: the run began again. */
void variants_run_keep(const struct variants_run *r, struct variant *variant);
/* Forgets results and job. */
void variants_run_forget(struct variants_run *r);

/* Why results are not those of what is at hand: "of another fact", "of another state", "of other
 * parameters"; "" if they are. It walks the history: a frame asks once. */
const char *variants_run_stale(const struct variants_run *r, const struct ui_state *d);
/* Marks what is drawn inside a frame as stale, if the results are: `stale` is not "". */
void variants_run_mark(const char *stale, struct surface *s, struct rect area);
/* "Compare: Eiffel Tower → Rome, tried on the state before edit 1, ...": what the results are
 * about, or would be, cut to `cols` columns. Returns out. */
const char *variants_run_title(const struct variants_run *r, const struct ui_state *d,
                               const char *word, int cols, char out[320]);
/* "12 of 40, stopped: x goes on": how far it is and what can be done. `next`: what Enter does
 * when all are done, `count`: how many a run would have now. Returns out. */
const char *variants_run_hint(const struct variants_run *r, const struct ui_state *d,
                              const char *stale, const struct variant *variant, int count,
                              const char *next, char out[96]);

#endif
