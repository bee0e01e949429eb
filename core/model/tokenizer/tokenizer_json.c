/* Builds a tokenizer from a tokenizer.json: vocabulary, merges, added tokens, and BOS and EOS from
 * tokenizer_config.json. tokenizer_pipeline.c reads the other parts. */
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/tokenizer/tokenizer_json.h"

#define FILE_LIMIT ((size_t)256 << 20)

bool json_flag(const json_t *part, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(part, key);

    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

/* Whether a member is missing, null or the empty string. */
static bool is_blank(const json_t *part, const char *key)
{
    const json_t *value = json_object_get(part, key);

    return !value || json_is_null(value) || (json_is_string(value) && !json_string_length(value));
}

static bool add_vocab(struct tokenizer *t, json_t *vocab, struct err *err)
{
    const char *text;
    json_t *id;

    json_object_foreach(vocab, text, id)
    {
        if (!json_is_integer(id))
            return err_set(err, ERR_MODEL, "vocabulary: the id of '%.40s' is not a whole number",
                           text);
        if (!bpe_add(&t->bpe, json_integer_value(id), text, strlen(text), err))
            return false;
    }
    return true;
}

/* "left right" in older files, ["left", "right"] in newer ones. */
static bool add_merge(struct tokenizer *t, const json_t *merge, int rank, struct err *err)
{
    const json_t *pair[2] = {json_array_get(merge, 0), json_array_get(merge, 1)};
    const char *text = json_string_value(merge), *gap;

    if (text && (gap = strchr(text, ' ')) && !strchr(gap + 1, ' '))
        return bpe_merge(&t->bpe, rank, (struct bpe_text){text, (size_t)(gap - text)},
                         (struct bpe_text){gap + 1, strlen(gap + 1)}, err);
    if (json_array_size(merge) == 2 && json_is_string(pair[0]) && json_is_string(pair[1]))
        return bpe_merge(&t->bpe, rank,
                         (struct bpe_text){json_string_value(pair[0]), json_string_length(pair[0])},
                         (struct bpe_text){json_string_value(pair[1]), json_string_length(pair[1])},
                         err);
    return err_set(err, ERR_MODEL, "merge %d is not a pair of tokens", rank);
}

/* Refuses model types and options other than plain BPE. */
static bool check_model(const json_t *model, struct err *err)
{
    const char *type = json_string_value(json_object_get(model, "type"));
    const json_t *dropout = json_object_get(model, "dropout");

    if (!json_is_object(model))
        return err_set(err, ERR_MODEL, "there is no 'model'");
    if (type && strcmp(type, "BPE") != 0)
        return err_set(err, ERR_MODEL, "model type '%.60s' is not supported; BPE is", type);
    if (!json_is_object(json_object_get(model, "vocab")) ||
        !json_is_array(json_object_get(model, "merges")))
        return err_set(err, ERR_MODEL, "the model has no 'vocab' or no 'merges'");
    if (json_array_size(json_object_get(model, "merges")) > BPE_MAX_ID ||
        json_object_size(json_object_get(model, "vocab")) > BPE_MAX_ID)
        return err_set(err, ERR_MODEL, "the model has more than %d tokens or merges", BPE_MAX_ID);
    if (json_is_number(dropout) && json_number_value(dropout) != 0)
        return err_set(err, ERR_MODEL, "BPE with dropout is not supported");
    if (!is_blank(model, "continuing_subword_prefix") || !is_blank(model, "end_of_word_suffix"))
        return err_set(err, ERR_MODEL,
                       "BPE with continuing_subword_prefix or end_of_word_suffix "
                       "is not supported");
    return true;
}

/* byte_fallback is on. A byte-level vocabulary must then have a token for every byte. In a
 * SentencePiece vocabulary some may be missing: Gemma has a token for the tab character and none
 * for its byte. */
static bool enable_byte_fallback(struct tokenizer *t, struct err *err)
{
    t->bpe.fallback = t->bpe.characters;
    for (int byte = 0; byte < 256 && !t->bpe.characters; byte++)
        if (t->bpe.byte_id[byte] < 0)
            return err_set(err, ERR_MODEL,
                           "byte_fallback with byte 0x%02x missing is not supported",
                           (unsigned)byte);
    return true;
}

static bool add_model(struct tokenizer *t, const json_t *model, struct err *err)
{
    const json_t *merges = json_object_get(model, "merges");
    const json_t *unk = json_object_get(model, "unk_token");

    if (!add_vocab(t, json_object_get(model, "vocab"), err))
        return false;
    for (size_t i = 0; i < json_array_size(merges); i++)
        if (!add_merge(t, json_array_get(merges, i), (int)i, err))
            return false;
    t->bpe.ignore_merges = json_flag(model, "ignore_merges", false);
    t->bpe.fuse_unk = json_flag(model, "fuse_unk", false);
    bpe_end(&t->bpe);
    if (json_flag(model, "byte_fallback", false) && !enable_byte_fallback(t, err))
        return false;
    if (json_is_string(unk)) {
        t->bpe.unk = bpe_find(&t->bpe, json_string_value(unk), json_string_length(unk));
        if (t->bpe.unk < 0)
            return err_set(err, ERR_MODEL, "unk_token '%.40s' is not in the vocabulary",
                           json_string_value(unk));
    }
    return true;
}

/* Ids are assigned as the tokenizers library does: a text in the vocabulary keeps its id, another
 * one gets the next free id. A file whose own "id" says otherwise is refused, since it is unknown
 * which of the two the model was trained with. */
static bool add_added_token(struct tokenizer *t, const json_t *item, int *next, struct err *err)
{
    const json_t *content = json_object_get(item, "content"), *id = json_object_get(item, "id");
    const char *text = json_string_value(content);
    size_t len = json_string_length(content);
    struct added_token token = {.special = json_flag(item, "special", false),
                                .single_word = json_flag(item, "single_word", false),
                                .lstrip = json_flag(item, "lstrip", false),
                                .rstrip = json_flag(item, "rstrip", false)};

    if (!text)
        return err_set(err, ERR_MODEL, "an added token has no 'content'");
    if (!len)
        return true;
    token.id = bpe_find(&t->bpe, text, len);
    if (token.id < 0) {
        token.id = (*next)++;
        if (!bpe_add(&t->bpe, token.id, text, len, err))
            return false;
    }
    if (json_is_integer(id) && json_integer_value(id) != token.id)
        return err_set(err, ERR_MODEL, "added token '%.40s' has id %lld, but its place gives %d",
                       text, (long long)json_integer_value(id), token.id);
    return tokenizer_add_special(t, token, text, len, json_flag(item, "normalized", !token.special),
                                 err);
}

static bool add_added_tokens(struct tokenizer *t, const json_t *list, struct err *err)
{
    int next = t->bpe.tokens;

    for (size_t i = 0; i < json_array_size(list); i++)
        if (!add_added_token(t, json_array_get(list, i), &next, err))
            return false;
    return true;
}

static struct tokenizer *build_tokenizer(const json_t *root, struct err *err)
{
    const char *version = json_string_value(json_object_get(root, "version"));
    const json_t *model = json_object_get(root, "model");
    const json_t *added = json_object_get(root, "added_tokens");
    struct tokenizer *t;

    if (!version || strcmp(version, "1.0") != 0) {
        err_set(err, ERR_MODEL, "version is '%.20s', not 1.0", version ? version : "missing");
        return NULL;
    }
    if (!check_model(model, err))
        return NULL;
    if (json_array_size(added) > BPE_MAX_ID) {
        err_set(err, ERR_MODEL, "there are more than %d added tokens", BPE_MAX_ID);
        return NULL;
    }
    t = tokenizer_begin(
        (int)(json_object_size(json_object_get(model, "vocab")) + json_array_size(added)),
        (int)json_array_size(json_object_get(model, "merges")));
    if (pipeline_read(t, root, err) && add_model(t, model, err) &&
        add_added_tokens(t, added, err) && pipeline_prefix(t, root, err)) {
        tokenizer_end(t);
        return t;
    }
    tokenizer_free(t);
    return NULL;
}

/* The id of a token in tokenizer_config.json, given as text or as {"content": text}; or -1. */
static int config_token(const struct tokenizer *t, const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);

    if (json_is_object(value))
        value = json_object_get(value, "content");
    return json_is_string(value)
               ? bpe_find(&t->bpe, json_string_value(value), json_string_length(value))
               : -1;
}

