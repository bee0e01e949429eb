/* Which model a file is, told by its content.
 *
 * Hashing 16 GB takes a while, so each file's sum is kept in the user's cache, in one small file
 * named after device and inode that holds size, times and sum. A file changed since then has
 * other times, and is read again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/sha256.h"
#include "core/model/format.h"

enum { SLICE = 4 << 20 }; /* some 10 ms of hashing between two looks at the job */

struct progress {
    struct job *job;
    double done, total; /* bytes */
};

/* The line that a cached sum belongs to. */
static void stamp(const struct stat *st, char out[128])
{
    snprintf(out, 128, "1 %lld %lld.%09ld %lld.%09ld ", (long long)st->st_size,
             (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec,
             st->st_ctim.tv_nsec);
}

static char *cache_of(const struct stat *st)
{
    char name[64];

    snprintf(name, sizeof(name), "identity/%llx-%llx", (unsigned long long)st->st_dev,
             (unsigned long long)st->st_ino);
    return file_cache_path(name);
}

static bool recall(const struct stat *st, char hex[65])
{
    char want[128], *path = cache_of(st), *text = file_read(path, 4096, NULL, NULL);
    bool ok = false;

    stamp(st, want);
    if (text && !strncmp(text, want, strlen(want))) {
        snprintf(hex, 65, "%s", text + strlen(want));
        ok = strspn(hex, "0123456789abcdef") == 64;
    }
    free(text);
    free(path);
    return ok;
}

/* A sum that cannot be kept is only slower next time. A file touched in the last seconds may
 * change again within the clock's grain, unseen: it is not kept. */
static void remember(const struct stat *st, const char *hex)
{
    char line[256], *path = cache_of(st);

    if (time(NULL) - st->st_ctim.tv_sec > 2) {
        stamp(st, line);
        snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s\n", hex);
        if (file_make_parents(path, NULL))
            file_write(path, line, strlen(line), NULL);
    }
    free(path);
}

static bool hash_stream(int fd, const char *path, struct progress *p, char hex[65], struct err *err)
{
    struct sha256 *s = sha256_new();
    unsigned char digest[32], *slice = xmalloc(SLICE);
    bool ok = true;

    while (ok) {
        ssize_t n = read(fd, slice, SLICE);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            ok = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        if (n <= 0)
            break;
        sha256_add(s, slice, (size_t)n);
        p->done += (double)n;
        job_progress(p->job, "identity", p->done, p->total);
        ok = !job_cancelled(p->job, err);
    }
    sha256_end(s, digest);
    sha256_hex(digest, hex);
    free(slice);
    return ok;
}

static bool same_stamp(const struct stat *a, const struct stat *b)
{
    char x[128], y[128];

    stamp(a, x);
    stamp(b, y);
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
    if (recall(st, hex)) {
        close(fd);
        p->done += (double)st->st_size;
        return true;
    }
    ok = hash_stream(fd, path, p, hex, err);
    if (ok && (fstat(fd, &after) || !same_stamp(st, &after)))
        ok = err_set(err, ERR_IO, "%s: changed while it was read", path);
    close(fd);
    if (ok)
        remember(st, hex);
    return ok;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool weights_identity(const struct weights *w, struct job *job, char hex[65], struct err *err)
{
    char **line = xcalloc((size_t)w->files + 1, sizeof(*line)), sum[65];
    struct progress p = {.job = job};
    struct buf all = {0};
    struct stat st;
    bool ok = true;

    for (int i = 0; i < w->files; i++)
        p.total += stat(w->file[i], &st) ? 0 : (double)st.st_size;
    for (int i = 0; i < w->files && ok; i++) {
        const char *slash = strrchr(w->file[i], '/');

        ok = hash_file(w->file[i], &p, &st, sum, err);
        if (ok)
            line[i] = xasprintf("%s %lld %s\n", slash ? slash + 1 : w->file[i],
                                (long long)st.st_size, sum);
    }
    if (ok) {
        qsort(line, (size_t)w->files, sizeof(*line), compare_lines);
        for (int i = 0; i < w->files; i++)
            buf_puts(&all, line[i]);
        sha256_of(all.data ? all.data : "", all.len, hex);
    }
    for (int i = 0; i < w->files; i++)
        free(line[i]);
    free(line);
    buf_free(&all);
    return ok;
}
