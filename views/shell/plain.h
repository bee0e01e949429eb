/* The program without a screen: lines in, lines of words out. For screen readers, for pipes, for
 * terminals that cannot place a cursor. */
#ifndef VIEWS_SHELL_PLAIN_H
#define VIEWS_SHELL_PLAIN_H

#include "views/shell/app.h"

/* Reads commands from standard input until quit or its end; the engine stays the caller's. Of the
 * options only params and fact count. */
bool plain_run(struct engine *engine, const struct app_options *options, struct err *err);

#endif
