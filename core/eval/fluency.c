/* Words as NLTK's tokeniser cuts them, and the entropy of their pairs and triples.
 *
 * NLTK finds sentences with Punkt, which is trained, and then applies the Treebank rules to each.
 * Here a sentence ends at . ? or ! before blanks and a capital, a quotation mark or a bracket, but
 * not after a single capital or one of a few abbreviations. A sentence that is found or missed
 * changes the last period's token alone. The rules are NLTK's, in its order. */
#include "core/eval/fluency.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <math.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* Applied to a sentence one after the other. */
static const struct {
    const char *pattern, *replacement;
} rules[] = {
    /* opening quotes */
    {"([«“‘„]|[`]+)", " $1 "},
    {"^\"", "``"},
    {"(``)", " $1 "},
    {"([ (\\[{<])(\"|'{2})", "$1 `` "},
    {"(?i)(?<!\\w)(')(?!(?:re|ve|ll|m|t|s|d|n)\\b)(?=\\w)", "$1 "},
    /* punctuation */
    {"([^.])(\\.)([\\])}>\"'»”’ ]*+)\\s*\\z", "$1 $2 $3 "},
    {"([:,])([^\\d])", " $1 $2"},
    {"([:,])\\z", " $1 "},
    {"\\.{2,}", " $0 "},
    {"[;@#$%&]", " $0 "},
    {"[\\x{2012}-\\x{2015}]", " $0 "},
    {"([^.])(\\.)([\\])}>\"']*)\\s*\\z", "$1 $2$3 "},
    {"[?!]", " $0 "},
    {"([^'])' ", "$1 ' "},
    {"[*]", " $0 "},
    /* brackets, dashes; then a blank at both ends, so that the rules below see whole words */
    {"[\\]\\[(){}<>]", " $0 "},
    {"--", " -- "},
    {"\\A", " "},
    {"\\z", " "},
    /* closing quotes, what hangs on a word, and two words written as one */
    {"([»”’])", " $1 "},
    {"''", " '' "},
    {"\"", " '' "},
    {"\\s+", " "},
    {"([^' ])('[sS]|'[mM]|'[dD]|') ", "$1 $2 "},
    {"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "$1 $2 "},
    {"(?i)\\b(can)(not)\\b", " $1 $2 "},
    {"(?i)\\b(d)('ye)\\b", " $1 $2 "},
    {"(?i)\\b(gim)(me)\\b", " $1 $2 "},
    {"(?i)\\b(gon)(na)\\b", " $1 $2 "},
    {"(?i)\\b(got)(ta)\\b", " $1 $2 "},
    {"(?i)\\b(lem)(me)\\b", " $1 $2 "},
    {"(?i)\\b(more)('n)\\b", " $1 $2 "},
    {"(?i)\\b(wan)(na)(?=\\s)", " $1 $2 "},
    {"(?i) ('t)(is)\\b", " $1 $2 "},
    {"(?i) ('t)(was)\\b", " $1 $2 "},
};

/* The end of a sentence: everything after it belongs to the next one. */
static const char sentence_end[] = "(?:[.?!][\"'”’)\\]]*)(?<!\\b\\p{Lu}\\.)"
                                   "(?<!\\b(?:Mr|Dr|St|vs)\\.)(?<!\\b(?:Mrs|etc)\\.)"
                                   "\\s+(?=[\\p{Lu}\"'“‘(\\[])";

static pcre2_code *pattern_of(const char *text, struct err *err)
{
    int problem;
    size_t where;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP,
                                     &problem, &where, NULL);

    if (!code)
        err_set(err, ERR_LIMIT, "a rule of words cannot be compiled (%d at %zu)", problem, where);
    return code;
}

