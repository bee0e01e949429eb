/* Shared by ui_state.c, ui_layers.c, ui_origin.c, ui_queries.c, ui_results.c and general_sets.c
 * alone. */
#ifndef VIEWS_UI_STATE_INTERNAL_H
#define VIEWS_UI_STATE_INTERNAL_H

#include "views/ui_state.h"

/* What scores of a layer depend on. */
enum { ROW_PARTS = STAMP_FACT | STAMP_SCORES | STAMP_STATE };

/* Frees what an event of this kind points to; NULL is fine. */
void ui_free_payload(enum event_kind kind, void *what);
/* Stores `what` (NULL: nothing) in *slot and frees what was there. */
void ui_replace(enum event_kind kind, void **slot, void *what);
/* What an event means besides being the newest of its kind. true: the payload was taken or freed.
 */
bool ui_take_layer(struct ui_state *d, struct event *ev);
bool ui_take_answer(struct ui_state *d, struct event *ev);
bool ui_take_scoreboard(struct ui_state *d, struct event *ev);
bool ui_take_variant(struct ui_state *d, struct event *ev);
/* ui_points.c: takes nothing from the event. */
void ui_take_point(struct ui_state *d, const struct event *ev);
/* A preview or commit begins the verdict, if it is of the fact at hand. */
void ui_verdict_begin(struct ui_state *d, const struct event *ev);
/* true: the probes are the verdict's. */
bool ui_take_probes(struct ui_state *d, struct event *ev);
bool ui_take_sides(struct ui_state *d, struct event *ev);
bool ui_take_overwritten(struct ui_state *d, struct event *ev);
bool ui_take_recalled(struct ui_state *d, struct event *ev);
void ui_forget_verdict_aside(struct ui_state *d);
/* The weights are `state` now, by this job: drops the verdict if it is of others. */
void ui_verdict_at_state(struct ui_state *d, unsigned job, const struct state_info *state);
/* Remembers the general neurons of the scores that are about to be dropped. */
void ui_remember_general_set(struct ui_state *d);
void ui_forget_general_sets(struct ui_state *d);
void ui_forget_layers(struct ui_state *d);
void ui_forget_variants(struct ui_state *d);
void ui_forget_queue(struct ui_state *d);

/* ui_origin.c: what would be made now, of this stamp; what the job of an event is about. */
struct ui_origin origin_at_hand(const struct ui_state *d, const struct stamp *now);
struct ui_origin origin_of_event(const struct ui_state *d, const struct event *ev);
/* In which of these parts it is not what is at hand. */
unsigned origin_differs(const struct ui_state *d, const struct ui_origin *from, unsigned parts);
/* The parameters of "name=value;name=value;", the others at their default. */
struct params params_of_changed(const char *changed);
const char *origin_words(const struct ui_state *d, const struct ui_origin *from, unsigned differs,
                         char out[UI_WORDS]);
/* ui_state.c: what the preview is about; all zero: there is none. */
struct ui_origin origin_of_preview(const struct ui_state *d);
/* Sets the origin of what this member of ui_state holds. */
void ui_set_origin(struct ui_state *d, const void *member, const struct ui_origin *from);
/* The origin of a result and the parts that it depends on; NULL: on none. ui_origin_of_result():
 * of what is not in the table of ui_state.c. */
const struct ui_origin *ui_origin(const struct ui_state *d, const void *result, unsigned *parts);
const struct ui_origin *ui_origin_of_result(const struct ui_state *d, const void *result,
                                            unsigned *parts);
/* ui_layers.c: of scores. */
const struct ui_origin *ui_origin_of_row(const struct ui_state *d, const void *score,
                                         unsigned *parts);
/* Puts what matches `now` into view, of all that the table of ui_state.c keeps. */
void ui_match_slots(struct ui_state *d);
/* Gives a copy of a ui_state layers of its own, which borrow their rows. `matching`: without those
 * that do not match. */
void ui_layers_copy(struct ui_state *d, bool matching);
/* Shows the scores that match, of each layer. */
void ui_match_layers(struct ui_state *d);

#endif
