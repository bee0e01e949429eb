/* Builds a tokenizer from the files used before tokenizer.json existed: vocab.json and merges.txt,
 * with tokenizer_config.json, special_tokens_map.json, added_tokens.json and config.json for the
 * family and the special tokens. Converts them to the JSON of a tokenizer.json, as transformers
 * does, and builds that. */
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/tokenizer/tokenizer_json.h"

#define MERGES_LIMIT ((size_t)256 << 20)

#define QWEN2_WORDS                                                                          \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]" \
    "+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* The files of one folder, parsed; NULL: there is no such file. */
struct folder {
    json_t *vocab, *settings, *specials, *added, *config;
    json_t *merges; /* array of "left right" */
};

enum folder_kind { FOLDER_GPT2, FOLDER_QWEN2 };

static const struct {
    const char *name; /* tokenizer_class, without Fast; or model_type */
    enum folder_kind kind;
} classes[] = {
    {"GPT2Tokenizer", FOLDER_GPT2}, {"Qwen2Tokenizer", FOLDER_QWEN2}, {"gpt2", FOLDER_GPT2},
    {"qwen2", FOLDER_QWEN2},        {"qwen3", FOLDER_QWEN2},
};

/* The family, by tokenizer_class or model_type. ERR_MODEL: unknown. */
static bool folder_kind_of(const struct folder *f, enum folder_kind *kind, struct err *err)
{
    const char *name = json_string_value(json_object_get(f->settings, "tokenizer_class"));
    size_t len;

    if (!name)
        name = json_string_value(json_object_get(f->config, "tokenizer_class"));
    if (!name)
        name = json_string_value(json_object_get(f->config, "model_type"));
    *kind = FOLDER_GPT2;
    if (!name && json_object_get(f->vocab, "<|endoftext|>"))
        return true; /* GPT-2 was published as these two files alone */
    if (!name)
        return err_set(err, ERR_MODEL,
                       "vocab.json and merges.txt are not enough: neither tokenizer_config.json "
                       "nor config.json says which family they belong to");
    len = strlen(name);
    if (len > 4 && !strcmp(name + len - 4, "Fast"))
        len -= 4;
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
        if (strlen(classes[i].name) == len && !strncmp(classes[i].name, name, len)) {
            *kind = classes[i].kind;
            return true;
        }
    return err_set(err, ERR_MODEL,
                   "tokenizers of class '%.60s' are read from tokenizer.json only, and there is "
                   "none here",
                   name);
}

/* --- added tokens ---------------------------------------------------------------------- */

/* A token's text, given as text or as {"content": text}; or NULL. */
static const char *content_of(const json_t *token)
{
    return json_string_value(json_is_object(token) ? json_object_get(token, "content") : token);
}

/* The entry of `roles` (special_tokens_map.json or tokenizer_config.json) that gives this text a
 * role, such as bos_token; or NULL. */
static const json_t *role_of(const json_t *roles, const char *text)
{
    static const char *const key[] = {"bos_token", "eos_token",  "unk_token", "pad_token",
                                      "sep_token", "mask_token", "cls_token"};
    const json_t *more = json_object_get(roles, "additional_special_tokens");

    for (size_t i = 0; i < sizeof(key) / sizeof(*key); i++) {
        const json_t *token = json_object_get(roles, key[i]);

        if (content_of(token) && !strcmp(content_of(token), text))
            return token;
    }
    for (size_t i = 0; i < json_array_size(more); i++) {
        const json_t *token = json_array_get(more, i);

        if (content_of(token) && !strcmp(content_of(token), text))
            return token;
    }
    return NULL;
}

/* Appends {id, content, flags} to the list of added tokens. */
static void put_added(json_t *list, json_int_t id, const char *text, const json_t *flags,
                      bool special)
{
    static const char *const key[] = {"single_word", "lstrip", "rstrip"};
    json_t *token = json_object();

    json_object_set_new(token, "id", json_integer(id));
    json_object_set_new(token, "content", json_string(text));
    json_object_set_new(token, "special", json_boolean(special));
    json_object_set_new(token, "normalized",
                        json_boolean(json_flag(flags, "normalized", !special)));
    for (size_t i = 0; i < sizeof(key) / sizeof(*key); i++)
        json_object_set_new(token, key[i], json_boolean(json_flag(flags, key[i], false)));
    json_array_append_new(list, token);
}

