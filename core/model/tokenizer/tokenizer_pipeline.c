/* Reads the pipeline of a tokenizer.json: normalizer, pre-tokenizer, decoder and post-processor.
 * Each part has a "type", or is a "Sequence" of parts. A type or an option that is not implemented
 * is refused by name. Example, Llama-2:
 *
 *    "normalizer":    Sequence of Prepend "▁" and Replace " " by "▁"
 *    "pre_tokenizer": null
 *    "decoder":       Sequence of Replace "▁" by " ", ByteFallback, Fuse, Strip one " "
 *    "post_processor": TemplateProcessing: <s> before the text */
#include <stdio.h>
#include <string.h>

#include "core/model/tokenizer/tokenizer_json.h"

enum { MAX_NESTING = 8, MOST_STRIPPED = 16 };

static const char *type_of(const json_t *part)
{
    const char *type = json_string_value(json_object_get(part, "type"));

    return type ? type : "(no type)";
}

static const char *text_of(const json_t *part, const char *key)
{
    const char *text = json_string_value(json_object_get(part, key));

    return text ? text : "";
}

/* Calls take() for a part, or for each part of a Sequence of them. */
static bool each_part(struct tokenizer *t, const json_t *part, const char *what, const char *list,
                      bool (*take)(struct tokenizer *, const json_t *, struct err *), int depth,
                      struct err *err)
{
    const json_t *parts;

    if (!part || json_is_null(part))
        return true;
    if (!json_is_object(part))
        return err_set(err, ERR_MODEL, "%s is not an object", what);
    if (strcmp(type_of(part), "Sequence") != 0)
        return take(t, part, err);
    parts = json_object_get(part, list);
    if (!json_is_array(parts))
        return err_set(err, ERR_MODEL, "%s: Sequence without a list '%s'", what, list);
    if (depth == MAX_NESTING)
        return err_set(err, ERR_MODEL, "%s: Sequences nested over %d deep", what, MAX_NESTING);
    for (size_t i = 0; i < json_array_size(parts); i++)
        if (!each_part(t, json_array_get(parts, i), what, list, take, depth + 1, err))
            return false;
    return true;
}

/* The fixed string that a part searches for; NULL: a regular expression, or nothing. */
static const char *pattern_of(const json_t *part)
{
    return json_string_value(json_object_get(json_object_get(part, "pattern"), "String"));
}

static bool read_normalizer(struct tokenizer *t, const json_t *part, struct err *err)
{
    const char *type = type_of(part);

    if (!strcmp(type, "NFC"))
        return normalizer_add(&t->normalizer, NORMAL_NFC, "", "", err);
    if (!strcmp(type, "Prepend"))
        return normalizer_add(&t->normalizer, NORMAL_PREPEND, "", text_of(part, "prepend"), err);
    if (strcmp(type, "Replace") != 0)
        return err_set(err, ERR_MODEL,
                       "normalizer '%.60s' is not supported; NFC, Prepend and Replace are", type);
    if (!pattern_of(part))
        return err_set(err, ERR_MODEL,
                       "normalizer 'Replace' of a regular expression is not supported");
    return normalizer_add(&t->normalizer, NORMAL_REPLACE, pattern_of(part),
                          text_of(part, "content"), err);
}

/* The known expressions match every character, so that "Removed" with "invert", which removes the
 * text between matches, removes nothing. */
static bool read_regex(struct tokenizer *t, const json_t *part, const char *regex,
                       const char *behavior, struct err *err)
{
    enum split_kind kind;

    if (!pretok_known(regex, &kind))
        return err_set(
            err, ERR_MODEL,
            "pre-tokenizer 'Split': this regular expression is not one of GPT-2, Llama-3 "
            "or Qwen2: %.150s",
            regex);
    if (strcmp(behavior, "Isolated") != 0 &&
        (strcmp(behavior, "Removed") != 0 || !json_flag(part, "invert", false)))
        return err_set(err, ERR_MODEL, "pre-tokenizer 'Split': behavior '%.40s' is not supported",
                       behavior);
    return pretok_add(t->pretok, kind, err);
}

