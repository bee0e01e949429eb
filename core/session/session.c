/* Opens and closes sessions, for writing or as a reader's copy; settings; the session's model. */
#include "core/session/session.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/session/db.h"

enum {
    BUSY_MILLISECONDS = 5000,  /* wait for another connection's transaction */
    COPY_IN_MEMORY = 64 << 20, /* bytes up to which a reader's copy is in memory */
};

/* The absolute path without links, so that two spellings of a path use the same lock. The file need
 * not exist, its folder must. Caller frees. */
static char *canonical_path(const char *path, struct err *err)
{
    char real[PATH_MAX], *copy, *base, *full = NULL;

    if (realpath(path, real))
        return xstrdup(real);
    copy = xstrdup(path);
    if (errno == ENOENT && realpath(dirname(copy), real)) {
        base = strrchr(path, '/');
        base = base ? xstrdup(base + 1) : xstrdup(path);
        if (*base)
            full = xasprintf("%s/%s", strcmp(real, "/") ? real : "", base);
        free(base);
    }
    free(copy);
    if (!full &&
        errno == ENOENT) /* we do not create it: a mistyped folder would hide the session */
        err_set(err, ERR_IO, "%s: no such folder; make it first (mkdir -p)", path);
    else if (!full)
        err_set(err, ERR_IO, "%s: %s", path, strerror(errno ? errno : EISDIR));
    return full;
}

/* The file may come from anywhere, so nothing in it may run code (triggers, views). */
static bool session_configure(struct session *s, struct err *err)
{
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MILLISECONDS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    /* EXTRA also syncs the folder after the rollback journal is deleted, so that a commit survives
     * a power cut. */
    return db_exec(s,
                   "PRAGMA foreign_keys = ON; PRAGMA synchronous = EXTRA;"
                   "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;",
                   err);
}

/* Opens s->path, or a database in memory, with SQLite. */
static bool session_connect(struct session *s, int flags, struct err *err)
{
    int rc = sqlite3_open_v2(*s->path ? s->path : ":memory:", &s->db, flags, NULL);

    if (!s->db)
        return err_set(err, ERR_LIMIT, "%s: not enough memory", s->path);
    if (rc != SQLITE_OK)
        return db_fail(s, rc, err);
    return session_configure(s, err);
}

static void session_disconnect(struct session *s)
{
    sqlite3_close_v2(s->db);
    s->db = NULL;
}

/* Rolls back what a crashed writer left. A reader must not do that while someone writes, so we take
 * the writer's lock for a moment. A failure is ignored: the reader's own attempt will report it. */
static void roll_back_crash(struct session *s)
{
    char *journal = xasprintf("%s-journal", s->path);
    long long n;
    int lock;

    if (file_exists(journal) && access(s->path, W_OK) == 0 &&
        (lock = lock_take(s->path, NULL)) >= 0) {
        if (session_connect(s, SQLITE_OPEN_READWRITE, NULL))
            db_number(s, NULL, 0, &n, "SELECT count(*) FROM sqlite_master");
        session_disconnect(s);
        lock_drop(s->path, lock);
    }
    free(journal);
}

/* The same for a file we cannot write: opens a copy, in which SQLite rolls back (crashed.c). The
 * copy is deleted at once and lives on as an open file. */
static bool session_connect_crashed(struct session *s)
{
    char *copy = crashed_copy(s->path), *path = s->path;
    bool ok = copy != NULL;

    if (ok) {
        s->path = copy;
        ok = session_connect(s, SQLITE_OPEN_READWRITE, NULL) && schema_open(s, false, NULL);
        s->path = path;
        crashed_remove(copy);
    }
    return ok;
}

/* Connects for reading, whatever a crash has left. */
static bool session_connect_reader(struct session *s, struct err *err)
{
    struct err why = {0};
    char *journal = xasprintf("%s-journal", s->path);
    bool ok, left;

    roll_back_crash(s);
    ok = session_connect(s, SQLITE_OPEN_READONLY, &why) && schema_open(s, false, &why);
    left = !ok && why.kind == ERR_IO && file_exists(journal);
    free(journal);
    if (left) {
        session_disconnect(s);
        ok = session_connect_crashed(s) ||
             err_set(err, ERR_IO,
                     "%s: a crash left it half written; copy it together with its -journal to a "
                     "folder you can write to, and open the copy",
                     s->path);
    }
    return ok || err_pass(err, &why);
}

