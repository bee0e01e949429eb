#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/sha256.h"
#include "core/device/finite.h"
#include "core/session/db.h"
#include "core/session/session.h"

/* The file holds float32 little-endian, which is then also what the memory holds. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "blobs are little-endian");
_Static_assert(sizeof(float) == 4, "blobs are of float32");

void deltas_hash(const struct delta *delta, int count, char hex[65])
{
    struct sha256 *sha = sha256_new();
    unsigned char digest[32];

    for (int i = 0; i < count; i++) {
        const struct delta *d = &delta[i];
        int32_t shape[5] = {d->layer, d->rank, d->rows, d->cols, d->weight != NULL};
        size_t rank = (size_t)d->rank, cols = (size_t)d->cols;

        sha256_add(sha, shape, sizeof(shape));
        sha256_add(sha, &d->scale, sizeof(d->scale));
        sha256_add(sha, d->r, rank * (size_t)d->rows * sizeof(float));
        sha256_add(sha, d->x, rank * cols * sizeof(float));
        if (d->weight)
            sha256_add(sha, d->weight, cols * sizeof(float));
    }
    sha256_end(sha, digest);
    sha256_hex(digest, hex);
}

bool delta_usable(const struct delta *d, struct err *err)
{
    const long long most = 1000000000 / (int)sizeof(float); /* SQLite's limit for one blob */

    if (d->layer < 0 || d->rank < 1 || d->rows < 1 || d->cols < 1 || !d->r || !d->x)
        return err_set(err, ERR_USAGE, "layer %d: a change of rank %d, %d x %d is none", d->layer,
                       d->rank, d->rows, d->cols);
    if ((long long)d->rank * d->rows > most || (long long)d->rank * d->cols > most)
        return err_set(err, ERR_LIMIT,
                       "layer %d: %d facts at once are too many for a session; "
                       "use a smaller edit.batch",
                       d->layer, d->rank);
    return delta_sound(d, err);
}

bool deltas_store(struct session *s, int edit, const struct delta *delta, int count,
                  struct err *err)
{
    static const char sql[] =
        "INSERT INTO deltas (edit, place, layer, rank, rows, cols, scale, r, x, weight, key)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

    for (int i = 0; i < count; i++) {
        const struct delta *d = &delta[i];
        size_t cols = (size_t)d->cols * sizeof(float), rank = (size_t)d->rank;

        if (!db_run(s, err, sql, "iiiiiidbbbb", (long long)edit, (long long)i, (long long)d->layer,
                    (long long)d->rank, (long long)d->rows, (long long)d->cols, d->scale,
                    (const void *)d->r, rank * (size_t)d->rows * sizeof(float), (const void *)d->x,
                    rank * cols, (const void *)d->weight, cols, (const void *)d->key, rank * cols))
            return false;
    }
    return true;
}

static bool z_sound(const float *z, int requests, int width, struct err *err)
{
    long at = not_finite(z, (size_t)requests * (size_t)width);

    return at < 0 ||
           err_set(err, ERR_FORMAT, "z of fact %ld, component %ld is %s, not a finite number",
                   at / width, at % width, number_word((double)z[at]));
}

bool z_store(struct session *s, int edit, const float *z, int requests, int width, struct err *err)
{
    if (width < 1 || (long long)requests * width > INT_MAX / (int)sizeof(float))
        return err_set(err, ERR_USAGE, "edit %d: z of %d x %d cannot be kept", edit, requests,
                       width);
    if (!z_sound(z, requests, width, err))
        return false;
    return db_run(s, err, "INSERT INTO targets (edit, requests, width, z) VALUES (?, ?, ?, ?)",
                  "iiib", (long long)edit, (long long)requests, (long long)width, (const void *)z,
                  (size_t)requests * (size_t)width * sizeof(float));
}

/* Where a blob stands, for what is said about it. */
struct place {
    int edit, layer; /* layer < 0: of no layer */
    const char *what;
};

static bool bad_blob(struct session *s, const struct place *at, long long bytes, long long due,
                     struct err *err)
{
    char layer[32] = "";

    if (at->layer >= 0)
        snprintf(layer, sizeof(layer), ", layer %d", at->layer);
    return err_set(err, ERR_FORMAT,
                   "%s: edit %d%s: %s has %lld bytes, not %lld; restore the file from a copy",
                   s->path, at->edit, layer, at->what, bytes, due);
}

/* `count` floats of a column, or a null one if `may_miss`. Freshly allocated. */
static bool read_floats(struct session *s, sqlite3_stmt *q, int column, long long count,
                        bool may_miss, const struct place *at, float **out, struct err *err)
{
    const void *bytes;
    long long size;

    *out = NULL;
    if (may_miss && sqlite3_column_type(q, column) == SQLITE_NULL)
        return true;
    bytes = sqlite3_column_blob(q, column);
    size = sqlite3_column_bytes(q, column);
    if (!bytes && (sqlite3_errcode(s->db) & 0xff) == SQLITE_NOMEM)
        return db_fail(s, SQLITE_NOMEM, err);
    if (!bytes || sqlite3_column_type(q, column) != SQLITE_BLOB || size % 4 || size / 4 != count)
        return bad_blob(s, at, size, count <= INT_MAX ? count * 4 : -1, err);
    *out = malloc((size_t)size);
    if (!*out)
        return err_set(err, ERR_LIMIT, "%s: edit %d: no memory for %lld bytes", s->path, at->edit,
                       size);
    memcpy(*out, bytes, (size_t)size);
    return true;
}

