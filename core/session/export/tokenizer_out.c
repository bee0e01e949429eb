/* tokenizer.json and tokenizer_config.json from the vocabulary in a GGUF file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/session/export/export.h"

enum { TYPE_UNKNOWN = 2, TYPE_CONTROL = 3, TYPE_USER_DEFINED = 4, TYPE_UNUSED = 5 };

#define QWEN2                                                                                 \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+" \
    "[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define LLAMA3                                                                 \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| " \
    "?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* What tokenizer.ggml.pre stands for. */
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
};

static void vocabulary_free(struct vocabulary *v)
{
    free(v->text);
    free(v->len);
    free(v->merge);
    free(v->merge_len);
    free(v->type);
}

static long long id_of(const struct weights *w, const struct vocabulary *v, const char *key)
{
    long long id;

    return weights_meta_int(w, key, &id) && id >= 0 && id < v->count ? id : -1;
}

static bool read_vocabulary(const struct weights *w, struct vocabulary *v, struct err *err)
{
    size_t kind_len = 0, pre_len = 0;
    const char *kind = weights_meta_text(w, "tokenizer.ggml.model", &kind_len);
    const char *pre = weights_meta_text(w, "tokenizer.ggml.pre", &pre_len);

    *v = (struct vocabulary){.add_bos = -1};
    if (!kind || kind_len != 4 || memcmp(kind, "gpt2", 4))
        return err_set(err, ERR_USAGE,
                       "the file's vocabulary is '%.*s': a tokenizer.json is made of gpt2's kind "
                       "(byte-level BPE) alone; --as gguf, lora and delta are possible",
                       kind_len < 40 ? (int)kind_len : 40, kind ? kind : "");
    for (size_t i = 0; pre && i < sizeof(families) / sizeof(*families); i++)
        if (strlen(families[i].pre) == pre_len && !memcmp(families[i].pre, pre, pre_len))
            v->family = &families[i];
    if (!v->family)
        return err_set(err, ERR_USAGE,
                       "tokenizer.ggml.pre is '%.*s', which no tokenizer.json is "
                       "made of here",
                       pre_len < 40 ? (int)pre_len : 40, pre ? pre : "");
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
    return (v->count > 0 && v->merges >= 0) ||
           err_set(err, ERR_USAGE, "the file has no tokenizer.ggml.tokens or no merges");
}

static int type_of(const struct vocabulary *v, long id)
{
    return v->type ? v->type[id] : 1;
}

static json_t *token_text(const struct vocabulary *v, long id)
{
    return json_stringn(v->text[id], v->len[id]);
}

static void set(json_t *o, const char *key, json_t *value)
{
    json_object_set_new(o, key, value);
}

static json_t *of_type(const char *type)
{
    json_t *o = json_object();

    set(o, "type", json_string(type));
    return o;
}

static json_t *byte_level(bool regex)
{
    json_t *o = of_type("ByteLevel");

    set(o, "add_prefix_space", json_false());
    set(o, "trim_offsets", json_true());
    set(o, "use_regex", json_boolean(regex));
    return o;
}

static json_t *pre_tokenizer(const struct family *f)
{
    json_t *o, *list, *step;

    if (!f->digits && !f->regex)
        return byte_level(true);
    o = of_type("Sequence");
    list = json_array();
    if (f->digits) {
        step = of_type("Digits");
        set(step, "individual_digits", json_true());
    } else {
        json_t *pattern = json_object();

        step = of_type("Split");
        set(pattern, "Regex", json_string(f->regex));
        set(step, "pattern", pattern);
        set(step, "behavior", json_string("Isolated"));
        set(step, "invert", json_false());
    }
    json_array_append_new(list, step);
    json_array_append_new(list, byte_level(!f->regex));
    set(o, "pretokenizers", list);
    return o;
}

/* Whether texts begin with the beginning-of-text token. */
static bool begins(const struct vocabulary *v)
{
    return v->bos >= 0 && (v->add_bos < 0 ? v->family->add_bos : v->add_bos != 0);
}

static json_t *item(const char *kind, json_t *id, int type)
{
    json_t *o = json_object(), *inner = json_object();

    set(inner, "id", id);
    set(inner, "type_id", json_integer(type));
    set(o, kind, inner);
    return o;
}

