/* The cache's files and folders (editscope-formats(7) 13.4). Every write goes through an
 * open folder (openat and friends) and follows no link. */
#include "core/hub/hub_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/hub/repo_id.h"

/* Sets the error for errno; `what` is the path within the repository's folder. Returns false. */
static bool cache_fail(const struct hub_cache *c, const char *what, struct err *err)
{
    int why = errno;

    if (why == ELOOP || why == ENOTDIR)
        return err_set(err, ERR_IO,
                       "%s: %s is a symbolic link or not a folder; nothing is written through it",
                       c->path, what);
    return err_set(err, why == ENOSPC || why == EDQUOT ? ERR_LIMIT : ERR_IO, "%s: %s: %s", c->path,
                   what, strerror(why));
}

/* Opens the folder `name` in the open folder `at`, and creates it if missing. Follows no link. */
static int open_subfolder(int at, const char *name)
{
    if (mkdirat(at, name, 0777) && errno != EEXIST)
        return -1;
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Opens the folder of `path`, relative to `at`, and creates what is missing. *last: the file's
 * name. */
static int open_parent(int at, const char *path, const char **last)
{
    int fd = dup(at);
    const char *slash;

    while (fd >= 0 && (slash = strchr(path, '/')) != NULL) {
        char *name = xasprintf("%.*s", (int)(slash - path), path);
        int next = open_subfolder(fd, name);

        close(fd);
        free(name);
        fd = next;
        path = slash + 1;
    }
    *last = path;
    return fd;
}

bool hub_cache_open(struct hub_cache *c, const char *path, const char *repo, struct err *err)
{
    struct buf folder = {0};
    char *inside = xasprintf("%s/", path);
    bool ok = file_make_parents(inside, err);
    int root;

    free(inside);
    *c = (struct hub_cache){.repo = -1, .blobs = -1};
    if (!ok)
        return false;
    c->path = xstrdup(path);
    repo_folder(&folder, repo);
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        cache_fail(c, "the folder", err);
    else if ((c->repo = open_subfolder(root, folder.data)) < 0)
        cache_fail(c, folder.data, err);
    else if ((c->blobs = open_subfolder(c->repo, "blobs")) < 0)
        cache_fail(c, "blobs", err);
    if (root >= 0)
        close(root);
    buf_free(&folder);
    if (c->blobs >= 0)
        return true;
    hub_cache_close(c);
    return false;
}

void hub_cache_close(struct hub_cache *c)
{
    if (!c->path) /* zeroed, never opened: descriptor 0 is not ours */
        return;
    if (c->repo >= 0)
        close(c->repo);
    if (c->blobs >= 0)
        close(c->blobs);
    free(c->path);
    *c = (struct hub_cache){.repo = -1, .blobs = -1};
}

long long hub_cache_room(const struct hub_cache *c)
{
    struct statvfs v;
    long long bytes;

    if (fstatvfs(c->blobs, &v) ||
        __builtin_mul_overflow((long long)v.f_bavail, (long long)v.f_frsize, &bytes))
        return -1;
    return bytes;
}

/* Locks an open file (flock). -1, with the file closed, if another process holds
 * the lock: *busy. */
static int lock_or_close(int fd, bool *busy)
{
    if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB))
        return fd;
    *busy = errno == EWOULDBLOCK;
    if (!*busy) /* a file system without locks: go on without */
        return fd;
    close(fd);
    return -1;
}

/* Closes the file and returns -1 unless it is a regular file of `bytes` bytes. */
static int check_size(int fd, long long bytes)
{
    struct stat st;

    if (fd < 0 || (!fstat(fd, &st) && S_ISREG(st.st_mode) && (long long)st.st_size == bytes))
        return fd;
    close(fd);
    return -1;
}

int hub_cache_blob(const struct hub_cache *c, const char *etag, long long bytes)
{
    return check_size(openat(c->blobs, etag, O_RDONLY | O_CLOEXEC | O_NONBLOCK), bytes);
}

int hub_cache_file(const struct hub_cache *c, const char *commit, const char *path, long long bytes)
{
    char *name = xasprintf("snapshots/%s/%s", commit, path);
    int fd = check_size(openat(c->repo, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK), bytes);

    free(name);
    return fd;
}

static char *part_name(const char *etag)
{
    return xasprintf("%s.editscope.part", etag);
}

