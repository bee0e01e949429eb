/* Byte pair encoding: a vocabulary, its merges, and the heap that applies them.
 *
 * Tokens are kept as the files write them. In the byte-level families that is the alphabet of
 * GPT-2, where each of the 256 bytes stands as one printable character ("Ġ" is the space); in the
 * SentencePiece ones it is plain text, and bytes of characters that have no token are "<0x0A>".
 * Build: bpe_begin, `characters`, bpe_add for every token, bpe_merge for every merge best first,
 * bpe_end. Read-only from then on. */
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

struct bpe_rule {
    uint32_t left, right, rank, id; /* left is UINT32_MAX in a free slot */
};

struct bpe {
    struct buf text;           /* all tokens' text, one after the other */
    uint32_t *offset, *length; /* (cap) into text; length 0 is an id without a token */
    int count, cap;            /* one more than the largest id; room */
    int tokens;                /* how many ids have a token */
    uint32_t *slot;            /* text to id, open addressing, UINT32_MAX is free */
    uint32_t slot_mask;
    struct bpe_rule *merge; /* (left, right) to rank and id */
    uint32_t merge_mask;
    uint64_t seed;      /* of the hash: a file cannot be made to collide */
    bool characters;    /* merging begins with characters of plain text, not with bytes */
    int byte_id[256];   /* the token that stands for each byte alone, -1 for none */
    bool fallback;      /* characters: one without a token becomes its bytes, if all have one */
    uint32_t longest;   /* bytes of the longest token's text */
    int unk;            /* id for what has no token; -1: it is dropped */
    bool fuse_unk;      /* a run of them is one unk */
    bool ignore_merges; /* a piece that is a token as it stands is that token */
};

/* Scratch memory of one encode, and its result. Zero-initialise. */
struct bpe_symbol {
    int id, prev, next;
    uint32_t start, len; /* bytes of the piece */
};
struct bpe_candidate {
    uint32_t rank, pos, id;
};
struct bpe_work {
    struct bpe_symbol *symbol; /* the result: `count` symbols, in order */
    int count;
    size_t symbol_cap;
    struct bpe_candidate *heap;
    size_t heap_count, heap_cap;
    struct buf text;
};

/* Room for `tokens` tokens and `merges` merges, each at most BPE_MAX_ID. */
void bpe_begin(struct bpe *bpe, int tokens, int merges);
/* Other room, before the first merge. */
void bpe_room(struct bpe *bpe, int merges);
/* ERR_MODEL when the id is not in 0..BPE_MAX_ID-1 or is taken. Of two ids with one text the later
 * is the one found, as in other loaders. An empty text is an id without a token. */
bool bpe_add(struct bpe *bpe, int64_t id, const char *text, size_t len, struct err *err);
/* ERR_MODEL when a part or the result is no token. Of two equal merges the later counts. Merges of
 * one rank are applied from left to right. */
bool bpe_merge(struct bpe *bpe, int rank, struct bpe_text left, struct bpe_text right,
               struct err *err);
void bpe_end(struct bpe *bpe);
void bpe_free(struct bpe *bpe);

/* Whether a merge joins something that begins with `mark` to something that does not end with it:
 * when none does, text may be cut there and encoded in parts. */
bool bpe_crosses(const struct bpe *bpe, const char *mark);

int bpe_find(const struct bpe *bpe, const char *text, size_t len); /* -1 for none */
/* The text of a token as the files write it; NULL and *len = 0 for an id without one. */
const char *bpe_text_of(const struct bpe *bpe, int id, size_t *len);
/* Whether a text is "<0x0A>" or such; *byte is the one meant. */
bool bpe_is_byte(const char *text, size_t len, int *byte);
/* Appends the bytes a token stands for; text outside the byte alphabet stands for itself. */
void bpe_piece(const struct bpe *bpe, int id, struct buf *out);
/* Tokens of one pre-token of n raw bytes (characters: of UTF-8), into work. O(n log n). n < 2^31.
 */
void bpe_encode(const struct bpe *bpe, const char *bytes, size_t n, struct bpe_work *work);
void bpe_work_free(struct bpe_work *work);

#endif
