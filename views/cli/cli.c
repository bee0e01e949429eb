#include "views/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "views/app.h"

static const char VERSION[] = "editscope 0.1.0";

/* One line on standard error; with --json the same as the last object on standard output. */
static void complain(struct cli *c, const struct err *err)
{
    const char *hint = strstr(err->text, "; ");
    json_t *o;

    cli_unbar(c);
    fflush(stdout);
    fprintf(stderr, "editscope: %s\n", err->text);
    if (!cli_json(c))
        return;
    o = cli_event("error");
    json_object_set_new(o, "code", json_string(err_code(err->kind)));
    json_object_set_new(o, "message", cli_text(err->text));
    json_object_set_new(o, "hint", cli_text(hint ? hint + 2 : ""));
    cli_print(o);
}

static bool choice(const struct cli *c, enum option option, const char *words, struct err *err)
{
    const char *value = c->value[option], *p = words;
    size_t n;

    for (; value && *p; p += n + (p[n] == ' ')) {
        n = strcspn(p, " ");
        if (strlen(value) == n && !strncmp(value, p, n))
            return true;
    }
    return !value || err_set(err, ERR_USAGE, "--%s %.40s: not one of %s", option_infos[option].name,
                             value, words);
}

/* The screen on an engine of its own; the moments are summed behind it. */
static bool screen(struct cli *c, struct err *err)
{
    struct app_options o = {.theme = c->value[OPT_THEME],
                            .themes = c->value[OPT_THEME_DIR],
                            .background = c->value[OPT_BACKGROUND],
                            .params = c->params,
                            .term = {.mouse = !cli_has(c, OPT_NO_MOUSE),
                                     .color = c->value[OPT_COLOR],
                                     .ascii = cli_has(c, OPT_ASCII)},
                            .notes = c->notes.data};
    long frames;
    char *log, *report;
    bool ok;

    if (c->rest_count)
        c->value[OPT_SESSION] = c->rest[0];
    /* a mistyped command is not the name of a new session */
    if (c->rest_count && !strpbrk(c->rest[0], "./") && !file_exists(c->rest[0]))
        return err_set(err, ERR_USAGE,
                       "'%.60s' is neither a command nor a session that is there; `editscope "
                       "--help` lists commands, a new session is called NAME.es",
                       c->rest[0]);
    if (!choice(c, OPT_COLOR, "auto always never 8 16 256 direct", err) ||
        !choice(c, OPT_BACKGROUND, "light dark", err))
        return false;
    if (!term_check(err)) /* before a session is made */
        return false;
    if (!cli_number(c, OPT_REFRESH, 1, 120, 0, &frames, err))
        return false;
    o.refresh = (int)frames;
    log = file_state_path("editscope.log");
    if (file_make_parents(log, NULL)) /* what libraries print must not spoil the screen */
        o.term.log = log;
    report = file_state_path("crash.txt");
    o.term.report = report;
    o.term.version = VERSION;
    term_block_signals();
    ok = cli_start(c, FOR_A_SCREEN | MAY_CREATE, err) && app_run(c->engine, &o, &c->signal, err);
    free(log);
    free(report);
    if (!ok)
        return false;
    engine_ended(c->engine, err); /* a model that did not open decides the exit status */
    return !err->kind;
}

static bool work(struct cli *c, int argc, char **argv, struct err *err)
{
    if (!cli_parse(c, argc, argv, err))
        return false;
    if (cli_has(c, OPT_VERSION)) {
        puts(VERSION);
        return true;
    }
    if (cli_has(c, OPT_HELP)) {
        cli_help(c);
        return true;
    }
    if (!cli_settle(c, err))
        return false;
    return c->ops ? c->ops->run(c, err) : screen(c, err);
}

int cli_main(int argc, char **argv, device_chooser *choose)
{
    struct cli c = {.choose = choose};
    struct err err = {0};
    bool ok = work(&c, argc, argv, &err);
    int status = 0;

    cli_stop(&c);
    if (!ok) {
        complain(&c, &err);
        status = err_exit_status(err.kind);
    } else if (c.rejected) {
        err_set(&err, ERR_ACCEPT,
                "the edit stands but its acceptance test failed; `editscope "
                "undo -s SESSION` takes it back");
        complain(&c, &err);
        status = err_exit_status(ERR_ACCEPT);
    }
    if (c.signal)
        status = 128 + c.signal;
    free(c.sets);
    free(c.neurons);
    free(c.rest);
    free(c.model);
    free(c.text);
    free(c.preset);
    for (int i = 0; i < OPT_COUNT; i++)
        free(c.config[i]);
    buf_free(&c.notes);
    if (fflush(stdout) && !status)
        status = 1;
    return status;
}
