/* A subcommand's side of the engine: start it, post a command, read events until the job has ended.
 *
 * SIGINT, SIGTERM and SIGHUP are blocked except inside ppoll(), so that no signal is lost between a
 * check and a sleep. The first one cancels the job; a second one ends the program at once. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "views/cli/cli.h"

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    signalled = number;
}

/* `open` gets the signal mask to wait with. SIGHUP stays ignored under nohup. */
static void catch_signals(sigset_t *open)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    struct sigaction hup;
    sigset_t blocked;

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &blocked, open);
    sigdelset(open, SIGINT);
    sigdelset(open, SIGTERM);
    sigdelset(open, SIGHUP);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    if (!sigaction(SIGHUP, NULL, &hup) && hup.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &act, NULL);
}

static sigset_t while_waiting; /* signal mask inside ppoll() */

/* "800M", "4G", "1.5g" in units of 1000, as sizes are shown; ERR_USAGE. */
static bool memory_size(const char *text, long long *bytes, struct err *err)
{
    static const char units[] = "KMGT";
    char *end;
    double value = strtod(text, &end);
    const char *unit = *end ? strchr(units, *end >= 'a' ? *end - 32 : *end) : NULL;

    if (end == text || !(value > 0) || value > 1e15 || (*end && (!unit || end[1])))
        return err_set(err, ERR_USAGE, "--memory %s: not a size such as 800M or 4G", text);
    for (const char *u = units; unit && u <= unit; u++)
        value *= 1000;
    *bytes = (long long)value;
    return true;
}

bool cli_start(struct cli *c, unsigned needs, struct err *err)
{
    struct engine_options o = {
        .model = c->model,
        .session = c->value[OPT_SESSION],
        .gives_way = needs & FOR_A_SCREEN,
        .autosave = (needs & FOR_A_SCREEN) && !c->value[OPT_SESSION] && !cli_has(c, OPT_READONLY),
        .readonly_fallback = (needs & FOR_A_SCREEN) && !cli_has(c, OPT_READONLY),
        .create = (needs & MAY_CREATE) != 0,
        .base_only = (needs & ONLY_LOOKS) != 0,
        .background_moments = (needs & FOR_A_SCREEN) != 0,
        .readonly = (needs & READS) || cli_has(c, OPT_READONLY),
        .params = &c->params,
        .prefixes = c->value[OPT_PREFIXES],
        .text = c->text};
    struct device_choice device;
    long threads;

    if ((needs & NEED_SESSION) && !o.session)
        return err_set(err, ERR_USAGE, "%s needs a session: -s FILE", c->ops->name);
    if (!cli_model_there(c, err))
        return false;
    if (!cli_number(c, OPT_THREADS, 1, 4096, 0, &threads, err) ||
        (c->value[OPT_MEMORY] && !memory_size(c->value[OPT_MEMORY], &o.memory, err)))
        return false;
    o.threads = (int)threads;
    if (!engine_precision(c->value[OPT_PRECISION], &o.precision, err))
        return false;
    if (!c->devices->choose(c->value[OPT_DEVICE], &device, err))
        return false;
    o.device = device.ops;
    o.device_index = device.index;
    o.automatic = device.automatic;
    o.notice = device.notice;
    if (!(needs & FOR_A_SCREEN)) /* the screen handles signals itself (tui/crash_handler.h) */
        catch_signals(&while_waiting);
    c->engine = engine_start(&o, err);
    return c->engine != NULL;
}

/* What is told without a progress bar, if it takes `worth` seconds. An estimate of the first
 * moments of a null space is far too long, so that it comes `after` some. */
static const struct wait {
    const char *what, *unit, *made;
    double worth, after;
} waits[] = {{PROGRESS_MOMENTS, "tokens", "summed", 1, 0},
             {PROGRESS_CURVATURE, "tokens", "summed", 1, 0},
             {PROGRESS_NULL_SPACE, "layers", "made", 10, 3}};

/* The job works on something else, or is done. */
static void announce_end(struct cli *c)
{
    if (c->waited)
        cli_say(c, "%s: %s, %.0f s", c->waits_for->what, c->waits_for->made,
                clock_seconds() - c->wait_began);
    c->waits_for = NULL;
    c->waited = false;
}

static const struct wait *wait_of(const struct event *ev)
{
    for (size_t i = 0; ev->kind == EV_PROGRESS && i < sizeof(waits) / sizeof(*waits); i++)
        if (!strcmp(ev->progress->what, waits[i].what))
            return &waits[i];
    return NULL;
}

/* Without a progress bar (standard error is no terminal), one line says why the program waits, and
 * one that it goes on. */
