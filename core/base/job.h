/* What long work needs from the program around it: a flag that asks it to stop and
 * a place to say how far it is. A job belongs to the thread that runs it; the flag
 * alone may be set from any thread. */
#ifndef CORE_BASE_JOB_H
#define CORE_BASE_JOB_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/err.h"

struct job {
    atomic_bool cancel;
    void (*progress)(void *ctx, const char *what, double done, double total); /* may be NULL */
    void (*yield)(void *ctx); /* called between slices: more urgent work may be done in it */
    void *ctx;
};

/* Called between two slices of at most 50 ms: lets more urgent work in, then tells whether the
 * job should stop; if so err says it. NULL is a job nobody can stop. */
bool job_cancelled(struct job *job, struct err *err);
void job_progress(struct job *job, const char *what, double done, double total);

#endif
