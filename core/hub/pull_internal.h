/* The state of a running pull and the functions that share it. For core/hub/ only: pull.c makes the
 * steps, api.c the API requests, download.c one file, retry.c waits and errors. */
#ifndef CORE_HUB_PULL_INTERNAL_H
#define CORE_HUB_PULL_INTERNAL_H

#include "core/hub/file_list.h"
#include "core/hub/http.h"
#include "core/hub/hub.h"
#include "core/hub/hub_cache.h"

struct pull {
    const struct hub *hub;
    const struct hub_name *name;
    struct http *http;
    struct job *job;
    struct hub_listener to; /* callbacks of the caller */
    struct hub_cache cache;
    char commit[41];       /* set by the first step */
    struct file_list list; /* files of the commit */
    long long done, total; /* bytes of the wanted files; for the progress */
};

/* Counts failed requests for one thing; zero-initialise. */
struct retry {
    int tries; /* failures in a row */
};

/* --- pull.c --- */

/* Tells the caller how many bytes are done. `checking`: `file` was there and is only hashed. */
void pull_progress(struct pull *p, const char *file, bool checking);
/* Sends a note to the caller: "WHAT; WHAT IS DONE ABOUT IT", as err_set() takes it. */
void pull_note(struct pull *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- retry.c --- */

/* After a failed request. Waits 1, 2, 4, 8 seconds, or what a 429 asks for, and returns true if it
 * should be tried again: a lost connection, 408, 429, 500, 502-504, at most 5 tries. Otherwise
 * false with the reason in err. `what`: path of the file, "" for the repository itself. */
bool retry_wait(struct pull *p, struct retry *retry, enum http_end end,
                const struct http_reply *reply, const char *what, struct err *err);
/* Sleeps seconds * hub->time_scale. False: cancelled. */
bool pull_wait(struct pull *p, double seconds, struct err *err);

/* --- api.c --- */

/* GET of an API address as text, at most 32 MiB, with retries. Redirects must stay on the endpoint.
 * *next: the address of the next page, or NULL; the caller frees it. `next` may be NULL. */
bool api_text(struct pull *p, const char *url, struct buf *text, char **next, struct err *err);

/* A file as the Hub offers it for download. */
struct api_file {
    char etag[65];   /* its hash */
    long long bytes; /* its size */
    char *url;       /* to download from: signed, perhaps on another host. The caller frees it */
};

/* HEAD of the file, with retries. ERR_FORMAT: its commit, hash or size are not the listed ones. */
bool api_file(struct pull *p, const struct repo_file *f, struct api_file *out, struct err *err);
/* One request with its redirects, to https addresses only. The token is sent to the endpoint only.
 * `stay`: a redirect to another host is HTTP_UNSAFE. */
enum http_end api_follow(struct pull *p, const struct http_call *call, bool stay,
                         struct http_reply *reply);

/* --- download.c --- */

/* Makes sure that the file is among the blobs with the right hash. *fetched: it was downloaded. */
bool download(struct pull *p, const struct repo_file *f, bool *fetched, struct err *err);

#endif
