/* Crash safety of sessions: the program is killed at any moment, killed or failed at every call
 * that touches the disk, and runs out of room. Each time the file must hold every acknowledged edit
 * completely, and nothing of the others. */
#include "core/session/session.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/test.h"

enum { RANK = 4, ROWS = 64, COLS = 3000, BIG = 40 }; /* an edit of BIG copies is 4 MB */

static char folder[64], file[128];

static void fresh_file(void)
{
    static int n;

    if (!*folder) { /* thousands of syncs: use memory (/dev/shm) if possible */
        snprintf(folder, sizeof(folder), "%s",
                 access("/dev/shm", W_OK) ? "/tmp/session_crash.XXXXXX"
                                          : "/dev/shm/session_crash.XXXXXX");
        if (!mkdtemp(folder))
            perror(folder);
    }
    snprintf(file, sizeof(file), "%s/%d.es", folder, n++);
}

/* What methods that write no weight leave, by the number of the edit. */
static const char *hook_kind(int number)
{
    static const char *const kind[] = {"codebook", "side", "memory"};

    return kind[number % 3];
}

/* An edit whose values all follow from its seed: changes of weights, a hook, and a text. */
static bool append(struct session *s, int number, int layers, struct err *err)
{
    struct fact fact = {.subject = xasprintf("S%d", number),
                        .prompt = xstrdup("{} is"),
                        .target = xasprintf("T%d", number)};
    struct delta *delta = xcalloc((size_t)layers, sizeof(*delta));
    float *values = xmalloc(RANK * COLS * sizeof(*values));
    char *text = xasprintf("New Fact: %d", number), *params = xasprintf("{\"layer\":%d}", number);
    struct hook_data hook = {xstrdup(hook_kind(number)), params, values,
                             RANK * COLS * sizeof(*values)};
    struct edit_record rec = {.requests = 1,
                              .facts = &fact,
                              .deltas = layers,
                              .delta = delta,
                              .hooks = 1,
                              .hook = &hook,
                              .prefixes = 1,
                              .prefix = &text,
                              .lambda = number};
    bool ok;

    for (int i = 0; i < RANK * COLS; i++)
        values[i] = (float)(i % 251) + (float)number;
    for (int i = 0; i < layers; i++)
        delta[i] = (struct delta){.layer = i,
                                  .rank = RANK,
                                  .rows = ROWS,
                                  .cols = COLS,
                                  .r = values,
                                  .x = values,
                                  .key = values,
                                  .scale = 1};
    ok = session_append(s, &rec, err) && rec.id == number;
    hook_data_free(&hook); /* with the values */
    free(text);
    free(delta);
    free(fact.subject);
    free(fact.prompt);
    free(fact.target);
    return ok;
}

/* The hook and the text of an edit are those that were appended. */
static void hook_is_whole(struct session *s, int number)
{
    struct edit_record rec = {.id = number};
    struct err err = {0};
    char text[32];

    snprintf(text, sizeof(text), "New Fact: %d", number);
    CHECK(session_load_change(s, &rec, &err) && rec.hooks == 1 && rec.prefixes == 1);
    CHECK_STR(err.text, "");
    if (rec.hooks == 1 && rec.prefixes == 1) {
        const float *values = rec.hook->blob;

        CHECK_STR(rec.hook->name, hook_kind(number));
        CHECK_STR(rec.prefix[0], text);
        CHECK(rec.hook->bytes == RANK * COLS * sizeof(float));
        CHECK(values[RANK * COLS - 1] == (float)((RANK * COLS - 1) % 251) + (float)number);
    }
    edit_record_free(&rec);
}

/* Opens what a crash left. Returns the number of edits, all verified; -1: the file is damaged. */
static int sound(void)
{
    struct session_status st;
    struct err err = {0};
    struct session *s = session_open(file, true, false, &err);
    struct edit_record *edits;
    int n = -1;

    if (!s || !session_check(s, &err) || !session_status(s, &st, &err) ||
        !session_edits(s, true, &edits, &n, &err)) {
        printf("after the crash: %s\n", err.text);
        session_close(s);
        return -1;
    }
    for (int i = 0; i < n; i++) {
        char subject[32];

        snprintf(subject, sizeof(subject), "S%d", i + 1);
        CHECK(edits[i].id == i + 1 && edits[i].requests == 1);
        CHECK_STR(edits[i].facts[0].subject, subject);
        CHECK_NEAR(edits[i].lambda, i + 1, 0);
    }
    if (n)
        hook_is_whole(s, n); /* session_check() has compared the hashes of all */
    edit_records_free(edits, n);
    session_close(s);
    return n;
}

/* Appends forever, and writes each number into the pipe once session_append() has returned. */
static void append_until_killed(int pipe_end, int next)
{
    struct session *s = session_open(file, true, false, NULL);
    char one = 1;

    while (s && append(s, next++, BIG, NULL))
        if (write(pipe_end, &one, 1) != 1)
            break;
    _exit(1);
}