static void announce_wait(struct cli *c, const struct event *ev)
{
    const struct wait *w = wait_of(ev);
    double now = clock_seconds(), left;

    if (w != c->waits_for && (w || ev->kind == EV_PROGRESS || ev->kind == EV_DONE)) {
        announce_end(c);
        c->waits_for = w;
        c->wait_began = now;
        c->wait = (struct eta){0};
    }
    if (!w || c->waited)
        return;
    eta_note(&c->wait, now, ev->progress->done);
    if (now - c->wait_began < w->after)
        return;
    left = eta_left(&c->wait, ev->progress->total);
    if (left < w->worth && now - c->wait_began < w->worth)
        return;
    c->waited = true;
    cli_say(c, "%s of %.0f %s: about %.0f %s; they are cached for the next run", w->what,
            ev->progress->total, w->unit, left < 120 ? fmax(left, 1) : left / 60,
            left < 120 ? "s" : "min");
}

/* Rewrites the progress line of a terminal. */
static void show_progress(struct cli *c, const struct progress *p)
{
    if (cli_has(c, OPT_QUIET))
        return;
    std_clear_line();
    std_status("%s", p->what);
    if (p->total > 0)
        std_status(" %.0f of %.0f", p->done, p->total);
    if (*p->stage)
        std_status(" (%s)", p->stage);
    if (p->seconds_left >= 1)
        std_status(", %.0f s left", p->seconds_left);
    c->bar = true;
}

/* What every subcommand does with an event: progress, model, state, notices. */
static void take_event(struct cli *c, const struct event *ev)
{
    if (!isatty(STDERR_FILENO))
        announce_wait(c, ev);
    else if (ev->kind == EV_PROGRESS)
        show_progress(c, ev->progress);
    else
        cli_unbar(c);
    if (ev->kind == EV_MODEL) {
        c->info = *ev->model;
        if (*c->info.notice)
            cli_say(c, "%s", c->info.notice);
    }
    if (ev->kind == EV_STATE)
        c->state = *ev->state;
    if (ev->kind == EV_NOTICE)
        cli_notice(c, ev->notice->text);
    if (ev->kind == EV_MOMENTS && *ev->moments->unkept &&
        c->ops != &cli_stats) /* stats fails with it */
        cli_notice(c, ev->moments->unkept);
}

/* Sleeps until an event may be there. The first signal cancels the running job. */
static void wait_for_event(struct cli *c)
{
    struct pollfd fd = {.fd = engine_fd(c->engine), .events = POLLIN};

    ppoll(&fd, 1, NULL, &while_waiting);
    if (signalled && !c->signal) {
        c->signal = signalled;
        engine_cancel(c->engine, 0);
    }
}

/* Reads events until `job` has ended; job 0: until the first EV_STATE. */
static bool read_events(struct cli *c, unsigned job, cli_on_event *on_event, void *ctx,
                        struct err *err)
{
    struct event ev;
    bool over = false, ok = true;

    while (!over) {
        if (c->signal)
            return err_set(err, ERR_CANCELLED, "interrupted");
        if (std_failed()) { /* nobody can read the results */
            engine_cancel(c->engine, 0);
            c->unheard = true;
            return std_error(err);
        }
        if (!engine_next(c->engine, &ev)) {
            wait_for_event(c);
            continue;
        }
        take_event(c, &ev);
        if (on_event)
            on_event(c, &ev, ctx);
        if (ev.kind == EV_STOPPED || (ev.kind == EV_FAILED && ev.job == job && job)) {
            ok = ev.err.kind ? (err_pass(err, &ev.err), false)
                             : err_set(err, ERR_LIMIT, "the engine has stopped");
            over = true;
        }
        over =
            over || (ev.kind == EV_DONE && job && ev.job == job) || (ev.kind == EV_STATE && !job);
        event_free(&ev);
    }
    cli_unbar(c);
    return ok;
}

bool cli_wait_open(struct cli *c, struct err *err)
{
    return read_events(c, 0, NULL, NULL, err);
}

bool cli_job(struct cli *c, struct command *cmd, cli_on_event *on_event, void *ctx, struct err *err)
{
    unsigned job = engine_post(c->engine, cmd);

    if (!job)
        return err_set(err, ERR_LIMIT, "the engine's queue is full");
    return read_events(c, job, on_event, ctx, err);
}

/* Moves the history out of its event. */
static void history_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct event *out = ctx;

    (void)c;
    if (ev->kind != EV_HISTORY)
        return;
    event_free(out);
    *out = *ev;
    *ev = (struct event){.kind = EV_NONE, .job = ev->job};
}

bool cli_history(struct cli *c, struct event *out, struct err *err)
{
    struct command cmd = {.kind = CMD_HISTORY};

    *out = (struct event){.kind = EV_NONE};
    return cli_job(c, &cmd, history_on_event, out, err) &&
           (out->kind == EV_HISTORY || err_set(err, ERR_STATE, "no session is open"));
}

void cli_stop(struct cli *c)
{
    cli_unbar(c);
    engine_stop(c->engine);
    c->engine = NULL;
}

bool cli_scored(const struct cli *c, const struct attribution *a)
{
    return (int)a->strategy == params_choice(&c->params, P_ATTR_STRATEGY);
}
