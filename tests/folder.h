/* A folder of a test program's own, which goes with it. */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include <ftw.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/test.h"

/* A new folder under $TMPDIR or /tmp; size >= 64. */
static inline bool folder_make(char *folder, size_t size)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(folder, size, "%s/editscope-test.XXXXXX", tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    return mkdtemp(folder) != NULL;
}

static inline int folder_forget(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* With all that is in it; links are not followed. */
static inline void folder_remove(const char *folder)
{
    nftw(folder, folder_forget, 16, FTW_DEPTH | FTW_PHYS);
}

/* test_main() in a folder that is also the cache and the state of what runs; size >= 64. */
static inline int folder_main(char *folder, size_t size, const struct test *tests, int count)
{
    int status;

    if (!folder_make(folder, size))
        return 1;
    setenv("XDG_CACHE_HOME", folder, 1);
    setenv("XDG_STATE_HOME", folder, 1);
    status = test_main(tests, count);
    folder_remove(folder);
    return status;
}

#define FOLDER_MAIN(folder, tests)                                   \
    int main(void)                                                   \
    {                                                                \
        return folder_main(folder, sizeof(folder), tests,            \
                           (int)(sizeof(tests) / sizeof(*(tests)))); \
    }

#endif
