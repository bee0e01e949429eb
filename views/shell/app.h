/* The screen program: views, keys and the loop, on a running engine. */
#ifndef VIEWS_SHELL_APP_H
#define VIEWS_SHELL_APP_H

#include "core/base/params.h"
#include "core/edit/fact.h"
#include "tui/term.h"
#include "views/view.h"

struct engine;
struct recorder;

struct app_options {
    struct term_options term;
    const char *theme;  /* NULL: dark or light to match the terminal; 16 or mono with few colours */
    const char *themes; /* a folder of more themes, or NULL */
    const char *background; /* "light", "dark"; NULL: what COLORFGBG says; "query": or the
                               terminal (OSC 11) where that says nothing */
    const char *notes;      /* shown at the start, one per line; NULL: none */
    int refresh;            /* frames a second at most; 0: 30, 10 over ssh */
    struct params params;
    bool present;            /* --present: captions and keys are shown, cells are large */
    const char *start;       /* the first view; NULL: edit */
    const struct fact *fact; /* the first one, also after `reopen`; NULL: the Eiffel Tower */
    const struct relations *relations; /* for facts written as triples; borrowed, NULL: none */
    struct recorder *recorder;         /* records the run; borrowed, NULL: not recorded */
    const char *viewed;                /* the file that `view` shows; NULL: none */
    bool recorded;                     /* the engine plays a recording, or shows a RUN file */
    /* For a recording: stops its engine and returns a new one that plays from this second on.
     * NULL: no recording, or one that cannot be resumed. */
    struct engine *(*restart_replay)(void *ctx, double from, struct err *err);
    /* Stops the engine and returns one for another model (session NULL: a fresh session). `params`
     * gets that model's parameters. NULL: the program stays with this model. */
    struct engine *(*reopen)(void *ctx, const char *model, const char *session,
                             struct params *params, struct err *err);
    /* `params` gets those of this model under a preset, as --preset names it. NULL: there is no
     * model. */
    bool (*preset)(void *ctx, const char *name, struct params *params, struct err *err);
    /* Gets what app_run() shall be followed by: a recording, a RUN file or the demo. NULL: it
     * cannot be left for one. */
    struct app_next *next;
    void *ctx;
};

/* What the user wants to see after the screen has closed. */
struct app_next {
    enum visit what; /* VISIT_NEW: nothing */
    char *path;      /* of VISIT_RECORDING and VISIT_RUN; the caller frees it */
};

/* Opens the screen on a running engine and returns when the user quits or a signal ends it. The
 * engine stays the caller's. Call term_block_signals() before engine_start(). Fails if the terminal
 * or the theme cannot be used; nothing is left open then. *ended_by is the signal, or 0. */
bool app_run(struct engine *engine, const struct app_options *options, int *ended_by,
             struct err *err);

/* The same without a terminal, driven by the lines of a script file (app_script.c; editscope(1)
 * lists the commands). A command that fails is an error that names its line, and the screen is
 * printed to standard error. `script` NULL: plays a recording to its end and prints the screen. */
bool app_script(struct engine *engine, const struct app_options *options, const char *script,
                struct err *err);

#endif
