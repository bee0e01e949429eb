/* Cuts text into the pieces that BPE encodes, by one regular expression after another. Step 3 of
 * the pipeline in tokenizer.h. "It's 2024" becomes "It", "'s", " 2024" with GPT-2's expression.
 *
 * Only the expressions of known families are run; one from a file could take exponential time. Each
 * is written so that PCRE2 matches what the Rust library matched that trained the vocabularies. */
#ifndef CORE_MODEL_TOKENIZER_PRETOKENIZE_H
#define CORE_MODEL_TOKENIZER_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum split_kind {
    SPLIT_GPT2,   /* GPT-2's words, contractions, numbers, symbols, white space */
    SPLIT_LLAMA3, /* numbers in threes, contractions in any case, line ends apart */
    SPLIT_QWEN2,  /* as Llama-3, single digits */
    SPLIT_DIGIT,  /* each digit apart */
    SPLIT_DIGITS, /* runs of digits apart */
    SPLIT_KINDS
};

/* What happens to a match: a piece of its own, removed, or joined to the piece before or after it.
 * The text between matches is always a piece or part of one. */
enum split_behavior { SPLIT_ISOLATED, SPLIT_REMOVED, SPLIT_WITH_PREVIOUS, SPLIT_WITH_NEXT };

struct pretok;     /* the steps; read-only once built */
struct pretok_run; /* scratch memory of one thread */

struct pretok *pretok_new(void);
bool pretok_add(struct pretok *pretok, enum split_kind kind, struct err *err);
/* Appends a step that cuts at each occurrence of `text`, which must not be empty. */
bool pretok_add_text(struct pretok *pretok, const char *text, enum split_behavior behavior,
                     struct err *err);
int pretok_steps(const struct pretok *pretok);
void pretok_free(struct pretok *pretok); /* accepts NULL */
/* Recognises a regular expression of a tokenizer.json; false: it is not a known one. */
bool pretok_known(const char *regex, enum split_kind *kind);

struct pretok_run *pretok_run_new(void);
void pretok_run_free(struct pretok_run *run);
/* Calls piece() for every piece of the text, in order; stops and returns false when piece() does.
 * The text must be valid UTF-8; expressions see its ends as the ends of a string. ERR_LIMIT: PCRE2
 * gave up. */
bool pretok_split(const struct pretok *pretok, struct pretok_run *run, const char *text, size_t len,
                  bool (*piece)(void *ctx, const char *text, size_t len), void *ctx,
                  struct err *err);

#endif
