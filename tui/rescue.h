/* A clean way out for a program that has taken the terminal: signals that end it, and crashes.
 *
 * An ending signal is noted and the loop leaves in order. A crash puts the terminal back with
 * write() and tcsetattr() alone, writes a report, says where it is and where the session is, and
 * dies of the same signal. There is one terminal, so there is no handle; all but the handlers
 * runs in the thread that owns the terminal. */
#ifndef TUI_RESCUE_H
#define TUI_RESCUE_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

struct rescue_options {
    int fd;                       /* of the terminal */
    int said;                     /* descriptor a crash is said on; -1: none */
    const struct termios *before; /* modes to go back to */
    const char *report;           /* path of the crash report; NULL: none is written */
    const char *version;
};

/* Resizes, stops and ending signals are let in only by rescue_open_mask(). Call it before any
 * thread is made, so that none of them is handed such a signal. */
void rescue_block(void);
/* The mask to sleep with. */
void rescue_open_mask(sigset_t *mask);

/* Bytes that put the screen back, gathered before rescue_start(); too many are dropped. */
void rescue_restore(const char *bytes, unsigned long n);
void rescue_start(const struct rescue_options *options);
/* The terminal is back in other hands: crashes only die, ending signals end at once. */
void rescue_end(void);
void rescue_hold(bool held); /* while the program is stopped the screen is not ours */

int rescue_signal(void); /* that ends the program; 0: none */
void rescue_lost(void);  /* the terminal has gone away: as SIGHUP */
bool rescue_stop(void);  /* whether SIGTSTP has come, once */

/* What the crash message tells: the session's path ("" none), the job that runs ("" none). */
void rescue_tell(const char *session, const char *job);

#endif
