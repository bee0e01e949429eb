/* The program without a screen: reads lines, prints sentences. For screen readers, pipes, and
 * terminals that cannot place a cursor. */
#ifndef VIEWS_SHELL_PLAIN_H
#define VIEWS_SHELL_PLAIN_H

#include "views/shell/app.h"

/* Keeps SIGINT for the calling thread; call it before engine_start(). */
void plain_block_signals(void);
/* Reads lines from standard input until quit or its end. The engine stays the caller's. The
 * options about the terminal are not used. */
bool plain_run(struct engine *engine, const struct app_options *options, struct err *err);

#endif
