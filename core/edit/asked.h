/* Prompts and answers as tokens of a model, by their wording. Engine's thread. */
#ifndef CORE_EDIT_ASKED_H
#define CORE_EDIT_ASKED_H

#include "core/edit/wording.h"
#include "core/model/model.h"

/* A prompt as the model reads it. */
struct asking {
    char *text;           /* the prompt, or the chat turn around it */
    long at;              /* where the prompt begins in it, in bytes */
    struct tokens tokens; /* with BOS if the tokenizer adds one; offsets are in `text` */
    unsigned flags;       /* ENCODE_*, that it was tokenised with */
    int stop;             /* the token that ends the answer's turn, or -1 */
};

/* Blanks at the end of a plain prompt are left out: the answer brings its own. (They stay in an
 * edit of version 0.1.0.) ERR_MODEL: the chat form is wanted, and the model's is not known. */
bool asked_prompt(struct asking *a, const struct wording *w, const struct model *m,
                  const char *prompt, struct err *err);
/* The answer as tokens that continue the prompt. */
bool asked_answer(const struct asking *a, const struct wording *w, const struct model *m,
                  const char *answer, struct tokens *out, struct err *err);
void asked_free(struct asking *a);

/* One line about special tokens that stand in the text, and how they were taken; "": none do. */
void asked_notice(const struct wording *w, const struct tokenizer *t, const char *text,
                  char out[NOTICE]);

#endif
