/* The chat form of a model: how a question is wrapped before an instruction-tuned model is asked.
 *
 * The form is recognised from the template the model brings (tokenizer.chat_template of a GGUF
 * file; chat_template of tokenizer_config.json, or chat_template.jinja, in a folder), or, where
 * it brings none, from its special tokens. Six families are known: ChatML, Llama 2, Llama 3, Gemma,
 * Mistral and Zephyr. A template is not run: what is known of a family is written out, with the
 * parts that differ between its models (default system message, spaces, a date) read from the
 * template's text. Any other is refused by name rather than asked in a form it was not trained on.
 */
#ifndef CORE_MODEL_CHAT_H
#define CORE_MODEL_CHAT_H

#include "core/model/model.h"

struct chat_family;

struct chat {
    const struct chat_family *family;
    char *system;        /* what the template says when the user gives no system message; or NULL */
    bool bos;            /* the template begins with the beginning-of-text token */
    bool dated;          /* Llama 3.1: knowledge and date lines before the system message */
    bool no_system;      /* it has no place for a system message, though others of its family do */
    bool system_in_user; /* Gemma 3, Mistral, Llama 2: a system message goes before the user's text
                          */
    bool trims;          /* messages lose blanks at both ends */
    bool spaces[4];      /* Mistral, Llama 2: before and after [INST], before and after [/INST] */
    int turn_breaks, answer_breaks; /* Zephyr: new lines behind a turn, behind <|assistant|> */
    bool thinks;                    /* the answer is begun with <think> */
};

/* From a template's text. ERR_MODEL: none of the six. chat_free() in either case. */
bool chat_parse(struct chat *c, const char *template, size_t len, struct err *err);
void chat_free(struct chat *c);
/* Appends the whole prompt: one user turn and what begins the answer. `bos` and `eos` are the texts
 * of the tokens that begin and end a text, `system` a message or NULL for the template's own.
 * ERR_USAGE: this form has no place for a system message. */
bool chat_render(const struct chat *c, const char *bos, const char *eos, const char *system,
                 const char *user, struct buf *out, struct err *err);

/* The same for a model. *at is where `user` begins in the text, *stop the id of the token that ends
 * the answer's turn (-1: none but the one that ends a text). */
bool chat_text(const struct model *m, const char *user, const char *system, struct buf *out,
               long *at, int *stop, struct err *err);
/* All of it for a model, as tokens (its beginning-of-text token is among them), and the id of the
 * token that ends the answer's turn (-1: none but the one that ends a text). */
bool chat_encode(const struct model *m, const char *user, const char *system, struct tokens *out,
                 int *stop, struct err *err);

#endif
