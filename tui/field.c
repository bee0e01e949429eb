/* Edits the text of an input field and draws it around its cursor. Positions are byte offsets; the
 * cursor moves by graphemes (what a reader sees as one character), never into the middle of one. */
#include "tui/field.h"

#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/text.h"

void field_free(struct field *f)
{
    buf_free(&f->text);
    f->at = 0;
}

const char *field_text(const struct field *f)
{
    return f->text.data ? f->text.data : "";
}

/* Replaces the bytes [from, to) and puts the cursor after the new text. */
static void field_splice(struct field *f, size_t from, size_t to, const char *bytes, size_t n)
{
    struct buf out = {0};

    buf_add(&out, field_text(f), from);
    buf_add(&out, bytes, n);
    buf_puts(&out, field_text(f) + to);
    buf_free(&f->text);
    f->text = out;
    f->at = from + n;
}

/* Inserts text at the cursor. Controls and broken UTF-8 are dropped; a tab becomes a space, and so
 * does a line break in a field of one line. Text that would exceed FIELD_MAX is refused whole. */
static void field_insert(struct field *f, const char *bytes, size_t n)
{
    const char *p = bytes, *end = bytes + n;
    struct buf clean = {0};

    while (p < end) {
        const char *from = p;
        int32_t code = utf8_next(&p, end);

        if (code == '\n' || code == '\t' || code == '\r')
            buf_puts(&clean, f->lines && code == '\n' ? "\n" : " ");
        else if (code >= 0x20 && show_width(code) >= 0)
            buf_add(&clean, from, (size_t)(p - from));
    }
    if (clean.len && f->text.len + clean.len <= FIELD_MAX)
        field_splice(f, f->at, f->at, clean.data, clean.len);
    buf_free(&clean);
}

void field_set(struct field *f, const char *text)
{
    buf_clear(&f->text);
    f->at = 0;
    field_insert(f, text, strlen(text));
}

/* Start of the grapheme before this offset. Graphemes can only be found from the start on. */
static size_t grapheme_before(const struct field *f, size_t at)
{
    const char *p = field_text(f);
    size_t start = 0;
    struct grapheme g;

    while (*p && (size_t)(p - field_text(f)) < at) {
        start = (size_t)(p - field_text(f));
        text_next(&p, &g);
    }
    return start;
}

/* End of the grapheme that starts at this offset. */
static size_t grapheme_after(const struct field *f, size_t at)
{
    const char *p = field_text(f) + at;
    struct grapheme g;

    text_next(&p, &g);
    return (size_t)(p - field_text(f));
}

/* Start of the word before the cursor, blanks after it included: what C-w deletes. */
static size_t word_before(const struct field *f)
{
    const char *text = field_text(f);
    size_t at = f->at;

    while (at && text[at - 1] == ' ')
        at--;
    while (at && text[at - 1] != ' ')
        at--;
    return at;
}

static size_t line_start(const struct field *f, size_t at)
{
    while (at && field_text(f)[at - 1] != '\n')
        at--;
    return at;
}

/* Moves to the line above or below, to the same count of graphemes from its start; false where
 * there is no such line. */
static bool field_move_line(struct field *f, bool up)
{
    size_t start = line_start(f, f->at), end = f->at + strcspn(field_text(f) + f->at, "\n"), to;
    int in = 0;

    if (!f->lines || (up ? start == 0 : !field_text(f)[end]))
        return false;
    for (size_t p = start; p < f->at; p = grapheme_after(f, p))
        in++;
    to = up ? line_start(f, start - 1) : end + 1;
    while (in-- && field_text(f)[to] && field_text(f)[to] != '\n')
        to = grapheme_after(f, to);
    f->at = to;
    return true;
}

/* Cursor keys; false for any other key. */
static bool field_move(struct field *f, int32_t code)
{
    if (code == K_UP || code == K_DOWN)
        return field_move_line(f, code == K_UP);
    if (code == K_LEFT || code == key_ctrl('b'))
        f->at = grapheme_before(f, f->at);
    else if (code == K_RIGHT || code == key_ctrl('f'))
        f->at = grapheme_after(f, f->at);
    else if (code == K_HOME || code == key_ctrl('a'))
        f->at = 0;
    else if (code == K_END || code == key_ctrl('e'))
        f->at = f->text.len;
    else
        return false;
    return true;
}

