/* Questions to the Hub, with redirects followed by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/hub/headers.h"
#include "core/hub/pull_internal.h"
#include "core/hub/repo_id.h"

enum { HOPS = 5, ANSWER_MOST = 32 << 20, ANSWER_SECONDS = 30 };

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static enum http_end unsafe(struct http_reply *reply, const char *why)
{
    utf8_copy(reply->why, sizeof(reply->why), why);
    return HTTP_UNSAFE;
}

/* Where an answer sends us on to, if that is a place to go. Caller frees; NULL: reply->why. */
static char *next_hop(const struct pull *p, const char *url, struct http_reply *reply)
{
    const char *location = http_header(reply, H_LOCATION);
    char *next = location ? url_resolve(url, location) : NULL;

    if (next && url_good(next, p->hub->plain))
        return next;
    free(next);
    unsafe(reply, "the Hub redirects to what is no https address; nothing is fetched from there");
    return NULL;
}

static bool own(const struct pull *p, const char *url)
{
    return url_same_origin(url, p->hub->endpoint);
}

/* A Location that names no host: the repository has another name, or a cache of its own. */
static bool is_relative(const char *location)
{
    const char *colon = strstr(location, "://");

    return strncmp(location, "//", 2) != 0 &&
           (!colon || strcspn(location, "/?#") < (size_t)(colon - location));
}

/* Which redirects are followed: all, all and to the endpoint alone, those of the Hub's own. */
enum follow { FOLLOW_ALL, FOLLOW_STAY, FOLLOW_RELATIVE };

/* *url is where it ended; the caller frees it. */
static enum http_end follow(struct pull *p, const struct http_call *call, enum follow how,
                            char **url, struct http_reply *reply)
{
    struct http_call now = *call;

    *url = xstrdup(call->url);
    for (int hop = 0;; hop++) {
        enum http_end end;
        char *next;

        now.url = *url;
        now.authorize = own(p, *url);
        if (how == FOLLOW_STAY && !now.authorize)
            return unsafe(reply, "the Hub redirects a question to another host");
        end = http_do(p->http, &now, reply, p->job);
        if (end != HTTP_ANSWERED || !is_redirect(reply->status))
            return end;
        if (hop == HOPS)
            return unsafe(reply, "the Hub redirects in a circle");
        next = next_hop(p, *url, reply);
        if (!next)
            return HTTP_UNSAFE;
        free(*url);
        *url = next;
        if (how == FOLLOW_RELATIVE && !is_relative(http_header(reply, H_LOCATION)))
            return end;
    }
}

enum http_end api_follow(struct pull *p, const struct http_call *call, bool stay,
                         struct http_reply *reply)
{
    char *url;
    enum http_end end = follow(p, call, stay ? FOLLOW_STAY : FOLLOW_ALL, &url, reply);

    free(url);
    return end;
}

static bool take_text(void *ctx, const void *bytes, size_t n)
{
    struct buf *text = ctx;

    if (text->len + n > ANSWER_MOST)
        return false;
    buf_add(text, bytes, n);
    return true;
}

bool api_text(struct pull *p, const char *url, struct buf *text, char **next, struct err *err)
{
    struct http_call call = {.url = url, .timeout = ANSWER_SECONDS, .take = take_text, .ctx = text};
    struct http_reply reply = {0};
    struct retry patience = {0};
    enum http_end end;
    const char *link;
    bool ok;

    do {
        buf_clear(text);
        end = api_follow(p, &call, true, &reply);
        ok = end == HTTP_ANSWERED && reply.status == 200;
        if (end == HTTP_DECLINED)
            err_set(err, ERR_LIMIT, "%s: the Hub's answer is longer than %d MiB", p->name->repo,
                    ANSWER_MOST >> 20);
    } while (!ok && end != HTTP_DECLINED && retry_wait(p, &patience, end, &reply, "", err));
    link = ok && next ? http_header(&reply, H_LINK) : NULL;
    if (next)
        *next = NULL;
    if (link) {
        char *found = header_next(link);

        if (found) { /* the token goes with it: it has to be the Hub's own */
            *next = url_resolve(url, found);
            if (!*next || !own(p, *next))
                ok = err_set(err, ERR_FORMAT, "%s: the Hub's listing goes on at another host",
                             p->name->repo);
        }
        free(found);
    }
    http_reply_free(&reply);
    return ok;
}

/* Whether the reply says what the file is: commit, hash and size, as they were listed. */
static bool understand(const struct pull *p, const struct repo_file *f,
                       const struct http_reply *reply, struct api_file *out, struct err *err)
{
    bool away = is_redirect(reply->status);
    const char *commit = http_header(reply, H_COMMIT), *etag = http_header(reply, H_LINKED_ETAG);
    const char *size = http_header(reply, H_LINKED_SIZE);

    if (!etag)
        etag = http_header(reply, H_ETAG);
    if (!size && !away)
        size = http_header(reply, H_LENGTH);
    if (!commit || strcmp(commit, p->commit) != 0)
        return err_set(err, ERR_FORMAT,
                       "%s: the Hub does not say that it is of commit %.12s; is HF_ENDPOINT a Hub?",
                       f->path, p->commit);
    if (!etag || !header_etag(etag, out->etag))
        return err_set(err, ERR_FORMAT, "%s: the Hub gives no hash that files are named by",
                       f->path);
    out->bytes = size ? header_number(size) : f->bytes;
    if (strcmp(out->etag, f->etag) != 0 || out->bytes != f->bytes)
        return err_set(err, ERR_FORMAT,
                       "%s: the Hub lists one hash and size and offers another; try again later",
                       f->path);
    return true;
}

bool api_file(struct pull *p, const struct repo_file *f, struct api_file *out, struct err *err)
{
    struct http_call call = {.head = true, .timeout = ANSWER_SECONDS};
    struct http_reply reply = {0};
    struct retry patience = {0};
    struct buf first = {0};
    enum http_end end;
    bool ok;

    *out = (struct api_file){0};
    buf_printf(&first, "%s/%s/resolve/%s/", p->hub->endpoint, p->name->repo, p->commit);
    url_encode(&first, f->path, true);
    call.url = first.data;
    do {
        free(out->url);
        end = follow(p, &call, FOLLOW_RELATIVE, &out->url, &reply);
        ok = end == HTTP_ANSWERED && (reply.status == 200 || is_redirect(reply.status));
    } while (!ok && retry_wait(p, &patience, end, &reply, f->path, err));
    ok = ok && understand(p, f, &reply, out, err);
    if (!ok) {
        free(out->url);
        out->url = NULL;
    }
    buf_free(&first);
    http_reply_free(&reply);
    return ok;
}
