/* Shared by desk*.c alone. */
#ifndef VIEWS_DESK_INSIDE_H
#define VIEWS_DESK_INSIDE_H

#include "views/desk.h"

/* Gives back what an event of this kind once brought; NULL is fine. */
void desk_drop(enum event_kind kind, void *what);
/* Keeps `what` (NULL: nothing) in *slot and gives back what was there. */
void desk_keep(enum event_kind kind, void **slot, void *what);
/* What an event means besides being the newest of its kind; true: nothing is left to keep. */
bool desk_take_lens(struct desk *d, struct event *ev);
bool desk_take_board(struct desk *d, struct event *ev);
bool desk_take_tried(struct desk *d, struct event *ev);
void desk_keep_set(struct desk *d); /* of the scores that are about to go */
void desk_forget_sets(struct desk *d);
void desk_forget_tries(struct desk *d);
void desk_forget_queue(struct desk *d);

#endif
