/* Reads, maps and writes files, with errors that a user can act on. A write creates a temporary
 * file in the same folder, syncs it and renames it. Pipes are kept in memory files (memfd). */
#include "core/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/file_type.h"
#include "core/base/mem.h"

enum { MAX_PIPES = 64, MAX_DESCRIPTOR = 1 << 20, PIPE_PART = 1 << 16 };

static const size_t MAX_PIPE_BYTES = (size_t)1 << 30;

/* The contents of spooled pipes: anonymous files in memory. */
static struct {
    char *path;
    int fd;
} spooled[MAX_PIPES];
static int spooled_count;

/* The memory file of a spooled path, or -1. */
static int spooled_fd(const char *path)
{
    for (int i = 0; i < spooled_count; i++)
        if (!strcmp(spooled[i].path, path))
            return spooled[i].fd;
    return -1;
}

/* The descriptor that a path such as /dev/stdin or /dev/fd/63 means, or -1. The shell passes
 * <(command) as /dev/fd/63. */
static int descriptor_of(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

    if (!strcmp(path, FILE_STDIN))
        return STDIN_FILENO;
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        size_t n = strlen(folders[i]);
        char *end;
        long fd;

        if (strncmp(path, folders[i], n) || path[n] < '0' || path[n] > '9')
            continue;
        fd = strtol(path + n, &end, 10);
        return *end || fd > MAX_DESCRIPTOR ? -1 : (int)fd;
    }
    return -1;
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

