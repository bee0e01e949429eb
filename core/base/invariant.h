/* What holds unless the program itself is wrong: never what a file, a user or a device can cause.
 *
 * Where it does not hold the program dies of SIGABRT and says where. While the screen has the
 * terminal the crash handler (tui/crash_handler.h) gives that back first, and it tells; else the
 * line goes to standard error. From any thread; the first one is told. */
#ifndef CORE_BASE_INVARIANT_H
#define CORE_BASE_INVARIANT_H

#define invariant(holds) ((holds) ? (void)0 : invariant_broken(__FILE__, __LINE__, #holds))

_Noreturn void invariant_broken(const char *file, int line, const char *what);
/* Ends the program for a reason that is no mistake of it: memory that has run out. */
_Noreturn void invariant_give_up(const char *why);
/* For the crash handler: the reason, "" where there is none. Async-signal-safe. */
const char *invariant_reason(void);

#endif
