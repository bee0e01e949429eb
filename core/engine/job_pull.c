/* Downloads a model from the Hub, in a thread of its own, so that other commands run meanwhile. The
 * thread uses neither device nor session. It emits the job's EV_PROGRESS (in bytes) and, at the
 * end, EV_DONE or EV_FAILED itself; the engine emits none for a command that ENDS_ITSELF. One
 * download at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/eta.h"
#include "core/base/mem.h"
#include "core/base/thread.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"
#include "core/hub/hub.h"

static const double PAUSE = 0.1; /* seconds between two EV_PROGRESS */

/* A download, at work or over. */
struct pull_job {
    struct engine *e;
    pthread_t thread;
    atomic_bool over;
    unsigned id;
    struct hub_name name;
    struct job job; /* its own cancel flag */
    struct eta rate;
    double reported;
};

/* EV_PROGRESS. */
static void pull_emit(struct pull_job *p, const char *what, double done, double total)
{
    struct event ev = {.kind = EV_PROGRESS, .job = p->id};

    ev.progress = xcalloc(1, sizeof(*ev.progress));
    utf8_copy(ev.progress->what, sizeof(ev.progress->what), what);
    ev.progress->done = done;
    ev.progress->total = total;
    ev.progress->seconds_left = eta_left(&p->rate, total);
    bus_emit(p->e->bus, ev);
}

static void pull_on_progress(void *ctx, const char *file, bool checking, double done, double total)
{
    struct pull_job *p = ctx;
    double now = clock_seconds();

    (void)file;
    if (checking)
        p->rate = (struct eta){0}; /* hashing a file: its speed says nothing about the network */
    else
        eta_note(&p->rate, now, done);
    if (now - p->reported < PAUSE && done < total)
        return;
    p->reported = now;
    pull_emit(p, p->name.repo, done, total);
}

/* A note such as "trying again in 4 s", shown in place of the name. */
static void pull_on_note(void *ctx, const struct err *note)
{
    pull_emit(ctx, note->hint ? err_hint(note) : note->text, 0, 0);
}

static void pull_on_yield(void *ctx)
{
    struct pull_job *p = ctx;

    if (bus_cancelled(p->e->bus, p->id))
        atomic_store(&p->job.cancel, true);
}

static void *pull_main(void *arg)
{
    struct pull_job *p = arg;
    struct event end = {.kind = EV_DONE, .job = p->id};
    struct hub_pulled got;
    struct hub hub;

    pull_emit(p, p->name.repo, 0, 0);
    if (!hub_open(&hub, &end.err)) {
        end.kind = EV_FAILED;
    } else {
        if (hub_pull(&hub, &p->name, &p->job,
                     &(struct hub_listener){pull_on_progress, pull_on_note, p}, &got, &end.err))
            hub_pulled_free(&got);
        else
            end.kind = EV_FAILED;
        hub_close(&hub);
    }
    atomic_store(&p->over, true);
    bus_emit(p->e->bus, end);
    return NULL;
}

void pull_stop(struct engine *e)
{
    if (!e->pull)
        return;
    atomic_store(&e->pull->job.cancel, true);
    pthread_join(e->pull->thread, NULL);
    free(e->pull);
    e->pull = NULL;
}

bool job_pull(struct engine *e, struct command *cmd, struct err *err)
{
    struct pull_job *p;

    if (e->options.readonly)
        return err_set(err, ERR_USAGE,
                       "the session is open for reading only: nothing is downloaded");
    if (e->pull && !atomic_load(&e->pull->over))
        return err_set(err, ERR_USAGE, "%s is being downloaded; one model at a time",
                       e->pull->name.repo);
    pull_stop(e);
    p = xcalloc(1, sizeof(*p));
    p->e = e;
    p->id = cmd->job;
    p->job.ctx = p;
    p->job.yield = pull_on_yield;
    if (!hub_name_parse(&p->name, cmd->text ? cmd->text : "", err)) {
        free(p);
        return false;
    }
    if (!thread_start(&p->thread, "pull", pull_main, p, err)) {
        free(p);
        return false;
    }
    e->pull = p;
    return true;
}
