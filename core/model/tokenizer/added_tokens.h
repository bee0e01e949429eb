/* The set of tokens that are searched for in a text before it is cut into words: special tokens
 * such as "<|im_end|>", and others a model's authors added, such as "<think>". Step 1 of the
 * pipeline in tokenizer.h. */
#ifndef CORE_MODEL_TOKENIZER_ADDED_TOKENS_H
#define CORE_MODEL_TOKENIZER_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

struct added_token {
    size_t text; /* offset into the set's text */
    size_t len;
    int id, order;
    bool special;        /* a control token: found only if the caller asks for special ones */
    bool single_word;    /* not found if a letter or digit is next to it */
    bool lstrip, rstrip; /* the white space before it, after it belongs to the match */
};

/* Zero-initialise; added_put() for each token; added_end(). Read-only from then on. */
struct added_set {
    struct added_token *item; /* (count) sorted by text */
    int count, cap;
    int first[257]; /* items that start with byte b: first[b] to first[b + 1] - 1 */
    struct buf text;
};

struct added_match {
    int id;
    size_t start, end; /* bytes of the text */
};

/* An empty text is ignored. If two tokens have the same text, the later one counts. */
void added_put(struct added_set *set, const char *text, size_t len, struct added_token token);
void added_end(struct added_set *set); /* sorts; call after the last added_put() */
/* After added_end(): removes tokens with ids of `limit` and above. */
void added_limit(struct added_set *set, int limit);
bool added_has(const struct added_set *set, int id);
void added_free(struct added_set *set);
/* Finds the next token in text at or after `from`: the leftmost, and of several there the longest.
 * `specials`: find special ones too. `from` is where the previous match ended; lstrip takes white
 * space no further back than that. False: there is no more. */
bool added_next(const struct added_set *set, const char *text, size_t len, size_t from,
                bool specials, struct added_match *match);

#endif
