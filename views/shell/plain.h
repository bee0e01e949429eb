/* The program without a screen: reads command lines, prints text lines. For screen readers, pipes,
 * and terminals that cannot place a cursor. */
#ifndef VIEWS_SHELL_PLAIN_H
#define VIEWS_SHELL_PLAIN_H

#include "views/shell/app.h"

/* Reads commands from standard input until quit or its end. The engine stays the caller's. Of the
 * options it uses only params and fact. */
bool plain_run(struct engine *engine, const struct app_options *options, struct err *err);

#endif
