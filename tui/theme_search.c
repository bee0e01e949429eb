/* Finds themes by name: in folders first, then among those compiled in. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "tui/theme.h"

/* The nth folder that may hold themes, in the order of the search; NULL after the last. Caller
 * frees. */
static char *theme_folder(const char *folder, int n)
{
    const char *dirs = getenv("XDG_DATA_DIRS");

    if (folder && n-- == 0)
        return xstrdup(folder);
    if (n-- == 0)
        return file_config_path("themes");
    for (dirs = dirs && *dirs ? dirs : "/usr/local/share:/usr/share"; *dirs;) {
        size_t len = strcspn(dirs, ":");

        if (len && dirs[0] == '/' && n-- == 0) /* a relative one is to be ignored */
            return xasprintf("%.*s/editscope/themes", (int)len, dirs);
        dirs += len + (dirs[len] == ':');
    }
    return NULL;
}

/* The path of a theme's file; NULL: none, though a built-in one may have the name. Caller frees. */
static char *theme_find(const char *name, const char *folder)
{
    char *dir;

    if (strchr(name, '/'))
        return xstrdup(name);
    for (int n = 0; *name && name[0] != '.' && (dir = theme_folder(folder, n)) != NULL; n++) {
        char *path = xasprintf("%s/%s", dir, name);

        free(dir);
        if (file_exists(path))
            return path;
        free(path);
    }
    return NULL;
}

bool theme_load(struct theme *theme, const char *name, const char *folder, struct err *err)
{
    char *path = theme_find(name, folder), *text = NULL;
    const char *last = strrchr(name, '/');
    struct theme loaded;
    bool ok;

    theme_default(&loaded);
    if (path) {
        text = file_read_text(path, THEME_MAX, NULL, err);
        ok = text && theme_parse(&loaded, text, err);
        if (!ok)
            err_in(err, "theme %s", path);
    } else if (theme_builtin(name)) {
        ok = theme_parse(&loaded, theme_builtin(name), err);
    } else {
        ok = err_set(err, ERR_USAGE, "no theme '%.60s'; `editscope themes` lists them", name);
    }
    if (ok) {
        utf8_copy(loaded.name, sizeof(loaded.name), last ? last + 1 : name);
        *theme = loaded;
    }
    free(text);
    free(path);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct theme_place *)a)->name, ((const struct theme_place *)b)->name);
}

/* Appends a theme unless its name is hidden, too long, or already in the list (the first one found
 * wins). */
static void theme_list_add(struct theme_place **list, int *count, const char *name, const char *dir)
{
    struct theme_place *p;

    if (*name == '.' || strlen(name) >= sizeof(p->name))
        return;
    for (int i = 0; i < *count; i++)
        if (!strcmp((*list)[i].name, name))
            return;
    *list = xrealloc(*list, ((size_t)*count + 1) * sizeof(**list));
    p = &(*list)[(*count)++];
    utf8_copy(p->name, sizeof(p->name), name);
    p->path = dir ? xasprintf("%s/%s", dir, name) : NULL;
}

int theme_list(const char *folder, struct theme_place **out)
{
    int count = 0;
    char *dir;

    *out = NULL;
    for (int n = 0; (dir = theme_folder(folder, n)) != NULL; n++) {
        DIR *d = opendir(dir);
        const struct dirent *entry;
        int from = count;

        while (d && (entry = readdir(d)))
            theme_list_add(out, &count, entry->d_name, dir);
        if (d)
            closedir(d);
        if (count > from)
            qsort(*out + from, (size_t)(count - from), sizeof(**out), by_name);
        free(dir);
    }
    for (int i = 0; builtin_themes[i].name; i++)
        theme_list_add(out, &count, builtin_themes[i].name, NULL);
    return count;
}
