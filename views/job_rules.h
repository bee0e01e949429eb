/* Which jobs are dropped, replaced or refused when the user asks for something else. UI thread. */
#ifndef VIEWS_JOB_RULES_H
#define VIEWS_JOB_RULES_H

#include "views/view.h"

/* Cancels a job that the program has no more use for; its end says nothing. */
void job_drop(struct host *host, struct ui_job *card);
/* In what a preview must not differ from the fact at hand. */
enum { PREVIEW_PARTS = STAMP_FACT | STAMP_OBJECT | STAMP_EDIT };
/* Drops the jobs that only read and are about another fact than the one at hand, and previews and
 * scores that depend on an object which the fact (`was` before) has no more. A message names those
 * that the user asked for. Returns whether one of them was a preview. */
bool jobs_drop_other_facts(struct host *host, const struct stamp *was);
/* Says what runs that nobody asked for and no key stops. False: nothing does. */
bool background_say(struct host *host);
/* The card of a job of this kind and command_rank() for the fact at hand; NULL: there is none. */
struct ui_job *job_of_fact(const struct ui_state *d, enum command_kind kind,
                           enum command_rank rank);
/* Whether a job of this kind for what is at hand is under way already. One that was asked with
 * other parameters or weights (`parts`, enum stamp_part) is dropped: a newer one replaces it. */
bool job_is_under_way(struct host *host, enum command_kind kind, enum command_rank rank,
                      unsigned parts);

/* Undo and redo go first: drops what previews the weights that they change. True: there was such a
 * preview, finished or not. */
bool jobs_drop_previews(struct host *host);
/* Whether the previewed fact is being committed: the commit then asks the probes. */
bool commit_will_ask(const struct ui_state *d);

#endif