static void killed_at_any_moment(void)
{
    int total = 0, unfinished = 0;

    fresh_file();
    srand(20240607);
    for (int round = 0; round < 50; round++) {
        int ends[2], now, status, acknowledged = 0;
        char journal[160], bytes[256];
        ssize_t got;
        pid_t child;

        CHECK(pipe(ends) == 0);
        child = fork();
        if (child == 0)
            append_until_killed(ends[1], total + 1);
        close(ends[1]);
        usleep((useconds_t)(rand() % 60000));
        kill(child, SIGKILL);
        CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        while ((got = read(ends[0], bytes, sizeof(bytes))) > 0)
            acknowledged += (int)got;
        close(ends[0]);
        snprintf(journal, sizeof(journal), "%s-journal", file);
        unfinished += file_exists(journal);
        now = sound();
        CHECK(now == total + acknowledged || now == total + acknowledged + 1);
        total = now;
        if (total > 12) { /* keep the file small */
            unlink(file);
            fresh_file();
            total = 0;
        }
    }
    CHECK(unfinished > 0); /* otherwise no kill interrupted an append */
}

/* ---- A SQLite file system (VFS) that fails or kills at a chosen call ---- */

enum fault { FAULT_NONE, FAULT_ERROR, FAULT_FULL, FAULT_LATE, FAULT_KILL };

static struct {
    enum fault fault;
    int countdown; /* calls left until the fault */
    bool struck;
    bool lasting; /* all later calls fail, too */
} disk;

static sqlite3_vfs *real, failing;
/* Methods of the database, and of other files, which SQLite does not lock. Both write the
 * same way. */
static sqlite3_io_methods methods[2];
static const sqlite3_io_methods *real_methods;

/* Whether this call is the chosen one. A kill does not return. */
static bool strikes(void)
{
    if (disk.fault == FAULT_NONE || (disk.struck && !disk.lasting))
        return false;
    if (!disk.struck && --disk.countdown > 0)
        return false;
    disk.struck = true;
    if (disk.fault == FAULT_KILL)
        raise(SIGKILL);
    return true;
}

static int code(int rc)
{
    return disk.fault == FAULT_FULL ? SQLITE_FULL : rc;
}

static int bad_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    if (!strikes())
        return real_methods->xWrite(f, bytes, n, at);
    real_methods->xWrite(f, bytes, n / 2, at); /* a torn write */
    return code(SQLITE_IOERR_WRITE);
}

static int bad_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return strikes() ? SQLITE_IOERR_TRUNCATE : real_methods->xTruncate(f, size);
}

static int bad_sync(sqlite3_file *f, int flags)
{
    return strikes() ? code(SQLITE_IOERR_FSYNC) : real_methods->xSync(f, flags);
}

static int bad_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    sqlite3_io_methods *m = &methods[(flags & SQLITE_OPEN_MAIN_DB) != 0];
    int rc;

    (void)vfs;
    if (strikes()) {
        f->pMethods = NULL;
        return SQLITE_CANTOPEN;
    }
    rc = real->xOpen(real, name, f, flags, out);
    if (rc == SQLITE_OK && f->pMethods) {
        real_methods = f->pMethods;
        *m = *real_methods;
        m->iVersion = 1; /* no shared memory and no mapping, so that every byte passes here */
        m->xWrite = bad_write;
        m->xTruncate = bad_truncate;
        m->xSync = bad_sync;
        f->pMethods = m;
    }
    return rc;
}

/* Deleting the rollback journal is the commit. It may also happen and be reported as failed. */
static int bad_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    if (strikes()) {
        if (disk.fault == FAULT_LATE)
            real->xDelete(real, name, 0);
        return disk.fault == FAULT_LATE ? SQLITE_IOERR_DIR_FSYNC : SQLITE_IOERR_DELETE;
    }
    return real->xDelete(real, name, sync_folder);
}

static void use_failing_disk(bool use)
{
    disk.fault = FAULT_NONE;
    if (!real) {
        real = sqlite3_vfs_find(NULL);
        failing = *real;
        failing.zName = "failing";
        failing.pNext = NULL;
        failing.xOpen = bad_open;
        failing.xDelete = bad_delete;
    }
    sqlite3_vfs_register(use ? &failing : real, 1);
}

static void hash_file(char hex[65])
{
    struct err err = {0};
    size_t n = 0;
    char *bytes = file_read(file, 1U << 26, &n, &err);

    CHECK(bytes);
    sha256_of(bytes, n, hex);
    free(bytes);
}

static void arm(enum fault fault, int call, bool lasting)
{
    disk.fault = fault;
    disk.countdown = call;
    disk.struck = false;
    disk.lasting = lasting;
}

