/* The app without a terminal, driven by a script: for end-to-end tests, demos and batch runs.
 *
 * A script is a text file with one command a line; # begins a comment. For example:
 *
 *   size 120 36          columns and rows of the screen
 *   key x                keys by name, several with blanks between: key P enter C-r
 *   burst y e s enter    the same, pressed at the same moment
 *   wait idle 60         until no job runs, at most 60 seconds
 *   expect PREVIEW       fails unless the text is on the screen
 *   compare FILE         fails unless the screen equals FILE (SCREENS=write writes it)
 *
 * editscope(1) lists all commands; the table in script_line() has their functions. Time passes
 * only in script_wait(): it does what the terminal's loop does (events, timers, a frame when
 * something changed) until a condition holds or the time is over. Keys are given to
 * app_user_key(), so a script takes the same path through the program as a user's fingers, and it
 * is recorded like a user's run.
 *
 * Between two keys of a script lies a second of its own clock, so that none is taken for the rest
 * of a burst (app_burst.c). "burst" presses keys without that pause.
 *
 * "wait event NAME" counts events since the last key, not since the command: an event that came
 * between the key and the wait is not missed.
 *
 * A command that fails stops the script. The screen is then printed to standard error and the
 * error names file and line. Without a script (`replay --batch`), a recording is played to its end
 * and the last screen is printed. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "core/record/event_json.h"
#include "views/shell/app_internal.h"

enum { SCRIPT_MOST = 1 << 20, ARGUMENT_MOST = 4096 };

struct script {
    struct app *app;
    const char *path;
    int line, h, w;
    double pace;                   /* seconds to wait after each key */
    double ahead, between;         /* its clock is ahead of the real one; pause between keys */
    double within;                 /* seconds the next expectation may take */
    unsigned seen[EV_STOPPED + 1]; /* events of each kind before the last key */
    enum event_kind wanted;        /* "wait event NAME" */
    const char *expected;          /* "within": the text that is to be there, or not */
    bool there;
};

/* Lets the app run until done() holds or the time is over (seconds < 0: no limit). done NULL: for
 * the whole time. False: done() did not hold in time. */
static bool script_wait(struct script *s, double seconds, bool (*done)(const struct script *s))
{
    double until = clock_seconds() + seconds;

    for (;;) {
        struct pollfd fd = {.fd = engine_fd(s->app->engine), .events = POLLIN};
        double left;

        app_work(s->app);
        if (s->app->quit)
            return done && done(s);
        if (s->app->dirty)
            app_paint(s->app, s->h, s->w);
        if (done && done(s))
            return true;
        left = until - clock_seconds();
        if (seconds >= 0 && left <= 0)
            return !done;
        left = seconds < 0 || left > 0.05 ? 0.05 : left;
        if (!s->app->more_events)
            poll(&fd, 1, (int)(left * 1000) + 1);
    }
}

/* No job, no due estimate, no moved knob, no playing recording. */
static bool is_idle(const struct script *s)
{
    const struct ui_state *d = &s->app->ui;

    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job)
            return false;
    return d->ready && !s->app->estimate_at && !s->app->working && !s->app->replaying &&
           !s->app->params_changed;
}

/* The event that "wait event" names has come since the last key. */
static bool event_is_seen(const struct script *s)
{
    return s->app->event_count[s->wanted] > s->seen[s->wanted];
}

static bool replay_is_over(const struct script *s)
{
    return s->app->replay.what == REPLAY_END && !s->app->replaying;
}

/* Prints the screen and sets the error "FILE:LINE: what 'text'", or says why there is no engine.
 * Returns false. */
static bool script_fail(const struct script *s, struct err *err, const char *what, const char *text)
{
    struct buf out = {0};
    struct err why = {0};

    if (engine_ended(s->app->engine, &why) && why.kind)
        return err_pass(err, &why);
    surface_dump(s->app->surface, &out);
    std_error_text(out.data ? out.data : "");
    buf_free(&out);
    return err_set(err, ERR_FORMAT, "%s:%d: %s '%.200s'", s->path, s->line, what, text);
}

/* True if one row of the screen contains the text. */
static bool on_screen(const struct script *s, const char *text)
{
    struct buf out = {0};
    bool found;

    surface_dump(s->app->surface, &out);
    found = out.data && strstr(out.data, text);
    buf_free(&out);
    return found;
}

