/* The Hugging Face cache on disk:
 *
 *   models--ORG--NAME/blobs/ETAG                      the bytes of a file, named by their hash
 *   models--ORG--NAME/blobs/ETAG.editscope.part       its first bytes, while it is downloaded
 *   models--ORG--NAME/snapshots/COMMIT/PATH           a relative link into blobs/
 *   models--ORG--NAME/refs/REVISION                   the commit of a branch or tag, as text
 *
 * Two commits with the same file share its blob. Python's huggingface_hub reads the same folders
 * and ignores the parts.
 *
 * The path of the cache itself may contain symbolic links, since people move it to another disk.
 * Below it nothing is written through a link: every folder is opened with O_NOFOLLOW, and names are
 * resolved relative to it. */
#ifndef CORE_HUB_HUB_CACHE_H
#define CORE_HUB_HUB_CACHE_H

#include <stdbool.h>

#include "core/base/err.h"

struct hub_cache {
    char *path;      /* of the whole cache */
    int repo, blobs; /* descriptors of models--ORG--NAME and its blobs/; -1: closed */
};

/* Opens the folders of one repository and creates what is missing. On failure
 * nothing stays open. */
bool hub_cache_open(struct hub_cache *c, const char *path, const char *repo, struct err *err);
void hub_cache_close(struct hub_cache *c); /* accepts a zeroed one */
/* Bytes that this user can still write to the cache's disk; -1: unknown. */
long long hub_cache_room(const struct hub_cache *c);

/* Opens a blob for reading. -1: not there, or of another size. */
int hub_cache_blob(const struct hub_cache *c, const char *etag, long long bytes);
/* Opens a file of a snapshot: for caches that hold files instead of links. -1: likewise. */
int hub_cache_file(const struct hub_cache *c, const char *commit, const char *path,
                   long long bytes);
/* Opens the part of a blob for reading and writing, creates it if missing, and locks it until it is
 * closed. -1 with *busy and no error: another process has the lock. */
int hub_cache_part(const struct hub_cache *c, const char *etag, bool *busy, struct err *err);
long long hub_cache_part_size(const struct hub_cache *c, const char *etag); /* 0: there is none */
/* Deletes the part. */
void hub_cache_part_drop(const struct hub_cache *c, const char *etag);
/* Syncs the part and renames it to its blob. To be called when its hash is right. */
bool hub_cache_part_keep(const struct hub_cache *c, const char *etag, int fd, struct err *err);
/* Links snapshots/COMMIT/PATH to the blob; with `no_links` by a hard link instead of a symbolic
 * one. */
bool hub_cache_link(const struct hub_cache *c, const char *commit, const char *path,
                    const char *etag, bool no_links, struct err *err);
/* Writes refs/REVISION. Does nothing if the revision is a commit itself. */
bool hub_cache_ref(const struct hub_cache *c, const char *revision, const char *commit,
                   struct err *err);

#endif
