/* The cache of second moments: CACHE/moments/KEY-TOKENS.safetensors, one layer a file.
 *
 * A file holds `sum` F64 [M (M + 1) / 2], the upper triangle row by row, and `tokens` I64 [1];
 * its metadata repeats the key and the tokens and has a hash of the sum, so that a renamed,
 * truncated or altered file is never used. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/device/finite.h"
#include "core/edit/moments.h"
#include "core/model/safetensors.h"

static size_t triangle_size(int neurons)
{
    return (size_t)neurons * ((size_t)neurons + 1) / 2;
}

static char *cache_file(const char *key, long tokens)
{
    char *name = xasprintf("moments/%s-%ld.safetensors", key, tokens);
    char *path = file_cache_path(name);

    free(name);
    return path;
}

/* Moves the upper triangle of a dense [n, n] to its front, row by row. */
static void pack_triangle(double *m, int n)
{
    double *to = m;

    for (int r = 0; r < n; r++) {
        size_t count = (size_t)(n - r);

        memmove(to, m + (size_t)r * (size_t)n + (size_t)r, count * sizeof *m);
        to += count;
    }
}

static bool save_layer(struct moments *m, int index, struct err *err)
{
    char key[65], *hash = m->hash[index], tokens[32];
    long long count = m->tokens;
    double *sum = offload_download(&m->sum[index], 0, m->neurons, err);
    char *path;
    bool ok;

    if (!sum)
        return false;
    pack_triangle(sum, m->neurons);
    moments_key(m, index, key);
    sha256_of(sum, triangle_size(m->neurons) * sizeof *sum, hash);
    snprintf(tokens, sizeof tokens, "%ld", m->tokens);
    path = cache_file(key, m->tokens);
    ok = file_make_parents(path, err) &&
         safetensors_save(
             path,
             (const struct st_tensor[]){
                 {.name = "sum",
                  .type = ST_F64,
                  .ndim = 1,
                  .dim = {(long)triangle_size(m->neurons)},
                  .data = sum},
                 {.name = "tokens", .type = ST_I64, .ndim = 1, .dim = {1}, .data = &count}},
             2,
             (const struct st_meta[]){{"key", key},
                                      {"tokens", tokens},
                                      {"sha256", hash},
                                      {"model", m->origin.model},
                                      {"text", m->origin.text}},
             5, err);
    free(path);
    free(sum);
    return ok || err_in(err, "second moments of layer %d", m->layer[index]);
}

bool moments_save(struct moments *m, struct err *err)
{
    moments_flush(m);
    if (!device_sync(m->dev, err))
        return false;
    for (int i = 0; i < m->layers; i++)
        if (!save_layer(m, i, err))
            return false;
    return true;
}

static bool meta_is(const struct safetensors *st, const char *name, const char *want)
{
    const char *value = safetensors_meta(st, name);

    return value && !strcmp(value, want);
}

/* The tensor `sum` of a file whose content is what its name says; else NULL and err. */
static const struct st_tensor *checked_sum(const struct safetensors *st, const struct moments *m,
                                           const char *key, long tokens, char hash[65],
                                           struct err *err)
{
    const struct st_tensor *sum = safetensors_tensor(st, "sum");
    const struct st_tensor *count = safetensors_tensor(st, "tokens");
    struct digest *digest;
    double stored = 0;
    char text[32];
    bool read;
    long at;

    snprintf(text, sizeof text, "%ld", tokens);
    if (count && st_tensor_elements(count) == 1)
        st_tensor_doubles(count, &stored);
    if (!meta_is(st, "key", key) || !meta_is(st, "tokens", text) || stored != (double)tokens ||
        !meta_is(st, "model", m->origin.model) || !meta_is(st, "text", m->origin.text)) {
        err_set(err, ERR_FORMAT, "it is the sum of something else than its name says");
        return NULL;
    }
    if (!sum || sum->type != ST_F64 || sum->ndim != 1 ||
        sum->dim[0] != (long)triangle_size(m->neurons)) {
        err_set(err, ERR_FORMAT, "it does not hold the triangle of a %d by %d sum", m->neurons,
                m->neurons);
        return NULL;
    }
    digest = sha256_new();
    read = job_digest_add(m->job, digest, sum->data, sum->bytes, err);
    digest_end_hex(digest, hash);
    if (!read)
        return NULL;
    if (!meta_is(st, "sha256", hash)) {
        err_set(err, ERR_FORMAT, "its bytes are not the ones that were written");
        return NULL;
    }
    at = not_finite_doubles(sum->data, triangle_size(m->neurons));
    if (at >= 0) {
        err_set(err, ERR_FORMAT, "number %ld of its sum is not finite", at);
        return NULL;
    }
    return sum;
}

