/* Shared by ui_state.c, ui_results.c and general_sets.c alone. */
#ifndef VIEWS_UI_STATE_INTERNAL_H
#define VIEWS_UI_STATE_INTERNAL_H

#include "views/ui_state.h"

/* Frees what an event of this kind points to; NULL is fine. */
void ui_free_payload(enum event_kind kind, void *what);
/* Stores `what` (NULL: nothing) in *slot and frees what was there. */
void ui_replace(enum event_kind kind, void **slot, void *what);
/* What an event means besides being the newest of its kind. true: the payload was taken or freed.
 */
bool ui_take_lens(struct ui_state *d, struct event *ev);
bool ui_take_scoreboard(struct ui_state *d, struct event *ev);
bool ui_take_variant(struct ui_state *d, struct event *ev);
/* Remembers the general neurons of the scores that are about to be dropped. */
void ui_remember_general_set(struct ui_state *d);
void ui_forget_general_sets(struct ui_state *d);
void ui_forget_variants(struct ui_state *d);
void ui_forget_queue(struct ui_state *d);

#endif
