/* Checks all of a session's file, and copies it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/session/db.h"
#include "core/session/session.h"

/* SQLite's own checks: pages and indices, and rows that refer to others. */
static bool check_structure(struct session *s, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err, "PRAGMA integrity_check(1)", "");
    int got = q ? db_step(s, q, err) : -1;
    const char *result = got > 0 ? (const char *)sqlite3_column_text(q, 0) : NULL;
    bool ok = result && !strcmp(result, "ok");

    if (got >= 0 && !ok)
        err_set(err, ERR_FORMAT, "%s: damaged (%.200s); restore it from a copy", s->path,
                result ? result : "no answer");
    sqlite3_finalize(q);
    if (!ok)
        return false;
    q = db_query(s, err, "PRAGMA foreign_key_check", "");
    got = q ? db_step(s, q, err) : -1;
    if (got > 0)
        err_set(err, ERR_FORMAT, "%s: damaged (a row of '%.40s' belongs to no edit)", s->path,
                (const char *)sqlite3_column_text(q, 0));
    sqlite3_finalize(q);
    return got == 0;
}

/* Loads every value of an edit; loading verifies sizes and hash. */
static bool check_edit(struct session *s, const struct edit_record *rec, struct err *err)
{
    struct delta *delta;
    float *z;
    int n, requests, width;

    if (!session_load_deltas(s, rec->id, &delta, &n, err))
        return false;
    deltas_free(delta, n);
    if (!session_load_z(s, rec->id, &z, &requests, &width, err))
        return false;
    free(z);
    return true;
}

bool session_check(struct session *s, struct err *err)
{
    struct edit_record *edits;
    bool ok = true;
    int n;

    if (!check_structure(s, err) || !session_edits(s, true, &edits, &n, err))
        return false;
    for (int i = 0; i < n && ok; i++)
        ok = check_edit(s, &edits[i], err);
    edit_records_free(edits, n);
    return ok && statistics_check(s, err);
}

bool session_copy(struct session *s, const char *path, struct err *err)
{
    /* a path with / cannot be mistaken for one of SQLite's special names (":memory:", "file:") */
    char *temp = xasprintf("%s%s.%ld.tmp", *path == '/' ? "" : "./", path, (long)getpid());
    bool ok;

    if (file_exists(path)) {
        free(temp);
        return err_set(err, ERR_IO, "%s: exists already; choose another name", path);
    }
    unlink(temp);
    ok = db_run(s, err, "VACUUM INTO ?", "t", temp);
    if (ok && link(temp, path)) /* unlike rename(), fails if the file exists by now */
        ok = err_set(err, ERR_IO, "%s: cannot create: %s", path, strerror(errno));
    unlink(temp);
    free(temp);
    return ok;
}
