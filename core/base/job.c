/* The two calls that long work makes between its slices (job.h explains them). */
#include "core/base/job.h"

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
