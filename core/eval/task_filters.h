/* What is taken from a generated answer, as lm-evaluation-harness takes it by regular expressions
 * (editscope-method(7) 14.7). Each function is the scanner of one such filter; texts are UTF-8, and
 * the caller frees what is returned. "[invalid]": nothing was found. Any thread. */
#ifndef CORE_EVAL_TASK_FILTERS_H
#define CORE_EVAL_TASK_FILTERS_H

#include <stdbool.h>

#define FILTER_INVALID "[invalid]"

/* mmlu_generative: the first line. Equal without case and ASCII punctuation. */
char *filter_letter(const char *said);
bool filtered_letters_equal(const char *a, const char *b);

/* gsm8k: the first number behind "#### "; the last number of the text. Equal without commas, $,
 * all up to the last "#### ", a final period, and case. */
char *filter_strict_number(const char *said);
char *filter_last_number(const char *said);
bool filtered_numbers_equal(const char *a, const char *b);

/* BBH. A word of a list with the value it stands for; NULL ends the list. The leftmost counts, and
 * of several there the first of the list. */
struct filter_word {
    const char *word, *value;
};
char *filter_words(const char *said, const struct filter_word *words, bool fold);
/* The option in parentheses; else the text of an option of the question, without case and
 * punctuation; else a letter behind a colon. */
char *filter_option(const char *said, const char *question);
/* The first digits; else a number in English words. */
char *filter_number(const char *said);
/* The first run of brackets, quotes and spaces. */
char *filter_brackets(const char *said);
/* The words of the question's list in the order of their last places in the answer. */
char *filter_sorted(const char *said, const char *question);
/* Equal without commas, quotes, backslashes, new lines, a final period, and case. */
bool filtered_texts_equal(const char *a, const char *b);

#endif
