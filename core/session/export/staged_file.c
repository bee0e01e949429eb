/* One file of an export: streamed, synced, read again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/session/export/staging.h"

enum { SLICE = 4 << 20 }; /* some 10 ms of hashing between two looks at the job */

static bool failed(const struct staged_file *o, int why, struct err *err)
{
    return err_set(err, ERR_IO, "%s: cannot write: %s", o->path, strerror(why));
}

bool staged_file_begin(struct staged_file *o, struct staging_dir *p, const char *name, size_t total,
                       struct err *err)
{
    int why;

    *o = (struct staged_file){.place = p, .fd = -1, .total = total};
    if (p->files == STAGING_FILES)
        return err_set(err, ERR_LIMIT, "more than %d files", STAGING_FILES);
    if (!staging_room(p, total, err))
        return false;
    o->name = xstrdup(name);
    o->path = staging_path(p, name);
    o->fd = open(o->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (o->fd < 0)
        return failed(o, errno, err);
    why = total ? posix_fallocate(o->fd, 0, (off_t)total) : 0;
    if (why && why != EINVAL && why != EOPNOTSUPP)
        return failed(o, why, err);
    o->sum = sha256_new();
    return true;
}

static bool put(struct staged_file *o, const char *bytes, size_t n, struct err *err)
{
    while (n) {
        ssize_t done = write(o->fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return failed(o, done < 0 ? errno : ENOSPC, err);
        bytes += done;
        n -= (size_t)done;
        o->at += (size_t)done;
    }
    return true;
}

static bool go_on(struct staged_file *o, struct err *err)
{
    job_progress(o->place->job, "writing, MB", (double)o->at / 1e6, (double)o->total / 1e6);
    return !job_cancelled(o->place->job, err);
}

bool staged_file_put(struct staged_file *o, const void *bytes, size_t n, struct err *err)
{
    const char *at = bytes;

    while (n) {
        size_t part = n < SLICE ? n : SLICE;

        digest_add(o->sum, at, part);
        if (!put(o, at, part, err) || (part == SLICE && !go_on(o, err)))
            return false;
        at += part;
        n -= part;
    }
    return true;
}

bool staged_file_zeros(struct staged_file *o, size_t n, struct err *err)
{
    static const char zeros[4096];

    for (; n > sizeof(zeros); n -= sizeof(zeros))
        if (!staged_file_put(o, zeros, sizeof(zeros), err))
            return false;
    return staged_file_put(o, zeros, n, err);
}

/* Lets the file system share the bytes where it can. 0: it cannot, and nothing was written. */
static size_t shared(struct staged_file *o, int fd, size_t from, size_t n)
{
    off_t offset = (off_t)from;
    ssize_t done = copy_file_range(fd, &offset, o->fd, NULL, n, 0);

    return done > 0 ? (size_t)done : 0;
}

bool staged_file_copy(struct staged_file *o, int fd, size_t from, const void *bytes, size_t n,
                      struct err *err)
{
    const char *at = bytes;

    while (n) {
        size_t part = n < SLICE ? n : SLICE, done = shared(o, fd, from, part);

        if (done) {
            o->at += done;
        } else {
            if (!put(o, at, part, err))
                return false;
            done = part;
        }
        digest_add(o->sum, at, done);
        if (!go_on(o, err))
            return false;
        at += done;
        from += done;
        n -= done;
    }
    return true;
}

static bool sum_of(const struct staged_file *o, char hex[65], size_t *bytes, struct err *err)
{
    int fd = open(o->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct digest *sum = sha256_new();
    unsigned char *slice = xmalloc(SLICE);
    ssize_t n = fd < 0 ? -1 : 1;
    bool ok = true;

    *bytes = 0;
    if (fd >= 0) /* what is on the disk, where the system can be asked for that */
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    while (ok && n > 0) {
        n = read(fd, slice, SLICE);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0) {
            digest_add(sum, slice, (size_t)n);
            *bytes += (size_t)n;
            ok = !job_cancelled(o->place->job, err);
        }
    }
    if (n < 0)
        ok = err_set(err, ERR_IO, "%s: cannot read what was written: %s", o->path, strerror(errno));
    digest_end_hex(sum, hex);
    free(slice);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* The first failed fsync is final: a second one would say nothing about the first one's bytes. */
static bool finish(struct staged_file *o, const char *meant, struct err *err)
{
    struct staging_entry *f = &o->place->file[o->place->files];
    int fd = o->fd, why = 0;
    size_t bytes;

    if (o->at != o->total)
        return err_set(err, ERR_IO, "%s: %zu bytes came where %zu were to", o->path, o->at,
                       o->total);
    if (fsync(fd))
        why = errno;
    o->fd = -1;
    if (close(fd) && !why)
        why = errno;
    if (why)
        return failed(o, why, err);
    if (!sum_of(o, f->sha256, &bytes, err))
        return false;
    if (bytes != o->total || strcmp(f->sha256, meant))
        return err_set(err, ERR_IO,
                       "%s: what can be read again is not what was written; is the disk failing?",
                       o->path);
    f->name = xstrdup(o->name);
    f->bytes = bytes;
    o->place->files++;
    return true;
}

bool staged_file_end(struct staged_file *o, bool ok, struct err *err)
{
    char meant[65] = "";

    if (o->sum) {
        digest_end_hex(o->sum, meant);
    }
    ok = ok && o->sum && finish(o, meant, err);
    if (o->fd >= 0)
        close(o->fd);
    free(o->name);
    free(o->path);
    *o = (struct staged_file){.fd = -1};
    return ok;
}

bool staging_put(struct staging_dir *p, const char *name, const void *bytes, size_t n,
                 struct err *err)
{
    struct staged_file o;
    bool ok = staged_file_begin(&o, p, name, n, err) && staged_file_put(&o, bytes, n, err);

    return staged_file_end(&o, ok, err);
}

bool staging_copy(struct staging_dir *p, const char *name, const char *from, struct err *err)
{
    struct file_map map;
    struct staged_file o = {.fd = -1};
    int fd;
    bool ok;

    if (!file_map(&map, from, err))
        return false;
    fd = open(from, O_RDONLY | O_CLOEXEC);
    ok = fd >= 0 || err_set(err, ERR_IO, "%s: %s", from, strerror(errno));
    if (ok) {
        ok = staged_file_begin(&o, p, name, map.size, err) &&
             staged_file_copy(&o, fd, 0, map.data, map.size, err);
        ok = staged_file_end(&o, ok, err);
        close(fd);
    }
    file_unmap(&map);
    return ok;
}
