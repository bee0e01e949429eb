/* Whether bytes are those that the Hub names by a hash. */
#ifndef CORE_HUB_CHECK_H
#define CORE_HUB_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/job.h"

struct check; /* opaque */

/* For an etag of 40 digits git's hash of a file of so many bytes, for one of 64 SHA-256. */
struct check *check_new(const char *etag, long long bytes);
void check_add(struct check *c, const void *bytes, size_t n);
bool check_end(struct check *c); /* whether it is the etag; frees c; NULL: false */
/* Adds the first `bytes` of a file. ERR_IO, ERR_CANCELLED. `told` is called with what was read. */
bool check_add_file(struct check *c, int fd, long long bytes, struct job *job,
                    void (*told)(void *ctx, long long bytes), void *ctx, struct err *err);

#endif
