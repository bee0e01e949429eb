/* A model in a folder: config.json and one safetensors file, or several with an index. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/model/format.h"
#include "core/model/safetensors.h"

enum { MAX_JSON = 64 << 20, MAX_SHARDS = 4096 };

static bool add_tensor(struct weights *w, const struct st_tensor *s, int file, struct err *err)
{
    struct tensor *t = &w->tensor[w->count];

    if (arch_ballast(arch_of(&w->config), s->name))
        return true;
    if (!st_type_dtype(s->type, &t->type) || t->type == DT_F64)
        return err_set(err, ERR_MODEL,
                       "tensor %s is stored as %s, which is not supported; supported are F32, F16 "
                       "and BF16",
                       s->name, st_type_name(s->type));
    if (s->ndim < 1 || s->ndim > 4 || !s->bytes)
        return err_set(err, ERR_MODEL, "tensor %s has %d dimensions and %zu bytes", s->name,
                       s->ndim, s->bytes);
    t->name = arch_canonical(arch_of(&w->config), s->name, &t->transposed);
    t->origin = xstrdup(s->name);
    t->file = file;
    t->ndim = s->ndim;
    memcpy(t->dim, s->dim, sizeof(t->dim));
    t->transposed = t->transposed && t->ndim == 2;
    if (t->transposed) {
        t->dim[0] = s->dim[1];
        t->dim[1] = s->dim[0];
    }
    t->data = s->data;
    t->bytes = s->bytes;
    w->count++;
    return true;
}

static struct tensor *find(struct weights *w, const char *name)
{
    for (int i = 0; i < w->count; i++)
        if (!strcmp(w->tensor[i].name, name))
            return &w->tensor[i];
    return NULL;
}

/* A head stored beside a tied embedding: the same values are the embedding once more; others
 * are what transformers 5 uses, so the model is not tied. */
static void settle_head(struct weights *w)
{
    struct tensor *head = find(w, "output.weight"), *embed = find(w, "token_embd.weight");

    if (!w->config.tied || !head || !embed)
        return;
    if (head->type != embed->type || head->bytes != embed->bytes ||
        memcmp(head->data, embed->data, head->bytes)) {
        w->config.tied = false;
        return;
    }
    free(head->name);
    free(head->origin);
    w->count--;
    memmove(head, head + 1, (size_t)(&w->tensor[w->count] - head) * sizeof(*head));
}

static bool open_shard(struct weights *w, const char *name, struct err *err)
{
    char *path = xasprintf("%s/%s", w->dir, name);
    struct safetensors *st = safetensors_open(path, err);

    if (st) {
        w->shard = xrealloc(w->shard, (size_t)(w->shards + 1) * sizeof(*w->shard));
        w->shard[w->shards++] = st;
        weights_add_file(w, path);
    }
    free(path);
    return st != NULL;
}

