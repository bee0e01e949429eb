/* Finds models in the known folders and reads type and size from names and from config.json. */
#include "views/screens/model_list.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/hub/hub.h"

enum { MODELS_MOST = 500, CONFIG_MOST = 1 << 20 };

static double size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) ? 0 : (double)st.st_size;
}

/* The type of the weights from a file name: the last part like Q4_1, F16, BF16 or IQ2_XS. */
static void type_of_name(const char *name, char out[24])
{
    static const char *const kinds[] = {"IQ", "Q", "BF16", "F16", "F32"};
    size_t n;

    for (const char *p = name; *p; p += n + (p[n] != '\0')) {
        n = strcspn(p, ".-");
        for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds) && n < 24; k++) {
            size_t len = strlen(kinds[k]);

            if (n < len || strncasecmp(p, kinds[k], len) != 0 ||
                (k < 2 && !(p[len] >= '1' && p[len] <= '8')) || (k >= 2 && n != len))
                continue;
            snprintf(out, 24, "%.*s", (int)n, p);
        }
    }
}

/* The value of "torch_dtype" in the folder's config.json. */
static void type_of_folder(const char *folder, char out[24])
{
    char *path = xasprintf("%s/config.json", folder);
    char *text = file_read_text(path, CONFIG_MOST, NULL, NULL);
    char *at = text ? strstr(text, "dtype\"") : NULL;

    at = at ? strchr(at + 6, '"') : NULL;
    if (at)
        snprintf(out, 24, "%.*s", (int)strcspn(at + 1, "\""), at + 1);
    free(text);
    free(path);
}

/* Adds a model unless its path is listed. Takes the path. */
static void add_model(struct model_list *l, char *path, const char *name, const char *place,
                      const char *type, double bytes)
{
    struct model_file *f;

    for (int i = 0; i < l->count; i++)
        if (!strcmp(l->file[i].path, path)) {
            free(path);
            return;
        }
    if (l->count >= MODELS_MOST) {
        free(path);
        return;
    }
    l->file = xrealloc(l->file, (size_t)(l->count + 1) * sizeof(*l->file));
    f = &l->file[l->count++];
    *f = (struct model_file){.path = path, .bytes = bytes};
    utf8_copy(f->name, sizeof(f->name), name);
    utf8_copy(f->type, sizeof(f->type), type);
    utf8_copy(f->place, sizeof(f->place), place);
}

/* A folder with config.json and safetensors files is one model. False: it is not. */
static bool add_folder(struct model_list *l, const char *folder, const char *name,
                       const char *place)
{
    DIR *dir = opendir(folder);
    const struct dirent *e;
    double bytes = 0;
    bool config = false;
    char type[24] = "";

    while (dir && (e = readdir(dir))) {
        char *path = xasprintf("%s/%s", folder, e->d_name);

        config |= !strcmp(e->d_name, "config.json");
        if (file_ends_in_any_case(e->d_name, ".safetensors"))
            bytes += size_of(path);
        free(path);
    }
    if (dir)
        closedir(dir);
    if (!config || bytes <= 0)
        return false;
    type_of_folder(folder, type);
    add_model(l, xstrdup(folder), name, place, type, bytes);
    return true;
}

/* GGUF files of a folder, and with `folders` also the model folders in it. */
static void add_files(struct model_list *l, const char *folder, const char *place, bool folders)
{
    DIR *dir = opendir(folder);
    const struct dirent *e;

    while (dir && (e = readdir(dir))) {
        char *path = xasprintf("%s/%s", folder, e->d_name);

        if (file_ends_in_any_case(e->d_name, ".gguf")) {
            char type[24] = "", *name = xasprintf("%.*s", (int)strlen(e->d_name) - 5, e->d_name);

            type_of_name(name, type);
            add_model(l, path, name, place, type, size_of(path));
            free(name);
            continue;
        }
        if (folders && e->d_name[0] != '.')
            add_folder(l, path, e->d_name, place);
        free(path);
    }
    if (dir)
        closedir(dir);
}

/* Every models--ORG--NAME/snapshots/HASH of the Hugging Face cache. */
static void add_hub(struct model_list *l, const char *hub)
{
    DIR *dir = opendir(hub);
    const struct dirent *e;

    while (dir && (e = readdir(dir))) {
        char *snapshots, name[96];
        const struct dirent *s;
        DIR *in;

        snapshots = xasprintf("%s/%s/snapshots", hub, e->d_name);
        in = opendir(snapshots);
        while (in && (s = readdir(in))) {
            char *folder = xasprintf("%s/%s", snapshots, s->d_name);

            if (s->d_name[0] != '.' && hub_name_of_path(folder, name, sizeof(name)) &&
                !add_folder(l, folder, name, "hugging face"))
                add_files(l, folder, "hugging face", false);
            free(folder);
        }
        if (in)
            closedir(in);
        free(snapshots);
    }
    if (dir)
        closedir(dir);
}

static int by_name(const void *a, const void *b)
{
    return strcasecmp(((const struct model_file *)a)->name, ((const struct model_file *)b)->name);
}

void model_list_read(struct model_list *l, const char *current)
{
    char *cache = file_cache_path("models"), *hub = hub_cache_path();
    int first, folder;

    model_list_free(l);
    if (current && *current) {
        char type[24] = "", *name = xstrdup(file_name(current));

        if (file_ends_in_any_case(name, ".gguf"))
            name[strlen(name) - 5] = '\0';
        type_of_name(name, type);
        if (file_ends_in_any_case(current, ".gguf") || !add_folder(l, current, name, "open now"))
            add_model(l, xstrdup(current), name, "open now", type, size_of(current));
        free(name);
    }
    first = l->count;
    if (cache)
        add_files(l, cache, "cache", true);
    if (hub)
        add_hub(l, hub);
    folder = current ? (int)(file_name(current) - current) - 1 : -1; /* without its slash */
    if (folder > 0 && file_ends_in_any_case(current, ".gguf")) {
        char *beside = xasprintf("%.*s", folder, current);

        add_files(l, beside, "beside it", false);
        free(beside);
    }
    if (l->count > first)
        qsort(l->file + first, (size_t)(l->count - first), sizeof(*l->file), by_name);
    free(cache);
    free(hub);
}

void model_list_free(struct model_list *l)
{
    for (int i = 0; i < l->count; i++)
        free(l->file[i].path);
    free(l->file);
    *l = (struct model_list){0};
}
