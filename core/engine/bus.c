/* The queues of bus.h: an array of commands and a ring of events under one lock, a pipe that wakes
 * the reader of events, and atomics for cancelling. */
#include "core/engine/bus.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/invariant.h"
#include "core/base/mem.h"

enum { COMMANDS = 64, EVENTS = 1024, CANCELS = 16 };

struct bus {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct command command[COMMANDS + 2]; /* one that is put back, and CMD_QUIT, always fit */
    struct event event[EVENTS];
    int command_count, event_head, event_count;
    int wake[2]; /* pipe: [0] is bus_fd() */
    unsigned last_job;
    atomic_uint cancel_below;       /* jobs below this number are cancelled */
    atomic_uint cancelled[CANCELS]; /* single jobs, a ring */
    unsigned cancel_next;           /* where the next one goes; UI thread */
};

struct bus *bus_open(struct err *err)
{
    struct bus *bus = xcalloc(1, sizeof(*bus));
    pthread_condattr_t forward;

    if (pipe2(bus->wake, O_CLOEXEC | O_NONBLOCK)) {
        err_set(err, ERR_IO, "cannot make a pipe: %s", strerror(errno));
        free(bus);
        return NULL;
    }
    pthread_mutex_init(&bus->lock, NULL);
    pthread_condattr_init(&forward);
    pthread_condattr_setclock(&forward, CLOCK_MONOTONIC);
    pthread_cond_init(&bus->changed, &forward);
    pthread_condattr_destroy(&forward);
    return bus;
}

void command_free(struct command *cmd)
{
    for (int i = 0; i < cmd->count; i++)
        fact_free(&cmd->facts[i]);
    free(cmd->facts);
    free(cmd->text);
    free(cmd->z);
    free(cmd->interventions);
    free(cmd->mask_overrides);
    free(cmd->variants);
    free(cmd->expect);
    free(cmd->export);
    free(cmd->dtype);
    free(cmd->resume.kept);
    if (cmd->tasks)
        free(cmd->tasks->folder);
    free(cmd->tasks);
    memset(cmd, 0, sizeof(*cmd));
}

void bus_close(struct bus *bus)
{
    if (!bus)
        return;
    for (int i = 0; i < bus->command_count; i++)
        command_free(&bus->command[i]);
    for (int i = 0; i < bus->event_count; i++)
        event_free(&bus->event[(bus->event_head + i) % EVENTS]);
    close(bus->wake[0]);
    close(bus->wake[1]);
    pthread_cond_destroy(&bus->changed);
    pthread_mutex_destroy(&bus->lock);
    free(bus);
}

unsigned bus_post(struct bus *bus, struct command *cmd)
{
    unsigned job = 0;

    pthread_mutex_lock(&bus->lock);
    if (bus->command_count < COMMANDS || cmd->kind == CMD_QUIT) {
        job = cmd->job = ++bus->last_job;
        bus->command[bus->command_count++] = *cmd;
        pthread_cond_broadcast(&bus->changed);
    }
    pthread_mutex_unlock(&bus->lock);
    if (!job)
        command_free(cmd);
    memset(cmd, 0, sizeof(*cmd));
    return job;
}

/* Index of the command that goes first among those that fit; -1: there is none. */
static int first_command(const struct bus *bus, bus_fit *fit, const void *ctx)
{
    int at = -1;

    for (int i = 0; i < bus->command_count; i++)
        if ((at < 0 || command_rank(&bus->command[i]) < command_rank(&bus->command[at])) &&
            (!fit || fit(&bus->command[i], ctx)))
            at = i;
    return at;
}

bool bus_take(struct bus *bus, struct command *cmd, bool wait, bus_fit *fit, const void *ctx)
{
    int at;

    pthread_mutex_lock(&bus->lock);
    while (wait && !bus->command_count)
        pthread_cond_wait(&bus->changed, &bus->lock);
    at = first_command(bus, fit, ctx);
    if (at >= 0) {
        *cmd = bus->command[at];
        bus->command_count--;
        memmove(&bus->command[at], &bus->command[at + 1],
                (size_t)(bus->command_count - at) * sizeof(*cmd));
    }
    pthread_mutex_unlock(&bus->lock);
    return at >= 0;
}

