/* The program as a screen: windows, keys, the loop. */
#ifndef VIEWS_SHELL_APP_H
#define VIEWS_SHELL_APP_H

#include "core/base/params.h"
#include "core/edit/fact.h"
#include "tui/term.h"

struct engine;
struct recorder;

struct app_options {
    struct term_options term;
    const char *theme;      /* NULL: dark or light as the ground is, 16 or mono with few colours */
    const char *themes;     /* a folder of more themes, or NULL */
    const char *background; /* "light", "dark"; NULL: what COLORFGBG says; "query": or the
                               terminal (OSC 11) where that says nothing */
    const char *notes;      /* said at the start, a line each; NULL: none */
    int refresh;            /* frames a second at most; 0: 30, 10 over ssh */
    struct params params;
    const struct fact *fact;           /* the first one; NULL: the Eiffel Tower */
    const struct relations *relations; /* that triples can name; borrowed, NULL: none */
    struct recorder *recorder;         /* keeps the run; borrowed, NULL: nobody does */
    /* Of a recorded run: its engine anew, driving from this second on; the old one has been
     * stopped. NULL: no recorded run, or one that cannot go on. */
    struct engine *(*again)(void *ctx, double from, struct err *err);
    /* An engine of another model (its session: NULL is a fresh one); the old one has been stopped.
     * `params` gets what suits the model. NULL: only this model is looked at. */
    struct engine *(*reopen)(void *ctx, const char *model, const char *session,
                             struct params *params, struct err *err);
    void *ctx;
};

/* Opens the screen on a running engine and stays until the user leaves or a signal ends it. The
 * engine stays the caller's. Call term_block_signals() before engine_start(). Errors are those
 * of the terminal and the theme; nothing is left open then. *ended_by is the signal, or 0. */
bool app_run(struct engine *engine, const struct app_options *options, int *ended_by,
             struct err *err);

/* The same without a terminal, driven by the lines of a script (editscope(1) lists them). What it
 * expected and did not find is ERR_ACCEPT, naming the line; the picture then goes to standard
 * error. `script` NULL: a recorded run is played to its end. */
bool app_script(struct engine *engine, const struct app_options *options, const char *script,
                struct err *err);

#endif
