/* Numbers in English words, as lm-evaluation-harness finds and reads them: its regular expression,
 * and the rules of the package word2number. Both have gaps, which are kept: "six" alone is not
 * found, "fourteen" alone is four. Any thread. */
#ifndef CORE_EVAL_TASK_NUMBERS_H
#define CORE_EVAL_TASK_NUMBERS_H

/* The first number of a text in lower case as digits; NULL: none, or none that can be read. Caller
 * frees. */
char *english_number(const char *text);

#endif
