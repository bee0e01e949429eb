/* Reads the Hub's answers about a repository and chooses the files that make up a model. */
#include "core/hub/file_list.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/hub/headers.h"
#include "core/hub/repo_id.h"

enum { MAX_FILES = 100000, MAX_NAMED = 12 };

/* Files that belong to a model in safetensors files, besides its weights. */
static const char *const companion_files[] = {
    "config.json",       "generation_config.json",  "tokenizer.json", "tokenizer_config.json",
    "added_tokens.json", "special_tokens_map.json", "vocab.json",     "merges.txt",
    "tokenizer.model",   "chat_template.jinja",
};

static json_t *read_json(const char *text, size_t n, const char *what, struct err *err)
{
    json_error_t why;
    json_t *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);

    if (!root)
        err_set(err, ERR_FORMAT, "the Hub's %s is not JSON: %s", what, why.text);
    return root;
}

bool file_list_commit(const char *json, size_t n, char commit[41], struct err *err)
{
    json_t *root = read_json(json, n, "answer about the model", err);
    const char *sha = json_string_value(json_object_get(root, "sha"));
    bool ok = sha && is_commit_hash(sha);

    if (ok)
        memcpy(commit, sha, 41);
    else
        err_set(err, ERR_FORMAT, "the Hub's answer about the model names no commit");
    json_decref(root);
    return ok;
}

/* Adds one entry of the listing. Folders, and names that would leave the snapshot, are skipped. */
static bool add_file(struct file_list *list, const json_t *entry, struct err *err)
{
    const json_t *lfs = json_object_get(entry, "lfs");
    const char *path = json_string_value(json_object_get(entry, "path"));
    const char *type = json_string_value(json_object_get(entry, "type"));
    const char *oid = json_string_value(json_object_get(json_is_object(lfs) ? lfs : entry, "oid"));
    const json_t *size = json_object_get(json_is_object(lfs) ? lfs : entry, "size");
    struct repo_file *f;

    if (!path || !type || strcmp(type, "file") != 0 || !repo_path_valid(path))
        return true;
    if (!oid || !is_etag(oid) || !json_is_integer(size) || json_integer_value(size) < 0)
        return err_set(err, ERR_FORMAT, "the Hub's listing gives no hash or no size for %.100s",
                       path);
    if (list->files >= MAX_FILES)
        return err_set(err, ERR_LIMIT, "more than %d files: this is not a model", MAX_FILES);
    if (!(list->files & (list->files - 1))) /* capacity doubles at powers of two */
        list->file =
            xrealloc(list->file, (size_t)(list->files ? 2 * list->files : 1) * sizeof(*list->file));
    f = &list->file[list->files++];
    *f = (struct repo_file){.path = xstrdup(path), .bytes = json_integer_value(size)};
    snprintf(f->etag, sizeof(f->etag), "%s", oid);
    return true;
}

bool file_list_add(struct file_list *list, const char *json, size_t n, struct err *err)
{
    json_t *root = read_json(json, n, "listing", err);
    bool ok = root != NULL;
    size_t i;
    json_t *entry;

    if (ok && !json_is_array(root))
        ok = err_set(err, ERR_FORMAT, "the Hub's listing is not a JSON array");
    json_array_foreach(root, i, entry)
    {
        ok = ok && add_file(list, entry, err);
    }
    json_decref(root);
    return ok;
}

static struct repo_file *find_file(const struct file_list *list, const char *path)
{
    for (int i = 0; i < list->files; i++)
        if (!strcmp(list->file[i].path, path))
            return &list->file[i];
    return NULL;
}

/* Whether a file is a GGUF model. A multimodal model's vision projector (mmproj-...) is not. */
static bool is_model_gguf(const char *path)
{
    return file_ends_in_any_case(path, ".gguf") && strncasecmp(file_name(path), "mmproj", 6) != 0;
}

/* Marks the GGUF file that `name` asks for, or the only one. ERR_USAGE lists them otherwise. */
static bool choose_gguf(struct file_list *list, const struct hub_name *name, struct err *err)
{
    struct buf names = {0};
    struct repo_file *found = NULL;
    int matches = 0, exact = 0, named = 0;

    for (int i = 0; i < list->files; i++) {
        struct repo_file *f = &list->file[i];

        if (!is_model_gguf(f->path))
            continue;
        if (named++ < MAX_NAMED)
            buf_printf(&names, "%s%s", names.len ? ", " : "", f->path);
        if (*name->file && !gguf_name_matches(f->path, name->file))
            continue;
        if (!exact)
            found = f;
        matches++;
        exact |= !strcmp(f->path, name->file);
    }
    if (found && (matches == 1 || exact)) {
        found->wanted = true;
        list->gguf = found->path;
    } else if (*name->file && !matches) {
        err_set(err, ERR_USAGE, "%s has no GGUF file '%.80s'; it has %s", name->repo, name->file,
                named ? names.data : "none");
    } else {
        err_set(err, ERR_USAGE, "%s has %d GGUF files; choose one as in %s:Q4_K_M: %s%s",
                name->repo, named, name->repo, names.data, named > MAX_NAMED ? " ..." : "");
    }
    buf_free(&names);
    return list->gguf != NULL;
}

bool file_list_choose(struct file_list *list, const struct hub_name *name, struct err *err)
{
    struct repo_file *one = find_file(list, "model.safetensors");
    struct repo_file *index = find_file(list, "model.safetensors.index.json");
    int ggufs = 0;

    for (int i = 0; i < list->files; i++)
        ggufs += is_model_gguf(list->file[i].path);
    if (*name->file || (ggufs && !one && !index))
        return choose_gguf(list, name, err);
    if (!one && !index)
        return err_set(err, ERR_MODEL,
                       "%s has neither model.safetensors nor a GGUF file; this program can open "
                       "nothing else",
                       name->repo);
    if (!find_file(list, "config.json"))
        return err_set(err, ERR_MODEL, "%s has no config.json beside its weights", name->repo);
    if (one)
        one->wanted = true;
    else
        list->index = index->path, index->wanted = true;
    for (size_t i = 0; i < sizeof(companion_files) / sizeof(*companion_files); i++) {
        struct repo_file *f = find_file(list, companion_files[i]);

        if (f)
            f->wanted = true;
    }
    return true;
}

bool file_list_shards(struct file_list *list, const char *json, size_t n, struct err *err)
{
    json_t *root = read_json(json, n, "model.safetensors.index.json", err), *value;
    json_t *map = json_object_get(root, "weight_map");
    bool ok = root != NULL;
    const char *key;

    if (ok && (!json_is_object(map) || !json_object_size(map)))
        ok = err_set(err, ERR_FORMAT, "model.safetensors.index.json names no files");
    json_object_foreach(map, key, value)
    {
        const char *path = json_string_value(value);
        struct repo_file *f = path ? find_file(list, path) : NULL;

        if (ok && (!f || !file_ends_in_any_case(f->path, ".safetensors")))
            ok = err_set(err, ERR_FORMAT,
                         "model.safetensors.index.json names '%.80s', which is not a safetensors "
                         "file of the repository",
                         path && repo_path_valid(path) ? path : "an invalid path");
        else if (ok)
            f->wanted = true;
    }
    json_decref(root);
    return ok;
}

void file_list_free(struct file_list *list)
{
    for (int i = 0; i < list->files; i++)
        free(list->file[i].path);
    free(list->file);
    *list = (struct file_list){0};
}
