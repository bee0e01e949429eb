/* Gives the terminal back when the program is ended by a signal or crashes.
 *
 * An ending signal (SIGTERM, SIGHUP, SIGINT, SIGQUIT) is only noted; the loop sees it and quits in
 * order. A crash (SIGSEGV, SIGABRT ...) restores the screen and the terminal's modes at once,
 * writes a report, prints where the report and the session are, and dies of the same signal. There
 * is one terminal, so there is no handle. All functions but the handlers run in the thread that
 * owns the terminal. */
#ifndef TUI_CRASH_HANDLER_H
#define TUI_CRASH_HANDLER_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

struct crash_options {
    int fd;                       /* of the terminal */
    int message_fd;               /* where a crash prints its message; -1: nowhere */
    const struct termios *before; /* modes to go back to */
    const char *report;           /* path of the crash report; NULL: none is written */
    const char *version;
};

/* Blocks SIGWINCH, SIGTSTP and the ending signals in this thread, and in threads made later. Call
 * it before any thread is made, so that only the UI thread gets them, inside ppoll(). */
void crash_handler_block(void);
/* The signal mask to sleep with: the current one without the signals above. */
void crash_handler_open_mask(sigset_t *mask);

/* Adds bytes that a crash writes to put the screen back. Call it before crash_handler_start();
 * bytes that do not fit 255 are dropped. */
void crash_handler_restore(const char *bytes, unsigned long n);
/* Installs the handlers. *options is copied. */
void crash_handler_start(const struct crash_options *options);
/* Call it after the terminal was restored. Signals have their default effect from here on, and a
 * crash no longer touches the terminal. */
void crash_handler_end(void);
/* true while the program is stopped (Ctrl-Z): the screen belongs to the shell. */
void crash_handler_hold(bool held);

/* The ending signal that has come; 0: none. */
int crash_handler_signal(void);
/* The terminal has gone away: treated as SIGHUP. */
void crash_handler_terminal_lost(void);
/* Whether SIGTSTP has come since the last call. */
bool crash_handler_stop(void);

/* What a crash report names: the session's path and the running job's words ("" for none). Copied.
 */
void crash_handler_set_context(const char *session, const char *job);

#endif
