/* Compares a list of facts with the facts of a session (the "held" ones) and with itself: which are
 * in the session already, and which replace another fact. Plain data; any thread. */
#ifndef CORE_EDIT_FACT_STATUS_H
#define CORE_EDIT_FACT_STATUS_H

#include "core/edit/fact.h"

/* A fact that an active edit wrote; in the order of edits. Borrowed. */
struct session_fact {
    const char *subject, *prompt, *target;
    int edit;
};

enum { NO_FACT = -1 };

/* Indices, or NO_FACT. */
struct fact_status {
    int in;               /* the held fact it is in as: need not be written again */
    int rewrites;         /* the held fact with the same question and another object, ... */
    int rewrites_earlier; /* ... or such a fact earlier in the list */
    int repeats;          /* an equal fact earlier in the list */
};

/* The question of a fact for comparison: the prompt with the subject filled in and single blanks.
 * Caller frees. */
char *fact_question(const char *subject, const char *prompt);

/* status[count] of the facts from `first` on, that are written in order. For each question, the
 * last objects of the session are compared with the first ones of the list, in order: as many as
 * agree are in. So a list that was written in part continues where it stopped, also if it gives one
 * question several objects. Example: held A, B; list B, C: B is in, C rewrites B. */
void facts_status(const struct fact *fact, int first, int count, const struct session_fact *held,
                  int held_count, struct fact_status *status);

#endif