static int compare_added(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *)a, "id"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *)b, "id"));

    return x < y ? -1 : x > y;
}

/* The list sorted by id, since tokens that are not in the vocabulary get ids by their order. Frees
 * `list`. */
static json_t *sort_by_id(json_t *list)
{
    size_t n = json_array_size(list);
    json_t **item = xcalloc(n + 1, sizeof(*item)), *out = json_array();

    for (size_t i = 0; i < n; i++)
        item[i] = json_array_get(list, i);
    qsort(item, n, sizeof(*item), compare_added);
    for (size_t i = 0; i < n; i++)
        json_array_append(out, item[i]);
    free(item);
    json_decref(list);
    return out;
}

static bool id_of_key(const char *key, json_int_t *id)
{
    char *end;

    *id = strtoll(key, &end, 10);
    return *key >= '0' && *key <= '9' && !*end;
}

/* Newer folders: added_tokens_decoder of tokenizer_config.json has each token with its flags. */
static bool add_listed_tokens(const struct folder *f, json_t *list, struct err *err)
{
    json_t *all = json_object_get(f->settings, "added_tokens_decoder"), *token;
    const char *key;

    json_object_foreach(all, key, token)
    {
        json_int_t id;

        if (!id_of_key(key, &id) || !content_of(token))
            return err_set(err, ERR_MODEL,
                           "tokenizer_config.json: added_tokens_decoder has no token '%.40s'", key);
        put_added(list, id, content_of(token), token, json_flag(token, "special", false));
    }
    return true;
}

/* Older folders: added_tokens.json is {text: id}; a token with a role is special. */
static bool add_unlisted_tokens(const struct folder *f, json_t *list, struct err *err)
{
    json_t *id;
    const char *text;

    json_object_foreach(f->added, text, id)
    {
        const json_t *role = role_of(f->specials, text);

        if (!role)
            role = role_of(f->settings, text);
        if (!json_is_integer(id))
            return err_set(err, ERR_MODEL,
                           "added_tokens.json: the id of '%.40s' is not a whole number", text);
        put_added(list, json_integer_value(id), text, role, role != NULL);
    }
    return true;
}

/* Tokens of the vocabulary itself that have a role, such as GPT-2's <|endoftext|>. */
static void add_roles(const struct folder *f, const json_t *roles, json_t *list)
{
    const char *text;
    json_t *id;

    json_object_foreach(f->vocab, text, id)
    {
        const json_t *role = role_of(roles, text);

        if (role && !json_object_get(f->added, text) && json_is_integer(id))
            put_added(list, json_integer_value(id), text, role, true);
    }
}

static json_t *collect_added_tokens(const struct folder *f, struct err *err)
{
    json_t *list = json_array();

    if (json_object_get(f->settings, "added_tokens_decoder") ? !add_listed_tokens(f, list, err)
                                                             : !add_unlisted_tokens(f, list, err)) {
        json_decref(list);
        return NULL;
    }
    if (!json_object_get(f->settings, "added_tokens_decoder"))
        add_roles(f, f->specials ? f->specials : f->settings, list);
    return sort_by_id(list);
}

/* --- the whole ------------------------------------------------------------------------- */

/* Defaults of GPT-2 and Qwen2 for special tokens that no file names. */
static void default_roles(struct folder *f)
{
    static const char end[] = "<|endoftext|>";

    if (!f->settings)
        f->settings = json_object();
    if (f->specials) {
        const char *key;
        json_t *value;

        json_object_foreach(f->specials, key, value) if (!json_object_get(f->settings, key))
            json_object_set(f->settings, key, value);
    }
    if (!json_object_get(f->settings, "eos_token") &&
        (json_object_get(f->vocab, end) || json_object_get(f->added, end)))
        json_object_set_new(f->settings, "eos_token", json_string(end));
    if (!f->specials)
        f->specials = json_incref(f->settings);
}

