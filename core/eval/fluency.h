/* Fluency: how varied the words of a generated text are (editscope-method(7) 14.6). Any thread. */
#ifndef CORE_EVAL_FLUENCY_H
#define CORE_EVAL_FLUENCY_H

#include "core/base/buf.h"
#include "core/base/err.h"

/* (2/3 H2 + 4/3 H3) / 2 of the text's word tokens, H_n the entropy in bits of its n-grams; 0 of a
 * text too short for any. ERR_LIMIT when memory is short. */
bool text_fluency(const char *text, double *out, struct err *err);
/* The same of words given one to a line. */
double words_fluency(const char *lines);
/* Appends the word tokens of a text, one to a line. */
bool word_tokens(const char *text, struct buf *lines, struct err *err);

#endif
