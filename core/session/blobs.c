/* Stores and loads what an edit leaves: deltas, hooks, prefixes and target values, and their hash.
 *
 * Values are blobs of float32, little-endian, without a header; their shapes are integers in the
 * same row. Low-rank deltas are in the table `deltas`, dense ones and columns in `additions`;
 * `place` gives the common order. Every blob's size is checked against its shape before it
 * is used. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/device/finite.h"
#include "core/session/db.h"
#include "core/session/session.h"

/* So the bytes of the file are those of the memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "blobs are little-endian");
_Static_assert(sizeof(float) == 4, "blobs are of float32");

/* A low-rank delta of a down projection is hashed as version 1 did. All others put -1 in front,
 * which no layer number is, so that the two forms cannot be confused. */
static void hash_delta(struct digest *sha, const struct delta *d)
{
    int32_t shape[5] = {d->layer, d->rank, d->rows, d->cols, d->weight != NULL};
    int32_t other[3] = {-1, (int32_t)d->kind, (int32_t)d->matrix};
    size_t rank = (size_t)d->rank, cols = (size_t)d->cols;

    if (d->kind != DELTA_LOW_RANK || d->matrix != MATRIX_DOWN)
        digest_add(sha, other, sizeof(other));
    digest_add(sha, shape, sizeof(shape));
    if (d->kind == DELTA_LOW_RANK)
        digest_add(sha, &d->scale, sizeof(d->scale));
    digest_add(sha, d->r, delta_values(d) * sizeof(float));
    if (d->kind == DELTA_COLUMNS)
        digest_add(sha, d->column, rank * sizeof(*d->column));
    if (d->kind == DELTA_LOW_RANK)
        digest_add(sha, d->x, rank * cols * sizeof(float));
    if (d->weight)
        digest_add(sha, d->weight, cols * sizeof(float));
}

/* Adds -kind, the size and the bytes. Kinds: 2 hook name, 3 hook parameters, 4 hook blob,
 * 5 prefix. */
static void hash_bytes(struct digest *sha, int32_t kind, const void *bytes, size_t n)
{
    int32_t head = -kind;
    uint64_t size = n;

    digest_add(sha, &head, sizeof(head));
    digest_add(sha, &size, sizeof(size));
    digest_add(sha, bytes, n);
}

void change_hash(const struct edit_record *rec, char hex[65])
{
    struct digest *sha = sha256_new();

    for (int i = 0; i < rec->deltas; i++)
        hash_delta(sha, &rec->delta[i]);
    for (int i = 0; i < rec->hooks; i++) {
        const struct hook_data *h = &rec->hook[i];

        hash_bytes(sha, 2, h->name, strlen(h->name));
        hash_bytes(sha, 3, h->params, strlen(h->params));
        hash_bytes(sha, 4, h->blob, h->blob ? h->bytes : 0);
    }
    for (int i = 0; i < rec->prefixes; i++)
        hash_bytes(sha, 5, rec->prefix[i], strlen(rec->prefix[i]));
    digest_end_hex(sha, hex);
}

bool delta_usable(const struct delta *d, struct err *err)
{
    const long long most = MAX_BLOB / (int)sizeof(float);
    bool low = d->kind == DELTA_LOW_RANK;
    char place[48];

    delta_place(d, place, sizeof(place));
    if (d->layer < 0 || d->rank < (d->kind != DELTA_DENSE) || d->rows < 1 || d->cols < 1 || !d->r ||
        (low && !d->x) || (d->kind == DELTA_COLUMNS && (!d->column || d->rank > d->cols)))
        return err_set(err, ERR_USAGE, "%s: a change of rank %d, %d x %d is not valid", place,
                       d->rank, d->rows, d->cols);
    if (low && ((long long)d->rank * d->rows > most || (long long)d->rank * d->cols > most))
        return err_set(err, ERR_LIMIT,
                       "%s: a session cannot store %d facts at once; use a smaller edit.batch",
                       place, d->rank);
    if (delta_values(d) > (size_t)most)
        return err_set(err, ERR_LIMIT,
                       "%s: %zu values are too many; a session stores at most %lld per change",
                       place, delta_values(d), most);
    return delta_check(d, err);
}

