/* The screen program's own state, seen by app*.c alone. */
#ifndef VIEWS_SHELL_APP_INTERNAL_H
#define VIEWS_SHELL_APP_INTERNAL_H

#include "core/base/clock.h"
#include "core/record/recorder.h"
#include "tui/field.h"
#include "tui/theme.h"
#include "views/commands.h"
#include "views/param_undo.h"
#include "views/shell/app.h"
#include "views/shell/frame.h"

enum { VIEWS_MAX = 24, LINES_KEPT = 500 };

struct app {
    struct host host; /* first: what views hold is the app */
    struct engine *engine;
    struct ui_state ui;
    struct view *view[VIEWS_MAX]; /* in the order of views[]; made when first opened */
    int at, before;               /* the view shown, the one Esc goes back to */
    struct surface *surface;
    struct theme theme;
    struct theme *theme_before; /* while :theme previews another; else NULL */
    const char *theme_folder;   /* the caller's, or NULL */
    bool light;                 /* the terminal's ground, as far as is known */
    struct palette palette;
    struct question question;
    bool asking, confirm_selected;
    struct field line; /* the command line */
    bool typing;
    char *lines[LINES_KEPT]; /* typed before, also by runs before; oldest first */
    int line_count;
    int recalled;                  /* index of the line shown; line_count: none */
    char *typed;                   /* what was typed before Up or Tab replaced it, or NULL */
    struct completions candidates; /* what Tab offers for it */
    int offered;                   /* the candidate shown, -1: none yet */
    double clicked;                /* when and where the mouse last was */
    int click_y, click_x;
    char *sought; /* what / or \ was last given, or NULL */
    char said[400];
    enum tone tone;
    struct param_undo tuning;
    struct {                           /* another model */
        char *wanted, *wanted_session; /* to open before the next frame */
        bool confirmed;
        char *model, *session; /* those before, while the new one is being opened */
        char why[320];         /* they come back for this reason */
        char later[320];       /* the same, said again when they are there */
        struct params params;  /* of the model at hand */
    } other;
    bool dirty, paused, quit, params_changed;
    double weigh_at;          /* 0: nothing to weigh */
    double next_frame, frame; /* seconds, CLOCK_MONOTONIC */
    char known_state[17];     /* the state that look and history are about */
    const struct app_options *options;
    struct replay_position tape; /* of a recorded run, as last told; length 0: this is none */
    bool driven;                 /* the recording types, and no user has yet */
    bool rewind;                 /* it is to go on from where it was left */
    bool offscreen;              /* no terminal: sizes of the recording count */
    char tape_words[48];
    unsigned seen[EV_STOPPED + 1]; /* events of each kind so far */
};

/* Without a terminal: the state, events and timers, a picture on app->surface. `options` must
 * outlive it. */
struct app *app_start(struct engine *engine, const struct app_options *options);
void app_work(struct app *app);
void app_paint(struct app *app, int h, int w);
void app_restart(struct app *app, struct engine *engine); /* as if just started, on this one */
void app_finish(struct app *app);

/* A key of the user's, as against one that a recording types. */
void app_user_key(struct app *app, const struct key *key);
/* app_replay.c: what a recorded run says; takes the event. */
void app_replay(struct app *app, struct event *ev);
bool app_replay_pause(struct app *app); /* false: this is no recorded run */
/* Another model: asked for here, done between two frames. */
void app_reopen_ask(struct app *app, const char *path);
void app_reopen(struct app *app);
/* The engine has stopped before its model was open: true if the one before comes back. */
bool app_reopen_back(struct app *app, const struct event *ev);
void app_reopen_done(struct app *app);
void app_replay_rewind(struct app *app);
const char *app_replay_words(const struct app *app); /* for the banner; NULL: no recorded run */

void app_open(struct app *app, const char *name);
void app_say(struct app *app, enum tone tone, const char *text);
struct screen app_screen(const struct app *app);
bool app_action(struct app *app, enum action action); /* false: nobody's */
void app_do(struct app *app, enum action action);     /* and says so */
void app_key(struct app *app, const struct key *key);
void app_mouse(struct app *app, const struct key *key);
void app_answer(struct app *app, bool yes); /* to the question that is asked */
/* The command line: a key while it is open; what it says when it is entered. */
void app_line_open(struct app *app, const char *text);
void app_line_key(struct app *app, const struct key *key);
void app_line_leave(struct app *app); /* as if it had never been opened */
void app_line_start(struct app *app); /* reads what earlier runs were told */
void app_line_finish(struct app *app);
void app_run_command(struct app *app, const char *text); /* without the : */
void app_find(struct app *app, const char *text);
void app_find_next(struct app *app, int by);
void app_filter(struct app *app, const char *text);
/* A file the user has asked for, and what became of it; `what` is the command. */
void app_write(struct app *app, const char *what, const char *path, const struct buf *text);
/* Writes what is seen; the path's ending says how. "" opens the line on a name for it. */
void app_export(struct app *app, const char *path, bool over);
void app_apply_theme(struct app *app, const struct theme *theme);
bool app_theme(struct app *app, const char *name, struct err *err);

#endif
