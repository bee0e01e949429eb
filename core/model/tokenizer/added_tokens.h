/* Tokens found in the text itself before it is cut into words: "<|im_end|>", "<think>". */
#ifndef CORE_MODEL_TOKENIZER_ADDED_TOKENS_H
#define CORE_MODEL_TOKENIZER_ADDED_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

struct added_token {
    size_t text; /* offset into the set's text */
    size_t len;
    int id, order;
    bool special;        /* control: kept out of plain text when the caller says so */
    bool single_word;    /* no letter or digit may touch it */
    bool lstrip, rstrip; /* takes the white space before, behind it along */
};

/* Zero-initialise, added_put() each, added_end(); read-only from then on. */
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

/* An empty text is passed over; of two with one text the later stays. */
void added_put(struct added_set *set, const char *text, size_t len, struct added_token token);
void added_end(struct added_set *set);
/* After added_end(): takes out tokens with ids of `limit` and above. */
void added_limit(struct added_set *set, int limit);
bool added_has(const struct added_set *set, int id);
void added_free(struct added_set *set);
/* The next token at or after `from`: leftmost, of those the longest. Special ones only when asked
 * for. `from` is where the previous match ended: white space is taken along no further back. */
bool added_next(const struct added_set *set, const char *text, size_t len, size_t from,
                bool specials, struct added_match *match);

#endif
