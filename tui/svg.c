/* Cells as SVG. Shapes are collected as boxes on a grid of 8 x 8 units per cell, then written
 * grouped by colour, before the text. */
#include "tui/svg.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "tui/text.h"

struct box { /* in eighths of a cell's width and height */
    int32_t colour;
    int y, x, h, w;
};

struct drawing {
    struct palette palette;
    int32_t fg, bg; /* where the theme leaves them to the terminal */
    struct box *box;
    size_t boxes, room;
    struct buf text;
};

enum { FULL = 8 };

/* Adds a box; one that continues the last box to the right, with the same colour and height,
 * extends it. */
static void svg_add_box(struct drawing *d, int32_t colour, int y, int x, int h, int w)
{
    struct box *last = d->boxes ? &d->box[d->boxes - 1] : NULL;

    if (last && last->colour == colour && last->y == y && last->h == h && last->x + last->w == x) {
        last->w += w; /* goes on to the right */
        return;
    }
    if (d->boxes == d->room) {
        d->room = d->room ? 2 * d->room : 1024;
        d->box = xrealloc(d->box, d->room * sizeof(*d->box));
    }
    d->box[d->boxes++] = (struct box){colour, y, x, h, w};
}

void svg_escape(struct buf *out, const char *text)
{
    struct grapheme g;

    while (*text) {
        const char *from = text;

        if (!text_next(&text, &g) || text == from)
            return;
        if (*from == '<' || *from == '>' || *from == '&' || *from == '"')
            buf_printf(out, "&#%d;", *from);
        else if (g.code < 32 || g.code == 127 || g.code == 0xfffe || g.code == 0xffff)
            buf_puts(out, "?"); /* not allowed in XML, escaped or not */
        else
            buf_add(out, from, (size_t)(text - from));
    }
}

/* Block elements U+2580 to U+259F without the shades: which eighths are filled. false: another
 * character. */
static bool svg_block(struct drawing *d, int32_t code, int32_t colour, int y, int x)
{
    static const unsigned char quadrants[] = {4, 8, 1, 13, 9, 7, 11, 2, 6, 14};

    if (code == 0x2580)
        svg_add_box(d, colour, y, x, 4, FULL);
    else if (code >= 0x2581 && code <= 0x2588)
        svg_add_box(d, colour, y + FULL - (code - 0x2580), x, code - 0x2580, FULL);
    else if (code >= 0x2589 && code <= 0x258f)
        svg_add_box(d, colour, y, x, FULL, 0x2590 - code);
    else if (code == 0x2590)
        svg_add_box(d, colour, y, x + 4, FULL, 4);
    else if (code == 0x2594)
        svg_add_box(d, colour, y, x, 1, FULL);
    else if (code == 0x2595)
        svg_add_box(d, colour, y, x + 7, FULL, 1);
    else if (code >= 0x2596 && code <= 0x259f)
        for (int q = 0; q < 4; q++) { /* upper left, upper right, lower left, lower right */
            if (quadrants[code - 0x2596] >> q & 1)
                svg_add_box(d, colour, y + (q & 2) * 2, x + (q & 1) * 4, 4, 4);
        }
    else
        return false;
    return true;
}

/* A shade is a mix of background and foreground: a quarter, a half, three quarters. */
static bool svg_shade(struct drawing *d, int32_t code, int32_t fg, int32_t bg, int y, int x)
{
    if (code < 0x2591 || code > 0x2593)
        return false;
    svg_add_box(d, (int32_t)colour_mix((uint32_t)bg, (uint32_t)fg, (code - 0x2590) * 0.25), y, x,
                FULL, FULL);
    return true;
}

/* Each dot of a braille character as a small box. */
static bool svg_braille(struct drawing *d, int32_t code, int32_t colour, int y, int x)
{
    /* bit -> row and column of the dot */
    static const unsigned char row[] = {0, 1, 2, 0, 1, 2, 3, 3}, col[] = {0, 0, 0, 1, 1, 1, 0, 1};

    if (code < 0x2800 || code > 0x28ff)
        return false;
    for (int b = 0; b < 8; b++)
        if (code >> b & 1)
            svg_add_box(d, colour, y + 2 * row[b], x + 4 * col[b] + 1, 1, 2);
    return true;
}

