/* Byte pair encoding: a vocabulary, its merges, and the heap that applies them. Step 4 of the
 * pipeline in tokenizer.h.
 *
 * Tokens are stored as files write them. Byte-level families use GPT-2's alphabet, which has a
 * printable character for each of the 256 bytes ("Ġ" is the space). SentencePiece families write
 * plain text, and "<0x0A>" for single bytes of characters that have no token of their own.
 *
 * To build one: bpe_begin(), set `characters`, bpe_add() for every token, bpe_merge() for every
 * merge with the best first, bpe_end(). Read-only from then on. */
#ifndef CORE_MODEL_TOKENIZER_BPE_H
#define CORE_MODEL_TOKENIZER_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

enum { BPE_MAX_ID = 1 << 22 }; /* ids are below it: more than any model, small enough to allocate */

struct bpe_text {
    const char *data;
    size_t len;
};

/* A merge: tokens left and right become token id. The lowest rank is applied first. */
struct bpe_rule {
    uint32_t left, right, rank, id; /* left is UINT32_MAX in a free slot */
};

struct bpe {
    struct buf text;           /* all tokens' text, one after the other */
    uint32_t *offset, *length; /* (cap) into text; length 0: an id without a token */
    int count, cap;            /* one more than the largest id; allocated */
    int tokens;                /* number of ids that have a token */
    uint32_t *slot;            /* hash table from text to id, open addressing; UINT32_MAX: free */
    uint32_t slot_mask;
    struct bpe_rule *merge; /* (left, right) to rank and id */
    uint32_t merge_mask;
    uint64_t seed;      /* random, so that nobody can craft a file whose texts collide */
    bool characters;    /* SentencePiece: symbols start as characters; else as bytes */
    int byte_id[256];   /* the token of each single byte, or -1 */
    bool fallback;      /* a character without a token becomes tokens of its bytes, if all exist */
    uint32_t longest;   /* bytes of the longest token's text */
    int unk;            /* id for text without a token; -1: such text is dropped */
    bool fuse_unk;      /* consecutive unknown characters become one unk */
    bool ignore_merges; /* a whole piece that is a token becomes that token, without merging */
};

/* A token of the piece being encoded, in a doubly linked list. */
struct bpe_symbol {
    int id, prev, next;
    uint32_t start, len; /* bytes of the piece; len 0: merged into the symbol before */
};
/* A possible merge of the symbol at `pos` with the next one into `id`. */
struct bpe_candidate {
    uint32_t rank, pos, id;
};
/* Scratch memory of one encode, and its result. Zero-initialise; reuse it for further pieces. */
struct bpe_work {
    struct bpe_symbol *symbol; /* the result: `count` symbols, in order */
    int count;
    size_t symbol_cap;
    struct bpe_candidate *heap;
    size_t heap_count, heap_cap;
    struct buf text;
};

/* Allocates for `tokens` tokens and `merges` merges, each at most BPE_MAX_ID. */
void bpe_begin(struct bpe *bpe, int tokens, int merges);
/* Changes the number of merges to allocate for, before the first merge is added. */
void bpe_room(struct bpe *bpe, int merges);
/* ERR_MODEL: the id is not in 0..BPE_MAX_ID-1, or already has a token. If two ids have the same
 * text, bpe_find() returns the later one, as other loaders do. An empty text: an id without token.
 */
bool bpe_add(struct bpe *bpe, int64_t id, const char *text, size_t len, struct err *err);
/* ERR_MODEL: left, right or the two joined are not a token. Of two equal merges the later counts.
 * Merges of equal rank are applied from left to right. */
bool bpe_merge(struct bpe *bpe, int rank, struct bpe_text left, struct bpe_text right,
               struct err *err);
void bpe_end(struct bpe *bpe); /* finds the tokens of single bytes; call after the last bpe_add() */
void bpe_free(struct bpe *bpe);

/* Whether any merge joins a right part that begins with `mark` to a left part that does not end
 * with it. If none does, text can be cut before each `mark` and encoded in parts with the same
 * result. */
bool bpe_crosses(const struct bpe *bpe, const char *mark);

int bpe_find(const struct bpe *bpe, const char *text, size_t len); /* the id, or -1 */
/* The text of a token as files write it; NULL and *len = 0 for an id without a token. */
const char *bpe_text_of(const struct bpe *bpe, int id, size_t *len);
/* Whether a text has the form "<0x0A>"; *byte is its value. */
bool bpe_is_byte(const char *text, size_t len, int *byte);
/* Appends the bytes a token stands for. A text outside the byte alphabet stands for itself. */
void bpe_piece(const struct bpe *bpe, int id, struct buf *out);
/* Encodes one piece of n bytes, n < 2^31 (valid UTF-8 if `characters`); the tokens are
 * work->symbol [work->count]. O(n log n). */
void bpe_encode(const struct bpe *bpe, const char *bytes, size_t n, struct bpe_work *work);
void bpe_work_free(struct bpe_work *work);

#endif
