/* Compares texts after normalisation to Unicode's form C; for messages also with case, quotation
 * marks and blanks folded. */
#include "core/edit/unicode_match.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/fact.h"
#include "core/edit/wording.h"
#include "core/model/tokenizer/nfc.h"

static struct offset_map nfc_of(const char *text)
{
    struct offset_map out = {0};

    nfc_apply(&out, text, strlen(text));
    buf_puts(&out.text, ""); /* a C string also if it is empty */
    return out;
}

static const char *text_in(const struct offset_map *r)
{
    return r->text.data ? r->text.data : "";
}

/* Whether this byte continues a character of UTF-8. */
static bool is_inside(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* Whether a combining mark, which belongs to the character before it, begins here. */
static bool is_mark(const char *at)
{
    const char *p = at;
    int32_t code = *at ? utf8_next(&p, at + strlen(at)) : -1;

    return code >= 0x300 && utf8proc_get_property(code)->combining_class;
}

/* The first place of `part` that does not cut a letter from its marks. */
static const char *find_whole(const char *text, const char *part)
{
    size_t n = strlen(part);

    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        if (!is_mark(at + n))
            return at;
    return NULL;
}

/* Whether a letter, mark or digit, of a script that puts blanks between words. Korean does, but
 * writes particles onto the noun: its syllables do not count. */
static bool is_word_code(int32_t code)
{
    static const struct {
        int32_t first, last;
    } hangul[] = {{0x1100, 0x11ff}, {0x3130, 0x318f}, {0xa960, 0xa97f}, {0xac00, 0xd7ff}};
    utf8proc_category_t c = code < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(code);

    for (size_t i = 0; i < sizeof(hangul) / sizeof(*hangul); i++)
        if (code >= hangul[i].first && code <= hangul[i].last)
            return false;
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_ND && !script_is_unspaced(code);
}

/* Whether the characters before and at `at` are of the same word. */
static bool inside_word(const char *text, const char *at)
{
    const char *before = at, *after = at;

    if (at == text || !*at)
        return false;
    do
        before--;
    while (before > text && is_inside(*before));
    return is_word_code(utf8_next(&before, at)) && is_word_code(utf8_next(&after, at + strlen(at)));
}

bool unicode_contains_word(const char *text, const char *part)
{
    struct offset_map a = nfc_of(text), b = nfc_of(part);
    const char *in = text_in(&a), *at = find_whole(in, text_in(&b));
    size_t n = strlen(text_in(&b));

    while (at && (inside_word(in, at) || inside_word(in, at + n)))
        at = find_whole(at + 1, text_in(&b));
    offset_map_free(&a);
    offset_map_free(&b);
    return at != NULL;
}

bool unicode_starts_with(const char *text, const char *part)
{
    struct offset_map a = nfc_of(text), b = nfc_of(part);
    bool yes = !strncmp(text_in(&a), text_in(&b), strlen(text_in(&b)));

    offset_map_free(&a);
    offset_map_free(&b);
    return yes;
}

/* Whether these bytes of the text are the normalised part. */
static bool is_part(const char *text, size_t begin, size_t end, const char *part)
{
    struct offset_map r = {0};
    bool yes;

    nfc_apply(&r, text + begin, end - begin);
    buf_puts(&r.text, "");
    yes = !strcmp(text_in(&r), part);
    offset_map_free(&r);
    return yes;
}

/* The normalised range may be longer than the part: finds the bytes in it that equal the part. */
static bool narrow_range(const char *text, const char *part, size_t *begin, size_t *end)
{
    size_t from = *begin, to = *end;

    for (size_t b = from; b < to; b++)
        for (size_t e = to; !is_inside(text[b]) && e > b; e--)
            if (!is_inside(text[e]) && !is_mark(text + e) && is_part(text, b, e, part)) {
                *begin = b;
                *end = e;
                return true;
            }
    return false;
}

bool unicode_find(const char *text, const char *part, size_t *begin, size_t *end)
{
    enum { STRETCH = 512 }; /* of text that is searched within a normalised stretch */
    struct offset_map a = nfc_of(text), b = nfc_of(part);
    const char *at = *text_in(&b) ? find_whole(text_in(&a), text_in(&b)) : NULL;
    bool once = at && !find_whole(at + 1, text_in(&b));

    if (once) {
        size_t from = (size_t)(at - text_in(&a));

        *begin = offset_map_origin(&a, from, false);
        *end = offset_map_origin(&a, from + strlen(text_in(&b)), true);
        once = is_part(text, *begin, *end, text_in(&b)) ||
               (*end - *begin <= STRETCH + 4 * strlen(part) &&
                narrow_range(text, text_in(&b), begin, end));
    }
    offset_map_free(&a);
    offset_map_free(&b);
    return once;
}

enum { FOLD_CASE = 1, FOLD_QUOTES = 2, FOLD_BLANKS = 4, FOLD_DASHES = 8 };

static bool is_blank(int32_t c)
{
    return c == ' ' || (c >= 9 && c <= 13) || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200b) || c == 0x202f || c == 0x205f || c == 0x3000;
}