/* Copies all pages as of one moment; waits while a step is being written. Returns
 * SQLite's result. */
static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    double end = clock_seconds() + BUSY_MILLISECONDS * 1e-3;
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    int rc, ended;

    if (!backup)
        return sqlite3_extended_errcode(to);
    while ((rc = sqlite3_backup_step(backup, -1)) == SQLITE_BUSY && clock_seconds() < end)
        sqlite3_sleep(10);
    ended = sqlite3_backup_finish(backup);
    return rc == SQLITE_DONE ? ended : rc;
}

/* Replaces a reader's connection by a copy: in memory, or in a temporary file without a name
 * (SQLite's path "") if the session is large. From then on no writer waits for the reader. */
static bool session_copy_for_reader(struct session *s, struct err *err)
{
    struct session copy = {.path = s->path};
    struct stat st;
    bool small = !stat(s->path, &st) && st.st_size <= COPY_IN_MEMORY;
    int rc = sqlite3_open_v2(small ? ":memory:" : "", &copy.db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

    if (rc == SQLITE_OK)
        rc = copy_pages(s->db, copy.db);
    if (rc != SQLITE_OK) {
        if (copy.db)
            db_fail(&copy, rc, err);
        else
            err_set(err, ERR_LIMIT, "%s: not enough memory", s->path);
        session_disconnect(&copy);
        return false;
    }
    session_disconnect(s);
    s->db = copy.db;
    return session_configure(s, err) && schema_open(s, true, err); /* upgrades the copy */
}

/* Refuses what cannot be a session before anything is created. *exists: there is a file. */
static bool check_session_file(const char *path, bool create, bool *exists, struct err *err)
{
    struct stat st;

    *exists = stat(path, &st) == 0;
    if (*exists && !S_ISREG(st.st_mode))
        return err_set(err, ERR_FORMAT, "%s: %s", path,
                       S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)
                           ? "a session is a database that is used in place, so it cannot be read "
                             "from a pipe; write it to a file first"
                           : "not a file, so not an editscope session");
    if (!*exists && !create)
        return err_set(err, ERR_IO, "%s: no such session", path);
    return true;
}

/* Locks, connects and checks. What was created is deleted again after a failure. */
static bool open_session_file(struct session *s, bool create, bool peek, struct err *err)
{
    bool exists, ok;

    if (!check_session_file(s->path, create, &exists, err))
        return false;
    if (s->readonly)
        return session_connect_reader(s, err) && (peek || session_copy_for_reader(s, err));
    s->lock = lock_take(s->path, err);
    if (s->lock < 0)
        return false;
    exists = file_exists(s->path); /* again: with the lock nobody else can create it */
    ok = session_connect(s, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), err);
    if (ok && sqlite3_db_readonly(s->db, "main") == 1)
        ok = db_fail(s, SQLITE_READONLY, err);
    ok = ok && schema_open(s, create, err) && db_exec(s, "PRAGMA journal_mode = DELETE", err);
    s->created = ok && !exists;
    if (!ok && !exists) {
        session_disconnect(s);
        unlink(s->path);
    }
    return ok;
}

struct session *session_open(const char *path, bool create, bool readonly, struct err *err)
{
    struct session *s = xcalloc(1, sizeof(*s));
    bool ok;

    s->lock = -1;
    s->readonly = readonly;
    if (!path) {
        s->path = xstrdup("");
        s->readonly = false;
        ok = session_connect(s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err) &&
             schema_open(s, true, err);
    } else {
        create = create && !readonly;
        s->path = canonical_path(path, err);
        ok = s->path && open_session_file(s, create, false, err);
    }
    if (ok)
        return s;
    session_close(s);
    return NULL;
}

struct session *session_peek(const char *path, struct err *err)
{
    struct session *s = xcalloc(1, sizeof(*s));

    s->lock = -1;
    s->readonly = true;
    s->path = canonical_path(path, err);
    if (s->path && open_session_file(s, false, true, err))
        return s;
    session_close(s);
    return NULL;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    session_disconnect(s);
    lock_drop(s->path, s->lock);
    free(s->path);
    free(s);
}

bool session_is_unused(struct session *s)
{
    long long used = 1;

    return s->created &&
           db_number(s, NULL, 0, &used,
                     "SELECT EXISTS (SELECT 1 FROM edits) OR EXISTS (SELECT 1 FROM queries) OR "
                     "EXISTS (SELECT 1 FROM sqlite_master WHERE name IN ('measures', "
                     "'task_answers'))") &&
           !used;
}

