/* Reads a model from a folder as transformers writes it: config.json and model.safetensors, or
 * several files (shards) with model.safetensors.index.json. safetensors.c parses the container. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/model/format.h"
#include "core/model/safetensors.h"

enum { MAX_JSON = 64 << 20, MAX_SHARDS = 4096 };

/* Appends a tensor of file number `file` under GGUF's name, unless the architecture ignores it. */
static bool add_tensor(struct weights *w, const struct st_tensor *s, int file, struct err *err)
{
    struct tensor *t = &w->tensor[w->count];

    if (arch_ignored(arch_of(&w->config), s->name))
        return true;
    if (!st_type_dtype(s->type, &t->type) || t->type == DT_F64)
        return err_set(err, ERR_MODEL,
                       "tensor %s is stored as %s, which is not supported; supported are F32, F16 "
                       "and BF16",
                       s->name, st_type_name(s->type));
    if (s->ndim < 1 || s->ndim > 4 || !s->bytes)
        return err_set(err, ERR_MODEL,
                       "tensor %s has %d dimensions%s; 1 to 4, none of them 0, are "
                       "valid",
                       s->name, s->ndim, s->bytes ? "" : ", one of them 0");
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

static struct tensor *find_tensor(struct weights *w, const char *name)
{
    for (int i = 0; i < w->count; i++)
        if (!strcmp(w->tensor[i].name, name))
            return &w->tensor[i];
    return NULL;
}

/* The configuration says that head and embedding are tied, but the file has a head as well. If both
 * hold the same values, the head is dropped. If not, the model is not tied: transformers 5 uses the
 * head then. */
static void resolve_tied_head(struct weights *w)
{
    struct tensor *head = find_tensor(w, "output.weight"),
                  *embed = find_tensor(w, "token_embd.weight");

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

static bool is_plain_file_name(const char *name)
{
    return name && *name && *name != '.' && !strchr(name, '/');
}

/* A tensor that the model needs and that the index puts in this file, or NULL. */
static const char *needed_tensor_in(const struct weights *w, json_t *map, const char *file)
{
    for (void *it = json_object_iter(map); it; it = json_object_iter_next(map, it))
        if (!strcmp(json_string_value(json_object_iter_value(it)), file) &&
            weights_requires(&w->config, json_object_iter_key(it)))
            return json_object_iter_key(it);
    return NULL;
}

/* Opens a file that the index lists. A missing file is skipped if nothing in it is needed. */
static bool open_mapped_file(struct weights *w, json_t *map, const char *name, struct err *err)
{
    char *path = xasprintf("%s/%s", w->dir, name);
    const char *needed = file_exists(path) ? NULL : needed_tensor_in(w, map, name);
    bool ok = true;

    if (needed)
        ok = err_set(err, ERR_MODEL,
                     "%s does not exist, although the index puts tensor %s in it; is the download "
                     "complete?",
                     path, needed);
    else if (file_exists(path))
        ok = open_shard(w, name, err);
    free(path);
    return ok;
}

/* Opens the files of the index's weight_map {tensor: file}, each once, sorted by name. */
static bool open_mapped(struct weights *w, json_t *map, struct err *err)
{
    size_t n = json_object_size(map), at = 0;
    const char **name = xcalloc(n + 1, sizeof(*name)), *last = NULL;
    int unique = 0;
    bool ok = true;

    for (void *it = json_object_iter(map); it; it = json_object_iter_next(map, it)) {
        name[at] = json_string_value(json_object_iter_value(it));
        if (!is_plain_file_name(name[at])) {
            ok = err_set(err, ERR_MODEL, "tensor %s: '%s' is not a plain file name",
                         json_object_iter_key(it), name[at] ? name[at] : "?");
            break;
        }
        at++;
    }
    qsort(name, at, sizeof(*name), utf8_compare);
    for (size_t i = 0; ok && i < n; i++) {
        if (last && !strcmp(name[i], last))
            continue;
        last = name[i];
        ok = ++unique <= MAX_SHARDS ? open_mapped_file(w, map, last, err)
                                    : err_set(err, ERR_MODEL, "more than %d files", MAX_SHARDS);
    }
    free(name);
    return ok;
}

/* Transformers uses the index only as a list of files and loads all tensors in them. So a tensor
 * that is not where the index says is an error only if the model needs it. */
static bool check_map(const struct weights *w, json_t *map, struct err *err)
{
    for (void *it = json_object_iter(map); it; it = json_object_iter_next(map, it)) {
        const char *tensor = json_object_iter_key(it);
        bool there = false;

        for (int i = 0; i < w->shards && !there; i++)
            there = safetensors_tensor(w->shard[i], tensor) != NULL;
        if (!there && weights_requires(&w->config, tensor))
            return err_set(err, ERR_MODEL, "tensor %s is not in %s, although the index says so",
                           tensor, json_string_value(json_object_iter_value(it)));
    }
    return true;
}

static bool open_index(struct weights *w, const char *path, struct err *err)
{
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
        ok = open_mapped(w, map, err) && check_map(w, map, err);
    json_decref(root);
    if (ok)
        weights_add_file(w, path);
    return ok;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* The names in the folder with this start and end, joined by ", ". Caller frees. */
static char *list_files_named(const char *dir, const char *start, const char *end)
{
    struct dirent **entry = NULL;
    int n = scandir(dir, &entry, NULL, alphasort);
    struct buf names = {0};

    for (int i = 0; i < n; i++) {
        const char *name = entry[i]->d_name;
        size_t len = strlen(name), m = strlen(end);

        if (len >= m && !strcasecmp(name + len - m, end) && !strncmp(name, start, strlen(start)))
            buf_printf(&names, "%s%s", names.len ? ", " : "", name);
        free(entry[i]);
    }
    free(entry);
    return buf_take(&names);
}

/* Refuses a folder without `lacks`, and says what could be done with the files that are there. */
static bool refuse_folder(const struct weights *w, const char *lacks, struct err *err)
{
    static const struct {
        const char *start, *end, *what;
    } kinds[] = {
        {"", ".gguf", "GGUF files are here: name the one to open"},
        {"adapter_", ".safetensors", "this is an adapter: name the folder of its base"},
        {"pytorch_model", ".bin",
         "Python's pickled weights are not read: transformers' save_pretrained() writes them as "
         "safetensors"},
        {"", ".pth", "Python's pickled weights are not read: convert them to safetensors"},
        {"", ".safetensors",
         "these are here without the model.safetensors.index.json that lists shards: fetch it, or "
         "name the one file of the model"},
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        char *names = list_files_named(w->dir, kinds[i].start, kinds[i].end);

        if (*names && (strcmp(lacks, "config.json") || i < 2))
            err_set(err, ERR_MODEL, "no %s; %s (%.120s)", lacks, kinds[i].what, names);
        free(names);
    }
    return err_set(err, ERR_MODEL,
                   "no %s in this folder; a model's folder holds config.json and "
                   "safetensors",
                   lacks);
}

static bool read_config(struct weights *w, struct err *err)
{
    char *path = xasprintf("%s/config.json", w->dir);
    size_t len;
    char *text;
    bool ok;

    if (!file_exists(path) && is_folder(w->path)) {
        free(path);
        return refuse_folder(w, "config.json", err);
    }
    if (!file_exists(path)) {
        free(path);
        return err_set(
            err, ERR_MODEL,
            "there is no config.json beside it, as in a folder that save_pretrained() wrote");
    }
    text = file_read_text(path, MAX_JSON, &len, err);
    ok = text && (config_from_json(&w->config, text, len, err) || err_in(err, "%s", path));
    if (ok)
        weights_add_file(w, path);
    free(text);
    free(path);
    return ok;
}

/* The tokenizer's files are part of the model's identity: the same weights with another tokenizer
 * are another model. */
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

static bool is_safetensors(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && !strcmp(dot, ".safetensors");
}

static bool accepts_path(const char *path)
{
    return is_folder(path) || is_safetensors(path);
}

/* Like transformers, prefers model.safetensors over an index of shards if there are both. */
static bool open_files(struct weights *w, struct err *err)
{
    const char *base = file_name(w->path);
    char *index, *one;
    bool ok;

    if (!is_folder(w->path))
        return strstr(base, "-of-0")
                   ? err_set(err, ERR_MODEL, "one shard of several: name their folder")
                   : open_shard(w, base, err);
    index = xasprintf("%s/model.safetensors.index.json", w->dir);
    one = xasprintf("%s/model.safetensors", w->dir);
    ok = file_exists(one)     ? open_shard(w, "model.safetensors", err)
         : file_exists(index) ? open_index(w, index, err)
                              : refuse_folder(w, "model.safetensors", err);
    if (ok && file_exists(one) && file_exists(index))
        w->note = xasprintf("%s: model.safetensors is read, as transformers does, not the files of "
                            "model.safetensors.index.json beside it",
                            w->path);
    free(index);
    free(one);
    return ok;
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
    resolve_tied_head(w);
    add_tokenizer_files(w);
    return true;
}

const struct format_ops format_safetensors = {"safetensors", accepts_path, read_folder};
