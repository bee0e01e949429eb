/* Files: read or map them whole, write them atomically (a crash leaves the old file or the new
 * one), and the places where the program keeps its own.
 *
 * Errors are ERR_IO with path and reason unless said otherwise. Strings that are returned belong to
 * the caller. Any thread, except for file_spool(). */
#ifndef CORE_BASE_FILE_H
#define CORE_BASE_FILE_H

#include <stddef.h>

#include "core/base/err.h"

struct file_map {
    const unsigned char *data; /* read-only; NULL for an empty file */
    size_t size;
};

/* Maps a regular file read-only. The mapping outlives changes of the path, not of the bytes. */
bool file_map(struct file_map *map, const char *path, struct err *err);
void file_unmap(struct file_map *map); /* accepts a zeroed one */
/* Tells the system that these mapped bytes will be read soon, so that it starts to load them.
 * Returns at once. */
void file_prefetch(const void *bytes, size_t n);
/* The whole file as a NUL-terminated string. ERR_LIMIT if it is larger than max bytes. */
char *file_read(const char *path, size_t max, size_t *len, struct err *err);
/* A text file, normalised: line ends CR LF and CR become LF, and a UTF-8 byte order mark is
 * dropped. UTF-16, UTF-32 and a NUL byte are ERR_FORMAT with the name of the encoding. Config
 * files, facts and all other text is read with this. */
char *file_read_text(const char *path, size_t max, size_t *len, struct err *err);
/* The same for running text that becomes tokens: a lone CR and a NUL are kept, because changing
 * them would change the tokens. */
char *file_read_prose(const char *path, size_t max, size_t *len, struct err *err);
/* Opens a regular file or a spooled pipe for reading, at its beginning. -1 on error. The caller
 * closes it. */
int file_open(const char *path, struct err *err);
/* Reads up to n bytes from the file's beginning and returns how many; 0 if it cannot be read. */
size_t file_peek(const char *path, void *head, size_t n);
/* A pipe can be read only once. This reads the pipe (or standard input) to its end into memory;
 * from then on every function here reads the path like a file, as often as needed. Does nothing if
 * the path is a regular file, a folder or missing. ERR_LIMIT above 1 GiB. Call it before other
 * threads exist. */
bool file_spool(const char *path, struct err *err);
/* The path that means standard input. */
#define FILE_STDIN "/dev/stdin"
/* Replaces the file atomically: writes a temporary file in the same folder, syncs it, renames it
 * over the old one and syncs the folder. On error the old file is unchanged. */
bool file_write(const char *path, const void *bytes, size_t n, struct err *err);
/* Whether file_write() could write there. For a check before long work. */
bool file_writable(const char *path, struct err *err);
bool file_exists(const char *path);
/* What stands behind the last slash of a path; borrows from it. */
const char *file_name(const char *path);
/* The absolute path. Symbolic links are not resolved, because a link's name often says more than
 * its target's. */
char *file_absolute(const char *path);
/* Creates the folders above `path`, like mkdir -p. */
bool file_make_parents(const char *path, struct err *err);
/* Stands for an unknown home folder. Nobody can create files in it; a folder in /tmp could be
 * created by somebody else first. */
#define FILE_NOWHERE "/dev/null/no-home-folder"
/* $HOME, else the home folder in the system's list of users, else FILE_NOWHERE. */
char *file_home(void);
/* $XDG_CACHE_HOME/editscope/NAME, or ~/.cache/editscope/NAME if the variable is not set; the same
 * for state (~/.local/state) and config (~/.config). */
char *file_cache_path(const char *name);
char *file_state_path(const char *name);
char *file_config_path(const char *name);

/* Whether the folder has an entry of this name. */
bool file_in_folder(const char *folder, const char *name);
/* Whether the name ends in `ending`; with and without regard to upper and lower case. */
bool file_ends_in(const char *name, const char *ending);
bool file_ends_in_any_case(const char *name, const char *ending);
/* Syncs a folder (or the folder that holds `path`), so that new names in it survive a power
 * failure. */
bool file_sync_folder(const char *folder, struct err *err);
bool file_sync_parent(const char *path, struct err *err);

#endif
