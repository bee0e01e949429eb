/* The screen in a terminal of its own (a pty). However the program ends (quit, a signal, a crash
 * in any thread, a terminal that goes away), it gives the terminal back as it was: the same modes,
 * the main screen, a visible cursor, no mouse and no bracketed paste.
 *
 * Model: the default one, and a small one for the crashes. The program: $EDITSCOPE, else
 * build/editscope. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/folder.h"

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

static void signals_end_it_in_order(void)
{
    static const struct {
        int number;
        const char *said;
    } ends[] = {{SIGTERM, "editscope: ended by SIGTERM"},
                {SIGHUP, "editscope: ended by SIGHUP"},
                {SIGINT, "editscope: ended by SIGINT"},
                {SIGQUIT, "editscope: ended by SIGQUIT"}};

    if (!model)
        SKIP("the default model is missing: run `make model`");
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct pty p;
        size_t from;
        int status;

        start_screen(&p, NULL, NULL);
        CHECK(wait_for(&p, 0, i % 2 ? "Fact" : "BASE", 20)); /* also while the model is loaded */
        from = p.out.len;
        kill(p.pid, ends[i].number);
        CHECK(wait_for(&p, from, ends[i].said, 1));
        status = end_of(&p, 20);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 128 + ends[i].number);
        screen_left(&p, from);
        same_modes(&p);
        end_pty(&p);
    }
}

/* The program died of `sig`, the terminal is as it was, and a crash report names the signal. */
static void crashed_well(struct pty *p, size_t from, int sig, const char *name)
{
    char *path = xasprintf("%s/editscope/crash.txt", folder), *report;
    int status = end_of(p, 10);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sig);
    CHECK(wait_for(p, from, "editscope: crashed (SIG", 20));
    CHECK(wait_for(p, from, name, 20));
    CHECK(wait_for(p, from, path, 20));
    screen_left(p, from);
    same_modes(p);
    report = file_read(path, 1 << 16, NULL, NULL);
    CHECK(report && strstr(report, name) && strstr(report, "editscope 0."));
    free(report);
    unlink(path);
    free(path);
}

static const struct {
    int number;
    const char *name;
} crashes[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGILL, "SIGILL"},  {SIGFPE, "SIGFPE"},
               {SIGTRAP, "SIGTRAP"}, {SIGSYS, "SIGSYS"}, {SIGABRT, "SIGABRT"}};

enum { CRASHES = sizeof(crashes) / sizeof(*crashes), THREADS = 64 };

/* The threads of a process, with their names and the signals that each blocks. */
static int threads_of(pid_t pid, int tid[THREADS], char name[THREADS][32],
                      unsigned long long blocked[THREADS])
{
    char *folder_name = xasprintf("/proc/%d/task", (int)pid);
    DIR *all = opendir(folder_name);
    struct dirent *one;
    int count = 0;

    while (all && (one = readdir(all)) && count < THREADS) {
        char *path = xasprintf("%s/%s/status", folder_name, one->d_name), line[256];
        FILE *f = one->d_name[0] == '.' ? NULL : fopen(path, "r");

        free(path);
        if (!f)
            continue;
        tid[count] = (int)strtol(one->d_name, NULL, 10);
        while (fgets(line, sizeof(line), f)) {
            sscanf(line, "Name: %31s", name[count]);
            sscanf(line, "SigBlk: %llx", &blocked[count]);
        }
        fclose(f);
        count++;
    }
    if (all)
        closedir(all);
    free(folder_name);
    return count;
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

/* Waits for the first thread of that name, and until no thread blocks a fault (each does while it
 * is made); 0: not so in 20 s. */
static int thread_named(pid_t pid, const char *wanted)
{
    for (int tries = 0; tries < 400; tries++, usleep(50000)) {
        char name[THREADS][32] = {{0}};
        unsigned long long blocked[THREADS] = {0};
        int tid[THREADS], count = threads_of(pid, tid, name, blocked), found = 0, bad = 0;

        for (int i = 0; i < count; i++) {
            for (int k = 0; k < CRASHES; k++)
                bad += (int)(blocked[i] >> (crashes[k].number - 1) & 1);
            if (!found && !strcmp(name[i], wanted))
                found = tid[i];
        }
        if (found && !bad)
            return found;
    }
    return 0;
}

/* If a thread blocks a fault that it raises itself, the kernel kills the program without calling
 * the handler; so faults are raised in each thread. */
static void a_crash_in_any_thread_gives_the_terminal_back(void)
{
    static const char *const threads[] = {"editscope", "engine", "worker", "recorder"};

    for (int n = 0; n < 4; n++) { /* each time a new program */
        struct pty p;
        size_t from;
        int tid;

        start_small(&p);
        tid = thread_named(p.pid, threads[n]);
        CHECK(tid > 0);
        from = p.out.len;
        if (tid) {
            syscall(SYS_tgkill, p.pid, tid, crashes[n].number);
            crashed_well(&p, from, crashes[n].number, crashes[n].name);
        }
        end_pty(&p);
    }
}

static void every_crash_gives_the_terminal_back(void)
{
    for (int i = 0; i < CRASHES; i++) {
        struct pty p;
        size_t from;

        start_small(&p);
        from = p.out.len;
        kill(p.pid, crashes[i].number);
        crashed_well(&p, from, crashes[i].number, crashes[i].name);
        end_pty(&p);
    }
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

static void it_quits_when_asked_to(void)
{
    struct pty p;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, NULL);
    CHECK(wait_for(&p, 0, "Fact", 10));
    CHECK(strstr(p.out.data, "\033[?2026h") != NULL); /* frames come whole */
    quit_screen(&p);
}

/* The first frame stands before the model is loaded, and says so. */
static void the_first_frame_does_not_wait(void)
{
    const char *end, *loading, *loaded;
    struct pty p;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, NULL);
    CHECK(wait_for(&p, 0, "\033[?2026l", 10));
    CHECK(wait_for(&p, 0, "BASE", 20));
    end = strstr(p.out.data, "\033[?2026l"); /* one read may bring more than a frame */
    loading = strstr(p.out.data, "loading");
    loaded = strstr(p.out.data, "the model is being loaded");
    CHECK(end && loading && loading < end && loaded && loaded < end);
    CHECK(strstr(p.out.data, "BASE") > end);
    quit_screen(&p);
}

