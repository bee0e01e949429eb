/* The screen in a terminal of its own (a pty). However the program ends (quit, a signal, a crash
 * in any thread, a terminal that goes away), it gives the terminal back as it was: the same modes,
 * the main screen, a visible cursor, no mouse and no bracketed paste. */
#include <dirent.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "tests/e2e/pty.h"

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

/* A key's frame does not wait for the threads that compute: they have a lower priority. */
static void computing_gives_way_to_keys(void)
{
    struct pty p;
    int engine, worker;

    start_small(&p);
    engine = thread_named(p.pid, "engine");
    worker = thread_named(p.pid, "worker");
    CHECK(engine && worker);
    CHECK(getpriority(PRIO_PROCESS, (id_t)engine) > getpriority(PRIO_PROCESS, (id_t)p.pid));
    CHECK(getpriority(PRIO_PROCESS, (id_t)worker) > getpriority(PRIO_PROCESS, (id_t)p.pid));
    quit_screen(&p);
}

static const struct test tests[] = {
    {"signals end it in order", signals_end_it_in_order},
    {"a crash in any thread gives the terminal back",
     a_crash_in_any_thread_gives_the_terminal_back},
    {"every crash gives the terminal back", every_crash_gives_the_terminal_back},
    {"it quits when asked to", it_quits_when_asked_to},
    {"computing gives way to keys", computing_gives_way_to_keys},
    {"a storm of sizes", a_storm_of_sizes},
    {"a shell can stop it and go on", a_shell_can_stop_it_and_go_on},
    {"a terminal that goes away", a_terminal_that_goes_away},
};

int main(void)
{
    return pty_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
