/* A folder beside the target takes the files; when all are whole, a rename puts them in place. */
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

/* --- may it be written there? ----------------------------------------------------------- */

/* The Hub's cache is addressed by content: a changed file in it would be a lie to every program
 * that shares it. */
static bool outside_cache(const char *folder, const char *target, struct err *err)
{
    return !strstr(folder, "/models--") ||
           err_set(err, ERR_USAGE,
                   "%s lies in the cache of the Hub, which must hold what the Hub sent: choose "
                   "another place",
                   target);
}

static bool is_source(const struct stat *target, const char *const *source, int sources)
{
    struct stat st;

    for (int i = 0; i < sources; i++)
        if (source[i] && !stat(source[i], &st) && st.st_dev == target->st_dev &&
            st.st_ino == target->st_ino)
            return true;
    return false;
}

/* Whether a folder is one of our exports, or empty; *other names what else is in it. */
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

static bool may_replace(struct staging_dir *p, bool force, const char *const *source, int sources,
                        struct err *err)
{
    char other[256];
    struct stat st;

    if (lstat(p->target, &st))
        return errno == ENOENT || err_set(err, ERR_IO, "%s: %s", p->target, strerror(errno));
    if (is_source(&st, source, sources))
        return err_set(err, ERR_USAGE, "%s is the model or the session itself: choose another name",
                       p->target);
    if (!force)
        return err_set(err, ERR_USAGE, "%s is there already; --force (:export!) replaces it",
                       p->target);
    if (p->many ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
        return err_set(err, ERR_USAGE, "%s is there and is no %s: choose another name", p->target,
                       p->many ? "folder" : "plain file");
    if (p->many && !is_export(p->target, other, sizeof(other)))
        return err_set(err, ERR_USAGE,
                       "%s holds '%.80s' and no export (no " STAGING_MANIFEST
                       "): --force replaces exports alone",
                       p->target, other);
    p->replace = true;
    return true;
}

/* --- the folder beside ------------------------------------------------------------------- */

/* Takes the files out of a folder; folders in it stay, and keep it. */
static void empty(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *d;

    while (dir && (d = readdir(dir)))
        if (strcmp(d->d_name, ".") && strcmp(d->d_name, ".."))
            unlinkat(dirfd(dir), d->d_name, 0);
    if (dir)
        closedir(dir);
}

/* Held by its lock: what a crashed export has left is cleared away. */
static bool make_work(struct staging_dir *p, struct err *err)
{
    struct stat held, there;

    if (mkdir(p->work, 0777) && errno != EEXIST)
        return err_set(err, ERR_IO, "%s: cannot write there: %s", p->folder, strerror(errno));
    p->lock = open(p->work, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (p->lock < 0)
        return err_set(err, ERR_IO, "%s: %s", p->work, strerror(errno));
    if ((flock(p->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK) || fstat(p->lock, &held) ||
        stat(p->work, &there) || held.st_ino != there.st_ino) {
        close(p->lock); /* what lies there is not ours */
        p->lock = -1;
        return err_set(err, ERR_HELD, "%s is being written by another export", p->target);
    }
    empty(p->work);
    return true;
}

bool staging_begin(struct staging_dir *p, const char *target, bool many, bool force,
                   const char *const *source, int sources, struct job *job, struct err *err)
{
    size_t n = strlen(target);
    const char *name;
    char *copy;

    *p = (struct staging_dir){.lock = -1, .many = many, .job = job};
    while (n > 1 && target[n - 1] == '/')
        n--;
    copy = xasprintf("%.*s", (int)n, target);
    name = strrchr(copy, '/');
    name = name ? name + 1 : copy;
    if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
        free(copy);
        return err_set(err, ERR_USAGE, "'%.80s' is no name for an export", target);
    }
    p->folder = xasprintf("%.*s", name > copy ? (int)(name - copy) : 1, name > copy ? copy : ".");
    {
        char *real = realpath(p->folder, NULL);

        if (!real)
            err_set(err, ERR_IO, "%s: %s", p->folder, strerror(errno));
        free(p->folder);
        p->folder = real;
    }
    if (p->folder) {
        const char *slash = p->folder[1] ? "/" : "";

        p->target = xasprintf("%s%s%s", p->folder, slash, name);
        p->work = xasprintf("%s%s.%s.exporting", p->folder, slash, name);
    }
    free(copy);
    return p->folder && outside_cache(p->folder, p->target, err) &&
           may_replace(p, force, source, sources, err) && make_work(p, err);
}

bool staging_room(struct staging_dir *p, size_t bytes, struct err *err)
{
    struct statvfs fs;
    double free_bytes, need = 1.01 * (double)bytes;

    if (statvfs(p->folder, &fs))
        return true; /* the writing will say */
    free_bytes = (double)fs.f_bavail * (double)fs.f_frsize;
    return need <= free_bytes ||
           err_set(err, ERR_IO, "%s: no room: %.1f MB are needed, %.1f MB are free", p->folder,
                   need / 1e6, free_bytes / 1e6);
}

char *staging_path(const struct staging_dir *p, const char *name)
{
    return xasprintf("%s/%s", p->work, name);
}

/* --- the end -------------------------------------------------------------------------------- */

static bool repo_folder(struct staging_dir *p, struct err *err)
{
    unsigned how = p->replace ? RENAME_EXCHANGE : RENAME_NOREPLACE;

    if (!renameat2(AT_FDCWD, p->work, AT_FDCWD, p->target, how))
        return true;
    if (errno == EINVAL && !p->replace && !rename(p->work, p->target)) /* only over an empty one */
        return true;
    if (errno == EINVAL && p->replace)
        return err_set(err, ERR_IO,
                       "%s: this file system cannot exchange two folders: remove the old one first",
                       p->target);
    return err_set(err, ERR_IO, "%s: %s", p->target, strerror(errno));
}

static bool name_file(struct staging_dir *p, struct err *err)
{
    char *from = staging_path(p, p->file[0].name);
    bool ok = p->replace || access(p->target, F_OK) != 0;

    if (!ok)
        err_set(err, ERR_USAGE, "%s has come to be meanwhile; --force (:export!) replaces it",
                p->target);
    else if (rename(from, p->target))
        ok = err_set(err, ERR_IO, "%s: %s", p->target, strerror(errno));
    free(from);
    return ok;
}

bool staging_commit(struct staging_dir *p, struct err *err)
{
    if (!file_sync_folder(p->work, err) || !(p->many ? repo_folder(p, err) : name_file(p, err)) ||
        !file_sync_folder(p->folder, err))
        return false;
    if (p->many && !p->replace) { /* the folder beside is the target now */
        free(p->work);
        p->work = NULL;
    }
    return true;
}

void staging_end(struct staging_dir *p)
{
    if (p->lock >= 0 && p->folder) {
        if (p->work) {
            empty(p->work);
            rmdir(p->work);
        }
        close(p->lock);
    }
    for (int i = 0; i < p->files; i++)
        free(p->file[i].name);
    free(p->target);
    free(p->folder);
    free(p->work);
    *p = (struct staging_dir){.lock = -1};
}