/* y copies by OSC 52, as base64; the mouse is taken unless the user says not to. */
static void the_clipboard_and_the_mouse(void)
{
    const char *const argv[] = {program, "-m", "tests/data/architectures/llama3/model.gguf",
                                "--no-mouse", NULL};
    struct pty p;
    size_t from;

    start_small(&p);
    CHECK(strstr(p.out.data, "1000h") != NULL);
    type_keys(&p, "x");
    CHECK(wait_for(&p, 0, "layers scored", 20));
    from = p.out.len;
    type_keys(&p, "2y");
    CHECK(wait_for(&p, from, "\033]52;c;TDBOM", 5)); /* L0N and a digit */
    quit_screen(&p);
    start_in(&p, NULL, argv);
    CHECK(wait_for(&p, 0, "BASE", 20));
    type_keys(&p, ":q!\r");
    CHECK(end_of(&p, 20) == 0);
    CHECK(!strstr(p.out.data, "1000h"));
    end_pty(&p);
}

/* Plain mode on the small model, ready. */
static void start_plain(struct pty *p)
{
    const char *const argv[] = {
        program, "--plain",           "-m",    "tests/data/architectures/llama3/model.gguf",
        "--set", "stats.tokens=3000", "--set", "stats.window=64",
        NULL};

    start_in(p, NULL, argv);
    CHECK(wait_for(p, 0, "is ready", 20));
}

/* Plain mode at a terminal: what is typed before a question is read out does not answer it; Ctrl-C
 * stops what runs and does not end the program. */
static void lines_typed_ahead_answer_no_question(void)
{
    struct pty p;
    int status;

    start_plain(&p);
    type_keys(&p, "commit\nyes\n");
    CHECK(wait_for(&p, 0, "answer yes or no", 10));
    wait_for(&p, 0, NULL, 0.5);
    CHECK(!strstr(p.out.data, "editing") && !strstr(p.out.data, "cancelled"));
    type_keys(&p, "no\n");
    CHECK(wait_for(&p, 0, "cancelled; nothing was changed", 10));
    type_keys(&p, "\003");
    CHECK(wait_for(&p, 0, "nothing is running", 10));
    type_keys(&p, "state\n");
    CHECK(wait_for(&p, 0, "0 edits", 10));
    type_keys(&p, "compare\nlens\npreview\njobs\n"); /* nobody has to wait to type */
    CHECK(wait_for(&p, 0, "preview Eiffel Tower → Rome: queued behind", 20));
    CHECK(wait_for(&p, 0, "job ", 20) && wait_for(&p, 0, "would NOT hold", 60));
    CHECK(wait_for(&p, 0, "variants tried", 120));
    type_keys(&p, "q!\n");
    status = end_of(&p, 10);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(!strchr(p.out.data, '\033'));
    end_pty(&p);
}

