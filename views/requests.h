/* What the user's actions mean to the engine: each makes one command from what is on the desk. */
#ifndef VIEWS_REQUESTS_H
#define VIEWS_REQUESTS_H

#include "views/view.h"

struct params;

unsigned request_prompt_info(struct host *host, const struct fact *fact);
/* Another fact lies on the desk: what was about the old one goes. Says of which of its texts blanks
 * were taken off. */
void ui_set_fact(struct host *host, const struct fact *fact);
/* The last active edit that gave the fact's question an object, and that fact of it (the desk's);
 * 0 and NULL: none. */
int ui_last_edit_of_fact(const struct ui_state *d, const struct fact *fact,
                         const struct history_fact **last);
/* What is typed: SUBJECT | PROMPT | OBJECT; the number of an edit or nothing; NAME=VALUE. What
 * cannot be is said, and false. */
bool ui_set_fact_typed(struct host *host, const char *text);
bool confirm_undo_typed(struct host *host, const char *text);
bool ui_set_param(struct host *host, const char *assignment);
void request_attribute(struct host *host);
/* The scoreboard of a fact; *job (may be NULL) is the list's that wants it. */
void request_probe(struct host *host, const struct fact *fact, unsigned *job);
void request_estimate(struct host *host); /* quietly; nothing if there are no scores */
void request_preview(struct host *host);
/* The fact in many ways, in scratch weights: the job, 0 if it could not be asked for. */
unsigned request_variants(struct host *host, const struct params *variant, int count);
/* Asks the base and the state that desk.ask names (edit > 0: names it first); with interventions in
 * force the second answer is given with them, so that both can be compared. */
void request_query(struct host *host, const char *text, int edit);
void request_missing_answers(struct host *host); /* the last question, where it has no answer yet */
unsigned request_lens(struct host *host, unsigned states); /* the fact's lens at every position */
void request_trace(struct host *host);                     /* which states carry the fact */
/* The changes in force (desk.change) go with a query. */
void ui_add_interventions(const struct ui_state *d, struct command *cmd);
void request_simple(struct host *host, enum command_kind kind, int edit);
/* These ask first. */
void confirm_commit(struct host *host);
void confirm_undo(struct host *host, int edit); /* 0: the last one */

void ui_move_layer(struct ui_state *d, int by);
void ui_move_neuron(struct ui_state *d, int by);
/* "L5N912", "5 912", "L5": false if it is none or outside the model. */
bool ui_go_to_neuron(struct ui_state *d, const char *address);

#endif
