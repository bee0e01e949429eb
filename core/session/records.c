/* Reads edits with their facts, but without their large arrays (blobs.c); notes and logged
 * questions. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/session/db.h"
#include "core/session/session.h"

void edit_record_free(struct edit_record *rec)
{
    for (int i = 0; rec->facts && i < rec->requests; i++)
        fact_free(&rec->facts[i]);
    if (rec->delta)
        deltas_free(rec->delta, rec->deltas);
    for (int i = 0; rec->hook && i < rec->hooks; i++)
        hook_data_free(&rec->hook[i]);
    for (int i = 0; rec->prefix && i < rec->prefixes; i++)
        free(rec->prefix[i]);
    free(rec->hook);
    free(rec->prefix);
    free(rec->facts);
    free(rec->z);
    free(rec->params_json);
    free(rec->metrics_json);
    free(rec->note);
    memset(rec, 0, sizeof(*rec));
}

void edit_records_free(struct edit_record *edits, int count)
{
    for (int i = 0; i < count; i++)
        edit_record_free(&edits[i]);
    free(edits);
}

static char *text_or_empty(sqlite3_stmt *q, int column)
{
    char *text = db_text(q, column);

    return text ? text : xstrdup("");
}

static bool read_probes(struct session *s, int edit, int request, struct fact *f, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err,
                               "SELECT prompt, answer FROM probes WHERE edit = ? AND request = ?"
                               " ORDER BY place",
                               "ii", (long long)edit, (long long)request);
    int got = -1;

    while (q && (got = db_step(s, q, err)) > 0) {
        f->locality = xrealloc(f->locality, (size_t)(f->localities + 1) * sizeof(*f->locality));
        f->locality[f->localities++] =
            (struct probe){.prompt = text_or_empty(q, 0), .answer = db_text(q, 1)};
    }
    sqlite3_finalize(q);
    return got == 0;
}

/* How the fact was asked. Edits of version 0.1.0 have no wording: *w stays zeroed. */
static bool read_wording(struct session *s, int edit, int request, struct wording *w,
                         struct err *err)
{
    struct err why = {0};
    char name[64], *text;
    bool ok = true;

    snprintf(name, sizeof(name), SESSION_WORDING, edit, request);
    text = session_get(s, name, &why);
    if (why.kind)
        *err = why;
    else if (text && !wording_read(w, text))
        ok = err_set(err, ERR_FORMAT, "%s: the wording of edit %d is '%.40s', which is not valid",
                     s->path, edit, text);
    free(text);
    return ok && !why.kind;
}

/* The further rephrases of a fact. */
static bool read_rephrases(struct session *s, int edit, int request, struct fact *f,
                           struct err *err)
{
    struct err why = {0};
    char name[64], *text;
    json_t *list;

    snprintf(name, sizeof(name), SESSION_REPHRASES, edit, request);
    text = session_get(s, name, &why);
    if (why.kind) {
        *err = why;
        return false;
    }
    list = text ? json_loads(text, 0, NULL) : NULL;
    f->more = xcalloc(json_array_size(list) + 1, sizeof(*f->more));
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_string_value(json_array_get(list, i)))
            f->more[f->mores++] = xstrdup(json_string_value(json_array_get(list, i)));
    json_decref(list);
    free(text);
    return true;
}

static bool read_facts(struct session *s, struct edit_record *rec, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err,
                               "SELECT subject, prompt, target, old, rephrase, request FROM facts"
                               " WHERE edit = ? ORDER BY request",
                               "i", (long long)rec->id);
    int got = -1;

    while (q && (got = db_step(s, q, err)) > 0) {
        struct fact *f;

        rec->facts = xrealloc(rec->facts, (size_t)(rec->requests + 1) * sizeof(*rec->facts));
        f = &rec->facts[rec->requests++];
        *f = (struct fact){.subject = text_or_empty(q, 0),
                           .prompt = text_or_empty(q, 1),
                           .target = text_or_empty(q, 2),
                           .old = db_text(q, 3),
                           .rephrase = db_text(q, 4)};
        if (!read_wording(s, rec->id, sqlite3_column_int(q, 5), &f->wording, err) ||
            !read_rephrases(s, rec->id, sqlite3_column_int(q, 5), f, err) ||
            !read_probes(s, rec->id, sqlite3_column_int(q, 5), f, err)) {
            got = -1;
            break;
        }
    }
    sqlite3_finalize(q);
    if (got == 0 && rec->requests == 0)
        return err_set(err, ERR_FORMAT, "%s: edit %d has no fact; restore the file from a copy",
                       s->path, rec->id);
    return got == 0;
}

