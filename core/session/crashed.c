/* For a session that a crash left half written in a folder where we cannot write. SQLite would have
 * to roll it back in place, so we copy the file and its rollback journal, and roll back
 * the copy. */
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
    "X" /* mkdtemp() fills it in */

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
    char *copy_folder =
        xasprintf("%s/editscope-%s", folder && *folder == '/' ? folder : "/tmp", MKDTEMP);
    char *copy = NULL, *journal = xasprintf("%s-journal", path), *copy_journal;

    if (mkdtemp(copy_folder)) {
        copy = xasprintf("%s/s", copy_folder);
        copy_journal = xasprintf("%s-journal", copy);
        if (!copy_file(path, copy) || !copy_file(journal, copy_journal)) {
            crashed_remove(copy);
            copy = NULL;
        }
        free(copy_journal);
    }
    free(journal);
    free(copy_folder);
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
