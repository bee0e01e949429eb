/* The app without a terminal, driven by a script: for tests, demos and batches. */
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
    double pace, within;           /* seconds: after a key; that an expectation may take */
    unsigned seen[EV_STOPPED + 1]; /* events before the last key */
    enum event_kind wanted;
};

/* Lets the app live until `done` or the time is over (seconds < 0: no limit); with NULL for the
 * whole time. False: `done` did not come. */
static bool live(struct script *s, double seconds, bool (*done)(const struct script *s))
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
        poll(&fd, 1, (int)(left * 1000) + 1);
    }
}

static bool is_idle(const struct script *s)
{
    const struct ui_state *d = &s->app->ui;

    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job)
            return false;
    return d->ready && !s->app->weigh_at && !s->app->driven && !s->app->params_changed;
}

static bool is_seen(const struct script *s)
{
    return s->app->seen[s->wanted] > s->seen[s->wanted];
}

static bool is_over(const struct script *s)
{
    return s->app->tape.what == REPLAY_END && !s->app->driven;
}

static bool wrong(const struct script *s, struct err *err, const char *what, const char *text)
{
    struct buf out = {0};

    surface_dump(s->app->surface, &out);
    std_error_text(out.data ? out.data : "");
    buf_free(&out);
    return err_set(err, ERR_FORMAT, "%s:%d: %s '%.200s'", s->path, s->line, what, text);
}

static bool on_screen(const struct script *s, const char *text)
{
    struct buf out = {0};
    bool found;

    surface_dump(s->app->surface, &out);
    found = out.data && strstr(out.data, text);
    buf_free(&out);
    return found;
}

static void press(struct script *s, const struct key *key)
{
    memcpy(s->seen, s->app->seen, sizeof(s->seen));
    app_user_key(s->app, key);
    live(s, s->pace, NULL);
}

static bool do_size(struct script *s, const char *text, struct err *err)
{
    char *end;
    long w = strtol(text, &end, 10), h = strtol(end, &end, 10);

    if (w < 1 || w > 1000 || h < 1 || h > 500 || *end)
        return wrong(s, err, "not columns and rows:", text);
    s->w = (int)w;
    s->h = (int)h;
    app_paint(s->app, s->h, s->w);
    return true;
}

static bool do_key(struct script *s, const char *text, struct err *err)
{
    for (const char *p = text; *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        char name[32];
        struct key key = {0};

        snprintf(name, sizeof(name), "%.*s", (int)n, p);
        key.code = key_parse(name);
        if (key.code < 0)
            return wrong(s, err, "no such key:", name);
        press(s, &key);
        p += n;
    }
    return true;
}

static bool do_type(struct script *s, const char *text, struct err *err)
{
    const char *end = text + strlen(text);

    (void)err;
    for (const char *p = text; p < end;) {
        int32_t code = utf8_next(&p, end);
        struct key key = {.code = code < 0 ? '?' : code};

        press(s, &key);
    }
    return true;
}

static bool do_paste(struct script *s, const char *text, struct err *err)
{
    struct key key = {.code = K_PASTE, .paste = text};

    (void)err;
    press(s, &key);
    return true;
}

static bool do_sleep(struct script *s, const char *text, struct err *err)
{
    (void)err;
    live(s, strtod(text, NULL), NULL);
    return true;
}

static bool do_wait(struct script *s, const char *text, struct err *err)
{
    char what[16] = "", name[32] = "";
    bool (*done)(const struct script *);
    double seconds = 60;
    int used = 0;

    if (sscanf(text, "%15s %n", what, &used) != 1)
        return wrong(s, err, "wait for what?", text);
    if (!strcmp(what, "event")) {
        int more = 0;

        if (sscanf(text + used, "%31s %n", name, &more) != 1 ||
            (s->wanted = event_of_name(name)) == EV_NONE)
            return wrong(s, err, "no such event:", name);
        used += more;
        done = is_seen;
    } else if (!strcmp(what, "idle")) {
        done = is_idle;
    } else if (!strcmp(what, "end")) {
        done = is_over;
    } else {
        return wrong(s, err, "wait for idle, end or event NAME, not", what);
    }
    if (text[used])
        seconds = strtod(text + used, NULL);
    return live(s, seconds, done) || wrong(s, err, "has not come in time:", text);
}