/* `place`: the delta's position in the edit, over both tables. */
static bool low_rank_store(struct session *s, int edit, int place, const struct delta *d,
                           struct err *err)
{
    static const char sql[] = "INSERT INTO deltas (edit, place, layer, matrix, rank, rows, cols, "
                              "scale, r, x, weight, key)"
                              " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    size_t cols = (size_t)d->cols * sizeof(float), rank = (size_t)d->rank;

    return db_run(s, err, sql, "iiitiiidbbbb", (long long)edit, (long long)place,
                  (long long)d->layer, matrix_name(d->matrix), (long long)d->rank,
                  (long long)d->rows, (long long)d->cols, d->scale, (const void *)d->r,
                  rank * (size_t)d->rows * sizeof(float), (const void *)d->x, rank * cols,
                  (const void *)d->weight, cols, (const void *)d->key, rank * cols);
}

/* A dense delta (columns null) or one of some columns. */
static bool addition_store(struct session *s, int edit, int place, const struct delta *d,
                           struct err *err)
{
    static const char sql[] = "INSERT INTO additions (edit, place, layer, matrix, rows, cols,"
                              " columns, r) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

    return db_run(s, err, sql, "iiitiibb", (long long)edit, (long long)place, (long long)d->layer,
                  matrix_name(d->matrix), (long long)d->rows, (long long)d->cols,
                  (const void *)d->column, (size_t)d->rank * sizeof(*d->column), (const void *)d->r,
                  delta_values(d) * sizeof(float));
}

bool change_store(struct session *s, int edit, const struct edit_record *rec, struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < rec->deltas; i++)
        ok = rec->delta[i].kind == DELTA_LOW_RANK ? low_rank_store(s, edit, i, &rec->delta[i], err)
                                                  : addition_store(s, edit, i, &rec->delta[i], err);
    for (int i = 0; ok && i < rec->hooks; i++)
        ok = db_run(s, err,
                    "INSERT INTO hooks (edit, place, name, params, blob)"
                    " VALUES (?, ?, ?, ?, ?)",
                    "iittb", (long long)edit, (long long)i, rec->hook[i].name, rec->hook[i].params,
                    (const void *)rec->hook[i].blob, rec->hook[i].bytes);
    for (int i = 0; ok && i < rec->prefixes; i++)
        ok = db_run(s, err, "INSERT INTO prefixes (edit, place, text) VALUES (?, ?, ?)", "iit",
                    (long long)edit, (long long)i, rec->prefix[i]);
    return ok;
}

static bool z_is_finite(const float *z, int requests, int width, struct err *err)
{
    long at = not_finite(z, (size_t)requests * (size_t)width);

    return at < 0 ||
           err_set(err, ERR_FORMAT, "z of fact %ld, component %ld is %s, not a finite number",
                   at / width, at % width, not_finite_name((double)z[at]));
}

bool z_store(struct session *s, int edit, const float *z, int requests, int width, struct err *err)
{
    if (width < 1 || (long long)requests * width > INT_MAX / (int)sizeof(float))
        return err_set(err, ERR_USAGE, "edit %d: z of %d x %d cannot be stored", edit, requests,
                       width);
    if (!z_is_finite(z, requests, width, err))
        return false;
    return db_run(s, err, "INSERT INTO targets (edit, requests, width, z) VALUES (?, ?, ?, ?)",
                  "iiib", (long long)edit, (long long)requests, (long long)width, (const void *)z,
                  (size_t)requests * (size_t)width * sizeof(float));
}

/* Where a blob is, for error messages. */
struct blob_place {
    int edit, layer; /* layer < 0: it belongs to no layer */
    const char *what;
};

