/* The table task_answers of a run. */
#include "core/session/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/session/db.h"

bool task_answers_begin(struct session *s, struct err *err)
{
    return db_exec(s,
                   "CREATE TABLE IF NOT EXISTS task_answers ("
                   " id INTEGER PRIMARY KEY,"
                   " sequence INTEGER NOT NULL, edits INTEGER NOT NULL, task TEXT NOT NULL,"
                   " subtask TEXT NOT NULL, question INTEGER NOT NULL,"
                   " said TEXT, predicted TEXT, gold TEXT,"
                   " score1 REAL, score2 REAL, score3 REAL," /* null: NAN */
                   " logp BLOB NOT NULL,"                    /* float64 each */
                   " UNIQUE (sequence, edits, task, subtask, question));",
                   err);
}

static bool answer_store(struct session *s, const struct task_answer *a, struct err *err)
{
    static const double none; /* a blob of no bytes, which is not null */

    return db_run(s, err,
                  "INSERT OR IGNORE INTO task_answers (sequence, edits, task, subtask, question,"
                  " said, predicted, gold, score1, score2, score3, logp)"
                  " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "iittitttdddb", (long long)a->sequence, (long long)a->edits, a->task, a->subtask,
                  (long long)a->index, a->said, a->predicted, a->gold, a->score[0], a->score[1],
                  a->score[2], a->logp ? a->logp : &none, (size_t)a->logps * sizeof(double));
}

bool session_add_task_answers(struct session *s, const struct task_answer *a, int count,
                              struct err *err)
{
    bool ok = true;

    if (!count)
        return true;
    if (!db_begin(s, err))
        return false;
    for (int i = 0; ok && i < count; i++)
        ok = answer_store(s, &a[i], err);
    return db_end(s, ok, err);
}

static void answer_read(sqlite3_stmt *q, struct task_answer *a)
{
    size_t n = (size_t)sqlite3_column_bytes(q, 11) / sizeof(double);

    *a = (struct task_answer){.sequence = sqlite3_column_int(q, 0),
                              .edits = sqlite3_column_int(q, 1),
                              .task = db_text(q, 2),
                              .subtask = db_text(q, 3),
                              .index = sqlite3_column_int(q, 4),
                              .said = db_text(q, 5),
                              .predicted = db_text(q, 6),
                              .gold = db_text(q, 7),
                              .logps = (int)n};
    for (int i = 0; i < TASK_SCORES; i++)
        a->score[i] = db_real(q, 8 + i);
    if (n) {
        a->logp = xcalloc(n, sizeof(*a->logp));
        memcpy(a->logp, sqlite3_column_blob(q, 11), n * sizeof(*a->logp));
    }
}

#define SELECT_ANSWERS                                                                \
    "SELECT sequence, edits, task, subtask, question, said, predicted, gold, score1," \
    " score2, score3, logp FROM task_answers"

bool session_task_answers(struct session *s, const struct task_answer *like, struct task_answer **a,
                          int *count, struct err *err)
{
    sqlite3_stmt *q =
        like ? db_query(s, err,
                        SELECT_ANSWERS " WHERE sequence = ? AND edits = ? AND task = ? ORDER BY id",
                        "iit", (long long)like->sequence, (long long)like->edits, like->task)
             : db_query(s, err, SELECT_ANSWERS " ORDER BY id", "");
    int got = -1;

    *a = NULL;
    *count = 0;
    while (q && (got = db_step(s, q, err)) > 0) {
        *a = xrealloc(*a, (size_t)(*count + 1) * sizeof(**a));
        answer_read(q, &(*a)[(*count)++]);
    }
    sqlite3_finalize(q);
    if (got == 0)
        return true;
    task_answers_free(*a, *count);
    *a = NULL;
    *count = 0;
    return false;
}
