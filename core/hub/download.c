/* Downloads one file of a repository into the cache, and resumes a download that was cut off.
 *
 * The Hub names every file by a hash of its content, its etag: git's SHA-1 of a small file, SHA-256
 * of a large one. The file is stored under that hash:
 *
 *   blobs/ETAG                   the whole file, hash verified
 *   blobs/ETAG.editscope.part    its first bytes, while it is incomplete
 *
 * One download goes like this.
 *
 * 1. If the blob is there, it is read and hashed. If the hash is right, nothing is downloaded.
 * 2. Otherwise the part is opened and locked (flock). If another process holds the lock, we wait
 *    and look for the blob again: both download the same bytes, so one of them is enough.
 * 3. The n bytes that the part already has are hashed, and `Range: bytes=n-` asks for the rest. A
 *    server that answers 200 instead of 206 sends everything: the part is emptied first.
 * 4. Each chunk is written and added to the hash as it arrives. A connection that breaks is tried
 *    again from the last byte that was written (retry.c).
 * 5. At the end the hash must be the etag. If it is, the part is synced and renamed to the blob. If
 *    not, the part is emptied; when some of its bytes came from an earlier run, those may be the
 *    wrong ones, and the download starts again once.
 *
 * A crash, a full disk or a cancel keeps the part, and never leaves a blob with wrong bytes. */
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
    CHUNK = 1 << 20,
    PROGRESS_BYTES = 1 << 20,   /* a connection that brought this much resets the count of tries */
    WRITEBACK_BYTES = 32 << 20, /* dirty bytes after which the kernel is told to start writing */
};

/* Why transfer_start() or transfer_write() refused to go on. */
enum fault {
    FAULT_NONE,
    FAULT_RANGE, /* a 206 whose Content-Range is not the requested one */
    FAULT_SIZE,  /* a Content-Length that is not the file's size */
    FAULT_LONG,  /* more bytes than the file has */
    FAULT_DISK,  /* a write failed: transfer.error */
};

struct transfer { /* one file on its way into its part */
    struct pull *p;
    const struct repo_file *f;
    int fd;
    long long written;     /* bytes the kernel was told to write to the disk */
    long long at, asked;   /* bytes in the part; bytes it had when this request began */
    struct digest *digest; /* of the first `at` bytes */
    enum fault fault;
    int error; /* errno of FAULT_DISK */
};

/* Reports more bytes of this file. `checking`: they were in the cache and are only hashed. */
static void report_progress(struct transfer *t, long long bytes, bool checking)
{
    t->p->done += bytes;
    pull_progress(t->p, t->f->path, checking);
}

/* A new hash of the etag's kind: 40 hex digits are git's SHA-1, 64 are SHA-256. */
static struct digest *hash_new(const struct repo_file *f)
{
    return strlen(f->etag) == 40 ? sha1_new_blob(f->bytes) : sha256_new();
}

/* Ends and frees the hash. Whether it is the file's. */
static bool hash_matches(struct digest *digest, const struct repo_file *f)
{
    char hex[65];

    digest_end_hex(digest, hex);
    return !strcmp(hex, f->etag);
}

/* Hashes the first `bytes` bytes of an open file. */
static bool hash_file(struct transfer *t, int fd, long long bytes, struct err *err)
{
    unsigned char *chunk = xmalloc(CHUNK);
    long long at = 0;
    bool ok = true;

    while (ok && at < bytes) {
        size_t want = bytes - at > CHUNK ? CHUNK : (size_t)(bytes - at);
        ssize_t got = pread(fd, chunk, want, (off_t)at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            ok = err_set(err, ERR_IO, "cannot read the file in the cache: %s",
                         got ? strerror(errno) : "it ends early");
        } else {
            digest_add(t->digest, chunk, (size_t)got);
            at += got;
            report_progress(t, got, true);
            ok = !job_cancelled(t->p->job, err);
        }
    }
    free(chunk);
    return ok;
}

/* Empties the part, so that the next request starts at byte 0. False: t->fault is FAULT_DISK. */
static bool rewind_part(struct transfer *t)
{
    hash_matches(t->digest, t->f); /* only to free the hash */
    t->digest = hash_new(t->f);
    t->p->done -= t->at;
    t->at = t->written = 0;
    if (!ftruncate(t->fd, 0))
        return true;
    t->fault = FAULT_DISK;
    t->error = errno;
    return false;
}

/* http_call.on_start: checks the size before the first byte. After 206 the bytes continue the part;
 * after 200 the server sends the whole file, so the part is emptied. */
