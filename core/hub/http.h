/* One request over HTTP: the only file that knows libcurl. Redirects are not followed here, and
 * nothing is tried twice (follow.c, download.c). */
#ifndef CORE_HUB_HTTP_H
#define CORE_HUB_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/job.h"
#include "core/hub/hub.h"

enum header {
    H_ETAG,
    H_LINKED_ETAG,
    H_LINKED_SIZE,
    H_COMMIT,
    H_LENGTH,
    H_RANGE,
    H_LOCATION,
    H_LINK,
    H_RATELIMIT,
    H_RETRY_AFTER,
    H_ERROR_CODE,
    H_ERROR_MESSAGE,
    H_COUNT
};

enum http_end {
    HTTP_ANSWERED,  /* status and headers are there, and all of the body */
    HTTP_LOST,      /* no connection, or it broke off: worth another try; `why` */
    HTTP_DECLINED,  /* the receiver of the body did not want it (any more) */
    HTTP_UNSAFE,    /* certificate, protocol: not to be tried again; `why` */
    HTTP_CANCELLED, /* the job's end */
};

struct http_reply { /* zero-initialise; http_reply_free() ends it */
    int status;
    struct buf value[H_COUNT];
    size_t header_bytes;
    char why[256];
};

struct http_call {
    const char *url;
    bool head;
    bool authorize; /* send the token: to the endpoint itself, nowhere else */
    long long from; /* > 0: ask for the bytes from here on */
    int timeout;    /* seconds of it all; 0: as long as something comes */
    /* The body of an answer of 2xx; other bodies are thrown away. `begin` comes once before the
     * first byte, may be NULL. false declines. */
    bool (*begin)(void *ctx, const struct http_reply *reply);
    bool (*take)(void *ctx, const void *bytes, size_t n);
    void *ctx;
};

struct http;

struct http *http_open(const struct hub *hub, struct err *err);
void http_close(struct http *h);
/* Waits for the answer; looks at the job every 50 ms. `reply` is emptied first. */
enum http_end http_do(struct http *h, const struct http_call *call, struct http_reply *reply,
                      struct job *job);
const char *http_header(const struct http_reply *reply, enum header which); /* or NULL */
void http_reply_free(struct http_reply *reply);

/* An absolute https URL without user and password; with `loopback` also http to this machine. */
bool url_good(const char *url, bool loopback);
/* Same scheme, host and port. */
bool url_same_origin(const char *a, const char *b);
/* What a Location means, seen from `base`. Caller frees; NULL: nothing a URL can be. */
char *url_resolve(const char *base, const char *location);
/* The host of a URL, to be named in messages: the rest may hold signatures. Caller frees. */
char *url_host(const char *url);

#endif
