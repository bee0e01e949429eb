/* The Hugging Face cache on disk:
 *
 *   models--ORG--NAME/blobs/ETAG                      what a file holds, under its hash
 *   models--ORG--NAME/snapshots/COMMIT/PATH           a relative link into blobs/
 *   models--ORG--NAME/refs/REVISION                   the commit a branch or tag stands for
 *
 * The cache's own folder may be reached through symbolic links, as people put it on another disk;
 * below it none is followed when something is written: every step is an open folder and a name in
 * it. A blob that is being fetched is called ETAG.editscope.part, which Python does not look at. */
#ifndef CORE_HUB_HUB_CACHE_H
#define CORE_HUB_HUB_CACHE_H

#include <stdbool.h>

#include "core/base/err.h"

struct hub_cache {
    char *path;      /* of the cache */
    int repo, blobs; /* open folders */
};

/* Makes what is missing of the folders. On failure nothing is left open. */
bool hub_cache_open(struct hub_cache *c, const char *path, const char *repo, struct err *err);
void hub_cache_close(struct hub_cache *c);
/* Bytes free for this user on its disk; -1: not known. */
long long hub_cache_room(const struct hub_cache *c);

/* The blob for reading, -1: not there or of another size. */
int hub_cache_blob(const struct hub_cache *c, const char *etag, long long bytes);
/* The file in a snapshot, where the cache holds files in place of links. -1: not there. */
int hub_cache_file(const struct hub_cache *c, const char *commit, const char *path,
                   long long bytes);
/* What has come of a blob, locked, for reading and writing; made if there is none. -1 with *busy
 * where another process writes it. */
int hub_cache_part(const struct hub_cache *c, const char *etag, bool *busy, struct err *err);
long long hub_cache_part_size(const struct hub_cache *c, const char *etag); /* 0: none */
void hub_cache_part_drop(const struct hub_cache *c, const char *etag);
/* The part is whole and right: it becomes the blob, durably. */
bool hub_cache_part_keep(const struct hub_cache *c, const char *etag, int fd, struct err *err);
/* The blob under its path in the snapshot; `copies`: as a file instead of a link. */
bool hub_cache_link(const struct hub_cache *c, const char *commit, const char *path,
                    const char *etag, bool copies, struct err *err);
/* The revision stands for the commit from now on. Nothing for a commit. */
bool hub_cache_ref(const struct hub_cache *c, const char *revision, const char *commit,
                   struct err *err);

#endif
