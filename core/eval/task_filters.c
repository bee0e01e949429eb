/* The filters of generated answers. The comment above each has the regular expression that it
 * stands for, in Python's syntax. */
#include "core/eval/task_filters.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/eval/task_numbers.h"
#include "core/eval/task_read.h"

static char *copy_of(const char *from, const char *to)
{
    return xasprintf("%.*s", (int)(to - from), from);
}

/* The same without white space at both ends. */
static char *stripped_of(const char *from, const char *to)
{
    char *all = copy_of(from, to), *out = task_stripped(all);

    free(all);
    return out;
}

static char *lower_of(const char *text)
{
    struct buf out = {0};

    utf8_lower(&out, text, strlen(text));
    return buf_take(&out);
}

/* Without the ASCII characters of `out`. Changes the text. */
static void drop_characters(char *text, const char *out)
{
    char *to = text;

    for (; *text; text++)
        if (!strchr(out, *text))
            *to++ = *text;
    *to = '\0';
}

/* \.$ */
static void drop_final_period(char *text)
{
    size_t n = strlen(text), end = n && text[n - 1] == '\n' ? n - 1 : n;

    if (end && text[end - 1] == '.')
        memmove(text + end - 1, text + end, n - end + 1);
}

/* Compares what `clean` leaves of both in lower case. */
static bool equal_after(const char *a, const char *b, void (*clean)(char *text))
{
    char *x = lower_of(a), *y = lower_of(b);
    bool same;

    clean(x);
    clean(y);
    same = !strcmp(x, y);
    free(x);
    free(y);
    return same;
}

/* ---- mmlu_generative ---- */

char *filter_letter(const char *said)
{
    return stripped_of(said, said + strcspn(said, "\n"));
}

