/* One file: asked for, fetched from where it stopped last time, checked, put in its place. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/digest.h"
#include "core/base/mem.h"
#include "core/hub/headers.h"
#include "core/hub/pull_internal.h"

enum {
    PIECE = 1 << 20,
    GAIN = 1 << 20,       /* bytes that make a new connection worth as many tries as the first */
    WRITE_OUT = 32 << 20, /* how much may wait to be written */
};

enum fault { FAULT_NONE, FAULT_PLACE, FAULT_SIZE, FAULT_LONG, FAULT_DISK };

struct body { /* what comes, on its way into the part */
    struct pull *p;
    const struct repo_file *f;
    int fd;
    long long written;   /* to the disk, or on their way */
    long long at, asked; /* bytes that are there; where the present request began */
    struct digest *sum;  /* of the bytes that are there */
    enum fault fault;
    int error; /* errno of FAULT_DISK */
};

/* `checking`: they were there before and are only read. */
static void told(struct body *b, long long bytes, bool checking)
{
    b->p->done += bytes;
    pull_progress(b->p, b->f->path, checking);
}

/* The hash that the Hub names a file by: git's of small ones, SHA-256 of large ones. */
static struct digest *sum_new(const struct repo_file *f)
{
    return strlen(f->etag) == 40 ? sha1_new_blob(f->bytes) : sha256_new();
}

static bool sum_is_right(struct digest *sum, const struct repo_file *f)
{
    char hex[65];

    digest_end_hex(sum, hex);
    return !strcmp(hex, f->etag);
}

/* Adds the first `bytes` of an open file. */
static bool sum_file(struct body *b, int fd, long long bytes, struct err *err)
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
            digest_add(b->sum, piece, (size_t)got);
            at += got;
            told(b, got, true);
            ok = !job_cancelled(b->p->job, err);
        }
    }
    free(piece);
    return ok;
}

/* From the beginning again. */
static bool rewind_part(struct body *b)
{
    sum_is_right(b->sum, b->f); /* ends it */
    b->sum = sum_new(b->f);
    b->p->done -= b->at;
    b->at = b->written = 0;
    if (!ftruncate(b->fd, 0))
        return true;
    b->fault = FAULT_DISK;
    b->error = errno;
    return false;
}

static bool begin(void *ctx, const struct http_reply *reply)
{
    struct body *b = ctx;
    const char *range = http_header(reply, H_RANGE), *length = http_header(reply, H_LENGTH);
    long long from = 0, to = 0, total = 0;

    if (reply->status == 206) {
        if (b->asked > 0 && range && header_range(range, &from, &to, &total) && from == b->asked &&
            total == b->f->bytes)
            return true;
        b->fault = FAULT_PLACE;
        return false;
    }
    if (length && header_number(length) != b->f->bytes) {
        b->fault = FAULT_SIZE;
        return false;
    }
    return !b->at || rewind_part(b); /* the server knows no ranges: all of it comes */
}

static bool take(void *ctx, const void *bytes, size_t n)
{
    struct body *b = ctx;
    const char *p = bytes;

    if ((long long)n > b->f->bytes - b->at) {
        b->fault = FAULT_LONG;
        return false;
    }
    while (n) {
        ssize_t put = pwrite(b->fd, p, n, (off_t)b->at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            b->fault = FAULT_DISK;
            b->error = put ? errno : ENOSPC;
            return false;
        }
        digest_add(b->sum, p, (size_t)put);
        b->at += put;
        p += put;
        n -= (size_t)put;
        told(b, put, false);
    }
    if (b->at - b->written > WRITE_OUT) { /* so that the sync at the end is short */
        sync_file_range(b->fd, (off_t)b->written, 0, SYNC_FILE_RANGE_WRITE);
        b->written = b->at;
    }
    return true;
}

/* Why what came was not taken. True: from the beginning again. */
static bool declined(struct body *b, struct retry *patience, struct http_reply *reply,
                     struct err *err)
{
    const char *path = b->f->path;

    switch (b->fault) {
    case FAULT_PLACE:
        if (!rewind_part(b))
            return declined(b, patience, reply, err);
        snprintf(reply->why, sizeof(reply->why),
                 "the server sends another part than was asked for");
        return retry_wait(b->p, patience, HTTP_LOST, reply, path, err);
    case FAULT_DISK:
        return err_set(err, b->error == ENOSPC || b->error == EDQUOT ? ERR_LIMIT : ERR_IO,
                       "%s: %s: %s; what has come of it is kept", b->p->cache.path, path,
                       strerror(b->error));
    case FAULT_LONG:
    case FAULT_SIZE:
    case FAULT_NONE:
        break;
    }
    if (b->fault == FAULT_LONG) /* what is there cannot be right */
        rewind_part(b);
    return err_set(err, ERR_FORMAT, "%s: the server sends another size than the %lld bytes of it",
                   path, b->f->bytes);
}

/* A signed address has run out: the Hub gives another. */
static bool is_expired(const struct pull *p, const char *url, int status)
{
    return (status == 401 || status == 403 || status == 404 || status == 410) &&
           !url_same_origin(url, p->hub->endpoint);
}

