/* The real terminal: colours it can show, frames out, keys in, and a clean way out.
 *
 * There is one, so there is no handle. Everything but term_block_signals() belongs to the thread
 * that called term_open(). term.c is the one file that includes curses. Where none is open, redraw,
 * suspend and copy do nothing. */
#ifndef TUI_TERM_H
#define TUI_TERM_H

#include "core/base/err.h"
#include "tui/key.h"
#include "tui/theme.h"

struct term_options {
    const char *color; /* "auto" (or NULL), "always", "never", "8", "16", "256", "direct" */
    bool ascii;        /* no glyphs beyond ASCII whatever the locale says */
    bool mouse;
    const char *log;    /* where file descriptor 2 goes while the screen is open; NULL: nowhere */
    const char *report; /* where a crash is written about; NULL: nowhere */
    const char *version;
};

/* Resizes and the signals that end a program are let in only while term_wait() sleeps. Call it
 * before any thread is made, so that none of them is handed such a signal. */
void term_block_signals(void);
/* What term_open() would say of a terminal that cannot do it, without touching it. */
bool term_check(struct err *err);
/* ERR_USAGE, with what to do instead, where there is no terminal that can place a cursor. */
bool term_open(const struct term_options *options, struct err *err);
void term_close(void); /* safe to call twice */

struct caps term_caps(void);
/* One line worth telling the user about what was found ("TERM=foo is not known here: ..."). */
const char *term_note(void); /* "" if there is none */
void term_size(int *h, int *w);
/* Shows the surface; only what changed is sent, in one synchronised update. */
void term_show(const struct surface *s, const struct palette *p);
void term_redraw(void); /* the next frame is sent whole */
/* The next key that is there already; false: none. */
bool term_key(struct key *key);
/* Sleeps until a key, `fd` readable (-1: none), a signal or the timeout (< 0: none). */
void term_wait(int fd, int timeout_ms);
int term_signal(void);            /* SIGTERM, SIGHUP, SIGINT that has come; 0: none */
void term_suspend(void);          /* stops the process as Ctrl-Z does; returns when it goes on */
bool term_copy(const char *text); /* to the clipboard by OSC 52; false: too long */

#endif
