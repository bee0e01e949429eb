/* What a view is: one full-screen page, such as Edit, Heatmap or Query.
 *
 * A view provides a struct view_ops: a name, the actions of its footer, the size of its state, and
 * functions, most of them optional. The app (views/shell/app.c) makes a view when it is first
 * shown and keeps it, with its state, until the program ends. It calls:
 *
 *   open      each time the view is shown
 *   event     for each event of the engine, also while the view is hidden; ui_state has it already
 *   key       a key, for views with text fields, before the keymap sees it
 *   action    what a key means in the keymap ("attribute"); false: the app handles it
 *   command   a line such as ":diff 1 2"
 *   click, wheel, find, find_next, filter
 *   draw      each frame; from ui_state and the view's state alone, on nothing but the surface
 *   wants     a neuron whose promoted tokens the view would like to show
 *   work      each turn of the loop, for numbers that take time, or a file that grows
 *   table     the rows behind the picture, for :export
 *
 * What a view shows is in struct ui_state, which all views share: results, parameters, the present
 * fact, the cursor's layer and neuron. A view's own state is small: where its list is scrolled,
 * what is being typed. It never stores a result that ui_state has, so two views cannot disagree.
 *
 * A view changes things through its struct host only: it posts commands to the engine, opens
 * another view by name, shows a message, asks a question. It never waits for an answer; the answer
 * comes as an event. Views do not know each other, the terminal or the app, and so tests draw them
 * with a host of their own.
 *
 * To add one, write views/screens/NAME.c that exports `const struct view_ops view_NAME`, and add
 * NAME to VIEWS below. Everything here runs in the UI thread. */
#ifndef VIEWS_VIEW_H
#define VIEWS_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/engine/engine.h"
#include "tui/field.h"
#include "tui/key.h"
#include "tui/surface.h"
#include "views/actions.h"
#include "views/ui_state.h"

struct view;
struct host;
struct table;
struct buf;

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_ERROR };

/* A dialog with two buttons: Cancel is selected at first, y confirms, n and Esc cancel. If `typed`,
 * the word yes must be typed instead. */
struct question {
    char title[80], text[600], yes[24]; /* text may hold line breaks; yes: the confirming button */
    bool typed;
    void (*confirmed)(struct host *host, const struct question *question);
    struct view *view; /* the view that asks, or NULL; for `confirmed` */
    int number;        /* for `confirmed`, such as the number of an edit */
};

/* What the program can go on with. */
enum visit {
    VISIT_NEW,       /* a new session without a name, on the open model */
    VISIT_SESSION,   /* a session file, on its own model */
    VISIT_RECORDING, /* a recording, played */
    VISIT_RUN,       /* a RUN file, shown */
    VISIT_DEMO,      /* the recording that comes with the program */
};

