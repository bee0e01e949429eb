/* The numbers that a method keeps beside an edit, for its later edits. A setting and not a table:
 * older files have none and need no upgrade, and older programs can still read the newer ones. The
 * value is a blob: SHA-256 of the numbers, then the numbers, float64. */
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/mem.h"
#include "core/session/db.h"
#include "core/session/session.h"

enum { HASH = 32 };

_Static_assert(sizeof(double) == 8, "blobs are of float64");

static void numbers_hash(const void *bytes, size_t n, unsigned char hash[HASH])
{
    struct digest *sha = sha256_new();

    digest_add(sha, bytes, n);
    digest_end(sha, hash);
}

bool statistics_store(struct session *s, int edit, const struct edit_record *r, struct err *err)
{
    size_t bytes = (size_t)r->statistics_count * sizeof(double);
    unsigned char *blob = xmalloc(HASH + bytes);
    char name[80];
    bool ok;

    snprintf(name, sizeof(name), SESSION_STATISTICS, r->statistics_of, edit);
    numbers_hash(r->statistics, bytes, blob);
    memcpy(blob + HASH, r->statistics, bytes);
    ok = db_run(s, err, "INSERT INTO settings (name, value) VALUES (?, ?)", "tb", name,
                (const void *)blob, HASH + bytes);
    free(blob);
    return ok;
}

/* A row of edit, value. */
static bool read_numbers(struct session *s, sqlite3_stmt *q, const char *method,
                         bool (*take)(void *ctx, int edit, const double *value, int count),
                         void *ctx, struct err *err)
{
    const unsigned char *blob = sqlite3_column_blob(q, 1);
    int edit = sqlite3_column_int(q, 0), bytes = sqlite3_column_bytes(q, 1) - HASH;
    unsigned char hash[HASH];
    double *value = NULL;
    bool sound = blob && bytes > 0 && bytes % (int)sizeof(double) == 0;

    if (sound) {
        value = memcpy(xmalloc((size_t)bytes), blob + HASH, (size_t)bytes);
        numbers_hash(value, (size_t)bytes, hash);
        sound = !memcmp(hash, blob, HASH);
    }
    for (int i = 0; sound && i < bytes / (int)sizeof(double); i++)
        sound = isfinite(value[i]);
    sound = sound && (!take || take(ctx, edit, value, bytes / (int)sizeof(double)));
    free(value);
    return sound || err_set(err, ERR_FORMAT,
                            "%s: edit %d: what %.20s keeps for later edits is damaged; restore the "
                            "file from a copy",
                            s->path, edit, method);
}

bool statistics_check(struct session *s, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err,
                               "SELECT id, value FROM edits JOIN settings"
                               " ON name LIKE 'statistics.%.' || id ORDER BY id",
                               "");
    int got = -1;

    while (q && (got = db_step(s, q, err)) > 0)
        if (!read_numbers(s, q, "the method", NULL, NULL, err)) {
            got = -1;
            break;
        }
    sqlite3_finalize(q);
    return got == 0;
}

bool session_statistics(struct session *s, const char *method, int last,
                        bool (*take)(void *ctx, int edit, const double *value, int count),
                        void *ctx, struct err *err)
{
    sqlite3_stmt *q = db_query(s, err,
                               "SELECT id, value FROM edits JOIN settings"
                               " ON name = 'statistics.' || ? || '.' || id"
                               " WHERE active = 1 AND id <= ? ORDER BY id",
                               "ti", method, (long long)last);
    int got = -1;

    while (q && (got = db_step(s, q, err)) > 0)
        if (!read_numbers(s, q, method, take, ctx, err)) {
            got = -1;
            break;
        }
    sqlite3_finalize(q);
    return got == 0;
}