bool moments_file_check(const struct moments *m, int index, const char *path, long tokens,
                        struct err *err)
{
    struct safetensors *st = safetensors_open(path, err);
    char key[65], hash[65];
    bool ok;

    moments_key(m, index, key);
    ok = st && checked_sum(st, m, key, tokens, hash, err);
    safetensors_close(st);
    return ok;
}

/* The sum of a layer becomes what the file holds, which it closes. A CPU reads the file's pages; a
 * device with memory of its own has the rows copied to where sums are. */
static bool take_sum(struct moments *m, int index, struct safetensors *st,
                     const struct st_tensor *sum, struct err *err)
{
    offload_free(&m->sum[index]);
    offload_of_file(&m->sum[index], m->dev, m->neurons, st, sum->data);
    return !m->dev->ops->own_memory || offload_own(&m->sum[index], m->job, err);
}

enum outcome { LOADED, UNUSABLE, FAILED };

static enum outcome load_layer(struct moments *m, int index, long tokens, struct buf *notes,
                               struct err *err)
{
    struct err why = {0};
    char key[65];
    char *path;
    struct safetensors *st;
    const struct st_tensor *sum = NULL;
    enum outcome outcome = UNUSABLE;

    moments_key(m, index, key);
    path = cache_file(key, tokens);
    st = safetensors_open(path, &why);
    if (st)
        sum = checked_sum(st, m, key, tokens, m->hash[index], &why);
    if (sum)
        outcome = take_sum(m, index, st, sum, err) ? LOADED : FAILED;
    else if (why.kind == ERR_CANCELLED)
        outcome = err_pass(err, &why) ? LOADED : FAILED;
    else if (notes)
        buf_printf(notes, "%s: not used: %s\n", path, why.text);
    if (!sum)
        safetensors_close(st);
    free(path);
    return outcome;
}

static int compare_descending(const void *a, const void *b)
{
    long x = *(const long *)a, y = *(const long *)b;

    return x < y ? 1 : x > y ? -1 : 0;
}

/* The token counts, at most goal, for which the first layer has a file; largest first. */
static int list_counts(const struct moments *m, long goal, long *counts, int max)
{
    char key[65], *folder = file_cache_path("moments");
    DIR *dir = opendir(folder);
    struct dirent *entry;
    int n = 0;

    free(folder);
    if (!dir)
        return 0;
    moments_key(m, 0, key);
    while (n < max && (entry = readdir(dir))) {
        long tokens = 0;
        char *name;

        if (strncmp(entry->d_name, key, 64) || entry->d_name[64] != '-')
            continue;
        tokens = strtol(entry->d_name + 65, NULL, 10);
        name = xasprintf("%s-%ld.safetensors", key, tokens);
        if (tokens > 0 && tokens <= goal && !strcmp(name, entry->d_name))
            counts[n++] = tokens;
        free(name);
    }
    closedir(dir);
    qsort(counts, (size_t)n, sizeof *counts, compare_descending);
    return n;
}

static bool all_there(const struct moments *m, long tokens)
{
    bool there = true;

    for (int i = 0; there && i < m->layers; i++) {
        char key[65], *path;

        moments_key(m, i, key);
        path = cache_file(key, tokens);
        there = file_exists(path);
        free(path);
    }
    return there;
}

static enum outcome load_all(struct moments *m, long tokens, struct buf *notes, struct err *err)
{
    for (int i = 0; i < m->layers; i++) {
        enum outcome outcome = load_layer(m, i, tokens, notes, err);

        if (outcome != LOADED)
            return outcome;
    }
    return LOADED;
}

static bool zero_sums(struct moments *m, struct err *err)
{
    for (int i = 0; i < m->layers; i++) {
        offload_free(&m->sum[i]);
        m->hash[i][0] = '\0';
        if (!offload_new(&m->sum[i], m->dev, m->neurons, m->neurons, m->dev->moments_on_host, err))
            return false;
    }
    return device_sync(m->dev, err);
}

bool moments_load(struct moments *m, long goal, struct buf *notes, struct err *err)
{
    enum { MOST = 256 };
    long counts[MOST];
    int n = list_counts(m, moments_whole(m, goal), counts, MOST);

    m->tokens = 0;
    memset(m->pending, 0, (size_t)m->layers * sizeof *m->pending);
    for (int i = 0; i < n; i++) {
        enum outcome outcome;

        if (!all_there(m, counts[i]))
            continue;
        outcome = load_all(m, counts[i], notes, err);
        if (outcome == LOADED)
            m->tokens = counts[i];
        if (outcome != UNUSABLE)
            return outcome == LOADED;
    }
    return zero_sums(m, err);
}
