/* A sorted set of token texts, and the search for the leftmost, longest one in a text. Sorting puts
 * texts with the same beginning next to each other; longest_at() narrows the range of candidates
 * byte by byte, by binary search. A vocabulary may have thousands of added tokens (Gemma: 6000). */
#include "core/model/tokenizer/added_tokens.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

void added_put(struct added_set *set, const char *text, size_t len, struct added_token token)
{
    if (!len)
        return;
    if (set->count == set->cap) {
        set->cap = set->cap ? set->cap * 2 : 64;
        set->item = xrealloc(set->item, (size_t)set->cap * sizeof(*set->item));
    }
    token.text = set->text.len;
    token.len = len;
    token.order = set->count;
    buf_add(&set->text, text, len);
    set->item[set->count++] = token;
}

static int compare_text(const struct added_token *x, const struct added_token *y, const char *text)
{
    int c = memcmp(text + x->text, text + y->text, x->len < y->len ? x->len : y->len);

    return c ? c : x->len < y->len ? -1 : x->len > y->len;
}

static int compare_items(const void *a, const void *b, void *text)
{
    const struct added_token *x = a, *y = b;
    int c = compare_text(x, y, text);

    return c ? c
             : y->order - x->order; /* of two equals the later one first: added_end() keeps it */
}

static void index_bytes(struct added_set *set)
{
    int at = 0;

    for (int byte = 0; byte <= 256; byte++) {
        while (at < set->count && (unsigned char)set->text.data[set->item[at].text] < byte)
            at++;
        set->first[byte] = at;
    }
}

void added_end(struct added_set *set)
{
    int count = 0;

    if (!set->count)
        return;
    qsort_r(set->item, (size_t)set->count, sizeof(*set->item), compare_items, set->text.data);
    for (int i = 0; i < set->count; i++)
        if (!i || compare_text(&set->item[count - 1], &set->item[i], set->text.data) != 0)
            set->item[count++] = set->item[i];
    set->count = count;
    index_bytes(set);
}

void added_limit(struct added_set *set, int limit)
{
    int count = 0;

    for (int i = 0; i < set->count; i++)
        if (set->item[i].id < limit)
            set->item[count++] = set->item[i];
    set->count = count;
    if (set->item)
        index_bytes(set);
}

bool added_has(const struct added_set *set, int id)
{
    for (int i = 0; i < set->count; i++)
        if (set->item[i].id == id)
            return true;
    return false;
}

void added_free(struct added_set *set)
{
    free(set->item);
    buf_free(&set->text);
    *set = (struct added_set){0};
}

/* Items [low, high) are sorted and equal in their first `depth` bytes. Returns the first whose next
 * byte is `byte` or larger; items that end there come before all others. */
static int first_at_or_above(const struct added_set *set, int low, int high, size_t depth, int byte)
{
    while (low < high) {
        int mid = low + (high - low) / 2;
        const struct added_token *t = &set->item[mid];

        if (t->len == depth || (unsigned char)set->text.data[t->text + depth] < byte)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The longest token that the text begins with, or NULL. */
static const struct added_token *longest_at(const struct added_set *set, const char *text,
                                            size_t len)
{
    int byte = (unsigned char)text[0];
    int low = set->first[byte], high = set->first[byte + 1];
    const struct added_token *best = NULL;

    for (size_t depth = 1; low < high; depth++) {
        if (set->item[low].len == depth)
            best = &set->item[low];
        if (depth == len)
            break;
        byte = (unsigned char)text[depth];
        low = first_at_or_above(set, low, high, depth, byte);
        high = first_at_or_above(set, low, high, depth, byte + 1);
    }
    return best;
}

static bool is_white(int32_t c)
{
    return (c >= 9 && c <= 13) || c == 32 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Word characters that Unicode 16 added; utf8proc 2.8 knows Unicode 15. */
static const struct {
    int32_t first, last;
} unicode16_words[] = {
    {0x897, 0x897},     {0x1c89, 0x1c8a},   {0xa7cb, 0xa7cd},   {0xa7da, 0xa7dc},
    {0x105c0, 0x105f3}, {0x10d40, 0x10d65}, {0x10d69, 0x10d6d}, {0x10d6f, 0x10d85},
    {0x10ec2, 0x10ec4}, {0x10efc, 0x10efc}, {0x11380, 0x11389}, {0x1138b, 0x1138b},
    {0x1138e, 0x1138e}, {0x11390, 0x113b5}, {0x113b7, 0x113c0}, {0x113c2, 0x113c2},
    {0x113c5, 0x113c5}, {0x113c7, 0x113ca}, {0x113cc, 0x113d3}, {0x113e1, 0x113e2},
    {0x116d0, 0x116e3}, {0x11bc0, 0x11be0}, {0x11bf0, 0x11bf9}, {0x11f5a, 0x11f5a},
    {0x13460, 0x143fa}, {0x16100, 0x16139}, {0x16d40, 0x16d6c}, {0x16d70, 0x16d79},
    {0x18cff, 0x18cff}, {0x1ccf0, 0x1ccf9}, {0x1e5d0, 0x1e5fa}, {0x2ebf0, 0x2ee5d}};

static bool is_unicode16_word(int32_t c)
{
    for (size_t i = 0;
         i < sizeof(unicode16_words) / sizeof(*unicode16_words) && unicode16_words[i].first <= c;
         i++)
        if (c <= unicode16_words[i].last)
            return true;
    return false;
}

/* Whether a regular expression's \w matches c: letters, marks, decimal digits, connectors, joiners.
 */
static bool is_word(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default: /* circled letters are symbols, yet alphabetic */
        return c == 0x200c || c == 0x200d || (c >= 0x24b6 && c <= 0x24e9) ||
               (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
               (c >= 0x1f170 && c <= 0x1f189) || is_unicode16_word(c);
    }
}

/* The character that ends before text[at]; *start is where it begins. */
static int32_t char_before(const char *text, size_t at, size_t *start)
{
    const char *p;

    *start = at - 1;
    while (*start && (text[*start] & 0xc0) == 0x80)
        (*start)--;
    p = text + *start;
    return utf8_next(&p, text + at);
}

static bool touches_word(const char *text, size_t len, const struct added_match *m)
{
    size_t start;
    const char *p = text + m->end;

    if (m->start && is_word(char_before(text, m->start, &start)))
        return true;
    return m->end < len && is_word(utf8_next(&p, text + len));
}

static void absorb_white_space(const struct added_token *t, const char *text, size_t len,
                               size_t from, struct added_match *m)
{
    size_t start;
    const char *p = text + m->end, *end = text + len;

    while (t->lstrip && m->start > from && is_white(char_before(text, m->start, &start)))
        m->start = start > from ? start : from;
    while (t->rstrip && p < end && is_white(utf8_next(&p, end)))
        m->end = (size_t)(p - text);
}

bool added_next(const struct added_set *set, const char *text, size_t len, size_t from,
                bool specials, struct added_match *match)
{
    size_t at = from;

    while (set->count && at < len) {
        int byte = (unsigned char)text[at];
        const struct added_token *t =
            set->first[byte] < set->first[byte + 1] ? longest_at(set, text + at, len - at) : NULL;

        if (!t) {
            at++;
            continue;
        }
        *match = (struct added_match){t->id, at, at + t->len};
        at = match->end; /* also after a rejected match: do not search inside it */
        if ((t->special && !specials) || (t->single_word && touches_word(text, len, match)))
            continue;
        absorb_white_space(t, text, len, from, match);
        return true;
    }
    return false;
}
