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
void file_prefetch(const void *bytes, size_t n);
/* The whole file as a NUL-terminated string, at most max bytes. Caller frees. */
char *file_read(const char *path, size_t max, size_t *len, struct err *err);
/* A text as an editor shows it, wherever it was saved: lines end in LF alone (for CR LF and a lone
 * CR as well), and a UTF-8 byte order mark before it is not there. UTF-16, UTF-32 and a NUL are
 * ERR_FORMAT with the encoding's name. Everything but bytes is read by this. */
char *file_read_text(const char *path, size_t max, size_t *len, struct err *err);
/* The same for running text, whose tokens must not depend on more than they have to: a lone CR and
 * a NUL stay what they are. */
char *file_read_prose(const char *path, size_t max, size_t *len, struct err *err);
/* A path for reading bytes on, from the file's beginning: -1 with the reason. Close it. */
int file_open(const char *path, struct err *err);
/* The first bytes, at most n of them; 0 for what cannot be read. */
size_t file_peek(const char *path, void *head, size_t n);
/* What comes by a pipe, or by standard input, comes once. This reads it to its end and keeps it, so
 * that from here on the path is read as a file is, as often as one likes. Nothing is done for a
 * path that is a file, a folder or not there. Called before there are other threads. */
bool file_spool(const char *path, struct err *err);
/* What standard input is called as a path. */
#define FILE_STDIN "/dev/stdin"
/* Writes beside, fsyncs, renames, fsyncs the folder. On error the old file stands. */
bool file_write(const char *path, const void *bytes, size_t n, struct err *err);
/* Whether a file could be written there by file_write(), to be asked before long work. ERR_IO. */
bool file_writable(const char *path, struct err *err);
bool file_exists(const char *path);
/* The path from the root on, links left as they are: their names may say more than what they
 * point to. Caller frees. */
char *file_absolute(const char *path);
/* mkdir -p of the folder that will hold `path`. */
bool file_make_parents(const char *path, struct err *err);
/* A folder in which nothing can be made, by nobody: stands for a home folder that is not known, in
 * place of one in /tmp, which others could make first. */
#define FILE_NOWHERE "/dev/null/no-home-folder"
/* $HOME, else what the system's list of users says, else FILE_NOWHERE. Caller frees. */
char *file_home(void);
/* $XDG_CACHE_HOME/editscope/NAME and so on; falls back to ~/.cache ... Caller frees. */
char *file_cache_path(const char *name);
char *file_state_path(const char *name);
char *file_config_path(const char *name);

/* A name in a folder that is there. */
bool file_in_folder(const char *folder, const char *name);
/* Whether a name ends so, as it is spelled, and whatever letters are capital. */
bool file_ends_in(const char *name, const char *ending);
bool file_ends_in_any_case(const char *name, const char *ending);
/* So that names in a folder outlive a loss of power: of a folder, and of the one that holds a path.
 * ERR_IO. */
bool file_sync_folder(const char *folder, struct err *err);
bool file_sync_parent(const char *path, struct err *err);

#endif