/* What a view may ask of the program around it. The app, --plain and tests each fill one. */
struct host {
    struct ui_state *ui;
    /* Sends a command to the engine; what the command points to is handed over. Returns the job's
     * number, or 0 if it was refused (a message says why). */
    unsigned (*post)(struct host *host, struct command *cmd);
    void (*cancel)(struct host *host, unsigned job); /* may be NULL */
    void (*open)(struct host *host, const char *view);
    /* Shows one line above the footer and appends it to the log. In the format, "{attribute}" is
     * the key of that action (hint.h). */
    void (*message)(struct host *host, enum tone tone, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
    /* The same in TONE_PLAIN, of a job that waits or runs: the line leaves when the job ends. */
    void (*message_of_job)(struct host *host, unsigned job, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
    /* Opens the dialog; the question is copied. */
    void (*confirm)(struct host *host, const struct question *question);
    /* Opens the input line at the bottom. The sign, such as ":set beta_ge=", stands before the text
     * and says what Enter does with it; only the text is edited. */
    void (*prompt)(struct host *host, const char *sign, const char *text);
    /* Call it after a parameter changed: masks are built again before the next frame, and gain and
     * leak are estimated once no key has come for a moment. */
    void (*params_changed)(struct host *host);
    bool (*run)(struct host *host, enum action action);  /* as if its key had been pressed */
    void (*reopen)(struct host *host, const char *path); /* opens another model; may be NULL */
    /* Goes on with another session, or leaves the model for a recording; asks first where work
     * would be lost. May be NULL. */
    void (*visit)(struct host *host, enum visit what, const char *path);
    bool (*copy)(struct host *host, const char *text); /* to the clipboard; may be NULL */
};

struct view_ops {
    const char *name, *title; /* "history": what :open takes; goldens are named after it */
    const char *tab;          /* in a narrow row of tabs; NULL: the title; "": only its key */
    /* "attribute *enter:ask": actions, most useful first, [:another label]; * before those that the
     * engine answers in this view alone, ? before those that are shown only
     * while there is something to commit, discard or stop. */
    const char *footer;
    size_t size;  /* bytes of view->state, which is zeroed before the first open */
    bool overlay; /* closing it goes back to the view before, even while a job runs */
    void (*open)(struct view *v);                          /* optional: each time it is shown */
    void (*close)(struct view *v);                         /* optional: frees what state owns */
    void (*event)(struct view *v, const struct event *ev); /* optional; ui_event() ran before */
    bool (*key)(struct view *v, const struct key *key);    /* optional: text fields; true: used */
    /* Optional: the text field that takes the keys now; NULL: none. */
    const struct field *(*field)(const struct view *v);
    bool untabbed; /* it has no tab: the program begins with it, a key or Models' footer shows it */
    bool (*has_tab)(const struct ui_state *d); /* optional: whether it has one now */
    const char *field_keys; /* its footer: "enter:accept tab:next esc:leave", keys by name */
    bool (*click)(struct view *v, struct rect area, int y, int x); /* optional; true: used */
    /* Optional: the mouse wheel at (y, x), by -1 up or 1 down; false: it moves the selection. */
    bool (*wheel)(struct view *v, struct rect area, int y, int x, int by);
    /* Optional: the pane with the focus, as views/glossary.h calls it; NULL: the view's name. */
    const char *(*place)(const struct view *v);
    /* Returns false for an action that this view does not handle; the app then handles it. */
    bool (*action)(struct view *v, enum action action);
    void (*find)(struct view *v, const char *text); /* optional: what / finds; else find_next */
    bool (*find_next)(struct view *v, const char *text, int by); /* optional: n 1, N -1 */
    void (*filter)(struct view *v, const char *text);            /* optional: \\; "" shows all */
    /* Optional: `:word rest` with blanks around rest removed; false: not handled here. List the
     * word in commands.h, so that it is completed and explained. */
    bool (*command)(struct view *v, const char *word, const char *rest);
    /* Draws the view on the area. Changes nothing but the surface. */
    void (*draw)(const struct view *v, struct surface *s, struct rect area);
    /* Optional: the rows of the screen that the whole of the view takes in so many columns. A
     * picture in a file has as many. */
    int (*height)(const struct view *v, int cols);
    /* Optional: a neuron on the screen whose promoted tokens are not known yet; false: none. They
     * are fetched while nothing else runs. */
    bool (*wants)(const struct view *v, struct neuron_place *out);
    /* Optional: called in each turn of the loop while the view is shown, for work that takes time:
     * a little of it. *again: seconds until it wants to go on; -1: not before something happens.
     * True: the picture changes. */
    bool (*work)(struct view *v, double *again);
    /* Optional: the rows behind the view, for :export; false: there are none yet. */
    bool (*table)(struct table *table, const struct ui_state *d);
    /* Optional: appends what its rows and its picture are about; else that is the fact at hand
     * (ui_about()). Such a view has no page. */
    void (*about)(const struct ui_state *d, struct buf *out);
    /* Optional: a figure of its own for :export FILE.svg; else that is the screen as it is. False:
     * there is nothing to show yet. */
    bool (*figure)(const struct ui_state *d, struct buf *out);
};

struct view {
    const struct view_ops *ops;
    struct host *host;
    void *state;
};

/* The list of views; 1 to 8 are the first, in order. */
#define VIEWS(X) \
    X(edit)      \
    X(heatmap)   \
    X(neurons)   \
    X(ratios)    \
    X(lens)      \
    X(query)     \
    X(compare)   \
    X(history)   \
    X(facts)     \
    X(sweep)     \
    X(run)       \
    X(models)    \
    X(sessions)  \
    X(relations) \
    X(verdict)   \
    X(options)   \
    X(jobs)      \
    X(log)       \
    X(help)
#define VIEW_OPS(name) extern const struct view_ops view_##name;
VIEWS(VIEW_OPS)
#undef VIEW_OPS
extern const struct view_ops *const views[]; /* NULL ends it (views/screens/views.c) */

extern const char *const view_names[]; /* NULL ends it */
/* The static copy of this name in view_names, so that it can be kept; NULL: no such view. */
const char *view_named(const char *name);
/* The name that looks most like this one, for "did you mean". */
const char *view_nearest(const char *name);

const struct view_ops *view_find(const char *name); /* NULL: no such view */
/* Allocates a view with zeroed state; the caller calls ops->open. view_close() frees it. */
struct view *view_open(const struct view_ops *ops, struct host *host);
void view_close(struct view *v);

#endif
