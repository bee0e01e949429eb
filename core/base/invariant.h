/* Assertions: conditions that only a bug in the program can break. What a file, a user or a device
 * can cause is an error (err.h), never an invariant.
 *
 * A broken invariant ends the program with SIGABRT and a line that names file, line and condition.
 * While the screen is open the crash handler (tui/crash_handler.h) first restores the terminal and
 * then prints that line; otherwise it goes to standard error directly. Works in release builds,
 * unlike the one of assert.h. Any thread; if several fail at once, the first one is reported. */
#ifndef CORE_BASE_INVARIANT_H
#define CORE_BASE_INVARIANT_H

#define invariant(holds) ((holds) ? (void)0 : invariant_broken(__FILE__, __LINE__, #holds))

_Noreturn void invariant_broken(const char *file, int line, const char *what);
/* Ends the program in the same way for a reason that is not a bug: out of memory. */
_Noreturn void invariant_give_up(const char *why);
/* For the crash handler: why the program ends, "" if neither function was called.
 * Async-signal-safe. */
const char *invariant_reason(void);

#endif
