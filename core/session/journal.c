/* The steps of a session: append, undo, redo and remove.
 *
 * An edit is in one of four states. Two columns of its row in the table `edits` say which:
 *
 *   active  undone                     state
 *   1       null                       active: part of the weights
 *   0       seq of the journal row     undone or removed; can be redone
 *   0       null                       gone: another edit was made since, it cannot be redone
 *   no such row                        unknown
 *
 * undo and remove write the number of their journal row into `undone`. So the edit that redo brings
 * back is the one with the highest `undone`. An append sets `undone` to null in all rows, because
 * an old edit was computed for other weights than those there are now.
 *
 * Each step runs between db_begin() and db_end(), changes the edits, and adds a journal row:
 *
 *   state      the first 16 hex digits of sha256 over the active edits' hashes, one per line
 *   checksum   of the edited matrices in that state; filled in later (session_set_checksum())
 *
 * `state` follows from the file alone, without a model. Two rows with the same state have the same
 * active edits, so their weights must have the same checksum. That is how a rebuild proves that it
 * made the same bits as before. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/base/mem.h"
#include "core/session/db.h"
#include "core/session/session.h"

static const char *const op_names[] = {"create", "edit", "undo", "redo", "remove"};

const char *journal_op_name(enum journal_op op)
{
    return op_names[op];
}

double journal_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* 16 hex digits that name the set of active edits (see above). */
static bool journal_state(struct session *s, char state[17], struct err *err)
{
    sqlite3_stmt *q = db_query(s, err, "SELECT hash FROM edits WHERE active = 1 ORDER BY id", "");
    struct buf all = {0};
    char hex[65];
    int got = -1;

    while (q && (got = db_step(s, q, err)) > 0) {
        db_text_to(q, 0, hex, sizeof(hex));
        buf_printf(&all, "%s\n", hex);
    }
    sqlite3_finalize(q);
    sha256_name(all.data, all.len, state);
    buf_free(&all);
    return got == 0;
}

bool journal_add(struct session *s, const char *op, int edit, double when, const char *checksum,
                 struct err *err)
{
    static const char sql[] = "INSERT INTO journal (time, op, edit, state, checksum)"
                              " VALUES (?, ?, nullif(?, 0), ?, ?)";
    char state[17];

    return journal_state(s, state, err) &&
           db_run(s, err, sql, "dtitt", when, op, (long long)edit, state, checksum);
}

/* A setting and not a column of facts: files of version 0.1.0 have none and need no upgrade. */
static bool store_wording(struct session *s, int edit, int request, const struct wording *w,
                          struct err *err)
{
    char name[64], text[48];

    snprintf(name, sizeof(name), SESSION_WORDING, edit, request);
    wording_write(w, text);
    return db_run(s, err, "INSERT INTO settings (name, value) VALUES (?, ?)", "tt", name, text);
}

/* The same of its further rephrases, where it has any. */
static bool store_rephrases(struct session *s, int edit, int request, const struct fact *f,
                            struct err *err)
{
    json_t *list = f->mores ? json_array() : NULL;
    char name[64], *text;
    bool ok;

    if (!list)
        return true;
    for (int i = 0; i < f->mores; i++)
        json_array_append_new(list, json_string(f->more[i]));
    text = json_dumps(list, JSON_COMPACT);
    snprintf(name, sizeof(name), SESSION_REPHRASES, edit, request);
    ok = db_run(s, err, "INSERT INTO settings (name, value) VALUES (?, ?)", "tt", name,
                text ? text : "[]");
    free(text);
    json_decref(list);
    return ok;
}

/* Fact number `request` of an edit, its wording and its locality probes. */
static bool store_fact(struct session *s, int edit, int request, const struct fact *f,
                       struct err *err)
{
    static const char fact[] = "INSERT INTO facts (edit, request, subject, prompt, target, old,"
                               " rephrase) VALUES (?, ?, ?, ?, ?, ?, ?)";
    static const char probe[] = "INSERT INTO probes (edit, request, place, prompt, answer)"
                                " VALUES (?, ?, ?, ?, ?)";

    if (!f->subject || !f->prompt || !f->target)
        return err_set(err, ERR_USAGE, "a fact needs a subject, a prompt and a target");
    if (!db_run(s, err, fact, "iittttt", (long long)edit, (long long)request, f->subject, f->prompt,
                f->target, f->old, f->rephrase))
        return false;
    if (!store_wording(s, edit, request, &f->wording, err) ||
        !store_rephrases(s, edit, request, f, err))
        return false;
    for (int i = 0; i < f->localities; i++)
        if (!db_run(s, err, probe, "iiitt", (long long)edit, (long long)request, (long long)i,
                    f->locality[i].prompt, f->locality[i].answer))
            return false;
    return true;
}

