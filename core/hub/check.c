#include "core/hub/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/digest.h"
#include "core/base/mem.h"

enum { PIECE = 1 << 20 };

struct check {
    struct digest *sum;
    char etag[65];
};

struct check *check_new(const char *etag, long long bytes)
{
    struct check *c = xcalloc(1, sizeof(*c));

    memcpy(c->etag, etag, strlen(etag) + 1);
    c->sum = strlen(etag) == 40 ? sha1_new_blob(bytes) : sha256_new();
    return c;
}

void check_add(struct check *c, const void *bytes, size_t n)
{
    digest_add(c->sum, bytes, n);
}

bool check_end(struct check *c)
{
    char hex[65];
    bool same;

    if (!c)
        return false;
    digest_end_hex(c->sum, hex);
    same = !strcmp(hex, c->etag);
    free(c);
    return same;
}

bool check_add_file(struct check *c, int fd, long long bytes, struct job *job,
                    void (*told)(void *ctx, long long bytes), void *ctx, struct err *err)
{
    unsigned char *piece = xmalloc(PIECE);
    long long at = 0;
    bool ok = true;

    while (ok && at < bytes) {
        size_t want = bytes - at > PIECE ? PIECE : (size_t)(bytes - at);
        ssize_t got = pread(fd, piece, want, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            ok = err_set(err, ERR_IO, "cannot read what is in the cache: %s",
                         got ? strerror(errno) : "it ends early");
        } else {
            check_add(c, piece, (size_t)got);
            at += got;
            told(ctx, got);
            ok = !job_cancelled(job, err);
        }
    }
    free(piece);
    return ok;
}
