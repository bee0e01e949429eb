/* The tables measures and numbers of a run. */
#include "core/session/measures.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/session/db.h"

static const char tables[] =
    "CREATE TABLE IF NOT EXISTS measures ("
    " id INTEGER PRIMARY KEY,"
    " sequence INTEGER NOT NULL, edits INTEGER NOT NULL, moment TEXT NOT NULL,"
    " record INTEGER NOT NULL, probe TEXT NOT NULL, place INTEGER NOT NULL, protocol TEXT NOT NULL,"
    " predicted BLOB NOT NULL, labels BLOB NOT NULL," /* int32 each */
    " logp REAL, answers INTEGER NOT NULL,"           /* null: NAN */
    " rival REAL, rivals INTEGER NOT NULL, rival_right INTEGER NOT NULL,"
    " merged INTEGER NOT NULL, said TEXT, wanted TEXT, alias INTEGER NOT NULL,"
    " UNIQUE (sequence, edits, moment, record, probe, place, protocol, alias));"
    "CREATE TABLE IF NOT EXISTS numbers ("
    " id INTEGER PRIMARY KEY,"
    " sequence INTEGER NOT NULL, edits INTEGER NOT NULL, name TEXT NOT NULL,"
    " layer INTEGER NOT NULL, value REAL,"
    " UNIQUE (sequence, edits, name, layer));";

bool session_run_begin(struct session *s, struct err *err)
{
    return db_begin(s, err) &&
           db_end(s, db_exec(s, tables, err) && task_answers_begin(s, err), err);
}

static bool measure_store(struct session *s, const struct measure *m, struct err *err)
{
    static const int none; /* a blob of no bytes, which is not null */

    return db_run(s, err,
                  "INSERT OR IGNORE INTO measures (sequence, edits, moment, record, probe, place,"
                  " protocol, predicted, labels, logp, answers, rival, rivals, rival_right, merged,"
                  " said, wanted, alias)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "iititit"
                  "bbdidiiitti",
                  (long long)m->sequence, (long long)m->edits, measure_when_name(m->when),
                  (long long)m->record, measure_probe_name(m->probe), (long long)m->place,
                  measure_protocol_name(m->protocol), m->predicted ? m->predicted : &none,
                  (size_t)m->predicteds * sizeof(int), m->label ? m->label : &none,
                  (size_t)m->labels * sizeof(int), m->logp, (long long)m->answers, m->rival,
                  (long long)m->rivals, (long long)m->rival_right, (long long)m->merged, m->said,
                  m->wanted, (long long)m->alias);
}

static bool number_store(struct session *s, const struct run_number *n, struct err *err)
{
    return db_run(s, err,
                  "INSERT OR IGNORE INTO numbers (sequence, edits, name, layer, value)"
                  " VALUES (?, ?, ?, ?, ?)",
                  "iitid", (long long)n->sequence, (long long)n->edits, n->name,
                  (long long)n->layer, n->value);
}

bool session_add_measures(struct session *s, const struct measure *m, int measures,
                          const struct run_number *n, int numbers, struct err *err)
{
    bool ok = db_begin(s, err);

    if (!ok)
        return false;
    for (int i = 0; ok && i < measures; i++)
        ok = measure_store(s, &m[i], err);
    for (int i = 0; ok && i < numbers; i++)
        ok = number_store(s, &n[i], err);
    return db_end(s, ok, err);
}

#define OF_ONE " WHERE sequence = ? AND edits = ? AND moment = ? AND record = ?"

/* Whether a query has a row; ends it. */
static bool has_row(struct session *s, sqlite3_stmt *q, bool *has, struct err *err)
{
    int got = q ? db_step(s, q, err) : -1;

    *has = got > 0;
    sqlite3_finalize(q);
    return got >= 0;
}

bool session_has_measures(struct session *s, const struct measure *like, bool *has, struct err *err)
{
    return has_row(s,
                   db_query(s, err, "SELECT 1 FROM measures" OF_ONE " LIMIT 1", "iiti",
                            (long long)like->sequence, (long long)like->edits,
                            measure_when_name(like->when), (long long)like->record),
                   has, err);
}

bool session_has_number(struct session *s, const struct run_number *like, bool *has,
                        struct err *err)
{
    return has_row(
        s,
        db_query(s, err,
                 "SELECT 1 FROM numbers WHERE sequence = ? AND edits = ? AND name = ? LIMIT 1",
                 "iit", (long long)like->sequence, (long long)like->edits, like->name),
        has, err);
}

/* The ids of a blob. Caller frees. */
static int *ids_of(sqlite3_stmt *q, int column, int *count)
{
    const void *blob = sqlite3_column_blob(q, column);
    size_t n = (size_t)sqlite3_column_bytes(q, column) / sizeof(int);
    int *id = xcalloc(n + 1, sizeof(*id));

    if (n)
        memcpy(id, blob, n * sizeof(*id));
    *count = (int)n;
    return id;
}

