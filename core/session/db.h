/* For core/session/ only: the open file, short forms for SQLite's calls, and the functions that its
 * .c files share. */
#ifndef CORE_SESSION_DB_H
#define CORE_SESSION_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/session/session.h"

enum { DB_VERSION = 2, DB_APPLICATION = 0x45445343 /* "EDSC" */ };

/* Bytes of one blob: SQLite's own limit. */
enum { MAX_BLOB = 1000000000 };

struct session {
    sqlite3 *db;
    char *path; /* absolute; "" for a session in memory */
    int lock;   /* descriptor of PATH.lock, or -1 */
    bool readonly;
    bool grouped; /* between session_begin() and session_end() */
    bool created; /* by this open */
};

/* ---- lock.c: one writer per file ---- */

/* Locks PATH.lock. Returns its descriptor for lock_drop(), or -1: ERR_HELD if another process has
 * the lock, ERR_IO. */
int lock_take(const char *path, struct err *err);
void lock_drop(const char *path, int lock); /* removes PATH.lock; -1 is fine */

/* ---- crashed.c ---- */

/* Copies PATH and its rollback journal into a new temporary folder. Returns the copy's path for
 * crashed_remove(); NULL if it cannot be copied. */
char *crashed_copy(const char *path);
void crashed_remove(char *copy); /* deletes the copy and frees its path */

/* ---- db.c ---- */

/* Sets err for SQLite's result `rc` of the last call on the connection. Returns false. */
bool db_fail(struct session *s, int rc, struct err *err);
/* The error for a file that is another kind of file. Returns false. */
bool db_no_session(const char *path, struct err *err);
/* Prepares a statement and binds its arguments. `types` has one letter per argument: i long long,
 * d double, t const char * (NULL is null), b const void * and size_t (NULL is null):
 *
 *   q = db_query(s, err, "SELECT hash FROM edits WHERE id = ?", "i", (long long)edit);
 *
 * Texts and blobs must live until sqlite3_finalize(). NULL on failure. */
sqlite3_stmt *db_query(struct session *s, struct err *err, const char *sql, const char *types, ...);
/* 1: there is a row; 0: no more rows; -1: failed, err is set. */
int db_step(struct session *s, sqlite3_stmt *q, struct err *err);
/* Prepares, binds and runs a statement that gives no rows. */
bool db_run(struct session *s, struct err *err, const char *sql, const char *types, ...);
/* Runs several statements without arguments. */
bool db_exec(struct session *s, const char *sql, struct err *err);
/* *out: the first column of the first row, or `none` if there is no row or it is null. */
bool db_number(struct session *s, struct err *err, long long none, long long *out, const char *sql);
/* Begins a write transaction. ERR_USAGE if the session is read-only. In a group of steps
 * (session_begin()) the group's transaction is the only one: both functions then do nothing. */
bool db_begin(struct session *s, struct err *err);
/* Commits if `ok`, else rolls back. True if the changes are in the file and synced. */
bool db_end(struct session *s, bool ok, struct err *err);
char *db_text(sqlite3_stmt *q, int column); /* a copy, the caller frees; NULL: null */
/* Copies at most size - 1 bytes and a zero byte; null is "". */
void db_text_to(sqlite3_stmt *q, int column, char *out, size_t size);
double db_real(sqlite3_stmt *q, int column); /* null: NAN */

/* ---- schema.c ---- */

/* Checks that the open file is a session, and upgrades it to DB_VERSION unless it is read-only.
 * With `create` an empty file becomes a session, and a read-only one is upgraded too: it is
 * a copy. */
bool schema_open(struct session *s, bool create, struct err *err);

/* ---- blobs.c ---- */

/* Whether a delta can be stored. ERR_USAGE: a field is wrong; ERR_LIMIT: too large; ERR_FORMAT: not
 * finite. */
bool delta_usable(const struct delta *d, struct err *err);
/* sha256, as hex, of everything that decides what an edit does: deltas, hooks and prefixes. */
void change_hash(const struct edit_record *rec, char hex[65]);
/* Inserts deltas, hooks and prefixes, or z, of an edit. For use inside a transaction. */
bool change_store(struct session *s, int edit, const struct edit_record *rec, struct err *err);
bool z_store(struct session *s, int edit, const float *z, int requests, int width, struct err *err);

/* ---- statistics.c ---- */

/* Inserts the statistics of an edit. For use inside a transaction. */
bool statistics_store(struct session *s, int edit, const struct edit_record *r, struct err *err);
/* Whether those of all edits are sound: ERR_FORMAT. */
bool statistics_check(struct session *s, struct err *err);

/* ---- tasks.c ---- */

/* Makes the table of a run's answers to tasks, if it is not there. */
bool task_answers_begin(struct session *s, struct err *err);

/* ---- journal.c ---- */

/* Adds a journal row for the state as it is inside the open transaction. edit 0: none. */
bool journal_add(struct session *s, const char *op, int edit, double when, const char *checksum,
                 struct err *err);
double journal_now(void); /* unix seconds */

#endif
