/* The end of a program that has found itself to be wrong: its reason is kept for whoever tells it.
 * Nothing here allocates. */
#include "core/base/invariant.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char reason[400];
static atomic_int taken, told; /* taken: somebody writes it; told: it is there */

const char *invariant_reason(void)
{
    return atomic_load(&told) ? reason : "";
}

/* abort(), with the reason on standard error where no handler would tell it. */
static _Noreturn void end(void)
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
        atomic_store(&told, 1);
    }
    end();
}

_Noreturn void invariant_give_up(const char *why)
{
    if (!atomic_exchange(&taken, 1)) {
        snprintf(reason, sizeof(reason) - 1, "%s", why);
        atomic_store(&told, 1);
    }
    end();
}