/* `due`: the size in bytes it should have. */
static bool blob_size_error(struct session *s, const struct blob_place *at, long long bytes,
                            long long due, struct err *err)
{
    char layer[32] = "";

    if (at->layer >= 0)
        snprintf(layer, sizeof(layer), ", layer %d", at->layer);
    return err_set(err, ERR_FORMAT,
                   "%s: edit %d%s: %s has %lld bytes, not %lld; restore the file from a copy",
                   s->path, at->edit, layer, at->what, bytes, due);
}

/* Reads a blob of exactly `count` floats. A null column is an error unless `may_miss`: *out NULL.
 * The caller frees. */
static bool read_floats(struct session *s, sqlite3_stmt *q, int column, long long count,
                        bool may_miss, const struct blob_place *at, float **out, struct err *err)
{
    const void *bytes;
    char words[16];
    long long size;

    *out = NULL;
    if (may_miss && sqlite3_column_type(q, column) == SQLITE_NULL)
        return true;
    bytes = sqlite3_column_blob(q, column);
    size = sqlite3_column_bytes(q, column);
    if (!bytes && (sqlite3_errcode(s->db) & 0xff) == SQLITE_NOMEM)
        return db_fail(s, SQLITE_NOMEM, err);
    if (!bytes || sqlite3_column_type(q, column) != SQLITE_BLOB || size % 4 || size / 4 != count)
        return blob_size_error(s, at, size, count <= INT_MAX ? count * 4 : -1, err);
    *out = malloc((size_t)size);
    if (!*out)
        return err_set(err, ERR_LIMIT, "%s: edit %d: not enough memory for %s", s->path, at->edit,
                       show_bytes((double)size, words));
    memcpy(*out, bytes, (size_t)size);
    return true;
}

/* An integer column from `low` to INT_MAX; false: another type or value. */
static bool read_int(sqlite3_stmt *q, int column, int low, int *out)
{
    long long value = sqlite3_column_int64(q, column);

    if (sqlite3_column_type(q, column) != SQLITE_INTEGER || value < low || value > INT_MAX)
        return false;
    *out = (int)value;
    return true;
}

/* The column indices (int32) of a delta; null makes it a dense one. */
static bool read_columns(struct session *s, sqlite3_stmt *q, int column,
                         const struct blob_place *at, struct delta *d, struct err *err)
{
    long long size = sqlite3_column_bytes(q, column);
    float *raw = NULL;

    d->kind = sqlite3_column_type(q, column) == SQLITE_NULL ? DELTA_DENSE : DELTA_COLUMNS;
    if (d->kind == DELTA_DENSE)
        return true;
    if (size < 4 || size / 4 > d->cols)
        return blob_size_error(s, at, size, 4 * (long long)d->cols, err);
    d->rank = (int)(size / 4);
    if (!read_floats(s, q, column, d->rank, false, at, &raw,
                     err)) /* int32, as many bytes as floats */
        return false;
    d->column = xmalloc((size_t)size);
    memcpy(d->column, raw, (size_t)size);
    free(raw);
    return true;
}

/* The blobs of a delta whose shape has been read. at->what names the blob being read. */
static bool read_delta_values(struct session *s, sqlite3_stmt *q, struct blob_place *at,
                              struct delta *d, struct err *err)
{
    long long rank = d->rank, cols = d->cols;

    if (!rank) { /* from the table `additions` */
        at->what = "its columns";
        if (!read_columns(s, q, 10, at, d, err))
            return false;
        at->what = "r";
        return read_floats(s, q, 6, (long long)delta_values(d), false, at, &d->r, err);
    }
    d->scale = sqlite3_column_double(q, 5);
    if (!read_floats(s, q, 6, rank * d->rows, false, at, &d->r, err))
        return false;
    at->what = "x";
    if (!read_floats(s, q, 7, rank * cols, false, at, &d->x, err))
        return false;
    at->what = "the mask";
    if (!read_floats(s, q, 8, cols, true, at, &d->weight, err))
        return false;
    at->what = "the key";
    return read_floats(s, q, 9, rank * cols, true, at, &d->key, err);
}

