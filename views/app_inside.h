/* The screen program's own state, seen by app*.c alone. */
#ifndef VIEWS_APP_INSIDE_H
#define VIEWS_APP_INSIDE_H

#include "core/base/clock.h"
#include "tui/field.h"
#include "tui/theme.h"
#include "views/app.h"
#include "views/chrome.h"
#include "views/commands.h"

enum { VIEWS_MAX = 24, LINES_KEPT = 500 };

struct app {
    struct host host; /* first: what views hold is the app */
    struct engine *engine;
    struct desk desk;
    struct view *view[VIEWS_MAX]; /* in the order of views[]; made when first opened */
    int at, before;               /* the view shown, the one Esc goes back to */
    struct surface *surface;
    struct theme theme;
    const char *theme_folder; /* the caller's, or NULL */
    bool light;               /* the terminal's ground, as far as is known */
    struct palette palette;
    struct question question;
    bool asking, confirm_selected;
    struct field line; /* the command line */
    bool typing;
    char *lines[LINES_KEPT]; /* typed before, also by runs before; oldest first */
    int line_count;
    int recalled;                 /* index of the line shown; line_count: none */
    char *typed;                  /* what was typed before Up or Tab replaced it, or NULL */
    struct candidates candidates; /* what Tab offers for it */
    int offered;                  /* the candidate shown, -1: none yet */
    double clicked;               /* when and where the mouse last was */
    int click_y, click_x;
    char *sought; /* what / or \ was last given, or NULL */
    char said[400];
    enum tone tone;
    bool dirty, paused, quit, knobs_moved;
    double weigh_at;          /* 0: nothing to weigh */
    double next_frame, frame; /* seconds, CLOCK_MONOTONIC */
    char known_state[17];     /* the state that look and history are about */
};

void app_open(struct app *app, const char *view);
void app_say(struct app *app, enum tone tone, const char *text);
struct screen app_screen(const struct app *app);
bool app_action(struct app *app, enum action action); /* false: nobody's */
void app_do(struct app *app, enum action action);     /* and says so */
void app_key(struct app *app, const struct key *key);
void app_mouse(struct app *app, const struct key *key);
void app_answer(struct app *app, bool yes); /* to the question that is asked */
void app_event(struct app *app, struct event *ev);
/* The command line: a key while it is open; what it says when it is entered. */
void app_line_open(struct app *app, const char *text);
void app_line_key(struct app *app, const struct key *key);
void app_line_start(struct app *app); /* reads what earlier runs were told */
void app_line_finish(struct app *app);
void app_run_command(struct app *app, const char *text); /* without the : */
void app_find(struct app *app, const char *text);
void app_find_next(struct app *app, int by);
void app_filter(struct app *app, const char *text);
bool app_theme(struct app *app, const char *name, struct err *err);

#endif
