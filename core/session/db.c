/* Short forms for SQLite's calls: statements with bound arguments, transactions, and errors for
 * users. */
#include "core/session/db.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file_type.h"
#include "core/base/mem.h"

/* Prefers the system's error to SQLite's: "Permission denied" says more than "unable to open
 * database file". */
static bool db_fail_io(struct session *s, const char *path, struct err *err)
{
    int why = sqlite3_system_errno(s->db);

    return err_set(err, ERR_IO, "%s: cannot read or write: %s; nothing was changed", path,
                   why ? strerror(why) : sqlite3_errmsg(s->db));
}

bool db_no_session(const char *path, struct err *err)
{
    const char *is = file_type_name(file_type_of_path(path));

    return err_set(err, ERR_FORMAT, "%s: %s%snot an editscope session", path, is ? is : "",
                   is ? ", " : "");
}

bool db_fail(struct session *s, int rc, struct err *err)
{
    const char *path = *s->path ? s->path : "the session in memory";

    switch (rc & 0xff) {
    case SQLITE_FULL:
        return err_set(err, ERR_IO,
                       "%s: the disk is full; nothing was changed, free some space and try again",
                       path);
    case SQLITE_CORRUPT:
        return err_set(err, ERR_FORMAT, "%s: damaged (%s); restore it from a copy", path,
                       sqlite3_errmsg(s->db));
    case SQLITE_NOTADB:
        return db_no_session(path, err);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(err, ERR_HELD, "%s: another program is reading or writing it; try again",
                       path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return err_set(err, ERR_IO, "%s: not writable; nothing was changed", path);
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
        return err_set(err, ERR_LIMIT, "%s: %s; nothing was changed", path, sqlite3_errmsg(s->db));
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return db_fail_io(s, path, err);
    default:
        return err_set(err, ERR_FORMAT, "%s: not a valid session: %s", path, sqlite3_errmsg(s->db));
    }
}

static int db_bind_one(sqlite3_stmt *q, int at, char type, va_list *ap)
{
    const void *bytes;

    switch (type) {
    case 'i':
        return sqlite3_bind_int64(q, at, va_arg(*ap, long long));
    case 'd':
        return sqlite3_bind_double(q, at, va_arg(*ap, double));
    case 't':
        return sqlite3_bind_text(q, at, va_arg(*ap, const char *), -1, SQLITE_STATIC);
    case 'b':
        bytes = va_arg(*ap, const void *);
        return sqlite3_bind_blob64(q, at, bytes, va_arg(*ap, size_t), SQLITE_STATIC);
    default:
        return SQLITE_MISUSE;
    }
}

static sqlite3_stmt *db_vquery(struct session *s, struct err *err, const char *sql,
                               const char *types, va_list *ap)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);

    for (int i = 0; rc == SQLITE_OK && types[i]; i++)
        rc = db_bind_one(q, i + 1, types[i], ap);
    if (rc == SQLITE_OK)
        return q;
    db_fail(s, rc, err);
    sqlite3_finalize(q);
    return NULL;
}

sqlite3_stmt *db_query(struct session *s, struct err *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *q;
    va_list ap;

    va_start(ap, types);
    q = db_vquery(s, err, sql, types, &ap);
    va_end(ap);
    return q;
}

int db_step(struct session *s, sqlite3_stmt *q, struct err *err)
{
    int rc = sqlite3_step(q);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    db_fail(s, rc, err);
    return -1;
}

bool db_run(struct session *s, struct err *err, const char *sql, const char *types, ...)
{
    sqlite3_stmt *q;
    va_list ap;
    bool ok;

    va_start(ap, types);
    q = db_vquery(s, err, sql, types, &ap);
    va_end(ap);
    ok = q && db_step(s, q, err) >= 0;
    sqlite3_finalize(q);
    return ok;
}

bool db_exec(struct session *s, const char *sql, struct err *err)
{
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK || db_fail(s, rc, err);
}

bool db_number(struct session *s, struct err *err, long long none, long long *out, const char *sql)
{
    sqlite3_stmt *q = db_query(s, err, sql, "");
    int got = q ? db_step(s, q, err) : -1;

    *out = none;
    if (got > 0 && sqlite3_column_type(q, 0) != SQLITE_NULL)
        *out = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return got >= 0;
}

bool db_begin(struct session *s, struct err *err)
{
    if (s->readonly)
        return err_set(err, ERR_USAGE, "%s: opened read-only; nothing was changed", s->path);
    return s->grouped || db_exec(s, "BEGIN IMMEDIATE", err);
}

/* Whether a commit happened although it reported a failure. Deleting the rollback journal is the
 * commit; syncing the folder afterwards may still fail. Then our value of the counter is in the
 * file. */
static bool commit_landed(struct session *s, long long changes)
{
    long long now;

    return db_number(s, NULL, -1, &now, "SELECT value FROM counter") && now == changes;
}

bool db_end(struct session *s, bool ok, struct err *err)
{
    long long changes;

    if (s->grouped)
        return ok;
    /* so that commit_landed() can tell this transaction from the one before */
    ok = ok && db_exec(s, "UPDATE counter SET value = value + 1", err) &&
         db_number(s, err, -1, &changes, "SELECT value FROM counter");
    if (ok) {
        struct err why = {0};

        if (db_exec(s, "COMMIT", &why))
            return true;
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        if (commit_landed(s, changes))
            return true;
        return err_pass(err, &why);
    }
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

char *db_text(sqlite3_stmt *q, int column)
{
    return xstrdup((const char *)sqlite3_column_text(q, column));
}

void db_text_to(sqlite3_stmt *q, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    size_t n = text ? strnlen(text, size - 1) : 0;

    if (n)
        memcpy(out, text, n);
    out[n] = '\0';
}

double db_real(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL ? (double)NAN
                                                         : sqlite3_column_double(q, column);
}
