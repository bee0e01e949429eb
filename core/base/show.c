/* Safe text: display widths, whole characters, escaping, and a printf made of these.
 *
 * The program prints text that strangers wrote: a model's tokens, a fact file, a file name, a
 * generated answer. Printed raw, such text can
 *   - control the terminal: ESC ] 0 ; sets the title, other sequences move the cursor, answer as if
 *     the user had typed, or hide what was printed before;
 *   - look like other text: U+202E shows the rest of a line backwards, zero-width characters make
 *     two different tokens look the same;
 *   - break the layout: a table that counts bytes is wrong for "é" (2 bytes, 1 column), "日" (3
 *     bytes, 2 columns) and a flag (8 bytes, 2 columns).
 *
 * So text is escaped once, at the last moment, and by the function that prints. Everything before
 * keeps the true bytes. What each kind of byte becomes:
 *
 *   printable characters                 themselves
 *   LF, TAB, CR                          \n \t \r      (kept by show_lines(), for our own texts)
 *   other controls, C0 and C1            \x1b
 *   bytes that are not UTF-8             \xff          (one for each byte)
 *   the two bytes of UTF8_NUL            \x00
 *   bidi controls, zero-width, private   \u202e        (show_invisible())
 *   joiners between visible characters   themselves    (Persian, Hindi and emoji need them)
 *
 * A backslash is not escaped: this is for eyes, not for reading back. Machine-readable output
 * (JSON, CSV) has its own rules and does not come here.
 *
 * Width and precision of %s count columns of the escaped text. Both work on whole clusters: a
 * letter with its accents, an emoji sequence, a flag are never cut in two. */
#include "core/base/show.h"

#include <inttypes.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "core/base/utf8.h"

enum {
    JOINER = 0x200d,
    NON_JOINER = 0x200c,
    EMOJI_STYLE = 0xfe0f,
    KEYCAP = 0x20e3,
    PREFIX = 20 /* a precision below this means a prefix, as of a hash: no ellipsis */
};

static locale_t wide;
static pthread_once_t wide_once = PTHREAD_ONCE_INIT;

static void wide_open(void)
{
    wide = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* wcwidth() depends on the locale. In "C", which tests and pipes often have, it returns -1 for
 * everything outside ASCII. So it is called in a UTF-8 locale of our own. */
static int wide_width(int32_t code)
{
    locale_t before;
    int width;

    pthread_once(&wide_once, wide_open);
    if (wide == (locale_t)0)
        return 1;
    before = uselocale(wide);
    width = wcwidth((wchar_t)code);
    uselocale(before);
    return width;
}

int show_width(int32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code < 0xa0))
        return -1;
    if (code < 0x300)
        return code == 0xad ? -1 : 1;
    return wide_width(code);
}

/* A regional indicator: two of them make a flag. */
static bool flag_letter(int32_t c)
{
    return c >= 0x1f1e6 && c <= 0x1f1ff;
}

static bool skin_tone(int32_t c)
{
    return c >= 0x1f3fb && c <= 0x1f3ff;
}

/* Emoji and symbols that a joiner may combine into one picture. */
static bool pictograph_char(int32_t c)
{
    return (c >= 0x1f000 && c <= 0x1faff) || (c >= 0x2190 && c <= 0x2bff);
}

size_t show_cluster(const char *text, const char *end, int *width, int32_t *code)
{
    const char *p = text;
    int32_t before;
    int parts = 1;

    *code = before = utf8_next(&p, end);
    *width = *code < 0 ? -1 : show_width(*code);
    while (*width >= 0 && p < end && (*p & 0x80)) {
        const char *next = p;
        int32_t c = utf8_next(&next, end);
        bool flag = parts == 1 && flag_letter(*code) && flag_letter(c);
        bool joined =
            pictograph_char(*code) && pictograph_char(c) && (before == JOINER || skin_tone(c));

        if (c < 0 || (!flag && !joined && (show_width(c) != 0 || show_invisible(c))))
            if (c != JOINER && c != NON_JOINER)
                break;
        if (flag || joined || ((c == EMOJI_STYLE || c == KEYCAP) && *width == 1))
            *width = 2;
        before = c;
        parts++;
        p = next;
    }
    return (size_t)(p - text);
}

bool show_invisible(int32_t c)
{
    return c == 0xad || c == 0x61c || c == 0x115f || c == 0x1160 || c == 0x180e || c == 0x3164 ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || c == 0xffa0 ||
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff) ||
           (c >= 0xe000 && c <= 0xf8ff);
}

static void escape_control(struct buf *out, unsigned char c)
{
    if (c == '\n')
        buf_puts(out, "\\n");
    else if (c == '\t')
        buf_puts(out, "\\t");
    else if (c == '\r')
        buf_puts(out, "\\r");
    else
        buf_printf(out, "\\x%02x", c);
}

