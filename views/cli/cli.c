/* The program from argc and argv to its exit status: parse, load settings, run a subcommand or the
 * screen, print the error.
 *
 * Exit status: 0; err_exit_status() of the error; 128 + N after signal N; 128 + SIGPIPE if the
 * reader of standard output went away. Other lost output is status 1. A subcommand that wrote edits
 * of which some failed their acceptance test ends with ERR_ACCEPT and says how to undo them. */
#include "views/cli/cli.h"

#include "core/base/std.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/mpi.h"
#include "core/edit/relations.h"
#include "core/record/recorder.h"
#include "views/screens/session_list.h"
#include "views/shell/app.h"
#include "views/shell/plain.h"

/* Prints an error as one line on standard error; with --json also as the last object on standard
 * output. */
static void print_error(struct cli *c, enum err_kind kind, const char *text, const char *hint)
{
    json_t *o;

    cli_unbar(c);
    std_flush();
    std_message("%s", text);
    if (!cli_json(c) || std_failed())
        return;
    o = cli_event("error");
    json_object_set_new(o, "code", json_string(err_code(kind)));
    json_object_set_new(o, "message", cli_text(text));
    json_object_set_new(o, "hint", cli_text(hint));
    cli_print(o);
}

struct exchange { /* what replacing the engine needs */
    struct cli *c;
    struct app_options *o;
};

/* Replaces the engine by one of another model (the Models view asks for it). */
static struct engine *reopen(void *ctx, const char *model, const char *session,
                             struct params *params, struct err *err)
{
    struct exchange *x = ctx;
    struct cli *c = x->c;

    recorder_close(x->o->recorder); /* a recording is of one model, and ends with it */
    x->o->recorder = NULL;
    cli_stop(c);
    c->value[OPT_SESSION] = session && file_exists(session) ? session : NULL;
    if (cli_load_model_settings(c, model, err))
        cli_start(c, FOR_A_SCREEN | MAY_CREATE, err);
    cli_session_fact(c, x->o);
    c->value[OPT_SESSION] = NULL; /* the caller's, and the engine has its copy */
    *params = c->params;
    return c->engine;
}

/* :preset: this model's parameters with another --preset. */
static bool preset(void *ctx, const char *name, struct params *params, struct err *err)
{
    struct cli *c = ((struct exchange *)ctx)->c;
    const char *given = c->value[OPT_PRESET];
    const struct params before = c->params;
    bool ok;

    c->value[OPT_PRESET] = name;
    ok = cli_load_model_settings(c, c->model, err);
    c->value[OPT_PRESET] = given;
    *params = c->params;
    if (!ok)
        c->params = before;
    return ok;
}

/* --last: the newest session with edits. */
static bool open_last(struct cli *c, struct err *err)
{
    if (c->rest_count || c->value[OPT_SESSION])
        return err_set(err, ERR_USAGE,
                       "--last opens the session that was left last: name no other");
    c->last = session_list_newest();
    c->value[OPT_SESSION] = c->last;
    return c->last || err_set(err, ERR_USAGE,
                              "--last: no session with edits is in this folder, among those kept "
                              "without a name, or among the last that were opened");
}

/* Whether the program was started with nothing to open, and there is something to come back to. */
static bool starts_at_sessions(const struct cli *c)
{
    if (c->value[OPT_SESSION] || c->value[OPT_RECORD] || c->value[OPT_MODEL] ||
        cli_has(c, OPT_READONLY))
        return false;
    return session_list_any();
}

/* Opens the screen. Its engine sums the second moments in the background. */
static bool open_screen(struct cli *c, struct err *err)
{
    struct recorder_options keep = {.params = &c->params};
    struct app_next next = {VISIT_NEW, NULL};
    struct app_options o;
    struct exchange x = {c, &o};
    bool ok;

    if (cli_has(c, OPT_DEMO))
        return cli_demo(c, err);
    if (c->rest_count)
        c->value[OPT_SESSION] = c->rest[0];
    /* a mistyped command is not the name of a new session */
    if (c->rest_count && !strpbrk(c->rest[0], "./") && !file_exists(c->rest[0]))
        return err_set(err, ERR_USAGE,
                       "'%.60s' is neither a command nor an existing session; see `editscope "
                       "--help`, or name a new session NAME.es",
                       c->rest[0]);
    if (cli_has(c, OPT_PLAIN)) {
        o = (struct app_options){
            .params = c->params, .reopen = reopen, .preset = preset, .ctx = &x};
        cli_first_facts(c, &o);
        cli_session_fact(c, &o);
        plain_block_signals();
        return cli_start(c, FOR_A_SCREEN | MAY_CREATE, err) && plain_run(c->engine, &o, err);
    }
    ok = cli_screen_setup(c, &o, err); /* before a session is made */
    cli_first_facts(c, &o);
    cli_session_fact(c, &o);
    keep.fact = o.fact;
    ok = ok && cli_start(c, FOR_A_SCREEN | MAY_CREATE, err) && cli_record(c, &keep, &o, err);
    o.reopen = reopen;
    o.preset = preset;
    o.ctx = &x;
    o.next = &next;
    o.start = starts_at_sessions(c) ? "sessions" : NULL;
    ok = ok && app_run(c->engine, &o, &c->signal, err);
    recorder_close(o.recorder);
    cli_screen_done(&o);
    if (ok && next.what != VISIT_NEW) {
        ok = cli_show_next(c, &next, err);
        free(next.path);
        return ok;
    }
    if (!ok)
        return false;
    if (!c->engine)
        return err_set(err, ERR_MODEL,
                       "neither the requested model nor the previous one "
                       "could be opened");
    engine_ended(c->engine, err); /* a model that did not open decides the exit status */
    return !err->kind;
}

