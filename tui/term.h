/* The real terminal: opens it, sends frames, reads keys, and gives it back as it was.
 *
 * There is one terminal, so there is no handle. Everything but term_block_signals() belongs to the
 * thread that called term_open(). term.c is the one file that includes curses. Where no terminal
 * is open, term_redraw(), term_suspend() and term_copy() do nothing. */
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

/* Blocks resizes and the signals that end a program; term_wait() lets them in while it sleeps.
 * Call it before any thread is made, so that no other thread receives such a signal. */
void term_block_signals(void);
/* The checks of term_open() without touching the terminal: ERR_USAGE if standard input or output
 * is no terminal, or if TERM cannot place a cursor. */
bool term_check(struct err *err);
/* What term_open() would find, in words, for `doctor`. Opens nothing. */
struct term_report {
    bool good;          /* the screen works, and TERM's family is known */
    char terminal[240]; /* "TERM=foot has no description here: xterm-256color is used for it" */
    char colours[160];  /* "24-bit colour (COLORTERM=truecolor)" */
    char glyphs[160];   /* "UTF-8 with braille (LANG=C.UTF-8)" */
};
void term_report(struct term_report *out);
/* Opens the screen: raw mode, the alternate screen, mouse, bracketed paste, crash handler.
 * ERR_USAGE, with what to do instead, where there is no terminal that can place a cursor. */
bool term_open(const struct term_options *options, struct err *err);
/* Restores screen, modes, signals and standard error. Safe to call twice. */
void term_close(void);

struct caps term_caps(void);
/* One line worth showing the user about what was found, such as "TERM=foo is not known here: ...";
 * "" if there is none. */
const char *term_note(void);
void term_size(int *h, int *w);
/* Shows the surface. Only what differs from the last frame is sent, as one synchronised update. */
void term_show(const struct surface *s, const struct palette *p);
/* The next frame is sent whole, for a screen that something else has written on. */
void term_redraw(void);
/* Reads the next key that has arrived; false: none is waiting. */
bool term_key(struct key *key);
/* Sleeps until a key, until `fd` (-1: none) is readable, a signal, or the timeout (< 0: none). */
void term_wait(int fd, int timeout_ms);
/* The ending signal that has come (SIGTERM, SIGHUP, SIGINT, SIGQUIT); 0: none. */
int term_signal(void);
/* Stops the process, as Ctrl-Z does in other programs; returns when it is continued. */
void term_suspend(void);
/* Copies text to the clipboard by OSC 52; false if it is longer than 8192 bytes or no terminal is
 * open. */
bool term_copy(const char *text);

#endif
