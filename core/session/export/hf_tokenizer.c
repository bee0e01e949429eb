/* Writes tokenizer.json and tokenizer_config.json of transformers from a GGUF file's vocabulary.
 *
 * Two kinds of vocabularies are known: byte-level BPE ("gpt2" in the file), whose text splitting is
 * named by tokenizer.ggml.pre, and SentencePiece BPE ("llama"), which has scores instead of
 * merges. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/session/export/export.h"

enum { TYPE_UNKNOWN = 2, TYPE_CONTROL = 3, TYPE_USER_DEFINED = 4, TYPE_UNUSED = 5 };

#define QWEN2                                                                                 \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+" \
    "[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LLAMA3                                                                 \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| " \
    "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* How texts are split, by the value of tokenizer.ggml.pre. */
static const struct family {
    const char *pre, *regex; /* regex NULL: the one built into ByteLevel */
    bool digits, nfc, ignore_merges, add_bos;
} families[] = {
    {"gpt-2", NULL, false, false, false, false},     {"smollm", NULL, true, false, false, false},
    {"starcoder", NULL, true, false, false, false},  {"qwen2", QWEN2, false, true, false, false},
    {"llama-bpe", LLAMA3, false, false, true, true}, {"llama3", LLAMA3, false, false, true, true},
    {"llama-v3", LLAMA3, false, false, true, true},
};

struct vocabulary {
    const char **text, **merge;
    size_t *len, *merge_len;
    int *type;
    long count, merges;
    const struct family *family;
    long long bos, eos, pad, unk, add_bos;
    bool spm;     /* SentencePiece; family is NULL */
    bool prefix;  /* SentencePiece: a blank is put before each text */
    float *score; /* SentencePiece: [count] */
};

static void vocabulary_free(struct vocabulary *v)
{
    free(v->text);
    free(v->len);
    free(v->merge);
    free(v->merge_len);
    free(v->type);
    free(v->score);
}

/* A token id from the metadata; -1: none, or outside the vocabulary. */
static long long id_of(const struct weights *w, const struct vocabulary *v, const char *key)
{
    long long id;

    return weights_meta_int(w, key, &id) && id >= 0 && id < v->count ? id : -1;
}

static bool is_text(const char *text, size_t len, const char *want)
{
    return text && len == strlen(want) && !memcmp(text, want, len);
}

/* Reads what kind of vocabulary it is: scores, or the family of a byte-level one. */
static bool read_kind(const struct weights *w, struct vocabulary *v, struct err *err)
{
    size_t kind_len = 0, pre_len = 0;
    const char *kind = weights_meta_text(w, "tokenizer.ggml.model", &kind_len);
    const char *pre = weights_meta_text(w, "tokenizer.ggml.pre", &pre_len);
    long long space = 1;

    if (is_text(kind, kind_len, "llama")) {
        v->spm = true;
        weights_meta_int(w, "tokenizer.ggml.add_space_prefix", &space);
        v->prefix = space != 0;
        return weights_meta_floats(w, "tokenizer.ggml.scores", &v->score) == v->count ||
               err_set(err, ERR_USAGE, "the file has no tokenizer.ggml.scores");
    }
    if (!is_text(kind, kind_len, "gpt2"))
        return err_set(
            err, ERR_USAGE,
            "the file's vocabulary '%.*s' cannot be written as tokenizer.json (only gpt2 "
            "and llama can); use --as gguf, lora or delta",
            kind_len < 40 ? (int)kind_len : 40, kind ? kind : "");
    for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
        if (is_text(pre, pre_len, families[i].pre))
            v->family = &families[i];
    if (!v->family)
        return err_set(err, ERR_USAGE,
                       "tokenizer.ggml.pre '%.*s' cannot be written as tokenizer.json; use --as "
                       "gguf, lora or delta",
                       pre_len < 40 ? (int)pre_len : 40, pre ? pre : "");
    return v->merges >= 0 || err_set(err, ERR_USAGE, "the file has no tokenizer.ggml.merges");
}

static bool read_vocabulary(const struct weights *w, struct vocabulary *v, struct err *err)
{
    *v = (struct vocabulary){.add_bos = -1};
    v->count = weights_meta_strings(w, "tokenizer.ggml.tokens", &v->text, &v->len);
    v->merges = weights_meta_strings(w, "tokenizer.ggml.merges", &v->merge, &v->merge_len);
    if (weights_meta_ints(w, "tokenizer.ggml.token_type", &v->type) != v->count) {
        free(v->type);
        v->type = NULL;
    }
    v->bos = id_of(w, v, "tokenizer.ggml.bos_token_id");
    v->eos = id_of(w, v, "tokenizer.ggml.eos_token_id");
    v->pad = id_of(w, v, "tokenizer.ggml.padding_token_id");
    v->unk = id_of(w, v, "tokenizer.ggml.unknown_token_id");
    weights_meta_int(w, "tokenizer.ggml.add_bos_token", &v->add_bos);
    if (v->count < 1)
        return err_set(err, ERR_USAGE, "the file has no tokenizer.ggml.tokens");
    return read_kind(w, v, err);
}