static bool plain_name(const char *name)
{
    return name && *name && *name != '.' && !strchr(name, '/');
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Opens the files of the map, each once, in the order of their names; *names, to be freed, is
 * parallel to w->shard. */
static bool open_mapped(struct weights *w, json_t *map, const char ***names, struct err *err)
{
    size_t n = json_object_size(map), unique = 0;
    const char **name = xcalloc(n + 1, sizeof(*name));

    *names = name;
    for (void *it = json_object_iter(map); it; it = json_object_iter_next(map, it)) {
        name[unique] = json_string_value(json_object_iter_value(it));
        if (!plain_name(name[unique]))
            return err_set(err, ERR_MODEL, "tensor %s: '%s' is no plain file name",
                           json_object_iter_key(it), name[unique] ? name[unique] : "?");
        unique++;
    }
    qsort(name, n, sizeof(*name), compare_text);
    unique = 0;
    for (size_t i = 0; i < n; i++)
        if (!i || strcmp(name[i], name[unique - 1]))
            name[unique++] = name[i];
    if (unique > MAX_SHARDS)
        return err_set(err, ERR_MODEL, "%zu files; at most %d are read", unique, MAX_SHARDS);
    for (size_t i = 0; i < unique; i++)
        if (!open_shard(w, name[i], err))
            return false;
    return true;
}

/* Every tensor of the map is in the file it names, and the files hold no other. */
static bool check_map(const struct weights *w, json_t *map, const char *const *names,
                      struct err *err)
{
    for (void *it = json_object_iter(map); it; it = json_object_iter_next(map, it)) {
        const char *tensor = json_object_iter_key(it);
        const char *file = json_string_value(json_object_iter_value(it));
        const char *const *at =
            bsearch(&file, names, (size_t)w->shards, sizeof(*names), compare_text);

        if (!at || !safetensors_tensor(w->shard[at - names], tensor))
            return err_set(err, ERR_MODEL, "tensor %s is not in %s, where the index has it", tensor,
                           file);
    }
    for (int i = 0; i < w->shards; i++)
        for (int j = 0; j < safetensors_count(w->shard[i]); j++) {
            const char *tensor = safetensors_at(w->shard[i], j)->name;
            const char *file = json_string_value(json_object_get(map, tensor));

            if (!file || strcmp(file, names[i]))
                return err_set(err, ERR_MODEL, "tensor %s is in %s, %s%s", tensor, names[i],
                               file ? "but the index has it in " : "which the index does not say",
                               file ? file : "");
        }
    return true;
}

static bool open_index(struct weights *w, const char *path, struct err *err)
{
    const char **names = NULL;
    json_error_t why;
    json_t *root, *map;
    size_t len;
    char *text = file_read_text(path, MAX_JSON, &len, err);
    bool ok;

    if (!text)
        return false;
    root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    free(text);
    map = json_object_get(root, "weight_map");
    if (!root)
        ok = err_set(err, ERR_MODEL, "%s: line %d: %s", path, why.line, why.text);
    else if (!json_is_object(map))
        ok = err_set(err, ERR_MODEL, "%s: weight_map is missing", path);
    else
        ok = open_mapped(w, map, &names, err) && check_map(w, map, names, err);
    free(names);
    json_decref(root);
    if (ok)
        weights_add_file(w, path);
    return ok;
}

static bool read_config(struct weights *w, struct err *err)
{
    char *path = xasprintf("%s/config.json", w->dir);
    struct err why = {0};
    size_t len;
    char *text = file_read_text(path, MAX_JSON, &len, err);
    bool ok = text && config_from_json(&w->config, text, len, &why);

    if (ok)
        weights_add_file(w, path);
    else
        err_set(err, why.kind, "%s: %s", path, why.text);
    free(text);
    free(path);
    return ok;
}

/* What turns text into ids is part of what a model is. */
static void add_tokenizer_files(struct weights *w)
{
    static const char *const names[] = {"tokenizer.json", "tokenizer_config.json"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *path = xasprintf("%s/%s", w->dir, names[i]);

        if (file_exists(path))
            weights_add_file(w, path);
        free(path);
    }
}

static bool is_folder(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static bool is_safetensors(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && !strcmp(dot, ".safetensors");
}

static bool accepts(const char *path)
{
    return is_folder(path) || is_safetensors(path);
}

static bool open_files(struct weights *w, struct err *err)
{
    const char *base = strrchr(w->path, '/');
    char *index;
    bool ok;

    if (!is_folder(w->path))
        return open_shard(w, base ? base + 1 : w->path, err);
    index = xasprintf("%s/model.safetensors.index.json", w->dir);
    ok = file_exists(index) ? open_index(w, index, err) : open_shard(w, "model.safetensors", err);
    free(index);
    return ok;
}

/* The embedding's factor has the type of its weights: 11 or 8 bits of it. */
static void settle_scale(struct weights *w)
{
    const struct tensor *embed = find(w, "token_embd.weight");
    int bits = !embed ? 24 : embed->type == DT_BF16 ? 8 : embed->type == DT_F16 ? 11 : 24, power;
    double part = frexp((double)w->config.embed_scale, &power);

    w->config.embed_scale = (float)ldexp(rint(ldexp(part, bits)), power - bits);
}

static bool read_folder(struct weights *w, struct err *err)
{
    size_t total = 0;
    int first; /* of the shards among the files */

    if (is_folder(w->path)) {
        free(w->dir);
        w->dir = xstrdup(w->path);
    }
    if (!read_config(w, err))
        return false;
    first = w->files;
    if (!open_files(w, err))
        return false;
    for (int i = 0; i < w->shards; i++)
        total += (size_t)safetensors_count(w->shard[i]);
    w->tensor = xcalloc(total + 1, sizeof(*w->tensor));
    for (int i = 0; i < w->shards; i++)
        for (int j = 0; j < safetensors_count(w->shard[i]); j++)
            if (!add_tensor(w, safetensors_at(w->shard[i], j), first + i, err))
                return false;
    settle_head(w);
    settle_scale(w);
    add_tokenizer_files(w);
    return true;
}

const struct format_ops format_safetensors = {"safetensors", accepts, read_folder};
