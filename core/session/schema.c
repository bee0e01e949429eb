/* The tables of a session, and the upgrade of files of older versions. */
#include <stdio.h>
#include <sys/stat.h>

#include "core/session/db.h"

/* SQLite takes a shorter file for an empty database and would overwrite it. */
enum { MIN_DATABASE = 512 };

/* migration[v] turns version v into v + 1; version 0 is an empty file. Never change a step that was
 * released: add one, and describe it in man/editscope-session.5. */
static const char *const migration[DB_VERSION] = {
    "CREATE TABLE counter (value INTEGER NOT NULL);"
    "INSERT INTO counter VALUES (0);"
    "CREATE TABLE settings (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL);"
    "CREATE TABLE edits ("
    " id INTEGER PRIMARY KEY,"
    " active INTEGER NOT NULL CHECK (active IN (0, 1)),"
    " undone INTEGER,"
    " time REAL NOT NULL,"
    " lambda REAL NOT NULL,"
    " projector TEXT NOT NULL,"
    " checksum TEXT NOT NULL,"
    " hash TEXT NOT NULL,"
    " draft INTEGER NOT NULL CHECK (draft IN (0, 1)),"
    " moment_tokens INTEGER NOT NULL,"
    " attribution INTEGER NOT NULL,"
    " params TEXT, metrics TEXT, note TEXT);" /* last: long and rarely read */
    "CREATE TABLE facts ("
    " edit INTEGER NOT NULL REFERENCES edits (id), request INTEGER NOT NULL,"
    " subject TEXT NOT NULL, prompt TEXT NOT NULL, target TEXT NOT NULL, old TEXT, rephrase TEXT,"
    " PRIMARY KEY (edit, request)) WITHOUT ROWID;"
    "CREATE TABLE probes ("
    " edit INTEGER NOT NULL, request INTEGER NOT NULL, place INTEGER NOT NULL,"
    " prompt TEXT NOT NULL, answer TEXT,"
    " PRIMARY KEY (edit, request, place),"
    " FOREIGN KEY (edit, request) REFERENCES facts (edit, request)) WITHOUT ROWID;"
    "CREATE TABLE deltas ("
    " id INTEGER PRIMARY KEY,"
    " edit INTEGER NOT NULL REFERENCES edits (id), place INTEGER NOT NULL,"
    " layer INTEGER NOT NULL,"
    " rank INTEGER NOT NULL CHECK (rank > 0),"
    " rows INTEGER NOT NULL CHECK (rows > 0),"
    " cols INTEGER NOT NULL CHECK (cols > 0),"
    " scale REAL NOT NULL,"
    " r BLOB NOT NULL CHECK (length(r) = rank * rows * 4),"
    " x BLOB NOT NULL CHECK (length(x) = rank * cols * 4),"
    " weight BLOB CHECK (weight IS NULL OR length(weight) = cols * 4),"
    " key BLOB CHECK (key IS NULL OR length(key) = rank * cols * 4),"
    " UNIQUE (edit, place));"
    "CREATE TABLE targets ("
    " edit INTEGER PRIMARY KEY REFERENCES edits (id),"
    " requests INTEGER NOT NULL, width INTEGER NOT NULL,"
    " z BLOB NOT NULL CHECK (length(z) = requests * width * 4));"
    "CREATE TABLE journal ("
    " seq INTEGER PRIMARY KEY,"
    " time REAL NOT NULL,"
    " op TEXT NOT NULL CHECK (op IN ('create', 'edit', 'undo', 'redo', 'remove')),"
    " edit INTEGER REFERENCES edits (id),"
    " state TEXT NOT NULL,"
    " checksum TEXT NOT NULL);"
    "CREATE INDEX journal_state ON journal (state);"
    "CREATE TABLE queries ("
    " id INTEGER PRIMARY KEY, time REAL NOT NULL,"
    " prompt TEXT NOT NULL, answer TEXT NOT NULL, state TEXT NOT NULL);",

    /* To version 2: deltas of any matrix; dense deltas and columns (additions); hooks and prefixes.
     * Low-rank deltas stay in their table, so nothing large is copied. */
    "ALTER TABLE deltas ADD COLUMN matrix TEXT NOT NULL DEFAULT 'down';"
    "CREATE TABLE additions ("
    " id INTEGER PRIMARY KEY,"
    " edit INTEGER NOT NULL REFERENCES edits (id), place INTEGER NOT NULL,"
    " layer INTEGER NOT NULL,"
    " matrix TEXT NOT NULL,"
    " rows INTEGER NOT NULL CHECK (rows > 0),"
    " cols INTEGER NOT NULL CHECK (cols > 0),"
    " columns BLOB," /* int32 each; null: dense, row by row */
    " r BLOB NOT NULL CHECK (length(r) = rows * coalesce(length(columns), cols * 4)),"
    " UNIQUE (edit, place));"
    "CREATE TABLE hooks ("
    " edit INTEGER NOT NULL REFERENCES edits (id), place INTEGER NOT NULL,"
    " name TEXT NOT NULL, params TEXT NOT NULL, blob BLOB,"
    " PRIMARY KEY (edit, place));"
    "CREATE TABLE prefixes ("
    " edit INTEGER NOT NULL REFERENCES edits (id), place INTEGER NOT NULL,"
    " text TEXT NOT NULL,"
    " PRIMARY KEY (edit, place));",
};

/* Upgrades inside the open transaction. A new file also gets its journal row "create". */
static bool migrate(struct session *s, int version, struct err *err)
{
    bool fresh = version == 0;
    char pragma[64];

    for (; version < DB_VERSION; version++)
        if (!db_exec(s, migration[version], err))
            return false;
    snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %d", DB_VERSION);
    if (!db_exec(s, pragma, err))
        return false;
    snprintf(pragma, sizeof(pragma), "PRAGMA application_id = %d", DB_APPLICATION);
    return db_exec(s, pragma, err) &&
           (!fresh || journal_add(s, "create", 0, journal_now(), "", err));
}

static bool check_version(struct session *s, long long version, struct err *err)
{
    if (version < 0 || version > DB_VERSION)
        return err_set(err, ERR_FORMAT,
                       "%s: session of version %lld, but this program knows up to %d; "
                       "open it with a newer editscope",
                       s->path, version, DB_VERSION);
    return true;
}

bool schema_open(struct session *s, bool create, struct err *err)
{
    long long application, version, tables;
    struct stat st;
    bool empty;

    /* the first read also rolls back what a crash left half written */
    if (!db_number(s, err, 0, &tables, "SELECT count(*) FROM sqlite_master") ||
        !db_number(s, err, 0, &application, "PRAGMA application_id") ||
        !db_number(s, err, 0, &version, "PRAGMA user_version"))
        return false;
    empty = tables == 0 && application == 0 && version == 0;
    if (empty && !stat(s->path, &st) && st.st_size > 0 && st.st_size < MIN_DATABASE)
        return db_no_session(s->path, err);
    if (empty && !create)
        return err_set(err, ERR_FORMAT, "%s: empty, not an editscope session", s->path);
    if (!empty && application != DB_APPLICATION)
        return err_set(err, ERR_FORMAT, "%s: an SQLite database, but not an editscope session",
                       s->path);
    if (!empty && !check_version(s, version, err))
        return false;
    if (version == DB_VERSION || (s->readonly && !create))
        return true;
    return db_exec(s, "BEGIN IMMEDIATE", err) && db_end(s, migrate(s, (int)version, err), err);
}
