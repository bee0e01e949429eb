/* Reads the Hub's answers and marks the files that make a model. */
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

enum { FILES_MOST = 100000, NAMED_MOST = 12 };

/* What surrounds the weights. */
static const char *const beside[] = {
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

/* One entry; what is no file, or one whose name is no path below a folder, is passed over. */
static bool add(struct file_list *p, const json_t *entry, struct err *err)
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
    if (p->files >= FILES_MOST)
        return err_set(err, ERR_LIMIT, "more than %d files: this is no model", FILES_MOST);
    if (!(p->files & (p->files - 1))) /* doubled at the powers of two */
        p->file = xrealloc(p->file, (size_t)(p->files ? 2 * p->files : 1) * sizeof(*p->file));
    f = &p->file[p->files++];
    *f = (struct repo_file){.path = xstrdup(path), .bytes = json_integer_value(size)};
    snprintf(f->etag, sizeof(f->etag), "%s", oid);
    return true;
}

bool file_list_add(struct file_list *p, const char *json, size_t n, struct err *err)
{
    json_t *root = read_json(json, n, "listing", err);
    bool ok = root != NULL;
    size_t i;
    json_t *entry;

    if (ok && !json_is_array(root))
        ok = err_set(err, ERR_FORMAT, "the Hub's listing is no list");
    json_array_foreach(root, i, entry)
    {
        ok = ok && add(p, entry, err);
    }
    json_decref(root);
    return ok;
}

static struct repo_file *find(const struct file_list *p, const char *path)
{
    for (int i = 0; i < p->files; i++)
        if (!strcmp(p->file[i].path, path))
            return &p->file[i];
    return NULL;
}

/* A model's own weights: no projector, none of several parts. */
static bool is_model_gguf(const char *path)
{
    const char *slash = strrchr(path, '/');

    return file_ends_in_any_case(path, ".gguf") &&
           strncasecmp(slash ? slash + 1 : path, "mmproj", 6) != 0;
}

static bool choose_gguf(struct file_list *p, const struct hub_name *name, struct err *err)
{
    struct buf names = {0};
    struct repo_file *found = NULL;
    int fits = 0, exact = 0, named = 0;

    for (int i = 0; i < p->files; i++) {
        struct repo_file *f = &p->file[i];

        if (!is_model_gguf(f->path))
            continue;
        if (named++ < NAMED_MOST)
            buf_printf(&names, "%s%s", names.len ? ", " : "", f->path);
        if (*name->file && !gguf_name_matches(f->path, name->file))
            continue;
        if (!exact)
            found = f;
        fits++;
        exact |= !strcmp(f->path, name->file);
    }
    if (found && (fits == 1 || exact)) {
        found->wanted = true;
        p->gguf = found->path;
    } else if (*name->file && !fits) {
        err_set(err, ERR_USAGE, "%s has no GGUF file '%.80s'; it has %s", name->repo, name->file,
                named ? names.data : "none");
    } else {
        err_set(err, ERR_USAGE, "%s has %d GGUF files; name one, as in %s:Q4_K_M, of %s%s",
                name->repo, named, name->repo, names.data, named > NAMED_MOST ? " ..." : "");
    }
    buf_free(&names);
    return p->gguf != NULL;
}

bool file_list_choose(struct file_list *p, const struct hub_name *name, struct err *err)
{
    struct repo_file *one = find(p, "model.safetensors");
    struct repo_file *index = find(p, "model.safetensors.index.json");
    int ggufs = 0;

    for (int i = 0; i < p->files; i++)
        ggufs += is_model_gguf(p->file[i].path);
    if (*name->file || (ggufs && !one && !index))
        return choose_gguf(p, name, err);
    if (!one && !index)
        return err_set(err, ERR_MODEL,
                       "%s has neither model.safetensors nor a GGUF file: no model this program "
                       "can open",
                       name->repo);
    if (!find(p, "config.json"))
        return err_set(err, ERR_MODEL, "%s has no config.json beside its weights", name->repo);
    if (one)
        one->wanted = true;
    else
        p->index = index->path, index->wanted = true;
    for (size_t i = 0; i < sizeof(beside) / sizeof(*beside); i++) {
        struct repo_file *f = find(p, beside[i]);

        if (f)
            f->wanted = true;
    }
    return true;
}

bool file_list_shards(struct file_list *p, const char *json, size_t n, struct err *err)
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
        struct repo_file *f = path ? find(p, path) : NULL;

        if (ok && (!f || !file_ends_in_any_case(f->path, ".safetensors")))
            ok = err_set(err, ERR_FORMAT,
                         "model.safetensors.index.json names '%.80s', which is no safetensors "
                         "file of the repository",
                         path && repo_path_valid(path) ? path : "what is no path");
        else if (ok)
            f->wanted = true;
    }
    json_decref(root);
    return ok;
}

void plan_free(struct file_list *p)
{
    for (int i = 0; i < p->files; i++)
        free(p->file[i].path);
    free(p->file);
    *p = (struct file_list){0};
}
