/* The staging folder: which targets are allowed, its lock, and the rename at the end. */
#include "core/session/export/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"

/* --- is the target allowed? -------------------------------------------------------------- */

/* Files in the Hub's cache are named by their hash, and other programs rely on that: an export must
 * not change one. */
static bool outside_cache(const char *folder, const char *target, struct err *err)
{
    return !strstr(folder, "/models--") ||
           err_set(err, ERR_USAGE,
                   "%s is in the cache of the Hub, where files must stay as the Hub sent them; "
                   "choose another target",
                   target);
}

/* Whether the target is one of the `source` files, by device and inode. */
static bool is_source(const struct stat *target, const char *const *source, int sources)
{
    struct stat st;

    for (int i = 0; i < sources; i++)
        if (source[i] && !stat(source[i], &st) && st.st_dev == target->st_dev &&
            st.st_ino == target->st_ino)
            return true;
    return false;
}

/* Whether a folder is an export of ours (it has the manifest) or empty. `other`: a file in it. */
static bool is_export(const char *path, char *other, size_t size)
{
    DIR *dir = opendir(path);
    bool marked = false, any = false;
    struct dirent *d;

    *other = '\0';
    while (dir && (d = readdir(dir))) {
        if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
            continue;
        any = true;
        marked = marked || !strcmp(d->d_name, STAGING_MANIFEST);
        if (!*other)
            snprintf(other, size, "%s", d->d_name);
    }
    if (dir)
        closedir(dir);
    return marked || !any;
}

