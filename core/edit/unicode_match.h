/* Texts that mean the same though their bytes differ: Unicode writes é in two ways, and people
 * write quotation marks and blanks in many. Texts are valid UTF-8. */
#ifndef CORE_EDIT_UNICODE_MATCH_H
#define CORE_EDIT_UNICODE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

/* Both in normalisation form C: whether `text` has `part` in it as whole words ("Rome" is in
 * "Rome's walls", not in "Romeo"), or begins with it. Scripts without blanks between words, and
 * Korean with its particles, know no such border: there any place counts. */
bool unicode_contains_word(const char *text, const char *part);
bool unicode_starts_with(const char *text, const char *part);
/* The same, and where: the bytes of `text` that are alike to `part`, when it stands there once. */
bool unicode_find(const char *text, const char *part, size_t *begin, size_t *end);
/* Where `text` holds something that is nearly `part`: in what alone they differ ("upper and lower
 * case", "quotation marks", "blanks"); NULL: it holds nothing near. */
const char *unicode_difference(const char *text, const char *part);

struct fact;
/* A subject that is not in the prompt byte for byte, but is in another Unicode form, once, takes
 * the prompt's bytes. For prompts without a placeholder. */
void subject_take_form(struct fact *fact);
/* Appends to an error what the subject differs from the prompt in, if that is little. */
bool subject_explain(const struct fact *fact, struct err *err);

#endif
