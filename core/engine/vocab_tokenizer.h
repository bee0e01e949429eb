/* A model's tokenizer by itself, without an engine and without weights. Any thread. */
#ifndef CORE_ENGINE_VOCAB_TOKENIZER_H
#define CORE_ENGINE_VOCAB_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/edit/wording.h"

struct vocab_tokenizer; /* opaque */

struct token_list {
    int *id;
    char **piece; /* of each token, NUL carried (utf8_encode_nul); may be part of a character */
    int count;
    char notice[NOTICE]; /* about special tokens written in the text, or "" */
};

/* Opens the tokenizer of a GGUF file (one with only a vocabulary will do), of a folder with
 * tokenizer.json or vocab.json and merges.txt, or of a file in such a folder. ERR_MODEL. */
struct vocab_tokenizer *vocab_tokenizer_open(const char *model, struct err *err);
void vocab_tokenizer_close(struct vocab_tokenizer *c); /* accepts NULL */
/* `bos`: begins with the beginning-of-text token. `special`: special tokens in the text, such as
 * <|endoftext|>, become those tokens; otherwise they are plain text. ERR_FORMAT: not UTF-8. */
bool vocab_tokenizer_encode(const struct vocab_tokenizer *c, const char *text, size_t len, bool bos,
                            bool special, struct token_list *out, struct err *err);
void token_list_free(struct token_list *coded);
/* Appends the text of the ids. ERR_USAGE: an id is not in the vocabulary. */
bool vocab_tokenizer_decode(const struct vocab_tokenizer *c, const int *id, int count,
                            struct buf *out, struct err *err);

#endif