static bool copy_pipe(int from, int to, const char *path, struct err *err)
{
    char *part = xmalloc(PIPE_PART);
    size_t all = 0;
    ssize_t n = 0;
    bool ok = true;

    while (ok && (n = read(from, part, PIPE_PART)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            ok = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
        else if ((all += (size_t)n) > MAX_PIPE_BYTES)
            ok = err_set(err, ERR_LIMIT,
                         "%s: the pipe holds more than %zu bytes; use a file instead", path,
                         MAX_PIPE_BYTES);
        else if (!write_all(to, part, (size_t)n))
            ok = err_set(err, ERR_IO, "%s: cannot keep it in memory: %s", path, strerror(errno));
    }
    free(part);
    return ok;
}

bool file_spool(const char *path, struct err *err)
{
    int given = descriptor_of(path), from, to;
    struct stat st;
    bool ok;

    if (spooled_fd(path) >= 0 || (given < 0 && (stat(path, &st) || S_ISREG(st.st_mode))) ||
        (given < 0 && S_ISDIR(st.st_mode)))
        return true;
    if (spooled_count == MAX_PIPES)
        return err_set(err, ERR_LIMIT, "%s: more than %d pipes", path, MAX_PIPES);
    /* Opening /dev/fd/N would start a regular file at its beginning and fails for a socket. A
     * duplicate continues at the descriptor's position and works for both. */
    from = given >= 0 ? fcntl(given, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    to = memfd_create("editscope", MFD_CLOEXEC);
    ok = to >= 0 || err_set(err, ERR_IO, "%s: cannot keep it in memory: %s", path, strerror(errno));
    ok = ok && copy_pipe(from, to, path, err);
    close(from);
    if (ok) {
        spooled[spooled_count].path = xstrdup(path);
        spooled[spooled_count++].fd = to;
    } else if (to >= 0) {
        close(to);
    }
    return ok;
}

/* Opens a file, or the memory file of a spooled pipe. The latter is opened through /proc, not
 * duplicated: duplicates share one position, and each reader needs its own. */
static int open_bytes(const char *path)
{
    int fd = spooled_fd(path);
    char name[64];

    if (fd < 0)
        return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return open(name, O_RDONLY | O_CLOEXEC);
}

/* Opens for reading and refuses folders, devices and pipes; O_NONBLOCK above keeps the opening of a
 * pipe without a writer from waiting forever. */
static int open_regular(const char *path, struct stat *st, struct err *err)
{
    int fd = open_bytes(path);

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

int file_open(const char *path, struct err *err)
{
    struct stat st;

    return open_regular(path, &st, err);
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

void file_prefetch(const void *bytes, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)bytes / page * page;

    if (n) /* only a hint: on failure the bytes are loaded when they are read */
        (void)!madvise((void *)at, n + ((uintptr_t)bytes - at), MADV_WILLNEED);
}

size_t file_peek(const char *path, void *head, size_t n)
{
    int fd = file_open(path, NULL);
    ssize_t got = fd < 0 ? 0 : pread(fd, head, n, 0);

    if (fd >= 0)
        close(fd);
    return got < 0 ? 0 : (size_t)got;
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
        err_set(err, ERR_LIMIT, "%s: too large: %lld bytes, the limit is %zu", path,
                (long long)st.st_size, max);
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

/* The name of the encoding, if the first bytes are the byte order mark of one that is not UTF-8;
 * else NULL. */
static const char *other_encoding(const char *text, size_t len)
{
    const unsigned char *b = (const unsigned char *)text;

    if (len >= 4 && ((!b[0] && !b[1] && b[2] == 0xfe && b[3] == 0xff) ||
                     (b[0] == 0xff && b[1] == 0xfe && !b[2] && !b[3])))
        return "UTF-32";
    if (len >= 2 && b[0] == 0xff && b[1] == 0xfe)
        return "UTF-16 (little-endian)";
    if (len >= 2 && b[0] == 0xfe && b[1] == 0xff)
        return "UTF-16 (big-endian)";
    return NULL;
}

/* Replaces CR LF by LF; with `lone` also a single CR. Returns the new length. */
static size_t unix_lines(char *text, size_t len, bool lone)
{
    char *first = memchr(text, '\r', len);
    size_t to = first ? (size_t)(first - text) : len;

    for (size_t i = to; i < len; i++)
        if (text[i] != '\r')
            text[to++] = text[i];
        else if (i + 1 == len || text[i + 1] != '\n')
            text[to++] = lone ? '\n' : '\r';
    text[to] = '\0';
    return to;
}

static char *read_text(const char *path, size_t max, size_t *len, bool prose, struct err *err)
{
    size_t n = 0;
    char *text = file_read(path, max, &n, err), *zero;
    const char *encoding = text ? other_encoding(text, n) : NULL;
    enum file_type type;

    if (!text)
        return NULL;
    if (!encoding && n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        n -= 3;
        memmove(text, text + 3, n + 1);
    }
    n = unix_lines(text, n, !prose);
    zero = prose || encoding ? NULL : memchr(text, '\0', n);
    type = zero ? file_type_of_bytes(text, n) : FILE_TYPE_TEXT;
    if (encoding)
        err_set(err, ERR_FORMAT, "%s: the text is %s; save it as UTF-8", path, encoding);
    else if (zero && type != FILE_TYPE_UNKNOWN && type != FILE_TYPE_TEXT)
        err_set(err, ERR_FORMAT, "%s is no text: it is %s", path, file_type_name(type));
    else if (zero && zero - text < 2) /* as in UTF-16 of Latin letters */
        err_set(err, ERR_FORMAT, "%s: zero byte at offset %zu; if it is UTF-16, save it as UTF-8",
                path, (size_t)(zero - text));
    else if (zero)
        err_set(err, ERR_FORMAT, "%s: zero byte at offset %zu: not a text file", path,
                (size_t)(zero - text));
    if (len)
        *len = n;
    if (!encoding && !zero)
        return text;
    free(text);
    return NULL;
}

char *file_read_text(const char *path, size_t max, size_t *len, struct err *err)
{
    return read_text(path, max, len, false, err);
}

char *file_read_prose(const char *path, size_t max, size_t *len, struct err *err)
{
    return read_text(path, max, len, true, err);
}

bool file_sync_folder(const char *folder, struct err *err)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && (!fsync(fd) || errno == EINVAL); /* EINVAL: not supported here */
    int why = errno;

    if (fd >= 0)
        close(fd);
    return ok || err_set(err, ERR_IO, "%s: %s", folder, strerror(why));
}

bool file_sync_parent(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xasprintf("%.*s", (int)(slash - path) + 1, path) : xstrdup(".");
    bool ok = file_sync_folder(folder, err);

    free(folder);
    return ok;
}

/* Writes a temporary file, syncs it, and renames it over `path`. */
static bool replace_file(const char *path, const void *bytes, size_t n, struct err *err)
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
    file_sync_parent(path, NULL);
    return true;
}

/* Refuses devices and pipes: the rename would replace them by a file. */
static bool path_regular(const char *path, struct err *err)
{
    struct stat there;

    return stat(path, &there) || S_ISREG(there.st_mode) ||
           err_set(err, ERR_IO, "%s: not a regular file", path);
}

bool file_write(const char *path, const void *bytes, size_t n, struct err *err)
{
    return path_regular(path, err) && replace_file(path, bytes, n, err);
}

bool file_writable(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    char *folder =
        slash ? xasprintf("%.*s", slash == path ? 1 : (int)(slash - path), path) : xstrdup(".");
    bool ok = access(folder, W_OK | X_OK) == 0 ||
              err_set(err, ERR_IO, "%s: cannot write: %s: %s", path, folder, strerror(errno));

    free(folder);
    return ok && path_regular(path, err);
}

const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_in_folder(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s", folder, name);
    bool there = file_exists(path);

    free(path);
    return there;
}

static bool name_ends(const char *name, const char *ending,
                      int (*compare)(const char *, const char *))
{
    size_t n = strlen(name), m = strlen(ending);

    return n >= m && !compare(name + n - m, ending);
}

bool file_ends_in(const char *name, const char *ending)
{
    return name_ends(name, ending, strcmp);
}

bool file_ends_in_any_case(const char *name, const char *ending)
{
    return name_ends(name, ending, strcasecmp);
}

char *file_absolute(const char *path)
{
    const char *last = file_name(path);
    char here[PATH_MAX];

    if ((!strcmp(last, ".") || !strcmp(last, "..")) && realpath(path, here))
        return xstrdup(here); /* "." and ".." are no names worth keeping */
    while (path[0] == '.' && path[1] == '/')
        for (path += 2; *path == '/';)
            path++;
    if (*path == '/' || !getcwd(here, sizeof(here)))
        return xstrdup(path);
    return xasprintf("%s/%s", strcmp(here, "/") ? here : "", path);
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

char *file_home(void)
{
    const char *named = getenv("HOME");
    struct passwd entry, *found = NULL;
    char strings[16384]; /* the entry's texts */

    if (named && *named == '/')
        return xstrdup(named);
    if (!getpwuid_r(getuid(), &entry, strings, sizeof(strings), &found) && found && found->pw_dir &&
        *found->pw_dir == '/')
        return xstrdup(found->pw_dir);
    return xstrdup(FILE_NOWHERE);
}

/* A path by the XDG base directory specification: $VARIABLE/editscope/NAME if the variable is an
 * absolute path, else ~/FALLBACK/editscope/NAME. */
static char *xdg_path(const char *variable, const char *fallback, const char *name)
{
    const char *base = getenv(variable);
    char *home, *path;

    if (base && *base == '/')
        return xasprintf("%s/editscope/%s", base, name);
    home = file_home();
    path = xasprintf("%s/%s/editscope/%s", home, fallback, name);
    free(home);
    return path;
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