/* Which arms a line character has: 1 up, 2 down, 4 left, 8 right; 0: not a line. */
static int line_arms(int32_t code)
{
    static const struct {
        int32_t code;
        int arms;
    } table[] = {
        {0x2500, 12}, {0x2501, 12}, {0x2502, 3},  {0x2503, 3},  {0x250c, 10},
        {0x2510, 6},  {0x2514, 9},  {0x2518, 5},  {0x251c, 11}, {0x2524, 7},
        {0x252c, 14}, {0x2534, 13}, {0x253c, 15}, {0x256d, 10}, {0x256e, 6},
        {0x256f, 5},  {0x2570, 9},  {0x2574, 4},  {0x2575, 1},  {0x2576, 8},
        {0x2577, 2},  {0x250f, 10}, {0x2513, 6},  {0x2517, 9},  {0x251b, 5},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].code == code)
            return table[i].arms;
    return 0;
}

/* Frame lines, one unit thick, through the middle of the cell. */
static bool svg_line(struct drawing *d, int32_t code, int32_t colour, int y, int x)
{
    int a = line_arms(code);

    if (!a)
        return false;
    if (a & 12)
        svg_add_box(d, colour, y * 2 + 8, x + (a & 4 ? 0 : 3), -1,
                    (a & 12) == 12 ? 8
                    : a & 4        ? 4
                                   : 5);
    if (a & 3)
        svg_add_box(d, colour, y + (a & 1 ? 0 : 4), x * 2 + 7, (a & 3) == 3 ? 8 : 4, -1);
    return true;
}

static void svg_put_text(struct drawing *d, const struct paint *paint, int32_t fg, int y, int x,
                         int cols, const char *text)
{
    buf_printf(&d->text, "<text x=\"%d\" y=\"%d\" textLength=\"%d\" fill=\"#%06x\"", x * SVG_CELL_W,
               y * SVG_CELL_H + 13, cols * SVG_CELL_W, (unsigned)fg);
    if (paint->attrs & ATTR_BOLD)
        buf_puts(&d->text, " font-weight=\"bold\"");
    if (paint->attrs & ATTR_DIM)
        buf_puts(&d->text, " opacity=\"0.65\"");
    if (paint->attrs & ATTR_ITALIC)
        buf_puts(&d->text, " font-style=\"italic\"");
    if (paint->attrs & ATTR_UNDERLINE)
        buf_puts(&d->text, " text-decoration=\"underline\"");
    buf_puts(&d->text, ">");
    svg_escape(&d->text, text);
    buf_puts(&d->text, "</text>\n");
}

/* A cell with the colours that the picture needs: defaults resolved, reverse applied. */
static struct paint svg_paint(const struct drawing *d, const struct cell *c)
{
    struct paint p;
    int32_t fg;

    palette_paint(&d->palette, c, &p);
    p.fg = p.fg < 0 ? d->fg : p.fg;
    p.bg = p.bg < 0 ? d->bg : p.bg;
    if (p.attrs & ATTR_REVERSE) {
        fg = p.fg;
        p.fg = p.bg;
        p.bg = fg;
    }
    return p;
}

/* Draws the cells from x on that look alike as one text. Wide and non-ASCII characters stand alone,
 * since fonts differ in their widths. Returns the columns used. */
static int svg_text_run(struct drawing *d, const struct surface *s, int y, int x)
{
    const struct cell *row = &s->cells[y * s->w];
    struct paint first = svg_paint(d, &row[x]);
    struct buf text = {0};
    int to = x;

    while (to < s->w) {
        struct paint p = svg_paint(d, &row[to]);
        const char *at = p.text;
        struct grapheme g;

        if (!row[to].width || p.fg != first.fg || p.attrs != first.attrs || !text_next(&at, &g) ||
            g.code == ' ' || line_arms(g.code) || (g.code >= 0x2580 && g.code <= 0x259f) ||
            (g.code >= 0x2800 && g.code <= 0x28ff))
            break;
        buf_puts(&text, p.text);
        to += row[to].width;
        if (row[to - 1].width == 2 || g.code > 0x7f)
            break; /* a font's own width for these is anybody's guess: each on its own */
    }
    if (to == x)
        to = x + 1;
    else
        svg_put_text(d, &first, first.fg, y, x, to - x, text.data);
    buf_free(&text);
    return to - x;
}