/* A token's type (TYPE_...); 1 is normal text. */
static int type_of(const struct vocabulary *v, long id)
{
    return v->type ? v->type[id] : 1;
}

static json_t *token_text(const struct vocabulary *v, long id)
{
    return json_stringn(v->text[id], v->len[id]);
}

static void json_put(json_t *o, const char *key, json_t *value)
{
    json_object_set_new(o, key, value);
}

/* {"type": TYPE}, the start of every step in tokenizer.json. */
static json_t *typed_json(const char *type)
{
    json_t *o = json_object();

    json_put(o, "type", json_string(type));
    return o;
}

static json_t *byte_level_json(bool regex)
{
    json_t *o = typed_json("ByteLevel");

    json_put(o, "add_prefix_space", json_false());
    json_put(o, "trim_offsets", json_true());
    json_put(o, "use_regex", json_boolean(regex));
    return o;
}

/* How a text is split before merging: a regular expression, or single digits, then bytes. */
static json_t *pre_tokenizer_json(const struct family *f)
{
    json_t *o, *list, *step;

    if (!f->digits && !f->regex)
        return byte_level_json(true);
    o = typed_json("Sequence");
    list = json_array();
    if (f->digits) {
        step = typed_json("Digits");
        json_put(step, "individual_digits", json_true());
    } else {
        json_t *pattern = json_object();

        step = typed_json("Split");
        json_put(pattern, "Regex", json_string(f->regex));
        json_put(step, "pattern", pattern);
        json_put(step, "behavior", json_string("Isolated"));
        json_put(step, "invert", json_false());
    }
    json_array_append_new(list, step);
    json_array_append_new(list, byte_level_json(!f->regex));
    json_put(o, "pretokenizers", list);
    return o;
}

/* Whether the beginning-of-text token is put before each text. */
static bool adds_bos(const struct vocabulary *v)
{
    return v->bos >= 0 && (v->add_bos < 0 ? v->spm || v->family->add_bos : v->add_bos != 0);
}

/* One item of a template: {KIND: {"id": ..., "type_id": ...}}. */
static json_t *template_item(const char *kind, json_t *id, int type)
{
    json_t *o = json_object(), *inner = json_object();

    json_put(inner, "id", id);
    json_put(inner, "type_id", json_integer(type));
    json_put(o, kind, inner);
    return o;
}

/* Puts the beginning-of-text token before one text, and before each of a pair. */
static json_t *post_processor_json(const struct vocabulary *v)
{
    json_t *o, *single, *pair, *tokens, *token, *ids, *texts;
    char *bos;

    if (!adds_bos(v))
        return v->spm ? json_null() : byte_level_json(true);
    bos = xasprintf("%.*s", (int)v->len[v->bos], v->text[v->bos]);
    o = typed_json("TemplateProcessing");
    single = json_array();
    json_array_append_new(single, template_item("SpecialToken", json_string(bos), 0));
    json_array_append_new(single, template_item("Sequence", json_string("A"), 0));
    pair = json_array();
    json_array_append_new(pair, template_item("SpecialToken", json_string(bos), 0));
    json_array_append_new(pair, template_item("Sequence", json_string("A"), 0));
    json_array_append_new(pair, template_item("SpecialToken", json_string(bos), 1));
    json_array_append_new(pair, template_item("Sequence", json_string("B"), 1));
    token = json_object();
    ids = json_array();
    texts = json_array();
    json_array_append_new(ids, json_integer(v->bos));
    json_array_append_new(texts, json_string(bos));
    json_put(token, "id", json_string(bos));
    json_put(token, "ids", ids);
    json_put(token, "tokens", texts);
    tokens = json_object();
    json_put(tokens, bos, token);
    json_put(o, "single", single);
    json_put(o, "pair", pair);
    json_put(o, "special_tokens", tokens);
    free(bos);
    return o;
}

