/* Shared by desk*.c alone. */
#ifndef VIEWS_DESK_INSIDE_H
#define VIEWS_DESK_INSIDE_H

#include "views/desk.h"

/* Gives back what an event of this kind once brought; NULL is fine. */
void desk_drop(enum event_kind kind, void *what);
/* Keeps `what` in *slot and gives back what was there. */
void desk_keep(enum event_kind kind, void **slot, void *what);
bool desk_take_look(struct desk *d, struct event *ev);
void desk_forget_looks(struct desk *d); /* what is about one fact */
void desk_keep_set(struct desk *d);     /* of the scores that are about to go */
void desk_forget_sets(struct desk *d);
void desk_free_looks(struct desk *d);

#endif
