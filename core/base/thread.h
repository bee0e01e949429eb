/* Starts threads with the right signal mask.
 *
 * Signals from outside (SIGINT, SIGTERM, SIGWINCH) are blocked, so that the main thread gets them.
 * Faults that a thread causes itself (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT)
 * are not: a blocked fault kills the process before the crash handler runs, and the terminal would
 * stay in full-screen mode. Each thread gets a small alternate signal stack, so that the handler
 * also runs after a stack overflow. */
#ifndef CORE_BASE_THREAD_H
#define CORE_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>

#include "core/base/err.h"

/* The new thread runs main(arg). Debuggers and top(1) show `name` (at most 15 bytes). ERR_LIMIT if
 * the system refuses. The caller joins the thread. */
bool thread_start(pthread_t *thread, const char *name, void *(*main)(void *), void *arg,
                  struct err *err);
/* For libraries that start threads themselves: threads started between these two calls inherit
 * that mask. */
void thread_mask(sigset_t *old);
void thread_unmask(const sigset_t *old);
/* Lowers the priority of the calling thread and of those that it will start, so that a thread which
 * wakes for a moment does not wait for them. Where a process has one priority (not Linux): nothing.
 */
void thread_give_way(void);

#endif
