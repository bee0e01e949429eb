/* Signal handlers that give the terminal back.
 *
 * Two kinds of signals, two ways:
 *
 *   ending  SIGTERM SIGHUP SIGINT SIGQUIT: on_ending() sets a flag. It interrupts ppoll() in
 *           term_wait(); the loop reads the flag, ends its work and calls term_close().
 *   crash   SIGSEGV SIGBUS SIGILL SIGFPE SIGTRAP SIGSYS SIGABRT: on_crash() does all the work
 *           itself, in whichever thread failed (in the UI thread on an alternate stack, since the
 *           fault may be a stack overflow). Then it raises the signal again with its default
 *           effect, so that the shell and a core dump see it.
 *
 * A handler may interrupt malloc() or printf() half-way, so on_crash() calls async-signal-safe
 * functions only (write, open, tcsetattr, signal, raise) and touches nothing but the struct below,
 * which is filled beforehand and holds no allocated memory. backtrace() is not on POSIX's list, but
 * glibc's only allocates when it loads libgcc the first time; crash_handler_start() calls it once
 * for that reason.
 *
 * Several threads may crash at the same time. The first one writes the report; the others sleep
 * until the process ends. A second crash inside the handler, in the same thread, skips to the end.
 *
 * Ending signals and SIGTSTP are blocked in all threads except while the UI thread sleeps in
 * ppoll(). So a flag is never set between the loop's check and its sleep, which would lose it until
 * the next key. */
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
    int fd, message_fd;
    struct termios before;
    char restore[256];
    size_t restore_len;
    char report[1024], version[64], session[1024], job[64];
} crash;

static const int ending[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
static const struct {
    int number;
    const char *name;
} crashing[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGILL, "SIGILL"},  {SIGFPE, "SIGFPE"},
                {SIGTRAP, "SIGTRAP"}, {SIGSYS, "SIGSYS"}, {SIGABRT, "SIGABRT"}};

enum { ENDING = sizeof(ending) / sizeof(*ending), CRASHING = sizeof(crashing) / sizeof(*crashing) };
enum { CRASH_LINE = 3072 }; /* bytes of the message */

static void on_ending(int sig)
{
    crash.signal = sig;
}

static void on_stop(int sig)
{
    (void)sig;
    crash.stop = 1;
}

/* write() of a string; there is nothing to do about an error here. */
static void crash_write(int fd, const char *text)
{
    if (fd >= 0 && write(fd, text, strlen(text)) < 0)
        return; /* nothing left to try */
}

static const char *signal_name(int sig)
{
    for (int i = 0; i < CRASHING; i++)
        if (crashing[i].number == sig)
            return crashing[i].name;
    return "a signal";
}

/* The report: version, signal, job, session, broken invariant, and one line per stack frame.
 * O_NOFOLLOW: another user may not point the path elsewhere by a link. */
static void write_report(int sig)
{
    int fd = *crash.report
                 ? open(crash.report, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)
                 : -1;
    void *frame[64];

    if (fd < 0)
        return;
    crash_write(fd, crash.version);
    crash_write(fd, "\nsignal ");
    crash_write(fd, signal_name(sig));
    crash_write(fd, "\njob ");
    crash_write(fd, *crash.job ? crash.job : "none");
    crash_write(fd, "\nsession ");
    crash_write(fd, *crash.session ? crash.session : "none");
    crash_write(fd, "\nreason ");
    crash_write(fd, *invariant_reason() ? invariant_reason() : "none");
    crash_write(fd, "\n");
    backtrace_symbols_fd(frame, backtrace(frame, 64), fd);
    close(fd);
}

/* Appends as much of the text as fits; there is room for a newline after it. */
static void crash_add(char out[CRASH_LINE], const char *text)
{
    size_t used = strlen(out), n = strlen(text);

    n = n < CRASH_LINE - 2 - used ? n : CRASH_LINE - 2 - used;
    memcpy(out + used, text, n);
    out[used + n] = '\0';
}

/* One line on the real standard error: what happened, while doing what, and where to look. It is
 * one write, since the other threads go on, and one of them may be drawing. */
