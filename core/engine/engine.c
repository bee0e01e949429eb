/* The engine's thread: loads the model, opens the session, then runs commands until CMD_QUIT.
 *
 * The loop (engine_main) is:
 *
 *     load model, open session            EV_MODEL, EV_STATE
 *     repeat
 *         take a command                  wait for one, unless there is background work
 *         if there is one                 run it: its function in a job_*.c, by commands.c
 *         else                            one slice of background work: edit_stats_step()
 *     unload, close                       EV_STOPPED
 *
 * One command runs at a time: those that are waited for in the order they were posted, then those
 * that yield, then batches, then idle ones (command_rank()). Each ends with EV_DONE or EV_FAILED.
 * Its events carry its job number (e->job_id). Four things happen while a long command runs. All
 * four go through engine_yield(), which work in core/model and core/edit calls (by job_cancelled())
 * between its slices, at least every 50 ms:
 *
 *   - Cancel. If bus_cancelled(job), e->job.cancel is set. The work returns false with
 *     ERR_CANCELLED, frees what it made, and the command ends with EV_FAILED. A waiting command
 *     that is cancelled ends at once, whatever runs.
 *   - Urgent commands. Kinds marked URGENT (a query, inspecting a prompt, a neuron) only
 *     read, so they need not wait for minutes of attribution. They are taken out of the middle
 *     of the queue and run right there, on the stack of the running command, under their own
 *     job number, which is put back afterwards. An urgent command can be interrupted by the
 *     next one in the same way.
 *   - Commands that go first. If a command of a lower rank waits, the work is stopped in the same
 *     way as by a cancel, but the command goes back into the queue, with EV_PAUSED. What it has
 *     done so far is in its struct resume, in the attribution runs, or else is done again. So a
 *     preview never waits for a map, a sweep or a scoreboard.
 *   - End of the program. CMD_QUIT cancels loading and background work, which nobody else can
 *     cancel because their job number is 0.
 *
 * Background work is the summing of second moments for the parameters in e->params, so that they
 * are ready before the first commit: those of the start, then of the last attribution, estimate or
 * edit. It is done one batch of text at a time, with a look at the
 * queue in between. If it fails, one EV_FAILED of job 0 says so and background work ends.
 *
 * A fault of the device sticks to the device until device_sync() reports it. After a failed command
 * it is cleared, so that the next command starts without it. If the device itself is lost,
 * emit_device_lost() says so; commands that need the model then fail until CMD_DEVICE moves to the
 * CPU. The journal on disk holds every edit, so no edit is lost. */
#include "core/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/thread.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"

void engine_emit(struct engine *e, enum event_kind kind, void *payload)
{
    struct event ev = {.kind = kind, .job = e->job_id};

    ev.progress = payload; /* any member of the union: all are one pointer */
    bus_emit(e->bus, ev);
}

static void emit_progress_of(struct engine *e, unsigned job, struct progress p)
{
    struct event ev = {.kind = EV_PROGRESS, .job = job};

    ev.progress = xmalloc(sizeof(*ev.progress));
    *ev.progress = p;
    bus_emit(e->bus, ev);
}

void units_done(struct engine *e, const char *what, double done, double total)
{
    struct units *u = &e->units;

    if (u->job != e->job_id)
        *u = (struct units){.job = e->job_id};
    u->what = what;
    u->done = done;
    u->total = total;
    eta_note(&u->speed, clock_seconds(), done);
    emit_progress(e, e->job_id, what, done, total);
}

void units_end(struct engine *e)
{
    e->units.job = 0;
}

/* Whether it is a stage of a unit. Of statistics, which all units share, the time does not count
 * for a unit's. */
static bool is_stage(struct engine *e, unsigned job, const char *what)
{
    struct units *u = &e->units;

    if (!job || u->job != job)
        return false;
    if (strcmp(what, PROGRESS_MOMENTS) != 0 && strcmp(what, PROGRESS_NULL_SPACE) != 0 &&
        strcmp(what, PROGRESS_CURVATURE) != 0)
        return true;
    u->speed = (struct eta){0};
    return false;
}

