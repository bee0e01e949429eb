/* The terminal's loop around the app: keys in, frames out, sleep until something happens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/std.h"
#include "tui/background.h"
#include "tui/crash_handler.h"
#include "views/shell/app_internal.h"

static void draw(struct app *app)
{
    int h, w;

    term_size(&h, &w);
    app_paint(app, h, w);
    term_show(app->surface, &app->palette);
    crash_handler_set_context(app->ui.state.session, command_traits[ui_busy(&app->ui)].busy);
}

static int timeout(const struct app *app)
{
    double at = -1, now = clock_seconds();

    if (app->dirty && !app->tape.fast_forward)
        at = app->next_frame;
    if (app->weigh_at > 0 && !ui_busy(&app->ui) && (at < 0 || app->weigh_at < at))
        at = app->weigh_at;
    if (at < 0)
        return -1;
    return at <= now ? 0 : (int)((at - now) * 1000) + 1;
}

static void turn(struct app *app)
{
    struct key key;

    app_work(app);
    while (!app->quit && term_key(&key))
        app_user_key(app, &key);
    if (term_signal())
        app->quit = true;
    if (app->dirty && clock_seconds() >= app->next_frame && !app->quit && !app->tape.fast_forward)
        draw(app);
    if (!app->quit && !app->rewind && !app->other.confirmed)
        term_wait(engine_fd(app->engine), timeout(app));
}

static void say_notes(struct app *app, const char *notes)
{
    while (notes && *notes) {
        size_t n = strcspn(notes, "\n");

        app->host.message(&app->host, TONE_WARN, "%.*s", (int)n, notes);
        notes += n + (notes[n] == '\n');
    }
}

/* At once, before the engine has come to rest: it may be in the middle of something. */
static void say_ended(const struct ui_state *d, int signal)
{
    bool session = *d->state.session;

    std_message("ended by SIG%s%s%s", sigabbrev_np(signal),
                session ? "; the session is whole: editscope " : "", d->state.session);
}

/* Whether the ground is light, as the caller says, the environment, or the terminal itself. */
static void learn_background(struct app *app, const struct app_options *options)
{
    const char *said = options->background;

    if (said && strcmp(said, "query") != 0)
        app->light = !strcmp(said, "light");
    else if (!background_from_environment(getenv("COLORFGBG"), &app->light) && said)
        background_query(STDIN_FILENO, 200, &app->light);
}

bool app_run(struct engine *engine, const struct app_options *options, int *ended_by,
             struct err *err)
{
    struct app *app;

    *ended_by = 0;
    app = app_start(engine, options);
    learn_background(app, options);
    if (!term_open(&options->term, err)) {
        app_finish(app);
        return false;
    }
    if (!app_theme(app, options->theme, err)) {
        term_close();
        app_finish(app);
        return false;
    }
    say_notes(app, options->notes);
    if (*term_note())
        app_say(app, TONE_WARN, term_note());
    draw(app);
    while (!app->quit)
        turn(app);
    *ended_by = term_signal();
    term_close();
    if (*ended_by)
        say_ended(&app->ui, *ended_by);
    app_finish(app);
    return true;
}