/* Presses a key and waits for the pace. */
static void script_press(struct script *s, struct key *key)
{
    memcpy(s->seen, s->app->event_count, sizeof(s->seen));
    s->ahead += s->between;
    key->at = clock_seconds() + s->ahead;
    app_user_key(s->app, key);
    script_wait(s, s->pace, NULL);
}

/* size COLUMNS ROWS */
static bool do_size(struct script *s, const char *text, struct err *err)
{
    char *end;
    long w = strtol(text, &end, 10), h = strtol(end, &end, 10);

    if (w < 1 || w > 1000 || h < 1 || h > 500 || *end)
        return script_fail(s, err, "expected columns and rows, not", text);
    s->w = (int)w;
    s->h = (int)h;
    app_paint(s->app, s->h, s->w);
    return true;
}

/* key NAME…: keys as the keymap writes them: x, C-r, pgdn, enter */
static bool do_key(struct script *s, const char *text, struct err *err)
{
    for (const char *p = text; *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        char name[32];
        struct key key = {0};

        snprintf(name, sizeof(name), "%.*s", (int)n, p);
        key.code = key_parse(name);
        if (key.code < 0)
            return script_fail(s, err, "no such key:", name);
        script_press(s, &key);
        p += n;
    }
    return true;
}

/* burst NAME…: keys without a pause between them */
static bool do_burst(struct script *s, const char *text, struct err *err)
{
    bool ok;

    s->ahead += s->between;
    s->between = 0;
    ok = do_key(s, text, err);
    s->between = 1;
    return ok;
}

/* type TEXT: each character as a key */
static bool do_type(struct script *s, const char *text, struct err *err)
{
    const char *end = text + strlen(text);

    (void)err;
    for (const char *p = text; p < end;) {
        int32_t code = utf8_next(&p, end);
        struct key key = {.code = code < 0 ? '?' : code};

        script_press(s, &key);
    }
    return true;
}

static bool do_paste(struct script *s, const char *text, struct err *err)
{
    struct key key = {.code = K_PASTE, .paste = text};

    (void)err;
    script_press(s, &key);
    return true;
}

static bool do_sleep(struct script *s, const char *text, struct err *err)
{
    (void)err;
    script_wait(s, strtod(text, NULL), NULL);
    return true;
}

/* wait idle|end|event NAME [SECONDS] */
static bool do_wait(struct script *s, const char *text, struct err *err)
{
    char what[16] = "", name[32] = "";
    bool (*done)(const struct script *);
    double seconds = 60;
    int used = 0;

    if (sscanf(text, "%15s %n", what, &used) != 1)
        return script_fail(s, err, "expected idle, end or event NAME after wait, not", text);
    if (!strcmp(what, "event")) {
        int more = 0;

        if (sscanf(text + used, "%31s %n", name, &more) != 1 ||
            (s->wanted = event_of_name(name)) == EV_NONE)
            return script_fail(s, err, "no such event:", name);
        used += more;
        done = event_is_seen;
    } else if (!strcmp(what, "idle")) {
        done = is_idle;
    } else if (!strcmp(what, "end")) {
        done = replay_is_over;
    } else {
        return script_fail(s, err, "expected idle, end or event NAME after wait, not", what);
    }
    if (text[used])
        seconds = strtod(text + used, NULL);
    return script_wait(s, seconds, done) || script_fail(s, err, "timed out waiting for", text);
}

static bool is_as_expected(const struct script *s)
{
    return on_screen(s, s->expected) == s->there;
}

/* expect and expect-not: looks once, or with "within" after each event until the time is over. No
 * screen is missed then, however slow the machine is. */
static bool script_expect(struct script *s, const char *text, bool there, struct err *err)
{
    s->expected = text;
    s->there = there;
    app_paint(s->app, s->h, s->w);
    s->app->one_event = true;
    if (s->within > 0 && !is_as_expected(s))
        script_wait(s, s->within, is_as_expected);
    s->app->one_event = s->app->more_events = false;
    s->within = 0;
    return is_as_expected(s) ||
           script_fail(s, err, there ? "not on the screen:" : "found on the screen:", text);
}

static bool do_expect(struct script *s, const char *text, struct err *err)
{
    return script_expect(s, text, true, err);
}

static bool do_expect_not(struct script *s, const char *text, struct err *err)
{
    return script_expect(s, text, false, err);
}

