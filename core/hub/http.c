/* One HTTP request at a time by libcurl's multi interface, which returns every 50 ms so that a
 * cancelled job ends quickly. */
#include "core/hub/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

/* Limits on what a server can make us read. A body that is wanted is limited by its receiver. */
enum { MAX_HEADER_BYTES = 64 << 10, MAX_DISCARDED = 256 << 10, POLL_MS = 50, CHUNK = 128 << 10 };

struct http {
    const struct hub *hub;
    CURLM *multi;
    CURL *easy;
};

struct exchange { /* one request while it runs */
    CURL *easy;
    const struct http_call *call;
    struct http_reply *reply;
    bool started, declined;
    size_t discarded;
    double last_byte; /* clock_seconds() when the last byte arrived */
};

static const char *const header_names[H_COUNT] = {
    [H_ETAG] = "etag",
    [H_LINKED_ETAG] = "x-linked-etag",
    [H_LINKED_SIZE] = "x-linked-size",
    [H_COMMIT] = "x-repo-commit",
    [H_LENGTH] = "content-length",
    [H_RANGE] = "content-range",
    [H_LOCATION] = "location",
    [H_LINK] = "link",
    [H_RATELIMIT] = "ratelimit",
    [H_RETRY_AFTER] = "retry-after",
    [H_ERROR_CODE] = "x-error-code",
    [H_ERROR_MESSAGE] = "x-error-message",
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool curl_ready;

/* Once per process; curl_global_init() may not be thread-safe. */
static void curl_start(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

struct http *http_open(const struct hub *hub, struct err *err)
{
    struct http *h = xcalloc(1, sizeof(*h));

    pthread_once(&once, curl_start);
    h->hub = hub;
    if (curl_ready) {
        h->multi = curl_multi_init();
        h->easy = curl_easy_init();
    }
    if (h->multi && h->easy)
        return h;
    err_set(err, ERR_LIMIT, "libcurl cannot be initialised");
    http_close(h);
    return NULL;
}

void http_close(struct http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->easy);
    curl_multi_cleanup(h->multi);
    free(h);
}

const char *http_header(const struct http_reply *reply, enum header which)
{
    return reply->value[which].data;
}

void http_reply_free(struct http_reply *reply)
{
    for (int i = 0; i < H_COUNT; i++)
        buf_free(&reply->value[i]);
    *reply = (struct http_reply){0};
}

/* libcurl's callback for a header line. Keeps the headers of header_names; 0 aborts. */
static size_t on_header(char *line, size_t one, size_t n, void *arg)
{
    struct exchange *x = arg;
    struct http_reply *r = x->reply;
    const char *colon = memchr(line, ':', n);

    (void)one;
    x->last_byte = clock_seconds();
    r->header_bytes += n;
    if (r->header_bytes > MAX_HEADER_BYTES)
        return 0;
    if (n > 5 && !strncmp(line, "HTTP/", 5)) /* a new answer: forget "100 Continue" */
        for (int i = 0; i < H_COUNT; i++)
            buf_free(&r->value[i]);
    for (int i = 0; colon && i < H_COUNT; i++) {
        size_t length = strlen(header_names[i]);
        char *value;

        if (length != (size_t)(colon - line) || strncasecmp(line, header_names[i], length) != 0)
            continue;
        value = xtrimmed(colon + 1, n - length - 1);
        buf_clear(&r->value[i]);
        buf_puts(&r->value[i], value);
        free(value);
    }
    return n;
}

/* libcurl's callback for body bytes. Passes those of a 2xx answer on; 0 aborts. */
static size_t on_body(char *bytes, size_t one, size_t n, void *arg)
{
    struct exchange *x = arg;
    long status = 0;

    (void)one;
    x->last_byte = clock_seconds();
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    x->reply->status = (int)status;
    if (status / 100 != 2 || !x->call->on_bytes) {
        x->discarded += n;
        return x->discarded > MAX_DISCARDED ? 0 : n;
    }
    if (!x->started && x->call->on_start && !x->call->on_start(x->call->ctx, x->reply))
        x->declined = true;
    x->started = true;
    if (!x->declined && !x->call->on_bytes(x->call->ctx, bytes, n))
        x->declined = true;
    return x->declined ? 0 : n;
}

/* The token is wiped after use, here and in headers_free(): it should not stay in freed memory. */
static struct curl_slist *request_headers(const struct http *h, const struct http_call *call)
{
    struct curl_slist *list = curl_slist_append(NULL, "Accept-Encoding: identity");

    if (call->authorize && h->hub->token) {
        char *line = xasprintf("Authorization: Bearer %s", h->hub->token);

        list = curl_slist_append(list, line);
        explicit_bzero(line, strlen(line));
        free(line);
    }
    return list;
}

static void headers_free(struct curl_slist *list)
{
    for (struct curl_slist *p = list; p; p = p->next)
        explicit_bzero(p->data, strlen(p->data));
    curl_slist_free_all(list);
}

static void set_limits(const struct http *h, const struct http_call *call)
{
    CURL *c = h->easy;

    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)h->hub->connect);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)call->timeout);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1024L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)h->hub->stall);
    curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)CHUNK);
}