static json_t *post_processor(const struct vocabulary *v)
{
    json_t *o, *single, *pair, *tokens, *token, *ids, *texts;
    char *bos;

    if (!begins(v))
        return byte_level(true);
    bos = xasprintf("%.*s", (int)v->len[v->bos], v->text[v->bos]);
    o = of_type("TemplateProcessing");
    single = json_array();
    json_array_append_new(single, item("SpecialToken", json_string(bos), 0));
    json_array_append_new(single, item("Sequence", json_string("A"), 0));
    pair = json_array();
    json_array_append_new(pair, item("SpecialToken", json_string(bos), 0));
    json_array_append_new(pair, item("Sequence", json_string("A"), 0));
    json_array_append_new(pair, item("SpecialToken", json_string(bos), 1));
    json_array_append_new(pair, item("Sequence", json_string("B"), 1));
    token = json_object();
    ids = json_array();
    texts = json_array();
    json_array_append_new(ids, json_integer(v->bos));
    json_array_append_new(texts, json_string(bos));
    set(token, "id", json_string(bos));
    set(token, "ids", ids);
    set(token, "tokens", texts);
    tokens = json_object();
    set(tokens, bos, token);
    set(o, "single", single);
    set(o, "pair", pair);
    set(o, "special_tokens", tokens);
    free(bos);
    return o;
}

static bool added_tokens(const struct vocabulary *v, json_t *list, struct err *err)
{
    for (long id = 0; id < v->count; id++) {
        int type = type_of(v, id);
        json_t *o;

        if (type != TYPE_CONTROL && type != TYPE_UNKNOWN && type != TYPE_USER_DEFINED)
            continue;
        o = json_object();
        set(o, "id", json_integer(id));
        if (json_object_set_new(o, "content", token_text(v, id))) {
            json_decref(o);
            return err_set(err, ERR_USAGE, "token %ld is not UTF-8", id);
        }
        set(o, "single_word", json_false());
        set(o, "lstrip", json_false());
        set(o, "rstrip", json_false());
        set(o, "normalized", json_false());
        set(o, "special", json_boolean(type != TYPE_USER_DEFINED));
        json_array_append_new(list, o);
    }
    return true;
}

static json_t *bpe_model(const struct vocabulary *v, struct err *err)
{
    json_t *o = of_type("BPE"), *vocab = json_object(), *merges = json_array();
    bool ok = true;

    set(o, "dropout", json_null());
    set(o, "unk_token", json_null());
    set(o, "continuing_subword_prefix", json_null());
    set(o, "end_of_word_suffix", json_null());
    set(o, "fuse_unk", json_false());
    set(o, "byte_fallback", json_false());
    set(o, "ignore_merges", json_boolean(v->family->ignore_merges));
    for (long id = 0; ok && id < v->count; id++)
        if (type_of(v, id) != TYPE_UNUSED) /* padding of the embedding: no text is it */
            ok = (v->len[id] &&
                  !json_object_setn_new(vocab, v->text[id], v->len[id], json_integer(id))) ||
                 err_set(err, ERR_USAGE, "token %ld is empty or not UTF-8", id);
    for (long i = 0; ok && i < v->merges; i++)
        ok = !json_array_append_new(merges, json_stringn(v->merge[i], v->merge_len[i])) ||
             err_set(err, ERR_USAGE, "merge %ld is not UTF-8", i);
    set(o, "vocab", vocab);
    set(o, "merges", merges);
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}

static bool put_json(json_t *root, struct buf *out, struct err *err)
{
    char *text = json_dumps(root, JSON_INDENT(1));

    if (text)
        buf_puts(out, text);
    free(text);
    return text || err_set(err, ERR_LIMIT, "no memory for a tokenizer.json");
}

static bool put_tokenizer(const struct vocabulary *v, struct buf *out, struct err *err)
{
    json_t *root = json_object(), *added = json_array(), *model = bpe_model(v, err);
    bool ok = model && added_tokens(v, added, err);

    set(root, "version", json_string("1.0"));
    set(root, "truncation", json_null());
    set(root, "padding", json_null());
    set(root, "added_tokens", added);
    set(root, "normalizer", v->family->nfc ? of_type("NFC") : json_null());
    set(root, "pre_tokenizer", pre_tokenizer(v->family));
    set(root, "post_processor", post_processor(v));
    set(root, "decoder", byte_level(true));
    if (model)
        set(root, "model", model);
    ok = ok && put_json(root, out, err);
    json_decref(root);
    return ok;
}

static void put_token(json_t *o, const char *key, const struct vocabulary *v, long long id)
{
    if (id >= 0)
        set(o, key, token_text(v, (long)id));
}

static bool put_settings(const struct weights *w, const struct vocabulary *v, struct buf *out,
                         struct err *err)
{
    json_t *root = json_object();
    const char *chat;
    size_t len = 0;
    bool ok;

    set(root, "tokenizer_class", json_string("PreTrainedTokenizerFast"));
    set(root, "add_bos_token", json_boolean(begins(v)));
    set(root, "clean_up_tokenization_spaces", json_false());
    set(root, "model_max_length", json_integer(weights_config(w)->context));
    put_token(root, "bos_token", v, v->bos);
    put_token(root, "eos_token", v, v->eos);
    put_token(root, "pad_token", v, v->pad);
    put_token(root, "unk_token", v, v->unk);
    chat = weights_meta_text(w, "tokenizer.chat_template", &len);
    if (chat)
        set(root, "chat_template", json_stringn(chat, len));
    ok = put_json(root, out, err);
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
