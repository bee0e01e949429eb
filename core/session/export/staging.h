/* Where an export is written: beside its target, and put there whole.
 *
 * Files are made in a folder `.NAME.exporting` next to the target NAME. Every file is synced, read
 * again and compared with what was meant; only staging_commit() gives the target its name, by one
 * rename, and syncs the folder. A crash before that leaves the target as it was; what it leaves
 * beside is cleared by the next export to the same target. Two exports to one target at a time:
 * the second is ERR_HELD. Nothing is written through a link. */
#ifndef CORE_SESSION_EXPORT_STAGING_H
#define CORE_SESSION_EXPORT_STAGING_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/job.h"

enum { STAGING_FILES = 256 };

struct staging_entry { /* what was written */
    char *name;
    size_t bytes;
    char sha256[65];
};

struct staging_dir {
    char *target, *folder; /* folder: the one that holds the target */
    char *work;            /* .NAME.exporting */
    int lock;              /* descriptor of it */
    bool many;             /* the target is a folder */
    bool replace;          /* it is there and is to be replaced */
    struct staging_entry file[STAGING_FILES];
    int files;
    struct job *job;
};

/* The file that marks a folder as an export: only such a folder, or an empty one, is replaced. */
#define STAGING_MANIFEST "editscope.json"

/* `many`: a folder. `source` are paths that must not be the target. ERR_USAGE: it is there and
 * `force` is not set, or it is no place for an export. `p` is to be ended whatever comes. */
bool staging_begin(struct staging_dir *p, const char *target, bool many, bool force,
                   const char *const *source, int sources, struct job *job, struct err *err);
/* ERR_IO if the disk has no room for so many bytes more. */
bool staging_room(struct staging_dir *p, size_t bytes, struct err *err);
/* Where a file is until the end. Caller frees. */
char *staging_path(const struct staging_dir *p, const char *name);
bool staging_commit(struct staging_dir *p, struct err *err);
void staging_end(
    struct staging_dir *p); /* takes away what was not committed; accepts a zeroed one */

/* A file of the place, written from its beginning to its end. */
struct staged_file {
    struct staging_dir *place;
    char *name, *path;
    int fd;
    size_t at, total;
    struct digest *sum; /* of what was meant to be written */
};

/* `total` bytes will come; room for them is taken at once. */
bool staged_file_begin(struct staged_file *o, struct staging_dir *p, const char *name, size_t total,
                       struct err *err);
bool staged_file_put(struct staged_file *o, const void *bytes, size_t n, struct err *err);
bool staged_file_zeros(struct staged_file *o, size_t n, struct err *err);
/* n bytes of the open file `fd` from `from` on, which are mapped at `bytes`. */
bool staged_file_copy(struct staged_file *o, int fd, size_t from, const void *bytes, size_t n,
                      struct err *err);
/* Syncs, closes and reads again. With `ok` false the file is given up. Returns whether it is
 * there. */
bool staged_file_end(struct staged_file *o, bool ok, struct err *err);
/* A small file at once; a copy of a whole file. */
bool staging_put(struct staging_dir *p, const char *name, const void *bytes, size_t n,
                 struct err *err);
bool staging_copy(struct staging_dir *p, const char *name, const char *from, struct err *err);

#endif
