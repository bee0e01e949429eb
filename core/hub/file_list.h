/* Which files of a repository make a model this program can open. Pure functions of the Hub's
 * answers. */
#ifndef CORE_HUB_FILE_LIST_H
#define CORE_HUB_FILE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/hub/hub.h"

struct repo_file {
    char *path;
    char etag[65]; /* as the listing says */
    long long bytes;
    bool wanted;
    bool there, fetched; /* in the cache by now; and brought there by this pull */
};

struct file_list {          /* zero-initialise; plan_free() ends it */
    struct repo_file *file; /* all of the repository's that can be named safely */
    int files;
    const char *index; /* of a model in several files: to be read by file_list_shards(); or NULL */
    const char *gguf;  /* the one that was chosen; NULL: a folder is opened */
};

/* The commit of an answer of /api/models/ID/revision/REV. ERR_FORMAT. */
bool file_list_commit(const char *json, size_t n, char commit[41], struct err *err);
/* Adds a page of an answer of /api/models/ID/tree/COMMIT?recursive=true. ERR_FORMAT, ERR_LIMIT. */
bool file_list_add(struct file_list *p, const char *json, size_t n, struct err *err);
/* Marks what is wanted: of GGUF files the one `name` says, else a model in safetensors files.
 * ERR_USAGE lists the GGUF files when there are several; ERR_MODEL: neither kind is there. */
bool file_list_choose(struct file_list *p, const struct hub_name *name, struct err *err);
/* Marks the files a model.safetensors.index.json names. ERR_FORMAT. */
bool file_list_shards(struct file_list *p, const char *json, size_t n, struct err *err);
void plan_free(struct file_list *p);

#endif