void emit_progress(struct engine *e, unsigned job, const char *what, double done, double total)
{
    struct progress p = {.done = done, .total = total, .seconds_left = -1};

    if (is_stage(e, job, what)) {
        struct units *u = &e->units;

        if (!u->speed.count)
            eta_note(&u->speed, clock_seconds(), u->done);
        utf8_copy(p.what, sizeof(p.what), u->what);
        utf8_copy(p.stage, sizeof(p.stage), strcmp(what, u->what) != 0 ? what : "");
        p.done = u->done;
        p.total = u->total;
        p.seconds_left = eta_left(&u->speed, u->total);
        emit_progress_of(e, job, p);
        return;
    }
    if (job != e->speed_job || strcmp(what, e->speed_what) != 0) {
        e->speed = (struct eta){0};
        e->speed_job = job;
        utf8_copy(e->speed_what, sizeof(e->speed_what), what);
    }
    eta_note(&e->speed, clock_seconds(), done);
    utf8_copy(p.what, sizeof(p.what), what);
    if (!strcmp(what, PROGRESS_MOMENTS))
        p.needed = edit_stats_needed(e);
    if (total > 0)
        p.seconds_left = eta_left(&e->speed, total);
    emit_progress_of(e, job, p);
}

/* job.progress: from the job at work. */
static void engine_on_progress(void *ctx, const char *what, double done, double total)
{
    struct engine *e = ctx;

    emit_progress(e, e->job_id, what, done, total);
}

static bool run_command(struct engine *e, struct command *cmd);

/* Whether a command may run in the middle of another one: it only reads, and what it reads is there
 * (during loading it is not). Called under the bus' lock. */
static bool command_is_urgent(const struct command *cmd, const void *ctx)
{
    return (command_traits[cmd->kind].flags & URGENT) && command_ready(ctx, cmd, NULL);
}

static bool command_is_cancelled(const struct command *cmd, const void *ctx)
{
    const struct engine *e = ctx;

    return bus_cancelled(e->bus, cmd->job);
}

/* Ends the waiting commands that were cancelled. */
static void end_cancelled(struct engine *e)
{
    struct event end = {.kind = EV_FAILED};
    struct command cmd;

    err_set(&end.err, ERR_CANCELLED, "cancelled");
    while (bus_take(e->bus, &cmd, false, command_is_cancelled, e)) {
        end.job = cmd.job;
        bus_emit(e->bus, end);
        command_free(&cmd);
    }
}

/* job.yield: between two slices of work. Sees cancellation, runs urgent commands, and stops the
 * work for commands that go first. */
static void engine_yield(void *ctx)
{
    struct engine *e = ctx;
    struct command cmd;
    unsigned job = e->job_id;
    double began = e->job_began;
    enum command_rank rank = e->job_rank;
    bool cancel;

    end_cancelled(e);
    /* loading and background work are job 0: only the end of the program stops them */
    if (bus_cancelled(e->bus, job) || (!job && bus_waiting(e->bus, CMD_QUIT)))
        atomic_store(&e->job.cancel, true);
    cancel = atomic_load(&e->job.cancel);
    while (!cancel && bus_take(e->bus, &cmd, false, command_is_urgent, e)) {
        run_command(e, &cmd);
        e->job_id = job;
        e->job_began = began;
        e->job_rank = rank;
        atomic_store(&e->job.cancel, false);
    }
    if (!cancel && job && bus_waiting_before(e->bus, rank)) {
        e->put_back = true;
        atomic_store(&e->job.cancel, true);
    }
}

