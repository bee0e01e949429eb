/* Writes cells, keeps wide characters whole, and turns a surface into text. */
#include "tui/surface.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/text.h"

static const char *const role_names[ROLE_COUNT] = {
#define X(id, name, letter) name,
    ROLES(X)
#undef X
};

static const char *const ramp_names[RAMP_COUNT] = {
#define X(id, name) name,
    RAMPS(X)
#undef X
};

const char *role_name(enum role role)
{
    return role_names[role];
}

const char *ramp_name(enum ramp ramp)
{
    return ramp_names[ramp];
}

struct surface *surface_new(int h, int w)
{
    struct surface *s = xcalloc(1, sizeof(*s));

    surface_resize(s, h, w);
    return s;
}

void surface_free(struct surface *s)
{
    if (!s)
        return;
    free(s->cells);
    free(s);
}

void surface_resize(struct surface *s, int h, int w)
{
    s->h = h < 1 ? 1 : h;
    s->w = w < 1 ? 1 : w;
    free(s->cells);
    s->cells = xcalloc((size_t)s->h * (size_t)s->w, sizeof(*s->cells));
    surface_clear(s);
}

static void cell_blank(struct cell *c, enum role backdrop)
{
    *c = (struct cell){
        .text = " ", .width = 1, .role = (uint8_t)backdrop, .backdrop = (uint8_t)backdrop};
}

void surface_clear(struct surface *s)
{
    for (int i = 0; i < s->h * s->w; i++)
        cell_blank(&s->cells[i], ROLE_TEXT);
    s->cursor_y = s->cursor_x = -1;
}

struct rect surface_rect(const struct surface *s)
{
    return (struct rect){0, 0, s->h, s->w};
}

struct cell *surface_at(struct surface *s, int y, int x)
{
    if (y < 0 || x < 0 || y >= s->h || x >= s->w)
        return NULL;
    return &s->cells[y * s->w + x];
}

/* The cell at (y, x) of the area, or NULL outside of it or of the surface. */
static struct cell *area_cell(struct surface *s, struct rect area, int y, int x)
{
    if (y < 0 || x < 0 || y >= area.h || x >= area.w)
        return NULL;
    return surface_at(s, area.y + y, area.x + x);
}

/* Prepares a cell to be overwritten. If it is half of a wide character, the other half becomes a
 * blank. */
static void free_cell(struct surface *s, int y, int x)
{
    struct cell *c = surface_at(s, y, x), *other;

    if (!c)
        return;
    other = c->width == 2 ? surface_at(s, y, x + 1) : NULL;
    if (c->width == 0)
        other = surface_at(s, y, x - 1);
    if (other)
        cell_blank(other, other->backdrop);
}

void surface_fill(struct surface *s, struct rect area, enum role backdrop)
{
    for (int y = 0; y < area.h; y++)
        for (int x = 0; x < area.w; x++) {
            struct cell *c = area_cell(s, area, y, x);

            if (!c)
                continue;
            free_cell(s, area.y + y, area.x + x);
            cell_blank(c, backdrop);
        }
}

/* Writes one grapheme. A wide one takes two cells: its text is in the left, and the right has width
 * 0 and no text. If the right half does not fit the area, a blank is written instead. */
static void put_grapheme(struct surface *s, struct rect area, int y, int x, enum role role,
                         const struct grapheme *g)
{
    struct cell *c = area_cell(s, area, y, x);
    struct cell *next = g->width == 2 ? area_cell(s, area, y, x + 1) : NULL;
    bool cut = g->width == 2 && !next;

    if (!c)
        return;
    free_cell(s, area.y + y, area.x + x);
    if (next)
        free_cell(s, area.y + y, area.x + x + 1);
    c->role = (uint8_t)role;
    c->fg = c->bg = COLOUR_SLOT_NONE;
    c->width = cut ? 1 : (uint8_t)g->width;
    memcpy(c->text, cut ? " " : g->text, cut ? 2 : sizeof(g->text));
    if (next) {
        *next = *c;
        next->text[0] = '\0';
        next->width = 0;
    }
}

/* Whether the cell holds a part of a number. */
static bool cell_in_number(const struct cell *c)
{
    return c && c->text[0] && strchr("0123456789.,#", c->text[0]) && !c->text[1];
}

/* Marks a text that goes on past the right edge: an ellipsis in the last column, or where the last
 * number begins, since half a number is a wrong one. */
static void mark_cut(struct surface *s, struct rect area, int y, int from, enum role role)
{
    int at = area.w - 1;
    struct grapheme mark = {"…", 1, 0x2026}, blank = {" ", 1, ' '};

    from = from > 0 ? from : 0;
    while (at > from && cell_in_number(area_cell(s, area, y, at)) &&
           cell_in_number(area_cell(s, area, y, at - 1)))
        put_grapheme(s, area, y, at--, role, &blank);
    put_grapheme(s, area, y, at, role, &mark);
}

int surface_text(struct surface *s, struct rect area, int y, int x, enum role role,
                 const char *text)
{
    struct grapheme g;
    int start = x;
    bool goes_on = false;

    while (text_next(&text, &g)) {
        put_grapheme(s, area, y, x, role, &g);
        x += g.width;
        goes_on |= x > area.w && g.code != ' ';
    }
    if (goes_on && x - start > 1 && start < area.w)
        mark_cut(s, area, y, start, role);
    return x - start;
}

