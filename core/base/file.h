/* Files: read or map whole, write so that a crash leaves the old or the new one. */
#ifndef CORE_BASE_FILE_H
#define CORE_BASE_FILE_H

#include <stddef.h>

#include "core/base/err.h"

struct file_map {
    const unsigned char *data; /* read-only; NULL for an empty file */
    size_t size;
};

bool file_map(struct file_map *map, const char *path, struct err *err);
void file_unmap(struct file_map *map); /* accepts a zeroed one */
/* These mapped bytes will be read soon: the system may begin to fetch them. Returns at once. */
void file_soon(const void *bytes, size_t n);
/* The whole file as a NUL-terminated string, at most max bytes. Caller frees. */
char *file_read(const char *path, size_t max, size_t *len, struct err *err);
/* Writes beside, fsyncs, renames, fsyncs the folder. On error the old file stands. */
bool file_write(const char *path, const void *bytes, size_t n, struct err *err);
bool file_exists(const char *path);
/* mkdir -p of the folder that will hold `path`. */
bool file_make_parents(const char *path, struct err *err);
/* $XDG_CACHE_HOME/editscope/NAME and so on; falls back to ~/.cache ... Caller frees. */
char *file_cache_path(const char *name);
char *file_state_path(const char *name);
char *file_config_path(const char *name);

#endif
