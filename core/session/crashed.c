/* A session that a crash left half written, where nothing may be written: its journal is played
 * back in a copy. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/session/db.h"

#define MKDTEMP \
    "X"         \
    "X"         \
    "X"         \
    "X"         \
    "X"         \
    "X" /* what mkdtemp() fills in */

static bool copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t n = -1;

    while (out >= 0 && (n = sendfile(out, in, NULL, 1 << 30)) > 0)
        ;
    if (in >= 0)
        close(in);
    return (out < 0 || close(out) == 0) && n == 0;
}

char *crashed_copy(const char *path)
{
    const char *folder = getenv("TMPDIR");
    char *place = xasprintf("%s/editscope-%s", folder && *folder == '/' ? folder : "/tmp", MKDTEMP);
    char *copy = NULL, *journal = xasprintf("%s-journal", path), *beside;

    if (mkdtemp(place)) {
        copy = xasprintf("%s/s", place);
        beside = xasprintf("%s-journal", copy);
        if (!copy_file(path, copy) || !copy_file(journal, beside)) {
            crashed_remove(copy);
            copy = NULL;
        }
        free(beside);
    }
    free(journal);
    free(place);
    return copy;
}

void crashed_remove(char *copy)
{
    char *journal = xasprintf("%s-journal", copy);

    unlink(copy);
    unlink(journal);
    free(journal);
    *strrchr(copy, '/') = '\0';
    rmdir(copy);
    free(copy);
}
