/* Compares texts that look the same and differ in bytes: Unicode has two ways to write é, and
 * people use several kinds of quotation marks and blanks. Texts are valid UTF-8. Any thread. */
#ifndef CORE_EDIT_UNICODE_MATCH_H
#define CORE_EDIT_UNICODE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

/* Both in normalisation form C: whether `text` has `part` in it as whole words ("Rome" is in
 * "Rome's walls", not in "Romeo"), or begins with it. In scripts without blanks between
 * words, and in Korean, where particles are written onto the noun, any place counts. */
bool unicode_contains_word(const char *text, const char *part);
bool unicode_starts_with(const char *text, const char *part);
/* The bytes of `text` that equal `part` in form C. False if it is not in `text` exactly once. */
bool unicode_find(const char *text, const char *part, size_t *begin, size_t *end);
/* If `text` contains something that is nearly `part`: the only thing they differ in ("upper and
 * lower case"). NULL: it contains nothing near. */
const char *unicode_difference(const char *text, const char *part);

struct fact;
/* If the prompt contains the subject once, in another Unicode form, the subject takes the bytes of
 * the prompt. For prompts without a placeholder. */
void subject_take_form(struct fact *fact);
/* Appends to an error what the subject and the prompt differ in, if it is one of these things. */
bool subject_explain(const struct fact *fact, struct err *err);

#endif