int hub_cache_part(const struct hub_cache *c, const char *etag, bool *busy, struct err *err)
{
    char *name = part_name(etag);
    int fd = lock_or_close(
        openat(c->blobs, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0666),
        (*busy = false, busy));
    struct stat st;

    if (fd < 0 && !*busy) {
        cache_fail(c, name, err);
    } else if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1)) {
        err_set(err, ERR_IO, "%s: blobs/%s is not a plain file with a single name; remove it",
                c->path, name);
        close(fd);
        fd = -1;
    }
    free(name);
    return fd;
}

long long hub_cache_part_size(const struct hub_cache *c, const char *etag)
{
    char *name = part_name(etag);
    struct stat st;
    long long bytes = 0;

    if (!fstatat(c->blobs, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
        bytes = (long long)st.st_size;
    free(name);
    return bytes;
}

void hub_cache_part_drop(const struct hub_cache *c, const char *etag)
{
    char *name = part_name(etag);

    unlinkat(c->blobs, name, 0);
    free(name);
}

bool hub_cache_part_keep(const struct hub_cache *c, const char *etag, int fd, struct err *err)
{
    char *name = part_name(etag);
    bool ok = !fsync(fd) && !renameat(c->blobs, name, c->blobs, etag);

    if (!ok)
        cache_fail(c, name, err);
    else
        fsync(c->blobs);
    free(name);
    return ok;
}

/* Whether the link exists already and points to `target`. */
static bool points_to(int at, const char *name, const char *target)
{
    char there[512];
    ssize_t n = readlinkat(at, name, there, sizeof(there));

    return n >= 0 && (size_t)n == strlen(target) && !memcmp(there, target, (size_t)n);
}

/* Makes the link under another name and renames it, so that the path always exists. */
static bool write_link(int at, const char *name, const char *target)
{
    char *temp = xasprintf(".%ld.editscope.tmp", (long)getpid());
    bool ok;

    unlinkat(at, temp, 0);
    ok = !symlinkat(target, at, temp) && !renameat(at, temp, at, name);
    if (!ok) {
        int why = errno;

        unlinkat(at, temp, 0);
        errno = why;
    }
    free(temp);
    return ok;
}

/* A hard link to the blob; where the file system has none, the blob itself is moved there. */
static bool write_file(const struct hub_cache *c, int at, const char *name, const char *etag)
{
    struct stat blob, there;

    if (fstatat(c->blobs, etag, &blob, 0))
        return !fstatat(at, name, &there, AT_SYMLINK_NOFOLLOW); /* moved here by an earlier pull */
    if (!fstatat(at, name, &there, AT_SYMLINK_NOFOLLOW)) {
        if (there.st_dev == blob.st_dev && there.st_ino == blob.st_ino)
            return true;
        unlinkat(at, name, 0);
    }
    return !linkat(c->blobs, etag, at, name, 0) || !renameat(c->blobs, etag, at, name);
}

bool hub_cache_link(const struct hub_cache *c, const char *commit, const char *path,
                    const char *etag, bool no_links, struct err *err)
{
    char *full = xasprintf("snapshots/%s/%s", commit, path);
    struct buf target = {0};
    const char *name;
    int at = open_parent(c->repo, full, &name);
    bool ok = at >= 0;

    buf_puts(&target, "../../");
    for (const char *p = path; *p; p++)
        if (*p == '/')
            buf_puts(&target, "../");
    buf_printf(&target, "blobs/%s", etag);
    if (ok && no_links)
        ok = write_file(c, at, name, etag);
    else if (ok)
        ok = points_to(at, name, target.data) || write_link(at, name, target.data) ||
             ((errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS) &&
              write_file(c, at, name, etag));
    if (!ok)
        cache_fail(c, full, err);
    if (at >= 0) {
        fsync(at);
        close(at);
    }
    buf_free(&target);
    free(full);
    return ok;
}

bool hub_cache_ref(const struct hub_cache *c, const char *revision, const char *commit,
                   struct err *err)
{
    char *full, *temp;
    const char *name;
    int at, fd;
    bool ok;

    if (is_commit_hash(revision))
        return true;
    full = xasprintf("refs/%s", revision);
    temp = xasprintf(".%ld.editscope.tmp", (long)getpid());
    at = open_parent(c->repo, full, &name);
    if (at >= 0)
        unlinkat(at, temp, 0);
    fd = at < 0 ? -1 : openat(at, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    ok = fd >= 0 && write(fd, commit, 40) == 40 && !fsync(fd) && !renameat(at, temp, at, name);
    if (!ok)
        cache_fail(c, full, err);
    if (fd >= 0) {
        if (!ok)
            unlinkat(at, temp, 0);
        close(fd);
    }
    if (at >= 0) {
        fsync(at);
        close(at);
    }
    free(temp);
    free(full);
    return ok;
}
