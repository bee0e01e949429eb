/* The lock file beside a session: who writes, and whether they still do. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/session/db.h"

/* The lock is the kernel's (flock), so it ends with its process, however that ends; the text in
 * the file only tells people who holds it. */

static void held_by(const char *path, int fd, struct err *err)
{
    char text[320], host[256];
    long pid;
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
            *p = ' ';
    if (sscanf(text, "%255s %ld", host, &pid) == 2)
        err_set(err, ERR_HELD,
                "%s: being written by process %ld on %s; wait until it has ended, or end it", path,
                pid, host);
    else
        err_set(err, ERR_HELD,
                "%s: being written by another program; wait until it has ended, or end it", path);
}

static void write_owner(int fd)
{
    char host[256] = "", text[320];
    int n;

    if (gethostname(host, sizeof(host) - 1) || !*host)
        snprintf(host, sizeof(host), "localhost");
    n = snprintf(text, sizeof(text), "%s %ld\n", host, (long)getpid());
    /* On a full disk the lock holds all the same; only its text is missing. */
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
        return;
}

/* A holder removes the file before it lets go, so what was locked may be a file without a name,
 * which nobody else would see. */
static bool still_named(int fd, const char *name)
{
    struct stat mine, named;

    return fstat(fd, &mine) == 0 && stat(name, &named) == 0 && mine.st_ino == named.st_ino &&
           mine.st_dev == named.st_dev;
}

int lock_take(const char *path, struct err *err)
{
    char *name = xasprintf("%s.lock", path);
    int fd = -1;

    for (int tries = 0; tries < 100; tries++) {
        fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0666);
        if (fd < 0) {
            int why = errno;

            if (file_exists(path))
                err_set(
                    err, ERR_IO,
                    "%s: cannot create the lock file beside it: %s; it can be read, not changed",
                    path, strerror(why));
            else
                err_set(err, ERR_IO, "%s: a session cannot be made here: %s", path, strerror(why));
            break;
        }
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            if (errno == EWOULDBLOCK)
                held_by(path, fd, err);
            else
                err_set(err, ERR_IO, "%s: cannot lock: %s", name, strerror(errno));
            close(fd);
            fd = -1;
            break;
        }
        if (still_named(fd, name)) {
            write_owner(fd);
            break;
        }
        close(fd);
        fd = -1;
    }
    free(name);
    if (fd < 0)
        err_set(err, ERR_HELD, "%s: opened and closed by other programs all the time", path);
    return fd;
}

void lock_drop(const char *path, int lock)
{
    char *name;

    if (lock < 0)
        return;
    name = xasprintf("%s.lock", path);
    if (still_named(lock, name))
        unlink(name);
    free(name);
    close(lock);
}
