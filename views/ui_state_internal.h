/* Shared by desk*.c alone. */
#ifndef VIEWS_UI_STATE_INTERNAL_H
#define VIEWS_UI_STATE_INTERNAL_H

#include "views/ui_state.h"

/* Gives back what an event of this kind once brought; NULL is fine. */
void ui_free_payload(enum event_kind kind, void *what);
/* Keeps `what` (NULL: nothing) in *slot and gives back what was there. */
void ui_replace(enum event_kind kind, void **slot, void *what);
/* What an event means besides being the newest of its kind; true: nothing is left to keep. */
bool ui_take_lens(struct ui_state *d, struct event *ev);
bool ui_take_scoreboard(struct ui_state *d, struct event *ev);
bool ui_take_variant(struct ui_state *d, struct event *ev);
void ui_remember_general_set(struct ui_state *d); /* of the scores that are about to go */
void ui_forget_general_sets(struct ui_state *d);
void ui_forget_variants(struct ui_state *d);
void ui_forget_queue(struct ui_state *d);

#endif
