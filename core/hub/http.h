/* HTTP requests over libcurl, which http.c and url.c alone include.
 *
 * A request is described by struct http_call, made by http_do(), and answered in struct http_reply:
 *
 *   struct http_call call = {.url = url, .from = n, .on_bytes = write_chunk, .ctx = file};
 *   struct http_reply reply = {0};
 *   enum http_end end = http_do(http, &call, &reply, job);
 *
 * http_do() makes exactly one request. api.c follows redirects and retry.c tries again, because for
 * each new request it has to be decided whether the token may be sent. `end` says whether there is
 * an answer at all; a 404 is an answer (HTTP_ANSWERED, reply.status 404). The body of a 2xx answer
 * goes to on_bytes() in pieces of at most 128 KiB and is never held in memory as a whole. Other
 * bodies are read and dropped, up to 256 KiB, so that the connection can be used again. Of the
 * headers, those of enum header are kept, and 64 KiB are read at most.
 *
 * Only https is used, certificates are verified, ~/.netrc is ignored. Plain http is allowed to
 * this machine alone (hub.loopback), for tests. Times: hub.connect seconds to connect, hub.stall
 * seconds without progress, call.timeout seconds in all; the job is looked at every 50 ms.
 *
 * A struct http belongs to one thread. It keeps its connection open between requests. */
#ifndef CORE_HUB_HTTP_H
#define CORE_HUB_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/job.h"
#include "core/hub/hub.h"

/* The response headers that are kept; their names are in http.c. */
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
    HTTP_ANSWERED,  /* status, headers and the whole body have arrived */
    HTTP_LOST,      /* no connection, or it broke: may be tried again; see `why` */
    HTTP_DECLINED,  /* on_start() or on_bytes() returned false */
    HTTP_UNSAFE,    /* certificate, protocol or redirect: never try again; see `why` */
    HTTP_CANCELLED, /* the job was cancelled */
};

struct http_reply {            /* zero-initialise; free with http_reply_free() */
    int status;                /* 200, 404, ...; 0: none arrived */
    struct buf value[H_COUNT]; /* read by http_header() */
    size_t header_bytes;       /* received so far */
    char why[256];             /* for a user, printable ASCII; "" after HTTP_ANSWERED */
};

struct http_call {
    const char *url;
    bool head;      /* HEAD instead of GET */
    bool authorize; /* send the token: only ever to the endpoint */
    long long from; /* > 0: ask for the bytes from this offset on (Range) */
    int timeout;    /* seconds for the whole request; 0: no limit while bytes arrive */
    /* Receive the body of a 2xx answer. on_start (may be NULL) is called once, before the first
     * byte; on_bytes NULL drops the body. Returning false ends the request with HTTP_DECLINED. */
    bool (*on_start)(void *ctx, const struct http_reply *reply);
    bool (*on_bytes)(void *ctx, const void *bytes, size_t n);
    void *ctx;
};

struct http;

/* NULL: libcurl cannot be initialised (ERR_LIMIT). `hub` must outlive it. */
struct http *http_open(const struct hub *hub, struct err *err);
void http_close(struct http *h); /* NULL is fine */
/* Makes one request and waits for its end. `reply` is emptied first. */
enum http_end http_do(struct http *h, const struct http_call *call, struct http_reply *reply,
                      struct job *job);
const char *http_header(const struct http_reply *reply, enum header which); /* NULL: not sent */
void http_reply_free(struct http_reply *reply);

/* Whether a URL may be requested: absolute, https, no user or password in it. With `loopback` also
 * http to localhost, 127.0.0.1 or [::1]. */
bool url_allowed(const char *url, bool loopback);
/* Whether two URLs have the same scheme, host and port (443 is https's default). */
bool url_same_origin(const char *a, const char *b);
/* The absolute URL of a Location header in an answer from `base`. Caller frees; NULL: not a URL. */
char *url_resolve(const char *base, const char *location);
/* The host of a URL, for messages: the rest of it may hold a signature. Caller frees. */
char *url_host(const char *url);

#endif
