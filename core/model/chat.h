/* The chat form of a model: how a question is wrapped before an instruction-tuned model is asked.
 *
 * The form is recognised from the template the model brings (tokenizer.chat_template of a GGUF
 * file; chat_template of tokenizer_config.json, or chat_template.jinja, in a folder), or, where
 * it brings none, from its special tokens. Four families are known: ChatML, Llama 3, Gemma and
 * Mistral. A template is not run: what is known of a family is written out, with the parts that
 * differ between its models (default system message, spaces, a date) read from the template's
 * text. Any other is refused by name rather than asked in a form it was not trained on. */
#ifndef CORE_MODEL_CHAT_H
#define CORE_MODEL_CHAT_H

#include "core/model/model.h"

struct chat_family;

struct chat {
    const struct chat_family *family;
    char *system;        /* what the template says when the user gives no system message; or NULL */
    bool bos;            /* the template begins with the beginning-of-text token */
    bool dated;          /* Llama 3.1: knowledge and date lines before the system message */
    bool system_in_user; /* Gemma 3: a system message goes before the user's text */
    bool spaces[2];      /* Mistral: after [INST], before [/INST] */
    bool thinks;         /* the answer is begun with <think> */
};

/* From a template's text. ERR_MODEL: none of the four. chat_free() in either case. */
bool chat_parse(struct chat *c, const char *template, size_t len, struct err *err);
/* Of a model. ERR_MODEL: no template and no known special tokens, or a template of another kind. */
bool chat_open(struct chat *c, const struct model *m, struct err *err);
void chat_free(struct chat *c);
const char *chat_name(const struct chat *c); /* "ChatML" */
/* Appends the whole prompt: one user turn and what begins the answer. `bos` is the text of the
 * beginning-of-text token, `system` a message or NULL for the template's own. ERR_USAGE: this
 * form has no place for a system message. */
bool chat_render(const struct chat *c, const char *bos, const char *system, const char *user,
                 struct buf *out, struct err *err);

/* All of it for a model, as tokens (its beginning-of-text token is among them), and the id of the
 * token that ends the answer's turn (-1: none). */
bool chat_encode(const struct model *m, const char *user, const char *system, struct tokens *out,
                 int *stop, struct err *err);

#endif
