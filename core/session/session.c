/* Opens and closes sessions, for writing or as a copy that is read, and keeps their settings. */
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
    BUSY_MILLISECONDS = 5000,
    COPY_IN_MEMORY = 64 << 20, /* bytes of a session that a reader holds in memory */
};

/* One name for one file, so that two ways to write its path meet at one lock. Caller frees. */
static char *absolute(const char *path, struct err *err)
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
    if (!full && errno == ENOENT) /* made for nobody: a folder mistyped would hide the session */
        err_set(err, ERR_IO, "%s: no such folder; make it first (mkdir -p)", path);
    else if (!full)
        err_set(err, ERR_IO, "%s: %s", path, strerror(errno ? errno : EISDIR));
    return full;
}

/* Nothing in the file may run code or grow without bound: it may come from anywhere. */
static bool configure(struct session *s, struct err *err)
{
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, BUSY_MILLISECONDS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    /* EXTRA is FULL and also syncs the folder when the rollback journal goes, so that a commit
     * outlives a loss of power. */
    return db_exec(s,
                   "PRAGMA foreign_keys = ON; PRAGMA synchronous = EXTRA;"
                   "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;",
                   err);
}

static bool connect(struct session *s, int flags, struct err *err)
{
    int rc = sqlite3_open_v2(*s->path ? s->path : ":memory:", &s->db, flags, NULL);

    if (!s->db)
        return err_set(err, ERR_LIMIT, "%s: out of memory", s->path);
    if (rc != SQLITE_OK)
        return db_fail(s, rc, err);
    return configure(s, err);
}

static void disconnect(struct session *s)
{
    sqlite3_close_v2(s->db);
    s->db = NULL;
}

/* A crashed writer leaves a rollback journal that a reader must not play back. When nobody
 * writes, the lock is ours for a moment and we do it. Failing is no error: the reader's own
 * attempt says what is wrong. */
static void heal(struct session *s)
{
    char *journal = xasprintf("%s-journal", s->path);
    long long n;
    int lock;

    if (file_exists(journal) && access(s->path, W_OK) == 0 &&
        (lock = lock_take(s->path, NULL)) >= 0) {
        if (connect(s, SQLITE_OPEN_READWRITE, NULL))
            db_number(s, NULL, 0, &n, "SELECT count(*) FROM sqlite_master");
        disconnect(s);
        lock_drop(s->path, lock);
    }
    free(journal);
}

/* What a crash left half written is read as it was before, in a copy that has no name any more
 * when this returns. */
static bool connect_crashed(struct session *s)
{
    char *copy = crashed_copy(s->path), *path = s->path;
    bool ok = copy != NULL;

    if (ok) {
        s->path = copy;
        ok = connect(s, SQLITE_OPEN_READWRITE, NULL) && schema_open(s, false, NULL);
        s->path = path;
        crashed_remove(copy);
    }
    return ok;
}

static bool connect_reader(struct session *s, struct err *err)
{
    struct err why = {0};
    char *journal = xasprintf("%s-journal", s->path);
    bool ok, left;

    heal(s);
    ok = connect(s, SQLITE_OPEN_READONLY, &why) && schema_open(s, false, &why);
    left = !ok && why.kind == ERR_IO && file_exists(journal);
    free(journal);
    if (left) {
        disconnect(s);
        ok = connect_crashed(s) ||
             err_set(err, ERR_IO,
                     "%s: a crash left it half written; copy it and its -journal together to where "
                     "they may be written, and open the copy",
                     s->path);
    }
    return ok || err_pass(err, &why);
}

/* All pages as they are at one moment; waits while a step is being written. */
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

/* From here on a reader has a copy of its own: no writer waits for it, and what it tells is of one
 * moment. What memory should not hold goes to a file without a name. */
static bool read_copy(struct session *s, struct err *err)
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
            err_set(err, ERR_LIMIT, "%s: out of memory", s->path);
        disconnect(&copy);
        return false;
    }
    disconnect(s);
    s->db = copy.db;
    return configure(s, err) && schema_open(s, true, err); /* the copy may be of this version */
}

static bool check_file(const char *path, bool create, bool *exists, struct err *err)
{
    struct stat st;

    *exists = stat(path, &st) == 0;
    if (*exists && !S_ISREG(st.st_mode))
        return err_set(err, ERR_FORMAT, "%s: %s", path,
                       S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)
                           ? "a session is a database, which is used in place: it cannot come by a "
                             "pipe, write it to a file first"
                           : "not a file, so not an editscope session");
    if (!*exists && !create)
        return err_set(err, ERR_IO, "%s: no such session", path);
    return true;
}