const char *session_path(const struct session *s)
{
    return s->path;
}

char *session_autosave_path(void)
{
    time_t now = time(NULL);
    struct tm tm;
    char stamp[32] = "session", *name, *path = NULL;

    if (localtime_r(&now, &tm))
        strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
    for (int n = 0; n < 1000; n++) {
        name = n ? xasprintf("autosave/%s-%ld-%d.es", stamp, (long)getpid(), n)
                 : xasprintf("autosave/%s-%ld.es", stamp, (long)getpid());
        free(path);
        path = file_state_path(name);
        free(name);
        if (!file_exists(path))
            break;
    }
    file_make_parents(path, NULL); /* a failure is reported when the session is opened */
    return path;
}

static bool store_setting(struct session *s, const char *name, const char *value, struct err *err)
{
    return db_run(s, err,
                  "INSERT INTO settings (name, value) VALUES (?, ?)"
                  " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                  "tt", name, value);
}

/* Only [a-z0-9._-], so that names need no quoting anywhere. */
static bool setting_name_valid(const char *name, struct err *err)
{
    if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-")])
        return err_set(err, ERR_USAGE, "'%s' is not the name of a setting", name);
    return true;
}

bool session_set(struct session *s, const char *name, const char *value, struct err *err)
{
    return setting_name_valid(name, err) && db_begin(s, err) &&
           db_end(s, store_setting(s, name, value, err), err);
}

char *session_get(struct session *s, const char *name, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err, "SELECT value FROM settings WHERE name = ?", "t", name);
    char *value = q && db_step(s, q, err) > 0 ? db_text(q, 0) : NULL;

    sqlite3_finalize(q);
    return value;
}

/* "SmolLM2 (b179c9523d0e)", or "a model with hash ..." if it has no name. Caller frees. */
static char *describe_model(const char *name, const char *identity)
{
    return name && *name ? xasprintf("%s (%.12s)", name, identity)
                         : xasprintf("a model with hash %.12s", identity);
}

/* For a message: ", last at PATH", or "". Caller frees. */
static char *last_model_path(struct session *s)
{
    char *path = session_get(s, SESSION_MODEL_PATH, NULL), *words;

    if (!path || !*path)
        words = xstrdup("");
    else
        words =
            xasprintf(", last at %.140s%s", path, file_exists(path) ? "" : " (no longer there)");
    free(path);
    return words;
}

/* The error that the session belongs to another model; `bound`: the identity it records. */
static bool wrong_model(struct session *s, const struct session_base *base, const char *bound,
                        struct err *err)
{
    char *bound_name = session_get(s, SESSION_BASE_NAME, NULL), *last_path = last_model_path(s);
    char *theirs = describe_model(bound_name, bound),
         *ours = describe_model(base->name, base->identity);

    err_set(err, ERR_STATE,
            "%s: made with %s%s, not with %s; open it with that model (-m); the names of its files "
            "do not matter",
            s->path, theirs, last_path, ours);
    free(ours);
    free(theirs);
    free(last_path);
    free(bound_name);
    return false;
}

struct session_base session_base_of(const struct identity *id, const char *path)
{
    struct session_base base = {.name = NULL};

    memcpy(base.identity, id->hex, sizeof(base.identity));
    identity_named(id, path ? file_name(path) : NULL, base.former[0]);
    identity_named(id, NULL, base.former[1]);
    return base;
}

bool session_base_is(const struct session_base *base, const char *identity)
{
    return !strcmp(identity, base->identity) || !strcmp(identity, base->former[0]) ||
           !strcmp(identity, base->former[1]);
}

bool session_bind(struct session *s, const struct session_base *base, struct err *err)
{
    struct err why = {0};
    char *bound = session_get(s, SESSION_BASE_IDENTITY, &why);
    bool same, known;

    if (why.kind)
        return err_pass(err, &why);
    same = bound && !strcmp(bound, base->identity);
    known = !bound || session_base_is(base, bound) || wrong_model(s, base, bound, err);
    free(bound);
    if (!known || same || s->readonly) /* nothing to record, or nowhere */
        return known;
    if (!db_begin(s, err))
        return false;
    return db_end(s,
                  store_setting(s, SESSION_BASE_IDENTITY, base->identity, err) &&
                      (!base->name || store_setting(s, SESSION_BASE_NAME, base->name, err)),
                  err);
}
