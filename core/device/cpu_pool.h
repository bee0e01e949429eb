/* Persistent threads that share the pieces of a loop.
 *
 * The caller cuts the work into pieces from its shape alone, and each piece writes its own output.
 * So results depend neither on the number of threads nor on which thread takes which piece.
 * OpenMP would do; but its threads hide from the thread sanitizer and take signals. */
#ifndef CORE_DEVICE_CPU_POOL_H
#define CORE_DEVICE_CPU_POOL_H

#include <stdbool.h>

#include "core/base/err.h"

struct cpu_pool;

/* Starts threads - 1 threads; the caller of cpu_pool_run() is the last one. ERR_LIMIT if the system
 * refuses. */
struct cpu_pool *cpu_pool_open(int threads, struct err *err);
void cpu_pool_close(struct cpu_pool *pool); /* accepts NULL */
/* Calls work(context, piece, worker) once for each piece 0 .. pieces-1 and returns when all are
 * done. worker, 0 .. threads-1, tells which scratch buffer to use. One caller at a time; work must
 * not call it. */
void cpu_pool_run(struct cpu_pool *pool, int pieces, void (*work)(void *, int, int), void *context);

#endif
