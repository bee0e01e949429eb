/* What a list of facts is to a session that holds facts already, and to itself: which of them are
 * in, and which take another fact's place. Plain data, any thread. */
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
    int in;               /* the standing fact it is in as: it need not be written again */
    int rewrites;         /* the standing fact with the same question and another object, ... */
    int rewrites_earlier; /* ... or the one earlier in the list, that is in force when it comes */
    int repeats;          /* the one earlier in the list that says the very same */
};

/* The question of a fact, to be compared: subject filled in, blanks made single and taken off at
 * both ends. Caller frees. */
char *fact_question(const char *subject, const char *prompt);

/* fate[count] of the facts from `first` on, that are written in order. For each question, the
 * session's objects in their order may end with those that the list begins with: as many as agree
 * are in. So a list that was written in part goes on where it stopped, also where it gives one
 * question several objects. */
void facts_status(const struct fact *fact, int first, int count,
                  const struct session_fact *standing, int standings, struct fact_status *fate);

#endif