/* Whether the target may be written; sets staging->replace if it exists. */
static bool may_replace(struct staging_dir *staging, bool force, const char *const *source,
                        int sources, struct err *err)
{
    char other[256];
    struct stat st;

    if (lstat(staging->target, &st))
        return errno == ENOENT || err_set(err, ERR_IO, "%s: %s", staging->target, strerror(errno));
    if (is_source(&st, source, sources))
        return err_set(err, ERR_USAGE, "%s is the model or the session itself; choose another name",
                       staging->target);
    if (!force)
        return err_set(err, ERR_USAGE, "%s exists already; --force (:export!) replaces it",
                       staging->target);
    if (staging->is_folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
        return err_set(err, ERR_USAGE, "%s exists and is not a %s; choose another name",
                       staging->target, staging->is_folder ? "folder" : "plain file");
    if (staging->is_folder && !is_export(staging->target, other, sizeof(other)))
        return err_set(err, ERR_USAGE,
                       "%s holds '%.80s' and is not an export (no " STAGING_MANIFEST
                       "); --force replaces exports only",
                       staging->target, other);
    staging->replace = true;
    return true;
}

/* --- the staging folder ------------------------------------------------------------------ */

/* Deletes the files of a folder, not the folders in it. */
static void remove_files(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *d;

    while (dir && (d = readdir(dir)))
        if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
            unlinkat(dirfd(dir), d->d_name, 0);
    if (dir)
        closedir(dir);
}

/* Creates or takes over the staging folder and locks it. With the lock held, files in it can only
 * be left by a crashed export: they are deleted. */
static bool make_work_folder(struct staging_dir *staging, struct err *err)
{
    struct stat held, there;

    if (mkdir(staging->work, 0777) && errno != EEXIST)
        return err_set(err, ERR_IO, "%s: cannot write there: %s", staging->folder, strerror(errno));
    staging->lock = open(staging->work, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (staging->lock < 0)
        return err_set(err, ERR_IO, "%s: %s", staging->work, strerror(errno));
    if ((flock(staging->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) ||
        fstat(staging->lock, &held) || stat(staging->work, &there) || held.st_ino != there.st_ino) {
        close(staging->lock); /* the folder is not ours: leave its files */
        staging->lock = -1;
        return err_set(err, ERR_HELD, "%s is being written by another export", staging->target);
    }
    remove_files(staging->work);
    return true;
}

bool staging_begin(struct staging_dir *staging, const char *target, bool is_folder, bool force,
                   const char *const *source, int sources, struct job *job, struct err *err)
{
    size_t n = strlen(target);
    const char *name;
    char *copy;

    *staging = (struct staging_dir){.lock = -1, .is_folder = is_folder, .job = job};
    while (n > 1 && target[n - 1] == '/')
        n--;
    copy = xasprintf("%.*s", (int)n, target);
    name = strrchr(copy, '/');
    name = name ? name + 1 : copy;
    if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
        free(copy);
        return err_set(err, ERR_USAGE, "'%.80s' is not a name for an export", target);
    }
    staging->folder =
        xasprintf("%.*s", name > copy ? (int)(name - copy) : 1, name > copy ? copy : ".");
    {
        char *real = realpath(staging->folder, NULL);

        if (!real)
            err_set(err, ERR_IO, "%s: %s", staging->folder, strerror(errno));
        free(staging->folder);
        staging->folder = real;
    }
    if (staging->folder) {
        const char *slash = staging->folder[1] ? "/" : "";

        staging->target = xasprintf("%s%s%s", staging->folder, slash, name);
        staging->work = xasprintf("%s%s.%s.exporting", staging->folder, slash, name);
    }
    free(copy);
    return staging->folder && outside_cache(staging->folder, staging->target, err) &&
           may_replace(staging, force, source, sources, err) && make_work_folder(staging, err);
}

bool staging_room(struct staging_dir *staging, size_t bytes, struct err *err)
{
    struct statvfs fs;
    double free_bytes, need = 1.01 * (double)bytes;
    char needed[16], there[16];

    if (statvfs(staging->folder, &fs))
        return true; /* unknown: a write will fail if there is none */
    free_bytes = (double)fs.f_bavail * (double)fs.f_frsize;
    return need <= free_bytes ||
           err_set(err, ERR_IO, "%s: not enough room: %s needed, %s free", staging->folder,
                   show_bytes(need, needed), show_bytes(free_bytes, there));
}

char *staging_path(const struct staging_dir *staging, const char *name)
{
    return xasprintf("%s/%s", staging->work, name);
}

/* --- the end -------------------------------------------------------------------------------- */

/* Renames the staging folder to the target; a folder that is replaced takes its place. */
static bool rename_folder(struct staging_dir *staging, struct err *err)
{
    unsigned how = staging->replace ? RENAME_EXCHANGE : RENAME_NOREPLACE;

    if (!renameat2(AT_FDCWD, staging->work, AT_FDCWD, staging->target, how))
        return true;
    if (errno == EINVAL && !staging->replace &&
        !rename(staging->work, staging->target)) /* rename() replaces an empty folder only */
        return true;
    if (errno == EINVAL && staging->replace)
        return err_set(err, ERR_IO,
                       "%s: this file system cannot exchange two folders; remove the old one first",
                       staging->target);
    return err_set(err, ERR_IO, "%s: %s", staging->target, strerror(errno));
}

/* Renames the only file of the staging folder to the target. */
static bool rename_file(struct staging_dir *staging, struct err *err)
{
    char *from = staging_path(staging, staging->file[0].name);
    bool ok = staging->replace || access(staging->target, F_OK) != 0;

    if (!ok)
        err_set(err, ERR_USAGE,
                "%s was created by another program in the meantime; --force (:export!) replaces it",
                staging->target);
    else if (rename(from, staging->target))
        ok = err_set(err, ERR_IO, "%s: %s", staging->target, strerror(errno));
    free(from);
    return ok;
}

bool staging_commit(struct staging_dir *staging, struct err *err)
{
    if (!file_sync_folder(staging->work, err) ||
        !(staging->is_folder ? rename_folder(staging, err) : rename_file(staging, err)) ||
        !file_sync_folder(staging->folder, err))
        return false;
    if (staging->is_folder && !staging->replace) { /* the staging folder has become the target */
        free(staging->work);
        staging->work = NULL;
    }
    return true;
}

void staging_end(struct staging_dir *staging)
{
    if (staging->lock >= 0 && staging->folder) {
        if (staging->work) {
            remove_files(staging->work);
            rmdir(staging->work);
        }
        close(staging->lock);
    }
    for (int i = 0; i < staging->files; i++)
        free(staging->file[i].name);
    free(staging->target);
    free(staging->folder);
    free(staging->work);
    *staging = (struct staging_dir){.lock = -1};
}