static void svg_draw_row(struct drawing *d, const struct surface *s, int y)
{
    const struct cell *row = &s->cells[y * s->w];

    for (int x = 0; x < s->w; x++) /* grounds first: they join */
        if (row[x].width) {
            struct paint p = svg_paint(d, &row[x]);

            if (p.bg != d->bg)
                svg_add_box(d, p.bg, y * FULL, x * FULL, FULL, FULL * row[x].width);
        }
    for (int x = 0; x < s->w;) {
        struct paint p = svg_paint(d, &row[x]);
        const char *at = p.text;
        int py = y * FULL, px = x * FULL;
        struct grapheme g;

        if (!row[x].width || !text_next(&at, &g) || g.code == ' ')
            x++;
        else if (svg_block(d, g.code, p.fg, py, px) || svg_shade(d, g.code, p.fg, p.bg, py, px) ||
                 svg_braille(d, g.code, p.fg, py, px) || svg_line(d, g.code, p.fg, py, px))
            x++;
        else
            x += svg_text_run(d, s, y, x);
    }
}

/* Eighths of a cell as units of the picture. A side of -1 is a line one unit thick, whose position
 * is in sixteenths. */
static void svg_put_box(struct buf *out, const struct box *b)
{
    double w = SVG_CELL_W / 8.0, h = SVG_CELL_H / 8.0;

    if (b->h < 0)
        buf_printf(out, "M%g %dh%gv1h%gz", b->x * w, (int)(b->y * h / 2), b->w * w, -b->w * w);
    else if (b->w < 0)
        buf_printf(out, "M%d %gh1v%gh-1z", (int)(b->x * w / 2), b->y * h, b->h * h);
    else
        buf_printf(out, "M%g %gh%gv%gh%gz", b->x * w, b->y * h, b->w * w, b->h * h, -b->w * w);
}

static void svg_put_boxes(const struct drawing *d, struct buf *out)
{
    for (size_t i = 0; i < d->boxes;) {
        int32_t colour = d->box[i].colour;

        buf_printf(out, "<path fill=\"#%06x\" d=\"", (unsigned)colour);
        for (; i < d->boxes && d->box[i].colour == colour; i++)
            svg_put_box(out, &d->box[i]);
        buf_puts(out, "\"/>\n");
    }
}

void svg_surface(const struct surface *s, const struct theme *theme, bool ascii, const char *title,
                 struct buf *out)
{
    struct drawing d = {.fg = theme->light ? 0x000000 : 0xffffff,
                        .bg = theme->light ? 0xffffff : 0x000000};
    int w = s->w * SVG_CELL_W, h = s->h * SVG_CELL_H;

    palette_build(&d.palette, theme, (struct caps){TIER_DIRECT, ascii, false});
    if (d.palette.bg[ROLE_TEXT] >= 0)
        d.bg = d.palette.bg[ROLE_TEXT];
    if (d.palette.fg[ROLE_TEXT] >= 0)
        d.fg = d.palette.fg[ROLE_TEXT];
    for (int y = 0; y < s->h; y++)
        svg_draw_row(&d, s, y);
    buf_printf(out,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "viewBox=\"0 0 %d %d\" role=\"img\">\n<title>",
               w, h, w, h);
    svg_escape(out, title);
    buf_printf(out,
               "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#%06x\"/>\n"
               "<g shape-rendering=\"crispEdges\">\n",
               w, h, (unsigned)d.bg);
    svg_put_boxes(&d, out);
    buf_puts(out, "</g>\n<g font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" "
                  "font-size=\"13.2\" lengthAdjust=\"spacingAndGlyphs\">\n");
    if (d.text.data)
        buf_add(out, d.text.data, d.text.len);
    buf_puts(out, "</g>\n</svg>\n");
    buf_free(&d.text);
    free(d.box);
}