static void drop_punctuation(char *text)
{
    drop_characters(text, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~");
}

bool filtered_letters_equal(const char *a, const char *b)
{
    return equal_after(a, b, drop_punctuation);
}

/* ---- gsm8k ---- */

/* #### (\-?[0-9\.\,]+) */
char *filter_strict_number(const char *said)
{
    for (const char *at = said; (at = strstr(at, "#### ")); at++) {
        const char *from = at + 5, *number = from + (*from == '-');
        size_t n = strspn(number, "0123456789.,");

        if (n)
            return copy_of(from, number + n);
    }
    return xstrdup(FILTER_INVALID);
}

/* (-?[$0-9.,]{2,})|(-?[0-9]+), at this place; 0: no match. */
static size_t number_length(const char *at)
{
    size_t sign = *at == '-', n = strspn(at + sign, "$0123456789.,");

    if (n < 2)
        n = strspn(at + sign, "0123456789");
    return n ? sign + n : 0;
}

char *filter_last_number(const char *said)
{
    const char *last = NULL;
    size_t length = 0, n;

    for (const char *at = said; *at; at += n ? n : 1) {
        n = number_length(at);
        if (n) {
            last = at;
            length = n;
        }
    }
    return last ? copy_of(last, last + length) : xstrdup(FILTER_INVALID);
}

/* , then \$ then (?s).*####  then \.$ */
static void clean_number(char *text)
{
    char *mark = NULL;

    drop_characters(text, ",$");
    for (char *at = text; (at = strstr(at, "#### ")); at++)
        mark = at;
    if (mark)
        memmove(text, mark + 5, strlen(mark + 5) + 1);
    drop_final_period(text);
}

bool filtered_numbers_equal(const char *a, const char *b)
{
    return equal_after(a, b, clean_number);
}

/* ---- BBH: words ---- */

/* \b: whether exactly one of the characters before and behind is of a word. */
static bool at_boundary(const char *text, const char *at)
{
    const char *end = at + strlen(at), *before = at, *behind = at;
    bool left = false, right = at < end && utf8_is_word(utf8_next(&behind, end));

    while (before > text && ((unsigned char)*--before & 0xc0) == 0x80)
        ;
    if (before < at)
        left = utf8_is_word(utf8_next(&before, end));
    return left != right;
}

/* \bWORD\b at this place. */
static bool word_at(const char *text, const char *at, const char *word)
{
    size_t n = strlen(word);

    return !strncmp(at, word, n) && at_boundary(text, at) && at_boundary(text, at + n);
}

/* \b(A|B|...)\b, and what it stands for */
char *filter_words(const char *said, const struct filter_word *words, bool fold)
{
    char *text = fold ? lower_of(said) : xstrdup(said);
    const char *found = NULL;

    for (const char *at = text; *at && !found; at++)
        for (const struct filter_word *w = words; w->word && !found; w++)
            if (word_at(text, at, w->word))
                found = w->value;
    free(text);
    return xstrdup(found ? found : FILTER_INVALID);
}

/* ---- BBH: options ---- */

enum { OPTIONS = TASK_OPTIONS_MOST };

struct options {
    char *text[OPTIONS]; /* in lower case, without punctuation */
    size_t length[OPTIONS];
    int count;
};

/* Lower case, without characters of Unicode's categories P. Caller frees. */
static char *bare_of(const char *text)
{
    char *lower = lower_of(text);
    struct buf out = {0};

    for (const char *p = lower, *end = p + strlen(p); p < end;) {
        const char *from = p;
        int32_t code = utf8_next(&p, end);
        utf8proc_category_t k = utf8proc_category(code < 0 ? 'a' : code);

        if (k < UTF8PROC_CATEGORY_PC || k > UTF8PROC_CATEGORY_PO)
            buf_add(&out, from, (size_t)(p - from));
    }
    free(lower);
    return buf_take(&out);
}

/* Characters, not bytes. */
static size_t characters(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* \([A-Z]\) at this place. */
static bool letter_at(const char *at)
{
    return at[0] == '(' && at[1] >= 'A' && at[1] <= 'Z' && at[2] == ')';
}

/* \([A-Z]\)([^\n^(]*), all of them */
static void options_read(struct options *o, const char *question)
{
    o->count = 0;
    for (const char *at = question; *at && o->count < OPTIONS; at++) {
        size_t n;
        char *text;

        if (!letter_at(at))
            continue;
        n = strcspn(at + 3, "\n^(");
        text = stripped_of(at + 3, at + 3 + n);
        o->text[o->count] = bare_of(text);
        o->length[o->count] = characters(o->text[o->count]);
        o->count++;
        free(text);
        at += 2 + n;
    }
}

/* The longest option at this place, of equal ones the first; -1: none. */
static int option_at(const struct options *o, const char *at)
{
    int best = -1;

    for (int i = 0; i < o->count; i++)
        if (!strncmp(at, o->text[i], strlen(o->text[i])) &&
            (best < 0 || o->length[i] > o->length[best]))
            best = i;
    return best;
}

/* The letter of the option whose text is found first in the answer; where two have it, the last
 * one's. NULL: none is. What is found and is not the text of an option stands for itself. */
static char *option_by_text(const struct options *o, const char *said)
{
    char *bare = bare_of(said), *out = NULL, *text = NULL;
    int found = -1;

    for (const char *at = bare; o->count && found < 0; at++) {
        found = option_at(o, at);
        if (!*at)
            break;
    }
    if (found >= 0)
        text = task_stripped(o->text[found]);
    for (int i = 0; text && *text && i < o->count; i++)
        if (!strcmp(text, o->text[i])) {
            free(out);
            out = xasprintf("(%c)", 'A' + i);
        }
    if (text && *text && !out)
        out = xstrdup(text);
    free(text);
    free(bare);
    return out;
}

/* :\s*(A|B|...) */
static char *option_by_colon(int options, const char *said)
{
    for (const char *at = said, *end = said + strlen(said); (at = strchr(at, ':')); at++) {
        const char *p = at + 1, *next = p;

        while (p < end && utf8_is_space(utf8_next(&next, end)))
            p = next;
        if (*p >= 'A' && *p < 'A' + options)
            return xasprintf("(%c)", *p);
    }
    return NULL;
}

char *filter_option(const char *said, const char *question)
{
    struct options o;
    char *out;

    for (const char *at = said; *at; at++)
        if (letter_at(at))
            return copy_of(at, at + 3);
    options_read(&o, question);
    out = option_by_text(&o, said);
    if (!out)
        out = option_by_colon(o.count, said);
    for (int i = 0; i < o.count; i++)
        free(o.text[i]);
    return out ? out : xstrdup(FILTER_INVALID);
}

/* ---- BBH: other kinds ---- */

/* ([-0-9]+) */
char *filter_number(const char *said)
{
    const char *at = said + strcspn(said, "-0123456789");
    char *lower, *out;

    if (*at)
        return copy_of(at, at + strspn(at, "-0123456789"));
    lower = lower_of(said);
    out = english_number(lower);
    free(lower);
    return out ? out : xstrdup(FILTER_INVALID);
}

/* (?<= )([" \[\(<{}>\)\]]+)|([" \[\(<{}>\)\]]+) */
char *filter_brackets(const char *said)
{
    static const char run[] = "\" [(<{}>)]";
    const char *at = said + strcspn(said, run);

    return *at ? stripped_of(at, at + strspn(at, run)) : xstrdup(FILTER_INVALID);
}

/* The end of the word that is found at this place, the first of the list; NULL: none is. */
static const char *listed_at(const char *text, const char *at, char *const *word, int words,
                             int *which)
{
    for (int i = 0; i < words; i++)
        if (word_at(text, at, word[i])) {
            *which = i;
            return at + strlen(word[i]);
        }
    return NULL;
}

/* The last place of each word. */
static void last_places(const char *said, char *const *word, int words, const char **last)
{
    for (const char *at = said; *at;) {
        int which = 0;
        const char *end = listed_at(said, at, word, words, &which);

        if (end)
            last[which] = at;
        at = end && end > at ? end : at + 1;
    }
}

/* The words behind "List:". Caller frees each and the array. */
static char **listed_words(const char *question, int *count)
{
    const char *list = strstr(question, "List:");
    const char *p = list ? list + 5 : "", *end = p + strlen(p), *from = p;
    char **word = NULL;

    *count = 0;
    while (from < end) {
        const char *next = p;
        bool gap = p == end || utf8_is_space(utf8_next(&next, end));

        if (gap && p > from) {
            word = xrealloc(word, (size_t)(*count + 1) * sizeof(*word));
            word[(*count)++] = copy_of(from, p);
        }
        if (gap)
            from = next > p ? next : end;
        p = next;
    }
    return word;
}

char *filter_sorted(const char *said, const char *question)
{
    int words;
    char **word = listed_words(question, &words);
    const char **last = xcalloc((size_t)words + 1, sizeof(*last));
    struct buf out = {0};

    last_places(said, word, words, last);
    for (int k = 0; k < words; k++) { /* the next one in order; words that are listed twice: once */
        int next = -1;

        for (int i = 0; i < words; i++)
            if (last[i] && (next < 0 || last[i] < last[next]))
                next = i;
        if (next < 0)
            break;
        buf_printf(&out, "%s%s", out.len ? " " : "", word[next]);
        last[next] = NULL;
    }
    texts_free(word, words);
    free(last);
    return buf_take(&out);
}

static void clean_text(char *text)
{
    drop_final_period(text);
    drop_characters(text, ",\n\\\"");
}

bool filtered_texts_equal(const char *a, const char *b)
{
    return equal_after(a, b, clean_text);
}
