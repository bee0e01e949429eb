/* The staging folder of an export: files are written beside the target and renamed at the end.
 *
 *   models/edited.gguf                       the target, old or absent until the end
 *   models/.edited.gguf.exporting/           the staging folder, locked (flock) by this export
 *   models/.edited.gguf.exporting/FILE       written, synced, read again, hash compared
 *
 * staging_commit() makes the new files visible by one rename, and syncs the folder. A folder that
 * is replaced is exchanged with the staging folder in one step (renameat2). So at any moment, also
 * after a crash, the target is completely old or completely new.
 *
 *   staging_begin()       check the target, create and lock the staging folder
 *   staged_file_begin()   reserve the file's whole size on the disk
 *   staged_file_put()     its bytes in order; _copy and _zeros likewise
 *   staged_file_end()     sync, read again, compare SHA-256
 *   staging_commit()
 *   staging_end()         always: removes what was not committed
 *
 * What a crash leaves in a staging folder is removed by the next export to the same target. A
 * second export to the same target at the same time is ERR_HELD. Nothing is written through a link,
 * and never into the Hub's cache or over the model or the session themselves. */
#ifndef CORE_SESSION_EXPORT_STAGING_H
#define CORE_SESSION_EXPORT_STAGING_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/job.h"

enum { STAGING_FILES = 256 }; /* the most files of one export */

struct staging_entry { /* a file that was written and verified */
    char *name;
    size_t bytes;
    char sha256[65];
};

struct staging_dir {
    char *target;   /* absolute path of what the export makes */
    char *folder;   /* the folder that holds the target */
    char *work;     /* FOLDER/.NAME.exporting */
    int lock;       /* descriptor of `work`, locked; -1: none */
    bool is_folder; /* the target is a folder, not a single file */
    bool replace;   /* the target exists and will be replaced */
    struct staging_entry file[STAGING_FILES];
    int files;
    struct job *job;
};

/* This file marks a folder as an export. Only such a folder, or an empty one, is ever replaced. */
#define STAGING_MANIFEST "editscope.json"

/* Checks the target and creates the staging folder. `source` [sources]: files that must not be the
 * target. ERR_USAGE: the target exists and `force` is not set, or an export must not go there.
 * ERR_HELD: another export writes it. Call staging_end() also after a failure. */
bool staging_begin(struct staging_dir *staging, const char *target, bool is_folder, bool force,
                   const char *const *source, int sources, struct job *job, struct err *err);
/* ERR_IO if the disk has no room for `bytes` more bytes (and 1 % to spare). */
bool staging_room(struct staging_dir *staging, size_t bytes, struct err *err);
/* The path of a file in the staging folder. Caller frees. */
char *staging_path(const struct staging_dir *staging, const char *name);
/* Gives the target its name: one rename, then the folder is synced. */
bool staging_commit(struct staging_dir *staging, struct err *err);
/* Removes what was not committed and releases the lock. Accepts a zeroed one. */
void staging_end(struct staging_dir *staging);

/* A file in the staging folder, written once from its first byte to its last. */
struct staged_file {
    struct staging_dir *staging;
    char *name, *path;
    int fd;
    size_t at, total;      /* bytes written; bytes of the whole file */
    struct digest *digest; /* SHA-256 of the bytes given, to compare with the file */
};

/* Creates the file and reserves room for `total` bytes; exactly that many must follow. */
bool staged_file_begin(struct staged_file *file, struct staging_dir *staging, const char *name,
                       size_t total, struct err *err);
/* Appends n bytes, or n zero bytes. Both report the progress and end with ERR_CANCELLED. */
bool staged_file_put(struct staged_file *file, const void *bytes, size_t n, struct err *err);
bool staged_file_zeros(struct staged_file *file, size_t n, struct err *err);
/* Appends n bytes of the open file `fd` from offset `from` on, which are also mapped at `bytes`.
 * The file system shares them instead of copying where it can. */
bool staged_file_copy(struct staged_file *file, int fd, size_t from, const void *bytes, size_t n,
                      struct err *err);
/* Syncs and closes the file, reads it again and compares the hash. Returns whether the file is
 * complete. With `ok` false the file is abandoned and false is returned. */
bool staged_file_end(struct staged_file *file, bool ok, struct err *err);
/* Writes a whole small file. */
bool staging_put(struct staging_dir *staging, const char *name, const void *bytes, size_t n,
                 struct err *err);
/* Copies the file at the path `from`. */
bool staging_copy(struct staging_dir *staging, const char *name, const char *from, struct err *err);

#endif