/* Escapes n bytes; the controls listed in `keep` stay as they are. */
static void escape_text(struct buf *out, const char *bytes, size_t n, const char *keep)
{
    const char *p = bytes, *end = bytes + n;
    bool joins = false; /* a joiner may follow the previous character */

    while (p < end) {
        const char *from = p;
        int32_t code = utf8_next(&p, end);
        bool joiner = joins && (code == JOINER || code == NON_JOINER);

        if (code < 0 && end - from > 1 && !memcmp(from, UTF8_NUL, 2)) {
            escape_control(out, 0);
            p = from + 2;
        } else if (code < 0)
            for (; from < p; from++)
                buf_printf(out, "\\x%02x", (unsigned char)*from);
        else if (code && code < 0x20 && strchr(keep, code))
            buf_add(out, from, 1);
        else if (code < 0x20 || code == 0x7f)
            escape_control(out, (unsigned char)code);
        else if (code >= 0x80 && code < 0xa0)
            buf_printf(out, "\\x%02x", (unsigned)code);
        else if (!joiner && (show_invisible(code) || show_width(code) < 0))
            buf_printf(out, "\\u%04x", (unsigned)code);
        else
            buf_add(out, from, (size_t)(p - from));
        joins = code >= 0x300 && !joiner && !show_invisible(code);
    }
}

void show_escape(struct buf *out, const char *bytes, size_t n)
{
    escape_text(out, bytes, n, "");
}

void show_lines(struct buf *out, const char *bytes, size_t n)
{
    escape_text(out, bytes, n, "\n\t");
}

/* One conversion of a format, such as "%-20.48s". */
struct conversion {
    bool left;            /* flag - */
    bool bytes;           /* "%.*s": the precision is an argument and counts bytes */
    int width, precision; /* precision -1: none */
    char text[16];        /* its flags, to pass numbers on to printf */
    int length;           /* 'l', 'L' for ll, 'z', 'j', 't'; 0: int, or promoted to int */
    char kind;            /* 's', 'd' ... */
};

/* Appends escaped text, cut and padded to columns. */
static void put_fitted(struct buf *out, const struct conversion *c, const struct buf *shown)
{
    const char *text = shown->data ? shown->data : "", *end = text + shown->len, *p = text, *cut;
    int cols = 0, mark = c->precision >= PREFIX, width;
    bool bound = c->precision >= 0 && !c->bytes;
    int32_t code;

    cut = text;
    while (p < end) {
        size_t n = show_cluster(p, end, &width, &code);

        cols += width < 0 ? 1 : width;
        p += n;
        if (bound && cols <= c->precision - mark)
            cut = p;
        if (bound && cols > c->precision)
            break;
    }
    if (bound && cols > c->precision) {
        struct buf part = {0};

        buf_add(&part, text, (size_t)(cut - text));
        if (mark)
            buf_puts(&part, "…");
        put_fitted(out, &(struct conversion){.left = c->left, .width = c->width, .precision = -1},
                   &part);
        buf_free(&part);
        return;
    }
    for (int i = cols; !c->left && i < c->width; i++)
        buf_puts(out, " ");
    buf_add(out, text, shown->len);
    for (int i = cols; c->left && i < c->width; i++)
        buf_puts(out, " ");
}

static void put_text(struct buf *out, const struct conversion *c, const char *text)
{
    struct buf shown = {0};
    size_t n = !text                           ? 0
               : c->bytes && c->precision >= 0 ? strnlen(text, (size_t)c->precision)
                                               : strlen(text);

    show_escape(&shown, text ? text : "", n);
    put_fitted(out, c, &shown);
    buf_free(&shown);
}

void show_fitted(struct buf *out, const char *text, int width, int most)
{
    put_text(out,
             &(struct conversion){.left = width < 0,
                                  .width = width < 0 ? -width : width,
                                  .precision = most ? most : -1},
             text);
}

int show_columns(const char *text, int most)
{
    struct buf shown = {0};
    int cols = 0, width;
    int32_t code;

    show_fitted(&shown, text, 0, most);
    for (size_t i = 0; i < shown.len; cols += width < 0 ? 1 : width)
        i += show_cluster(shown.data + i, shown.data + shown.len, &width, &code);
    buf_free(&shown);
    return cols;
}

/* Reads the conversion after "%" and moves *p past it. Sets *width and *precision to 1 if they are
 * "*", that is, arguments. */
