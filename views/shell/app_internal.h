/* State of the screen program. Only app*.c and plain*.c include this header. */
#ifndef VIEWS_SHELL_APP_INTERNAL_H
#define VIEWS_SHELL_APP_INTERNAL_H

#include "core/base/clock.h"
#include "core/record/recorder.h"
#include "tui/field.h"
#include "tui/theme.h"
#include "views/commands.h"
#include "views/hint.h"
#include "views/param_undo.h"
#include "views/shell/app.h"
#include "views/shell/caption.h"
#include "views/shell/frame.h"
#include "views/shell/terms.h"
#include "views/shell/tour.h"

enum { VIEWS_MAX = 24, LINES_KEPT = 500 };

/* What takes the keys as text or as an answer; TAKER_NONE: they are looked up in the keymap. */
enum taker { TAKER_NONE, TAKER_FIELD, TAKER_LINE, TAKER_DIALOG };

/* The whole screen program. Only the UI thread touches it. */
struct app {
    struct host host;             /* first: a view's host pointer is cast back to the app */
    struct engine *engine;        /* borrowed; replaced when another model is opened */
    struct ui_state ui;           /* the newest of everything the engine has sent */
    struct view *view[VIEWS_MAX]; /* in the order of views[]; made when first opened */
    int shown;                    /* index of the view on the screen */
    int came_from[VIEWS_MAX];     /* where Esc goes back to from each view; -1: nowhere */
    struct surface *surface;      /* the cells of one frame */

    struct theme theme;
    struct theme *theme_before; /* the theme to restore while :theme previews another, else NULL */
    const char *theme_folder;   /* the caller's, or NULL */
    bool light_background;      /* what is known of the terminal */
    struct palette palette;     /* theme and terminal: what a role looks like */

    struct question question; /* the open dialog, if asking */
    bool asking, confirm_selected;
    unsigned questions;     /* how many were asked so far */
    struct field reply;     /* what is typed in a dialog that wants "yes" */
    struct {                /* keys that belong to what has just closed (app_burst.c) */
        double began, last; /* when it closed, 0: nothing has; the last key ignored */
        bool answered;      /* it was a dialog, or would have been one */
    } burst;

    struct field line;  /* the command line without its sign, open if typing */
    char line_sign[96]; /* ":", "/", "\\", or the beginning of a command: ":set beta_ge=" */
    bool typing;
    char *lines[LINES_KEPT]; /* lines entered before, also by earlier runs; oldest first */
    int line_count;
    int recalled;                   /* index in lines[] of the line shown; line_count: none */
    char *typed_text;               /* what was typed before Up or Tab replaced it, or NULL */
    struct completions completions; /* completions of the line */
    int offered;                    /* the candidate shown, -1: none yet */
    char *searched;                 /* the last text given to / or \, or NULL */

    double click_time; /* of the last click, with its cell: for double clicks */
    int click_y, click_x;

    struct { /* the last message (app_message.c) */
        char text[400];
        enum tone tone;
        double at;       /* when it was said */
        unsigned number; /* how many were said so far */
        bool by_key;     /* while a key was handled */
        bool in_field;   /* while a text field was open */
        unsigned job;    /* it says that this job runs; 0: it is about no job */
        bool of_preview; /* it says what a preview found */
        bool of_moments; /* it says that second moments are summed first */
    } message;
    int keys_handled;        /* keys being handled now: 0, 1, or 2 for Alt-Enter */
    unsigned message_at_key; /* the number of the last message when that key came */

    struct param_undo param_undo;     /* earlier parameter values, for Z */
    struct {                          /* opening another model (app_model.c) */
        char *path, *session;         /* to open before the next frame, or NULL */
        bool confirmed;               /* the user has agreed, or nothing is lost by it */
        char *old_path, *old_session; /* the model before, while the new one loads */
        char why[320];                /* why the new one failed: the old one is opened again */
        char why_again[320];          /* the same text, shown again when the old one is ready */
        struct params params;         /* of the open model */
    } reopen;

    unsigned restarts;    /* how often app_restart() ran: another engine, other job numbers */
    struct app_next next; /* what the screen is left for, once the user has agreed */

    bool dirty, paused, quit;
    bool params_changed;      /* parameters changed since the masks were built */
    double estimate_at;       /* when gain and leak are due; 0: not due */
    double work_at;           /* when the view goes on with its work; 0: not before an event */
    bool working;             /* it has more to do at once */
    double next_frame, frame; /* seconds, CLOCK_MONOTONIC; frame: the shortest time between two */
    char known_state[17];     /* the state for which prompt info and history were requested */
    const struct app_options *options;

    struct terms terms; /* the box of K */
    struct tour tour;
    struct key_cast cast;        /* the keys that were pressed last */
    struct caption caption;      /* of the next frame, by app_caption() */
    bool captioned;              /* it is shown */
    char caption_text[HINT_MAX]; /* its sentence, where keys are named in it */

    struct replay_position replay; /* of a recording, as last reported; length 0: no recording */
    bool replaying;                /* the recording types, and no user has yet */
    bool replay_again;             /* restart the recording at replay.at before the next frame */
    bool one_event;                /* app_work() takes one at a time: a script sees each screen, */
    bool more_events;              /* and more may wait */
    bool offscreen;                /* no terminal: the recording's screen sizes are followed */
    char replay_text[48];          /* "▶ RECORDED 0:12/1:40" for the banner */

