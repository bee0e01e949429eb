/* What a view is. To add one: write views/NAME.c that exports `view_NAME`, list it in views.c.
 *
 * A view draws what the desk holds (ui_state.h) and a little state of its own (where its cursor
 * is). It asks for things through its host and knows no other view. */
#ifndef VIEWS_VIEW_H
#define VIEWS_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/engine/engine.h"
#include "tui/key.h"
#include "tui/surface.h"
#include "views/actions.h"
#include "views/ui_state.h"

struct view;
struct host;
struct table;

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_ERROR };

/* A question with a safe answer: Cancel is selected, y confirms, n and Esc do not. */
struct question {
    char title[80], text[600], yes[24]; /* text may hold line breaks */
    void (*confirmed)(struct host *host, const struct question *question);
    struct view *view; /* that asks, or NULL */
    int number;
};

/* What a view may ask of the program around it. Commands hand over what they point to. */
struct host {
    struct ui_state *ui;
    unsigned (*post)(struct host *host, struct command *cmd); /* the job, 0 if refused (said) */
    void (*open)(struct host *host, const char *view);
    void (*say)(struct host *host, enum tone tone, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
    void (*ask)(struct host *host, const struct question *question);
    /* Opens the input line at the bottom on text that begins with : (a command) or / (find). */
    void (*prompt)(struct host *host, const char *text);
    void (*knobs_moved)(struct host *host); /* parameters changed: re-mask, and weigh at rest */
    bool (*run)(struct host *host, enum action action);
    void (*reopen)(struct host *host, const char *path); /* another model; may be NULL */
    bool (*copy)(struct host *host, const char *text);   /* to the clipboard; may be NULL */
};

struct view_ops {
    const char *name, *title; /* "history": what :open takes and goldens are named after */
    const char *footer; /* "attribute enter:ask": actions, most useful first, with other words */
    size_t size;        /* of the state behind view->state, zeroed before open */
    bool overlay;       /* closing it goes back to the view before, also while a job runs */
    void (*open)(struct view *v);                          /* optional: each time it is shown */
    void (*close)(struct view *v);                         /* optional: frees what state owns */
    void (*event)(struct view *v, const struct event *ev); /* optional; the desk has taken it */
    bool (*key)(struct view *v, const struct key *key);    /* optional: text fields; true: used */
    bool (*takes_lines)(const struct view *v); /* optional: C-j and Alt-Enter break its line now */
    bool (*click)(struct view *v, struct rect area, int y, int x); /* optional */
    /* Optional: the wheel turned there, by -1 up or 1 down; false: it moves the selection. */
    bool (*wheel)(struct view *v, struct rect area, int y, int x, int by);
    bool (*action)(struct view *v, enum action action); /* false: not mine, pass it on */
    void (*find)(struct view *v, const char *text);     /* optional: what / says; else find_next */
    bool (*find_next)(struct view *v, const char *text, int by); /* optional: n 1, N -1 */
    void (*filter)(struct view *v, const char *text);            /* optional: \\, "" is all */
    /* Optional: `:word rest`, rest without blanks around it; false: not mine. List the word in
     * commands.h, so that it is completed and explained. */
    bool (*command)(struct view *v, const char *word, const char *rest);
    void (*draw)(const struct view *v, struct surface *s, struct rect area); /* pure */
    /* Optional: the neuron whose words it lacks most; false: none. They are asked for while nothing
     * else runs. */
    bool (*wants)(const struct view *v, struct neuron_place *out);
    /* Optional: the rows behind it, for export; false: there are none yet. */
    bool (*table)(struct table *table, const struct ui_state *d);
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
    X(sweep)     \
    X(facts)     \
    X(models)    \
    X(relations) \
    X(options)   \
    X(log)       \
    X(help)
#define VIEW_OPS(name) extern const struct view_ops view_##name;
VIEWS(VIEW_OPS)
#undef VIEW_OPS
extern const struct view_ops *const views[]; /* NULL ends it (views/screens/views.c) */

extern const char *const view_names[];      /* NULL ends it */
const char *view_named(const char *name);   /* the same, static; NULL: no such view */
const char *view_nearest(const char *name); /* the name most like this one */

const struct view_ops *view_find(const char *name); /* NULL: no such view */
struct view *view_open(const struct view_ops *ops, struct host *host);
void view_close(struct view *v);

#endif
