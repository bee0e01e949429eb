/* Text to token ids and back.
 *
 * Two families: byte-level BPE (GPT-2, SmolLM2, Llama-3, Qwen2), and BPE over characters with bytes
 * as a fallback, as SentencePiece trains it (Llama-2, Mistral, Gemma). The steps of an encode:
 *
 *                                       byte-level (GPT-2)           SentencePiece (Llama-2)
 *    text                               "Hi there<|im_end|>"         "Hi there"
 *    1 special tokens (added_tokens.h)  "Hi there", <|im_end|>       "Hi there"
 *    2 normalise (normalize.h)          NFC, if the family does      "▁Hi▁there"
 *    3 pretokenise (pretokenize.h)      "Hi", " there"               not done, or cut before "▁"
 *    4 BPE (bpe.h)                      "Hi", "Ġthere"               "▁Hi", "▁there"
 *    5 BOS before the text              if the tokenizer does that, and ENCODE_BOS is given
 *
 * 1 Special tokens are found in the text first, so that no later step can split or change them.
 * 2 Normalisation changes text; an offset_map remembers where each byte came from, so that tokens
 *   carry offsets into the text as given.
 * 3 Regular expressions cut the text into words; merges never cross their borders.
 * 4 BPE starts with one symbol for each byte (or character), and applies the best merge until none
 *   is left: "Ġ t h e r e" becomes "Ġt h e r e", "Ġt he r e", "Ġt he re", "Ġthe re", "Ġthere". A
 *   byte-level vocabulary writes the 256 bytes as printable characters; "Ġ" is the space.
 *
 * A tokenizer is built from the vocabulary in a GGUF file, from a tokenizer.json, or from
 * vocab.json and merges.txt, and gives the ids that Hugging Face's tokenizers library gives. Parts
 * of a tokenizer.json that are not implemented are refused. A tokenizer is read-only once built:
 * any number of threads may use it. What it was built from may be freed afterwards. */
#ifndef CORE_MODEL_TOKENIZER_TOKENIZER_H
#define CORE_MODEL_TOKENIZER_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/job.h"

struct tokenizer; /* opaque */

/* The vocabulary of a GGUF file: the values of its keys tokenizer.ggml.*. */
struct vocab {
    bool spm; /* tokenizer.ggml.model is llama: scores, no merges; else gpt2: byte-level */
    int count;
    const char *const *text; /* (count) of each token, not NUL-terminated */
    const size_t *len;       /* (count) bytes of each */
    const int *type; /* (count) 1 normal, 2 unknown, 3 control, 4 user defined, 6 byte; or NULL */
    const float *score; /* (count) spm: the token with the highest score is merged first */
    int merge_count;
    const char *const *merge; /* (merge_count) "left right", best first */
    const size_t *merge_len;
    const char *pre;        /* "smollm", "starcoder", "gpt-2", "llama-bpe", "qwen2" */
    int bos, eos, pad, unk; /* ids, -1 for none */
    int add_bos;            /* 1 or 0; -1: as the family does */
    bool no_space_prefix;   /* spm: no space is put before a text */
};

/* Ids, and where in the text each token came from, as byte offsets [start, end). Zero-initialise;
 * each encode replaces the content. Free with tokens_free(). */
struct tokens {
    int *ids, *start, *end; /* (count) */
    int count, cap;
};

enum {
    /* Put BOS (or what else the tokenizer has) before the text. Together with ENCODE_SPECIALS: not
     * if the text itself begins with that token. */
    ENCODE_BOS = 1,
    ENCODE_SPECIALS = 2, /* "<|im_end|>" in the text is that token, not ten characters */
    /* The text continues another one. Families that put a space before a text do not do so then:
     * " Paris" after " is" is one token, not a space and a token. */
    ENCODE_CONTINUES = 4,
};

enum {
    DECODE_SKIP_SPECIAL = 1, /* leave out special tokens */
    DECODE_BEGINS = 2, /* the ids begin a text: remove the space that encoding put before it */
};

/* The functions below return NULL with ERR_MODEL if something in the vocabulary is wrong or not
 * supported. Free with tokenizer_free(). */
struct tokenizer *tokenizer_from_vocab(const struct vocab *vocab, struct err *err);
/* Reads a tokenizer.json, and for BOS and EOS the tokenizer_config.json beside it, if there is
 * one. A step that is not implemented is refused by name; ids are never approximate. */
struct tokenizer *tokenizer_from_json(const char *path, struct err *err);
/* Reads a folder: its tokenizer.json; or its vocab.json and merges.txt, with tokenizer_config.json,
 * special_tokens_map.json, added_tokens.json and config.json for the family and special tokens. */
struct tokenizer *tokenizer_from_folder(const char *path, struct err *err);
/* Limits the tokenizer to ids below `rows`, the rows of a model's embedding. Added tokens with
 * larger ids (<image_soft_token> in Gemma 3's text-only models) are no longer found in texts.
 * ERR_MODEL: a token of the vocabulary itself has such an id. */
bool tokenizer_limit(struct tokenizer *t, int rows, struct err *err);
void tokenizer_free(struct tokenizer *t); /* accepts NULL */

/* Encodes `len` bytes (NUL is an ordinary byte); flags are ENCODE_*. Tokens put before the text
 * have start = end = 0. Where normalisation changed a stretch of the text, all its tokens carry the
 * offsets of the whole stretch. An EOS that a tokenizer.json would append is not added, since texts
 * here are continued. ERR_FORMAT: not UTF-8. ERR_LIMIT: 256 MiB or more. */
bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, unsigned flags,
                      struct tokens *out, struct err *err);
/* The same for a text that takes a while: looks at the job in between. ERR_CANCELLED. */
bool tokenizer_encode_text(const struct tokenizer *t, const char *text, size_t len, unsigned flags,
                           struct tokens *out, struct job *job, struct err *err);
void tokens_free(struct tokens *tokens);

/* Appends the bytes of one id, which may be part of a character. Appends nothing for an unknown id.
 */
void tokenizer_piece(const struct tokenizer *t, int id, struct buf *out);
/* Appends the text of n ids; bytes that are not UTF-8 become U+FFFD. Flags are DECODE_*. */
void tokenizer_decode(const struct tokenizer *t, const int *ids, int n, unsigned flags,
                      struct buf *out);

/* Decodes id by id. Only whole characters are appended; bytes of an unfinished one wait for the
 * next id. decoder_begin() starts, decoder_end() appends what is left (out NULL: drops it) and
 * frees. */
struct decoder {
    const struct tokenizer *t;
    unsigned flags;
    int strip;          /* leading spaces still to be removed */
    struct buf pending; /* bytes of an unfinished character */
};
void decoder_begin(struct decoder *d, const struct tokenizer *t, unsigned flags);
void decoder_put(struct decoder *d, int id, struct buf *out);
void decoder_end(struct decoder *d, struct buf *out);

/* The id of a token by its text as the vocabulary writes it ("<|im_end|>", "Ġthe"), or -1. */
int tokenizer_find(const struct tokenizer *t, const char *text);

int tokenizer_vocab(const struct tokenizer *t);     /* one more than the largest id */
int tokenizer_bos(const struct tokenizer *t);       /* beginning-of-text token, or -1 */
int tokenizer_eos(const struct tokenizer *t);       /* end-of-text token, or -1 */
bool tokenizer_adds_bos(const struct tokenizer *t); /* whether ENCODE_BOS adds anything */
bool tokenizer_is_special(const struct tokenizer *t, int id);

#endif
