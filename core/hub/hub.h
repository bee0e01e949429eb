/* Models of the Hugging Face Hub: fetched into the cache that Python's huggingface_hub reads too,
 * and found there again without a network.
 *
 * What arrives is checked against the hash that the Hub names it by before it gets its name in the
 * cache, and a revision's name is written last: a pull that was cut off leaves nothing that looks
 * like a model, and the next one goes on where it stopped. The token goes to the endpoint alone.
 * Everything here may be called from any thread; nothing is shared between calls. */
#ifndef CORE_HUB_HUB_H
#define CORE_HUB_HUB_H

#include <stdbool.h>

#include "core/base/job.h"

/* What a user types: org/name[@revision][:FILE]. */
struct hub_name {
    char repo[200];
    char revision[200]; /* branch, tag or commit; "main" if none was named */
    char file[256];     /* a GGUF file of the repository or what one is called by (Q4_K_M); or "" */
};

/* Whether the text is more likely a name than a path (neither need exist): org/name. */
bool hub_name_like(const char *text);
/* ERR_USAGE says which part is wrong. */
bool hub_name_parse(struct hub_name *name, const char *text, struct err *err);
/* ORG/NAME of a path that lies in a cache (.../models--ORG--NAME/snapshots/COMMIT...); false, and
 * out untouched, for any other path. */
bool hub_name_of_path(const char *path, char *out, int size);

/* The commit in such a path; false, and out untouched, where there is none. */
bool hub_commit_of_path(const char *path, char commit[41]);

/* Where the Hub is and where its files are kept: read once from the environment. */
struct hub {
    char *endpoint; /* without a slash at its end */
    char *cache;    /* an absolute path; the folder need not exist */
    char *token;    /* or NULL; is never printed */
    char *trusted;  /* a file of certificates in place of the system's, or NULL */
    bool offline;   /* HF_HUB_OFFLINE: no request is made */
    bool copies;    /* HF_HUB_DISABLE_SYMLINKS: files in place of links */
    bool plain;     /* the endpoint is http on this very machine, as in tests */
    int connect;    /* seconds to wait for a connection */
    int stall;      /* seconds with less than 1 KiB/s before a connection counts as lost */
    double second;  /* how long a second of waiting is: 1; tests shorten it */
};

/* HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE and so on
 * (editscope(1) lists them). ERR_USAGE for an endpoint that is no https URL. */
bool hub_open(struct hub *h, struct err *err);
void hub_close(struct hub *h); /* wipes the token */

/* The cache's folder alone, as hub_open() finds it. Caller frees. */
char *hub_cache_path(void);

struct hub_file {
    char *path; /* within the repository */
    long long bytes;
    char etag[65]; /* its hash: git's SHA-1 of small files, SHA-256 of large ones */
    bool fetched;  /* by this pull; else it was there */
};

struct hub_pulled {
    char *path;      /* to open: a GGUF file or the snapshot's folder */
    char commit[41]; /* that the revision stands for */
    struct hub_file *file;
    int files;
};

/* Who hears how a pull goes, in its thread; either may be NULL. */
struct hub_listener {
    /* Bytes over all files; `file` is at work. `checking`: it was there before and is only read. */
    void (*progress)(void *ctx, const char *file, bool checking, double done, double total);
    /* What there is to say beside; the text is safe to show, its hint is what is done about it. */
    void (*note)(void *ctx, const struct err *note);
    void *ctx;
};

/* Fetches what is missing of a model: config, tokenizer and safetensors files, or one GGUF file.
 * Long: the job is looked at every 50 ms. On success `out` belongs to the caller. Errors: ERR_USAGE
 * (no such file of several), ERR_MODEL (not there, gated, or no model this program reads), ERR_IO
 * (network, disk), ERR_FORMAT (what came is not what was promised), ERR_LIMIT (no room),
 * ERR_CANCELLED (what has come so far is kept). */
bool hub_pull(const struct hub *h, const struct hub_name *name, struct job *job,
              const struct hub_listener *to, struct hub_pulled *out, struct err *err);
void hub_pulled_free(struct hub_pulled *p);

/* The path to open of a model that is in the cache, without a network. NULL with an error that
 * says how to fetch it. Caller frees. */
char *hub_find(const struct hub_name *name, struct err *err);

#endif