static json_t *folder_to_json(const struct folder *f, enum folder_kind kind, json_t *added)
{
    bool qwen = kind == FOLDER_QWEN2;
    bool space = json_flag(f->settings, "add_prefix_space", false);
    json_t *bytes = json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space",
                              !qwen && space, "trim_offsets", 0, "use_regex", !qwen);
    json_t *model =
        json_pack("{s:s, s:O, s:O}", "type", "BPE", "vocab", f->vocab, "merges", f->merges);
    json_t *pre = json_incref(bytes), *normalizer = json_null();

    if (qwen) {
        json_decref(pre);
        pre = json_pack("{s:s, s:[{s:s, s:{s:s}, s:s, s:b}, O]}", "type", "Sequence",
                        "pretokenizers", "type", "Split", "pattern", "Regex", QWEN2_WORDS,
                        "behavior", "Isolated", "invert", 0, bytes);
        normalizer = json_pack("{s:s}", "type", "NFC");
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "version", "1.0", "model", model,
                     "added_tokens", added, "normalizer", normalizer, "pre_tokenizer", pre,
                     "decoder", bytes);
}

/* merges.txt: lines "left right", best first; "#version" and empty lines are skipped. */
static json_t *read_merges(const char *path, struct err *err)
{
    size_t len, number = 0;
    char *text = file_read_text(path, MERGES_LIMIT, &len, err), *line = text, *end;
    json_t *list = text ? json_array() : NULL;

    for (; list && line < text + len; line = end + 1) {
        size_t n;

        number++;
        end = memchr(line, '\n', (size_t)(text + len - line));
        if (!end)
            end = text + len;
        n = (size_t)(end - line);
        if (n && line[n - 1] == '\r')
            n--;
        if (!n || (n >= 8 && !strncmp(line, "#version", 8)))
            continue;
        if (json_array_append_new(list, json_stringn(line, n))) { /* jansson checks UTF-8 */
            err_set(err, ERR_MODEL, "merges.txt: line %zu is not UTF-8", number);
            json_decref(list);
            list = NULL;
        }
    }
    free(text);
    return list;
}

/* *out = NULL and true if there is no such file. */
static bool read_object(const char *folder, const char *name, size_t flags, json_t **out,
                        struct err *err)
{
    char *path = xasprintf("%s/%s", folder, name);
    bool there = file_exists(path);

    *out = there ? json_object_file(path, flags, err) : NULL;
    free(path);
    return !there || *out;
}

static bool folder_read(struct folder *f, const char *path, struct err *err)
{
    char *merges = xasprintf("%s/merges.txt", path);
    bool ok =
        read_object(path, "vocab.json", JSON_REJECT_DUPLICATES, &f->vocab, err) &&
        read_object(path, "tokenizer_config.json", JSON_DECODE_INT_AS_REAL, &f->settings, err) &&
        read_object(path, "special_tokens_map.json", 0, &f->specials, err) &&
        read_object(path, "added_tokens.json", JSON_REJECT_DUPLICATES, &f->added, err) &&
        read_object(path, "config.json", JSON_DECODE_INT_AS_REAL, &f->config, err) &&
        (f->merges = read_merges(merges, err));

    free(merges);
    return ok;
}

static void folder_free(struct folder *f)
{
    json_decref(f->vocab);
    json_decref(f->settings);
    json_decref(f->specials);
    json_decref(f->added);
    json_decref(f->config);
    json_decref(f->merges);
}

static struct tokenizer *tokenizer_from_parts(const char *path, struct err *err)
{
    struct folder f = {0};
    struct tokenizer *t = NULL;
    enum folder_kind kind = FOLDER_GPT2;
    json_t *added, *root;

    if (folder_read(&f, path, err) && folder_kind_of(&f, &kind, err)) {
        default_roles(&f);
        added = collect_added_tokens(&f, err);
        root = added ? folder_to_json(&f, kind, added) : NULL;
        t = root ? tokenizer_build(root, f.settings, err) : NULL;
        json_decref(root);
    }
    folder_free(&f);
    if (!t)
        err_in(err, "%s", path);
    return t;
}

struct tokenizer *tokenizer_from_folder(const char *path, struct err *err)
{
    struct tokenizer *t;
    char *whole;

    if (file_in_folder(path, "tokenizer.json")) {
        whole = xasprintf("%s/tokenizer.json", path);
        t = tokenizer_from_json(whole, err);
        free(whole);
        return t;
    }
    if (file_in_folder(path, "vocab.json") && file_in_folder(path, "merges.txt"))
        return tokenizer_from_parts(path, err);
    err_set(err, ERR_MODEL, "%s: no tokenizer: there is no tokenizer.json, and no vocab.json%s",
            path,
            file_in_folder(path, "tokenizer.model")
                ? " with merges.txt; tokenizer.model alone is not read, transformers writes "
                  "tokenizer.json from it (save_pretrained)"
                : " with merges.txt");
    return NULL;
}
