/* From what the user wants to commands for the engine. See requests.c for how a key becomes a
 * command. request_X() posts a command, confirm_X() asks in a dialog first, ui_X() changes struct
 * ui_state. All need only the host; each reports by a message why it cannot be done. UI thread. */
#ifndef VIEWS_REQUESTS_H
#define VIEWS_REQUESTS_H

#include "views/view.h"

struct params;

/* Tokens, next tokens and ranks of a fact's prompt. Returns the job; 0: refused. */
unsigned request_prompt_info(struct host *host, const struct fact *fact);
/* Makes this the fact at hand (copied). Results of the old one no longer match, and its jobs that
 * only read are dropped. A message tells which were dropped, and if blanks were removed around its
 * texts. */
void ui_set_fact(struct host *host, const struct fact *fact);
/* The last active edit that gave the fact's question an object, and that fact of it (borrowed from
 * the history); 0 and NULL: none. */
int ui_last_edit_of_fact(const struct ui_state *d, const struct fact *fact,
                         const struct history_fact **last);
/* Parse what was typed: "SUBJECT | PROMPT | OBJECT", with a prompt or a relation's name in the
 * middle; the number of an edit or ""; "NAME=VALUE". A message explains an error, and false is
 * returned. */
bool ui_set_fact_typed(struct host *host, const char *text);
/* The fact at hand with this old object, or a message why it cannot be one. */
void ui_name_old_object(struct host *host, const char *text);
bool confirm_undo_typed(struct host *host, const char *text);
bool ui_set_param(struct host *host, const char *assignment);
/* Scores every neuron for the fact at hand: of the edited layers, then of all others while nothing
 * else is asked. */
void request_attribute(struct host *host);
/* The same, as far as there are scores of other layers already: for a parameter that changes them.
 */
void request_scores_again(struct host *host);
/* Scores the neurons of the edited layers only. */
void request_edited_scores(struct host *host);
/* The probes of the verdict, and which other edits it overwrote, unless they are known or being
 * asked. */
void request_verdict(struct host *host);
/* Reads the verdict of the edit that gave the fact at hand its object back from the session, if
 * there is such an edit and no verdict. */
void request_recall(struct host *host);
/* The scoreboard of a fact. *job (may be NULL) gets the job's number. */
void request_probe(struct host *host, const struct fact *fact, unsigned *job);
/* Gain and leak of the mask at hand. Reports nothing; does nothing unless all edited layers have
 * scores that match. */
void request_estimate(struct host *host);
/* Whether there are a model and a fact to work on; else a message says what is missing. */
bool request_has_fact(struct host *host);
/* The same, and the fact can be edited, as far as is known. */
bool request_has_usable_fact(struct host *host);
/* Computes the edit without writing it; writes it. confirm_commit() asks first. */
void request_preview(struct host *host);
void request_commit(struct host *host);
/* Whether a commit of the fact at hand is under way; then a message says so. */
bool request_commits_already(struct host *host);
/* Makes the edit in `count` ways, in scratch weights on top of this state; the first `done` of them
 * are there already. Returns the job; 0: refused. */
struct tried_state;
unsigned request_variants(struct host *host, const struct params *variant, int count,
                          const struct tried_state *on, int done);
/* Asks the base and the state that ui_state.query names (edit > 0: names that state first). If
 * there are interventions, the second answer is given with them, so that both can be compared. */
void request_query(struct host *host, const char *text, int edit);
/* Asks the last question again, where an answer to it is missing. */
void request_missing_answers(struct host *host);
/* The fact's lens at every position, in these states (bits of enum which_state). */
unsigned request_lens(struct host *host, unsigned states);
/* The causal trace of the fact: which states carry it. */
void request_trace(struct host *host);
/* Copies the interventions into a query command. */
void ui_add_interventions(const struct ui_state *d, struct command *cmd);
/* A command that needs nothing but its kind, the parameters and perhaps the number of an edit. */
void request_simple(struct host *host, enum command_kind kind, int edit);
/* Posts a command that changes the weights under a preview. It goes first: the preview is dropped,
 * and a message says so. Returns the job, 0: refused. */
unsigned request_replacing(struct host *host, struct command *cmd);
/* Posts CMD_APPLY of a file. One that is no delta is refused at once: it stops no preview. */
void request_apply(struct host *host, const char *path, bool force);
/* CMD_UNDO or CMD_REDO of this edit, 0: the last, by request_replacing(). */
void request_toggle(struct host *host, enum command_kind kind, int edit);
/* These ask in a dialog first (commit: commit_dialog.c). edit 0: the last one. */
void confirm_commit(struct host *host);
void confirm_undo(struct host *host, int edit);

/* Move the cursor, within the model. */
void ui_move_layer(struct ui_state *d, int by);
void ui_move_neuron(struct ui_state *d, int by);
/* Moves the cursor to "L5N912", "5 912" or "L5"; false if it is none or outside the model. */
bool ui_go_to_neuron(struct ui_state *d, const char *address);

#endif