static bool read_split(struct tokenizer *t, const json_t *part, struct err *err)
{
    static const char *const name[] = {"Isolated", "Removed", "MergedWithPrevious",
                                       "MergedWithNext"};
    const char *regex =
        json_string_value(json_object_get(json_object_get(part, "pattern"), "Regex"));
    const char *behavior = text_of(part, "behavior"), *text = pattern_of(part);

    if (regex)
        return read_regex(t, part, regex, behavior, err);
    if (!text || !*text || strlen(text) >= NORMAL_TEXT)
        return err_set(err, ERR_MODEL, "pre-tokenizer 'Split' without a usable pattern");
    for (int i = 0; i < 4 && !json_flag(part, "invert", false); i++)
        if (!strcmp(behavior, name[i]))
            return pretok_add_text(t->pretok, text, (enum split_behavior)i, err);
    return err_set(err, ERR_MODEL, "pre-tokenizer 'Split': behavior '%.40s'%s is not supported",
                   behavior, json_flag(part, "invert", false) ? " inverted" : "");
}

/* prepend_scheme ("always", "first", "never"); older files have add_prefix_space, true or false. */
static const char *scheme_of(const json_t *part)
{
    const char *scheme = json_string_value(json_object_get(part, "prepend_scheme"));

    if (scheme)
        return scheme;
    return json_flag(part, "add_prefix_space", true) ? "always" : "never";
}

/* Metaspace: spaces become "▁", one is put before the text, and each begins a new piece. */
static bool read_metaspace(struct tokenizer *t, const json_t *part, struct err *err)
{
    const char *mark = text_of(part, "replacement"), *scheme = scheme_of(part);
    bool first = !strcmp(scheme, "first"), never = !strcmp(scheme, "never");

    if (pretok_steps(t->pretok) || t->lead.count)
        return err_set(err, ERR_MODEL,
                       "pre-tokenizer 'Metaspace' after other steps is not supported");
    if (!*mark || (!first && !never && strcmp(scheme, "always") != 0))
        return err_set(err, ERR_MODEL,
                       "pre-tokenizer 'Metaspace': replacement '%.20s', prepend_scheme '%.20s' "
                       "are not supported",
                       mark, scheme);
    return normalizer_add(&t->lead, NORMAL_REPLACE, " ", mark, err) &&
           (never ||
            normalizer_add(&t->lead, first ? NORMAL_FIRST : NORMAL_PREFIX, "", mark, err)) &&
           (!json_flag(part, "split", true) ||
            pretok_add_text(t->pretok, mark, SPLIT_WITH_NEXT, err));
}

static bool read_pre_tokenizer(struct tokenizer *t, const json_t *part, struct err *err)
{
    const char *type = type_of(part);

    if (!strcmp(type, "Split"))
        return read_split(t, part, err);
    if (!strcmp(type, "Metaspace"))
        return read_metaspace(t, part, err);
    if (!strcmp(type, "Digits"))
        return pretok_add(t->pretok,
                          json_flag(part, "individual_digits", false) ? SPLIT_DIGIT : SPLIT_DIGITS,
                          err);
    if (strcmp(type, "ByteLevel") != 0)
        return err_set(err, ERR_MODEL,
                       "pre-tokenizer '%.60s' is not supported; ByteLevel, Digits, Metaspace and "
                       "Split are",
                       type);
    if (json_flag(part, "add_prefix_space", true)) {
        if (pretok_steps(t->pretok) || t->lead.count)
            return err_set(err, ERR_MODEL,
                           "pre-tokenizer 'ByteLevel' with add_prefix_space after other steps is "
                           "not supported");
        if (!normalizer_add(&t->lead, NORMAL_PREFIX, "", " ", err))
            return false;
    }
    return !json_flag(part, "use_regex", true) || pretok_add(t->pretok, SPLIT_GPT2, err);
}

/* Whether the pre-tokenizer contains ByteLevel: then the vocabulary is a byte-level one. */
static bool is_byte_level(const json_t *part, int depth)
{
    const json_t *parts = json_object_get(part, "pretokenizers");

    if (depth > MAX_NESTING)
        return false;
    for (size_t i = 0; i < json_array_size(parts); i++)
        if (is_byte_level(json_array_get(parts, i), depth + 1))
            return true;
    return !strcmp(type_of(part), "ByteLevel");
}

static bool set_blank(struct tokenizer *t, const char *blank, struct err *err)
{
    if (!*blank || strlen(blank) >= sizeof(t->blank) || *t->blank)
        return err_set(err, ERR_MODEL, "decoder: '%.20s' for a space is not supported", blank);
    snprintf(t->blank, sizeof(t->blank), "%s", blank);
    return true;
}

