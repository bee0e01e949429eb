/* Finds a downloaded model in the cache, without a network: what `-m org/name` opens. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/hub/hub.h"
#include "core/hub/repo_id.h"

/* A revision's snapshot folder; refs/REVISION holds its commit. Caller frees; NULL: none. */
static char *snapshot_path(const char *cache, const struct hub_name *name)
{
    struct buf repo = {0};
    char *path = NULL, *ref, *commit, *trimmed = NULL;

    buf_printf(&repo, "%s/", cache);
    repo_folder(&repo, name->repo);
    ref = xasprintf("%s/refs/%s", repo.data, name->revision);
    commit =
        is_commit_hash(name->revision) ? xstrdup(name->revision) : file_read(ref, 64, NULL, NULL);
    if (commit)
        trimmed = xtrimmed(commit, strlen(commit));
    if (trimmed && is_commit_hash(trimmed))
        path = xasprintf("%s/snapshots/%s", repo.data, trimmed);
    if (path && !file_exists(path)) {
        free(path);
        path = NULL;
    }
    free(trimmed);
    free(commit);
    free(ref);
    buf_free(&repo);
    return path;
}

/* The only GGUF file in `folder` that matches `word` ("": any file). *matches counts them, `names`
 * lists them. Caller frees; NULL unless exactly one matches. */
static char *one_gguf(const char *folder, const char *word, int *matches, struct buf *names)
{
    DIR *dir = opendir(folder);
    const struct dirent *e;
    char *found = NULL;

    *matches = 0;
    while (dir && (e = readdir(dir))) {
        if (!file_ends_in_any_case(e->d_name, ".gguf") ||
            (*word && !gguf_name_matches(e->d_name, word)))
            continue;
        buf_printf(names, "%s%s", names->len ? ", " : "", e->d_name);
        free(found);
        found = xasprintf("%s/%s", folder, e->d_name);
        ++*matches;
    }
    if (dir)
        closedir(dir);
    if (*matches == 1)
        return found;
    free(found);
    return NULL;
}

char *hub_find(const struct hub_name *name, struct err *err)
{
    char *cache = hub_cache_path(), *folder = snapshot_path(cache, name), *path = NULL;
    bool main = !strcmp(name->revision, "main");
    struct buf names = {0}, full_name = {0};
    int matches = 0;

    if (folder && *name->file && file_in_folder(folder, name->file))
        path = xasprintf("%s/%s", folder, name->file);
    else if (folder && !*name->file && file_in_folder(folder, "config.json"))
        path = xstrdup(folder);
    else if (folder)
        path = one_gguf(folder, name->file, &matches, &names);
    buf_printf(&full_name, "%s%s%s%s%s", name->repo, main ? "" : "@", main ? "" : name->revision,
               *name->file ? ":" : "", name->file);
    if (!path && matches > 1)
        err_set(err, ERR_USAGE, "%s matches %d GGUF files; choose one as in %s:Q4_K_M: %.200s",
                full_name.data, matches, name->repo, names.data);
    else if (!path)
        err_set(err, ERR_MODEL,
                "no model at %s, and no model of that name in %s; `editscope pull %s` "
                "downloads it",
                full_name.data, cache, full_name.data);
    buf_free(&names);
    buf_free(&full_name);
    free(folder);
    free(cache);
    return path;
}
