/* Finds the files of a tokenizer, and takes a vocabulary out of GGUF metadata. */
#include "core/model/vocabulary.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/file.h"
#include "core/base/mem.h"

static int token_id(const struct weights *weights, const char *key)
{
    long long id;

    if (!weights_meta_int(weights, key, &id))
        return -1;
    return id < 0 || id > 0x7fffffff ? 0x7fffffff : (int)id; /* too large: refused later */
}

/* The arrays tokenizer.ggml.* of a GGUF file. A count of -1 means that the array is missing. */
struct gguf_vocab {
    const char **text, **merge;
    size_t *len, *merge_len;
    int *type;
    float *score;
    long count, merges, types, scores;
    char *pre;
};

static void gguf_vocab_read(struct gguf_vocab *a, const struct weights *weights)
{
    size_t len = 0;
    const char *pre = weights_meta_text(weights, "tokenizer.ggml.pre", &len);

    *a = (struct gguf_vocab){0};
    a->count = weights_meta_strings(weights, "tokenizer.ggml.tokens", &a->text, &a->len);
    a->merges = weights_meta_strings(weights, "tokenizer.ggml.merges", &a->merge, &a->merge_len);
    a->types = weights_meta_ints(weights, "tokenizer.ggml.token_type", &a->type);
    a->scores = weights_meta_floats(weights, "tokenizer.ggml.scores", &a->score);
    a->pre = pre ? xasprintf("%.*s", len < 200 ? (int)len : 200, pre) : NULL;
}

static void gguf_vocab_free(struct gguf_vocab *a)
{
    free(a->pre);
    free(a->text);
    free(a->len);
    free(a->merge);
    free(a->merge_len);
    free(a->type);
    free(a->score);
}

static bool gguf_vocab_check(const struct gguf_vocab *a, bool spm, struct err *err)
{
    if (a->count < 1 || a->count > 0x7fffffff)
        return err_set(err, ERR_MODEL, "tokenizer.ggml.tokens is missing");
    if (!spm && (a->merges < 0 || a->merges > 0x7fffffff))
        return err_set(err, ERR_MODEL, "tokenizer.ggml.merges is missing");
    if (a->types >= 0 && a->types != a->count)
        return err_set(err, ERR_MODEL, "tokenizer.ggml.token_type has %ld entries for %ld tokens",
                       a->types, a->count);
    if (spm && a->scores != a->count)
        return err_set(err, ERR_MODEL, "tokenizer.ggml.scores has %ld entries for %ld tokens",
                       a->scores < 0 ? 0 : a->scores, a->count);
    return true;
}

static struct tokenizer *tokenizer_from_gguf_vocab(const struct weights *weights,
                                                   const struct gguf_vocab *a, bool spm,
                                                   struct err *err)
{
    long long add_bos = -1, add_space = 1;
    struct vocab vocab = {.spm = spm,
                          .count = (int)a->count,
                          .text = a->text,
                          .len = a->len,
                          .type = a->types >= 0 ? a->type : NULL,
                          .score = a->score,
                          .merge_count = spm ? 0 : (int)a->merges,
                          .merge = a->merge,
                          .merge_len = a->merge_len,
                          .pre = a->pre,
                          .bos = token_id(weights, "tokenizer.ggml.bos_token_id"),
                          .eos = token_id(weights, "tokenizer.ggml.eos_token_id"),
                          .pad = token_id(weights, "tokenizer.ggml.padding_token_id"),
                          .unk = token_id(weights, "tokenizer.ggml.unknown_token_id")};

    weights_meta_int(weights, "tokenizer.ggml.add_bos_token", &add_bos);
    weights_meta_int(weights, "tokenizer.ggml.add_space_prefix", &add_space);
    vocab.add_bos = add_bos < 0 ? -1 : add_bos != 0;
    vocab.no_space_prefix = !add_space;
    return tokenizer_from_vocab(&vocab, err);
}

struct tokenizer *tokenizer_from_gguf(const struct weights *weights, struct err *err)
{
    size_t len = 0;
    const char *kind = weights_meta_text(weights, "tokenizer.ggml.model", &len);
    bool bytes = kind && len == 4 && !memcmp(kind, "gpt2", 4);
    bool spm = kind && len == 5 && !memcmp(kind, "llama", 5);
    struct tokenizer *t = NULL;
    struct gguf_vocab a;

    gguf_vocab_read(&a, weights);
    if (!kind)
        err_set(err, ERR_MODEL, "the file has no vocabulary: tokenizer.ggml.model is missing");
    else if (!bytes && !spm)
        err_set(err, ERR_MODEL,
                "tokenizer.ggml.model is '%.*s'; gpt2 (byte-level BPE) and llama (SentencePiece "
                "BPE) are supported",
                len < 40 ? (int)len : 40, kind);
    else if (gguf_vocab_check(&a, spm, err))
        t = tokenizer_from_gguf_vocab(weights, &a, spm, err);
    gguf_vocab_free(&a);
    if (!t)
        err_in(err, "%s", weights_path(weights));
    return t;
}

struct tokenizer *tokenizer_open(const struct weights *weights, struct err *err)
{
    int rows = weights_config(weights)->vocab;
    bool gguf = !strcmp(weights_format(weights), "gguf");
    struct tokenizer *t =
        gguf ? tokenizer_from_gguf(weights, err) : tokenizer_from_folder(weights_dir(weights), err);

    if (t && !tokenizer_limit(t, rows, err)) {
        err_in(err, "%s", weights_path(weights));
        tokenizer_free(t);
        return NULL;
    }
    return t;
}

struct tokenizer *tokenizer_at(const char *path, struct err *err)
{
    const char *name = file_name(path);
    struct tokenizer *t = NULL;
    struct weights *weights;
    struct stat st;
    char *folder;

    if (stat(path, &st)) {
        err_set(err, ERR_MODEL, "%s: no such model", path);
        return NULL;
    }
    if (S_ISDIR(st.st_mode))
        return tokenizer_from_folder(path, err);
    if (weights_is_gguf(path)) {
        weights = weights_open_vocabulary(path, err);
        t = weights ? tokenizer_from_gguf(weights, err) : NULL;
        weights_close(weights);
        return t;
    }
    if (file_ends_in(path, ".json") && strcmp(name, "vocab.json") && strcmp(name, "config.json") &&
        strcmp(name, "tokenizer_config.json") && !file_ends_in(path, ".index.json"))
        return tokenizer_from_json(path, err);
    folder = xasprintf("%.*s", name > path ? (int)(name - path) : 1, name > path ? path : ".");
    t = tokenizer_from_folder(folder, err);
    free(folder);
    return t;
}
