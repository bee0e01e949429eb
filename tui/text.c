/* Splits text into grapheme clusters (what a reader sees as one character) and counts their
 * columns. */
#include "tui/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/show.h"
#include "core/base/utf8.h"

/* Looks at 256 bytes at most: a text may pile up marks without end. */
bool text_next(const char **text, struct grapheme *g)
{
    const char *from = *text, *end;
    size_t n;

    if (!*from)
        return false;
    end = from + strnlen(from, 256); /* marks have no end by themselves */
    *text = from + show_cluster(from, end, &g->width, &g->code);
    n = utf8_cut(from, (size_t)(*text - from), CELL_BYTES - 1);
    memset(g->text, 0, sizeof(g->text));
    if (g->width < 1) {
        g->text[0] = '?';
        g->width = 1;
    } else {
        memcpy(g->text, from, n);
    }
    return true;
}

int text_width(const char *text)
{
    struct grapheme g;
    int width = 0;

    while (text_next(&text, &g))
        width += g.width;
    return width;
}

/* Reserves a column for the ellipsis only if the text does not fit. */
void text_fit(struct buf *out, const char *text, int cols)
{
    int width = text_width(text), used = 0, room = width > cols ? cols - 1 : cols;
    struct grapheme g;

    if (cols <= 0)
        return;
    while (text_next(&text, &g) && used + g.width <= room) {
        buf_puts(out, g.text);
        used += g.width;
    }
    if (width > cols)
        buf_puts(out, "…");
}

/* How many bytes of the text are whole parts, or else whole words, of at most so many columns. */
static size_t parts_length(const char *text, int cols, bool words)
{
    const char *p = text, *from;
    size_t last = 0;
    struct grapheme g;

    for (int used = 0; from = p, used <= cols && text_next(&p, &g); used += g.width)
        if (words ? g.code == ' '
                  : !strncmp(from, " · ", 4) || !strncmp(from, "; ", 2) || !strncmp(from, ". ", 2))
            last = (size_t)(from - text);
    return last;
}

void text_parts(struct buf *out, const char *text, int cols)
{
    buf_add(out, text, text_width(text) <= cols ? strlen(text) : parts_length(text, cols, false));
}

void text_fit_parts(struct buf *out, const char *text, int cols)
{
    size_t fit = parts_length(text, cols - 2, false), words = parts_length(text, cols - 2, true);

    if (text_width(text) <= cols || !words) {
        text_fit(out, text, cols);
        return;
    }
    /* after a long part, its words say more than their end */
    buf_printf(out, "%.*s …", (int)(2 * fit < words ? words : fit), text);
}

size_t text_line(const char *text, int cols)
{
    const char *p = text, *space = NULL, *from;
    struct grapheme g;
    int used = 0;

    while (from = p, text_next(&p, &g)) {
        if (g.code == ' ') {
            space = p;
        } else if (used + g.width > cols && from > text) {
            return (size_t)((space ? space : from) - text);
        }
        used += g.width;
    }
    return (size_t)(p - text);
}

bool text_row(const char **text, int cols, const char **row, size_t *n)
{
    const char *p = *text;
    struct buf line = {0};
    size_t hard;

    if (!p)
        return false;
    hard = strcspn(p, "\n");
    buf_add(&line, p, hard);
    *row = p;
    *n = hard ? text_line(line.data, cols < 1 ? 1 : cols) : 0;
    *text = *n < hard ? p + *n : p[hard] ? p + hard + 1 : NULL;
    buf_free(&line);
    return true;
}

int text_rows(const char *text, int cols)
{
    const char *row;
    int rows = 0;
    size_t n;

    while (text_row(&text, cols, &row, &n))
        rows++;
    return rows;
}

const char *text_piece(char *out, size_t size, const char *piece)
{
    struct buf b = {0};

    size_t n;

    for (; *piece == ' '; piece++)
        buf_puts(&b, "·");
    for (n = strlen(piece); n && piece[n - 1] == ' ';)
        n--;
    show_escape(&b, piece, n);
    for (; piece[n]; n++)
        buf_puts(&b, "·");
    utf8_copy(out, size, b.data ? b.data : "");
    buf_free(&b);
    return out;
}

const char *text_said(char *out, size_t size, const char *answer)
{
    struct buf b = {0};
    size_t n;

    if (answer && !*answer)
        answer = TEXT_SAID_NOTHING;
    answer = answer ? answer + strspn(answer, " ") : "";
    for (n = strlen(answer); n && answer[n - 1] == ' ';)
        n--;
    show_escape(&b, answer, n);
    utf8_copy(out, size, b.data ? b.data : "");
    buf_free(&b);
    return out;
}

/* Terminals disagree on the width of joined emoji, flags, keycaps and variation selectors, but
 * agree on single characters. So a flag becomes its two letters and any other cluster its first
 * character plus plain combining marks. Otherwise the columns after it would shift, and nothing
 * would remove what is left of it when it goes. */
