/* The list of facts in ui_state: reading many facts into it, and editing them one after the other.
 */
#ifndef VIEWS_SCREENS_FACTS_LIST_H
#define VIEWS_SCREENS_FACTS_LIST_H

#include "views/view.h"

/* Adds the facts of a text, in any form that facts_from_lines() reads. Reports how many were added
 * and why lines were left out. Returns how many. */
int facts_take(struct host *host, const char *text, size_t len);
bool facts_take_file(struct host *host, const char *path);
int facts_waiting(const struct ui_state *d);
/* What became of the list: edits that were undone do not count. */
struct facts_tally {
    int done;                         /* edited or failed; of these */
    int hold, rewritten, overwritten; /* rewritten: by a later fact, on purpose; all of now */
};
struct facts_tally facts_tally(const struct ui_state *d);
/* "1 of 3 facts holds, 1 rewritten by a later fact" with "facts", which may be "". Returns out. */
const char *facts_tally_words(const struct facts_tally *t, const char *fact, char out[80]);
/* Whether the edit that wrote the fact was undone. */
bool fact_is_undone(const struct ui_state *d, const struct queued_fact *q);
/* Commits the next fact that waits. False: none waits, or the command was refused. */
bool facts_next(struct host *host);
/* The list is done: asks whether what held when it was made holds now (EV_RECHECKED). */
void facts_recheck(struct host *host);
/* For every event: if it is of a job of the list, notes the outcome, and after a commit requests
 * the scoreboard. Returns true if the next fact may begin; *stopped: the user has cancelled. */
bool facts_on_event(struct host *host, const struct event *ev, bool *stopped);

#endif
