/* Decodes, validates, cleans and cuts UTF-8. libutf8proc would do some of it, but reports neither
 * the position of an error nor how many bytes one U+FFFD replaces. */
#include "core/base/utf8.h"

#include <string.h>
#include <utf8proc.h>

/* Whether the second byte may follow the first (Unicode table 3-7). Overlong forms (E0 80..9F),
 * surrogates (ED A0..BF) and code points above U+10FFFF (F4 90..BF) show here. */
static bool second_ok(unsigned first, unsigned second)
{
    switch (first) {
    case 0xe0:
        return second >= 0xa0 && second <= 0xbf;
    case 0xed:
        return second >= 0x80 && second <= 0x9f;
    case 0xf0:
        return second >= 0x90 && second <= 0xbf;
    case 0xf4:
        return second >= 0x80 && second <= 0x8f;
    default:
        return second >= 0x80 && second <= 0xbf;
    }
}

/* The bytes of a character by its first byte; 0: no character begins so. */
static int sequence_length(unsigned first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

int32_t utf8_next(const char **p, const char *end)
{
    const unsigned char *s = (const unsigned char *)*p;
    int n = sequence_length(s[0]);
    int32_t code;

    (*p)++;
    if (n <= 1)
        return n ? s[0] : -1;
    if (*p == end || !second_ok(s[0], s[1]))
        return -1;
    (*p)++;
    code = (s[0] & (0x7f >> n)) << 6 | (s[1] & 0x3f);
    for (int i = 2; i < n; i++) {
        if (*p == end || (s[i] & 0xc0) != 0x80)
            return -1;
        (*p)++;
        code = code << 6 | (s[i] & 0x3f);
    }
    return code;
}

/* Skips ASCII, eight bytes at a time: most texts are mostly ASCII. */
static const char *skip_ascii(const char *p, const char *end)
{
    uint64_t word;

    while (end - p >= 8) {
        memcpy(&word, p, 8);
        if (word & UINT64_C(0x8080808080808080))
            break;
        p += 8;
    }
    while (p < end && !(*p & 0x80))
        p++;
    return p;
}

bool utf8_valid(const char *text, size_t n, size_t *bad)
{
    const char *p = text, *end = text + n, *start;

    while ((p = skip_ascii(p, end)) < end) {
        start = p;
        if (utf8_next(&p, end) < 0) {
            if (bad)
                *bad = (size_t)(start - text);
            return false;
        }
    }
    return true;
}

void utf8_clean(struct buf *out, const char *text, size_t n)
{
    const char *p = text, *end = text + n, *start = text, *here;

    while ((p = skip_ascii(p, end)) < end) {
        here = p;
        if (utf8_next(&p, end) >= 0)
            continue;
        buf_add(out, start, (size_t)(here - start));
        buf_add(out, "\xef\xbf\xbd", 3);
        start = p;
    }
    buf_add(out, start, (size_t)(end - start));
}

size_t utf8_cut(const char *text, size_t length, size_t n)
{
    size_t cut = length < n ? length : n, back = 0;

    if (cut == length)
        return length;
    while (back < 3 && back < cut && ((unsigned char)text[cut - back] & 0xc0) == 0x80)
        back++; /* the cut is inside a character: move to its first byte */
    return ((unsigned char)text[cut - back] & 0xc0) == 0x80 ? cut : cut - back;
}

void utf8_copy(char *out, size_t size, const char *text)
{
    size_t length = text ? strlen(text) : 0, n = size ? utf8_cut(text, length, size - 1) : 0;

    if (!size)
        return;
    if (n)
        memmove(out, text, n);
    out[n] = '\0';
}

/* White space, and characters that show nothing (zero-width space, joiners, byte order mark,
 * direction marks): nobody sees them at the ends of a text. */
static bool utf8_blank(int32_t code)
{
    static const struct {
        int32_t first, last;
    } blank[] = {{0x09, 0x0d},     {0x20, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},
                 {0xad, 0xad},     {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200f},
                 {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x2060}, {0x3000, 0x3000},
                 {0xfeff, 0xfeff}};

    for (size_t i = 0; i < sizeof(blank) / sizeof(*blank); i++)
        if (code >= blank[i].first && code <= blank[i].last)
            return true;
    return false;
}

int utf8_compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t utf8_trim(const char **text, size_t n)
{
    const char *from = *text, *end = *text + n, *p = from;

    while (p < end && utf8_blank(utf8_next(&p, end)))
        from = p;
    while (end > from) {
        const char *start = end - 1;

        while (start > from && ((unsigned char)*start & 0xc0) == 0x80)
            start--;
        p = start;
        if (!utf8_blank(utf8_next(&p, end)) || p != end)
            break;
        end = start;
    }
    *text = from;
    return (size_t)(end - from);
}

void utf8_encode_nul(struct buf *text)
{
    struct buf out = {0};

    if (!text->len || !memchr(text->data, 0, text->len))
        return;
    for (size_t i = 0; i < text->len; i++)
        buf_add(&out, text->data[i] ? &text->data[i] : UTF8_NUL, text->data[i] ? 1 : 2);
    buf_free(text);
    *text = out;
}

void utf8_decode_nul(struct buf *out, const char *text)
{
    const char *at;

    while ((at = strstr(text, UTF8_NUL))) {
        buf_add(out, text, (size_t)(at - text));
        buf_add(out, "", 1);
        text = at + 2;
    }
    buf_puts(out, text);
}

int utf8_put(char out[4], int32_t code)
{
    return (int)utf8proc_encode_char(code, (utf8proc_uint8_t *)out);
}

bool utf8_is_word(int32_t code)
{
    utf8proc_category_t k = code < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(code);

    return code == '_' || (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
           (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

bool utf8_is_space(int32_t code)
{
    return (code >= 9 && code <= 13) || (code >= 28 && code <= 32) || code == 0x85 ||
           (code >= 0 && utf8proc_category(code) >= UTF8PROC_CATEGORY_ZS &&
            utf8proc_category(code) <= UTF8PROC_CATEGORY_ZP);
}

void utf8_lower(struct buf *out, const char *text, size_t n)
{
    for (const char *p = text, *end = text + n; p < end;) {
        int32_t code = utf8_next(&p, end);
        char bytes[4];

        if (code >= 0)
            buf_add(out, bytes, (size_t)utf8_put(bytes, utf8proc_tolower(code)));
    }
}