static bool open_file(struct session *s, bool create, bool glance, struct err *err)
{
    bool exists, ok;

    if (!check_file(s->path, create, &exists, err))
        return false;
    if (s->readonly)
        return connect_reader(s, err) && (glance || read_copy(s, err));
    s->lock = lock_take(s->path, err);
    if (s->lock < 0)
        return false;
    exists = file_exists(s->path); /* again: now nobody else can make it */
    ok = connect(s, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), err);
    if (ok && sqlite3_db_readonly(s->db, "main") == 1)
        ok = db_fail(s, SQLITE_READONLY, err);
    ok = ok && schema_open(s, create, err) && db_exec(s, "PRAGMA journal_mode = DELETE", err);
    if (!ok && !exists) {
        disconnect(s);
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
        ok = connect(s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err) &&
             schema_open(s, true, err);
    } else {
        create = create && !readonly;
        s->path = absolute(path, err);
        ok = s->path && open_file(s, create, false, err);
    }
    if (ok)
        return s;
    session_close(s);
    return NULL;
}

struct session *session_glance(const char *path, struct err *err)
{
    struct session *s = xcalloc(1, sizeof(*s));

    s->lock = -1;
    s->readonly = true;
    s->path = absolute(path, err);
    if (s->path && open_file(s, false, true, err))
        return s;
    session_close(s);
    return NULL;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    disconnect(s);
    lock_drop(s->path, s->lock);
    free(s->path);
    free(s);
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
    file_make_parents(path, NULL); /* where it cannot be, opening the session says so */
    return path;
}

static bool store_setting(struct session *s, const char *name, const char *value, struct err *err)
{
    return db_run(s, err,
                  "INSERT INTO settings (name, value) VALUES (?, ?)"
                  " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                  "tt", name, value);
}

static bool name_usable(const char *name, struct err *err)
{
    if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-")])
        return err_set(err, ERR_USAGE, "'%s' is not the name of a setting", name);
    return true;
}

bool session_set(struct session *s, const char *name, const char *value, struct err *err)
{
    return name_usable(name, err) && db_begin(s, err) &&
           db_end(s, store_setting(s, name, value, err), err);
}

char *session_get(struct session *s, const char *name, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err, "SELECT value FROM settings WHERE name = ?", "t", name);
    char *value = q && db_step(s, q, err) > 0 ? db_text(q, 0) : NULL;

    sqlite3_finalize(q);
    return value;
}

/* "SmolLM2 (b179c9523d0e)", or the hash alone. Caller frees. */
static char *model_words(const char *name, const char *identity)
{
    return name && *name ? xasprintf("%s (%.12s)", name, identity)
                         : xasprintf("a model with hash %.12s", identity);
}

/* Where the model was last, for a message: ", last at PATH". Caller frees. */
static char *model_place(struct session *s)
{
    char *path = session_get(s, SESSION_MODEL_PATH, NULL), *words;

    if (!path || !*path)
        words = xstrdup("");
    else
        words =
            xasprintf(", last at %.140s%s", path, file_exists(path) ? "" : " (not there any more)");
    free(path);
    return words;
}

static bool other_model(struct session *s, const struct session_base *base, const char *bound,
                        struct err *err)
{
    char *bound_name = session_get(s, SESSION_BASE_NAME, NULL), *place = model_place(s);
    char *theirs = model_words(bound_name, bound), *ours = model_words(base->name, base->identity);

    err_set(err, ERR_STATE,
            "%s: made with %s%s, not with %s; open it with that model (-m), whatever its files are "
            "called",
            s->path, theirs, place, ours);
    free(ours);
    free(theirs);
    free(place);
    free(bound_name);
    return false;
}

struct session_base session_base_of(const struct identity *id, const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    struct session_base base = {.name = NULL};

    memcpy(base.identity, id->hex, sizeof(base.identity));
    identity_named(id, slash ? slash + 1 : path, base.former[0]);
    identity_named(id, NULL, base.former[1]);
    return base;
}

bool session_base_is(const struct session_base *base, const char *kept)
{
    return !strcmp(kept, base->identity) || !strcmp(kept, base->former[0]) ||
           !strcmp(kept, base->former[1]);
}

bool session_bind(struct session *s, const struct session_base *base, struct err *err)
{
    struct err why = {0};
    char *bound = session_get(s, SESSION_BASE_IDENTITY, &why);
    bool same, known;

    if (why.kind)
        return err_pass(err, &why);
    same = bound && !strcmp(bound, base->identity);
    known = !bound || session_base_is(base, bound) || other_model(s, base, bound, err);
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