static bool transfer_start(void *ctx, const struct http_reply *reply)
{
    struct transfer *t = ctx;
    const char *range = http_header(reply, H_RANGE), *length = http_header(reply, H_LENGTH);
    long long from = 0, to = 0, total = 0;

    if (reply->status == 206) {
        if (t->asked > 0 && range && header_range(range, &from, &to, &total) && from == t->asked &&
            total == t->f->bytes)
            return true;
        t->fault = FAULT_RANGE;
        return false;
    }
    if (length && header_number(length) != t->f->bytes) {
        t->fault = FAULT_SIZE;
        return false;
    }
    return !t->at || rewind_part(t); /* no range support: the server sends the whole file */
}

/* http_call.on_bytes: writes to the part and to the hash. False sets t->fault. */
static bool transfer_write(void *ctx, const void *bytes, size_t n)
{
    struct transfer *t = ctx;
    const char *p = bytes;

    if ((long long)n > t->f->bytes - t->at) {
        t->fault = FAULT_LONG;
        return false;
    }
    while (n) {
        ssize_t put = pwrite(t->fd, p, n, (off_t)t->at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            t->fault = FAULT_DISK;
            t->error = put ? errno : ENOSPC;
            return false;
        }
        digest_add(t->digest, p, (size_t)put);
        t->at += put;
        p += put;
        n -= (size_t)put;
        report_progress(t, put, false);
    }
    if (t->at - t->written > WRITEBACK_BYTES) { /* keeps the fsync at the end short */
        sync_file_range(t->fd, (off_t)t->written, 0, SYNC_FILE_RANGE_WRITE);
        t->written = t->at;
    }
    return true;
}

/* After HTTP_DECLINED: true if the download should start again at byte 0, else err says why. */
static bool handle_fault(struct transfer *t, struct retry *retry, struct http_reply *reply,
                         struct err *err)
{
    const char *path = t->f->path;

    switch (t->fault) {
    case FAULT_RANGE:
        if (!rewind_part(t))
            return handle_fault(t, retry, reply, err);
        snprintf(reply->why, sizeof(reply->why),
                 "the server sent another range than was requested");
        return retry_wait(t->p, retry, HTTP_LOST, reply, path, err);
    case FAULT_DISK:
        return err_set(err, t->error == ENOSPC || t->error == EDQUOT ? ERR_LIMIT : ERR_IO,
                       "%s: %s: %s; the downloaded part is kept", t->p->cache.path, path,
                       strerror(t->error));
    case FAULT_LONG:
    case FAULT_SIZE:
    case FAULT_NONE:
        break;
    }
    if (t->fault == FAULT_LONG) /* so the bytes in the part are wrong too */
        rewind_part(t);
    return err_set(err, ERR_FORMAT,
                   "%s: the server sends another size than the %lld bytes it should have", path,
                   t->f->bytes);
}

/* Whether a signed address outside the Hub has expired: the Hub then gives a new one. */
static bool is_expired(const struct pull *p, const char *url, int status)
{
    return (status == 401 || status == 403 || status == 404 || status == 410) &&
           !url_same_origin(url, p->hub->endpoint);
}

/* One GET from byte t->at on. True if the file is complete or another request may help. */
static bool transfer_request(struct transfer *t, struct api_file *remote, struct retry *retry,
                             struct err *err)
{
    struct http_call call = {.url = remote->url,
                             .from = t->at,
                             .on_start = transfer_start,
                             .on_bytes = transfer_write,
                             .ctx = t};
    struct http_reply reply = {0};
    enum http_end end;
    long long before = t->at;
    bool ok = true;

    t->asked = t->at;
    t->fault = FAULT_NONE;
    end = api_follow(t->p, &call, false, &reply);
    if (t->at >= before + PROGRESS_BYTES)
        retry->tries = 0;
    if (end == HTTP_DECLINED) {
        ok = handle_fault(t, retry, &reply, err);
    } else if (end == HTTP_ANSWERED && reply.status == 416 && t->at) {
        ok = rewind_part(t) || handle_fault(t, retry, &reply, err);
        snprintf(reply.why, sizeof(reply.why), "the server does not have the requested range");
        ok = ok && retry_wait(t->p, retry, HTTP_LOST, &reply, t->f->path, err);
    } else if (end == HTTP_ANSWERED && is_expired(t->p, remote->url, reply.status)) {
        snprintf(reply.why, sizeof(reply.why), "the download address has expired");
        free(remote->url);
        remote->url = NULL;
        ok = retry_wait(t->p, retry, HTTP_LOST, &reply, t->f->path, err) &&
             api_file(t->p, t->f, remote, err);
    } else if (end == HTTP_ANSWERED && reply.status / 100 == 2) {
        if (t->at < t->f->bytes) { /* closed early, but reported as complete */
            snprintf(reply.why, sizeof(reply.why), "the connection ended early");
            ok = retry_wait(t->p, retry, HTTP_LOST, &reply, t->f->path, err);
        }
    } else {
        ok = retry_wait(t->p, retry, end, &reply, t->f->path, err);
    }
    http_reply_free(&reply);
    return ok;
}