int text_terminal_cell(const char *text, wchar_t wide[TEXT_CELL_CODES], wchar_t *second)
{
    const char *p = text, *end = p + strlen(p);
    int32_t first = p < end ? utf8_next(&p, end) : ' ';
    int n = 0;

    *second = L' ';
    if (first >= 0x1f1e6 && first <= 0x1f1ff) {
        int32_t code = p < end ? utf8_next(&p, end) : 0;

        wide[0] = (wchar_t)(L'A' + first - 0x1f1e6);
        wide[1] = L'\0';
        if (code >= 0x1f1e6 && code <= 0x1f1ff)
            *second = (wchar_t)(L'A' + code - 0x1f1e6);
        return 1;
    }
    wide[n++] = first < 0 ? L'?' : (wchar_t)first;
    while (p < end && n < TEXT_CELL_CODES - 1) {
        int32_t code = utf8_next(&p, end);

        if (code == 0x200d && first >= 0x2190)
            break; /* what is joined goes with the joiner */
        if (code > 0 && code != 0x20e3 && (code & 0xffff0) != 0xfe00 && show_width(code) == 0 &&
            !show_invisible(code))
            wide[n++] = (wchar_t)code;
    }
    wide[n] = L'\0';
    return first < 0 ? 1 : show_width(first);
}

bool text_width_disputed(const char *text)
{
    wchar_t wide[TEXT_CELL_CODES], second;
    int columns;

    if (!text[0] || !text[1]) /* ASCII, as most cells are */
        return false;
    columns = text_terminal_cell(text, wide, &second);
    return wide[1] || wide[0] >= 0x1f000 || (columns == 2 && wide[0] >= 0x2000 && wide[0] < 0x2e80);
}

/* Dots in the upper half, the lower half or both: ' . : */
static char braille_ascii(int32_t code)
{
    int dots = code - 0x2800, high = dots & 0x1b, low = dots & 0xe4;

    if (!dots)
        return ' ';
    return high && low ? ':' : high ? '\'' : '.';
}

char text_ascii(int32_t code)
{
    static const struct {
        int32_t code;
        char ascii;
    } table[] = {
        {0xb7, '.'},   {0xd7, 'x'},   {0xa0, ' '},   {0x391, 'A'},  {0x394, 'd'},   {0x3b1, 'a'},
        {0x3b2, 'b'},  {0x3b3, 'g'},  {0x3b5, 'e'},  {0x3bb, 'l'},  {0x3bc, 'm'},   {0x3c1, 'r'},
        {0x3c4, 't'},  {0x2013, '-'}, {0x2014, '-'}, {0x2016, '|'}, {0x2018, '\''}, {0x2019, '\''},
        {0x201c, '"'}, {0x201d, '"'}, {0x2026, '~'}, {0x2190, '<'}, {0x2191, '^'},  {0x2192, '>'},
        {0x2193, 'v'}, {0x221a, 'V'}, {0x221e, '8'}, {0x2248, '~'}, {0x2264, '<'},  {0x2265, '>'},
        {0x2588, '#'}, {0x2591, '.'}, {0x2592, 'o'}, {0x2593, '%'}, {0x25b2, 'G'},  {0x25cf, 'o'},
        {0x25c6, 'B'}, {0x25d0, '*'}, {0x25cb, 'o'}, {0x25b8, '>'}, {0x25be, 'v'},  {0x25b4, '^'},
        {0x203a, '>'}, {0xb2, '2'},   {0x2605, '*'}, {0x2714, '+'}, {0x2713, '+'},  {0x2717, 'x'},
        {0x2500, '-'}, {0x2501, '='}, {0x2502, '|'}, {0x2503, '|'}, {0x250a, ':'},  {0x256d, '+'},
        {0x256e, '+'}, {0x256f, '+'}, {0x2570, '+'}, {0x2571, '/'}, {0x2580, '"'},  {0x2584, '_'},
        {0x2039, '<'}, {0x2080, '0'}, {0x2212, '-'}, {0x25b6, '>'}, {0x25bd, 'v'},  {0x3c3, 's'},
    };

    if (code < 0x80)
        return (char)code;
    if (code >= 0x2800 && code <= 0x28ff)
        return braille_ascii(code);
    if (code >= 0x2581 && code <= 0x2587)
        return "_..-=+*"[code - 0x2581];
    if (code >= 0x2589 && code <= 0x258f) /* parts of a cell, from the left */
        return code <= 0x258c ? '#' : '.';
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].code == code)
            return table[i].ascii;
    return code >= 0x2500 && code <= 0x257f ? '+' : '?';
}

/* Drops the leading zero of the exponent: 2e-04 becomes 2e-4. */
const char *text_probability(char out[16], double p)
{
    if (isnan(p))
        snprintf(out, 16, "?");
    else if (p == 0)
        snprintf(out, 16, "0");
    else if (fabs(p) < 9.5e-4)
        snprintf(out, 16, "%.0e", p);
    else
        snprintf(out, 16, fabs(p) < 0.01 ? "%.4f" : "%.3f", p);
    if (strstr(out, "e-0")) /* 2e-04 is 2e-4 */
        memmove(strstr(out, "e-0") + 2, strstr(out, "e-0") + 3, strlen(strstr(out, "e-0") + 3) + 1);
    return out;
}

const char *text_thousands(char out[32], long long n)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%lld", n), o = 0;

    for (int i = 0; i < len; i++) {
        if (i && digits[i - 1] != '-' && (len - i) % 3 == 0)
            out[o++] = ',';
        out[o++] = digits[i];
    }
    out[o] = '\0';
    return out;
}