/* Inserts the edit and everything that belongs to it. */
static bool store_edit(struct session *s, int id, const struct edit_record *r, const char *hash,
                       double when, struct err *err)
{
    static const char sql[] =
        "INSERT INTO edits (id, active, time, params, metrics, note, lambda, projector, checksum,"
        " hash, draft, moment_tokens, attribution) VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

    if (!db_run(s, err, sql, "idtttdtttiii", (long long)id, when, r->params_json, r->metrics_json,
                r->note, r->lambda, r->projector, r->checksum, hash, (long long)r->draft,
                (long long)r->moment_tokens, (long long)r->attribution))
        return false;
    for (int i = 0; i < r->requests; i++)
        if (!store_fact(s, id, i, &r->facts[i], err))
            return false;
    return change_store(s, id, r, err) && (!r->statistics_of || statistics_store(s, id, r, err)) &&
           (!r->z || z_store(s, id, r->z, r->requests, r->width, err));
}

/* Checks a record before the transaction begins. */
static bool record_usable(const struct edit_record *r, struct err *err)
{
    if (r->requests < 1 || !r->facts)
        return err_set(err, ERR_USAGE, "an edit needs at least one fact");
    if (r->deltas < 0 || (r->deltas && !r->delta))
        return err_set(err, ERR_USAGE, "the edit's changes to the weights are missing");
    if (!isfinite(r->lambda))
        return err_set(err, ERR_USAGE, "the edit's lambda is not a number");
    for (int i = 0; i < r->deltas; i++)
        if (!delta_usable(&r->delta[i], err))
            return false;
    for (int i = 0; i < r->hooks; i++)
        if (!r->hook[i].name || !r->hook[i].params || r->hook[i].bytes > MAX_BLOB)
            return err_set(err, ERR_USAGE,
                           "hook %d of the edit cannot be stored: it needs a name, "
                           "parameters, and at most %d bytes",
                           i, MAX_BLOB);
    return true;
}

bool session_begin(struct session *s, struct err *err)
{
    s->grouped = db_begin(s, err);
    return s->grouped;
}

bool session_end(struct session *s, bool ok, struct err *err)
{
    if (!s->grouped)
        return false;
    s->grouped = false;
    return db_end(s, ok, err);
}

bool session_append(struct session *s, struct edit_record *rec, struct err *err)
{
    double when = rec->when > 0 ? rec->when : journal_now();
    char hash[65];
    long long id;
    bool ok;

    if (!record_usable(rec, err) || !db_begin(s, err))
        return false;
    change_hash(rec, hash);
    ok = db_number(s, err, 1, &id, "SELECT max(id) + 1 FROM edits") &&
         db_exec(s, "UPDATE edits SET undone = NULL WHERE undone IS NOT NULL", err) &&
         store_edit(s, (int)id, rec, hash, when, err) &&
         journal_add(s, "edit", (int)id, when, rec->checksum, err);
    if (!db_end(s, ok, err))
        return false;
    rec->id = (int)id;
    rec->active = true;
    rec->redoable = false;
    rec->when = when;
    memcpy(rec->hash, hash, sizeof(hash));
    return true;
}

enum edit_status { EDIT_FAILED = -1, EDIT_UNKNOWN, EDIT_ACTIVE, EDIT_REDOABLE, EDIT_GONE };

static enum edit_status edit_status_of(struct session *s, int edit, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err, "SELECT active, undone IS NOT NULL FROM edits WHERE id = ?",
                               "i", (long long)edit);
    int got = q ? db_step(s, q, err) : -1;
    enum edit_status status = got < 0 ? EDIT_FAILED : EDIT_UNKNOWN;

    if (got > 0 && sqlite3_column_int(q, 0))
        status = EDIT_ACTIVE;
    else if (got > 0)
        status = sqlite3_column_int(q, 1) ? EDIT_REDOABLE : EDIT_GONE;
    sqlite3_finalize(q);
    return status;
}

/* The next journal row gets the number max(seq) + 1. */
static bool edit_deactivate(struct session *s, int edit, const char *op, struct err *err)
{
    return db_run(s, err,
                  "UPDATE edits SET active = 0, undone = (SELECT max(seq) + 1 FROM journal)"
                  " WHERE id = ?",
                  "i", (long long)edit) &&
           journal_add(s, op, edit, journal_now(), "", err);
}

