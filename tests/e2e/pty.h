/* A program in a terminal of its own (a pty): what is typed, what it writes, how it ends. Included
 * by the tests of the terminal; each uses what it needs.
 *
 * Model: the default one, and a small one. The program: $EDITSCOPE, else build/editscope. */
#ifndef TESTS_E2E_PTY_H
#define TESTS_E2E_PTY_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/folder.h"

#pragma GCC diagnostic ignored "-Wunused-function"

struct pty {
    int fd, slave; /* the slave stays open here, so its modes can be read after the program ended */
    pid_t pid;
    struct termios before;
    struct buf out; /* everything the program wrote, without NULs */
};

static const char *model, *program;
static char folder[64];

static struct winsize size_of(int h, int w)
{
    return (struct winsize){.ws_row = (unsigned short)h, .ws_col = (unsigned short)w};
}

/* Starts argv in a new pty of 30 rows and 100 columns. `settings`: NAME=VALUE for its environment,
 * NULL ends them. */
static void start_in(struct pty *p, const char *const *settings, const char *const *argv)
{
    struct winsize size = size_of(30, 100);

    *p = (struct pty){.fd = -1};
    if (openpty(&p->fd, &p->slave, NULL, NULL, &size) < 0)
        return;
    tcgetattr(p->slave, &p->before);
    p->pid = fork();
    if (p->pid)
        return;
    close(p->fd);
    login_tty(p->slave);
    setenv("TERM", "xterm-256color", 1);
    unsetenv("COLORTERM");
    for (; settings && *settings; settings++)
        putenv((char *)*settings);
    execvp(argv[0], (char *const *)argv);
    _exit(127);
}

/* Starts the program with one option (or NULL). */
static void start_screen(struct pty *p, const char *const *settings, const char *option)
{
    const char *const argv[] = {program, option, NULL};

    start_in(p, settings, argv);
}

/* Reads until `text` was written after byte `from`; false after `seconds`. text NULL: reads for
 * that long. */
static bool wait_for(struct pty *p, size_t from, const char *text, double seconds)
{
    double until = clock_seconds() + seconds;
    char part[4096];

    for (;;) {
        struct pollfd fd = {.fd = p->fd, .events = POLLIN};
        double left = until - clock_seconds();
        ssize_t n;

        if (text && p->out.len > from && strstr(p->out.data + from, text))
            return true;
        if (left <= 0 || poll(&fd, 1, (int)(left * 1000) + 1) <= 0)
            return false;
        n = read(p->fd, part, sizeof(part));
        if (n <= 0)
            return false;
        for (ssize_t i = 0; i < n; i++)
            if (part[i])
                buf_add(&p->out, &part[i], 1);
    }
}

/* Starts the program on the small model, recorded: crashes need no real one. */
static void start_small(struct pty *p)
{
    char *record = xasprintf("%s/run.rec.gz", folder);
    const char *const argv[] = {program,     "-m", "tests/data/architectures/llama3/model.gguf",
                                "--threads", "3",  "--record",
                                record,      NULL};

    unlink(record);
    start_in(p, NULL, argv);
    CHECK(wait_for(p, 0, "BASE", 20));
    free(record);
}

/* Types into the terminal. */
static void type_keys(struct pty *p, const char *keys)
{
    CHECK(write(p->fd, keys, strlen(keys)) == (ssize_t)strlen(keys));
}

/* The wait status of the program; -1 if it has not ended in time. Its output is read meanwhile. */
static int end_of(struct pty *p, double seconds)
{
    double until = clock_seconds() + seconds;
    int status;

    while (clock_seconds() < until) {
        if (waitpid(p->pid, &status, WNOHANG) == p->pid) {
            wait_for(p, 0, NULL, 0.05);
            p->pid = 0;
            return status;
        }
        wait_for(p, 0, NULL, 0.02);
    }
    return -1;
}

/* The modes of the terminal are those from before the program. */
static void same_modes(const struct pty *p)
{
    struct termios now;

    CHECK(tcgetattr(p->slave, &now) == 0);
    CHECK(now.c_iflag == p->before.c_iflag && now.c_oflag == p->before.c_oflag &&
          now.c_cflag == p->before.c_cflag && now.c_lflag == p->before.c_lflag);
    CHECK(!memcmp(now.c_cc, p->before.c_cc, sizeof(now.c_cc)));
}

/* After byte `from` the program went back to the main screen and switched off pastes, mouse and
 * the hidden cursor. */
static void screen_left(const struct pty *p, size_t from)
{
    const char *out = p->out.data + from;

    CHECK(strstr(out, "\033[?1049l") != NULL);
    CHECK(strstr(out, "\033[?2004l") != NULL);
    CHECK(strstr(out, "1000l") != NULL);
    for (const char *s = p->out.data; (s = strstr(s, "25l")) != NULL; s++)
        CHECK(strstr(s, "25h") != NULL); /* a cursor that was hidden is shown again */
}

/* Kills the program if it still runs, and closes the pty. */
static void end_pty(struct pty *p)
{
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    if (p->fd >= 0)
        close(p->fd);
    if (p->slave >= 0)
        close(p->slave);
    buf_free(&p->out);
}

/* Types :q! and checks that the program ends with status 0 and gives the terminal back. */
static void quit_screen(struct pty *p)
{
    size_t from = p->out.len;
    int status;

    type_keys(p, ":q!\r");
    status = end_of(p, 20);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (strstr(p->out.data, "\033[?1049h")) /* a vt100 has one screen */
        screen_left(p, from);
    same_modes(p);
    end_pty(p);
}

/* main() of such a test: the folder, the model, the program. */
static int pty_main(const struct test *tests, int count)
{
    char *found = file_cache_path("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    const char *set = getenv("EDITSCOPE_MODEL");
    int failed;

    if (!folder_make(folder, sizeof(folder)))
        return 1;
    setenv("XDG_STATE_HOME", folder, 1);
    setenv("XDG_CONFIG_HOME", folder, 1);
    model = set && file_exists(set) ? set : found && file_exists(found) ? found : NULL;
    program = getenv("EDITSCOPE") ? getenv("EDITSCOPE") : "build/editscope";
    signal(SIGPIPE, SIG_IGN);
    failed = test_main(tests, count);
    folder_remove(folder);
    free(found);
    return failed;
}

#endif
