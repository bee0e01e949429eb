/* Computes which model this is, from the content of its files; their names do not count.
 *
 * Hashing 16 GB takes a while, so the sum of each file is cached in the user's cache folder, in a
 * small file identity/DEVICE-INODE:
 *
 *    1 SIZE MTIME CTIME SHA256
 *
 * A sum is used only if size and both times still match; a file that was changed is read again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/model/format.h"

enum { SLICE = 4 << 20 }; /* about 10 ms of hashing between two checks of the cancel flag */

struct progress {
    struct job *job;
    double done, total; /* bytes */
};

/* The line in the cache file up to the sum: version, size, mtime, ctime. */
static void stat_stamp(const struct stat *st, char out[128])
{
    snprintf(out, 128, "1 %lld %lld.%09ld %lld.%09ld ", (long long)st->st_size,
             (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec,
             st->st_ctim.tv_nsec);
}

static char *sum_cache_path(const struct stat *st)
{
    char name[64];

    snprintf(name, sizeof(name), "identity/%llx-%llx", (unsigned long long)st->st_dev,
             (unsigned long long)st->st_ino);
    return file_cache_path(name);
}

static bool sum_cache_load(const struct stat *st, char hex[65])
{
    char want[128], *path = sum_cache_path(st), *text = file_read(path, 4096, NULL, NULL);
    bool ok = false;

    stat_stamp(st, want);
    if (text && !strncmp(text, want, strlen(want))) {
        snprintf(hex, 65, "%s", text + strlen(want));
        ok = strspn(hex, "0123456789abcdef") == 64;
    }
    free(text);
    free(path);
    return ok;
}

/* Errors are ignored: the next call is only slower. The sum of a file that changed within the last
 * two seconds is not stored, since another change in the same clock tick would go unnoticed. */
static void sum_cache_store(const struct stat *st, const char *hex)
{
    char line[256], *path = sum_cache_path(st);

    if (time(NULL) - st->st_ctim.tv_sec > 2) {
        stat_stamp(st, line);
        snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s\n", hex);
        if (file_make_parents(path, NULL))
            file_write(path, line, strlen(line), NULL);
    }
    free(path);
}

static bool hash_stream(int fd, const char *path, struct progress *p, char hex[65], struct err *err)
{
    struct digest *s = sha256_new();
    unsigned char *slice = xmalloc(SLICE);
    bool ok = true;

    while (ok) {
        ssize_t n = read(fd, slice, SLICE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            ok = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        if (n <= 0)
            break;
        digest_add(s, slice, (size_t)n);
        p->done += (double)n;
        job_progress(p->job, "identity", p->done, p->total);
        ok = !job_cancelled(p->job, err);
    }
    digest_end_hex(s, hex);
    free(slice);
    return ok;
}

static bool same_stamp(const struct stat *a, const struct stat *b)
{
    char x[128], y[128];

    stat_stamp(a, x);
    stat_stamp(b, y);
    return !strcmp(x, y);
}

static bool hash_file(const char *path, struct progress *p, struct stat *st, char hex[65],
                      struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat after;
    bool ok;

    if (fd < 0 || fstat(fd, st)) {
        err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (sum_cache_load(st, hex)) {
        close(fd);
        p->done += (double)st->st_size;
        return true;
    }
    ok = hash_stream(fd, path, p, hex, err);
    if (ok && (fstat(fd, &after) || !same_stamp(st, &after)))
        ok = err_set(err, ERR_IO, "%s: changed while it was read", path);
    close(fd);
    if (ok)
        sum_cache_store(st, hex);
    return ok;
}

/* SHA-256 over the sorted lines. Frees the lines. */
static void hash_lines(char **line, int count, char hex[65])
{
    struct buf all = {0};

    qsort(line, (size_t)count, sizeof(*line), utf8_compare);
    for (int i = 0; i < count; i++) {
        buf_puts(&all, line[i]);
        free(line[i]);
    }
    sha256_of(all.data ? all.data : "", all.len, hex);
    buf_free(&all);
    free(line);
}

/* An index of shards holds only names, and names do not count. */
static bool is_part_of_identity(const char *name)
{
    static const char end[] = ".index.json";
    size_t n = strlen(name), most = sizeof(end) - 1;

    return n < most || strcmp(name + n - most, end) != 0;
}

static void hash_contents(const struct identity *id, char hex[65])
{
    char **line = xcalloc((size_t)id->files + 1, sizeof(*line));
    int count = 0;

    for (int i = 0; i < id->files; i++)
        if (is_part_of_identity(id->file[i].name))
            line[count++] = xasprintf("%lld %s\n", id->file[i].bytes, id->file[i].sha256);
    hash_lines(line, count, hex);
}

void identity_named(const struct identity *id, const char *name, char hex[65])
{
    char **line = xcalloc((size_t)id->files + 1, sizeof(*line));

    for (int i = 0; i < id->files; i++)
        line[i] = xasprintf("%s %lld %s\n", name && id->files == 1 ? name : id->file[i].name,
                            id->file[i].bytes, id->file[i].sha256);
    hash_lines(line, id->files, hex);
}

bool weights_identity(const struct weights *w, struct job *job, struct identity *id,
                      struct err *err)
{
    struct progress p = {.job = job};
    struct stat st;
    bool ok = true;

    *id = (struct identity){.file = xcalloc((size_t)w->files + 1, sizeof(*id->file))};
    for (int i = 0; i < w->files; i++)
        p.total += stat(w->file[i], &st) ? 0 : (double)st.st_size;
    for (int i = 0; i < w->files && ok; i++) {
        struct file_sum *f = &id->file[id->files];

        ok = hash_file(w->file[i], &p, &st, f->sha256, err);
        if (ok) {
            f->name = xstrdup(file_name(w->file[i]));
            f->bytes = (long long)st.st_size;
            id->files++;
        }
    }
    if (ok)
        hash_contents(id, id->hex);
    else
        identity_free(id);
    return ok;
}

void identity_free(struct identity *id)
{
    for (int i = 0; i < id->files; i++)
        free(id->file[i].name);
    free(id->file);
    *id = (struct identity){0};
}
