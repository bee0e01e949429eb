/* A RUN file (or a session) that is opened to be looked at without its model. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/record/events_from_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("run", MFD_CLOEXEC);
    struct buf lines = {0};
    struct err err = {0};
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (fd >= 0 && write(fd, data, size) == (ssize_t)size &&
        events_from_file(path, &lines, &err) != (err.kind == ERR_NONE))
        abort();
    buf_free(&lines);
    if (fd >= 0)
        close(fd);
    return 0;
}
