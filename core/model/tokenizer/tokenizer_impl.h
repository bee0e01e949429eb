/* The members of a tokenizer, for the files that build one (from a GGUF vocabulary or a
 * tokenizer.json), encode and decode. */
#ifndef CORE_MODEL_TOKENIZER_TOKENIZER_IMPL_H
#define CORE_MODEL_TOKENIZER_TOKENIZER_IMPL_H

#include "core/model/tokenizer/added_tokens.h"
#include "core/model/tokenizer/bpe.h"
#include "core/model/tokenizer/normalize.h"
#include "core/model/tokenizer/pretokenize.h"
#include "core/model/tokenizer/tokenizer.h"

enum { TOKENIZER_PREFIX = 4 };

struct tokenizer {
    struct added_set raw, normal; /* tokens searched for before, and after, normalisation */
    struct normalizer normalizer; /* for the text between raw tokens */
    struct normalizer lead;       /* then, for the text between all of them */
    struct pretok *pretok;
    struct bpe bpe;
    char blank[NORMAL_TEXT]; /* how tokens write a space: "▁"; or empty */
    int strip;               /* number of leading spaces that decoding removes */
    bool cuts;               /* no merge crosses a blank, so words are encoded one by one */
    unsigned char *special;  /* (special_count) by id: 1 if it is a special token */
    int special_count;
    int prefix[TOKENIZER_PREFIX], prefix_count; /* ids that ENCODE_BOS puts before a text */
    int bos, eos;
};

/* A tokenizer without steps and tokens; its bpe has room for this many tokens and merges. Add
 * tokens, merges and special tokens, then call tokenizer_end(). */
struct tokenizer *tokenizer_begin(int tokens, int merges);
/* Makes a token of the vocabulary one that is searched for in texts, as they are or (`normalized`)
 * after normalisation. ERR_MODEL: its text is not UTF-8. */
bool tokenizer_add_special(struct tokenizer *t, struct added_token token, const char *text,
                           size_t len, bool normalized, struct err *err);
/* Call after the last token and merge. */
void tokenizer_end(struct tokenizer *t);
/* Builds a tokenizer from the text of tokenizer.json and tokenizer_config.json (NULL: none). */
struct tokenizer *tokenizer_parse(const char *json, size_t len, const char *config,
                                  size_t config_len, struct err *err);

#endif
