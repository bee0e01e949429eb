/* Requests to the Hub's API: a JSON text, and the headers that describe one file. Redirects are
 * followed here, one request each, because libcurl would carry the token to any host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/hub/headers.h"
#include "core/hub/pull_internal.h"
#include "core/hub/repo_id.h"

enum { MAX_REDIRECTS = 5, MAX_ANSWER = 32 << 20, ANSWER_SECONDS = 30 };

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Sets the reason in the reply. */
static enum http_end reply_unsafe(struct http_reply *reply, const char *why)
{
    utf8_copy(reply->why, sizeof(reply->why), why);
    return HTTP_UNSAFE;
}

/* The address a redirect leads to. Caller frees. NULL if it is not allowed, with the reason in
 * reply->why. */
static char *next_hop(const struct pull *p, const char *url, struct http_reply *reply)
{
    const char *location = http_header(reply, H_LOCATION);
    char *next = location ? url_resolve(url, location) : NULL;

    if (next && url_allowed(next, p->hub->loopback))
        return next;
    free(next);
    reply_unsafe(
        reply, "the Hub redirects to an address that is not https; nothing is fetched from there");
    return NULL;
}

static bool is_endpoint(const struct pull *p, const char *url)
{
    return url_same_origin(url, p->hub->endpoint);
}

/* Whether a Location names no host. The Hub redirects so when a repository was renamed, or when it
 * serves a file from a cache on the same host. */
static bool is_relative(const char *location)
{
    const char *colon = strstr(location, "://");

    return strncmp(location, "//", 2) != 0 &&
           (!colon || strcspn(location, "/?#") < (size_t)(colon - location));
}

/* Which redirects are followed: to any https host; only to the endpoint, else HTTP_UNSAFE; or only
 * relative ones, so that the first redirect to a full address ends the walk. */
enum redirects { REDIRECTS_ANY, REDIRECTS_SAME_ORIGIN, REDIRECTS_RELATIVE };

/* Makes the request and follows at most MAX_REDIRECTS redirects. The token goes only with requests
 * to the endpoint. *url becomes the last address; the caller frees it. */
static enum http_end follow_redirects(struct pull *p, const struct http_call *call,
                                      enum redirects allowed, char **url, struct http_reply *reply)
{
    struct http_call now = *call;

    *url = xstrdup(call->url);
    for (int hop = 0;; hop++) {
        enum http_end end;
        char *next;

        now.url = *url;
        now.authorize = is_endpoint(p, *url);
        if (allowed == REDIRECTS_SAME_ORIGIN && !now.authorize)
            return reply_unsafe(reply, "the Hub redirects an API request to another host");
        end = http_do(p->http, &now, reply, p->job);
        if (end != HTTP_ANSWERED || !is_redirect(reply->status))
            return end;
        if (hop == MAX_REDIRECTS)
            return reply_unsafe(reply, "the Hub redirects in a circle");
        next = next_hop(p, *url, reply);
        if (!next)
            return HTTP_UNSAFE;
        free(*url);
        *url = next;
        if (allowed == REDIRECTS_RELATIVE && !is_relative(http_header(reply, H_LOCATION)))
            return end;
    }
}

enum http_end api_follow(struct pull *p, const struct http_call *call, bool stay,
                         struct http_reply *reply)
{
    char *url;
    enum http_end end =
        follow_redirects(p, call, stay ? REDIRECTS_SAME_ORIGIN : REDIRECTS_ANY, &url, reply);

    free(url);
    return end;
}

/* http_call.on_bytes: appends to a buf, up to MAX_ANSWER bytes. */
static bool append_text(void *ctx, const void *bytes, size_t n)
{
    struct buf *text = ctx;

    if (text->len + n > MAX_ANSWER)
        return false;
    buf_add(text, bytes, n);
    return true;
}

bool api_text(struct pull *p, const char *url, struct buf *text, char **next, struct err *err)
{
    struct http_call call = {
        .url = url, .timeout = ANSWER_SECONDS, .on_bytes = append_text, .ctx = text};
    struct http_reply reply = {0};
    struct retry retry = {0};
    enum http_end end;
    const char *link;
    char most[16];
    bool ok;

    do {
        buf_clear(text);
        end = api_follow(p, &call, true, &reply);
        ok = end == HTTP_ANSWERED && reply.status == 200;
        if (end == HTTP_DECLINED)
            err_set(err, ERR_LIMIT, "%s: the Hub's answer is longer than %s", p->name->repo,
                    show_bytes(MAX_ANSWER, most));
    } while (!ok && end != HTTP_DECLINED && retry_wait(p, &retry, end, &reply, "", err));
    link = ok && next ? http_header(&reply, H_LINK) : NULL;
    if (next)
        *next = NULL;
    if (link) {
        char *found = header_next(link);

        if (found) { /* the token is sent there too, so it must be the endpoint */
            *next = url_resolve(url, found);
            if (!*next || !is_endpoint(p, *next))
                ok = err_set(err, ERR_FORMAT,
                             "%s: the next page of the Hub's listing is on another host",
                             p->name->repo);
        }
        free(found);
    }
    http_reply_free(&reply);
    return ok;
}

/* Whether the headers name the commit, hash and size that the listing gave for this file. */
static bool check_file_reply(const struct pull *p, const struct repo_file *f,
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
        return err_set(
            err, ERR_FORMAT,
            "%s: the server does not confirm commit %.12s; check that HF_ENDPOINT is a Hub",
            f->path, p->commit);
    if (!etag || !header_etag(etag, out->etag))
        return err_set(err, ERR_FORMAT, "%s: the Hub gives no hash of this file (ETag)", f->path);
    out->bytes = size ? header_number(size) : f->bytes;
    if (strcmp(out->etag, f->etag) != 0 || out->bytes != f->bytes)
        return err_set(err, ERR_FORMAT,
                       "%s: the Hub lists one hash and size but offers another; try again later",
                       f->path);
    return true;
}

bool api_file(struct pull *p, const struct repo_file *f, struct api_file *out, struct err *err)
{
    struct http_call call = {.head = true, .timeout = ANSWER_SECONDS};
    struct http_reply reply = {0};
    struct retry retry = {0};
    struct buf first = {0};
    enum http_end end;
    bool ok;

    *out = (struct api_file){0};
    buf_printf(&first, "%s/%s/resolve/%s/", p->hub->endpoint, p->name->repo, p->commit);
    url_encode(&first, f->path, true);
    call.url = first.data;
    do {
        free(out->url);
        end = follow_redirects(p, &call, REDIRECTS_RELATIVE, &out->url, &reply);
        ok = end == HTTP_ANSWERED && (reply.status == 200 || is_redirect(reply.status));
    } while (!ok && retry_wait(p, &retry, end, &reply, f->path, err));
    ok = ok && check_file_reply(p, f, &reply, out, err);
    if (!ok) {
        free(out->url);
        out->url = NULL;
    }
    buf_free(&first);
    http_reply_free(&reply);
    return ok;
}