/* Another session numbers its jobs from 1 again; each is announced as before. */
static void jobs_of_another_session_are_announced(void)
{
    struct pty p;
    size_t from;
    int status;

    start_plain(&p);
    type_keys(&p, "attribute\nlens\npreview\n");
    CHECK(wait_for(&p, 0, "would NOT hold", 60) && wait_for(&p, 0, "probes: ", 60));
    from = p.out.len;
    type_keys(&p, "model tests/data/architectures/gemma3/model.gguf\n");
    CHECK(wait_for(&p, from, "answer yes or no", 10));
    from = p.out.len;
    type_keys(&p, "yes\n");
    CHECK(wait_for(&p, from, "is ready", 20));
    from = p.out.len;
    type_keys(&p, "preview\n");
    CHECK(wait_for(&p, from, "preview Eiffel Tower", 20));
    CHECK(wait_for(&p, from, "would NOT hold", 60) && wait_for(&p, from, "probes: ", 60));
    from = p.out.len;
    type_keys(&p, "log\nJ\nverdict\n"); /* views, in their own words */
    CHECK(wait_for(&p, from, "Log:", 10) && wait_for(&p, from, "opening tests/data", 10));
    CHECK(wait_for(&p, from, "Jobs:", 10) && wait_for(&p, from, "nothing runs", 10));
    CHECK(wait_for(&p, from, "Verdict:", 10) && wait_for(&p, from, "verdict of Eiffel Tower", 10));
    type_keys(&p, "q!\n");
    status = end_of(&p, 10);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    end_pty(&p);
}

static void terminals_it_does_not_know(void)
{
    static const char *const odd[] = {"TERM=no-such-terminal", NULL};
    static const char *const dumb[] = {"TERM=dumb", NULL};
    struct pty p;
    int status;

    start_screen(&p, dumb, NULL);
    status = end_of(&p, 10);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    CHECK(wait_for(&p, 0, "editscope query", 20));
    CHECK(strstr(p.out.data, "--plain") != NULL);
    CHECK(!strchr(p.out.data ? p.out.data : "", '\033'));
    same_modes(&p);
    end_pty(&p);
    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, odd, NULL);
    CHECK(wait_for(&p, 0, "not known here", 10));
    quit_screen(&p);
}

/* The program on the small model, with --color COLOR unless that is NULL, until it is ready. */
static void start_coloured(struct pty *p, const char *const *settings, const char *color)
{
    const char *const argv[] = {
        program, "-m", "tests/data/architectures/llama3/model.gguf", color ? "--color" : NULL,
        color,   NULL};

    start_in(p, settings, argv);
    CHECK(wait_for(p, 0, "BASE", 20));
}

/* No description of 24-bit colours is needed: TERM's own, with other colours, is handed to curses.
 */
