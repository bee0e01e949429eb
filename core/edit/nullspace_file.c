/* Files of null spaces in the cache. A file holds `vectors` F64 [r, M], `value` F64 [r] and
 * `summary` F64 [3] (trace, trace_lost, threshold); its metadata says what they are of and has a
 * hash of the three, so that a renamed, truncated or altered file is never used. */
#include "core/edit/nullspace_file.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/device/finite.h"
#include "core/model/safetensors.h"

enum { SUMMARY = 3 };
#define FOLDER "nullspaces"
#define ENDING ".safetensors"

static char *cache_file(const struct nullspace *n, const char *key)
{
    char *name = xasprintf(FOLDER "/%s-%s" ENDING, key, n->hash);
    char *path = file_cache_path(name);

    free(name);
    return path;
}

static bool content_hash(const void *vectors, const void *value, const void *summary, size_t rank,
                         size_t neurons, struct job *job, char hash[65], struct err *err)
{
    struct digest *d = sha256_new();
    bool ok = job_digest_add(job, d, vectors, rank * neurons * sizeof(double), err);

    digest_add(d, value, rank * sizeof(double));
    digest_add(d, summary, SUMMARY * sizeof(double));
    digest_end_hex(d, hash);
    return ok;
}

static bool meta_is(const struct safetensors *st, const char *name, const char *want)
{
    const char *value = safetensors_meta(st, name);

    return value && !strcmp(value, want);
}

static bool is_doubles(const struct st_tensor *t, int dims, long first, long second)
{
    return t && t->type == ST_F64 && t->ndim == dims && t->dim[0] == first &&
           (dims == 1 || t->dim[1] == second);
}

/* What a file holds, after every check. */
struct stored {
    const struct st_tensor *vectors, *value, *summary;
    int rank;
};

static bool all_finite(const struct st_tensor *t)
{
    return not_finite_doubles(t->data, (size_t)st_tensor_elements(t)) < 0;
}

static bool file_check(const struct nullspace *n, const struct safetensors *st, const char *key,
                       const char *sum, struct stored *s, struct job *job, struct err *err)
{
    char hash[65];
    long rank;

    if (!meta_is(st, "projector", n->hash) || !meta_is(st, "moments", key))
        return err_set(err, ERR_FORMAT,
                       "it is the null space of something else than its name says");
    if (sum && !meta_is(st, "sum", sum))
        return err_set(err, ERR_FORMAT, "it was made from other second moments than the present");
    s->vectors = safetensors_tensor(st, "vectors");
    s->value = safetensors_tensor(st, "value");
    s->summary = safetensors_tensor(st, "summary");
    rank = s->value ? st_tensor_elements(s->value) : -1;
    if (rank < 0 || rank > n->neurons || !is_doubles(s->value, 1, rank, 0) ||
        !is_doubles(s->vectors, 2, rank, n->neurons) || !is_doubles(s->summary, 1, SUMMARY, 0))
        return err_set(err, ERR_FORMAT, "it does not hold vectors of %d neurons", n->neurons);
    s->rank = (int)rank;
    if (!content_hash(s->vectors->data, s->value->data, s->summary->data, (size_t)rank,
                      (size_t)n->neurons, job, hash, err))
        return false;
    if (!meta_is(st, "sha256", hash))
        return err_set(err, ERR_FORMAT, "its bytes are not the ones that were written");
    return (all_finite(s->vectors) && all_finite(s->value) && all_finite(s->summary)) ||
           err_set(err, ERR_FORMAT, "a number of it is not finite");
}

bool nullspace_file_check(const struct moments *m, int index, const char *path,
                          const char *projector, bool present, struct err *err)
{
    struct safetensors *st = safetensors_open(path, err);
    struct nullspace n = {.neurons = m->neurons};
    struct stored s = {0};
    char key[65];
    bool ok;

    moments_key(m, index, key);
    memcpy(n.hash, projector, strnlen(projector, sizeof n.hash - 1));
    ok = st && (!present || meta_is(st, "sum", m->hash[index])) &&
         file_check(&n, st, key, NULL, &s, m->job, err);
    safetensors_close(st);
    return ok;
}

