/* Starts threads with a signal mask and an alternate signal stack. */
#include "core/base/thread.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/mem.h"

enum { HANDLER_STACK = 64 << 10 }; /* enough for the crash handler and its backtrace */

struct start {
    void *(*main)(void *);
    void *arg;
};

static void *thread_main(void *arg)
{
    struct start start = *(struct start *)arg;
    stack_t before, handler = {.ss_sp = xmalloc(HANDLER_STACK), .ss_size = HANDLER_STACK};
    void *result;

    free(arg);
    sigaltstack(&handler, &before);
    result = start.main(start.arg);
    sigaltstack(&before, NULL); /* sanitizers install their own and free the one they find */
    free(handler.ss_sp);
    return result;
}

void thread_mask(sigset_t *old)
{
    static const int fault[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t mask;

    sigfillset(&mask);
    for (size_t i = 0; i < sizeof(fault) / sizeof(*fault); i++)
        sigdelset(&mask, fault[i]);
    pthread_sigmask(SIG_SETMASK, &mask, old);
}

void thread_unmask(const sigset_t *old)
{
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

void thread_give_way(void)
{
#ifdef __linux__
    id_t me = (id_t)gettid();

    /* 5 below the program's own: a third of the processor when it is short */
    setpriority(PRIO_PROCESS, me, getpriority(PRIO_PROCESS, (id_t)getpid()) + 5);
#endif
}

bool thread_start(pthread_t *thread, const char *name, void *(*main)(void *), void *arg,
                  struct err *err)
{
    struct start *start = xmalloc(sizeof(*start));
    sigset_t old;
    int failed;

    *start = (struct start){main, arg};
    thread_mask(&old);
    failed = pthread_create(thread, NULL, thread_main, start);
    thread_unmask(&old);
    if (failed) {
        free(start);
        return err_set(err, ERR_LIMIT, "cannot start a thread: %s", strerror(failed));
    }
    pthread_setname_np(*thread, name);
    return true;
}
