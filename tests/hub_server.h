/* A Hub on this machine with one made-up repository, org/name, that can be set to make a fault. One
 * thread per connection, one request per connection. 127.0.0.1 is the endpoint; localhost acts as
 * another host, which must never receive the token. */
#ifndef TESTS_HUB_SERVER_H
#define TESTS_HUB_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
/* OpenSSL's headers make a type of this name, which here is one of enum err_kind. */
#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#undef ERR_STATE
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/base/mem.h"

#pragma GCC diagnostic ignored "-Wunused-function"

#define HUB_COMMIT "0123456789abcdef0123456789abcdef01234567"
#define HUB_TOKEN  "hf_NobodyMaySeeThis"

enum fault {
    F_NONE,
    F_DROP,       /* the connection ends in the middle of the body */
    F_WRONG_PART, /* 206, but with another range */
    F_NO_RANGES,  /* 200 and the whole file, whatever range was requested */
    F_LOOP,       /* the file's address redirects to itself */
    F_LOOP_FAR,   /* the address on the other host redirects to itself */
    F_TO_HTTP,    /* Location: an http address elsewhere */
    F_TO_FILE,    /* Location: file:///etc/passwd */
    F_FAR_TO_FILE,
    F_ETAG_PATH,      /* an etag that leaves the folder: "../.." */
    F_ETAG_OTHER,     /* a valid etag, but not the listed one */
    F_OTHER_BYTES,    /* wrong bytes, of the right number */
    F_LONGER,         /* too many bytes, without Content-Length */
    F_SHORTER,        /* too few bytes, without Content-Length */
    F_SAID_LONGER,    /* a Content-Length that is too large */
    F_429,            /* asks to wait 55 s */
    F_503,            /* server error */
    F_STALL,          /* half of the body, then nothing */
    F_EXPIRED,        /* the signed address has expired */
    F_GATED,          /* 403 */
    F_UNKNOWN,        /* 401 */
    F_NOT_FOUND,      /* 404 */
    F_ASK_ELSEWHERE,  /* API requests are redirected to the other host */
    F_MORE_ELSEWHERE, /* the next page of the listing is on the other host */
    F_EVIL_LIST,      /* invalid file names besides the valid ones */
    F_HUGE,           /* listed sizes larger than any disk */
    F_NO_COMMIT,      /* no X-Repo-Commit header */
    F_NOT_JSON,
};

struct served_file {
    const char *path;
    unsigned char *bytes;
    size_t n;
    bool large; /* served by the other host, named by its SHA-256 */
    char etag[65];
};

struct hub_server {
    struct served_file file[8];
    int files;
    _Atomic enum fault fault;
    atomic_int times; /* requests that still get the fault */
    int port, fd;
    pthread_t thread;
    atomic_int open; /* open connections */
    atomic_bool ending;
    atomic_int bodies;   /* bodies of large files that were started */
    atomic_long from;    /* offset at which the last one started */
    atomic_int asked;    /* requests */
    atomic_int trusted;  /* requests with the token, to the endpoint */
    atomic_int betrayed; /* requests with the token, to the other host */
    SSL_CTX *tls;        /* or NULL */
};

struct connection {
    struct hub_server *s;
    int fd;
    SSL *tls;
};

static struct hub_server hub_server;

static void served_put(struct connection *c, const void *bytes, size_t n)
{
    const char *p = bytes;

    while (n) {
        long put = c->tls ? SSL_write(c->tls, p, n > 16384 ? 16384 : (int)n)
                          : (long)send(c->fd, p, n, MSG_NOSIGNAL);

        if (put <= 0)
            return;
        p += put;
        n -= (size_t)put;
    }
}

static void served_say(struct connection *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void served_say(struct connection *c, const char *fmt, ...)
{
    char line[4096];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    served_put(c, line, (size_t)n);
}

/* Whether the present misbehaviour is this one, and its turn. */
static bool served_does(struct hub_server *s, enum fault fault)
{
    return s->fault == fault && atomic_fetch_sub(&s->times, 1) > 0;
}

static void served_short(struct connection *c, int status, const char *more, const char *body)
{
    served_say(c, "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", status,
               strlen(body), more, body);
}

/* Nothing, until the other side leaves. */
static void served_stall(struct connection *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN | POLLRDHUP};

    while (!c->s->ending && !(poll(&p, 1, 20) > 0 && p.revents & (POLLRDHUP | POLLHUP)))
        ;
}