static bool file_take(struct nullspace *n, const struct stored *s, struct err *err)
{
    double summary[SUMMARY];
    size_t rank = (size_t)s->rank;

    if (rank && !offload_new(&n->vectors, n->dev, s->rank, n->neurons, n->dev->spaces_on_host, err))
        return false;
    if (rank)
        offload_upload(&n->vectors, 0, s->rank, s->vectors->data);
    n->rank = s->rank;
    n->value = xcalloc(rank + 1, sizeof *n->value);
    memcpy(n->value, s->value->data, rank * sizeof *n->value);
    memcpy(summary, s->summary->data, sizeof summary);
    n->trace = summary[0];
    n->trace_lost = summary[1];
    n->threshold = summary[2];
    n->null_fraction = (double)(n->neurons - n->rank) / n->neurons;
    return true;
}

bool nullspace_file_read(struct nullspace *n, const struct moments *m, int index, struct err *err)
{
    char key[65], *path;
    struct safetensors *st = NULL;
    struct stored s = {0};
    bool ok = false;

    if (!*m->hash[index])
        return false;
    moments_key(m, index, key);
    path = cache_file(n, key);
    if (file_exists(path)) {
        st = safetensors_open(path, err);
        ok = st &&
             (file_check(n, st, key, m->hash[index], &s, m->job, err) || err_in(err, "%s", path)) &&
             file_take(n, &s, err);
    }
    safetensors_close(st);
    free(path);
    return ok;
}

static bool is_older(struct timespec a, struct timespec b)
{
    return a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec < b.tv_nsec);
}

/* The oldest file of the layer, or NULL; *count of them there are. Caller frees. */
static char *oldest_file(const char *folder, const char *key, int *count)
{
    DIR *dir = opendir(folder);
    char *oldest = NULL;
    struct timespec age = {0};
    struct dirent *entry;

    *count = 0;
    while (dir && (entry = readdir(dir))) {
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        struct stat st;

        if (!strncmp(entry->d_name, key, 64) && entry->d_name[64] == '-' &&
            file_ends_in(entry->d_name, ENDING) && !stat(path, &st)) {
            ++*count;
            if (!oldest || is_older(st.st_mtim, age)) {
                age = st.st_mtim;
                free(oldest);
                oldest = path;
                path = NULL;
            }
        }
        free(path);
    }
    if (dir)
        closedir(dir);
    return oldest;
}

/* After a file was added: removes the oldest one if there are too many. */
static void prune_layer(const char *key)
{
    int count;
    char *folder = file_cache_path(FOLDER), *oldest = oldest_file(folder, key, &count);

    if (count > NULLSPACES_KEPT)
        unlink(oldest);
    free(oldest);
    free(folder);
}

bool nullspace_file_write(const struct nullspace *n, const struct moments *m, int index,
                          struct err *err)
{
    double summary[SUMMARY] = {n->trace, n->trace_lost, n->threshold}, *rows = NULL;
    char key[65], hash[65], *path;
    bool ok;

    if (!*m->hash[index])
        return true;
    if (n->rank && !(rows = offload_download(&n->vectors, 0, n->rank, err)))
        return false;
    moments_key(m, index, key);
    content_hash(rows ? rows : summary, n->value, summary, (size_t)n->rank, (size_t)n->neurons,
                 NULL, hash, NULL);
    path = cache_file(n, key);
    ok = file_make_parents(path, err) &&
         safetensors_save(
             path,
             (const struct st_tensor[]){
                 {.name = "vectors",
                  .type = ST_F64,
                  .ndim = 2,
                  .dim = {n->rank, n->neurons},
                  .data = rows},
                 {.name = "value", .type = ST_F64, .ndim = 1, .dim = {n->rank}, .data = n->value},
                 {.name = "summary", .type = ST_F64, .ndim = 1, .dim = {SUMMARY}, .data = summary}},
             3,
             (const struct st_meta[]){{"projector", n->hash},
                                      {"moments", key},
                                      {"sum", m->hash[index]},
                                      {"sha256", hash},
                                      {"model", m->origin.model},
                                      {"text", m->origin.text}},
             6, err);
    free(path);
    free(rows);
    if (ok)
        prune_layer(key);
    return ok;
}