/* The screen as text, then the roles of its cells: what the golden screens hold. */
static void script_picture(struct script *s, struct buf *out)
{
    app_paint(s->app, s->h, s->w);
    surface_dump(s->app->surface, out);
    surface_roles(s->app->surface, out);
}

static bool do_dump(struct script *s, const char *text, struct err *err)
{
    struct buf out = {0};
    bool ok;

    script_picture(s, &out);
    ok = file_write(text, out.data, out.len, err);
    buf_free(&out);
    return ok;
}

/* compare FILE: the screen must equal a picture that dump wrote. SCREENS=write writes it instead.
 */
static bool do_compare(struct script *s, const char *text, struct err *err)
{
    struct buf out = {0};
    char *want;
    bool same;

    if (getenv("SCREENS"))
        return do_dump(s, text, err);
    want = file_read_text(text, SCRIPT_MOST, NULL, err);
    if (!want)
        return false;
    script_picture(s, &out);
    same = !strcmp(out.data, want);
    free(want);
    buf_free(&out);
    return same || script_fail(s, err, "the screen differs from", text);
}

/* hold: pauses the recording, as the key p does. */
static bool do_hold(struct script *s, const char *text, struct err *err)
{
    (void)text;
    (void)err;
    if (s->app->replaying)
        app_replay_pause(s->app);
    return true;
}

static bool do_pace(struct script *s, const char *text, struct err *err)
{
    (void)err;
    s->pace = strtod(text, NULL);
    return true;
}

static bool script_line(struct script *s, const char *line, struct err *err);

/* within SECONDS expect TEXT */
static bool do_within(struct script *s, const char *text, struct err *err)
{
    char *end;

    s->within = strtod(text, &end);
    return script_line(s, end + strspn(end, " "), err);
}

/* Runs one line: the first word picks the function, which gets the rest. */
static bool script_line(struct script *s, const char *line, struct err *err)
{
    static const struct {
        const char *name;
        bool (*run)(struct script *s, const char *text, struct err *err);
    } commands[] = {
        {"size", do_size},     {"key", do_key},
        {"type", do_type},     {"paste", do_paste},
        {"sleep", do_sleep},   {"wait", do_wait},
        {"expect", do_expect}, {"expect-not", do_expect_not},
        {"dump", do_dump},     {"compare", do_compare},
        {"hold", do_hold},     {"pace", do_pace},
        {"within", do_within}, {"burst", do_burst},
    };
    size_t n = strcspn(line, " ");

    if (s->app->quit)
        return script_fail(s, err, "the program quit before", line);
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (strlen(commands[i].name) == n && !strncmp(commands[i].name, line, n))
            return commands[i].run(s, line + n + strspn(line + n, " "), err);
    return script_fail(s, err, "no such command:", line);
}

/* Runs all lines until one fails. Cuts the text into lines in place. */
static bool script_run(struct script *s, char *text, struct err *err)
{
    bool ok = true;

    for (char *p = text, *next; ok && *p; p = next) {
        size_t n = strcspn(p, "\n");

        s->line++;
        next = p + n + (p[n] == '\n');
        p[n] = '\0';
        p += strspn(p, " \t");
        if (*p && *p != '#')
            ok = script_line(s, p, err);
    }
    return ok;
}

bool app_script(struct engine *engine, const struct app_options *options, const char *script,
                struct err *err)
{
    char *text = script ? file_read_text(script, SCRIPT_MOST, NULL, err) : NULL;
    struct script s = {.path = script, .h = 36, .w = 120, .between = 1};
    bool ok = true;

    if (script && !text)
        return false;
    s.app = app_start(engine, options);
    s.app->offscreen = true;
    ok = app_theme(s.app, options->theme, err); /* what is exported has its colours */
    app_paint(s.app, s.h, s.w);
    if (!ok) {
        free(text);
        app_finish(s.app);
        return false;
    }
    if (text) {
        ok = script_run(&s, text, err);
    } else {
        struct buf out = {0};

        script_wait(&s, -1, replay_is_over);
        script_wait(&s, 5, is_idle);
        app_paint(s.app, s.h, s.w);
        surface_dump(s.app->surface, &out);
        std_text(out.data ? out.data : "");
        buf_free(&out);
    }
    if (ok && *s.app->replay.damage)
        ok = err_set(err, ERR_FORMAT, "%s", s.app->replay.damage);
    app_finish(s.app);
    free(text);
    return ok;
}
