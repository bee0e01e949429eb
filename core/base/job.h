/* How long work stays interruptible: cancelling, progress, and letting urgent work in.
 *
 * The engine thread runs one job at a time, and some take minutes. Meanwhile a user presses Esc, a
 * progress bar wants numbers, and a short question ("which token is this?") must not wait. Threads
 * or signals could interrupt the work anywhere, but then every data structure would need locks.
 * So the work interrupts itself: it runs in slices and calls job_cancelled() between two of them.
 *
 *   for (int layer = 0; layer < layers && ok; layer++) {
 *       job_progress(job, "scoring layers", layer, layers);
 *       ok = !job_cancelled(job, err) && score_layer(...);
 *   }
 *
 * job_cancelled() does two things, in this order:
 *   1. It calls job->yield, in which the engine answers urgent commands from its queue. These may
 *      run the model, so a slice must leave the device in a consistent state.
 *   2. It reads the flag. If it is set, it records ERR_CANCELLED, and the work returns like after
 *      any other error: it frees what it has and writes nothing.
 *
 * A slice takes at most 50 ms, so a key is answered within that time. On a device that queues
 * operations the host runs ahead of the GPU; device_throttle() keeps it close, because a cancel
 * cannot take back what is queued.
 *
 * The job belongs to the thread that runs it. Only `cancel` may be touched by other threads: it is
 * an atomic flag and not a message, so that it overtakes the queue of commands. All functions
 * accept NULL: a job that nobody watches and nobody can cancel. */
#ifndef CORE_BASE_JOB_H
#define CORE_BASE_JOB_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/digest.h"
#include "core/base/err.h"

struct job {
    atomic_bool cancel; /* set by any thread: stop at the end of this slice */
    void (*progress)(void *ctx, const char *what, double done, double total); /* may be NULL */
    void (*yield)(void *ctx); /* does more urgent work between two slices; may be NULL */
    void *ctx;                /* for both functions */
};

/* Call it between two slices. Yields, then returns true with ERR_CANCELLED if the job should stop.
 */
bool job_cancelled(struct job *job, struct err *err);
/* Reports that `done` of `total` units of `what` are finished. The unit is the work's own. */
void job_progress(struct job *job, const char *what, double done, double total);
/* digest_add() in slices. False: ERR_CANCELLED, not all was added. */
bool job_digest_add(struct job *job, struct digest *d, const void *bytes, size_t n,
                    struct err *err);

#endif
