/* Text to token ids and back, for byte-level BPE (GPT-2, SmolLM2, Llama-3, Qwen2) and for BPE over
 * characters with bytes to fall back to, as SentencePiece trains it (Llama-2, Mistral, Gemma).
 *
 * A tokenizer is built from the vocabulary in a GGUF file, from a tokenizer.json, or from a
 * vocab.json and merges.txt, and gives the same ids for all. It is read-only once built: any number
 * of threads may encode and decode with it. Everything it was built from may be freed afterwards.
 */
#ifndef CORE_MODEL_TOKENIZER_TOKENIZER_H
#define CORE_MODEL_TOKENIZER_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct tokenizer; /* opaque */

/* The vocabulary of a GGUF file, as its tokenizer.ggml.* keys hold it. */
struct vocab {
    bool spm; /* tokenizer.ggml.model is llama: scores, no merges; else gpt2: byte-level */
    int count;
    const char *const *text; /* (count) of each token, not NUL-terminated */
    const size_t *len;       /* (count) bytes of each */
    const int *type; /* (count) 1 normal, 2 unknown, 3 control, 4 user defined, 6 byte; or NULL */
    const float *score; /* (count) spm: the highest is merged first */
    int merge_count;
    const char *const *merge; /* (merge_count) "left right", best first */
    const size_t *merge_len;
    const char *pre;        /* "smollm", "starcoder", "gpt-2", "llama-bpe", "qwen2" */
    int bos, eos, pad, unk; /* ids, -1 for none */
    int add_bos;            /* 1 or 0; -1 for what the family does */
    bool no_space_prefix;   /* spm: a text is not begun with a space */
};

/* Ids and where in the text each token came from, as byte offsets [start, end). Zero-initialise;
 * an encode replaces what was there. */
struct tokens {
    int *ids, *start, *end; /* (count) */
    int count, cap;
};

enum {
    /* Begin with what the tokenizer puts before a text, if anything. With ENCODE_SPECIALS, not
     * where the text itself begins with that token. */
    ENCODE_BOS = 1,
    ENCODE_SPECIALS = 2, /* "<|im_end|>" in the text is that token, not eleven characters */
    /* The text continues another: no space is put before it where the family does that to the
     * beginning of a text, so that " Paris" is the token which follows " is", not two. */
    ENCODE_CONTINUES = 4,
};

enum {
    DECODE_SKIP_SPECIAL = 1,
    DECODE_BEGINS = 2, /* the ids begin a text: a space that encoding put there is taken away */
};

/* ERR_MODEL names what is unknown or wrong in the vocabulary. */
struct tokenizer *tokenizer_from_vocab(const struct vocab *vocab, struct err *err);
/* Reads also the tokenizer_config.json beside it, when there is one, for bos and eos.
 * ERR_MODEL names a part of the pipeline that is not known here rather than tokenise wrongly. */
struct tokenizer *tokenizer_from_json(const char *path, struct err *err);
/* Of a folder: its tokenizer.json, or else its vocab.json and merges.txt, with what
 * tokenizer_config.json, special_tokens_map.json, added_tokens.json and config.json there say about
 * the family. ERR_MODEL also: the folder has neither. */
struct tokenizer *tokenizer_from_folder(const char *path, struct err *err);
/* Keeps to the `rows` tokens that a model embeds. Added tokens beyond them, as Gemma 3's
 * <image_soft_token> is for its models that cannot see, are no longer found in texts. ERR_MODEL: a
 * token of the vocabulary itself is beyond. */
bool tokenizer_limit(struct tokenizer *t, int rows, struct err *err);
void tokenizer_free(struct tokenizer *t); /* accepts NULL */

/* Text of `len` bytes (NUL bytes are text) to ids; flags are ENCODE_*. Tokens put before the text
 * have start = end = 0. Where normalisation changed the text, the tokens of a changed stretch all
 * carry the offsets of the whole stretch. ERR_FORMAT: not UTF-8. ERR_LIMIT: 256 MiB or more. A text
 * end token that a tokenizer.json appends is not added: texts here are there to be continued. */
bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, unsigned flags,
                      struct tokens *out, struct err *err);
void tokens_free(struct tokens *tokens);

/* Appends the bytes of one id; alone they may be part of a character. Nothing for unknown ids. */
void tokenizer_piece(const struct tokenizer *t, int id, struct buf *out);
/* Appends the text of n ids; what is not UTF-8 becomes U+FFFD. Flags are DECODE_*. */
void tokenizer_decode(const struct tokenizer *t, const int *ids, int n, unsigned flags,
                      struct buf *out);

/* The same, id by id as they come: whole characters only, the rest with a later id or at the end.
 * decoder_begin() starts one, decoder_end() frees it (out NULL: what is left is dropped). */
struct decoder {
    const struct tokenizer *t;
    unsigned flags;
    int strip;
    struct buf pending;
};
void decoder_begin(struct decoder *d, const struct tokenizer *t, unsigned flags);
void decoder_put(struct decoder *d, int id, struct buf *out);
void decoder_end(struct decoder *d, struct buf *out);

/* The id of a token given by its text in the vocabulary ("<|im_end|>", "Ġthe"), or -1. */
int tokenizer_find(const struct tokenizer *t, const char *text);

int tokenizer_vocab(const struct tokenizer *t); /* one more than the largest id */
int tokenizer_bos(const struct tokenizer *t);   /* -1 for none, as the next two */
int tokenizer_eos(const struct tokenizer *t);
bool tokenizer_adds_bos(const struct tokenizer *t);
bool tokenizer_is_special(const struct tokenizer *t, int id);

#endif