static void apply_config(struct tokenizer *t, const json_t *config)
{
    t->bos = config_token(t, config, "bos_token");
    t->eos = config_token(t, config, "eos_token");
    if (t->bos < 0 && t->prefix_count)
        t->bos = t->prefix[0];
    if (t->bos >= 0 && !t->prefix_count && json_flag(config, "add_bos_token", false))
        t->prefix[t->prefix_count++] = t->bos;
}

static json_t *load_object(const char *name, const char *text, size_t len, size_t flags,
                           struct err *err)
{
    json_error_t problem;
    json_t *root = json_loadb(text, len, flags, &problem);

    if (!root)
        err_set(err, ERR_MODEL, "%s, line %d: %s", name, problem.line, problem.text);
    else if (!json_is_object(root))
        err_set(err, ERR_MODEL, "%s is not a JSON object", name);
    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

struct tokenizer *tokenizer_build(const json_t *root, const json_t *config, struct err *err)
{
    struct tokenizer *t = build_tokenizer(root, err);

    if (t)
        apply_config(t, config);
    return t;
}

json_t *json_object_file(const char *path, size_t flags, struct err *err)
{
    size_t len;
    char *text = file_read_text(path, FILE_LIMIT, &len, err);
    json_t *root = text ? load_object(file_name(path), text, len, flags, err) : NULL;

    free(text);
    return root;
}

struct tokenizer *tokenizer_parse(const char *json, size_t len, const char *config,
                                  size_t config_len, struct err *err)
{
    json_t *root = load_object("JSON", json, len, JSON_REJECT_DUPLICATES, err), *settings = NULL;
    struct tokenizer *t = NULL;

    if (root && config)
        /* Llama's has model_max_length 10^30, which only Python reads as an integer */
        settings =
            load_object("tokenizer_config.json", config, config_len, JSON_DECODE_INT_AS_REAL, err);
    if (root && (settings || !config))
        t = tokenizer_build(root, settings, err);
    json_decref(settings);
    json_decref(root);
    return t;
}

struct tokenizer *tokenizer_from_json(const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash - path + 1) : 0;
    char *config_path = xasprintf("%.*stokenizer_config.json", folder, path), *json, *config = NULL;
    size_t len = 0, config_len = 0;
    struct tokenizer *t = NULL;

    json = file_read_text(path, FILE_LIMIT, &len, err);
    if (json && file_exists(config_path))
        config = file_read_text(config_path, FILE_LIMIT, &config_len, err);
    if (json && (config || !file_exists(config_path)))
        t = tokenizer_parse(json, len, config, config_len, err);
    if (!t && json) /* file_read_text() has named the file already if it could not read it */
        err_in(err, "%s", path);
    free(json);
    free(config);
    free(config_path);
    return t;
}