static bool read_int(sqlite3_stmt *q, int column, int low, int *out)
{
    long long value = sqlite3_column_int64(q, column);

    if (sqlite3_column_type(q, column) != SQLITE_INTEGER || value < low || value > INT_MAX)
        return false;
    *out = (int)value;
    return true;
}

/* Columns: layer, rank, rows, cols, scale, r, x, weight, key. */
static bool read_delta(struct session *s, sqlite3_stmt *q, int edit, struct delta *d,
                       struct err *err)
{
    struct place at = {edit, -1, "r"};
    long long rank, cols;

    if (!read_int(q, 0, 0, &d->layer) || !read_int(q, 1, 1, &d->rank) ||
        !read_int(q, 2, 1, &d->rows) || !read_int(q, 3, 1, &d->cols))
        return err_set(err, ERR_FORMAT,
                       "%s: edit %d: a layer or size that cannot be; restore the file from a copy",
                       s->path, edit);
    d->scale = sqlite3_column_double(q, 4);
    rank = d->rank;
    cols = d->cols;
    at.layer = d->layer;
    if (!read_floats(s, q, 5, rank * d->rows, false, &at, &d->r, err))
        return false;
    at.what = "x";
    if (!read_floats(s, q, 6, rank * cols, false, &at, &d->x, err))
        return false;
    at.what = "the mask";
    if (!read_floats(s, q, 7, cols, true, &at, &d->weight, err))
        return false;
    at.what = "the key";
    if (!read_floats(s, q, 8, rank * cols, true, &at, &d->key, err))
        return false;
    return delta_sound(d, err) || err_in(err, "%s: edit %d", s->path, edit);
}

static void deltas_free(struct delta *delta, int count)
{
    for (int i = 0; i < count; i++)
        delta_free(&delta[i]);
    free(delta);
}

/* The hash an edit was recorded with; unknown edits are an error. */
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

/* All deltas of an edit into a growing list, also what was read before a failure. */
static bool read_deltas(struct session *s, int edit, struct delta **list, int *n, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err,
                               "SELECT layer, rank, rows, cols, scale, r, x, weight, key"
                               " FROM deltas WHERE edit = ? ORDER BY place",
                               "i", (long long)edit);
    int got = -1;

    while (q && (got = db_step(s, q, err)) > 0) {
        *list = xrealloc(*list, (size_t)(*n + 1) * sizeof(**list));
        (*list)[*n] = (struct delta){0};
        if (!read_delta(s, q, edit, &(*list)[(*n)++], err)) {
            got = -1;
            break;
        }
    }
    sqlite3_finalize(q);
    return got == 0;
}

bool session_load_deltas(struct session *s, int edit, struct delta **deltas, int *count,
                         struct err *err)
{
    char want[65], have[65];
    struct delta *list = NULL;
    int n = 0;
    bool ok = recorded_hash(s, edit, want, err) && read_deltas(s, edit, &list, &n, err);

    *deltas = NULL;
    *count = 0;
    if (ok) {
        deltas_hash(list, n, have);
        ok = strcmp(have, want) == 0;
        if (!ok)
            err_set(err, ERR_FORMAT,
                    "%s: edit %d: its values are not those that were recorded (sha256 differs); "
                    "restore the file from a copy",
                    s->path, edit);
    }
    if (!ok) {
        deltas_free(list, n);
        return false;
    }
    *deltas = list;
    *count = n;
    return true;
}

bool session_load_z(struct session *s, int edit, float **z, int *requests, int *width,
                    struct err *err)
{
    sqlite3_stmt *q = db_query(s, err, "SELECT requests, width, z FROM targets WHERE edit = ?", "i",
                               (long long)edit);
    struct place at = {edit, -1, "z"};
    int got = q ? db_step(s, q, err) : -1;
    bool ok = got == 0;

    *z = NULL;
    *requests = *width = 0;
    if (got > 0) {
        ok = read_int(q, 0, 1, requests) && read_int(q, 1, 1, width);
        if (!ok)
            err_set(err, ERR_FORMAT, "%s: edit %d: z has a size that cannot be", s->path, edit);
        ok = ok && read_floats(s, q, 2, (long long)*requests * *width, false, &at, z, err);
        if (ok && !z_sound(*z, *requests, *width, err))
            ok = err_in(err, "%s: edit %d", s->path, edit);
    }
    sqlite3_finalize(q);
    return ok;
}
