/* Models of the Hugging Face Hub: downloads them into the cache that Python's huggingface_hub uses
 * too, and finds them there without a network.
 *
 * Every file is compared with the hash that the Hub gives for it before it gets its name in the
 * cache, and the revision's name is written last. So a pull that was interrupted leaves nothing
 * that looks like a model, and the next pull resumes it. The token is sent to the endpoint only.
 *
 * Any thread may call these functions; calls share nothing. */
#ifndef CORE_HUB_HUB_H
#define CORE_HUB_HUB_H

#include <stdbool.h>

#include "core/base/job.h"

/* A model as a user types it: org/name[@revision][:FILE]. */
struct hub_name {
    char repo[200];
    char revision[200]; /* branch, tag or commit; "main" if none is given */
    char file[256];     /* a GGUF file of the repository, or its type (Q4_K_M); or "" */
};

/* Whether the text looks like a Hub name (org/name) rather than a path. Neither has to exist. */
bool hub_name_like(const char *text);
/* Reads such a name. ERR_USAGE says which part of it is wrong. */
bool hub_name_parse(struct hub_name *name, const char *text, struct err *err);
/* ORG/NAME of a path in a cache (.../models--ORG--NAME/snapshots/COMMIT...), cut to `size` bytes.
 * False, with `out` unchanged, for any other path. */
bool hub_name_of_path(const char *path, char *out, int size);

/* COMMIT of such a path. False, with `commit` unchanged, for any other path. */
bool hub_commit_of_path(const char *path, char commit[41]);

/* Settings of one client, which hub_open() reads from the environment. */
struct hub {
    char *endpoint; /* https://huggingface.co or HF_ENDPOINT, without a slash at the end */
    char *cache;    /* absolute path of the cache; it need not exist yet */
    char *token;    /* or NULL; never printed */
    char *ca_file;  /* certificates to trust instead of the system's, or NULL */
    bool offline;   /* HF_HUB_OFFLINE: make no request */
    bool no_links;  /* HF_HUB_DISABLE_SYMLINKS: snapshots hold files instead of symbolic links */
    bool loopback;  /* the endpoint is http on this machine, as in tests */
    /* Seconds to wait for a connection (HF_HUB_ETAG_TIMEOUT, default 10), and seconds below 1 KiB/s
     * after which a connection counts as lost (HF_HUB_DOWNLOAD_TIMEOUT, default 30). */
    int connect, stall;
    double time_scale; /* factor on waiting times: 1; smaller in tests */
};

/* Reads HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE and others
 * (editscope(1) lists them). ERR_USAGE: the endpoint is not an https URL, or the token holds a
 * character that no token has. */
bool hub_open(struct hub *h, struct err *err);
void hub_close(struct hub *h); /* wipes the token from memory */

/* The path of the cache, as hub_open() finds it. Caller frees. */
char *hub_cache_path(void);

/* A file of a pulled model. */
struct hub_file {
    char *path; /* within the repository */
    long long bytes;
    char etag[65]; /* its hash: git's SHA-1 (40 hex digits) or SHA-256 (64) */
    bool fetched;  /* downloaded by this pull; false: it was in the cache */
};

struct hub_pulled {
    char *path;      /* to open: a GGUF file or the snapshot folder */
    char commit[41]; /* of the revision */
    struct hub_file *file;
    int files;
};

/* Callbacks of a pull, called in its thread. Either may be NULL. */
struct hub_listener {
    /* Bytes over all files; `file` is being worked on. `checking`: it was in the cache and is only
     * hashed. */
    void (*progress)(void *ctx, const char *file, bool checking, double done, double total);
    /* Something worth telling the user, safe to show. Its hint is what the pull does about it. */
    void (*note)(void *ctx, const struct err *note);
    void *ctx;
};

/* Downloads what the cache lacks of a model: its config, tokenizer and safetensors files, or one
 * GGUF file. Takes as long as the download; looks at the job every 50 ms. On success the caller
 * frees `out` with hub_pulled_free(). ERR_USAGE: the GGUF file has to be chosen. ERR_MODEL: no such
 * model, not allowed, or not a model this program reads. ERR_IO: network or disk. ERR_FORMAT: the
 * server sent something else than it announced. ERR_LIMIT: no room. ERR_CANCELLED: what has arrived
 * is kept. */
bool hub_pull(const struct hub *h, const struct hub_name *name, struct job *job,
              const struct hub_listener *to, struct hub_pulled *out, struct err *err);
void hub_pulled_free(struct hub_pulled *p);

/* The path to open of a model in the cache; uses no network. Caller frees. NULL: ERR_MODEL says how
 * to download it, ERR_USAGE lists the GGUF files to choose from. */
char *hub_find(const struct hub_name *name, struct err *err);

#endif