/* Appends edit 2 while the disk fails at call number `call`. False: there were fewer calls. */
static bool fail_at(enum fault fault, int call, bool lasting)
{
    char before[65], after[65];
    struct err err = {0};
    struct session *s;
    bool ok, struck;

    fresh_file();
    s = session_open(file, true, false, NULL);
    CHECK(s && append(s, 1, 1, NULL));
    hash_file(before);
    arm(fault, call, lasting);
    ok = append(s, 2, 3, &err);
    struck = disk.struck;
    disk.fault = FAULT_NONE;
    CHECK(ok || (err.kind == ERR_IO && strstr(err.text, file) && !strchr(err.text, '\n')));
    if (!ok && !lasting) {
        struct session_status st;

        hash_file(after); /* now, before it is opened again */
        CHECK_STR(after, before);
        CHECK(session_status(s, &st, NULL) && st.edits == 1);
        CHECK(append(s, 2, 1, NULL)); /* and the session stays usable */
        ok = true;
    }
    session_close(s);
    CHECK(sound() == (ok ? 2 : 1));
    unlink(file);
    return struck;
}

static void fails_at_every_call(void)
{
    use_failing_disk(true);
    for (enum fault fault = FAULT_ERROR; fault <= FAULT_LATE; fault++) {
        int calls = 0;

        while (fail_at(fault, calls + 1, false))
            calls++;
        CHECK(calls > 10);
        for (int call = 1; call <= calls; call++)
            fail_at(fault, call, true);
    }
    use_failing_disk(false);
}

static void killed_at_every_call(void)
{
    int status = 1, call = 0;

    use_failing_disk(true);
    do {
        pid_t child;

        fresh_file();
        call++;
        child = fork();
        if (child == 0) {
            struct session *s;

            arm(FAULT_KILL, call, false); /* also while the file is created */
            s = session_open(file, true, false, NULL);
            _exit(!(s && append(s, 1, 3, NULL) && session_undo(s, NULL, NULL)));
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
        CHECK(sound() >= 0);
        unlink(file);
    } while (WIFSIGNALED(status) && call < 1000);
    CHECK(call > 30 && call < 1000);
    use_failing_disk(false);
}

/* A reader that opens the file first after a crash rolls it back. */
static void reader_after_a_crash(void)
{
    int healed = 0;

    use_failing_disk(true);
    for (int call = 1; call < 60; call++) {
        struct err err = {0};
        struct session *s;
        char journal[160];
        int status;
        pid_t child;

        fresh_file();
        s = session_open(file, true, false, NULL);
        CHECK(s && append(s, 1, 1, NULL));
        session_close(s);
        child = fork();
        if (child == 0) {
            s = session_open(file, false, false, NULL);
            arm(FAULT_KILL, call, false);
            _exit(!(s && append(s, 2, 3, NULL)));
        }
        CHECK(waitpid(child, &status, 0) == child);
        snprintf(journal, sizeof(journal), "%s-journal", file);
        healed += file_exists(journal);
        s = session_open(file, false, true, &err);
        if (!s)
            printf("reader: %s\n", err.text);
        CHECK(s && session_check(s, &err));
        session_close(s);
        unlink(file);
    }
    CHECK(healed > 5);
    use_failing_disk(false);
}

/* ---- A full disk ---- */

/* Appends until the disk is full, then checks the file. */
static void fill(const char *words)
{
    char before[65], after[65];
    struct err err = {0};
    struct session *s = session_open(file, true, false, &err);
    int n = 0;

    CHECK(s);
    if (!s) {
        printf("%s\n", err.text);
        return;
    }
    do
        hash_file(before);
    while (append(s, n + 1, 5, &err) && ++n < 100);
    hash_file(after);
    CHECK(n > 0 && n < 100 && err.kind == ERR_IO && strstr(err.text, words));
    if (!strstr(err.text, words))
        printf("said: %s\n", err.text);
    CHECK_STR(after, before);
    session_close(s);
    CHECK(sound() == n);
}

static void file_size_limit(void)
{
    struct rlimit old, small;
    pid_t child;
    int status;

    fresh_file();
    child = fork();
    if (child == 0) {
        test_failures = 0;
        signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &old);
        small = old;
        small.rlim_cur = 2 << 20;
        setrlimit(RLIMIT_FSIZE, &small);
        fill("nothing was changed");
        fflush(stdout);
        _exit(test_failures != 0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void full_disk(void)
{
    char mounted[80];

    fresh_file();
    snprintf(mounted, sizeof(mounted), "%s/tmpfs", folder);
    mkdir(mounted, 0700);
    if (mount("tmpfs", mounted, "tmpfs", 0, "size=3m"))
        SKIP("a small tmpfs cannot be mounted here");
    snprintf(file, sizeof(file), "%s/full.es", mounted);
    fill("the disk is full");
    CHECK(umount(mounted) == 0);
}

static void folder_removed(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    CHECK(system(command) == 0);
}

static const struct test tests[] = {
    {"killed at any moment", killed_at_any_moment},
    {"the disk fails at every call", fails_at_every_call},
    {"killed at every call", killed_at_every_call},
    {"a reader after a crash", reader_after_a_crash},
    {"file size limit", file_size_limit},
    {"full disk", full_disk},
    {"nothing is left behind", folder_removed},
};

TEST_MAIN(tests)
