/* The two queues between the UI thread and the engine's thread. They share nothing else.
 *
 *     UI thread                                              engine's thread
 *     bus_post()    ->  [ up to 64 commands ]            ->  bus_take()
 *                                                        <-  bus_put_back()
 *     bus_next()    <-  [ ring of 1024 events ]          <-  bus_emit()
 *     bus_fd()      <-  pipe: one byte while events wait
 *     bus_cancel()  ->  atomic job numbers               ->  bus_cancelled()
 *
 * Both queues hold values. What a value points to changes owner with it: facts, texts and arrays of
 * a command belong to the engine once it is posted, the payload of an event belongs to the UI once
 * it is taken. Nobody else may touch them, so they need no lock.
 *
 * The UI thread never waits. bus_post() refuses a command when its queue is full, and bus_next()
 * returns false when no event waits. To sleep until something happens, the UI polls bus_fd()
 * together with the terminal. The pipe holds one byte exactly while the ring is not empty, so a
 * thousand events cost one write and one read.
 *
 * The engine waits in three places: bus_take() for a command, bus_wait() for a command or a time,
 * and bus_emit() for room in a full ring. The last slows a fast job down to the speed of the
 * screen.
 *
 * Events keep their order, with one exception: an EV_PROGRESS replaces an unread EV_PROGRESS of the
 * same job, because only the newest matters. Results are never merged or dropped.
 *
 * Cancelling is not a message. A message would wait in the queue behind the job it should stop.
 * Jobs have increasing numbers, so two atomics do: all jobs below `cancel_below` are cancelled, and
 * a ring of single jobs. Long work asks bus_cancelled() between its slices (engine.c), without a
 * lock. */
#ifndef CORE_ENGINE_BUS_H
#define CORE_ENGINE_BUS_H

#include "core/engine/engine.h"

struct bus;

struct bus *bus_open(struct err *err);
void bus_close(struct bus *bus); /* frees what was not taken; both threads must be done with it */

/* UI thread */
/* Returns the job's number, from 1; 0: the queue is full. Takes what `cmd` points to, also then. */
unsigned bus_post(struct bus *bus, struct command *cmd);
bool bus_next(struct bus *bus, struct event *ev); /* false: no event waits */
int bus_fd(const struct bus *bus);                /* readable while events wait */
void bus_cancel(struct bus *bus, unsigned job);   /* 0: every job posted so far */

/* engine's thread */
/* Takes the command that goes first: of the lowest command_rank() the oldest. With `wait` blocks
 * until there is one. With `fit` only those for which fit() is true; it is called under the bus'
 * lock. False: there is none. */
typedef bool bus_fit(const struct command *cmd, const void *ctx);
bool bus_take(struct bus *bus, struct command *cmd, bool wait, bus_fit *fit, const void *ctx);
/* Puts a command back that was taken: it keeps its number and goes before all of its rank. Takes
 * what `cmd` points to. */
void bus_put_back(struct bus *bus, struct command *cmd);
/* Whether a command of a lower rank is in the queue. */
bool bus_waiting_before(struct bus *bus, enum command_rank rank);
/* Sleeps until there is a command or `seconds` are over (< 0: no limit; at most an hour). */
void bus_wait(struct bus *bus, double seconds);
/* Takes what `ev` points to. Waits while the ring is full. Any thread but the UI's. */
void bus_emit(struct bus *bus, struct event ev);
bool bus_cancelled(struct bus *bus,
                   unsigned job); /* job 0, background work, never is. Any thread */
bool bus_waiting(struct bus *bus, enum command_kind kind); /* one of this kind is in the queue */

void command_free(struct command *cmd); /* what it points to; zeroes it */

#endif