/* The current row of SELECT_EDITS, and the edit's facts. */
static bool read_edit(struct session *s, sqlite3_stmt *q, struct edit_record *rec, struct err *err)
{
    long long id = sqlite3_column_int64(q, 0);

    if (id < 1 || id > INT_MAX)
        return err_set(err, ERR_FORMAT, "%s: an edit has the impossible number %lld", s->path, id);
    rec->id = (int)id;
    rec->active = sqlite3_column_int(q, 1) != 0;
    rec->redoable = !rec->active && sqlite3_column_type(q, 2) != SQLITE_NULL;
    rec->when = sqlite3_column_double(q, 3);
    rec->params_json = db_text(q, 4);
    rec->metrics_json = db_text(q, 5);
    rec->note = db_text(q, 6);
    rec->lambda = sqlite3_column_double(q, 7);
    db_text_to(q, 8, rec->projector, sizeof(rec->projector));
    db_text_to(q, 9, rec->checksum, sizeof(rec->checksum));
    db_text_to(q, 10, rec->hash, sizeof(rec->hash));
    rec->draft = sqlite3_column_int(q, 11) != 0;
    rec->moment_tokens = (long)sqlite3_column_int64(q, 12);
    rec->attribution = (unsigned)sqlite3_column_int64(q, 13);
    rec->deltas = sqlite3_column_int(q, 14);
    rec->hooks = sqlite3_column_int(q, 15);
    rec->prefixes = sqlite3_column_int(q, 16);
    return read_facts(s, rec, err);
}

/* What read_edit() reads. */
#define SELECT_EDITS                                                  \
    "SELECT id, active, undone, time, params, metrics, note, lambda," \
    " projector, checksum, hash, draft, moment_tokens, attribution,"  \
    " (SELECT count(*) FROM deltas WHERE edit = edits.id) +"          \
    " (SELECT count(*) FROM additions WHERE edit = edits.id),"        \
    " (SELECT count(*) FROM hooks WHERE edit = edits.id),"            \
    " (SELECT count(*) FROM prefixes WHERE edit = edits.id)"          \
    " FROM edits"

/* The active edits, or all of them, after this number. */
static bool read_edits(struct session *s, bool all, int after, struct edit_record **edits,
                       int *count, struct err *err)
{
    sqlite3_stmt *q =
        db_query(s, err, SELECT_EDITS " WHERE (active = 1 OR ?) AND id > ? ORDER BY id", "ii",
                 (long long)all, (long long)after);
    struct edit_record *list = NULL;
    int n = 0, got = -1;

    while (q && (got = db_step(s, q, err)) > 0) {
        list = xrealloc(list, (size_t)(n + 1) * sizeof(*list));
        list[n] = (struct edit_record){0};
        if (!read_edit(s, q, &list[n++], err)) {
            got = -1;
            break;
        }
    }
    sqlite3_finalize(q);
    if (got != 0) {
        edit_records_free(list, n);
        list = NULL;
        n = 0;
    }
    *edits = list;
    *count = n;
    return got == 0;
}

bool session_edits(struct session *s, bool all, struct edit_record **edits, int *count,
                   struct err *err)
{
    return read_edits(s, all, 0, edits, count, err);
}

bool session_edits_after(struct session *s, int edit, struct edit_record **edits, int *count,
                         struct err *err)
{
    return read_edits(s, true, edit, edits, count, err);
}

bool session_last_edit(struct session *s, struct edit_record *rec, struct err *err)
{
    sqlite3_stmt *q =
        db_query(s, err, SELECT_EDITS " WHERE active = 1 ORDER BY id DESC LIMIT 1", "");
    int got = q ? db_step(s, q, err) : -1;

    *rec = (struct edit_record){0};
    if (got > 0 && !read_edit(s, q, rec, err)) {
        edit_record_free(rec);
        got = -1;
    }
    sqlite3_finalize(q);
    return got >= 0;
}

bool session_set_note(struct session *s, int edit, const char *note, struct err *err)
{
    bool ok;

    if (!db_begin(s, err))
        return false;
    ok = db_run(s, err, "UPDATE edits SET note = ? WHERE id = ?", "ti", note, (long long)edit);
    if (ok && sqlite3_changes(s->db) == 0)
        ok = err_set(err, ERR_USAGE, "there is no edit %d", edit);
    return db_end(s, ok, err);
}

bool session_add_query(struct session *s, const char *prompt, const char *answer, const char *state,
                       struct err *err)
{
    return db_begin(s, err) &&
           db_end(s,
                  db_run(s, err,
                         "INSERT INTO queries (time, prompt, answer, state) VALUES (?, ?, ?, ?)",
                         "dttt", journal_now(), prompt, answer, state),
                  err);
}