static bool expect(struct script *s, const char *text, bool there, struct err *err)
{
    double until = clock_seconds() + s->within;

    app_paint(s->app, s->h, s->w);
    while (on_screen(s, text) != there && clock_seconds() < until) {
        live(s, 0.05, NULL);
        app_paint(s->app, s->h, s->w);
    }
    s->within = 0;
    return on_screen(s, text) == there ||
           wrong(s, err, there ? "not on the screen:" : "on the screen:", text);
}

static bool do_expect(struct script *s, const char *text, struct err *err)
{
    return expect(s, text, true, err);
}

static bool do_expect_not(struct script *s, const char *text, struct err *err)
{
    return expect(s, text, false, err);
}

static void picture(struct script *s, struct buf *out)
{
    app_paint(s->app, s->h, s->w);
    surface_dump(s->app->surface, out);
    surface_roles(s->app->surface, out);
}

static bool do_dump(struct script *s, const char *text, struct err *err)
{
    struct buf out = {0};
    bool ok;

    picture(s, &out);
    ok = file_write(text, out.data, out.len, err);
    buf_free(&out);
    return ok;
}

/* Compares with a picture that was dumped before; SCREENS=write makes it. */
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
    picture(s, &out);
    same = !strcmp(out.data, want);
    free(want);
    buf_free(&out);
    return same || wrong(s, err, "the screen is not as in", text);
}

static bool do_hold(struct script *s, const char *text, struct err *err)
{
    (void)text;
    (void)err;
    if (s->app->driven)
        app_replay_pause(s->app);
    return true;
}

static bool do_pace(struct script *s, const char *text, struct err *err)
{
    (void)err;
    s->pace = strtod(text, NULL);
    return true;
}

static bool do_line(struct script *s, const char *line, struct err *err);

/* within SECONDS expect TEXT */
static bool do_within(struct script *s, const char *text, struct err *err)
{
    char *end;

    s->within = strtod(text, &end);
    return do_line(s, end + strspn(end, " "), err);
}

static bool do_line(struct script *s, const char *line, struct err *err)
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
        {"within", do_within},
    };
    size_t n = strcspn(line, " ");

    if (s->app->quit)
        return wrong(s, err, "the program has ended before", line);
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (strlen(commands[i].name) == n && !strncmp(commands[i].name, line, n))
            return commands[i].run(s, line + n + strspn(line + n, " "), err);
    return wrong(s, err, "no such command:", line);
}

static bool run(struct script *s, char *text, struct err *err)
{
    bool ok = true;

    for (char *p = text, *next; ok && *p; p = next) {
        size_t n = strcspn(p, "\n");

        s->line++;
        next = p + n + (p[n] == '\n');
        p[n] = '\0';
        p += strspn(p, " \t");
        if (*p && *p != '#')
            ok = do_line(s, p, err);
    }
    return ok;
}

bool app_script(struct engine *engine, const struct app_options *options, const char *script,
                struct err *err)
{
    char *text = script ? file_read_text(script, SCRIPT_MOST, NULL, err) : NULL;
    struct script s = {.path = script, .h = 36, .w = 120};
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
        ok = run(&s, text, err);
    } else {
        struct buf out = {0};

        live(&s, -1, is_over);
        live(&s, 5, is_idle);
        app_paint(s.app, s.h, s.w);
        surface_dump(s.app->surface, &out);
        std_text(out.data ? out.data : "");
        buf_free(&out);
    }
    if (ok && *s.app->tape.damage)
        ok = err_set(err, ERR_FORMAT, "%s", s.app->tape.damage);
    app_finish(s.app);
    free(text);
    return ok;
}
