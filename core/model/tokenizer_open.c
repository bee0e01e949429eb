#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/tokenizer.h"
#include "core/model/weights.h"

static int token_id(const struct weights *weights, const char *key)
{
    long long id;

    if (!weights_meta_int(weights, key, &id))
        return -1;
    return id < 0 || id > 0x7fffffff ? 0x7fffffff : (int)id; /* refused as out of range later */
}

static struct tokenizer *from_gguf(const struct weights *weights, struct err *err)
{
    struct vocab vocab = {.bos = token_id(weights, "tokenizer.ggml.bos_token_id"),
                          .eos = token_id(weights, "tokenizer.ggml.eos_token_id"),
                          .pad = token_id(weights, "tokenizer.ggml.padding_token_id")};
    const char **text = NULL, **merge = NULL, *kind, *pre;
    size_t *len = NULL, *merge_len = NULL, kind_len = 0, pre_len = 0;
    int *type = NULL;
    struct tokenizer *t = NULL;
    long count, merges, types;
    long long add_bos = -1;
    char *name = NULL;

    kind = weights_meta_text(weights, "tokenizer.ggml.model", &kind_len);
    pre = weights_meta_text(weights, "tokenizer.ggml.pre", &pre_len);
    count = weights_meta_strings(weights, "tokenizer.ggml.tokens", &text, &len);
    merges = weights_meta_strings(weights, "tokenizer.ggml.merges", &merge, &merge_len);
    types = weights_meta_ints(weights, "tokenizer.ggml.token_type", &type);
    weights_meta_int(weights, "tokenizer.ggml.add_bos_token", &add_bos);
    if (!kind || kind_len != 4 || memcmp(kind, "gpt2", 4) != 0) {
        err_set(err, ERR_MODEL,
                "tokenizer.ggml.model is '%.*s'; only gpt2 (byte-level BPE) is known",
                kind_len < 40 ? (int)kind_len : 40, kind ? kind : "");
    } else if (count < 1 || merges < 0 || count > 0x7fffffff || merges > 0x7fffffff) {
        err_set(err, ERR_MODEL, "tokenizer.ggml.tokens or tokenizer.ggml.merges is missing");
    } else if (types >= 0 && types != count) {
        err_set(err, ERR_MODEL, "tokenizer.ggml.token_type has %ld entries for %ld tokens", types,
                count);
    } else {
        name = pre ? xasprintf("%.*s", pre_len < 200 ? (int)pre_len : 200, pre) : NULL;
        vocab.count = (int)count;
        vocab.text = text;
        vocab.len = len;
        vocab.type = types >= 0 ? type : NULL;
        vocab.merge_count = (int)merges;
        vocab.merge = merge;
        vocab.merge_len = merge_len;
        vocab.pre = name;
        vocab.add_bos = add_bos < 0 ? -1 : add_bos != 0;
        t = tokenizer_from_vocab(&vocab, err);
    }
    free(name);
    free(text);
    free(len);
    free(merge);
    free(merge_len);
    free(type);
    return t;
}

struct tokenizer *tokenizer_open(const struct weights *weights, struct err *err)
{
    int rows = weights_config(weights)->vocab;
    struct tokenizer *t;
    char *path;

    if (!strcmp(weights_format(weights), "gguf")) {
        t = from_gguf(weights, err);
        if (!t)
            err_in(err, "%s", weights_path(weights));
    } else {
        path = xasprintf("%s/tokenizer.json", weights_dir(weights));
        t = tokenizer_from_json(path, err);
        free(path);
    }
    if (t && tokenizer_vocab(t) > rows) {
        err_set(err, ERR_MODEL, "%s: the tokenizer has ids up to %d, the model embeds %d",
                weights_path(weights), tokenizer_vocab(t) - 1, rows);
        tokenizer_free(t);
        return NULL;
    }
    return t;
}