/* A row of read_deltas(): layer, matrix, rank, rows, cols, scale, r, x, weight, key, columns. */
static bool read_delta(struct session *s, sqlite3_stmt *q, int edit, struct delta *d,
                       struct err *err)
{
    struct blob_place at = {edit, -1, "r"};
    const char *matrix = (const char *)sqlite3_column_text(q, 1);

    if (!read_int(q, 0, 0, &d->layer) || !read_int(q, 2, 0, &d->rank) ||
        !read_int(q, 3, 1, &d->rows) || !read_int(q, 4, 1, &d->cols))
        return err_set(err, ERR_FORMAT,
                       "%s: edit %d: an impossible layer or size; restore the file from a copy",
                       s->path, edit);
    if (!matrix_find(matrix, &d->matrix))
        return err_set(err, ERR_FORMAT, "%s: edit %d, layer %d: no matrix is called '%.20s'",
                       s->path, edit, d->layer, matrix ? matrix : "");
    at.layer = d->layer;
    return read_delta_values(s, q, &at, d, err) &&
           (delta_check(d, err) || err_in(err, "%s: edit %d", s->path, edit));
}

/* The hash that was recorded with an edit. ERR_USAGE: there is no such edit. */
static bool recorded_hash(struct session *s, int edit, char hex[65], struct err *err)
{
    sqlite3_stmt *q = db_query(s, err, "SELECT hash FROM edits WHERE id = ?", "i", (long long)edit);
    int got = q ? db_step(s, q, err) : -1;

    if (got > 0)
        db_text_to(q, 0, hex, 65);
    sqlite3_finalize(q);
    if (got == 0)
        return err_set(err, ERR_USAGE, "%s: there is no edit %d", s->path, edit);
    return got > 0;
}

/* Appends all deltas of an edit to the record. After a failure it holds those read so far. */
static bool read_deltas(struct session *s, struct edit_record *rec, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err,
                               "SELECT layer, matrix, rank, rows, cols, scale, r, x, weight, key,"
                               " NULL, place FROM deltas WHERE edit = ? UNION ALL "
                               "SELECT layer, matrix, 0, rows, cols, 1, r, NULL, NULL, NULL,"
                               " columns, place FROM additions WHERE edit = ? ORDER BY place",
                               "ii", (long long)rec->id, (long long)rec->id);
    int got = -1;

    while (q && (got = db_step(s, q, err)) > 0) {
        rec->delta = xrealloc(rec->delta, (size_t)(rec->deltas + 1) * sizeof(*rec->delta));
        rec->delta[rec->deltas] = (struct delta){0};
        if (!read_delta(s, q, rec->id, &rec->delta[rec->deltas++], err)) {
            got = -1;
            break;
        }
    }
    sqlite3_finalize(q);
    return got == 0;
}

static bool read_hooks(struct session *s, struct edit_record *rec, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err,
                               "SELECT name, params, blob FROM hooks WHERE edit = ?"
                               " ORDER BY place",
                               "i", (long long)rec->id);
    int got = -1;

    while (q && (got = db_step(s, q, err)) > 0) {
        int bytes = sqlite3_column_bytes(q, 2);
        const void *blob = sqlite3_column_blob(q, 2);
        struct hook_data *h;

        rec->hook = xrealloc(rec->hook, (size_t)(rec->hooks + 1) * sizeof(*rec->hook));
        h = &rec->hook[rec->hooks++];
        *h = (struct hook_data){.name = db_text(q, 0), .params = db_text(q, 1)};
        if (!h->name || !h->params || (bytes && !blob)) {
            err_set(err, ERR_FORMAT, "%s: edit %d: a hook without a name or parameters", s->path,
                    rec->id);
            got = -1;
            break;
        }
        if (bytes) {
            h->bytes = (size_t)bytes;
            h->blob = memcpy(xmalloc(h->bytes), blob, h->bytes);
        }
    }
    sqlite3_finalize(q);
    return got == 0;
}

