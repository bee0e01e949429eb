/* Finds a number in words by the expression
 *
 *     (first (further | blank | , | and | &)+)? last
 *
 * where each of the three is a number word, and they differ in which endings may be left out:
 *
 *     first     twen|thir|for|fif|six|seven|nine + teen|ty     eight, eighteen, eighty
 *     further   the same, or nothing behind it                eighteen, eighty
 *     last      the same as first                             eighteen, eighty
 *
 * In the middle the longest word is taken: a shorter one would leave the rest of a word, which is
 * none. At the end the first alternative counts, so of "fourteen" "four" is found. */
#include "core/eval/task_numbers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

static const char *const plain[] = {"zero",    "one",      "two",     "three",   "four",
                                    "five",    "ten",      "eleven",  "twelve",  "fourteen",
                                    "hundred", "thousand", "million", "billion", "trillion"};
static const char *const stem[] = {"twen", "thir", "for", "fif", "six", "seven", "nine"};

enum { AFTER_FIVE = 6 }; /* so many of `plain` come before the stems */
enum place { FIRST, FURTHER, LAST };

static size_t begins(const char *at, const char *word)
{
    size_t n = strlen(word);

    return strncmp(at, word, n) ? 0 : n;
}

/* The length of a stem with its ending; 0: none. */
static size_t stem_length(const char *at, enum place place)
{
    for (size_t i = 0; i < sizeof(stem) / sizeof(*stem); i++) {
        size_t n = begins(at, stem[i]);
        size_t more = n ? begins(at + n, "teen") + begins(at + n, "ty") : 0;

        if (n && (more || place == FURTHER))
            return n + more;
    }
    return 0;
}

static size_t eight_length(const char *at, enum place place)
{
    size_t n = begins(at, "eight"), more = n ? begins(at + n, "een") + begins(at + n, "y") : 0;

    return n && (more || place == FIRST) ? n + more : 0;
}

/* The length of the number word at this place: the longest, at the end the first. */
static size_t word_length(const char *at, enum place place)
{
    size_t best = 0, n;

    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
        if (i == AFTER_FIVE && !best) {
            best = stem_length(at, place);
            n = eight_length(at, place);
            best = n > best ? n : best;
        }
        n = begins(at, plain[i]);
        if (!best || (place != LAST && n > best))
            best = n;
    }
    return best;
}

/* Blank, comma, "and", ampersand. */
static size_t separator_length(const char *at)
{
    const char *next = at;

    if (*at == ',' || *at == '&')
        return 1;
    if (!*at || *at == '\r' || *at == '\n')
        return begins(at, "and");
    return utf8_is_space(utf8_next(&next, at + strlen(at))) ? (size_t)(next - at)
                                                            : begins(at, "and");
}

/* The end of the number that begins here; NULL: none does. */
static const char *number_end(const char *at)
{
    const char *p = at + word_length(at, FIRST), *end = NULL;
    size_t n = (size_t)(p - at);

    while (n) { /* the last word that may be the last counts */
        size_t word = word_length(p, FURTHER);

        n = word ? word : separator_length(p);
        p += n;
        if (n && word_length(p, LAST))
            end = p + word_length(p, LAST);
    }
    n = word_length(at, LAST);
    return end ? end : n ? at + n : NULL;
}

/* ---- word2number ---- */

static const struct {
    const char *word;
    long long value;
} values[] = {{"zero", 0},      {"one", 1},         {"two", 2},           {"three", 3},
              {"four", 4},      {"five", 5},        {"six", 6},           {"seven", 7},
              {"eight", 8},     {"nine", 9},        {"ten", 10},          {"eleven", 11},
              {"twelve", 12},   {"thirteen", 13},   {"fourteen", 14},     {"fifteen", 15},
              {"sixteen", 16},  {"seventeen", 17},  {"eighteen", 18},     {"nineteen", 19},
              {"twenty", 20},   {"thirty", 30},     {"forty", 40},        {"fifty", 50},
              {"sixty", 60},    {"seventy", 70},    {"eighty", 80},       {"ninety", 90},
              {"hundred", 100}, {"thousand", 1000}, {"million", 1000000}, {"billion", 1000000000}};

static bool word_value(const char *word, size_t n, long long *value)
{
    for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
        if (strlen(values[i].word) == n && !memcmp(values[i].word, word, n)) {
            *value = values[i].value;
            return true;
        }
    return false;
}

/* Below a thousand: at most four words count. False: there are none. */
static bool group_value(const long long *x, int n, long long *out)
{
    bool hundred = false;

    for (int i = 0; i < n && i < 2; i++)
        hundred = hundred || x[i] == 100;
    if (n == 4)
        *out = x[0] * x[1] + x[2] + x[3];
    else if (n == 3)
        *out = x[0] * x[1] + x[2];
    else if (n == 2)
        *out = hundred ? x[0] * x[1] : x[0] + x[1];
    else if (n)
        *out = x[0];
    return n > 0;
}

/* The only place of a value; -1: there is none, -2: there are several. */
static int place_of(const long long *x, int n, long long value)
{
    int at = -1;

    for (int i = 0; i < n; i++)
        if (x[i] == value)
            at = at == -1 ? i : -2;
    return at;
}

static const long long scale[] = {1000000000, 1000000, 1000};

/* What is counted behind the scales: all behind the smallest one that is not the last word. So of
 * "two million one thousand" "one thousand" is counted twice, as word2number does. */
static bool rest_value(const long long *x, int n, const int at[3], long long *out)
{
    *out = 0;
    for (int i = 2; i >= 0; i--)
        if (at[i] >= 0 && at[i] != n - 1)
            return group_value(x + at[i] + 1, n - at[i] - 1, out);
    return at[0] >= 0 || at[1] >= 0 || at[2] >= 0 || group_value(x, n, out);
}

/* x[0..n): one value a word. */
static bool words_value(const long long *x, int n, long long *out)
{
    int at[3], from = 0;
    long long part = 0;

    *out = n == 1 ? x[0] : 0;
    if (n < 2)
        return n > 0;
    for (int i = 0; i < 3; i++) {
        at[i] = place_of(x, n, scale[i]);
        if (at[i] == -1)
            continue;
        if (at[i] < from || !group_value(x + from, at[i] - from, &part))
            return false; /* twice, in another order, or nothing before it */
        *out += part * scale[i];
        from = at[i] + 1;
    }
    if (!rest_value(x, n, at, &part))
        return false;
    *out += part;
    return true;
}

enum { WORDS_MOST = 256 };

/* The words between blanks that are number words. */
static int words_read(const char *from, const char *to, long long x[WORDS_MOST])
{
    const char *word = from;
    int n = 0;

    for (const char *p = from; word < to;) {
        const char *next = p;
        bool gap = p == to || utf8_is_space(utf8_next(&next, to));

        if (gap) {
            n += n < WORDS_MOST && word_value(word, (size_t)(p - word), &x[n]);
            word = p == to ? to : next;
        }
        p = next;
    }
    return n;
}

char *english_number(const char *text)
{
    for (const char *at = text; *at; at++) {
        const char *end = number_end(at);
        long long x[WORDS_MOST], value;

        if (!end)
            continue;
        return words_value(x, words_read(at, end, x), &value) ? xasprintf("%lld", value) : NULL;
    }
    return NULL;
}
