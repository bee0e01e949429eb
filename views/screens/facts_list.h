/* The list of facts on the desk: taking many in, and editing them one after another. */
#ifndef VIEWS_SCREENS_FACTS_LIST_H
#define VIEWS_SCREENS_FACTS_LIST_H

#include "views/view.h"

/* Takes in what is one of the shapes of facts_from_lines() and says how many came and why others
 * did not. Returns how many. */
int facts_take(struct host *host, const char *text, size_t len);
bool facts_take_file(struct host *host, const char *path);
int facts_waiting(const struct ui_state *d);
/* Commits the next one that waits; false: none does, or it was refused. */
bool facts_next(struct host *host);
/* An event of a job of the list: states and proofs are noted, the scoreboard asked for. Returns
 * whether the next one may begin; *stopped is set when the user has cancelled. */
bool facts_on_event(struct host *host, const struct event *ev, bool *stopped);

#endif