/* Appends the tokens that are matched before the text is split: control and user-defined ones. */
static bool added_tokens(const struct vocabulary *v, json_t *list, struct err *err)
{
    for (long id = 0; id < v->count; id++) {
        int type = type_of(v, id);
        json_t *o;

        if (type != TYPE_CONTROL && type != TYPE_UNKNOWN && type != TYPE_USER_DEFINED)
            continue;
        o = json_object();
        json_put(o, "id", json_integer(id));
        if (json_object_set_new(o, "content", token_text(v, id))) {
            json_decref(o);
            return err_set(err, ERR_USAGE, "token %ld is not UTF-8", id);
        }
        json_put(o, "single_word", json_false());
        json_put(o, "lstrip", json_false());
        json_put(o, "rstrip", json_false());
        json_put(o, "normalized", json_false());
        json_put(o, "special", json_boolean(type != TYPE_USER_DEFINED));
        json_array_append_new(list, o);
    }
    return true;
}

/* --- the model -------------------------------------------------------------------------- */

/* The map from token text to id. */
static bool add_vocabulary(const struct vocabulary *v, json_t *vocab, struct err *err)
{
    for (long id = 0; id < v->count; id++)
        if (type_of(v, id) != TYPE_UNUSED && /* unused ids pad the embedding */
            (!v->len[id] || json_object_setn_new(vocab, v->text[id], v->len[id], json_integer(id))))
            return err_set(err, ERR_USAGE, "token %ld is empty or not UTF-8", id);
    return true;
}

/* SentencePiece has no list of merges: of two neighbouring pieces it merges the pair whose union
 * has the highest score. The same as a list, best first: every cut of every token into two
 * tokens. */
struct cut {
    float score;
    long id;
    size_t at; /* bytes of the left part */
};

