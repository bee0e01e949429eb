/* One file of an export: written in order, synced, and read again to compare its SHA-256. */
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

enum { SLICE = 4 << 20 }; /* bytes between two looks at the job: about 10 ms of hashing */

static bool write_failed(const struct staged_file *file, int why, struct err *err)
{
    return err_set(err, ERR_IO, "%s: cannot write: %s", file->path, strerror(why));
}

bool staged_file_begin(struct staged_file *file, struct staging_dir *staging, const char *name,
                       size_t total, struct err *err)
{
    int why;

    *file = (struct staged_file){.staging = staging, .fd = -1, .total = total};
    if (staging->files == STAGING_FILES)
        return err_set(err, ERR_LIMIT, "more than %d files", STAGING_FILES);
    if (!staging_room(staging, total, err))
        return false;
    file->name = xstrdup(name);
    file->path = staging_path(staging, name);
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file->fd < 0)
        return write_failed(file, errno, err);
    why = total ? posix_fallocate(file->fd, 0, (off_t)total) : 0;
    if (why && why != EINVAL && why != EOPNOTSUPP)
        return write_failed(file, why, err);
    file->digest = sha256_new();
    return true;
}

/* Writes all n bytes; a write of 0 bytes counts as a full disk. */
static bool write_bytes(struct staged_file *file, const char *bytes, size_t n, struct err *err)
{
    while (n) {
        ssize_t done = write(file->fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return write_failed(file, done < 0 ? errno : ENOSPC, err);
        bytes += done;
        n -= (size_t)done;
        file->at += (size_t)done;
    }
    return true;
}

/* Reports the progress. False: the job was cancelled. */
static bool report_written(struct staged_file *file, struct err *err)
{
    job_progress(file->staging->job, "writing, MB", (double)file->at / 1e6,
                 (double)file->total / 1e6);
    return !job_cancelled(file->staging->job, err);
}

bool staged_file_put(struct staged_file *file, const void *bytes, size_t n, struct err *err)
{
    const char *at = bytes;

    while (n) {
        size_t part = n < SLICE ? n : SLICE;

        digest_add(file->digest, at, part);
        if (!write_bytes(file, at, part, err) || (part == SLICE && !report_written(file, err)))
            return false;
        at += part;
        n -= part;
    }
    return true;
}

bool staged_file_zeros(struct staged_file *file, size_t n, struct err *err)
{
    static const char zeros[4096];

    for (; n > sizeof(zeros); n -= sizeof(zeros))
        if (!staged_file_put(file, zeros, sizeof(zeros), err))
            return false;
    return staged_file_put(file, zeros, n, err);
}

/* Asks the file system to share bytes instead of copying them. Returns how many it did; 0: none. */
static size_t share_bytes(struct staged_file *file, int fd, size_t from, size_t n)
{
    off_t offset = (off_t)from;
    ssize_t done = copy_file_range(fd, &offset, file->fd, NULL, n, 0);

    return done > 0 ? (size_t)done : 0;
}

bool staged_file_copy(struct staged_file *file, int fd, size_t from, const void *bytes, size_t n,
                      struct err *err)
{
    const char *at = bytes;

    while (n) {
        size_t part = n < SLICE ? n : SLICE, done = share_bytes(file, fd, from, part);

        if (done) {
            file->at += done;
        } else {
            if (!write_bytes(file, at, part, err))
                return false;
            done = part;
        }
        digest_add(file->digest, at, done);
        if (!report_written(file, err))
            return false;
        at += done;
        from += done;
        n -= done;
    }
    return true;
}

/* SHA-256 and size of the file as it can be read now. */
static bool hash_of_file(const struct staged_file *file, char hex[65], size_t *bytes,
                         struct err *err)
{
    int fd = open(file->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct digest *digest = sha256_new();
    unsigned char *slice = xmalloc(SLICE);
    ssize_t n = fd < 0 ? -1 : 1;
    bool ok = true;

    *bytes = 0;
    if (fd >= 0) /* drop cached pages, so that the disk is read if possible */
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    while (ok && n > 0) {
        n = read(fd, slice, SLICE);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0) {
            digest_add(digest, slice, (size_t)n);
            *bytes += (size_t)n;
            ok = !job_cancelled(file->staging->job, err);
        }
    }
    if (n < 0)
        ok = err_set(err, ERR_IO, "%s: cannot read what was written: %s", file->path,
                     strerror(errno));
    digest_end_hex(digest, hex);
    free(slice);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Syncs, closes, verifies, and adds the file to staging->file. A failed fsync is final: the kernel
 * may have dropped the dirty pages, so a second fsync could succeed although bytes are missing. */
static bool staged_file_finish(struct staged_file *file, const char *expected, struct err *err)
{
    struct staging_entry *f = &file->staging->file[file->staging->files];
    int fd = file->fd, why = 0;
    size_t bytes;

    if (file->at != file->total)
        return err_set(err, ERR_IO, "%s: %zu bytes were written instead of %zu", file->path,
                       file->at, file->total);
    if (fsync(fd))
        why = errno;
    file->fd = -1;
    if (close(fd) && !why)
        why = errno;
    if (why)
        return write_failed(file, why, err);
    if (!hash_of_file(file, f->sha256, &bytes, err))
        return false;
    if (bytes != file->total || strcmp(f->sha256, expected))
        return err_set(err, ERR_IO,
                       "%s: the file reads back with other bytes than were written; check the disk",
                       file->path);
    f->name = xstrdup(file->name);
    f->bytes = bytes;
    file->staging->files++;
    return true;
}

bool staged_file_end(struct staged_file *file, bool ok, struct err *err)
{
    char expected[65] = "";

    if (file->digest) {
        digest_end_hex(file->digest, expected);
    }
    ok = ok && file->digest && staged_file_finish(file, expected, err);
    if (file->fd >= 0)
        close(file->fd);
    free(file->name);
    free(file->path);
    *file = (struct staged_file){.fd = -1};
    return ok;
}

bool staging_put(struct staging_dir *staging, const char *name, const void *bytes, size_t n,
                 struct err *err)
{
    struct staged_file file;
    bool ok =
        staged_file_begin(&file, staging, name, n, err) && staged_file_put(&file, bytes, n, err);

    return staged_file_end(&file, ok, err);
}

bool staging_copy(struct staging_dir *staging, const char *name, const char *from, struct err *err)
{
    struct file_map map;
    struct staged_file file = {.fd = -1};
    int fd;
    bool ok;

    if (!file_map(&map, from, err))
        return false;
    fd = open(from, O_RDONLY | O_CLOEXEC);
    ok = fd >= 0 || err_set(err, ERR_IO, "%s: %s", from, strerror(errno));
    if (ok) {
        ok = staged_file_begin(&file, staging, name, map.size, err) &&
             staged_file_copy(&file, fd, 0, map.data, map.size, err);
        ok = staged_file_end(&file, ok, err);
        close(fd);
    }
    file_unmap(&map);
    return ok;
}
