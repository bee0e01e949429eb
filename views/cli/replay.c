/* editscope replay, view, --demo, --record: recordings and scripts.
 *
 * A recording is played by an engine that answers from the file (core/record/player.h). A script
 * types keys into the real program (views/shell/app_script.c). With --batch neither needs a
 * terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/file_type.h"
#include "core/base/mem.h"
#include "core/record/player.h"
#include "core/record/recorder.h"
#include "views/cli/cli.h"
#include "views/shell/app.h"

enum { SCRIPT_MOST = 1 << 20 };

bool cli_record(struct cli *c, const struct recorder_options *how, struct app_options *o,
                struct err *err)
{
    const char *path = c->value[OPT_RECORD];
    bool of_config = path && path == c->config[OPT_RECORD];

    if (!path || (of_config && cli_has(c, OPT_NO_RECORD)))
        return true;
    o->recorder = recorder_open(path, how, err);
    return o->recorder != NULL;
}

/* What is needed to start a recording again. */
struct playing {
    struct cli *c;
    const char *path;
    double speed;
    struct params params; /* what the run began with */
    struct fact fact;
};

static struct engine *play_again(void *ctx, double from, struct err *err)
{
    struct playing *p = ctx;
    const struct play_options options = {.speed = p->speed, .from = from};

    engine_stop(p->c->engine);
    fact_free(&p->fact);
    p->c->engine = engine_play(p->path, &options, &p->params, &p->fact, err);
    return p->c->engine;
}

static bool parse_speed(const struct cli *c, double *speed, struct err *err)
{
    const char *text = c->value[OPT_SPEED];
    char *end;

    *speed = cli_has(c, OPT_UNATTENDED) ? 0 : 1;
    if (!text)
        return true;
    *speed = strcmp(text, "max") ? strtod(text, &end) : 0;
    if (!strcmp(text, "max") || (end != text && !*end && *speed >= 0.05 && *speed <= 1000))
        return true;
    return err_set(err, ERR_USAGE, "--speed %s: not a number from 0.05 to 1000, or max", text);
}

static bool play_recording(struct cli *c, const char *path, struct err *err)
{
    struct playing p = {.c = c, .path = path};
    struct app_options o = {.term = {.mouse = false}};
    bool batch = cli_has(c, OPT_UNATTENDED), ok;

    if (!parse_speed(c, &p.speed, err))
        return false;
    if (!batch && !cli_screen_setup(c, &o, err))
        return false;
    ok = play_again(&p, 0, err) != NULL;
    if (ok) {
        o.params = p.params;
        o.recorded = true;
        o.present = cli_has(c, OPT_PRESENT);
        o.fact = p.fact.subject ? &p.fact : NULL;
        cli_first_facts(c, &o);
        o.restart_replay = play_again;
        o.ctx = &p;
        ok = batch ? app_script(c->engine, &o, c->value[OPT_SCRIPT], err)
                   : app_run(c->engine, &o, &c->signal, err);
    }
    fact_free(&p.fact);
    cli_screen_done(&o);
    return ok;
}

bool cli_demo(struct cli *c, struct err *err)
{
    char *path = cli_sample("demo.rec.gz");
    bool ok;

    if (!path)
        return err_set(err, ERR_IO,
                       "samples/demo.rec.gz is not installed with the program; "
                       "`make demo-record` makes it");
    ok = play_recording(c, path, err);
    free(path);
    return ok;
}

static bool view_file(struct cli *c, const char *path, struct err *err)
{
    struct app_options o = {0};
    struct params params;
    struct fact fact = {0};
    bool batch = cli_has(c, OPT_UNATTENDED), ok;

    c->engine = engine_show(path, &params, &fact, err);
    ok = c->engine && (batch || cli_screen_setup(c, &o, err));
    if (ok) {
        o.params = params;
        o.viewed = path;
        o.recorded = file_type_of_path(path) != FILE_TYPE_SESSION;
        o.start = !o.recorded && engine_is_run(path) ? "run" : NULL;
        o.fact = &fact; /* empty for a RUN file of 0.1.0 */
        ok = batch ? app_script(c->engine, &o, c->value[OPT_SCRIPT], err)
                   : app_run(c->engine, &o, &c->signal, err);
    }
    cli_screen_done(&o);
    fact_free(&fact);
    return ok;
}

