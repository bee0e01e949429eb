/* The sandbox of generated programs.
 *
 *     this process      writes the program, waits as long as it may take, kills what is left
 *       warden          its own namespaces; dies with this process
 *         program       process 1 of its namespace: when it ends, all that it began ends
 *
 * Both children were made by fork() in a process with threads, so up to exec they call only what
 * may be called there (no malloc, no printf). What does not work is told by the number of the step
 * on the report pipe; a program that came to its end writes a word there that it cannot know
 * beforehand. */
#include "core/eval/task_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

const struct exec_limits task_exec_limits = {.seconds = 5, .megabytes = 512};

enum { REPORT = 3, PROGRAM = 4 }; /* file descriptors of the program */
enum { PROCESSES = 16, FILES = 32, FILE_BYTES = 1 << 20 };

enum step { STEP_NAMESPACES = 1, STEP_READ_ONLY, STEP_FOLDER, STEP_LIMITS, STEP_PYTHON, STEPS };
static const char *const step_name[STEPS] = {
    [STEP_NAMESPACES] = "the system gives no user and network namespaces (unshare)",
    [STEP_READ_ONLY] = "files cannot be made read-only (mount_setattr, Linux 5.12)",
    [STEP_FOLDER] = "an empty folder in memory cannot be made (tmpfs on /tmp and /run)",
    [STEP_LIMITS] = "limits of time and memory cannot be set",
    [STEP_PYTHON] = "python3 cannot be started",
};

/* Executes the program, then writes the word that stands for its end. The source comes from a file
 * descriptor, the word is read before and is in no name that the source can see. */
static const char runner[] = "import os,sys\n"
                             "def main():\n"
                             "    w=os.read(4,32);s=b''\n"
                             "    while True:\n"
                             "        b=os.read(4,65536)\n"
                             "        if not b: break\n"
                             "        s+=b\n"
                             "    os.close(4)\n"
                             "    c=compile(s.decode('utf-8'),'program','exec');del s,b\n"
                             "    exec(c,{'__name__':'__program__'})\n"
                             "    os.write(3,w)\n"
                             "try:\n"
                             "    main()\n"
                             "except BaseException:\n"
                             "    os._exit(1)\n"
                             "os._exit(0)\n";

/* ---- in the children ---- */

static void step_failed(enum step step)
{
    char c = (char)step;

    if (write(REPORT, &c, 1) != 1)
        _exit(3);
    _exit(2);
}

static bool file_put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return ok;
}

/* Appends a number. */
static char *put_number(char *at, unsigned n)
{
    if (n > 9)
        at = put_number(at, n / 10);
    *at++ = (char)('0' + n % 10);
    return at;
}

/* The user of the program is this one, under a number that has no privileges in the namespace: what
 * was made read-only stays so. */
static bool map_user(const char *path, unsigned id)
{
    char line[48] = "1000 ";
    char *at = put_number(line + 5, id);

    memcpy(at, " 1\n", 4);
    return file_put(path, line);
}

static void shut_user(unsigned uid, unsigned gid)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC) ||
        !file_put("/proc/self/setgroups", "deny") || !map_user("/proc/self/uid_map", uid) ||
        !map_user("/proc/self/gid_map", gid) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        step_failed(STEP_NAMESPACES);
}

/* Puts an empty folder in memory over one. */
static bool cover(const char *folder)
{
    return !mount("none", folder, "tmpfs", MS_NOSUID | MS_NODEV, "size=16m,mode=700");
}

/* All that is mounted becomes read-only, /tmp an empty folder, where the program is; and so does
 * /run, where other programs have sockets. */
static void shut_files(void)
{
    struct {
        uint64_t set, clear, propagation, userns;
    } attr = {.set = 1 /* MOUNT_ATTR_RDONLY */, .propagation = MS_PRIVATE};

    if (syscall(SYS_mount_setattr, -1, "/", 0x8000 /* AT_RECURSIVE */, &attr, sizeof(attr)))
        step_failed(STEP_READ_ONLY);
    if (!cover("/tmp") || (!cover("/run") && errno != ENOENT) || chdir("/tmp"))
        step_failed(STEP_FOLDER);
}

static bool limit(int what, rlim_t most)
{
    const struct rlimit r = {most, most};

    return !setrlimit(what, &r);
}

static void shut_limits(const struct exec_limits *l)
{
    if (!limit(RLIMIT_CPU, (rlim_t)l->seconds) || !limit(RLIMIT_AS, (rlim_t)l->megabytes << 20) ||
        !limit(RLIMIT_NPROC, PROCESSES) || !limit(RLIMIT_NOFILE, FILES) ||
        !limit(RLIMIT_FSIZE, FILE_BYTES) || !limit(RLIMIT_CORE, 0))
        step_failed(STEP_LIMITS);
}