/* Under mpirun only stats, sweep and eval share their work, and only rank 0 prints. */
static bool check_ranks(struct cli *c, struct err *err)
{
    if (mpi_size() == 1)
        return true;
    if (c->ops != &cli_stats && c->ops != &cli_sweep && c->ops != &cli_eval)
        return err_set(err, ERR_USAGE,
                       "mpirun started %d processes, but only stats, sweep and eval share their "
                       "work",
                       mpi_size());
    c->value[OPT_QUIET] = "";
    return !mpi_rank() || freopen("/dev/null", "w", stdout) ||
           err_set(err, ERR_IO, "/dev/null does not open");
}

/* Without a home folder everything works, but nothing is cached. */
static void warn_no_home(struct cli *c)
{
    char *cache = file_cache_path("");

    if (!strncmp(cache, FILE_NOWHERE, strlen(FILE_NOWHERE)))
        cli_say(c, "no home folder: nothing is cached; set HOME or XDG_CACHE_HOME");
    free(cache);
}

/* "editscope 0.2.0", or {"event":"version","version":"0.2.0"}. */
static void print_version(const struct cli *c)
{
    const char *number = strrchr(EDITSCOPE_VERSION, ' ');
    json_t *o = cli_json(c) ? cli_event("version") : NULL;

    if (!o) {
        std_puts(EDITSCOPE_VERSION);
        return;
    }
    json_object_set_new(o, "version", cli_text(number + 1));
    cli_print(o);
}

/* Everything between the command line and the exit status. False with err. */
static bool run_command(struct cli *c, int argc, char **argv, struct err *err)
{
    if (!cli_parse(c, argc, argv, err))
        return false;
    if (cli_has(c, OPT_VERSION)) {
        print_version(c);
        return true;
    }
    if (cli_has(c, OPT_HELP)) {
        cli_help(c);
        return true;
    }
    if (!cli_files(c, err) || (cli_has(c, OPT_LAST_LEFT) && !open_last(c, err)) ||
        !cli_load_settings(c, err) || !check_ranks(c, err))
        return false;
    warn_no_home(c);
    return c->ops ? c->ops->run(c, err) : open_screen(c, err);
}

/* The exit status of a command whose output was lost, whatever else happened. */
static int output_lost_status(void)
{
    struct err err = {0};

    if (std_reader_gone())
        return 128 + SIGPIPE; /* as if the signal were not ignored */
    std_error(&err);
    std_message("%s", err.text);
    return err_exit_status(err.kind);
}

int cli_main(int argc, char **argv, const struct device_list *devices)
{
    struct cli c = {.devices = devices};
    struct err err = {0};
    bool ok = run_command(&c, argc, argv, &err);
    int status = 0;

    cli_stop(&c);
    std_flush();
    if (!ok && c.advice)
        std_message("%s", c.advice);
    if (!ok && !c.unheard)
        print_error(&c, err.kind, err.text, err_hint(&err));
    if (!ok)
        status = err_exit_status(err.kind);
    if (ok && c.advice) {
        print_error(&c, ERR_ACCEPT, c.advice, c.remedy);
        status = err_exit_status(ERR_ACCEPT);
    }
    if (c.signal)
        status = 128 + c.signal;
    else if (std_failed())
        status = output_lost_status();
    if (c.relations)
        relations_free(c.relations);
    free(c.relations);
    cli_facts_free(c.samples, c.sample_count);
    fact_free(&c.last_fact);
    free(c.sets);
    free(c.neurons);
    free(c.arms);
    free(c.rest);
    free(c.model);
    free(c.text);
    free(c.preset);
    free(c.last);
    free(c.advice);
    for (int i = 0; i < OPT_COUNT; i++)
        free(c.config[i]);
    buf_free(&c.notes);
    return status;
}