static int32_t fold_code(int32_t c, unsigned what)
{
    if (what & FOLD_QUOTES && ((c >= 0x2018 && c <= 0x201b) || c == 0x2b9 || c == 0x2bc ||
                               c == 0x2032 || c == 0x60 || c == 0xb4))
        return '\'';
    if (what & FOLD_QUOTES &&
        ((c >= 0x201c && c <= 0x201f) || c == 0xab || c == 0xbb || c == 0x2033))
        return '"';
    if (what & FOLD_DASHES && ((c >= 0x2010 && c <= 0x2015) || c == 0x2212))
        return '-';
    return what & FOLD_CASE ? utf8proc_tolower(c) : c;
}

/* The text in form C without the differences that `what` names. Caller frees. */
static char *folded_text(const char *text, unsigned what)
{
    struct offset_map r = nfc_of(text);
    const char *p = text_in(&r), *end = p + strlen(p);
    struct buf out = {0};
    bool blank = false;

    while (p < end) {
        int32_t c = utf8_next(&p, end);
        char bytes[4];

        if (c < 0 || (what & FOLD_BLANKS && is_blank(c) && blank))
            continue;
        blank = is_blank(c);
        c = what & FOLD_BLANKS && blank ? ' ' : fold_code(c, what);
        buf_add(&out, bytes, (size_t)utf8_put(bytes, c));
    }
    offset_map_free(&r);
    return buf_take(&out);
}

const char *unicode_difference(const char *text, const char *part)
{
    static const struct {
        unsigned what;
        const char *words;
    } folds[] = {
        {FOLD_CASE, "upper and lower case"},
        {FOLD_QUOTES, "the kind of quotation marks"},
        {FOLD_BLANKS, "the kind or number of blanks"},
        {FOLD_DASHES, "the kind of dashes"},
        {FOLD_CASE | FOLD_QUOTES | FOLD_BLANKS | FOLD_DASHES, "case, quotation marks, blanks or "
                                                              "dashes"},
    };

    for (size_t i = 0; i < sizeof(folds) / sizeof(*folds); i++) {
        char *a = folded_text(text, folds[i].what), *b = folded_text(part, folds[i].what);
        bool near = *b && strstr(a, b);

        free(a);
        free(b);
        if (near)
            return folds[i].words;
    }
    return NULL;
}

void subject_take_form(struct fact *fact)
{
    size_t begin, end;

    if (strstr(fact->prompt, fact->subject) ||
        !unicode_find(fact->prompt, fact->subject, &begin, &end))
        return;
    free(fact->subject);
    fact->subject = xasprintf("%.*s", (int)(end - begin), fact->prompt + begin);
}

bool subject_explain(const struct fact *fact, struct err *err)
{
    const char *words = unicode_difference(fact->prompt, fact->subject);
    struct err said = err ? *err : (struct err){0};

    if (!words || !err)
        return false;
    err->kind = ERR_NONE;
    return err_set(err, said.kind, "%s (they differ in %s alone)", said.text, words);
}
