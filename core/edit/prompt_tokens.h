/* Tokenises prompts and answers by their wording (editscope-method(7) 2.2). Engine thread. */
#ifndef CORE_EDIT_PROMPT_TOKENS_H
#define CORE_EDIT_PROMPT_TOKENS_H

#include "core/edit/wording.h"
#include "core/model/model.h"

/* A prompt as the model reads it. */
struct prompt_tokens {
    char *text;           /* the prompt, or the chat turn around it */
    long at;              /* where the prompt begins in `text`, in bytes */
    struct tokens tokens; /* with BOS if the tokenizer adds one; offsets are in `text` */
    unsigned flags;       /* ENCODE_*, as used for the tokens */
    int stop;             /* the token that ends the answer's turn, or -1 */
};

/* Blanks at the end of a plain prompt are removed, since the answer begins with one (not in edits
 * of version 0.1.0). ERR_MODEL: the chat form is wanted, and that of the model is not known. */
bool prompt_tokens_of(struct prompt_tokens *a, const struct wording *w, const struct model *m,
                      const char *prompt, struct err *err);
/* The answer as tokens that continue the prompt. */
bool answer_tokens_of(const struct prompt_tokens *a, const struct wording *w, const struct model *m,
                      const char *answer, struct tokens *out, struct err *err);
void prompt_tokens_free(struct prompt_tokens *a);

/* One line about special tokens that are written in the text, and whether they became tokens or
 * characters; "": there are none. */
void special_tokens_notice(const struct wording *w, const struct tokenizer *t, const char *text,
                           char out[NOTICE]);

#endif