bool field_key(struct field *f, const struct key *key)
{
    int32_t code = key->code;
    char bytes[4];

    if (field_move(f, code))
        return true;
    if (code == K_PASTE)
        field_insert(f, key->paste, strlen(key->paste));
    else if (code == K_ERASE || code == '\b')
        field_splice(f, grapheme_before(f, f->at), f->at, "", 0);
    else if (code == K_DELETE || code == key_ctrl('d'))
        field_splice(f, f->at, grapheme_after(f, f->at), "", 0);
    else if (code == key_ctrl('u'))
        field_splice(f, 0, f->text.len, "", 0);
    else if (code == key_ctrl('k'))
        field_splice(f, f->at, f->text.len, "", 0);
    else if (code == key_ctrl('w'))
        field_splice(f, word_before(f), f->at, "", 0);
    else if (f->lines && (code == '\n' || code == K_ALT_ENTER))
        field_insert(f, "\n", 1);
    else if (code >= 0x20 && code < 0x110000 && code != K_ERASE)
        field_insert(f, bytes, (size_t)utf8_put(bytes, code));
    else
        return false;
    return true;
}

/* Scrolls by `skip` columns: as far as the cursor needs to stay in the last column. A text that
 * fits is not scrolled; behind its last character the cursor is in the column after the field, or
 * on that character where the area ends. */
void field_draw(const struct field *f, struct surface *s, struct rect area, int y, int x, int cols,
                bool focus)
{
    struct rect line = {area.y + y, area.x + x, 1, cols};
    const char *p = field_text(f);
    int cursor = 0, skip;
    struct grapheme g;

    if (x + cols > area.w)
        line.w = area.w - x;
    if (y < 0 || y >= area.h || line.w <= 0)
        return;
    while ((size_t)(p - field_text(f)) < f->at && text_next(&p, &g))
        cursor += g.width;
    skip = focus && cursor >= line.w ? cursor - line.w + 1 : 0;
    if (skip == 1 && !*p)
        skip = 0;
    surface_fill(s, line, focus ? ROLE_FIELD : ROLE_TEXT);
    surface_text(s, line, 0, -skip, focus ? ROLE_FIELD : ROLE_TEXT, field_text(f));
    if (focus) {
        surface_cursor(s, line, 0, cursor - skip < line.w ? cursor - skip : line.w - 1);
        surface_cursor(s, surface_rect(s), line.y, line.x + cursor - skip);
    }
}

int field_rows(const struct field *f, int cols)
{
    return text_rows(field_text(f), cols);
}

/* The row of the wrapped text that holds the cursor, and the cursor's column in it. */
static int cursor_row(const struct field *f, int cols, int *x)
{
    const char *p = field_text(f), *row;
    int y = 0;
    size_t n;

    for (*x = 0; text_row(&p, cols, &row, &n); y++) {
        size_t from = (size_t)(row - field_text(f));
        struct buf head = {0};

        if (p && f->at >= (size_t)(p - field_text(f)))
            continue;
        buf_add(&head, row, f->at - from);
        *x = head.data ? text_width(head.data) : 0;
        buf_free(&head);
        break;
    }
    return y;
}

void field_draw_rows(const struct field *f, struct surface *s, struct rect area, bool focus)
{
    enum role role = focus ? ROLE_FIELD : ROLE_TEXT;
    const char *p = field_text(f), *row;
    int x, at = cursor_row(f, area.w, &x), top = focus && at >= area.h ? at - area.h + 1 : 0, y = 0;
    size_t n;

    if (area.h < 1 || area.w < 1)
        return;
    surface_fill(s, area, role);
    for (; text_row(&p, area.w, &row, &n); y++) {
        struct buf line = {0};

        if (y < top || y - top >= area.h)
            continue;
        buf_add(&line, row, n);
        surface_text(s, area, y - top, 0, role, line.data ? line.data : "");
        buf_free(&line);
    }
    if (focus)
        surface_cursor(s, area, at - top, x < area.w ? x : area.w - 1);
}
