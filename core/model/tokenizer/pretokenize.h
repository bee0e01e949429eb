/* Cutting text into the pieces that BPE works on, one regular expression after another.
 *
 * Only the expressions of known tokenizer families are run (a file's own could take forever), each
 * in a form that gives PCRE2 the answers of the Rust library that trained the vocabularies. */
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

/* What becomes of a match; what lies between matches is always a piece, or part of one. */
enum split_behavior { SPLIT_ISOLATED, SPLIT_REMOVED, SPLIT_WITH_PREVIOUS, SPLIT_WITH_NEXT };

struct pretok;     /* the steps; read-only once built */
struct pretok_run; /* scratch memory of one thread */

struct pretok *pretok_new(void);
bool pretok_add(struct pretok *pretok, enum split_kind kind, struct err *err);
/* Cuts at each occurrence of a text, which is not empty. */
bool pretok_add_text(struct pretok *pretok, const char *text, enum split_behavior behavior,
                     struct err *err);
int pretok_steps(const struct pretok *pretok);
void pretok_free(struct pretok *pretok); /* accepts NULL, as pretok_run_free does */
/* The kind that a regular expression of a tokenizer.json is; false when it is none known. */
bool pretok_known(const char *regex, enum split_kind *kind);

struct pretok_run *pretok_run_new(void);
void pretok_run_free(struct pretok_run *run);
/* Calls piece() for every piece of the text in order; stops when it returns false. The text must be
 * valid UTF-8; its first and last character see the ends of a string. */
bool pretok_split(const struct pretok *pretok, struct pretok_run *run, const char *text, size_t len,
                  bool (*piece)(void *ctx, const char *text, size_t len), void *ctx,
                  struct err *err);

#endif
