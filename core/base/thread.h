/* Threads that leave the user's signals to the main one and die as it does.
 *
 * A thread of thread_start() lets in the faults that it can raise itself (SIGSEGV, SIGBUS, SIGILL,
 * SIGFPE, SIGTRAP, SIGSYS, SIGABRT): a blocked fault kills the process before any handler runs, and
 * the terminal stays as it was. Each thread has a small stack of its own for the handler, so that a
 * stack that has run out is told as well. All other signals are blocked. */
#ifndef CORE_BASE_THREAD_H
#define CORE_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>

#include "core/base/err.h"

/* The new thread runs main(arg) and is called `name` (15 bytes) in debuggers and top(1). ERR_LIMIT
 * where the system has none left. The caller joins it. */
bool thread_start(pthread_t *thread, const char *name, void *(*main)(void *), void *arg,
                  struct err *err);
/* For threads that a library starts: those started between the two inherit such a mask. */
void thread_mask(sigset_t *old);
void thread_unmask(const sigset_t *old);

#endif