/* The program's process: only the report and the source stay open. */
static void program_begin(const struct exec_limits *limits)
{
    char *const argv[] = {(char *)"python3", (char *)"-I",   (char *)"-S", (char *)"-B",
                          (char *)"-c",      (char *)runner, NULL};
    char *const environment[] = {NULL};

    shut_limits(limits);
    execvpe("python3", argv, environment);
    step_failed(STEP_PYTHON);
}

/* Moves the two descriptors to their places, and closes all others. */
static void keep_descriptors(int report, int source)
{
    int a = fcntl(report, F_DUPFD, 10), b = fcntl(source, F_DUPFD, 10), none;

    if (a < 0 || b < 0 || dup2(a, REPORT) < 0 || dup2(b, PROGRAM) < 0)
        _exit(3);
    none = open("/dev/null", O_RDWR);
    if (none < 0 || dup2(none, 1) < 0 || dup2(none, 2) < 0)
        _exit(3);
    close(0); /* no input at all */
    syscall(SYS_close_range, PROGRAM + 1, ~0U, 0);
}

static void warden_run(int report, int source, pid_t parent, const struct exec_limits *limits)
{
    sigset_t none;
    pid_t child;
    int status;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(3);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    keep_descriptors(report, source);
    shut_user(getuid(), getgid());
    shut_files();
    child = fork();
    if (child < 0)
        step_failed(STEP_NAMESPACES);
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        program_begin(limits);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    _exit(0);
}

/* ---- in this process ---- */

/* What of the pipe comes until it is closed or the time is over. */
static size_t report_read(int pipe, char *out, size_t size, double seconds)
{
    double until = clock_seconds() + seconds;
    size_t n = 0;

    while (n < size) {
        struct pollfd p = {.fd = pipe, .events = POLLIN};
        double left = until - clock_seconds();
        int ready = left > 0 ? poll(&p, 1, (int)(left * 1000) + 1) : 0;
        ssize_t got;

        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            break;
        got = read(pipe, out + n, size - n);
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    return n;
}

/* A file in memory that holds the word and the program; -1: there is none. */
static int source_file(const char *word, size_t words, const char *program)
{
    int fd = memfd_create("program", MFD_CLOEXEC);
    size_t n = strlen(program), at = 0;

    while (fd >= 0 && at < words + n) {
        const char *from = at < words ? word + at : program + at - words;
        ssize_t put = write(fd, from, at < words ? words - at : words + n - at);

        if (put <= 0) {
            close(fd);
            return -1;
        }
        at += (size_t)put;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

bool task_exec(const char *program, const struct exec_limits *limits, bool *passes, struct err *err)
{
    char word[32], said[sizeof(word)];
    int report[2], source, status;
    pid_t parent = getpid(), child;
    size_t n;

    *passes = false;
    if (getrandom(word, sizeof(word), 0) != (ssize_t)sizeof(word))
        return err_set(err, ERR_IO, "no random numbers: %s", strerror(errno));
    word[0] = (char)(word[0] | 0x80); /* a step is a small number */
    source = source_file(word, sizeof(word), program);
    if (source < 0 || pipe2(report, O_CLOEXEC)) {
        if (source >= 0)
            close(source);
        return err_set(err, ERR_IO, "a program cannot be executed: %s", strerror(errno));
    }
    child = fork();
    if (!child)
        warden_run(report[1], source, parent, limits);
    close(source);
    close(report[1]);
    n = child > 0 ? report_read(report[0], said, sizeof(said), limits->seconds + 1) : 0;
    close(report[0]);
    if (child > 0) {
        kill(child, SIGKILL);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    }
    if (child < 0)
        return err_set(err, ERR_IO, "a program cannot be executed: %s", strerror(errno));
    if (n && said[0] > 0 && said[0] < STEPS)
        return err_set(err, ERR_STATE,
                       "generated programs cannot be shut in, so none is executed: %s; leave "
                       "--allow-exec out",
                       step_name[(int)said[0]]);
    *passes = n == sizeof(word) && !memcmp(said, word, n);
    return true;
}

bool task_exec_possible(struct err *err)
{
    bool passes;

    if (!task_exec("pass", &task_exec_limits, &passes, err))
        return false;
    return passes || err_set(err, ERR_STATE,
                             "python3 does not come to the end of an empty program here, so "
                             "none is executed; leave --allow-exec out");
}
