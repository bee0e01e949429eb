/* Copies files of second moments and null spaces between the cache and a folder. */
#include "core/edit/stats_files.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/edit/nullspace_file.h"

struct copying {
    const struct moments *m;
    char *from, *to; /* folders */
    bool present;    /* only what belongs to the sums of m as they are */
    struct buf *notes;
};

/* Whether the file is what its name says, of this layer. False without an error: it is of something
 * else. */
typedef bool file_check_fn(const struct copying *c, int index, const char *path, const char *name,
                           struct err *err);

static bool check_moments(const struct copying *c, int index, const char *path, const char *name,
                          struct err *err)
{
    long tokens = strtol(name + 65, NULL, 10);

    return tokens > 0 && (!c->present || tokens == c->m->tokens) &&
           moments_file_check(c->m, index, path, tokens, err);
}

static bool check_nullspace(const struct copying *c, int index, const char *path, const char *name,
                            struct err *err)
{
    return nullspace_file_check(c->m, index, path, name + 65, c->present, err);
}

static bool copy_file(const struct copying *c, const char *path, const char *name, struct err *err)
{
    char *to = xasprintf("%s/%s", c->to, name);
    struct file_map map;
    bool ok = file_map(&map, path, err);

    if (ok) {
        ok = file_make_parents(to, err) && file_write(to, map.data, map.size, err);
        file_unmap(&map);
    }
    free(to);
    return ok;
}

/* The layer whose key the name begins with, or -1. */
static int layer_of_name(const struct moments *m, const char *name)
{
    for (int i = 0; i < m->layers; i++) {
        char key[65];

        moments_key(m, i, key);
        if (!strncmp(name, key, 64) && name[64] == '-' && file_ends_in(name, ".safetensors"))
            return i;
    }
    return -1;
}

static bool copy_folder(const struct copying *c, file_check_fn *check, int *count, struct err *err)
{
    DIR *dir = opendir(c->from);
    struct dirent *entry;
    bool ok = true;

    while (ok && dir && (entry = readdir(dir))) {
        int index = layer_of_name(c->m, entry->d_name);
        struct err why = {0};
        char *path;

        if (index < 0)
            continue;
        path = xasprintf("%s/%s", c->from, entry->d_name);
        if (check(c, index, path, entry->d_name, &why)) {
            ok = copy_file(c, path, entry->d_name, err);
            *count += ok;
        } else if (why.kind == ERR_CANCELLED) {
            ok = err_pass(err, &why);
        } else if (why.kind && c->notes) {
            buf_printf(c->notes, "%s: not used: %s\n", path, why.text);
        }
        free(path);
    }
    if (dir)
        closedir(dir);
    return ok;
}

static bool copy_kind(const struct moments *m, const char *kind, const char *folder, bool out,
                      file_check_fn *check, int *count, struct buf *notes, struct err *err)
{
    char *cache = file_cache_path(kind), *outside = xasprintf("%s/%s", folder, kind);
    struct copying c = {m, out ? cache : outside, out ? outside : cache, out, notes};
    bool ok = copy_folder(&c, check, count, err);

    free(cache);
    free(outside);
    return ok;
}

bool stats_files_export(const struct moments *m, const char *folder, struct stats_files *count,
                        struct err *err)
{
    *count = (struct stats_files){0};
    if (!copy_kind(m, "moments", folder, true, check_moments, &count->moments, NULL, err) ||
        !copy_kind(m, "nullspaces", folder, true, check_nullspace, &count->nullspaces, NULL, err))
        return false;
    return count->moments == m->layers ||
           err_set(err, ERR_IO, "%s: only %d of %d second moments are in the cache to be exported",
                   folder, count->moments, m->layers);
}

bool stats_files_import(const struct moments *m, const char *folder, struct stats_files *count,
                        struct buf *notes, struct err *err)
{
    *count = (struct stats_files){0};
    if (!copy_kind(m, "moments", folder, false, check_moments, &count->moments, notes, err) ||
        !copy_kind(m, "nullspaces", folder, false, check_nullspace, &count->nullspaces, notes, err))
        return false;
    return count->moments > 0 ||
           err_set(err, ERR_IO,
                   "%s holds no second moments of this model, text, window and these layers: give "
                   "the folder that `stats --export` of this version made, and the same --text",
                   folder);
}