/* The number of a name in the column; -1 and ERR_FORMAT: the file has another one. */
static int name_of(struct session *s, sqlite3_stmt *q, int column, const char *(*names)(int),
                   struct err *err)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    int at = text ? measure_name_find(names, text) : -1;

    if (at < 0)
        err_set(err, ERR_FORMAT,
                "%s: a measure has the unknown kind '%.20s'; a newer editscope "
                "may read it",
                s->path, text ? text : "");
    return at;
}

static bool measure_read(struct session *s, sqlite3_stmt *q, struct measure *m, struct err *err)
{
    *m = (struct measure){.sequence = sqlite3_column_int(q, 0),
                          .edits = sqlite3_column_int(q, 1),
                          .when = name_of(s, q, 2, measure_when_name, err),
                          .record = sqlite3_column_int(q, 3),
                          .probe = name_of(s, q, 4, measure_probe_name, err),
                          .place = sqlite3_column_int(q, 5),
                          .protocol = name_of(s, q, 6, measure_protocol_name, err),
                          .logp = db_real(q, 9),
                          .answers = sqlite3_column_int(q, 10),
                          .rival = db_real(q, 11),
                          .rivals = sqlite3_column_int(q, 12),
                          .rival_right = sqlite3_column_int(q, 13) != 0,
                          .merged = sqlite3_column_int(q, 14) != 0,
                          .said = db_text(q, 15),
                          .wanted = db_text(q, 16),
                          .alias = sqlite3_column_int(q, 18)};
    m->predicted = ids_of(q, 7, &m->predicteds);
    m->label = ids_of(q, 8, &m->labels);
    return m->when >= 0 && m->probe >= 0 && m->protocol >= 0;
}

#define SELECT_MEASURES                                                             \
    "SELECT sequence, edits, moment, record, probe, place, protocol, predicted,"    \
    " labels, logp, answers, rival, rivals, rival_right, merged, said, wanted, id," \
    " alias FROM measures"

/* All rows of a query by SELECT_MEASURES, which is ended here; NULL: failed. *last becomes the id
 * of the last row. */
static bool measures_read(struct session *s, sqlite3_stmt *q, struct measure **m, int *count,
                          long *last, struct err *err)
{
    int got = -1, room = 0;

    *m = NULL;
    *count = 0;
    while (q && (got = db_step(s, q, err)) > 0) {
        if (*count == room) {
            room = 2 * room + 16;
            *m = xrealloc(*m, (size_t)room * sizeof(**m));
        }
        *last = (long)sqlite3_column_int64(q, 17);
        if (!measure_read(s, q, &(*m)[(*count)++], err)) {
            got = -1;
            break;
        }
    }
    sqlite3_finalize(q);
    if (got == 0)
        return true;
    measures_free(*m, *count);
    *m = NULL;
    *count = 0;
    return false;
}

bool session_measures(struct session *s, const struct measure *like, struct measure **m, int *count,
                      struct err *err)
{
    sqlite3_stmt *q = like ? db_query(s, err, SELECT_MEASURES OF_ONE " ORDER BY id", "iiti",
                                      (long long)like->sequence, (long long)like->edits,
                                      measure_when_name(like->when), (long long)like->record)
                           : db_query(s, err, SELECT_MEASURES " ORDER BY id", "");
    long last;

    return measures_read(s, q, m, count, &last, err);
}

bool session_measures_after(struct session *s, long *last, int most, struct measure **m, int *count,
                            struct err *err)
{
    sqlite3_stmt *q = db_query(s, err, SELECT_MEASURES " WHERE id > ? ORDER BY id LIMIT ?", "ii",
                               (long long)*last, (long long)most);

    return measures_read(s, q, m, count, last, err);
}

bool session_last_measure(struct session *s, long *last, struct err *err)
{
    long long n;
    bool ok = db_number(s, err, 0, &n, "SELECT max(id) FROM measures");

    *last = (long)n;
    return ok;
}

bool session_numbers(struct session *s, struct run_number **n, int *count, struct err *err)
{
    sqlite3_stmt *q =
        db_query(s, err, "SELECT sequence, edits, name, layer, value FROM numbers ORDER BY id", "");
    int got = -1;

    *n = NULL;
    *count = 0;
    while (q && (got = db_step(s, q, err)) > 0) {
        struct run_number *one;

        *n = xrealloc(*n, (size_t)(*count + 1) * sizeof(**n));
        one = &(*n)[(*count)++];
        *one = (struct run_number){.sequence = sqlite3_column_int(q, 0),
                                   .edits = sqlite3_column_int(q, 1),
                                   .layer = sqlite3_column_int(q, 3),
                                   .value = db_real(q, 4)};
        db_text_to(q, 2, one->name, sizeof(one->name));
    }
    sqlite3_finalize(q);
    if (got == 0)
        return true;
    free(*n);
    *n = NULL;
    *count = 0;
    return false;
}
