/* A clean way out for a program that has taken the terminal: signals that end it, and crashes.
 *
 * An ending signal is noted and the loop leaves in order. A crash puts the terminal back with
 * write() and tcsetattr() alone, writes a report, says where it is and where the session is, and
 * dies of the same signal. There is one terminal, so there is no handle; all but the handlers
 * runs in the thread that owns the terminal. */
#ifndef TUI_CRASH_HANDLER_H
#define TUI_CRASH_HANDLER_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

struct crash_options {
    int fd;                       /* of the terminal */
    int said;                     /* descriptor a crash is said on; -1: none */
    const struct termios *before; /* modes to go back to */
    const char *report;           /* path of the crash report; NULL: none is written */
    const char *version;
};

/* Resizes, stops and ending signals are let in only by crash_handler_open_mask(). Call it before
 * any thread is made, so that none of them is handed such a signal. */
void crash_handler_block(void);
/* The mask to sleep with. */
void crash_handler_open_mask(sigset_t *mask);

/* Bytes that put the screen back, gathered before crash_handler_start(); too many are dropped. */
void crash_handler_restore(const char *bytes, unsigned long n);
void crash_handler_start(const struct crash_options *options);
/* The terminal is back in other hands: crashes only die, ending signals end at once. */
void crash_handler_end(void);
void crash_handler_hold(bool held); /* while the program is stopped the screen is not ours */

int crash_handler_signal(void);         /* that ends the program; 0: none */
void crash_handler_terminal_lost(void); /* the terminal has gone away: as SIGHUP */
bool crash_handler_stop(void);          /* whether SIGTSTP has come, once */

/* What the crash message tells: the session's path ("" none), the job that runs ("" none). */
void crash_handler_set_context(const char *session, const char *job);

#endif
