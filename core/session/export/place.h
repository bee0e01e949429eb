/* Where an export is written: beside its target, and put there whole.
 *
 * Files are made in a folder `.NAME.exporting` next to the target NAME. Every file is synced, read
 * again and compared with what was meant; only place_commit() gives the target its name, by one
 * rename, and syncs the folder. A crash before that leaves the target as it was; what it leaves
 * beside is cleared by the next export to the same target. Two exports to one target at a time:
 * the second is ERR_HELD. Nothing is written through a link. */
#ifndef CORE_SESSION_EXPORT_PLACE_H
#define CORE_SESSION_EXPORT_PLACE_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/job.h"

enum { PLACE_FILES = 256 };

struct place_file { /* what was written */
    char *name;
    size_t bytes;
    char sha256[65];
};

struct place {
    char *target, *folder; /* folder: the one that holds the target */
    char *work;            /* .NAME.exporting */
    int lock;              /* descriptor of it */
    bool many;             /* the target is a folder */
    bool replace;          /* it is there and is to be replaced */
    struct place_file file[PLACE_FILES];
    int files;
    struct job *job;
};

/* The file that marks a folder as an export: only such a folder, or an empty one, is replaced. */
#define PLACE_MANIFEST "editscope.json"

/* `many`: a folder. `source` are paths that must not be the target. ERR_USAGE: it is there and
 * `force` is not set, or it is no place for an export. `p` is to be ended whatever comes. */
bool place_begin(struct place *p, const char *target, bool many, bool force,
                 const char *const *source, int sources, struct job *job, struct err *err);
/* ERR_IO if the disk has no room for so many bytes more. */
bool place_room(struct place *p, size_t bytes, struct err *err);
/* Where a file is until the end. Caller frees. */
char *place_path(const struct place *p, const char *name);
bool place_commit(struct place *p, struct err *err);
void place_end(struct place *p); /* takes away what was not committed; accepts a zeroed one */

/* A file of the place, written from its beginning to its end. */
struct out {
    struct place *place;
    char *name, *path;
    int fd;
    size_t at, total;
    struct digest *sum; /* of what was meant to be written */
};

/* `total` bytes will come; room for them is taken at once. */
bool out_begin(struct out *o, struct place *p, const char *name, size_t total, struct err *err);
bool out_put(struct out *o, const void *bytes, size_t n, struct err *err);
bool out_zeros(struct out *o, size_t n, struct err *err);
/* n bytes of the open file `fd` from `from` on, which are mapped at `bytes`. */
bool out_copy(struct out *o, int fd, size_t from, const void *bytes, size_t n, struct err *err);
/* Syncs, closes and reads again. With `ok` false the file is given up. Returns whether it is
 * there. */
bool out_end(struct out *o, bool ok, struct err *err);
/* A small file at once; a copy of a whole file. */
bool place_put(struct place *p, const char *name, const void *bytes, size_t n, struct err *err);
bool place_copy(struct place *p, const char *name, const char *from, struct err *err);

#endif