static bool read_strip(struct tokenizer *t, const json_t *part, struct err *err)
{
    json_int_t start = json_integer_value(json_object_get(part, "start"));
    json_int_t stop = json_integer_value(json_object_get(part, "stop"));

    if (strcmp(text_of(part, "content"), " ") != 0 || start < 0 || start > MOST_STRIPPED || stop)
        return err_set(err, ERR_MODEL, "decoder 'Strip' of %lld and %lld '%.20s' is not supported",
                       (long long)start, (long long)stop, text_of(part, "content"));
    t->strip = (int)start;
    return true;
}

static bool read_decoder(struct tokenizer *t, const json_t *part, struct err *err)
{
    const char *type = type_of(part);

    if (!strcmp(type, t->bpe.characters ? "Fuse" : "ByteLevel"))
        return true;
    if (t->bpe.characters && !strcmp(type, "ByteFallback"))
        return true; /* add_model() reads byte_fallback from the model */
    if (t->bpe.characters && !strcmp(type, "Strip"))
        return read_strip(t, part, err);
    if (t->bpe.characters && !strcmp(type, "Replace") && pattern_of(part) &&
        !strcmp(text_of(part, "content"), " "))
        return set_blank(t, pattern_of(part), err);
    if (t->bpe.characters && !strcmp(type, "Metaspace")) {
        t->strip = strcmp(scheme_of(part), "never") != 0;
        return set_blank(t, text_of(part, "replacement"), err);
    }
    return err_set(err, ERR_MODEL, "decoder '%.60s' is not supported after %s", type,
                   t->bpe.characters
                       ? "SentencePiece's pieces; Replace (to a space), ByteFallback, "
                         "Fuse, Strip and Metaspace are"
                       : "ByteLevel; ByteLevel is");
}

bool pipeline_read(struct tokenizer *t, const json_t *root, struct err *err)
{
    const json_t *pre = json_object_get(root, "pre_tokenizer");

    t->bpe.characters = !is_byte_level(pre, 0);
    if (!each_part(t, json_object_get(root, "normalizer"), "normalizer", "normalizers",
                   read_normalizer, 0, err) ||
        !each_part(t, pre, "pre-tokenizer", "pretokenizers", read_pre_tokenizer, 0, err) ||
        !each_part(t, json_object_get(root, "decoder"), "decoder", "decoders", read_decoder, 0,
                   err))
        return false;
    return !t->bpe.characters || *t->blank ||
           err_set(
               err, ERR_MODEL,
               "supported are byte-level tokenizers, and SentencePiece's, whose decoder replaces "
               "a character by spaces; this one is neither");
}

/* Takes the ids of the special tokens before the text from the template for a single text. */
static bool read_template(struct tokenizer *t, const json_t *part, struct err *err)
{
    const json_t *single = json_object_get(part, "single"), *item;

    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *special = json_object_get(json_array_get(single, i), "SpecialToken");
        const char *name = json_string_value(json_object_get(special, "id"));

        if (!special)
            return true; /* the text itself; what follows it is not added (tokenizer_encode()) */
        item = name ? json_object_get(json_object_get(part, "special_tokens"), name) : NULL;
        item = json_object_get(item, "ids");
        for (size_t k = 0; k < json_array_size(item); k++) {
            json_int_t id = json_integer_value(json_array_get(item, k));

            if (!json_is_integer(json_array_get(item, k)) || id < 0 || id >= t->bpe.count ||
                t->prefix_count == TOKENIZER_PREFIX)
                return err_set(err, ERR_MODEL,
                               "post-processor: id %lld of '%.40s' is not in the vocabulary, or "
                               "one of too many",
                               (long long)id, name);
            t->prefix[t->prefix_count++] = (int)id;
        }
        if (!json_array_size(item))
            return err_set(err, ERR_MODEL, "post-processor: no ids for token '%.40s'",
                           name ? name : "");
    }
    return true;
}

static bool read_post_processor(struct tokenizer *t, const json_t *part, struct err *err)
{
    if (!strcmp(type_of(part), "TemplateProcessing"))
        return read_template(t, part, err);
    if (!strcmp(type_of(part), "ByteLevel"))
        return true;
    return err_set(err, ERR_MODEL,
                   "post-processor '%.60s' is not supported; ByteLevel and TemplateProcessing are",
                   type_of(part));
}

bool pipeline_prefix(struct tokenizer *t, const json_t *root, struct err *err)
{
    return each_part(t, json_object_get(root, "post_processor"), "post-processor", "processors",
                     read_post_processor, 0, err);
}
