/* What an event means to the user, in one line of the status bar and the log. */
#ifndef VIEWS_SHELL_MESSAGES_H
#define VIEWS_SHELL_MESSAGES_H

#include "views/view.h"

/* After the desk has taken the event of a job of this kind. False: not worth a line. */
bool message_of_event(const struct ui_state *d, const struct event *ev, enum command_kind kind,
                      enum tone *tone, char out[320]);

#endif
