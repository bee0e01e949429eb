/* What the user's actions mean to the engine: each makes one command from what is on the desk. */
#ifndef VIEWS_VERBS_H
#define VIEWS_VERBS_H

#include "views/view.h"

struct params;

unsigned verb_look(struct host *host, const struct fact *fact);
/* Another fact lies on the desk: what was about the old one goes. Says of which of its texts blanks
 * were taken off. */
void verb_fact(struct host *host, const struct fact *fact);
/* The last active edit that gave the fact's question an object, and that fact of it (the desk's);
 * 0 and NULL: none. */
int verb_standing(const struct desk *d, const struct fact *fact, const struct history_fact **last);
/* What is typed: SUBJECT | PROMPT | OBJECT; the number of an edit or nothing; NAME=VALUE. What
 * cannot be is said, and false. */
bool verb_fact_typed(struct host *host, const char *text);
bool verb_undo_typed(struct host *host, const char *text);
bool verb_set(struct host *host, const char *assignment);
void verb_attribute(struct host *host);
/* The scoreboard of a fact; *job (may be NULL) is the list's that wants it. */
void verb_probe(struct host *host, const struct fact *fact, unsigned *job);
void verb_weigh(struct host *host); /* quietly; nothing if there are no scores */
void verb_preview(struct host *host);
/* The fact in many ways, in scratch weights: the job, 0 if it could not be asked for. */
unsigned verb_try(struct host *host, const struct params *variant, int count);
/* Asks the base and the state that desk.ask names (edit > 0: names it first); with interventions in
 * force the second answer is given with them, so that both can be compared. */
void verb_query(struct host *host, const char *text, int edit);
void verb_query_missing(struct host *host); /* the last question, where it has no answer yet */
unsigned verb_lens(struct host *host, unsigned states); /* the fact's lens at every position */
void verb_trace(struct host *host);                     /* which states carry the fact */
/* The changes in force (desk.change) go with a query. */
void verb_with_changes(const struct desk *d, struct command *cmd);
void verb_simple(struct host *host, enum command_kind kind, int edit);
/* These ask first. */
void verb_ask_commit(struct host *host);
void verb_ask_undo(struct host *host, int edit); /* 0: the last one */

void verb_move_layer(struct desk *d, int by);
void verb_move_neuron(struct desk *d, int by);
/* "L5N912", "5 912", "L5": false if it is none or outside the model. */
bool verb_go(struct desk *d, const char *address);

#endif