/* Which protocols and hosts are allowed. */
static void set_safety(const struct http *h)
{
    CURL *c = h->easy;

    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, h->hub->loopback ? "http,https" : "https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    if (h->hub->ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, h->hub->ca_file);
    if (h->hub->loopback) /* no proxy for a server on this machine */
        curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
}

/* `curl_error` [CURL_ERROR_SIZE] receives libcurl's message. */
static void set_options(const struct http *h, const struct http_call *call, struct exchange *x,
                        struct curl_slist *headers, char *curl_error)
{
    CURL *c = h->easy;

    curl_easy_reset(c); /* keeps the connection open */
    curl_easy_setopt(c, CURLOPT_URL, call->url);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "editscope/0.1");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L); /* a cancel does not wait for the name lookup */
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_NOBODY, call->head ? 1L : 0L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, curl_error);
    if (call->from > 0) {
        char range[32];

        snprintf(range, sizeof(range), "%lld-", call->from);
        curl_easy_setopt(c, CURLOPT_RANGE, range);
    }
    set_limits(h, call);
    set_safety(h);
}

/* reply->why: libcurl's own words, reduced to printable ASCII. */
static void set_error_text(struct http_reply *reply, CURLcode code, const char *curl_error)
{
    utf8_copy(reply->why, sizeof(reply->why), *curl_error ? curl_error : curl_easy_strerror(code));
    for (char *p = reply->why; *p; p++)
        if (*p < 32 || *p > 126)
            *p = '?';
}

/* How a finished transfer ended, from libcurl's result. */
static enum http_end end_from_curl(const struct exchange *x, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return HTTP_ANSWERED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
        return HTTP_UNSAFE;
    case CURLE_WRITE_ERROR:
        if (x->declined)
            return HTTP_DECLINED;
        if (x->reply->header_bytes > MAX_HEADER_BYTES)
            return HTTP_UNSAFE;
        /* an error page that was too long: its status counts */
        return x->reply->status ? HTTP_ANSWERED : HTTP_LOST;
    default:
        return HTTP_LOST;
    }
}

/* Whether no byte has arrived for too long. libcurl itself ends transfers that are merely slow. */
static bool is_stalled(const struct http *h, const struct exchange *x)
{
    int limit = h->hub->stall + (x->reply->header_bytes ? 0 : h->hub->connect);

    return clock_seconds() - x->last_byte > limit;
}

/* Runs the transfer to its end. False: the job was cancelled. */
static bool run_transfer(const struct http *h, struct exchange *x, struct job *job, CURLcode *code)
{
    int running = 1, left;

    *code = CURLE_OK;
    for (;;) {
        const CURLMsg *m;

        if (curl_multi_perform(h->multi, &running) != CURLM_OK) {
            *code = CURLE_OUT_OF_MEMORY;
            return true;
        }
        while ((m = curl_multi_info_read(h->multi, &left)) != NULL)
            if (m->msg == CURLMSG_DONE) {
                *code = m->data.result;
                return true;
            }
        if (job_cancelled(job, NULL))
            return false;
        if (is_stalled(h, x)) {
            *code = CURLE_OPERATION_TIMEDOUT;
            return true;
        }
        curl_multi_poll(h->multi, NULL, 0, POLL_MS, NULL);
    }
}

enum http_end http_do(struct http *h, const struct http_call *call, struct http_reply *reply,
                      struct job *job)
{
    struct exchange x = {
        .easy = h->easy, .call = call, .reply = reply, .last_byte = clock_seconds()};
    struct curl_slist *headers = request_headers(h, call);
    char curl_error[CURL_ERROR_SIZE] = "";
    enum http_end end = HTTP_CANCELLED;
    CURLcode code;
    long status = 0;

    http_reply_free(reply);
    set_options(h, call, &x, headers, curl_error);
    if (curl_multi_add_handle(h->multi, h->easy) != CURLM_OK) {
        headers_free(headers);
        snprintf(reply->why, sizeof(reply->why), "libcurl cannot start a request");
        return HTTP_UNSAFE;
    }
    if (run_transfer(h, &x, job, &code)) {
        curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
        reply->status = (int)status;
        end = end_from_curl(&x, code);
        if (end != HTTP_ANSWERED)
            set_error_text(reply, code, curl_error);
    }
    curl_multi_remove_handle(h->multi, h->easy);
    curl_easy_reset(h->easy); /* drop its pointers into this stack frame, and the token */
    headers_free(headers);
    return end;
}