/* Order of merging: highest score first, then lowest id, then leftmost cut. */
static int compare_cuts(const void *a, const void *b)
{
    const struct cut *x = a, *y = b;

    int order = number_order((double)y->score, (double)x->score);

    if (order)
        return order;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* Whether a token can be a part of a merge: normal text or user-defined. */
static bool is_piece(const struct vocabulary *v, const json_t *id)
{
    int type = id ? type_of(v, (long)json_integer_value(id)) : TYPE_UNUSED;

    return type == 1 || type == TYPE_USER_DEFINED;
}

/* All cuts of all normal tokens into two pieces, in merge order. Caller frees. */
static struct cut *find_cuts(const struct vocabulary *v, const json_t *vocab, size_t *count)
{
    struct cut *cut = NULL;
    size_t room = 0;

    *count = 0;
    for (long id = 0; id < v->count; id++)
        for (size_t at = 1; type_of(v, id) == 1 && at < v->len[id]; at++) {
            const char *text = v->text[id];

            if (((unsigned char)text[at] & 0xc0) == 0x80 || /* inside a UTF-8 character */
                !is_piece(v, json_object_getn(vocab, text, at)) ||
                !is_piece(v, json_object_getn(vocab, text + at, v->len[id] - at)))
                continue;
            if (*count == room) {
                room = room ? 2 * room : 1024;
                cut = xrealloc(cut, room * sizeof(*cut));
            }
            cut[(*count)++] = (struct cut){v->score[id], id, at};
        }
    if (*count)
        qsort(cut, *count, sizeof(*cut), compare_cuts);
    return cut;
}

static void add_cuts(const struct vocabulary *v, const json_t *vocab, json_t *merges)
{
    size_t count;
    struct cut *cut = find_cuts(v, vocab, &count);

    for (size_t i = 0; i < count; i++) {
        const char *text = v->text[cut[i].id];
        json_t *pair = json_array();

        json_array_append_new(pair, json_stringn(text, cut[i].at));
        json_array_append_new(pair, json_stringn(text + cut[i].at, v->len[cut[i].id] - cut[i].at));
        json_array_append_new(merges, pair);
    }
    free(cut);
}

static bool add_merges(const struct vocabulary *v, json_t *merges, struct err *err)
{
    for (long i = 0; i < v->merges; i++)
        if (json_array_append_new(merges, json_stringn(v->merge[i], v->merge_len[i])))
            return err_set(err, ERR_USAGE, "merge %ld is not UTF-8", i);
    return true;
}

/* The model: vocabulary and merges. */
static json_t *bpe_json(const struct vocabulary *v, struct err *err)
{
    json_t *o = typed_json("BPE"), *vocab = json_object(), *merges = json_array();
    bool ok = add_vocabulary(v, vocab, err) && (v->spm || add_merges(v, merges, err));

    if (ok && v->spm)
        add_cuts(v, vocab, merges);
    json_put(o, "dropout", json_null());
    json_put(o, "unk_token", v->spm && v->unk >= 0 ? token_text(v, (long)v->unk) : json_null());
    json_put(o, "continuing_subword_prefix", json_null());
    json_put(o, "end_of_word_suffix", json_null());
    json_put(o, "fuse_unk", json_boolean(v->spm));
    json_put(o, "byte_fallback", json_boolean(v->spm));
    json_put(o, "ignore_merges", json_boolean(v->family && v->family->ignore_merges));
    json_put(o, "vocab", vocab);
    json_put(o, "merges", merges);
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

#define BLANK "\xe2\x96\x81" /* U+2581, SentencePiece's space */

static json_t *replace_json(const char *from, const char *to)
{
    json_t *o = typed_json("Replace"), *pattern = json_object();

    json_put(pattern, "String", json_string(from));
    json_put(o, "pattern", pattern);
    json_put(o, "content", json_string(to));
    return o;
}

/* SentencePiece: blanks become U+2581, and one is put in front if `prefix`. */
static json_t *normalizer_json(const struct vocabulary *v)
{
    json_t *o, *list, *first;

    if (!v->spm)
        return v->family->nfc ? typed_json("NFC") : json_null();
    if (!v->prefix)
        return replace_json(" ", BLANK);
    o = typed_json("Sequence");
    list = json_array();
    first = typed_json("Prepend");
    json_put(first, "prepend", json_string(BLANK));
    json_array_append_new(list, first);
    json_array_append_new(list, replace_json(" ", BLANK));
    json_put(o, "normalizers", list);
    return o;
}

/* The way back from tokens to text. */
static json_t *decoder_json(const struct vocabulary *v)
{
    json_t *o, *list, *strip;

    if (!v->spm)
        return byte_level_json(true);
    o = typed_json("Sequence");
    list = json_array();
    json_array_append_new(list, replace_json(BLANK, " "));
    json_array_append_new(list, typed_json("ByteFallback"));
    json_array_append_new(list, typed_json("Fuse"));
    if (v->prefix) {
        strip = typed_json("Strip");
        json_put(strip, "content", json_string(" "));
        json_put(strip, "start", json_integer(1));
        json_put(strip, "stop", json_integer(0));
        json_array_append_new(list, strip);
    }
    json_put(o, "decoders", list);
    return o;
}

/* --- the files -------------------------------------------------------------------------- */

static bool dump_json(json_t *root, struct buf *out, struct err *err)
{
    char *text = json_dumps(root, JSON_INDENT(1));

    if (text)
        buf_puts(out, text);
    free(text);
    return text || err_set(err, ERR_LIMIT, "not enough memory for tokenizer.json");
}

static bool put_tokenizer(const struct vocabulary *v, struct buf *out, struct err *err)
{
    json_t *root = json_object(), *added = json_array(), *model = bpe_json(v, err);
    bool ok = model && added_tokens(v, added, err);

    json_put(root, "version", json_string("1.0"));
    json_put(root, "truncation", json_null());
    json_put(root, "padding", json_null());
    json_put(root, "added_tokens", added);
    json_put(root, "normalizer", normalizer_json(v));
    json_put(root, "pre_tokenizer", v->spm ? json_null() : pre_tokenizer_json(v->family));
    json_put(root, "post_processor", post_processor_json(v));
    json_put(root, "decoder", decoder_json(v));
    if (model)
        json_put(root, "model", model);
    ok = ok && dump_json(root, out, err);
    json_decref(root);
    return ok;
}

static void put_token(json_t *o, const char *key, const struct vocabulary *v, long long id)
{
    if (id >= 0)
        json_put(o, key, token_text(v, (long)id));
}

static bool put_settings(const struct weights *w, const struct vocabulary *v, struct buf *out,
                         struct err *err)
{
    json_t *root = json_object();
    const char *chat;
    size_t len = 0;
    bool ok;

    json_put(root, "tokenizer_class", json_string("PreTrainedTokenizerFast"));
    json_put(root, "add_bos_token", json_boolean(adds_bos(v)));
    json_put(root, "clean_up_tokenization_spaces", json_false());
    json_put(root, "model_max_length", json_integer(weights_config(w)->context));
    put_token(root, "bos_token", v, v->bos);
    put_token(root, "eos_token", v, v->eos);
    put_token(root, "pad_token", v, v->pad);
    put_token(root, "unk_token", v, v->unk);
    chat = weights_meta_text(w, "tokenizer.chat_template", &len);
    if (chat)
        json_put(root, "chat_template", json_stringn(chat, len));
    ok = dump_json(root, out, err);
    json_decref(root);
    return ok;
}

bool hf_tokenizer(const struct weights *w, struct buf *tokenizer, struct buf *config,
                  struct err *err)
{
    struct vocabulary v;
    bool ok = read_vocabulary(w, &v, err) && put_tokenizer(&v, tokenizer, err) &&
              put_settings(w, &v, config, err);

    vocabulary_free(&v);
    return ok;
}
