/* Playing a recording on the screen.
 *
 * A recording is a file of events, keys and times (core/record/). Its player is an engine like any
 * other: it answers commands, and its events reach the views the usual way. Besides, it sends
 * EV_REPLAY, which only this file sees: a key that was pressed, a new screen size, the end, and
 * with each of them the position ("12 of 100 seconds").
 *
 * There are three phases, by app->replaying and app->replay_again:
 *
 *   playing      keys come from the recording. A key of the user ends this phase
 *   user has     the user moves freely; the player answers only what the recording holds.
 *   control      Keys of the recording are ignored from now on
 *   restart      p was pressed: before the next frame the app gets a new player. The user may have
 *      changed anything meanwhile, so the recording is played from its start to the position where
 * it was left, without drawing (replay.fast_forward), and continues from there at normal speed
 *
 * A recording never writes files: whoever made it does not decide what is written where it is
 * played (app_export.c, app_line.c). Keys of the user are written into the recording of this run,
 * if one is made; keys of the played recording are not. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/show.h"
#include "core/record/player.h"
#include "views/hint.h"
#include "views/shell/app_internal.h"

/* "▶ RECORDED 0:12/1:40", for the first row of the screen. */
static void write_badge(struct app *app)
{
    show_print(app->replay_text, sizeof(app->replay_text), "%s RECORDED %d:%02d/%d:%02d",
               app->replaying ? "▶" : "‖", (int)app->replay.at / 60, (int)app->replay.at % 60,
               (int)app->replay.length / 60, (int)app->replay.length % 60);
}

/* The user takes control: the player pauses, and a half-typed line or an open dialog of the
 * recording is closed. */
static void give_control(struct app *app)
{
    char text[HINT_MAX];

    app->replaying = app->tour.on = false;
    app->asking = false;
    app_line_close(app);
    write_badge(app);
    engine_play_hold(app->engine);
    app->host.message(
        &app->host, TONE_PLAIN, "%s",
        app->options->restart_replay
            ? hint_text(&app->ui, text, "you have control; {pause} resumes the recording")
            : "you have control");
}

/* A key of the user. The first one during a recording takes control and has no other effect if it
 * is the pause key; any other key then does what it always does. */
void app_user_key(struct app *app, const struct key *key)
{
    if (key->code == K_RESIZE) {
        app->dirty = true;
        return;
    }
    if (app_burst_takes(app, key))
        return;
    recorder_key(app->options->recorder, key->code, key->y, key->x, key->paste);
    if (app->replaying) {
        give_control(app);
        if (action_of_key(key->code) == ACTION_PAUSE)
            return;
    }
    app_key(app, key);
}

double app_seconds(const struct app *app)
{
    return app->replaying ? app->replay.at : clock_seconds();
}

/* The pause key (p): gives control to the user, or restarts the recording where it was left. */
bool app_replay_pause(struct app *app)
{
    if (!(app->replay.length > 0) || !app->options->restart_replay)
        return false;
    if (app->replaying)
        give_control(app);
    else
        app->replay_again = true;
    return true;
}

/* Gets a new player for the recording and resumes at the position where the old one was left;
 * after the end, from the beginning. */
void app_replay_restart(struct app *app)
{
    double from = app->replay.what == REPLAY_END ? 0 : app->replay.at;
    struct err err = {0};
    struct engine *engine = app->options->restart_replay(app->options->ctx, from, &err);

    app->replay_again = false;
    app->cast = (struct key_cast){0};
    if (!engine) { /* the file is gone, and the old engine is stopped */
        app->quit = true;
        return;
    }
    app->replay = (struct replay_position){.fast_forward = from > 0};
    app_restart(app, engine);
}

/* Handles an EV_REPLAY: a key or a size of the recording, or its end. Frees the event. */
void app_replay(struct app *app, struct event *ev)
{
    struct replay_position *t = ev->replay;
    struct key key = {.code = t->code, .y = t->y, .x = t->x, .paste = t->paste};
    bool first = !(app->replay.length > 0);

    if (first || app->replay.fast_forward != t->fast_forward)
        app->dirty = true;
    if (first && t->what != REPLAY_END) {
        app->replaying = true;
        tour_begin(&app->tour, &app->ui);
        if (app->options->restart_replay)
            app->host.message(
                &app->host, TONE_PLAIN,
                "this is a recording: any key takes control, {pause} pauses and resumes");
    }
    if (app->replaying || first || t->what == REPLAY_END)
        app->replay = *t;
    if (app->replaying && t->what == REPLAY_KEY)
        app_key(app, &key);
    else if (app->replaying && t->what == REPLAY_SIZE && app->offscreen && t->y > 0 &&
             t->y <= 500 && t->x > 0 && t->x <= 1000)
        app_paint(app, t->y, t->x);
    if (app->replaying && t->what == REPLAY_END) {
        app->replaying = app->tour.on = false;
        if (app->options->restart_replay)
            app->host.message(
                &app->host, TONE_PLAIN,
                "the recording ends here; look around, or press {pause} to play it again");
    }
    app->dirty = true;
    write_badge(app);
    event_free(ev);
}

const char *app_replay_text(const struct app *app)
{
    return app->replay.length > 0 ? app->replay_text : app->options->recorded ? "‖ RECORDED" : NULL;
}