void bus_put_back(struct bus *bus, struct command *cmd)
{
    pthread_mutex_lock(&bus->lock);
    invariant(bus->command_count <= COMMANDS + 1);
    memmove(&bus->command[1], &bus->command[0], (size_t)bus->command_count * sizeof(*cmd));
    bus->command[0] = *cmd;
    bus->command_count++;
    pthread_mutex_unlock(&bus->lock);
    memset(cmd, 0, sizeof(*cmd));
}

bool bus_waiting_before(struct bus *bus, enum command_rank rank)
{
    bool found = false;

    pthread_mutex_lock(&bus->lock);
    for (int i = 0; i < bus->command_count; i++)
        found = found || command_rank(&bus->command[i]) < rank;
    pthread_mutex_unlock(&bus->lock);
    return found;
}

void bus_wait(struct bus *bus, double seconds)
{
    struct timespec until;
    bool over = false;

    clock_gettime(CLOCK_MONOTONIC, &until);
    seconds = seconds > 3600 ? 3600 : seconds;
    if (seconds > 0) {
        until.tv_sec += (time_t)seconds;
        until.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
    }
    pthread_mutex_lock(&bus->lock);
    while (!bus->command_count && !over)
        over = seconds < 0 ? pthread_cond_wait(&bus->changed, &bus->lock) != 0
                           : pthread_cond_timedwait(&bus->changed, &bus->lock, &until) != 0;
    pthread_mutex_unlock(&bus->lock);
}

/* The progress event of this job that waits in the ring, or NULL. */
static struct event *unread_progress(struct bus *bus, unsigned job)
{
    for (int i = 0; i < bus->event_count; i++) {
        struct event *ev = &bus->event[(bus->event_head + i) % EVENTS];

        if (ev->kind == EV_PROGRESS && ev->job == job)
            return ev;
    }
    return NULL;
}

void bus_emit(struct bus *bus, struct event ev)
{
    struct event *old, stale = {0};

    pthread_mutex_lock(&bus->lock);
    old = ev.kind == EV_PROGRESS ? unread_progress(bus, ev.job) : NULL;
    if (old) {
        stale = *old;
        *old = ev;
    } else {
        while (bus->event_count == EVENTS)
            pthread_cond_wait(&bus->changed, &bus->lock);
        bus->event[(bus->event_head + bus->event_count++) % EVENTS] = ev;
        if (bus->event_count == 1)
            invariant(write(bus->wake[1], "", 1) == 1); /* an empty pipe takes a byte */
    }
    pthread_mutex_unlock(&bus->lock);
    event_free(&stale);
}

bool bus_next(struct bus *bus, struct event *ev)
{
    bool any;
    char byte;

    pthread_mutex_lock(&bus->lock);
    any = bus->event_count > 0;
    if (any) {
        *ev = bus->event[bus->event_head];
        bus->event_head = (bus->event_head + 1) % EVENTS;
        if (--bus->event_count == 0)
            invariant(read(bus->wake[0], &byte, 1) == 1); /* the ring is empty now */
        pthread_cond_broadcast(&bus->changed);
    }
    pthread_mutex_unlock(&bus->lock);
    return any;
}

int bus_fd(const struct bus *bus)
{
    return bus->wake[0];
}

void bus_cancel(struct bus *bus, unsigned job)
{
    if (job) {
        atomic_store(&bus->cancelled[bus->cancel_next++ % CANCELS], job);
        return;
    }
    pthread_mutex_lock(&bus->lock);
    atomic_store(&bus->cancel_below, bus->last_job + 1);
    pthread_mutex_unlock(&bus->lock);
}

bool bus_cancelled(struct bus *bus, unsigned job)
{
    if (!job) /* background work */
        return false;
    if (job < atomic_load(&bus->cancel_below))
        return true;
    for (int i = 0; i < CANCELS; i++)
        if (atomic_load(&bus->cancelled[i]) == job)
            return true;
    return false;
}

bool bus_waiting(struct bus *bus, enum command_kind kind)
{
    bool found = false;

    pthread_mutex_lock(&bus->lock);
    for (int i = 0; i < bus->command_count; i++)
        found = found || bus->command[i].kind == kind;
    pthread_mutex_unlock(&bus->lock);
    return found;
}
