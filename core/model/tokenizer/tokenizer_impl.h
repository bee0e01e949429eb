/* The inside of a tokenizer, for the files that build one: GGUF vocabularies and tokenizer.json. */
#ifndef CORE_MODEL_TOKENIZER_TOKENIZER_IMPL_H
#define CORE_MODEL_TOKENIZER_TOKENIZER_IMPL_H

#include "core/model/tokenizer/added_tokens.h"
#include "core/model/tokenizer/bpe.h"
#include "core/model/tokenizer/normalize.h"
#include "core/model/tokenizer/pretokenize.h"
#include "core/model/tokenizer/tokenizer.h"

enum { TOKENIZER_PREFIX = 4 };

struct tokenizer {
    struct added_set raw, normal; /* sought before and after normalisation */
    struct normalizer normalizer; /* of what is between the raw ones */
    struct normalizer lead;       /* of what is between all of them */
    struct pretok *pretok;
    struct bpe bpe;
    char blank[NORMAL_TEXT]; /* what stands for a space inside tokens, "▁"; or empty */
    int strip;               /* spaces that a decoded text loses at its beginning */
    bool cuts;               /* no merge reaches over a blank: pieces are cut in front of them */
    unsigned char *special;  /* (special_count) by id */
    int special_count;
    int prefix[TOKENIZER_PREFIX], prefix_count; /* ids put before a text */
    int bos, eos;
};

/* One without pre-tokeniser steps or tokens; bpe has room for so many. */
struct tokenizer *tokenizer_begin(int tokens, int merges);
/* Marks a token of the vocabulary as one to be found in texts. ERR_MODEL: not UTF-8. */
bool tokenizer_add_special(struct tokenizer *t, struct added_token token, const char *text,
                           size_t len, bool normalized, struct err *err);
/* After the last token and merge. */
void tokenizer_end(struct tokenizer *t);
/* What tokenizer_from_json() does with the two files' text; config may be NULL. */
struct tokenizer *tokenizer_parse(const char *json, size_t len, const char *config,
                                  size_t config_len, struct err *err);

#endif
