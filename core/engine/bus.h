/* The only thing the two threads share.
 *
 * Commands run from the screen to the engine, events from the engine to the screen, each a
 * bounded queue of values; what a message points to changes owner with it. The screen never
 * waits: bus_post() refuses when full, bus_fd() is readable while events wait. The engine waits
 * only for commands (bus_take) and for room (bus_emit). Cancelling is a pair of atomics and not
 * a message, so that it overtakes the queue. */
#ifndef CORE_ENGINE_BUS_H
#define CORE_ENGINE_BUS_H

#include "core/engine/engine.h"

struct bus;

struct bus *bus_open(struct err *err);
void bus_close(struct bus *bus); /* frees what was not taken */

/* screen's thread */
unsigned bus_post(struct bus *bus, struct command *cmd); /* the job, 0: full (cmd is freed) */
bool bus_next(struct bus *bus, struct event *ev);
int bus_fd(const struct bus *bus);
void bus_cancel(struct bus *bus, unsigned job); /* 0: everything posted so far */

/* engine's thread */
/* The next command; with `wait` blocks until there is one. With `fit` the first that fits, if there
 * is one; it is called under the bus' lock. */
typedef bool bus_fit(const struct command *cmd, const void *ctx);
bool bus_take(struct bus *bus, struct command *cmd, bool wait, bus_fit *fit, const void *ctx);
/* Sleeps until a command is there or the time is over (seconds < 0: no limit). */
void bus_wait(struct bus *bus, double seconds);
void bus_emit(struct bus *bus, struct event ev); /* takes what ev points to */
bool bus_cancelled(struct bus *bus, unsigned job);
bool bus_waiting(struct bus *bus, enum command_kind kind); /* one of this kind is in the queue */

void command_free(struct command *cmd);

#endif
