#include "core/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"

static int open_regular(const char *path, struct stat *st, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (fstat(fd, st) || !S_ISREG(st->st_mode)) {
        err_set(err, ERR_IO, "%s: not a regular file", path);
        close(fd);
        return -1;
    }
    return fd;
}

bool file_map(struct file_map *map, const char *path, struct err *err)
{
    struct stat st;
    int fd = open_regular(path, &st, err);
    void *data;

    *map = (struct file_map){0};
    if (fd < 0)
        return false;
    if (st.st_size == 0) {
        close(fd);
        return true;
    }
    data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return err_set(err, ERR_IO, "%s: cannot map: %s", path, strerror(errno));
    map->data = data;
    map->size = (size_t)st.st_size;
    return true;
}

void file_unmap(struct file_map *map)
{
    if (map->data)
        munmap((void *)(size_t)map->data, map->size);
    *map = (struct file_map){0};
}

void file_soon(const void *bytes, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)bytes / page * page;

    if (n) /* a hint: what it cannot do is done when the bytes are read */
        (void)!madvise((void *)at, n + ((uintptr_t)bytes - at), MADV_WILLNEED);
}

char *file_read(const char *path, size_t max, size_t *len, struct err *err)
{
    struct stat st;
    int fd = open_regular(path, &st, err);
    char *text;
    size_t n = 0;

    if (fd < 0)
        return NULL;
    if ((size_t)st.st_size > max) {
        err_set(err, ERR_LIMIT, "%s: %lld bytes, at most %zu are read", path, (long long)st.st_size,
                max);
        close(fd);
        return NULL;
    }
    text = xmalloc((size_t)st.st_size + 1);
    while (n < (size_t)st.st_size) {
        ssize_t got = read(fd, text + n, (size_t)st.st_size - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    close(fd);
    text[n] = '\0';
    if (len)
        *len = n;
    return text;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t put = write(fd, bytes, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes += put;
        n -= (size_t)put;
    }
    return true;
}

static void sync_folder(const char *path)
{
    char *folder = xstrdup(path), *slash = strrchr(folder, '/');
    int fd;

    if (slash)
        slash[slash == folder] = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

static bool replace(const char *path, const void *bytes, size_t n, struct err *err)
{
    char *temp = xasprintf("%s.%ld.tmp", path, (long)getpid());
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    bool ok = fd >= 0;
    int why = errno;

    if (ok) {
        ok = write_all(fd, bytes, n) && fsync(fd) == 0;
        why = errno;
        if (close(fd) && ok) {
            ok = false;
            why = errno;
        }
        if (ok && rename(temp, path)) {
            ok = false;
            why = errno;
        }
        if (!ok)
            unlink(temp);
    }
    free(temp);
    if (!ok)
        return err_set(err, ERR_IO, "%s: cannot write: %s", path, strerror(why));
    sync_folder(path);
    return true;
}

bool file_write(const char *path, const void *bytes, size_t n, struct err *err)
{
    struct stat there;

    if (!stat(path, &there) && !S_ISREG(there.st_mode)) /* a device: a file would take its place */
        return err_set(err, ERR_IO, "%s: not a regular file", path);
    return replace(path, bytes, n, err);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_make_parents(const char *path, struct err *err)
{
    char *copy = xstrdup(path);

    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, 0777) && errno != EEXIST) {
            err_set(err, ERR_IO, "%s: cannot create folder: %s", copy, strerror(errno));
            free(copy);
            return false;
        }
        *p = '/';
    }
    free(copy);
    return true;
}

static char *xdg_path(const char *variable, const char *fallback, const char *name)
{
    const char *base = getenv(variable), *home = getenv("HOME");

    if (base && *base == '/')
        return xasprintf("%s/editscope/%s", base, name);
    return xasprintf("%s/%s/editscope/%s", home && *home ? home : "/tmp", fallback, name);
}

char *file_cache_path(const char *name)
{
    return xdg_path("XDG_CACHE_HOME", ".cache", name);
}

char *file_state_path(const char *name)
{
    return xdg_path("XDG_STATE_HOME", ".local/state", name);
}

char *file_config_path(const char *name)
{
    return xdg_path("XDG_CONFIG_HOME", ".config", name);
}