void surface_glyph(struct surface *s, struct rect area, int y, int x, enum role role,
                   const char *glyph, uint16_t fg, uint16_t bg)
{
    struct cell *c = area_cell(s, area, y, x);

    surface_text(s, area, y, x, role, glyph);
    if (c) {
        c->fg = fg;
        c->bg = bg;
    }
}

/* The hatch in a margin, if it is free. */
static void margin_hatch(struct surface *s, int y, int x)
{
    struct cell *c = surface_at(s, y, x);

    if (!c || strcmp(c->text, " ") != 0)
        return;
    c->role = ROLE_STALE;
    memcpy(c->text, STALE_HATCH, sizeof(STALE_HATCH));
}

void surface_stale(struct surface *s, struct rect area)
{
    for (int y = 0; y < area.h; y++) {
        bool any = false;

        for (int x = 0; x < area.w; x++) {
            struct cell *c = area_cell(s, area, y, x);

            if (!c || ((!*c->text || !strcmp(c->text, " ")) && !c->fg && !c->bg))
                continue;
            any = true;
            c->role = ROLE_STALE;
            if (c->fg && c->width == 1)
                memcpy(c->text, STALE_HATCH, sizeof(STALE_HATCH));
            c->fg = c->bg = COLOUR_SLOT_NONE;
        }
        if (any) {
            margin_hatch(s, area.y + y, area.x - 1);
            margin_hatch(s, area.y + y, area.x + area.w);
        }
    }
}

void surface_cursor(struct surface *s, struct rect area, int y, int x)
{
    if (!area_cell(s, area, y, x))
        return;
    s->cursor_y = area.y + y;
    s->cursor_x = area.x + x;
}

struct pen pen_at(struct surface *s, struct rect area, int y, int x)
{
    return (struct pen){s, area, y, x};
}

void pen_text(struct pen *p, enum role role, const char *text)
{
    int from = p->x;

    p->x += surface_text(p->s, p->area, p->y, from, role, text);
    if (from >= p->area.w && text[strspn(text, " ")])
        mark_cut(p->s, p->area, p->y, 0, role);
}

void pen_printf(struct pen *p, enum role role, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    va_start(ap, fmt);
    show_vformat(&text, fmt, ap);
    va_end(ap);
    pen_text(p, role, text.data ? text.data : "");
    buf_free(&text);
}

void pen_fit(struct pen *p, enum role role, int cols, const char *text)
{
    struct buf b = {0};

    if (cols <= 0)
        return;
    text_fit(&b, text, cols);
    for (int w = text_width(b.data ? b.data : ""); w < cols; w++)
        buf_puts(&b, " ");
    pen_text(p, role, b.data);
    buf_free(&b);
}

void pen_parts(struct pen *p, enum role role, int cols, const char *text)
{
    struct buf b = {0};

    text_fit_parts(&b, text, cols);
    if (b.len)
        pen_text(p, role, b.data);
    buf_free(&b);
}

void pen_right(struct pen *p, enum role role, int cols, const char *text)
{
    int pad = cols - text_width(text);

    if (pad > 0) {
        p->x += pad;
        pen_text(p, role, text);
    } else {
        pen_fit(p, role, cols, text);
    }
}

int surface_lines(struct surface *s, struct rect area, int y, enum role role, const char *text)
{
    const char *row, *rest = text;
    int first = y;
    size_t n;

    for (; y < area.h && text_row(&rest, area.w, &row, &n); y++) {
        struct buf line = {0};

        buf_add(&line, row, n);
        if (y == area.h - 1 && rest && rest[strspn(rest, " \n")])
            buf_puts(&line, rest); /* to be cut */
        surface_text(s, area, y, 0, role, line.data ? line.data : "");
        buf_free(&line);
    }
    return y - first;
}

/* Columns of a row without its trailing blanks. */
static int row_end(const struct surface *s, int y)
{
    int end = s->w;

    while (end && !strcmp(s->cells[y * s->w + end - 1].text, " "))
        end--;
    return end;
}

void surface_dump(const struct surface *s, struct buf *out)
{
    for (int y = 0; y < s->h; y++) {
        int end = row_end(s, y);

        for (int x = 0; x < end; x++)
            buf_puts(out, s->cells[y * s->w + x].text);
        buf_puts(out, "\n");
    }
}

char role_letter(enum role role)
{
    static const char letter[ROLE_COUNT] = {
#define X(id, name, letter) letter,
        ROLES(X)
#undef X
    };

    return letter[role];
}

static char cell_letter(const struct cell *c)
{
    if (c->fg && !(c->fg & 0x8000))
        return (char)('0' + (c->fg - 1) % RAMP_LEVELS * 10 / RAMP_LEVELS);
    if (!strcmp(c->text, " ") && c->role == ROLE_TEXT)
        return ' ';
    return role_letter((enum role)c->role);
}

void surface_roles(const struct surface *s, struct buf *out)
{
    for (int y = 0; y < s->h; y++) {
        for (int x = 0; x < s->w; x++) {
            char letter = cell_letter(&s->cells[y * s->w + x]);

            buf_add(out, &letter, 1);
        }
        while (out->len && out->data[out->len - 1] == ' ')
            out->data[--out->len] = '\0';
        buf_puts(out, "\n");
    }
}