bool session_undo(struct session *s, int *edit, struct err *err)
{
    long long last;
    bool ok;

    if (!db_begin(s, err))
        return false;
    ok = db_number(s, err, 0, &last, "SELECT max(id) FROM edits WHERE active = 1");
    if (ok && last == 0)
        ok = err_set(err, ERR_USAGE, "there is no edit to undo");
    if (!db_end(s, ok && edit_deactivate(s, (int)last, "undo", err), err))
        return false;
    if (edit)
        *edit = (int)last;
    return true;
}

/* Whether the edit is active; otherwise err says why it cannot be removed. */
static bool may_deactivate(struct session *s, int edit, struct err *err)
{
    enum edit_status status = edit_status_of(s, edit, err);

    if (status == EDIT_UNKNOWN)
        err_set(err, ERR_USAGE, "there is no edit %d", edit);
    else if (status == EDIT_REDOABLE || status == EDIT_GONE)
        err_set(err, ERR_USAGE, "edit %d is already undone", edit);
    return status == EDIT_ACTIVE;
}

bool session_deactivate_edits(struct session *s, const int *edit, int count, struct err *err)
{
    bool ok = true;

    if (!db_begin(s, err))
        return false;
    /* the last one first, so that redo brings back the first one first */
    for (int i = count - 1; ok && i >= 0; i--)
        ok = may_deactivate(s, edit[i], err) && edit_deactivate(s, edit[i], "remove", err);
    return db_end(s, ok, err);
}

bool session_deactivate(struct session *s, int edit, struct err *err)
{
    return session_deactivate_edits(s, &edit, 1, err);
}

/* Whether the edit can be redone; otherwise err says why not. */
static bool may_redo(struct session *s, int edit, struct err *err)
{
    switch (edit_status_of(s, edit, err)) {
    case EDIT_REDOABLE:
        return true;
    case EDIT_UNKNOWN:
        return err_set(err, ERR_USAGE, "there is no edit %d", edit);
    case EDIT_ACTIVE:
        return err_set(err, ERR_USAGE, "edit %d is active, so there is nothing to redo", edit);
    case EDIT_GONE:
        return err_set(err, ERR_USAGE, EDIT_GONE_WORDS, edit);
    case EDIT_FAILED:
        break;
    }
    return false;
}

static bool edit_reactivate(struct session *s, int edit, struct err *err)
{
    return may_redo(s, edit, err) &&
           db_run(s, err, "UPDATE edits SET active = 1, undone = NULL WHERE id = ?", "i",
                  (long long)edit) &&
           journal_add(s, "redo", edit, journal_now(), "", err);
}

bool session_redo_edits(struct session *s, const int *edit, int count, struct err *err)
{
    bool ok = true;

    if (!db_begin(s, err))
        return false;
    for (int i = 0; ok && i < count; i++)
        ok = edit_reactivate(s, edit[i], err);
    return db_end(s, ok, err);
}

bool session_redo(struct session *s, int wanted, int *edit, struct err *err)
{
    long long id = wanted;
    bool ok;

    if (!db_begin(s, err))
        return false;
    /* the edit undone last; if none can be redone, the last one that was, of which err then tells
     */
    ok = wanted || db_number(s, err, 0, &id,
                             "SELECT id FROM edits WHERE active = 0"
                             " ORDER BY undone IS NULL, undone DESC, id DESC LIMIT 1");
    if (ok && id == 0)
        ok = err_set(err, ERR_USAGE, "there is nothing to redo");
    if (!db_end(s, ok && edit_reactivate(s, (int)id, err), err))
        return false;
    if (edit)
        *edit = (int)id;
    return true;
}

/* The checksum recorded for a state, "" if there is none. */
static bool recorded_checksum(struct session *s, const char *state, char hex[65], struct err *err)
{
    sqlite3_stmt *q = db_query(s, err,
                               "SELECT checksum FROM journal WHERE state = ? AND checksum <> ''"
                               " ORDER BY seq LIMIT 1",
                               "t", state);
    int got = q ? db_step(s, q, err) : -1;

    hex[0] = '\0';
    if (got > 0)
        db_text_to(q, 0, hex, 65);
    sqlite3_finalize(q);
    return got >= 0;
}

