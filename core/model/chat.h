/* The chat form of a model: the text around a question to an instruction-tuned model. chat.c
 * explains how it is found. Engine thread only, as the model. */
#ifndef CORE_MODEL_CHAT_H
#define CORE_MODEL_CHAT_H

#include "core/model/model.h"

struct chat_family;

struct chat {
    const struct chat_family *family;
    char *system;   /* the default system message; NULL: none */
    bool bos;       /* the template begins with the beginning-of-text token */
    bool has_date;  /* Llama 3.1: knowledge and date lines before the system message */
    bool no_system; /* this template cannot have a system message; others of its family can */
    bool
        system_in_user; /* Gemma 3, Mistral, Llama 2: the system message precedes the user's text */
    bool trims;         /* messages lose white space at both ends */
    bool spaces[4];     /* Mistral, Llama 2: a space before, after [INST]; before, after [/INST] */
    int turn_newlines, answer_newlines; /* Zephyr: new lines after a turn; after <|assistant|> */
    bool starts_thinking;               /* the answer is begun with "<think>\n" */
};

/* Recognises a template's text. ERR_MODEL: it is none of the six families, or a variant that is not
 * supported. Call chat_free() in either case. */
bool chat_parse(struct chat *c, const char *template, size_t len, struct err *err);
void chat_free(struct chat *c);
/* Appends the whole prompt: system message, one user turn, and the beginning of the answer's turn.
 * `bos` and `eos` are the texts of these two tokens; `system` NULL: the template's default.
 * ERR_USAGE: `system` is given, and this form cannot have a system message. */
bool chat_render(const struct chat *c, const char *bos, const char *eos, const char *system,
                 const char *user, struct buf *out, struct err *err);

/* Finds the form of a model and appends the prompt. user[i] is at byte *at + i of it, except for
 * white space that the form trims. *stop is the id of the token that ends the answer's turn, -1 if
 * that is EOS. ERR_MODEL: no form is known. */
bool chat_text(const struct model *m, const char *user, const char *system, struct buf *out,
               long *at, int *stop, struct err *err);
/* The same as tokens, BOS included. */
bool chat_encode(const struct model *m, const char *user, const char *system, struct tokens *out,
                 int *stop, struct err *err);

#endif