static void colours_as_the_terminal_takes_them(void)
{
    static const struct {
        const char *term, *says, *color; /* COLORTERM; --color */
        bool direct, indexed;
    } cases[] = {
        {"TERM=xterm-256color", "COLORTERM=truecolor", NULL, true, false},
        {"TERM=tmux-256color", "COLORTERM=24bit", NULL, true, false},
        {"TERM=screen-256color", "COLORTERM=truecolor", NULL, true, false},
        {"TERM=xterm", "COLORTERM=truecolor", NULL, true, false},
        {"TERM=xterm-kitty", "COLORTERM=", NULL, true, false},
        {"TERM=alacritty", "COLORTERM=", NULL, true, false},
        {"TERM=foot", "COLORTERM=", NULL, true, false},
        {"TERM=xterm-256color", "COLORTERM=", NULL, false, true},
        {"TERM=xterm-256color", "COLORTERM=", "direct", true, false},
        {"TERM=xterm-256color", "COLORTERM=truecolor", "256", false, true},
        {"TERM=xterm", "COLORTERM=", "256", false, true},
        {"TERM=xterm-256color", "COLORTERM=truecolor", "16", false, false},
        {"TERM=vt100", "COLORTERM=", "8", false, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *const settings[] = {cases[i].term, cases[i].says, NULL};
        struct pty p;

        start_coloured(&p, settings, cases[i].color);
        CHECK(cases[i].direct == (strstr(p.out.data, "38;2;") != NULL));
        CHECK(cases[i].indexed == (strstr(p.out.data, "38;5;") != NULL));
        CHECK(strstr(p.out.data, "\033[3") != NULL); /* colours of one kind or another */
        quit_screen(&p);
    }
}

static bool has_colours(const char *out)
{
    for (const char *s = out; (s = strstr(s, "\033[")) != NULL; s += 2) {
        size_t n = strspn(s + 2, "0123456789;");
        char code[40];

        snprintf(code, sizeof(code), ";%.*s;", (int)n, s + 2);
        if (s[2 + n] == 'm' && (strstr(code, ";38;") || strstr(code, ";48;") ||
                                strstr(code, ";31;") || strstr(code, ";32;")))
            return true;
    }
    return false;
}

/* A frame was drawn, and all that was written is ASCII. */
static void drawn_in_ascii(const struct pty *p)
{
    CHECK(strstr(p->out.data, "+-") && strstr(p->out.data, "Fact") &&
          strstr(p->out.data, "Parameters"));
    for (const char *s = p->out.data; *s; s++)
        if ((unsigned char)*s > 126) {
            CHECK_STR(s, "ASCII");
            break;
        }
}

static void without_colours_and_in_the_c_locale(void)
{
    static const char *const no[] = {"NO_COLOR=1", NULL};
    static const char *const plain[][4] = {{"LC_ALL=C"},
                                           {"LC_ALL=POSIX", "TERM=vt100"},
                                           {"LC_ALL=", "LC_CTYPE=C", "LANG=C.UTF-8"},
                                           {"LC_ALL=", "LC_CTYPE=", "LANG=C"}};
    struct pty p;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, NULL);
    CHECK(wait_for(&p, 0, "BASE", 20));
    CHECK(has_colours(p.out.data));
    quit_screen(&p);
    start_screen(&p, no, NULL);
    CHECK(wait_for(&p, 0, "BASE", 20));
    CHECK(!has_colours(p.out.data));
    quit_screen(&p);
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
        start_screen(&p, plain[i], NULL);
        CHECK(wait_for(&p, 0, "BASE", 20));
        drawn_in_ascii(&p);
        quit_screen(&p);
    }
}

static void a_storm_of_sizes(void)
{
    static const int odd[][2] = {{1, 1},   {200, 500}, {2, 3},  {16, 50},
                                 {24, 80}, {15, 49},   {5, 200}};
    struct winsize size;
    struct pty p;
    size_t from;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, NULL);
    CHECK(wait_for(&p, 0, "Fact", 10));
    for (int i = 0; i < 200; i++) {
        size = size_of(odd[i % 7][0], odd[i % 7][1]);
        CHECK(ioctl(p.fd, TIOCSWINSZ, &size) == 0);
        wait_for(&p, 0, NULL, 0.005);
    }
    size = size_of(1, 1);
    CHECK(ioctl(p.fd, TIOCSWINSZ, &size) == 0);
    wait_for(&p, 0, NULL, 0.3);
    from = p.out.len;
    size = size_of(30, 100);
    CHECK(ioctl(p.fd, TIOCSWINSZ, &size) == 0);
    CHECK(wait_for(&p, from, "Parameters", 10));
    quit_screen(&p);
}

static void a_paste_is_text(void)
{
    struct pty p;
    size_t from;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, NULL);
    CHECK(wait_for(&p, 0, "BASE", 20));
    type_keys(&p, "e\025\033[200~Lou\rvre:q!\033[201~");
    CHECK(wait_for(&p, 0, "Lou vre:q!", 5)); /* one line; nothing in it was a command */
    from = p.out.len;
    type_keys(&p, "\033");
    wait_for(&p, from, NULL, 0.3);
    quit_screen(&p);
}

/* In any view; q, x and C among them are no keys. */
static void lines_that_are_pasted_are_facts(void)
{
    static const char *const views[] = {"1", "8", "9"};

    for (int i = 0; i < 3; i++) {
        struct pty p;
        size_t from;

        start_small(&p);
        type_keys(&p, views[i]);
        from = p.out.len;
        type_keys(&p, "\033[200~Louvre; The {} is in; qxC\rBig Ben; The {} is in; Oslo\r\033[201~");
        CHECK(wait_for(&p, from, "2 facts added", 5));
        CHECK(!strstr(p.out.data + from, "Commit"));
        quit_screen(&p);
    }
}

/* An emoji is written by itself: after an absolute move, and with the cursor put back after it.
 * When it goes, its row is written again. */
