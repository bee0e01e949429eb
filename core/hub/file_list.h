/* Which files of a repository make up a model that this program can open. Pure functions of the
 * Hub's answers: no network, no disk.
 *
 * Safetensors are preferred: model.safetensors, or the shards that model.safetensors.index.json
 * names, with config.json and the tokenizer's files. Otherwise one GGUF file, which the user has to
 * name if there are several. */
#ifndef CORE_HUB_FILE_LIST_H
#define CORE_HUB_FILE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/hub/hub.h"

struct repo_file {
    char *path;    /* within the repository; checked by repo_path_valid() */
    char etag[65]; /* its hash in the listing: 40 hex digits (git SHA-1) or 64 (SHA-256) */
    long long bytes;
    bool wanted;         /* part of the model: to be downloaded */
    bool there, fetched; /* in the cache by now; downloaded by this pull */
};

struct file_list {          /* zero-initialise; free with file_list_free() */
    struct repo_file *file; /* [files] of the repository, except those with unsafe names */
    int files;
    const char *index; /* path of the shard index, for file_list_shards(); NULL: no shards */
    const char *gguf;  /* path of the chosen GGUF file; NULL: safetensors */
};

/* The commit in the answer to /api/models/ID/revision/REV. ERR_FORMAT if it names none. */
bool file_list_commit(const char *json, size_t n, char commit[41], struct err *err);
/* Adds one page of the answer to /api/models/ID/tree/COMMIT?recursive=true. ERR_FORMAT: not such an
 * answer, or a file without hash or size. ERR_LIMIT: too many files. */
bool file_list_add(struct file_list *list, const char *json, size_t n, struct err *err);
/* Marks the files to download: the GGUF file that `name` asks for, else a safetensors model, else
 * the only GGUF file. ERR_USAGE lists the GGUF files if none or several fit; ERR_MODEL: there is no
 * model. */
bool file_list_choose(struct file_list *list, const struct hub_name *name, struct err *err);
/* Marks the shards that the text of model.safetensors.index.json names. ERR_FORMAT: it is not such
 * an index, or names a file that the repository does not have. */
bool file_list_shards(struct file_list *list, const char *json, size_t n, struct err *err);
void file_list_free(struct file_list *list);

#endif