static void read_conversion(struct conversion *c, const char **p, int *width, int *precision)
{
    size_t n = 0;
    const char *s = *p;

    *c = (struct conversion){.precision = -1};
    *width = *precision = 0;
    for (; *s && strchr("-+ #0", *s); s++) {
        c->left |= *s == '-';
        if (n < 6)
            c->text[n++] = *s;
    }
    c->text[n] = '\0';
    if (*s == '*')
        *width = 1, s++;
    else
        c->width = (int)strtol(s, (char **)&s, 10);
    if (*s == '.') {
        s++;
        if (*s == '*')
            *precision = 1, s++;
        else
            c->precision = (int)strtol(s, (char **)&s, 10);
    }
    for (; *s && strchr("hlzjt", *s); s++)
        c->length = c->length == 'l' ? 'L' : *s;
    c->kind = *s;
    *p = *s ? s + 1 : s;
}

/* Formats a number with printf: integers as the widest type of their sign, reals as double. */
static void put_number(struct buf *out, const struct conversion *c, uintmax_t n, double real)
{
    bool is_real = strchr("eEfFgGaA", c->kind) != NULL;
    char fmt[40];
    size_t at = (size_t)snprintf(fmt, sizeof(fmt), "%%%s", c->text);

    if (c->width)
        at += (size_t)snprintf(fmt + at, sizeof(fmt) - at, "%d", c->width);
    if (c->precision >= 0)
        at += (size_t)snprintf(fmt + at, sizeof(fmt) - at, ".%d", c->precision);
    snprintf(fmt + at, sizeof(fmt) - at, "%s%c", is_real ? "" : "j", c->kind);
    if (is_real)
        buf_printf(out, fmt, real);
    else
        buf_printf(out, fmt, n);
}

/* The next integer argument, whose type the length modifier gives. A macro, because va_arg() needs
 * the list itself. */
#define TAKE(type_of_int, type_of_long, type_of_longest)                                            \
    (c.length == 'l' || c.length == 'z' || c.length == 't' ? (uintmax_t)va_arg(ap, type_of_long)    \
     : c.length == 'L' || c.length == 'j'                  ? (uintmax_t)va_arg(ap, type_of_longest) \
                                                           : (uintmax_t)va_arg(ap, type_of_int))

void show_vformat(struct buf *out, const char *fmt, va_list given)
{
    va_list ap;

    va_copy(ap, given);
    while (*fmt) {
        size_t plain = strcspn(fmt, "%");
        struct conversion c;
        int width, precision;
        char letter[2] = "";

        buf_add(out, fmt, plain);
        fmt += plain;
        if (!*fmt)
            break;
        fmt++;
        read_conversion(&c, &fmt, &width, &precision);
        if (width && (c.width = va_arg(ap, int)) < 0) {
            c.left = true;
            c.width = -c.width;
        }
        if (precision) {
            c.precision = va_arg(ap, int);
            c.bytes = true;
        }
        if (!c.kind)
            break;
        if (c.kind == '%')
            buf_puts(out, "%");
        else if (c.kind == 's')
            put_text(out, &c, va_arg(ap, const char *));
        else if (c.kind == 'c' && (letter[0] = (char)va_arg(ap, int)))
            put_text(out, &c, letter);
        else if (strchr("di", c.kind))
            put_number(out, &c, TAKE(int, long, long long), 0);
        else if (strchr("uoxX", c.kind))
            put_number(out, &c, TAKE(unsigned, unsigned long, unsigned long long), 0);
        else if (strchr("eEfFgGaA", c.kind))
            put_number(out, &c, 0, va_arg(ap, double));
        else if (c.kind == 'p')
            buf_printf(out, "%p", va_arg(ap, void *));
    }
    va_end(ap);
}

void show_format(struct buf *out, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    show_vformat(out, fmt, ap);
    va_end(ap);
}

const char *show_vprint(char *out, size_t size, const char *fmt, va_list ap)
{
    struct buf b = {0};

    show_vformat(&b, fmt, ap);
    utf8_copy(out, size, b.data);
    buf_free(&b);
    return out;
}

const char *show_print(char *out, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    show_vprint(out, size, fmt, ap);
    va_end(ap);
    return out;
}

void show_shell_word(struct buf *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:@%+=,";

    if (word && *word && !word[strspn(word, plain)]) {
        buf_puts(out, word);
        return;
    }
    buf_puts(out, "'");
    for (const char *p = word ? word : ""; *p; p++)
        buf_printf(out, *p == '\'' ? "'\\''" : "%c", *p);
    buf_puts(out, "'");
}

const char *show_bytes(double bytes, char out[16])
{
    if (bytes >= 1e9)
        snprintf(out, 16, "%.1f GB", bytes / 1e9);
    else if (bytes >= 1e6)
        snprintf(out, 16, bytes < 1e7 ? "%.1f MB" : "%.0f MB", bytes / 1e6);
    else if (bytes >= 1e3)
        snprintf(out, 16, bytes < 1e4 ? "%.1f kB" : "%.0f kB", bytes / 1e3);
    else
        snprintf(out, 16, "%.0f bytes", bytes);
    return out;
}
