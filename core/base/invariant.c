/* Ends the program after a broken invariant. The reason is stored for the crash handler. Nothing
 * here allocates, because memory may have run out. */
#include "core/base/invariant.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char reason[400];
/* taken: a thread is writing `reason`, and no other may; ready: it is complete. */
static atomic_int taken, ready;

const char *invariant_reason(void)
{
    return atomic_load(&ready) ? reason : "";
}

/* Calls abort(). Prints the reason first if no crash handler is installed that would print it. */
static _Noreturn void abort_with_reason(void)
{
    struct sigaction now;
    static const char name[] = "editscope: ";

    if (!sigaction(SIGABRT, NULL, &now) && now.sa_handler == SIG_DFL && *invariant_reason()) {
        size_t n = strlen(reason);

        reason[n] = '\n';
        if (write(STDERR_FILENO, name, sizeof(name) - 1) < 0 ||
            write(STDERR_FILENO, reason, n + 1) < 0)
            abort();
    }
    abort();
}

_Noreturn void invariant_broken(const char *file, int line, const char *what)
{
    if (!atomic_exchange(&taken, 1)) {
        snprintf(reason, sizeof(reason) - 1, "%s:%d: does not hold: %s", file, line, what);
        atomic_store(&ready, 1);
    }
    abort_with_reason();
}

_Noreturn void invariant_give_up(const char *why)
{
    if (!atomic_exchange(&taken, 1)) {
        snprintf(reason, sizeof(reason) - 1, "%s", why);
        atomic_store(&ready, 1);
    }
    abort_with_reason();
}
