/* The terminal's loop around the app: poll, keys, frames, resize.
 *
 * One turn (loop_turn()) does this:
 *
 *   1. app_work()      takes all events that wait and runs due timers
 *   2. term_key()      takes all keys that wait; a resize arrives as the key K_RESIZE
 *   3. draw_frame()    if something changed and a frame is due
 *   4. term_wait()     sleeps in ppoll() on the terminal and on engine_fd() until a key, an event
 * or a signal comes, or until next_timeout() milliseconds have passed
 *
 * Frames of events are limited to options->refresh per second (30; 10 over ssh), so a fast stream
 * of them cannot outrun the terminal. A key is answered at once; keys that came during a frame
 * share the next one, so a slow terminal slows them down. With nothing dirty and no timer set, the
 * timeout is -1 and an idle program uses no CPU time.
 *
 * The size is read before every frame rather than remembered: app_paint() makes the surface as
 * large as the terminal is at that moment, and curses (tui/term.c) sends only the cells that
 * differ from the last frame. SIGTERM, SIGHUP and the like end the loop through term_signal(); the
 * terminal is restored before anything is printed.
 *
 * The app itself is in app.c and needs no terminal; nothing here knows what is drawn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/std.h"
#include "tui/background.h"
#include "tui/crash_handler.h"
#include "views/shell/app_internal.h"

/* Draws and shows a frame. The crash handler gets the session and the running job, for its last
 * words. */
static void draw_frame(struct app *app)
{
    int h, w;

    term_size(&h, &w);
    app_paint(app, h, w);
    term_show(app->surface, &app->palette);
    crash_handler_set_context(app->ui.state.session, command_traits[ui_busy(&app->ui)].busy);
}

/* Milliseconds until the next frame or estimate is due; -1: only a key or an event wakes the loop.
 */
static int next_timeout(const struct app *app)
{
    double at = -1, now = clock_seconds();

    if (app->dirty && !app->replay.fast_forward)
        at = app->next_frame;
    if (app->estimate_at > 0 && !ui_is_wanted(&app->ui) && (at < 0 || app->estimate_at < at))
        at = app->estimate_at;
    if (app->work_at > 0 && (at < 0 || app->work_at < at))
        at = app->work_at;
    if (at < 0)
        return -1;
    return at <= now ? 0 : (int)((at - now) * 1000) + 1;
}

/* Takes all keys that wait. What they ask for is drawn at once. */
static void take_keys(struct app *app)
{
    struct key key;

    while (!app->quit && term_key(&key)) {
        key.at = clock_seconds();
        app_user_key(app, &key);
        app->next_frame = 0;
        app->work_at = key.at; /* another row, other numbers */
    }
}

/* One turn of the loop. A recording that is fast-forwarded (fast_forward) draws no frames on the
 * way. */
static void loop_turn(struct app *app)
{
    app_work(app);
    take_keys(app);
    if (term_signal())
        app->quit = true;
    if (app->dirty && clock_seconds() >= app->next_frame && !app->quit && !app->replay.fast_forward)
        draw_frame(app);
    if (!app->quit && !app->replay_again && !app->reopen.confirmed)
        term_wait(engine_fd(app->engine), next_timeout(app));
}

/* Shows the notes of the start, one status line each; the log keeps all of them. */
static void show_notes(struct app *app, const char *notes)
{
    while (notes && *notes) {
        size_t n = strcspn(notes, "\n");

        app->host.message(&app->host, TONE_WARN, "%.*s", (int)n, notes);
        notes += n + (notes[n] == '\n');
    }
}

/* Finds out whether the terminal has a light background: from the option, else from COLORFGBG,
 * else by asking the terminal (OSC 11, for at most 200 ms). */
static void learn_background(struct app *app, const struct app_options *options)
{
    const char *wanted = options->background;

    if (wanted && strcmp(wanted, "query") != 0)
        app->light_background = !strcmp(wanted, "light");
    else if (!background_from_environment(getenv("COLORFGBG"), &app->light_background) && wanted)
        background_query(STDIN_FILENO, 200, &app->light_background);
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
    show_notes(app, options->notes);
    if (*term_note())
        app_say(app, TONE_WARN, term_note());
    draw_frame(app);
    while (!app->quit)
        loop_turn(app);
    *ended_by = term_signal();
    term_close();
    if (*ended_by)
        std_message("ended by SIG%s", sigabbrev_np(*ended_by));
    app_print_kept(&app->ui);
    app_finish(app);
    return true;
}
