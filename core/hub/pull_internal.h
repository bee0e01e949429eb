/* One pull at work, seen by core/hub/ alone. */
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
    struct hub_listener to;
    struct hub_cache cache;
    char commit[41];
    struct file_list plan;
    long long done, total; /* bytes of what is wanted */
};

/* How often something has been tried. */
struct retry {
    int tries;
};

void pull_progress(struct pull *p, const char *file, bool checking);
/* "WHAT; WHAT IS DONE", as err_set() takes it. */
void pull_note(struct pull *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* After an answer that is none: waits and returns true if it is worth another try; else err says
 * why not. `what` is the file or "" for the repository itself. */
bool retry_wait(struct pull *p, struct retry *patience, enum http_end end,
                const struct http_reply *reply, const char *what, struct err *err);
/* Waits so many seconds of hub->second; false: cancelled. */
bool pull_wait(struct pull *p, double seconds, struct err *err);

/* api.c */
/* The text of an address of the endpoint; redirects stay there. *next is the following page's
 * address, or NULL. `next` may be NULL. */
bool api_text(struct pull *p, const char *url, struct buf *text, char **next, struct err *err);

struct api_file { /* free url */
    char etag[65];
    long long bytes;
    char *url; /* where its bytes are: signed, and maybe on another host */
};

bool api_file(struct pull *p, const struct repo_file *f, struct api_file *out, struct err *err);
/* GET with redirects followed by hand, https alone, the token for the endpoint alone. */
enum http_end api_follow(struct pull *p, const struct http_call *call, bool stay,
                         struct http_reply *reply);

/* download.c */
/* The file, checked, among the blobs. *fetched: it was not there before. */
bool download(struct pull *p, const struct repo_file *f, bool *fetched, struct err *err);

#endif