static void print_crash_message(int sig)
{
    static char line[CRASH_LINE];

    crash_add(line, "editscope: crashed (");
    crash_add(line, signal_name(sig));
    crash_add(line, ")");
    if (*invariant_reason()) {
        crash_add(line, ": ");
        crash_add(line, invariant_reason());
    }
    if (*crash.job) {
        crash_add(line, " while ");
        crash_add(line, crash.job);
    }
    if (*crash.report) {
        crash_add(line, "; report: ");
        crash_add(line, crash.report);
    }
    if (*crash.session) {
        crash_add(line, "; the session is whole: editscope ");
        crash_add(line, crash.session);
    }
    line[strlen(line)] = '\n'; /* in front of a zero: nothing is written behind it */
    crash_write(crash.message_fd, line);
}

/* Runs in the thread that failed. See the opening comment for what it may call. */
static void on_crash(int sig)
{
    static atomic_flag crashed = ATOMIC_FLAG_INIT;
    static pthread_t first;

    if (!atomic_flag_test_and_set(&crashed)) {
        first = pthread_self();
        if (crash.active) {
            crash.active = 0;
            crash_write(crash.fd, crash.restore);
            tcsetattr(crash.fd, TCSANOW, &crash.before);
            write_report(sig);
            print_crash_message(sig);
        } else if (*invariant_reason()) { /* no screen to restore: say only this */
            crash_write(STDERR_FILENO, "editscope: ");
            crash_write(STDERR_FILENO, invariant_reason());
            crash_write(STDERR_FILENO, "\n");
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
    if (crash.restore_len + n >= sizeof(crash.restore))
        return;
    memcpy(crash.restore + crash.restore_len, bytes, n);
    crash.restore_len += n;
    crash.restore[crash.restore_len] = '\0';
}

void crash_handler_start(const struct crash_options *o)
{
    static char stack[1 << 16];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction crashed = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
    struct sigaction end = {.sa_handler = on_ending}, stop = {.sa_handler = on_stop};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    void *frame[1];

    crash.fd = o->fd;
    crash.message_fd = o->message_fd;
    crash.before = *o->before;
    crash.signal = crash.stop = 0;
    snprintf(crash.report, sizeof(crash.report), "%s", o->report ? o->report : "");
    snprintf(crash.version, sizeof(crash.version), "%s", o->version ? o->version : "");
    backtrace(frame, 1); /* loads what it needs now */
    sigaltstack(&alternative, NULL);
    crash_handler_block();
    for (int i = 0; i < CRASHING; i++)
        sigaction(crashing[i].number, &crashed, NULL);
    for (int i = 0; i < ENDING; i++)
        sigaction(ending[i], &end, NULL);
    sigaction(SIGTSTP, &stop, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    crash.active = 1;
}

void crash_handler_hold(bool held)
{
    struct sigaction stop = {.sa_handler = held ? SIG_DFL : on_stop};
    sigset_t set;

    crash.active = !held;
    sigaction(SIGTSTP, &stop, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGTSTP);
    pthread_sigmask(held ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

/* SIGHUP stays ignored after a hang-up: a terminal that closes may send it more than once. */
void crash_handler_end(void)
{
    struct sigaction usual = {.sa_handler = SIG_DFL}, ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    crash.active = 0;
    crash.restore_len = 0;
    for (int i = 0; i < ENDING; i++)
        sigaction(ending[i], &usual, NULL);
    if (crash.signal == SIGHUP) /* a terminal that goes says so more than once */
        sigaction(SIGHUP, &ignore, NULL);
    sigaction(SIGTSTP, &usual, NULL);
    late_signals(&set);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int crash_handler_signal(void)
{
    return crash.signal;
}

void crash_handler_terminal_lost(void)
{
    crash.signal = SIGHUP;
}

bool crash_handler_stop(void)
{
    bool stop = crash.stop;

    crash.stop = 0;
    return stop;
}

void crash_handler_set_context(const char *session, const char *job)
{
    if (strcmp(crash.session, session) != 0)
        snprintf(crash.session, sizeof(crash.session), "%s", session);
    if (strcmp(crash.job, job) != 0)
        snprintf(crash.job, sizeof(crash.job), "%s", job);
}
