/* The calls that long work makes between its slices (job.h explains them). */
#include "core/base/job.h"

enum { DIGEST_SLICE = 1 << 22 }; /* bytes: some milliseconds */

bool job_cancelled(struct job *job, struct err *err)
{
    if (job && job->yield)
        job->yield(job->ctx);
    if (!job || !atomic_load_explicit(&job->cancel, memory_order_relaxed))
        return false;
    err_set(err, ERR_CANCELLED, "cancelled");
    return true;
}

void job_progress(struct job *job, const char *what, double done, double total)
{
    if (job && job->progress)
        job->progress(job->ctx, what, done, total);
}

bool job_digest_add(struct job *job, struct digest *d, const void *bytes, size_t n, struct err *err)
{
    const char *from = bytes;

    while (n) {
        size_t part = n < DIGEST_SLICE ? n : DIGEST_SLICE;

        if (job_cancelled(job, err))
            return false;
        digest_add(d, from, part);
        from += part;
        n -= part;
    }
    return true;
}
