/* Inside of core/session: the open file, and SQLite spoken to in few words. */
#ifndef CORE_SESSION_DB_H
#define CORE_SESSION_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/session/session.h"

enum { DB_VERSION = 2, DB_APPLICATION = 0x45445343 /* "EDSC" */ };

/* Of one blob: SQLite's own limit. */
enum { MOST_BLOB = 1000000000 };

struct session {
    sqlite3 *db;
    char *path; /* absolute; "" for a session in memory */
    int lock;   /* descriptor of PATH.lock, or -1 */
    bool readonly;
};

/* ---- lock.c: one writer a file ---- */

/* The descriptor that holds PATH.lock, or -1: ERR_HELD if another process does. */
int lock_take(const char *path, struct err *err);
void lock_drop(const char *path, int lock); /* -1 is fine */

/* ---- crashed.c ---- */

/* The path of a copy of PATH and its journal, in a folder of their own; NULL where there can be
 * none. Ends with crashed_remove(), which frees it. */
char *crashed_copy(const char *path);
void crashed_remove(char *copy);

/* ---- db.c ---- */

/* Records why the last call on the connection failed; `rc` is its result. Returns false. */
bool db_fail(struct session *s, int rc, struct err *err);
/* A statement with its arguments bound. `types` has a letter an argument: i long long, d double,
 * t const char * (NULL is null), b const void * and size_t (NULL is null). Texts and blobs must
 * live until the statement ends. NULL on failure. End with sqlite3_finalize(). */
sqlite3_stmt *db_query(struct session *s, struct err *err, const char *sql, const char *types, ...);
/* 1: a row, 0: no more, -1: failed. */
int db_step(struct session *s, sqlite3_stmt *q, struct err *err);
/* The same, for a statement that gives no rows. */
bool db_run(struct session *s, struct err *err, const char *sql, const char *types, ...);
bool db_exec(struct session *s, const char *sql, struct err *err);
/* First column of the first row, `none` if there is no row or it is null. */
bool db_number(struct session *s, struct err *err, long long none, long long *out, const char *sql);
/* ERR_USAGE on a session opened for reading. */
bool db_begin(struct session *s, struct err *err);
/* Commits if `ok`, else rolls back. True if what was done is in the file. */
bool db_end(struct session *s, bool ok, struct err *err);
char *db_text(sqlite3_stmt *q, int column); /* a copy, or NULL */
/* Copies at most size - 1 bytes. */
void db_text_to(sqlite3_stmt *q, int column, char *out, size_t size);

/* ---- schema.c ---- */

/* Checks that the file is a session and brings it to DB_VERSION, unless it is read only; with
 * `create` an empty file becomes one, and a reader's own copy is brought there too. */
bool schema_open(struct session *s, bool create, struct err *err);

/* ---- blobs.c ---- */

/* ERR_USAGE or ERR_LIMIT if it cannot be stored. */
bool delta_usable(const struct delta *d, struct err *err);
/* sha256 of all that decides what an edit does: its deltas, hooks and prefixes. */
void change_hash(const struct edit_record *rec, char hex[65]);
bool change_store(struct session *s, int edit, const struct edit_record *rec, struct err *err);
bool z_store(struct session *s, int edit, const float *z, int requests, int width, struct err *err);

/* ---- journal.c ---- */

/* Writes a row about the state as it is inside the open transaction. edit 0: none. */
bool journal_add(struct session *s, const char *op, int edit, double when, const char *checksum,
                 struct err *err);
double journal_now(void);

#endif
