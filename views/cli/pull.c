/* editscope pull: downloads a model from the Hugging Face Hub into its cache. It needs no engine.
 * The path to open goes to standard output, progress to standard error. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/eta.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "core/hub/hub.h"
#include "views/cli/cli.h"

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    signalled = number;
}

struct pull_progress { /* of a terminal, as lines, or as JSON */
    struct cli *c;
    struct job job;
    struct eta rate;
    bool terminal;
    double shown;   /* when, in seconds */
    char file[300]; /* the file shown last */
};

/* A second signal ends the program at once. */
static void catch_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

/* Called between slices of the download: a signal cancels it. */
static void check_signals(void *ctx)
{
    struct pull_progress *t = ctx;

    if (signalled) {
        t->c->signal = signalled;
        atomic_store(&t->job.cancel, true);
    }
}

static const char *time_text(double seconds, char out[24])
{
    if (seconds >= 90)
        snprintf(out, 24, "%.0f min", ceil(seconds / 60));
    else
        snprintf(out, 24, "%.0f s", ceil(seconds));
    return out;
}

static void progress_json(const struct pull_progress *t, const char *what, double done,
                          double total)
{
    json_t *o = cli_event("progress");
    double left = eta_left(&t->rate, total);

    json_object_set_new(o, "what", cli_text(what));
    json_object_set_new(o, "done", cli_real(done));
    json_object_set_new(o, "total", cli_real(total));
    json_object_set_new(o, "per_second", cli_real(eta_speed(&t->rate)));
    json_object_set_new(o, "seconds_left", left < 0 ? json_null() : cli_real(left));
    cli_print(o);
}

/* "model.safetensors: 12 MB of 98 MB, 3.1 MB/s, 27 s left" */
static void progress_text(struct pull_progress *t, double done, double total)
{
    double speed = eta_speed(&t->rate), left = eta_left(&t->rate, total);
    char have[16], all[16], word[24];

    if (t->terminal)
        std_clear_line();
    std_status("%s: %s of %s", t->file, show_bytes(done, have), show_bytes(total, all));
    if (speed > 0)
        std_status(", %s/s", show_bytes(speed, word));
    if (left >= 1)
        std_status(", %s left", time_text(left, word));
    t->c->bar = t->terminal;
    if (!t->terminal)
        std_status("\n");
}

/* A terminal is updated ten times a second; a log gets a line per file and every ten seconds. */
static void on_progress(void *ctx, const char *name, bool checking, double done, double total)
{
    struct pull_progress *t = ctx;
    bool json = cli_json(t->c);
    double now = clock_seconds(), pause = json ? 0.5 : t->terminal ? 0.1 : 10;
    char file[300];

    show_print(file, sizeof(file), "%s%s", checking ? "checking " : "", name);
    if (checking)
        t->rate = (struct eta){0}; /* the speed of the disk says nothing about the network */
    else
        eta_note(&t->rate, now, done);
    if (cli_has(t->c, OPT_QUIET) || (now - t->shown < pause && !strcmp(file, t->file)))
        return;
    memcpy(t->file, file, sizeof(file));
    t->shown = now;
    if (json)
        progress_json(t, file, done, total);
    else
        progress_text(t, done, total);
}

static void on_note(void *ctx, const struct err *note)
{
    struct pull_progress *t = ctx;

    cli_unbar(t->c);
    if (!cli_has(t->c, OPT_QUIET))
        std_status("%s\n", note->text);
}

/* The path to open; with --json also the commit and each file with its hash. */
static void print_pulled(struct cli *c, const struct hub_name *name, const struct hub_pulled *got)
{
    json_t *o, *files;

    cli_unbar(c);
    if (!cli_json(c)) {
        std_puts(got->path);
        return;
    }
    o = cli_event("pulled");
    files = json_array();
    json_object_set_new(o, "name", json_string(name->repo));
    json_object_set_new(o, "revision", json_string(name->revision));
    json_object_set_new(o, "commit", json_string(got->commit));
    json_object_set_new(o, "path", cli_text(got->path));
    for (int i = 0; i < got->files; i++) {
        json_t *f = json_object();

        json_object_set_new(f, "path", cli_text(got->file[i].path));
        json_object_set_new(f, "bytes", json_integer(got->file[i].bytes));
        json_object_set_new(f, "etag", json_string(got->file[i].etag));
        json_object_set_new(f, "fetched", json_boolean(got->file[i].fetched));
        json_array_append_new(files, f);
    }
    json_object_set_new(o, "files", files);
    cli_print(o);
}

static bool parse_name(const struct cli *c, struct hub_name *name, struct err *err)
{
    char *text;
    bool ok;

    if (c->rest_count < 1 || c->rest_count > 2)
        return err_set(
            err, ERR_USAGE,
            "pull needs the name of a model on the Hub, such as org/name; for one of its "
            "GGUF files add the file or its type: pull org/name Q4_K_M");
    text = c->rest_count == 2 ? xasprintf("%s:%s", c->rest[0], c->rest[1]) : xstrdup(c->rest[0]);
    ok = hub_name_parse(name, text, err);
    free(text);
    return ok;
}

static bool pull_run(struct cli *c, struct err *err)
{
    struct pull_progress t = {.c = c, .terminal = isatty(STDERR_FILENO) && !cli_json(c)};
    struct hub_pulled got;
    struct hub_name name;
    struct hub hub;
    bool ok;

    t.job.yield = check_signals;
    t.job.ctx = &t;
    if (!parse_name(c, &name, err) || !hub_open(&hub, err))
        return false;
    catch_signals();
    ok = hub_pull(&hub, &name, &t.job, &(struct hub_listener){on_progress, on_note, &t}, &got, err);
    cli_unbar(c);
    if (ok) {
        print_pulled(c, &name, &got);
        hub_pulled_free(&got);
    } else if (err->kind == ERR_CANCELLED) {
        *err = (struct err){0};
        err_set(err, ERR_CANCELLED,
                "interrupted; downloaded parts are kept, run the same command to continue");
    }
    hub_close(&hub);
    return ok;
}

const struct cli_ops cli_pull = {"pull", "ORG/NAME[@REVISION] [FILE]",
                                 "Download a model from the Hugging Face Hub", 0, pull_run};
