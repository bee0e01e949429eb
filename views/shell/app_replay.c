/* A recorded run: it types until its user does, and p lets it go on from where it was left. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/show.h"
#include "core/record/player.h"
#include "views/shell/app_internal.h"

static void take_over(struct app *app)
{
    app->driven = false;
    app->asking = false; /* half an answer of another hand */
    app_line_leave(app);
    engine_play_hold(app->engine);
    app_say(app, TONE_PLAIN,
            app->options->again ? "the screen is yours; p plays the recorded run on"
                                : "the screen is yours");
}

void app_user_key(struct app *app, const struct key *key)
{
    if (key->code == K_RESIZE) {
        app->dirty = true;
        return;
    }
    recorder_key(app->options->recorder, key->code, key->y, key->x, key->paste);
    if (app->driven) {
        take_over(app);
        if (action_of_key(key->code) == ACTION_PAUSE)
            return;
    }
    app_key(app, key);
}

bool app_replay_pause(struct app *app)
{
    if (!(app->tape.length > 0) || !app->options->again)
        return false;
    if (app->driven)
        take_over(app);
    else
        app->rewind = true;
    return true;
}

/* Its user may be anywhere now, so it is played anew, in no time, to where it was left. */
void app_replay_rewind(struct app *app)
{
    double from = app->tape.what == REPLAY_END ? 0 : app->tape.at;
    struct err err = {0};
    struct engine *engine = app->options->again(app->options->ctx, from, &err);

    app->rewind = false;
    if (!engine) { /* the file has gone meanwhile; the engine before it as well */
        app->quit = true;
        return;
    }
    app->tape = (struct replay_position){.fast_forward = from > 0};
    app_restart(app, engine);
}

void app_replay(struct app *app, struct event *ev)
{
    struct replay_position *t = ev->replay;
    struct key key = {.code = t->code, .y = t->y, .x = t->x, .paste = t->paste};
    bool first = !(app->tape.length > 0);

    if (first || app->tape.fast_forward != t->fast_forward)
        app->dirty = true;
    if (first && t->what != REPLAY_END) {
        app->driven = true;
        if (app->options->again)
            app_say(app, TONE_PLAIN, "a recorded run: any key takes over, p pauses and plays on");
    }
    if (app->driven || first || t->what == REPLAY_END)
        app->tape = *t;
    if (app->driven && t->what == REPLAY_KEY)
        app_key(app, &key);
    else if (app->driven && t->what == REPLAY_SIZE && app->offscreen && t->y > 0 && t->y <= 500 &&
             t->x > 0 && t->x <= 1000)
        app_paint(app, t->y, t->x);
    if (app->driven && t->what == REPLAY_END) {
        app->driven = false;
        if (app->options->again)
            app_say(app, TONE_PLAIN,
                    "the recorded run ends here; look around, p plays it from the beginning");
    }
    app->dirty = true;
    show_print(app->tape_words, sizeof(app->tape_words), "%s recorded run %d:%02d of %d:%02d",
               app->driven ? "▶" : "‖", (int)app->tape.at / 60, (int)app->tape.at % 60,
               (int)app->tape.length / 60, (int)app->tape.length % 60);
    event_free(ev);
}

const char *app_replay_words(const struct app *app)
{
    return app->tape.length > 0 ? app->tape_words : NULL;
}