static bool view_command(struct cli *c, struct err *err)
{
    if (c->rest_count != 1)
        return err_set(err, ERR_USAGE, "view needs one RUN file or session");
    return view_file(c, c->rest[0], err);
}

bool cli_show_next(struct cli *c, const struct app_next *next, struct err *err)
{
    cli_stop(c);
    return next->what == VISIT_DEMO  ? cli_demo(c, err)
           : next->what == VISIT_RUN ? view_file(c, next->path, err)
                                     : play_recording(c, next->path, err);
}

const struct cli_ops cli_view = {
    "view", "RUN|SESSION|PAGE",
    "Open a RUN file, a session or a page of :export, without its model",
    FOR_REPLAY | FOR_PARAMS | FOR_CANVAS, view_command};

/* Runs a script on the real program without a terminal. */
static bool run_script(struct cli *c, const char *path, struct err *err)
{
    struct recorder_options how = {.params = &c->params, .small = cli_has(c, OPT_SMALL)};
    struct app_options o = {.params = c->params, .present = cli_has(c, OPT_PRESENT)};
    bool ok;

    if (!cli_has(c, OPT_UNATTENDED))
        return err_set(err, ERR_USAGE, "%s is a script, not a recording; add --batch to run it",
                       path);
    if (!cli_start(c, FOR_A_SCREEN | MAY_CREATE, err))
        return false;
    cli_first_facts(c, &o);
    how.fact = o.fact;
    ok = cli_record(c, &how, &o, err) && app_script(c->engine, &o, path, err);
    recorder_close(o.recorder);
    return ok;
}

/* It is gzip, or begins with a JSON object (after a byte order mark). */
static bool is_recording(const char *path)
{
    char head[6] = "";
    const char *at = head;

    file_peek(path, head, sizeof(head) - 1);
    if (!strncmp(at, "\xef\xbb\xbf", 3))
        at += 3;
    return !strncmp(at, "\x1f\x8b", 2) || !strncmp(at, "{\"", 2);
}

/* Whether the file may be a recording or a script; else the error says what it is. */
static bool playable(const char *path, struct err *err)
{
    enum file_type looks = file_type_of_path(path);
    const char *is = file_type_name(looks);
    struct err why = {0};
    char *text;

    if (looks == FILE_TYPE_GZIP || is_recording(path))
        return true;
    if (is && looks != FILE_TYPE_TEXT && looks != FILE_TYPE_EMPTY)
        return err_set(err, ERR_FORMAT, "%s is %s, neither a recording nor a script", path, is);
    text = file_read_text(path, SCRIPT_MOST, NULL, &why);
    free(text);
    return text || err_set(err, why.kind, "%s; neither a recording nor a script", why.text);
}

static bool replay_run(struct cli *c, struct err *err)
{
    const char *path = c->rest_count ? c->rest[0] : NULL;

    if (c->rest_count != 1)
        return err_set(err, ERR_USAGE, "replay needs one recording or script");
    if (!file_exists(path))
        return err_set(err, ERR_IO, "%s: no such file", path);
    if (!playable(path, err))
        return false;
    return is_recording(path) ? play_recording(c, path, err) : run_script(c, path, err);
}

const struct cli_ops cli_replay = {
    "replay", "FILE", "Play a recording, or run a script without a terminal",
    FOR_REPLAY | FOR_RECORD | FOR_MODEL | FOR_PARAMS | FOR_SESSION | FOR_TEXT | FOR_CANVAS,
    replay_run};
