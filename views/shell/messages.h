/* One line for the status bar and the log from an event of the engine. */
#ifndef VIEWS_SHELL_MESSAGES_H
#define VIEWS_SHELL_MESSAGES_H

#include "views/view.h"

/* Call it after ui_event(), which has stored the event. `kind` is that of the event's job. False:
 * the event needs no line. */
bool message_of_event(const struct ui_state *d, const struct event *ev, enum command_kind kind,
                      enum tone *tone, char out[320]);

/* A job that the program has posted by itself has failed. The log says so: the line keeps what the
 * user is told of the job before it. */
bool message_is_for_log(const struct ui_state *d, const struct event *ev);

#endif