/* One request; true when all is there or it is worth going on. */
static bool request(struct body *b, struct api_file *ask, struct retry *patience, struct err *err)
{
    struct http_call call = {
        .url = ask->url, .from = b->at, .begin = begin, .take = take, .ctx = b};
    struct http_reply reply = {0};
    enum http_end end;
    long long before = b->at;
    bool ok = true;

    b->asked = b->at;
    b->fault = FAULT_NONE;
    end = api_follow(b->p, &call, false, &reply);
    if (b->at >= before + GAIN)
        patience->tries = 0;
    if (end == HTTP_DECLINED) {
        ok = declined(b, patience, &reply, err);
    } else if (end == HTTP_ANSWERED && reply.status == 416 && b->at) {
        ok = rewind_part(b) || declined(b, patience, &reply, err);
        snprintf(reply.why, sizeof(reply.why), "the server has no such part");
        ok = ok && retry_wait(b->p, patience, HTTP_LOST, &reply, b->f->path, err);
    } else if (end == HTTP_ANSWERED && is_expired(b->p, ask->url, reply.status)) {
        snprintf(reply.why, sizeof(reply.why), "the address it was to come from has expired");
        free(ask->url);
        ask->url = NULL;
        ok = retry_wait(b->p, patience, HTTP_LOST, &reply, b->f->path, err) &&
             api_file(b->p, b->f, ask, err);
    } else if (end == HTTP_ANSWERED && reply.status / 100 == 2) {
        if (b->at < b->f->bytes) { /* it ended early and did not say so */
            snprintf(reply.why, sizeof(reply.why), "the connection ended early");
            ok = retry_wait(b->p, patience, HTTP_LOST, &reply, b->f->path, err);
        }
    } else {
        ok = retry_wait(b->p, patience, end, &reply, b->f->path, err);
    }
    http_reply_free(&reply);
    return ok;
}

/* Whether an open file is what it should be; counts as done if it is. */
static bool is_right(struct pull *p, const struct repo_file *f, int fd, bool *right,
                     struct err *err)
{
    struct body b = {.p = p, .f = f, .sum = sum_new(f)};
    long long before = p->done;
    bool ok = sum_file(&b, fd, f->bytes, err);

    *right = sum_is_right(b.sum, f) && ok;
    if (!*right)
        p->done = before;
    return ok;
}

/* In the cache already, whole and right, maybe brought by another program. */
static bool is_there(struct pull *p, const struct repo_file *f, bool *there, struct err *err)
{
    int fd = hub_cache_blob(&p->cache, f->etag, f->bytes);
    bool ok = true;

    *there = false;
    if (fd < 0)
        fd = hub_cache_file(&p->cache, p->commit, f->path, f->bytes);
    if (fd < 0)
        return true;
    ok = is_right(p, f, fd, there, err);
    if (ok && !*there)
        pull_note(p, "%s: what the cache has is damaged; it is fetched anew", f->path);
    close(fd);
    return ok;
}

/* The part's bytes from before, hashed; the rest fetched; *right: all is as it should be. */
static bool fill(struct body *b, struct api_file *ask, bool *right, struct err *err)
{
    struct retry patience = {0};
    long long size = (long long)lseek(b->fd, 0, SEEK_END);
    bool ok = true;

    b->sum = sum_new(b->f);
    if (size > b->f->bytes || size < 0)
        ok = rewind_part(b) || declined(b, &patience, NULL, err);
    else if (size)
        ok = sum_file(b, b->fd, size, err);
    if (ok && size > 0 && size <= b->f->bytes)
        b->at = size;
    while (ok && b->at < b->f->bytes)
        ok = request(b, ask, &patience, err);
    *right = sum_is_right(b->sum, b->f) && ok;
    if (!*right)
        b->p->done -= b->at;
    return ok;
}

static bool fetch(struct pull *p, const struct repo_file *f, int fd, struct err *err)
{
    struct api_file ask = {0};
    bool ok = api_file(p, f, &ask, err), right = false;

    for (int round = 0; ok && !right && round < 2; round++) {
        struct body b = {.p = p, .f = f, .fd = fd};
        bool resumed = lseek(fd, 0, SEEK_END) > 0;

        ok = fill(&b, &ask, &right, err);
        if (!ok || right)
            break;
        ok = !ftruncate(fd, 0) && resumed; /* wrong bytes are no start for the next time */
        if (resumed)
            pull_note(p, "%s: what was there of it does not fit; from the beginning", f->path);
    }
    if (!right)
        err_set(err, ERR_FORMAT,
                "%s: what came has another hash than the Hub says (%.12s...); it was thrown away",
                f->path, f->etag);
    free(ask.url);
    return right;
}

/* The part, once no other process fetches the same. */
static int open_part(struct pull *p, const struct repo_file *f, struct err *err)
{
    for (bool said = false;; said = true) {
        bool busy;
        int fd = hub_cache_part(&p->cache, f->etag, &busy, err);

        if (!busy)
            return fd;
        if (!said)
            pull_note(p, "%s: another program is fetching it; waiting", f->path);
        if (!pull_wait(p, 0.1 / p->hub->second, err))
            return -1;
    }
}

static bool fetch_part(struct pull *p, const struct repo_file *f, bool *there, struct err *err)
{
    int fd = open_part(p, f, err);
    bool ok = fd >= 0 && is_there(p, f, there, err); /* while we waited */

    if (ok && !*there)
        ok = fetch(p, f, fd, err) && hub_cache_part_keep(&p->cache, f->etag, fd, err);
    if (fd >= 0 && (!ok || *there) && !hub_cache_part_size(&p->cache, f->etag))
        hub_cache_part_drop(&p->cache, f->etag);
    if (fd >= 0)
        close(fd);
    return ok;
}

bool download(struct pull *p, const struct repo_file *f, bool *fetched, struct err *err)
{
    struct err own = {0};
    bool there = false, ok;

    pull_progress(p, f->path, false);
    ok = is_there(p, f, &there, &own) && (there || fetch_part(p, f, &there, &own));
    *fetched = ok && !there;
    return ok || err_pass(err, &own);
}
