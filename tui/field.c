#include "tui/field.h"

#include <string.h>

#include "core/base/utf8.h"
#include "tui/text.h"

void field_free(struct field *f)
{
    buf_free(&f->text);
    f->at = 0;
}

void field_set(struct field *f, const char *text)
{
    buf_clear(&f->text);
    f->at = 0;
    field_insert(f, text, strlen(text));
}

const char *field_text(const struct field *f)
{
    return f->text.data ? f->text.data : "";
}

/* Replaces the bytes [from, to) and puts the cursor behind what came in. */
static void splice(struct field *f, size_t from, size_t to, const char *bytes, size_t n)
{
    struct buf out = {0};

    buf_add(&out, field_text(f), from);
    buf_add(&out, bytes, n);
    buf_puts(&out, field_text(f) + to);
    buf_free(&f->text);
    f->text = out;
    f->at = from + n;
}

void field_insert(struct field *f, const char *bytes, size_t n)
{
    const char *p = bytes, *end = bytes + n;
    struct buf clean = {0};

    while (p < end) { /* no controls, no broken characters: a line is a line */
        const char *from = p;
        int32_t code = utf8_next(&p, end);

        if (code == '\n' || code == '\t' || code == '\r')
            buf_puts(&clean, " ");
        else if (code >= 0x20 && char_width(code) >= 0)
            buf_add(&clean, from, (size_t)(p - from));
    }
    if (clean.len && f->text.len + clean.len <= FIELD_MAX)
        splice(f, f->at, f->at, clean.data, clean.len);
    buf_free(&clean);
}

static size_t before(const struct field *f, size_t at)
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

static size_t after(const struct field *f, size_t at)
{
    const char *p = field_text(f) + at;
    struct grapheme g;

    text_next(&p, &g);
    return (size_t)(p - field_text(f));
}

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

static bool move(struct field *f, int32_t code)
{
    if (code == K_LEFT || code == key_ctrl('b'))
        f->at = before(f, f->at);
    else if (code == K_RIGHT || code == key_ctrl('f'))
        f->at = after(f, f->at);
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

    if (move(f, code))
        return true;
    if (code == K_PASTE)
        field_insert(f, key->paste, strlen(key->paste));
    else if (code == K_ERASE || code == '\b')
        splice(f, before(f, f->at), f->at, "", 0);
    else if (code == K_DELETE || code == key_ctrl('d'))
        splice(f, f->at, after(f, f->at), "", 0);
    else if (code == key_ctrl('u'))
        splice(f, 0, f->text.len, "", 0);
    else if (code == key_ctrl('k'))
        splice(f, f->at, f->text.len, "", 0);
    else if (code == key_ctrl('w'))
        splice(f, word_before(f), f->at, "", 0);
    else if (code >= 0x20 && code < 0x110000 && code != K_ERASE)
        field_insert(f, bytes, (size_t)utf8_put(bytes, code));
    else
        return false;
    return true;
}

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
    surface_fill(s, line, focus ? ROLE_FIELD : ROLE_TEXT);
    surface_text(s, line, 0, -skip, focus ? ROLE_FIELD : ROLE_TEXT, field_text(f));
    if (focus)
        surface_cursor(s, line, 0, cursor - skip);
}
