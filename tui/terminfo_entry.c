/* Writes a terminal description in the compiled form of term(5): a header of six numbers, names,
 * flags, numbers, the offsets of the strings, the strings; then the same again for the extended
 * capabilities, which have their names with them. Numbers are little-endian.
 *
 * Only what concerns colours differs from the description that it is made from. So keys, the mouse
 * and ways to move the cursor stay those of the terminal. */
#include "tui/terminfo_entry.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/base/buf.h"
#include "tui/term_choice.h"

enum { MAGIC_32_BIT = 01036, ABSENT = 0xffff };

static void put_short(struct buf *out, size_t value)
{
    char bytes[2] = {(char)(value & 255), (char)(value >> 8 & 255)};

    buf_add(out, bytes, 2);
}

/* Numbers begin at an even place. */
static void put_even(struct buf *out)
{
    if (out->len % 2)
        buf_add(out, "", 1);
}

/* Appends the offset of a text in `strings`, and the text with its NUL to `strings`. */
static void put_text(struct buf *out, struct buf *strings, const char *text)
{
    put_short(out, text ? strings->len : (size_t)ABSENT);
    if (text)
        buf_add(strings, text, strlen(text) + 1);
}

static const char *text_or_null(const char *text)
{
    return text == (const char *)-1 ? NULL : text;
}

/* The palette stays the user's, so no capability that changes it is kept. */
static const char *text_of(const struct terminfo_source *from, const char *name, bool direct)
{
    const struct {
        const char *name, *text;
    } colour[] = {
        {"setaf", direct ? "\033[38;2;%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%dm"
                         : "\033[%?%p1%{8}%<%t3%p1%d%e%p1%{16}%<%t9%p1%{8}%-%d%e38;5;%p1%d%;m"},
        {"setab", direct ? "\033[48;2;%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%dm"
                         : "\033[%?%p1%{8}%<%t4%p1%d%e%p1%{16}%<%t10%p1%{8}%-%d%e48;5;%p1%d%;m"},
        {"op", "\033[39;49m"},
        {"initc", NULL},
        {"initp", NULL},
        {"oc", NULL},
    };

    for (size_t i = 0; i < sizeof(colour) / sizeof(*colour); i++)
        if (!strcmp(name, colour[i].name))
            return colour[i].text;
    return text_or_null(from->text(name));
}

static int number_of(const struct terminfo_source *from, const char *name, int colours)
{
    if (!strcmp(name, "colors"))
        return colours;
    if (!strcmp(name, "pairs"))
        return colours == COLOURS_DIRECT ? 0x7ffff : 0x10000;
    return strcmp(name, "ncv") ? from->number(name) : -1; /* attributes go with all colours */
}

/* All that curses asks for by an extended name: whether -1 is the default colour (AX), whether
 * colours are RGB values, and how to ask for the mouse (XM). */
static void put_extended(const struct terminfo_source *from, bool direct, struct buf *out)
{
    const char *mouse = text_or_null(from->text("XM"));
    struct buf values = {0}, names = {0}, offsets = {0};
    size_t flags = direct ? 2 : 1, texts = mouse != NULL;

    if (mouse)
        put_text(&offsets, &values, mouse);
    put_text(&offsets, &names, "AX");
    if (direct)
        put_text(&offsets, &names, "RGB");
    if (mouse)
        put_text(&offsets, &names, "XM");
    put_even(out);
    put_short(out, flags);
    put_short(out, 0);
    put_short(out, texts);
    put_short(out, flags + 2 * texts);
    put_short(out, values.len + names.len);
    buf_add(out, "\001\001", flags);
    put_even(out);
    buf_add(out, offsets.data, offsets.len);
    if (mouse)
        buf_add(out, values.data, values.len);
    buf_add(out, names.data, names.len);
    buf_free(&values);
    buf_free(&names);
    buf_free(&offsets);
}

void terminfo_entry_write(const struct terminfo_source *from, const char *name, int colours,
                          struct buf *out)
{
    struct buf flags = {0}, numbers = {0}, offsets = {0}, strings = {0};
    bool direct = colours == COLOURS_DIRECT;

    for (int i = 0; from->flags[i]; i++)
        buf_add(&flags,
                from->flag(from->flags[i]) > 0 && strcmp(from->flags[i], "ccc") != 0 ? "\001" : "",
                1);
    for (int i = 0; from->numbers[i]; i++) {
        uint32_t value = (uint32_t)number_of(from, from->numbers[i], colours);

        put_short(&numbers, value & 0xffff);
        put_short(&numbers, value >> 16);
    }
    for (int i = 0; from->texts[i]; i++)
        put_text(&offsets, &strings, text_of(from, from->texts[i], direct));
    put_short(out, MAGIC_32_BIT);
    put_short(out, strlen(name) + 1);
    put_short(out, flags.len);
    put_short(out, numbers.len / 4);
    put_short(out, offsets.len / 2);
    put_short(out, strings.len);
    buf_add(out, name, strlen(name) + 1);
    buf_add(out, flags.data, flags.len);
    put_even(out);
    buf_add(out, numbers.data, numbers.len);
    buf_add(out, offsets.data, offsets.len);
    buf_add(out, strings.data, strings.len);
    put_extended(from, direct, out);
    buf_free(&flags);
    buf_free(&numbers);
    buf_free(&offsets);
    buf_free(&strings);
}