/* EV_BEGUN, if the command is about facts or takes a while. */
static void emit_begun(struct engine *e, const struct command *cmd)
{
    const struct fact *first = cmd->count ? cmd->facts : NULL;
    struct stamp_source from = {.facts = cmd->facts,
                                .count = cmd->count,
                                .params = &cmd->params,
                                .mask_overrides = cmd->mask_overrides,
                                .mask_override_count = cmd->mask_override_count,
                                .state = e->open ? e->last_state.state : NULL};
    struct job_begun *begun;
    struct buf changed = {0};

    if (!first && !*command_traits[cmd->kind].busy)
        return;
    begun = xcalloc(1, sizeof(*begun));
    utf8_copy(begun->command, sizeof(begun->command), command_traits[cmd->kind].name);
    begun->facts = cmd->count;
    if (first) {
        begun->subject = xstrdup(first->subject);
        begun->prompt = xstrdup(first->prompt);
        begun->target = xstrdup(first->target);
        begun->old = xstrdup(first->old);
    }
    params_show_changed(&cmd->params, AFFECTS_EDIT, &changed);
    begun->changed = buf_take(&changed);
    begun->stamp = stamp_of(&from);
    engine_emit(e, EV_BEGUN, begun);
}

/* The command was stopped for one that goes first: back into the queue. False: it was not. */
static bool put_back(struct engine *e, struct command *cmd, const struct err *err)
{
    if (!e->put_back || err->kind != ERR_CANCELLED || bus_cancelled(e->bus, cmd->job))
        return false;
    bus_emit(e->bus, (struct event){.kind = EV_PAUSED, .job = cmd->job});
    bus_put_back(e->bus, cmd);
    return true;
}

/* Runs it, if it was not cancelled while it waited. */
static bool begin_command(struct engine *e, struct command *cmd, struct err *err)
{
    if (bus_cancelled(e->bus, cmd->job))
        return err_set(err, ERR_CANCELLED, "cancelled");
    emit_begun(e, cmd);
    return command_run(e, cmd, err);
}

/* Runs a command to its end and frees it, or until it is put back. False: it was CMD_QUIT. */
static bool run_command(struct engine *e, struct command *cmd)
{
    struct event end = {.kind = EV_DONE, .job = cmd->job};
    bool go_on = cmd->kind != CMD_QUIT;

    e->job_id = cmd->job;
    e->job_began = clock_seconds();
    e->job_rank = command_rank(cmd);
    e->put_back = false;
    atomic_store(&e->job.cancel, false);
    if (go_on && !begin_command(e, cmd, &end.err)) {
        if (e->dev)
            device_sync(e->dev, NULL); /* clears a fault that was not reported yet */
        if (put_back(e, cmd, &end.err))
            return true;
        end.kind = EV_FAILED;
        emit_device_lost(e);
    }
    if (end.kind == EV_FAILED || !(command_traits[cmd->kind].flags & ENDS_ITSELF))
        bus_emit(e->bus, end);
    command_free(cmd);
    return go_on;
}

/* As soon as the model is loaded the base can be queried, from engine_yield(); other commands wait
 * until the session is open. */
static bool open_all(struct engine *e, struct err *err)
{
    if (!engine_load_model(e, err))
        return false;
    if (e->options.base_only)
        return true;
    return engine_session_open(e, err) && emit_state(e, err);
}

static void close_all(struct engine *e)
{
    pull_stop(e);
    engine_unload_model(e);
    tokens_free(&e->text);
    engine_session_close(e);
}