bool session_set_checksum(struct session *s, const char *hex, struct err *err)
{
    char state[17], before[65];
    bool ok;

    if (strlen(hex) != 64)
        return err_set(err, ERR_USAGE, "'%.70s' is not a checksum of 64 hex digits", hex);
    if (!db_begin(s, err))
        return false;
    ok = journal_state(s, state, err) && recorded_checksum(s, state, before, err);
    if (ok && *before && strcmp(before, hex))
        ok = err_set(err, ERR_STATE,
                     "%s: the weights have checksum %.12s..., but %.12s... is recorded for "
                     "the same edits; reopen the session to rebuild them",
                     s->path, hex, before);
    ok = ok && db_run(s, err, "UPDATE journal SET checksum = ? WHERE state = ? AND checksum = ''",
                      "tt", hex, state);
    return db_end(s, ok, err);
}

static enum journal_op op_by_name(const char *word)
{
    for (int i = JOURNAL_CREATE; i <= JOURNAL_REMOVE; i++)
        if (word && !strcmp(op_names[i], word))
            return (enum journal_op)i;
    return JOURNAL_CREATE;
}

/* 16 hex digits that name the base (its identity, NULL: none) and the set of active edits. */
static void state_name(const char *base, const char active[17], char out[17])
{
    char *both = xasprintf("%s\n%s", base ? base : "", active);

    sha256_name(both, strlen(both), out);
    free(both);
}

bool session_log(struct session *s, struct journal_row **rows, int *count, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err,
                               "SELECT seq, time, op, edit, state, checksum FROM journal"
                               " ORDER BY seq",
                               "");
    struct journal_row *list = NULL;
    struct err why = {0};
    char *base = session_get(s, SESSION_BASE_IDENTITY, &why);
    int n = 0, got = -1;

    while (q && !why.kind && (got = db_step(s, q, err)) > 0) {
        struct journal_row *r;

        list = xrealloc(list, (size_t)(n + 1) * sizeof(*list));
        r = &list[n++];
        r->seq = (long)sqlite3_column_int64(q, 0);
        r->when = sqlite3_column_double(q, 1);
        r->op = op_by_name((const char *)sqlite3_column_text(q, 2));
        r->edit = sqlite3_column_int(q, 3);
        db_text_to(q, 4, r->state, sizeof(r->state));
        db_text_to(q, 5, r->checksum, sizeof(r->checksum));
        state_name(base, r->state, r->name);
    }
    sqlite3_finalize(q);
    free(base);
    if (why.kind)
        err_pass(err, &why);
    if (got < 0) {
        free(list);
        list = NULL;
        n = 0;
    }
    *rows = list;
    *count = n;
    return got == 0;
}

bool session_status(struct session *s, struct session_status *st, struct err *err)
{
    long long edits, total, last, redo;
    char state[17], *base;
    struct err why = {0};

    memset(st, 0, sizeof(*st));
    st->readonly = s->readonly;
    if (!db_number(s, err, 0, &edits, "SELECT count(*) FROM edits WHERE active = 1") ||
        !db_number(s, err, 0, &total, "SELECT count(*) FROM edits") ||
        !db_number(s, err, 0, &last, "SELECT max(id) FROM edits WHERE active = 1") ||
        !db_number(s, err, 0, &redo,
                   "SELECT id FROM edits WHERE active = 0 AND undone IS NOT NULL"
                   " ORDER BY undone DESC LIMIT 1") ||
        !db_number(s, err, 0, &st->when,
                   "SELECT CAST(time AS INTEGER) FROM journal ORDER BY seq DESC LIMIT 1") ||
        !journal_state(s, state, err) || !recorded_checksum(s, state, st->checksum, err))
        return false;
    st->edits = (int)edits;
    st->total = (int)total;
    st->last = (int)last;
    st->redo = (int)redo;
    base = session_get(s, SESSION_BASE_IDENTITY, &why);
    if (why.kind)
        return err_pass(err, &why);
    state_name(base, state, st->state);
    free(base);
    return true;
}

bool session_state_names(struct session *s, const struct edit_record *edits, int count,
                         char (*name)[17], struct err *err)
{
    struct err why = {0};
    char *base = session_get(s, SESSION_BASE_IDENTITY, &why);
    struct digest *all;

    if (why.kind)
        return err_pass(err, &why);
    all = sha256_new();
    for (int i = 0; i <= count; i++) {
        char active[17];

        if (i && edits[i - 1].active) {
            digest_add(all, edits[i - 1].hash, strlen(edits[i - 1].hash));
            digest_add(all, "\n", 1);
        }
        digest_end_name(digest_copy(all), active);
        state_name(base, active, name[i]);
    }
    digest_end_hex(all, (char[65]){0});
    free(base);
    return true;
}
