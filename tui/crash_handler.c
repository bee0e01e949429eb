/* What is left to do when the program must end at once: give the terminal back, say why. */
#include "tui/crash_handler.h"

#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/invariant.h"

/* All a handler may touch: nothing here is allocated. */
static struct {
    volatile sig_atomic_t active, signal, stop;
    int fd, said;
    struct termios before;
    char restore[256];
    size_t restore_len;
    char report[1024], version[64], session[1024], job[64];
} rescue;

static const int ending[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
static const struct {
    int number;
    const char *name;
} crashing[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGILL, "SIGILL"},  {SIGFPE, "SIGFPE"},
                {SIGTRAP, "SIGTRAP"}, {SIGSYS, "SIGSYS"}, {SIGABRT, "SIGABRT"}};

enum { ENDING = sizeof(ending) / sizeof(*ending), CRASHING = sizeof(crashing) / sizeof(*crashing) };

static void on_ending(int sig)
{
    rescue.signal = sig;
}

static void on_stop(int sig)
{
    (void)sig;
    rescue.stop = 1;
}

static void put(int fd, const char *text)
{
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        return; /* nothing left to try */
}

static const char *name_of(int sig)
{
    for (int i = 0; i < CRASHING; i++)
        if (crashing[i].number == sig)
            return crashing[i].name;
    return "a signal";
}

static void report(int sig)
{
    int fd = *rescue.report
                 ? open(rescue.report, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)
                 : -1;
    void *frame[64];

    if (fd < 0)
        return;
    put(fd, rescue.version);
    put(fd, "\nsignal ");
    put(fd, name_of(sig));
    put(fd, "\njob ");
    put(fd, *rescue.job ? rescue.job : "none");
    put(fd, "\nsession ");
    put(fd, *rescue.session ? rescue.session : "none");
    put(fd, "\nreason ");
    put(fd, *invariant_reason() ? invariant_reason() : "none");
    put(fd, "\n");
    backtrace_symbols_fd(frame, backtrace(frame, 64), fd);
    close(fd);
}

static void say(int sig)
{
    put(rescue.said, "editscope: crashed (");
    put(rescue.said, name_of(sig));
    put(rescue.said, ")");
    if (*invariant_reason()) {
        put(rescue.said, ": ");
        put(rescue.said, invariant_reason());
    }
    if (*rescue.job) {
        put(rescue.said, " while ");
        put(rescue.said, rescue.job);
    }
    if (*rescue.report) {
        put(rescue.said, "; report: ");
        put(rescue.said, rescue.report);
    }
    if (*rescue.session) {
        put(rescue.said, "; the session is whole: editscope ");
        put(rescue.said, rescue.session);
    }
    put(rescue.said, "\n");
}

/* In whichever thread the fault is. Calls write, tcsetattr, open, backtrace (loaded before, so that
 * it allocates nothing), signal, raise. Of several threads that crash the first one tells it; the
 * others wait for the end. A crash in here ends the program. */
static void on_crash(int sig)
{
    static atomic_flag crashed = ATOMIC_FLAG_INIT;
    static pthread_t first;

    if (!atomic_flag_test_and_set(&crashed)) {
        first = pthread_self();
        if (rescue.active) {
            rescue.active = 0;
            put(rescue.fd, rescue.restore);
            tcsetattr(rescue.fd, TCSANOW, &rescue.before);
            report(sig);
            say(sig);
        } else if (*invariant_reason()) { /* the terminal is in other hands: that alone is told */
            put(STDERR_FILENO, "editscope: ");
            put(STDERR_FILENO, invariant_reason());
            put(STDERR_FILENO, "\n");
        }
    } else if (!pthread_equal(first, pthread_self())) {
        for (;;)
            pause();
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

static void late_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGWINCH);
    sigaddset(set, SIGTSTP);
    for (int i = 0; i < ENDING; i++)
        sigaddset(set, ending[i]);
}

void crash_handler_block(void)
{
    sigset_t set;

    late_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void crash_handler_open_mask(sigset_t *mask)
{
    sigset_t late;

    late_signals(&late);
    pthread_sigmask(SIG_SETMASK, NULL, mask);
    for (int sig = 1; sig < 32; sig++)
        if (sigismember(&late, sig) == 1)
            sigdelset(mask, sig);
}

void crash_handler_restore(const char *bytes, unsigned long n)
{
    if (rescue.restore_len + n >= sizeof(rescue.restore))
        return;
    memcpy(rescue.restore + rescue.restore_len, bytes, n);
    rescue.restore_len += n;
    rescue.restore[rescue.restore_len] = '\0';
}

void crash_handler_start(const struct crash_options *o)
{
    static char stack[1 << 16];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction crash = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
    struct sigaction end = {.sa_handler = on_ending}, stop = {.sa_handler = on_stop};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    void *frame[1];

    rescue.fd = o->fd;
    rescue.said = o->said;
    rescue.before = *o->before;
    rescue.signal = rescue.stop = 0;
    snprintf(rescue.report, sizeof(rescue.report), "%s", o->report ? o->report : "");
    snprintf(rescue.version, sizeof(rescue.version), "%s", o->version ? o->version : "");
    backtrace(frame, 1); /* loads what it needs now */
    sigaltstack(&alternative, NULL);
    crash_handler_block();
    for (int i = 0; i < CRASHING; i++)
        sigaction(crashing[i].number, &crash, NULL);
    for (int i = 0; i < ENDING; i++)
        sigaction(ending[i], &end, NULL);
    sigaction(SIGTSTP, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    rescue.active = 1;
}

void crash_handler_hold(bool held)
{
    struct sigaction stop = {.sa_handler = held ? SIG_DFL : on_stop};
    sigset_t set;

    rescue.active = !held;
    sigaction(SIGTSTP, &stop, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    pthread_sigmask(held ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

void crash_handler_end(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL}, ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    rescue.active = 0;
    rescue.restore_len = 0;
    for (int i = 0; i < ENDING; i++)
        sigaction(ending[i], &usual, NULL);
    if (rescue.signal == SIGHUP) /* a terminal that goes says so more than once */
        sigaction(SIGHUP, &ignore, NULL);
    sigaction(SIGTSTP, &usual, NULL);
    late_signals(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int crash_handler_signal(void)
{
    return rescue.signal;
}

void crash_handler_terminal_lost(void)
{
    rescue.signal = SIGHUP;
}

bool crash_handler_stop(void)
{
    bool stop = rescue.stop;

    rescue.stop = 0;
    return stop;
}

void crash_handler_set_context(const char *session, const char *job)
{
    if (strcmp(rescue.session, session) != 0)
        snprintf(rescue.session, sizeof(rescue.session), "%s", session);
    if (strcmp(rescue.job, job) != 0)
        snprintf(rescue.job, sizeof(rescue.job), "%s", job);
}