/* *right: whether an open file of the cache has the right hash. Its bytes then count as done. */
static bool verify_file(struct pull *p, const struct repo_file *f, int fd, bool *right,
                        struct err *err)
{
    struct transfer t = {.p = p, .f = f, .digest = hash_new(f)};
    long long before = p->done;
    bool ok = hash_file(&t, fd, f->bytes, err);

    *right = hash_matches(t.digest, f) && ok;
    if (!*right)
        p->done = before;
    return ok;
}

/* *there: whether the cache already has the file, complete and with the right hash. */
static bool find_in_cache(struct pull *p, const struct repo_file *f, bool *there, struct err *err)
{
    int fd = hub_cache_blob(&p->cache, f->etag, f->bytes);
    bool ok = true;

    *there = false;
    if (fd < 0)
        fd = hub_cache_file(&p->cache, p->commit, f->path, f->bytes);
    if (fd < 0)
        return true;
    ok = verify_file(p, f, fd, there, err);
    if (ok && !*there)
        pull_note(p, "%s: the copy in the cache is damaged; downloading it again", f->path);
    close(fd);
    return ok;
}

/* Hashes what the part has, downloads the rest, and compares the hash: *right. */
static bool fill_part(struct transfer *t, struct api_file *remote, bool *right, struct err *err)
{
    struct retry retry = {0};
    long long size = (long long)lseek(t->fd, 0, SEEK_END);
    bool ok = true;

    t->digest = hash_new(t->f);
    if (size > t->f->bytes || size < 0)
        ok = rewind_part(t) || handle_fault(t, &retry, NULL, err);
    else if (size)
        ok = hash_file(t, t->fd, size, err);
    if (ok && size > 0 && size <= t->f->bytes)
        t->at = size;
    while (ok && t->at < t->f->bytes)
        ok = transfer_request(t, remote, &retry, err);
    *right = hash_matches(t->digest, t->f) && ok;
    if (!*right)
        t->p->done -= t->at;
    return ok;
}

/* Downloads into the open part `fd`; once more from byte 0 if old bytes in the part were wrong. */
static bool fetch_file(struct pull *p, const struct repo_file *f, int fd, struct err *err)
{
    struct api_file remote = {0};
    bool ok = api_file(p, f, &remote, err), right = false;

    for (int round = 0; ok && !right && round < 2; round++) {
        struct transfer t = {.p = p, .f = f, .fd = fd};
        bool resumed = lseek(fd, 0, SEEK_END) > 0;

        ok = fill_part(&t, &remote, &right, err);
        if (!ok || right)
            break;
        ok = !ftruncate(fd, 0) && resumed; /* do not resume from wrong bytes */
        if (resumed)
            pull_note(p, "%s: the part in the cache does not match; starting again", f->path);
    }
    if (!right)
        err_set(
            err, ERR_FORMAT,
            "%s: the downloaded bytes do not have the Hub's hash (%.12s...); they were discarded",
            f->path, f->etag);
    free(remote.url);
    return right;
}

/* The locked part. Waits while another process downloads the same file. -1: failed or cancelled. */
static int open_part(struct pull *p, const struct repo_file *f, struct err *err)
{
    for (bool noted = false;; noted = true) {
        bool busy;
        int fd = hub_cache_part(&p->cache, f->etag, &busy, err);

        if (!busy)
            return fd;
        if (!noted)
            pull_note(p, "%s: another program is downloading it; waiting", f->path);
        if (!pull_wait(p, 0.1 / p->hub->time_scale, err))
            return -1;
    }
}

/* Downloads the file and makes it a blob. *there: another process did it first. */
static bool fetch_blob(struct pull *p, const struct repo_file *f, bool *there, struct err *err)
{
    int fd = open_part(p, f, err);
    bool ok = fd >= 0 && find_in_cache(p, f, there, err); /* another process may have finished it */

    if (ok && !*there)
        ok = fetch_file(p, f, fd, err) && hub_cache_part_keep(&p->cache, f->etag, fd, err);
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
    ok = find_in_cache(p, f, &there, &own) && (there || fetch_blob(p, f, &there, &own));
    *fetched = ok && !there;
    return ok || err_pass(err, &own);
}