static void served_bytes(struct connection *c, const struct served_file *f, long from)
{
    struct hub_server *s = c->s;
    size_t n = f->n - (size_t)from;
    bool part = from > 0;

    atomic_fetch_add(&s->bodies, 1);
    s->from = from;
    if (part && (s->fault == F_NO_RANGES)) {
        part = false;
        from = 0;
        n = f->n;
    }
    if (served_does(s, F_LONGER) || served_does(s, F_SHORTER)) {
        served_say(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        served_put(c, f->bytes, s->fault == F_SHORTER ? f->n / 2 : f->n);
        if (s->fault == F_LONGER)
            served_put(c, f->bytes, 100);
        return;
    }
    served_say(c, "HTTP/1.1 %d OK\r\nConnection: close\r\nContent-Length: %zu\r\n",
               part ? 206 : 200, n + (s->fault == F_SAID_LONGER ? 10 : 0));
    if (part)
        served_say(c, "Content-Range: bytes %ld-%zu/%zu\r\n", from + served_does(s, F_WRONG_PART),
                   f->n - 1, f->n);
    served_say(c, "\r\n");
    if (served_does(s, F_DROP)) {
        served_put(c, f->bytes + from, n / 2);
    } else if (served_does(s, F_STALL)) {
        served_put(c, f->bytes + from, n / 2);
        served_stall(c);
    } else if (served_does(s, F_OTHER_BYTES)) {
        unsigned char *other = xcalloc(1, n);

        served_put(c, other, n);
        free(other);
    } else {
        served_put(c, f->bytes + from, n);
    }
}

/* The file as the endpoint has it: itself, or where it is. */
static void served_resolve(struct connection *c, const struct served_file *f, bool head)
{
    struct hub_server *s = c->s;
    char etag[80], more[600];

    snprintf(etag, sizeof(etag), "%s", f->etag);
    if (served_does(s, F_ETAG_PATH))
        snprintf(etag, sizeof(etag), "../../x");
    if (served_does(s, F_ETAG_OTHER))
        etag[3] = etag[3] == '0' ? '1' : '0';
    if (served_does(s, F_LOOP)) {
        snprintf(more, sizeof(more), "Location: /org/name/resolve/%s/%s\r\n", HUB_COMMIT, f->path);
        served_short(c, 307, more, "");
    } else if (f->large) {
        const char *to = served_does(s, F_TO_HTTP)   ? "http://hub.invalid/x"
                         : served_does(s, F_TO_FILE) ? "file:///etc/passwd"
                                                     : NULL;
        char far[200];

        snprintf(far, sizeof(far), "http%s://localhost:%d/far/%s?signature=secret",
                 s->tls ? "s" : "", s->port, f->path);
        snprintf(more, sizeof(more),
                 "%s%s%sX-Linked-Etag: \"%s\"\r\nX-Linked-Size: %zu\r\nLocation: %s\r\n",
                 s->fault == F_NO_COMMIT ? "" : "X-Repo-Commit: ",
                 s->fault == F_NO_COMMIT ? "" : HUB_COMMIT, s->fault == F_NO_COMMIT ? "" : "\r\n",
                 etag, f->n, to ? to : far);
        served_short(c, 302, more, "");
    } else {
        served_say(c,
                   "HTTP/1.1 200 OK\r\nConnection: close\r\nX-Repo-Commit: %s\r\n"
                   "ETag: W/\"%s\"\r\nContent-Length: %zu\r\n\r\n",
                   HUB_COMMIT, etag, f->n);
        if (!head)
            served_put(c, f->bytes, f->n);
    }
}

static void served_list(struct connection *c, bool second)
{
    static const char evil[] =
        "{\"type\":\"file\",\"path\":\"../../../evil\",\"size\":4,\"oid\":\"" HUB_COMMIT "\"},"
        "{\"type\":\"file\",\"path\":\"/evil\",\"size\":4,\"oid\":\"" HUB_COMMIT "\"},"
        "{\"type\":\"file\",\"path\":\"a/../../config.json\",\"size\":4,\"oid\":\"" HUB_COMMIT
        "\"},";
    struct hub_server *s = c->s;
    struct buf list = {0};
    char more[200] = "";
    bool elsewhere = s->fault == F_MORE_ELSEWHERE;

    buf_puts(&list, s->fault == F_EVIL_LIST ? "[" : "[{\"type\":\"directory\",\"path\":\"x\"},");
    if (s->fault == F_EVIL_LIST)
        buf_puts(&list, evil);
    for (int i = second ? 1 : 0; i < (second ? s->files : 1); i++) {
        const struct served_file *f = &s->file[i];
        size_t n = f->n + (s->fault == F_HUGE && f->large ? (size_t)1 << 53 : 0);

        buf_printf(&list, "%s{\"type\":\"file\",\"path\":\"%s\",\"size\":%zu,\"oid\":\"%s\"",
                   i > second ? "," : "", f->path, n, f->large ? HUB_COMMIT : f->etag);
        if (f->large)
            buf_printf(&list, ",\"lfs\":{\"oid\":\"%s\",\"size\":%zu}", f->etag, n);
        buf_puts(&list, "}");
    }
    buf_puts(&list, "]");
    if (!second)
        snprintf(more, sizeof(more),
                 "Link: <http%s://%s:%d/api/models/org/name/tree/%s?page=2>; rel=\"next\"\r\n",
                 s->tls ? "s" : "", elsewhere ? "localhost" : "127.0.0.1", s->port, HUB_COMMIT);
    served_short(c, 200, more, list.data);
    buf_free(&list);
}

static const struct served_file *served_find(struct hub_server *s, const char *path)
{
    for (int i = 0; i < s->files; i++)
        if (!strncmp(path, s->file[i].path, strlen(s->file[i].path)) &&
            strchr("? ", path[strlen(s->file[i].path)]))
            return &s->file[i];
    return NULL;
}

static void served_far(struct connection *c, const char *path, long from)
{
    const struct served_file *f = served_find(c->s, path);
    char more[300];

    if (!f)
        served_short(c, 404, "", "");
    else if (served_does(c->s, F_EXPIRED))
        served_short(c, 403, "", "<Error>expired</Error>");
    else if (served_does(c->s, F_FAR_TO_FILE))
        served_short(c, 302, "Location: file:///etc/passwd\r\n", "");
    else if (served_does(c->s, F_LOOP_FAR)) {
        snprintf(more, sizeof(more), "Location: /far/%s\r\n", f->path);
        served_short(c, 302, more, "");
    } else {
        served_bytes(c, f, from);
    }
}

static void served_question(struct connection *c, const char *path)
{
    struct hub_server *s = c->s;
    char more[200];

    if (served_does(s, F_429))
        served_short(c, 429, "RateLimit: \"api\";r=0;t=55\r\nRetry-After: 3000\r\n", "slow down");
    else if (served_does(s, F_503))
        served_short(c, 503, "", "not now");
    else if (s->fault == F_GATED)
        served_short(c, 403, "X-Error-Code: GatedRepo\r\n", "{}");
    else if (s->fault == F_UNKNOWN)
        served_short(c, 401, "X-Error-Message: who\033[2J?\r\n", "{}");
    else if (s->fault == F_NOT_FOUND)
        served_short(c, 404, "X-Error-Code: RepoNotFound\r\n", "{}");
    else if (s->fault == F_NOT_JSON)
        served_short(c, 200, "", "\033[2J<html>Welcome to this airport's network</html>");
    else if (s->fault == F_ASK_ELSEWHERE) {
        snprintf(more, sizeof(more), "Location: http://localhost:%d%.100s\r\n", s->port,
                 "/api/models/org/name/revision/main");
        served_short(c, 307, more, "");
    } else if (strstr(path, "/tree/"))
        served_list(c, strstr(path, "page=2") != NULL);
    else if (strstr(path, "/revision/main ") || strstr(path, "/revision/v%2F1 ") ||
             strstr(path, "/revision/" HUB_COMMIT))
        served_short(c, 200, "", "{\"id\":\"org/name\",\"sha\":\"" HUB_COMMIT "\"}");
    else
        served_short(c, 404, "X-Error-Code: RevisionNotFound\r\n", "{}");
}

static void served_answer(struct connection *c, const char *request)
{
    static const char resolve[] = "/org/name/resolve/" HUB_COMMIT "/";
    const char *path = strchr(request, ' ') + 1, *range = strcasestr(request, "\r\nRange: bytes=");
    bool far = strcasestr(request, "\r\nHost: localhost") != NULL;
    const struct served_file *f;

    atomic_fetch_add(&c->s->asked, 1);
    if (strcasestr(request, "\r\nAuthorization:"))
        atomic_fetch_add(far ? &c->s->betrayed : &c->s->trusted, 1);
    if (far) {
        served_far(c, path + strlen("/far/"), range ? strtol(range + 15, NULL, 10) : 0);
    } else if (!strncmp(path, "/api/models/org/name/", 21)) {
        served_question(c, path);
    } else if (!strncmp(path, resolve, sizeof(resolve) - 1) &&
               (f = served_find(c->s, path + sizeof(resolve) - 1))) {
        served_resolve(c, f, *request == 'H');
    } else {
        served_short(c, 404, "X-Error-Code: EntryNotFound\r\n", "");
    }
}

static void *served_connection(void *arg)
{
    struct connection *c = arg;
    char request[16384];
    size_t n = 0;
    bool ok = true;

    if (c->s->tls) {
        c->tls = SSL_new(c->s->tls);
        SSL_set_fd(c->tls, c->fd);
        ok = SSL_accept(c->tls) == 1;
    }
    request[0] = '\0';
    while (ok && n + 1 < sizeof(request) && !strstr(request, "\r\n\r\n")) {
        long got = c->tls ? SSL_read(c->tls, request + n, (int)(sizeof(request) - n - 1))
                          : (long)recv(c->fd, request + n, sizeof(request) - n - 1, 0);

        ok = got > 0;
        n += ok ? (size_t)got : 0;
        request[n] = '\0';
    }
    if (ok && strchr(request, ' '))
        served_answer(c, request);
    if (c->tls) {
        SSL_shutdown(c->tls);
        SSL_free(c->tls);
    }
    shutdown(c->fd, SHUT_RDWR);
    close(c->fd);
    atomic_fetch_sub(&c->s->open, 1);
    free(c);
    return NULL;
}

static void *served_forever(void *arg)
{
    struct hub_server *s = arg;
    struct pollfd p = {.fd = s->fd, .events = POLLIN};

    while (!s->ending) {
        struct connection *c;
        pthread_t thread;
        int fd = poll(&p, 1, 20) > 0 ? accept(s->fd, NULL, NULL) : -1;

        if (fd < 0)
            continue;
        c = xcalloc(1, sizeof(*c));
        *c = (struct connection){.s = s, .fd = fd};
        atomic_fetch_add(&s->open, 1);
        if (pthread_create(&thread, NULL, served_connection, c)) {
            atomic_fetch_sub(&s->open, 1);
            close(fd);
            free(c);
        } else {
            pthread_detach(thread);
        }
    }
    return NULL;
}

static void hub_server_file(const char *path, const void *bytes, size_t n, bool large)
{
    struct hub_server *s = &hub_server;
    struct served_file *f = &s->file[s->files++];
    unsigned char *copy = xmalloc(n + 1);

    memcpy(copy, bytes, n);
    *f = (struct served_file){.path = path, .bytes = copy, .n = n, .large = large};
    if (large) {
        sha256_of(bytes, n, f->etag);
    } else {
        struct digest *sha = sha1_new_blob((long long)n);

        digest_add(sha, bytes, n);
        digest_end_hex(sha, f->etag);
    }
}

/* A large file of so many bytes that are like no others. */
static void hub_server_weights(const char *path, size_t n)
{
    unsigned char *bytes = xmalloc(n);
    unsigned x = (unsigned)(n + strlen(path)) | 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(x >> 24);
    }
    hub_server_file(path, bytes, n, true);
    free(bytes);
}

static bool hub_server_start(SSL_CTX *tls)
{
    struct hub_server *s = &hub_server;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);

    s->tls = tls;
    s->ending = false;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(s->fd, (struct sockaddr *)&at, sizeof(at)) || listen(s->fd, 32) ||
        getsockname(s->fd, (struct sockaddr *)&at, &n))
        return false;
    s->port = ntohs(at.sin_port);
    return !pthread_create(&s->thread, NULL, served_forever, s);
}

static void hub_server_stop(void)
{
    struct hub_server *s = &hub_server;

    s->ending = true;
    pthread_join(s->thread, NULL);
    while (s->open > 0)
        usleep(1000);
    close(s->fd);
    for (int i = 0; i < s->files; i++)
        free(s->file[i].bytes);
    s->files = 0;
    s->tls = NULL;
}

#endif
