/* What an event means to the user, in one line of the status bar and the log. */
#ifndef VIEWS_SHELL_NEWS_H
#define VIEWS_SHELL_NEWS_H

#include "views/view.h"

/* After the desk has taken the event of a job of this kind. False: not worth a line. */
bool news_of(const struct desk *d, const struct event *ev, enum command_kind kind, enum tone *tone,
             char out[320]);

#endif