    /* Plain mode: called after the app has taken an event; the payload is in `ui`. Or NULL. */
    void (*heard)(void *listener, const struct event *ev, enum command_kind kind);
    void *listener;

    struct event *held; /* [held_count] of a job whose state is not said yet (app_held.c) */
    int held_count;

    unsigned event_count[EV_STOPPED + 1]; /* events of each kind so far: scripts wait for them */
};

/* The program without a terminal (app.c): app_work() takes events and runs timers, app_paint()
 * draws a frame of h rows and w columns into app->surface. `options` must outlive the app. */
struct app *app_start(struct engine *engine, const struct app_options *options);
void app_work(struct app *app);
void app_paint(struct app *app, int h, int w);
void app_restart(struct app *app, struct engine *engine); /* as if just started on this engine */
/* "2 edits are kept in PATH: …", or nothing. */
void app_kept_words(const struct ui_state *d, struct buf *out);
void app_print_kept(const struct ui_state *d); /* where the edits are, for the time after it */
void app_finish(struct app *app);

/* app_held.c: events that are taken with the state that they lead to. True: the event is held. */
bool app_hold(struct app *app, struct event *ev);
/* The next held event that is to be taken before this one; false: there is none. */
bool app_hold_next(struct app *app, const struct event *before, struct event *out);
void app_hold_end(struct app *app); /* frees them */

/* A key from the user (or a script). Keys of a recording go to app_key() directly. */
void app_user_key(struct app *app, const struct key *key);
/* app_replay.c: handles an EV_REPLAY of a recording; takes the event. */
void app_replay(struct app *app, struct event *ev);
/* The time of a key, in seconds: while a recording types, its own, so that it does the same at
 * every speed; else CLOCK_MONOTONIC. */
double app_seconds(const struct app *app);
bool app_replay_pause(struct app *app); /* pause or resume; false: there is no recording */
/* app_model.c: app_reopen_ask() asks the user, app_reopen() exchanges the engine between frames. */
void app_reopen_ask(struct app *app, const char *path);
void app_visit(struct app *app, enum visit what, const char *path);
void app_reopen(struct app *app);
/* The engine stopped before its model was open. True: the previous model is opened again. */
bool app_reopen_back(struct app *app, const struct event *ev);
void app_reopen_done(struct app *app);
void app_replay_restart(struct app *app);
/* app_tour.c */
void app_tour_begin(struct app *app);
void app_tour_end(struct app *app);
void app_tour_offer(struct app *app); /* one line, at the first start only */
/* Goes on with the tour after a key or an event, and makes the caption of the next frame. */
void app_caption(struct app *app);
const char *app_replay_text(const struct app *app); /* for the banner; NULL: a live program */

/* Appends what leaving this session would lose, a line for each; nothing if it loses nothing. */
void app_lost(const struct ui_state *d, struct buf *out);

void app_open(struct app *app, const char *name);
bool app_go_back(struct app *app); /* to the view this one was opened from; false: none */

/* app_message.c */
void app_say(struct app *app, enum tone tone, const char *text);
void app_say_of_event(struct app *app, enum event_kind kind, enum tone tone, const char *text);
void app_message_drop(struct app *app);
void app_message_job_ends(struct app *app, const struct event *ev);
void app_message_before_frame(struct app *app);
struct message_mark { /* before a key: what app_message_after_key() compares */
    unsigned number;
    int shown;
    enum taker taker;
    unsigned long fact;
};
struct message_mark app_message_mark(const struct app *app);
void app_message_after_key(struct app *app, const struct message_mark *before);

/* app_burst.c */
enum taker app_taker(const struct app *app);
bool app_burst_takes(struct app *app, const struct key *key); /* true: the key is ignored */
/* From this time on; `answered`: a dialog was. */
void app_burst_begin(struct app *app, double at, bool answered);
/* After a key: begins a burst if it closed the taker that was there before, or if its action was
 * refused instead of asking in a dialog. */
void app_burst_watch(struct app *app, const struct key *key, enum action action, enum taker before,
                     unsigned questions);

struct screen app_screen(const struct app *app);
bool app_action(struct app *app, enum action action); /* false: nothing handles it here */
void app_do(struct app *app, enum action action);     /* the same; reports if nothing does */
void app_key(struct app *app, const struct key *key);
void app_mouse(struct app *app, const struct key *key);
void app_reset_knobs(struct app *app, const struct params *from); /* what the Edit view shows */
void app_answer(struct app *app, bool yes); /* the answer to the open dialog */
/* app_line.c: the command line. */
void app_line_open(struct app *app, const char *sign, const char *text);
void app_line_key(struct app *app, const struct key *key);
void app_line_close(struct app *app); /* without running it; undoes a previewed theme */
void app_line_start(struct app *app); /* reads the lines of earlier runs */
void app_line_finish(struct app *app);
/* app_run.c: what an entered line does. Texts come without the leading : / or \. */
void app_run_command(struct app *app, const char *text);
void app_find(struct app *app, const char *text);
void app_find_next(struct app *app, int by);
void app_filter(struct app *app, const char *text);
/* Writes a file and reports the outcome; `what` is the command ("export"). */
void app_write(struct app *app, const char *what, const char *path, const struct buf *text);
/* app_export.c: writes the view as a picture or as rows, by the path's ending. "" opens the
 * command line with a proposed name. */
void app_export(struct app *app, const char *path, bool over);
void app_apply_theme(struct app *app, const struct theme *theme);
bool app_theme(struct app *app, const char *name, struct err *err);

#endif