static bool read_prefixes(struct session *s, struct edit_record *rec, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err, "SELECT text FROM prefixes WHERE edit = ? ORDER BY place",
                               "i", (long long)rec->id);
    int got = -1;

    while (q && (got = db_step(s, q, err)) > 0) {
        rec->prefix = xrealloc(rec->prefix, (size_t)(rec->prefixes + 1) * sizeof(char *));
        rec->prefix[rec->prefixes] = db_text(q, 0);
        if (!rec->prefix[rec->prefixes++])
            rec->prefix[rec->prefixes - 1] = xstrdup("");
    }
    sqlite3_finalize(q);
    return got == 0;
}

bool session_load_change(struct session *s, struct edit_record *rec, struct err *err)
{
    char want[65], have[65];
    bool ok = recorded_hash(s, rec->id, want, err) && read_deltas(s, rec, err) &&
              read_hooks(s, rec, err) && read_prefixes(s, rec, err);

    if (ok) {
        change_hash(rec, have);
        ok = strcmp(have, want) == 0;
        if (!ok)
            err_set(err, ERR_FORMAT,
                    "%s: edit %d: its values differ from those recorded (sha256); restore the "
                    "file from a copy",
                    s->path, rec->id);
    }
    if (!ok)
        edit_record_free(rec);
    return ok;
}

bool session_load_deltas(struct session *s, int edit, struct delta **deltas, int *count,
                         struct err *err)
{
    struct edit_record rec = {.id = edit};
    bool ok = session_load_change(s, &rec, err);

    *deltas = rec.delta;
    *count = rec.deltas;
    rec.delta = NULL;
    rec.deltas = 0;
    edit_record_free(&rec);
    return ok;
}

bool session_edited_matrices(struct session *s, bool *edited, int layers, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err,
                               "SELECT layer, matrix FROM deltas JOIN edits ON edits.id = edit"
                               " WHERE active = 1 UNION "
                               "SELECT layer, matrix FROM additions JOIN edits ON edits.id = edit"
                               " WHERE active = 1",
                               "");
    int got = -1;

    memset(edited, 0, (size_t)layers * MATRICES * sizeof(*edited));
    while (q && (got = db_step(s, q, err)) > 0) {
        long long layer = sqlite3_column_int64(q, 0);
        char *name = db_text(q, 1);
        enum matrix which;

        if (layer >= 0 && layer < layers && matrix_find(name, &which))
            edited[layer * MATRICES + which] = true;
        free(name);
    }
    sqlite3_finalize(q);
    return got == 0;
}

bool session_load_z(struct session *s, int edit, float **z, int *requests, int *width,
                    struct err *err)
{
    sqlite3_stmt *q = db_query(s, err, "SELECT requests, width, z FROM targets WHERE edit = ?", "i",
                               (long long)edit);
    struct blob_place at = {edit, -1, "z"};
    int got = q ? db_step(s, q, err) : -1;
    bool ok = got == 0;

    *z = NULL;
    *requests = *width = 0;
    if (got > 0) {
        ok = read_int(q, 0, 1, requests) && read_int(q, 1, 1, width);
        if (!ok)
            err_set(err, ERR_FORMAT, "%s: edit %d: z has an impossible size", s->path, edit);
        ok = ok && read_floats(s, q, 2, (long long)*requests * *width, false, &at, z, err);
        if (ok && !z_is_finite(*z, *requests, *width, err))
            ok = err_in(err, "%s: edit %d", s->path, edit);
    }
    sqlite3_finalize(q);
    return ok;
}
