#include <string.h>

#include "core/model/tokenizer_impl.h"

enum { TYPE_UNKNOWN = 2, TYPE_CONTROL = 3, TYPE_USER_DEFINED = 4 };

/* What a GGUF file's tokenizer.ggml.pre stands for. */
static const struct family {
    const char *name;
    enum split_kind step[2];
    int steps;
    bool nfc, ignore_merges, add_bos;
} families[] = {
    {"gpt-2", {SPLIT_GPT2}, 1, false, false, false},
    {"smollm", {SPLIT_DIGIT, SPLIT_GPT2}, 2, false, false, false},
    {"starcoder", {SPLIT_DIGIT, SPLIT_GPT2}, 2, false, false, false},
    {"qwen2", {SPLIT_QWEN2}, 1, true, false, false},
    {"llama-bpe", {SPLIT_LLAMA3}, 1, false, true, true},
    {"llama3", {SPLIT_LLAMA3}, 1, false, true, true},
    {"llama-v3", {SPLIT_LLAMA3}, 1, false, true, true},
};

static const struct family *find_family(const char *pre, struct err *err)
{
    for (size_t i = 0; pre && i < sizeof(families) / sizeof(*families); i++)
        if (!strcmp(families[i].name, pre))
            return &families[i];
    err_set(err, ERR_MODEL,
            "tokenizer.ggml.pre is %s%.80s%s; known are smollm, starcoder, gpt-2, llama-bpe, qwen2",
            pre ? "'" : "", pre ? pre : "missing", pre ? "'" : "");
    return NULL;
}

static bool id_ok(const struct vocab *vocab, const char *name, int id, struct err *err)
{
    if (id >= -1 && id < vocab->count)
        return true;
    return err_set(err, ERR_MODEL, "the %s token's id is %d; the vocabulary has %d tokens", name,
                   id, vocab->count);
}

static bool add_tokens(struct tokenizer *t, const struct vocab *vocab, struct err *err)
{
    for (int id = 0; id < vocab->count; id++)
        if (!bpe_add(&t->bpe, id, vocab->text[id], vocab->len[id], err))
            return false;
    for (int id = 0; vocab->type && id < vocab->count; id++) {
        struct added_token token = {.id = id};

        token.special = vocab->type[id] == TYPE_CONTROL || vocab->type[id] == TYPE_UNKNOWN;
        if ((token.special || vocab->type[id] == TYPE_USER_DEFINED) &&
            !tokenizer_add_special(t, token, vocab->text[id], vocab->len[id], false, err))
            return false;
    }
    return true;
}

static bool add_merges(struct tokenizer *t, const struct vocab *vocab, struct err *err)
{
    for (int rank = 0; rank < vocab->merge_count; rank++) {
        const char *merge = vocab->merge[rank];
        size_t len = vocab->merge_len[rank];
        const char *gap = len ? memchr(merge, ' ', len) : NULL;
        size_t left = gap ? (size_t)(gap - merge) : 0;

        if (!gap || memchr(gap + 1, ' ', len - left - 1))
            return err_set(err, ERR_MODEL, "merge %d, '%.*s', is not two tokens and a space", rank,
                           len < 40 ? (int)len : 40, len ? merge : "");
        if (!bpe_merge(&t->bpe, rank, (struct bpe_text){merge, left},
                       (struct bpe_text){gap + 1, len - left - 1}, err))
            return false;
    }
    return true;
}

struct tokenizer *tokenizer_from_vocab(const struct vocab *vocab, struct err *err)
{
    const struct family *family = find_family(vocab->pre, err);
    struct tokenizer *t;
    bool ok;

    if (!family)
        return NULL;
    if (vocab->count < 1 || vocab->count > BPE_MAX_ID || vocab->merge_count < 0 ||
        vocab->merge_count > BPE_MAX_ID) {
        err_set(err, ERR_MODEL, "the vocabulary has %d tokens and %d merges; 1 to %d are possible",
                vocab->count, vocab->merge_count, BPE_MAX_ID);
        return NULL;
    }
    if (!id_ok(vocab, "bos", vocab->bos, err) || !id_ok(vocab, "eos", vocab->eos, err) ||
        !id_ok(vocab, "padding", vocab->pad, err))
        return NULL;
    t = tokenizer_begin(vocab->count, vocab->merge_count);
    t->nfc = family->nfc;
    t->bpe.ignore_merges = family->ignore_merges;
    t->bos = vocab->bos;
    t->eos = vocab->eos;
    t->pad = vocab->pad;
    if (t->bos >= 0 && (vocab->add_bos < 0 ? family->add_bos : vocab->add_bos > 0))
        t->prefix[t->prefix_count++] = t->bos;
    ok = add_tokens(t, vocab, err) && add_merges(t, vocab, err);
    for (int i = 0; ok && i < family->steps; i++)
        ok = pretok_add(t->pretok, family->step[i], err);
    if (!ok) {
        tokenizer_free(t);
        return NULL;
    }
    tokenizer_end(t);
    return t;
}
