/* Faults raised by the threads of the program themselves: whatever kind and wherever, the bytes
 * that give the terminal back are written, the report too, and the program dies of that signal. */
#include "tui/crash_handler.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/invariant.h"
#include "core/base/mem.h"
#include "core/base/thread.h"
#include "core/device/cpu_pool.h"
#include "tests/folder.h"

static char folder[64];

static int zero(void)
{
    volatile int z = 0;

    return z;
}

static void read_nothing(void)
{
    volatile int *nowhere = (volatile int *)(uintptr_t)(16 * (unsigned)(zero() + 1));

    *nowhere = 1;
}

static void read_behind_a_file(void) /* as when a mapped model is cut short by somebody else */
{
    char *path = xasprintf("%s/short", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    volatile char *data = NULL;

    if (fd >= 0 && !ftruncate(fd, 4096))
        data = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    if (data && !ftruncate(fd, 0))
        (void)data[zero()];
}

static void divide_by_zero(void)
{
    volatile int what = 7, by = zero(), result = what / by;

    (void)result;
}

static void run_nonsense(void)
{
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#else
    raise(SIGILL);
#endif
}

static int run_out_of_stack(int depth)
{
    volatile char room[4096];

    room[0] = (char)depth;
    return depth + zero() > 100000000 ? 0 : run_out_of_stack(depth + 1) + room[0];
}

static void fill_stack(void)
{
    run_out_of_stack(0);
}

static void break_an_invariant(void)
{
    invariant(zero() == 1);
}

static const struct {
    const char *name;
    int sig;
    void (*raise)(void);
} faults[] = {
    {"SIGSEGV", SIGSEGV, read_nothing},
    {"SIGBUS", SIGBUS, read_behind_a_file},
    {"SIGFPE", SIGFPE, divide_by_zero},
    {"SIGILL", SIGILL, run_nonsense},
    {"SIGABRT", SIGABRT, abort},
    {"SIGSEGV", SIGSEGV, fill_stack},
    {"SIGABRT): tests/unit/crash_handler_test.c:", SIGABRT, break_an_invariant},
};

enum { FAULTS = sizeof(faults) / sizeof(*faults) };

static void *fault_in_thread(void *arg)
{
    faults[*(int *)arg].raise();
    return NULL;
}

static void fault_in_piece(void *ctx, int piece, int worker)
{
    (void)piece;
    if (worker) /* not the thread that waits for the others */
        faults[*(int *)ctx].raise();
    else
        pause();
}

static void in_thread(int fault)
{
    pthread_t thread;

    if (thread_start(&thread, "faulty", fault_in_thread, &fault, NULL))
        pthread_join(thread, NULL);
}

static void in_worker(int fault)
{
    struct cpu_pool *pool = cpu_pool_open(2, NULL);

    cpu_pool_run(pool, 2, fault_in_piece, &fault);
}

static void in_main(int fault)
{
    faults[fault].raise();
}

static void *fault_when_told(void *arg)
{
    pthread_barrier_wait(arg);
    read_nothing();
    return NULL;
}

static void in_many(int fault)
{
    pthread_barrier_t all;
    pthread_t thread[8];

    (void)fault;
    pthread_barrier_init(&all, NULL, 8);
    for (int i = 0; i < 8; i++)
        thread_start(&thread[i], "faulty", fault_when_told, &all, NULL);
    pthread_join(thread[0], NULL);
}

/* In a program of its own, which `where` takes to the fault. */
static void rescued(void (*where)(int fault), int fault)
{
    char *report = xasprintf("%s/crash.txt", folder), *screen = xasprintf("%s/screen", folder);
    char *text;
    pid_t pid;
    int status = 0;

    fflush(stdout);
    pid = fork();
    if (!pid) {
        struct termios none = {0};
        int fd = open(screen, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        struct crash_options o = {
            .fd = fd, .message_fd = fd, .before = &none, .report = report, .version = "version 1"};

        crash_handler_restore("[back]", 6);
        crash_handler_start(&o);
        alarm(20); /* a fault that does not come is told, not waited for */
        where(fault);
        _exit(99);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == faults[fault].sig);
    text = file_read(screen, 4096, NULL, NULL);
    CHECK(text && !strncmp(text, "[back]editscope: crashed (", 26));
    CHECK(text && strstr(text, faults[fault].name));
    CHECK(text && !strstr(text + 6, "[back]")); /* told once */
    free(text);
    text = file_read(report, 1 << 16, NULL, NULL);
    CHECK(text && strstr(text, "version 1\nsignal "));
    free(text);
    unlink(report);
    unlink(screen);
    free(report);
    free(screen);
}

static void in_the_main_thread(void)
{
    for (int i = 0; i < FAULTS; i++)
        rescued(in_main, i);
}

static void in_a_thread_of_its_own(void)
{
    for (int i = 0; i < FAULTS; i++)
        rescued(in_thread, i);
}

static void in_a_worker_of_the_device(void)
{
    for (int i = 0; i < FAULTS; i++)
        rescued(in_worker, i);
}

static void in_many_threads_at_once(void)
{
    for (int i = 0; i < 20; i++)
        rescued(in_many, 0);
}

/* Without a screen, or after it, the line alone is told. */
static void a_broken_invariant_without_a_screen(void)
{
    char *path = xasprintf("%s/stderr", folder), *text;

    for (int after = 0; after < 2; after++) {
        struct termios none = {0};
        struct crash_options o = {.fd = -1, .message_fd = -1, .before = &none};
        int status = 0, fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        pid_t pid;

        fflush(stdout);
        pid = fork();
        if (!pid) {
            dup2(fd, STDERR_FILENO);
            if (after) {
                crash_handler_start(&o);
                crash_handler_end();
            }
            break_an_invariant();
            _exit(99);
        }
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        text = file_read(path, 4096, NULL, NULL);
        CHECK(text && !strncmp(text, "editscope: tests/unit/crash_handler_test.c:", 43));
        CHECK(text && strstr(text, "does not hold: zero() == 1\n"));
        CHECK(text && strchr(text, '\n') == strrchr(text, '\n')); /* once */
        free(text);
        close(fd);
    }
    unlink(path);
    free(path);
}

static const struct test tests[] = {
    {"a broken invariant without a screen", a_broken_invariant_without_a_screen},
    {"a fault in the main thread", in_the_main_thread},
    {"a fault in a thread of its own", in_a_thread_of_its_own},
    {"a fault in a worker of the device", in_a_worker_of_the_device},
    {"faults in many threads at once", in_many_threads_at_once},
};

int main(void)
{
    int failed;

    if (!folder_make(folder, sizeof(folder)))
        return 1;
    failed = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    folder_remove(folder);
    return failed;
}
