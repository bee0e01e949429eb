/* Second moments and null spaces as files of a folder, to take them to another machine. The folder
 * looks like the cache: moments/ and nullspaces/ (editscope-formats(7) 13.1, 13.2). Every file is
 * checked before it is copied, and again when it is used. Engine thread. */
#ifndef CORE_EDIT_STATS_FILES_H
#define CORE_EDIT_STATS_FILES_H

#include "core/edit/moments.h"

struct stats_files { /* how many were copied */
    int moments, nullspaces;
};

/* Copies those of the layers of m, of the same model and text, from the cache to `folder`: the
 * present sums and their null spaces. ERR_IO: one cannot be written, or they are not in the cache.
 */
bool stats_files_export(const struct moments *m, const char *folder, struct stats_files *count,
                        struct err *err);
/* Copies all there are of the layers of m from `folder` to the cache. A file that is not what its
 * name says adds a line to notes. ERR_IO: there is none, or one cannot be written. */
bool stats_files_import(const struct moments *m, const char *folder, struct stats_files *count,
                        struct buf *notes, struct err *err);

#endif
