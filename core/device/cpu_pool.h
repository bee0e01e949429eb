/* A few persistent threads for loops of independent pieces.
 *
 * The caller decides the pieces from the shape of the work alone and each piece writes its own
 * output, so results do not depend on how many threads there are or which one took what. */
#ifndef CORE_DEVICE_CPU_POOL_H
#define CORE_DEVICE_CPU_POOL_H

#include <stdbool.h>

#include "core/base/err.h"

struct cpu_pool;

/* threads >= 1 counts the caller. */
struct cpu_pool *cpu_pool_open(int threads, struct err *err);
void cpu_pool_close(struct cpu_pool *pool);
/* Calls work(context, piece, worker) once for each piece in 0 .. pieces and returns when all
 * are done. worker is in 0 .. threads and names whose scratch may be used. Not reentrant. */
void cpu_pool_run(struct cpu_pool *pool, int pieces, void (*work)(void *, int, int), void *context);

#endif