static void *engine_main(void *arg)
{
    struct engine *e = arg;
    struct event end = {.kind = EV_STOPPED};
    struct command cmd;
    bool go_on;

    e->job_began = clock_seconds();
    if (e->options.gives_way)
        thread_give_way();
    go_on = open_all(e, &end.err);
    if (end.err.kind == ERR_CANCELLED) /* CMD_QUIT during loading is no error */
        end.err = (struct err){0};
    while (go_on) {
        bool background = e->options.background_moments && !e->options.base_only;

        if (bus_take(e->bus, &cmd, !background, NULL, NULL)) {
            go_on = run_command(e, &cmd);
            continue;
        }
        e->job_id = 0;
        atomic_store(&e->job.cancel, false); /* of the command before */
        if (!edit_stats_step(e, &end.err)) {
            if (end.err.kind == ERR_CANCELLED) {
                end.err = (struct err){0}; /* CMD_QUIT waits */
            } else if (end.err.kind) {     /* say so once, then do without background work */
                bus_emit(e->bus, (struct event){.kind = EV_FAILED, .err = end.err});
                end.err = (struct err){0};
                emit_device_lost(e);
            }
            e->options.background_moments = false;
        }
    }
    close_all(e);
    bus_emit(e->bus, end);
    return NULL;
}

/* Copies the strings; `params` was copied into the engine. */
static void options_copy(struct engine_options *to, const struct engine_options *from)
{
    *to = *from;
    to->model = xstrdup(from->model);
    to->session = xstrdup(from->session);
    to->prefixes = xstrdup(from->prefixes);
    to->text = xstrdup(from->text);
    to->notice = xstrdup(from->notice);
    to->params = NULL;
}

bool engine_start_thread(struct engine *e, void *(*main)(void *), void *arg, struct err *err)
{
    e->bus = bus_open(err);
    if (!e->bus) {
        free(e);
        return false;
    }
    if (thread_start(&e->thread, "engine", main, arg, err))
        return true;
    bus_close(e->bus);
    free(e);
    return false;
}

bool engine_precision(const char *name, int *precision, struct err *err)
{
    *precision = PRECISION_DEFAULT;
    for (int i = 0; name && i < PRECISION_COUNT; i++)
        if (!strcmp(precision_names[i], name)) {
            *precision = i;
            return true;
        }
    return !name ||
           err_set(err, ERR_USAGE, "--precision %s: not one of full, split, tf32, bf16", name);
}

struct engine *engine_start(const struct engine_options *options, struct err *err)
{
    struct engine *e = xcalloc(1, sizeof(*e));

    options_copy(&e->options, options);
    e->job.ctx = e;
    e->job.progress = engine_on_progress;
    e->job.yield = engine_yield;
    params_default(&e->params);
    if (options->params)
        e->params = *options->params;
    e->wants_moments = options->background_moments;
    return engine_start_thread(e, engine_main, e, err) ? e : NULL;
}

unsigned engine_post(struct engine *e, struct command *cmd)
{
    return bus_post(e->bus, cmd);
}

bool engine_next(struct engine *e, struct event *ev)
{
    bool any = bus_next(e->bus, ev);

    if (any && ev->kind == EV_STOPPED) {
        e->stopped = true;
        e->stop_reason = ev->err;
    }
    return any;
}

bool engine_ended(const struct engine *e, struct err *err)
{
    if (e->stopped)
        err_pass(err, &e->stop_reason);
    return e->stopped;
}

int engine_fd(const struct engine *e)
{
    return bus_fd(e->bus);
}

void engine_cancel(struct engine *e, unsigned job)
{
    bus_cancel(e->bus, job);
}

void engine_stop(struct engine *e)
{
    struct command quit = {.kind = CMD_QUIT};
    struct timespec pause = {0, 2000000}; /* 2 ms */
    struct event ev;

    if (!e)
        return;
    bus_cancel(e->bus, 0);
    bus_post(e->bus, &quit);
    while (!e->stopped) { /* take events: the engine may be waiting in bus_emit() for room */
        while (engine_next(e, &ev))
            event_free(&ev);
        if (!e->stopped)
            nanosleep(&pause, NULL);
    }
    pthread_join(e->thread, NULL);
    bus_close(e->bus);
    free((char *)(size_t)e->options.model);
    free((char *)(size_t)e->options.session);
    free((char *)(size_t)e->options.prefixes);
    free((char *)(size_t)e->options.text);
    free((char *)(size_t)e->options.notice);
    free(e->player);
    free(e);
}