/* *text, malloc'ed, becomes the text with all matches replaced. */
static bool apply_rule(int rule, char **text, struct err *err)
{
    pcre2_code *code = pattern_of(rules[rule].pattern, err);
    size_t room = 3 * strlen(*text) + 64;
    char *out = code ? xmalloc(room) : NULL;
    int n = code ? pcre2_substitute(code, (PCRE2_SPTR)*text, PCRE2_ZERO_TERMINATED, 0,
                                    PCRE2_SUBSTITUTE_GLOBAL, NULL, NULL,
                                    (PCRE2_SPTR)rules[rule].replacement, PCRE2_ZERO_TERMINATED,
                                    (PCRE2_UCHAR *)out, &room)
                 : -1;

    pcre2_code_free(code);
    if (!code)
        return false;
    if (n < 0) {
        free(out);
        return err_set(err, ERR_FORMAT, "the text cannot be cut into words (%d)", n);
    }
    free(*text);
    *text = out;
    return true;
}

static bool sentence_words(const char *begin, size_t n, struct buf *lines, struct err *err)
{
    char *text = xasprintf("%.*s", (int)n, begin);
    bool ok = true;

    for (int i = 0; ok && i < (int)(sizeof(rules) / sizeof(*rules)); i++)
        ok = apply_rule(i, &text, err);
    for (const char *at = text; ok && *at;) {
        size_t blanks = strspn(at, " \t\r\n\v\f"), length = strcspn(at + blanks, " \t\r\n\v\f");

        if (length)
            buf_printf(lines, "%.*s\n", (int)length, at + blanks);
        at += blanks + length;
    }
    free(text);
    return ok;
}

bool word_tokens(const char *text, struct buf *lines, struct err *err)
{
    pcre2_code *end = pattern_of(sentence_end, err);
    pcre2_match_data *match = end ? pcre2_match_data_create_from_pattern(end, NULL) : NULL;
    size_t length = strlen(text), at = 0;
    bool ok = match != NULL;

    while (ok && at < length) {
        int n = pcre2_match(end, (PCRE2_SPTR)text, length, at, 0, match, NULL);
        size_t to = n > 0 ? pcre2_get_ovector_pointer(match)[1] : length;

        ok = sentence_words(text + at, to - at, lines, err);
        at = to;
    }
    pcre2_match_data_free(match);
    pcre2_code_free(end);
    return ok;
}

/* ---- entropy ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The entropy in bits of the n-grams of `count` words; 0: there is none. */
static double entropy_of(char *const *word, int count, int n)
{
    int grams = count - n + 1;
    char **gram = xcalloc((size_t)(grams > 0 ? grams : 0) + 1, sizeof(*gram));
    double entropy = 0;

    for (int i = 0; i < grams; i++)
        gram[i] = n == 2 ? xasprintf("%s\n%s", word[i], word[i + 1])
                         : xasprintf("%s\n%s\n%s", word[i], word[i + 1], word[i + 2]);
    if (grams > 0)
        qsort(gram, (size_t)grams, sizeof(*gram), compare_texts);
    for (int i = 0, same = 1; i < grams; i++, same++)
        if (i + 1 == grams || strcmp(gram[i], gram[i + 1]) != 0) {
            double p = (double)same / grams;

            entropy -= p * log2(p);
            same = 0;
        }
    for (int i = 0; i < grams; i++)
        free(gram[i]);
    free(gram);
    return entropy;
}

double words_fluency(const char *lines)
{
    char *all = xstrdup(lines), *rest = all, *line, **word = NULL;
    int count = 0;
    double h2, h3;

    while ((line = strsep(&rest, "\n"))) {
        if (!*line)
            continue;
        word = xrealloc(word, (size_t)(count + 1) * sizeof(*word));
        word[count++] = line;
    }
    h2 = entropy_of(word, count, 2);
    h3 = entropy_of(word, count, 3);
    free(word);
    free(all);
    return (2.0 / 3 * h2 + 4.0 / 3 * h3) / 2;
}

bool text_fluency(const char *text, double *out, struct err *err)
{
    struct buf lines = {0};
    bool ok = word_tokens(text, &lines, err);

    *out = ok ? words_fluency(lines.data ? lines.data : "") : 0;
    buf_free(&lines);
    return ok;
}