static void emoji_cannot_move_what_follows(void)
{
    static const char emoji[] = "\xf0\x9f\xa6\x80"; /* a crab */
    struct pty p;
    size_t from;
    int seen = 0;

    start_small(&p);
    type_keys(&p, "e\025A\xf0\x9f\xa6\x80Z");
    CHECK(wait_for(&p, 0, emoji, 5));
    wait_for(&p, 0, NULL, 0.5);
    for (const char *s = p.out.data; (s = strstr(s, emoji)) != NULL; seen++) {
        CHECK(s[-1] == 'm'); /* ESC [ y ; x H, its colours, the emoji */
        s += strlen(emoji);
        CHECK(*s == '\033');
    }
    CHECK(seen > 0);
    from = p.out.len;
    type_keys(&p, "\025new");
    CHECK(wait_for(&p, from, "subject", 5)); /* the whole row */
    type_keys(&p, "\033");
    wait_for(&p, 0, NULL, 0.5);
    quit_screen(&p);
}

static void a_shell_can_stop_it_and_go_on(void)
{
    static const char *const argv[] = {"bash", "--norc", "--noprofile", "-i", NULL};
    static const char *const settings[] = {"PS1=ready> ", NULL};
    struct pty p;
    size_t from;
    char *line;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_in(&p, settings, argv);
    if (!wait_for(&p, 0, "ready> ", 10)) {
        end_pty(&p);
        SKIP("no bash here");
    }
    type_keys(&p, "a=$(stty -g)\r");
    line = xasprintf("%s\r", program);
    type_keys(&p, line);
    free(line);
    CHECK(wait_for(&p, 0, "Fact", 10));
    from = p.out.len;
    type_keys(&p, "\032");
    CHECK(wait_for(&p, from, "Stopped", 5) && wait_for(&p, from, "ready> ", 5));
    CHECK(strstr(p.out.data + from, "\033[?1049l") && strstr(p.out.data + from, "\033[?2004l"));
    from = p.out.len;
    type_keys(&p, "test \"$a\" = \"$(stty -g)\" && echo modes-$((1+1))\r");
    CHECK(wait_for(&p, from, "modes-2", 5));
    from = p.out.len;
    type_keys(&p, "fg\r");
    CHECK(wait_for(&p, from, "\033[?2004h", 5) && wait_for(&p, from, "Parameters", 5));
    type_keys(&p, ":q!\r");
    CHECK(wait_for(&p, from, "ready> ", 20));
    from = p.out.len;
    type_keys(&p, "test \"$a\" = \"$(stty -g)\" && echo modes-$((2+2))\r");
    CHECK(wait_for(&p, from, "modes-4", 5));
    end_pty(&p);
}

static void a_terminal_that_goes_away(void)
{
    struct pty p;
    int status = -1;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, NULL);
    CHECK(wait_for(&p, 0, "BASE", 20));
    close(p.slave);
    close(p.fd);
    p.fd = p.slave = -1;
    for (int i = 0; i < 400 && waitpid(p.pid, &status, WNOHANG) != p.pid; i++)
        usleep(50000);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGHUP);
    p.pid = 0;
    end_pty(&p);
}

static void read_only_refuses_what_writes(void)
{
    struct pty p;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, "--read-only");
    CHECK(wait_for(&p, 0, "READ-ONLY", 20));
    type_keys(&p, "C");
    CHECK(wait_for(&p, 0, "commit: the session is open read-only", 5));
    wait_for(&p, 0, NULL, 1); /* keys that follow a refusal at once are ignored */
    quit_screen(&p);
}

static const struct test tests[] = {
    {"signals end it in order", signals_end_it_in_order},
    {"a crash in any thread gives the terminal back",
     a_crash_in_any_thread_gives_the_terminal_back},
    {"every crash gives the terminal back", every_crash_gives_the_terminal_back},
    {"it quits when asked to", it_quits_when_asked_to},
    {"the first frame does not wait for the model", the_first_frame_does_not_wait},
    {"the clipboard and the mouse", the_clipboard_and_the_mouse},
    {"lines typed ahead answer no question", lines_typed_ahead_answer_no_question},
    {"jobs of another session are announced", jobs_of_another_session_are_announced},
    {"terminals it does not know", terminals_it_does_not_know},
    {"colours as the terminal takes them", colours_as_the_terminal_takes_them},
    {"without colours and in the C locale", without_colours_and_in_the_c_locale},
    {"a storm of sizes", a_storm_of_sizes},
    {"a paste is text", a_paste_is_text},
    {"lines that are pasted are facts", lines_that_are_pasted_are_facts},
    {"emoji cannot move what follows", emoji_cannot_move_what_follows},
    {"a shell can stop it and go on", a_shell_can_stop_it_and_go_on},
    {"a terminal that goes away", a_terminal_that_goes_away},
    {"read-only refuses what writes", read_only_refuses_what_writes},
};

int main(void)
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
    failed = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    folder_remove(folder);
    free(found);
    return failed;
}
