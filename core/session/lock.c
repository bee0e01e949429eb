/* The lock file PATH.lock: one writer per session.
 *
 * The lock is the kernel's (flock), so it ends with its process, however that ends; a file left
 * behind by a crash locks nobody out. The text in it, "HOST PID", is only for the error message. */
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

/* ERR_HELD with the owner that the file names. The text may be anything: only printable ASCII is
 * shown. */
static void lock_held_error(const char *path, int fd, struct err *err)
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
                "%s: being written by process %ld on %s; wait until it ends, or end it", path, pid,
                host);
    else
        err_set(err, ERR_HELD,
                "%s: being written by another program; wait until it ends, or end it", path);
}

/* Writes "HOST PID" into the lock file. */
static void lock_write_owner(int fd)
{
    char host[256] = "", text[320];
    int n;

    if (gethostname(host, sizeof(host) - 1) || !*host)
        snprintf(host, sizeof(host), "localhost");
    n = snprintf(text, sizeof(text), "%s %ld\n", host, (long)getpid());
    /* on a full disk the lock still holds, without the text */
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n)
        return;
}

/* Whether the locked file still has its name. A writer deletes the file before it unlocks it, so we
 * may have opened and locked a file that is already deleted; another process would lock a
 * new one. */
static bool lock_still_named(int fd, const char *name)
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
                err_set(err, ERR_IO,
                        "%s: cannot create its lock file: %s; the session can only be read", path,
                        strerror(why));
            else
                err_set(err, ERR_IO, "%s: cannot create a session here: %s", path, strerror(why));
            break;
        }
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            if (errno == EWOULDBLOCK)
                lock_held_error(path, fd, err);
            else
                err_set(err, ERR_IO, "%s: cannot lock: %s", name, strerror(errno));
            close(fd);
            fd = -1;
            break;
        }
        if (lock_still_named(fd, name)) {
            lock_write_owner(fd);
            break;
        }
        close(fd);
        fd = -1;
    }
    free(name);
    if (fd < 0)
        err_set(err, ERR_HELD, "%s: other programs keep opening and closing it; try again", path);
    return fd;
}

void lock_drop(const char *path, int lock)
{
    char *name;

    if (lock < 0)
        return;
    name = xasprintf("%s.lock", path);
    if (lock_still_named(lock, name))
        unlink(name);
    free(name);
    close(lock);
}
