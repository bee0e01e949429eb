/* Draws figures as SVG. Panels stand two in a row; below the title is the legend, below the panels
 * the caption. */
#include "tui/figure.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "tui/svg.h"

/* User units. */
enum { PANEL_W = 400, PANEL_H = 270, LEFT = 72, RIGHT = 14, TOP = 30, BOTTOM = 46, HEAD = 34 };
enum { LEGEND = 20, LEGEND_COLS = 4, MARGIN = 10, CAPTION = 30, CAPTION_LINE = 14, MARK = 4 };

static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#000000", "#888888"};
enum { COLOURS = sizeof(colours) / sizeof(*colours), SHAPES = 4 };

/* A panel at its place, and the range of its axes. */
struct frame {
    double x, y, w, h; /* of the area that the lines are in */
    double x_most, low, high;
    double apart; /* lines of one point stand beside each other by this much; 0: they do not */
};

static double at_x(const struct frame *a, double x)
{
    return a->x + (a->x_most > 0 ? x / a->x_most : 0) * a->w;
}

static double at_y(const struct frame *a, double y)
{
    return a->y + (1 - (clamped(y, a->low, a->high) - a->low) / (a->high - a->low)) * a->h;
}

static void put_text(struct buf *out, double x, double y, const char *anchor, const char *style,
                     const char *text)
{
    buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor, style);
    svg_escape(out, text);
    buf_puts(out, "</text>\n");
}

static void put_segment(struct buf *out, double x0, double y0, double x1, double y1,
                        const char *colour)
{
    buf_printf(out, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"%s\" fill=\"none\"/>\n", x0, y0, x1,
               y1, colour);
}

/* Where a point of one of the lines stands. Those of one point would hide each other: they stand
 * beside each other around their x, and all inside the frame. */
static double point_x(const struct frame *a, const struct figure *f, int line, double x)
{
    double first = at_x(a, x) - a->apart * (f->lines - 1) / 2;
    double last_start = a->x + a->w - a->apart * (f->lines - 1);

    first = first > last_start ? last_start : first < a->x ? a->x : first;
    return a->apart > 0 ? first + line * a->apart : at_x(a, x);
}

/* How far apart they stand: 0 where a line has several points. */
static double points_apart(const struct figure *f, const struct figure_panel *p, double w)
{
    for (int i = 0; i < f->lines; i++)
        if (p->line[i].count > 1)
            return 0;
    return f->lines > 1 ? fmin(3.0 * MARK, w / 2 / f->lines) : 0;
}

/* A step of 1, 2 or 5 times a power of ten, so that at most `most` of them make the range. */
static double tick_step(double range, int most)
{
    double step = pow(10, floor(log10(range / most)));

    if (range / step <= most)
        return step;
    return range / (2 * step) <= most   ? 2 * step
           : range / (5 * step) <= most ? 5 * step
                                        : 10 * step;
}

static void put_y_axis(const struct frame *a, struct buf *out)
{
    double step = tick_step(a->high - a->low, 5);
    int places = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    char text[32];

    for (double n = ceil(a->low / step - 1e-9) + 0.0; n * step <= a->high + 1e-9 * step; n++) {
        double y = at_y(a, n * step);

        put_segment(out, a->x, y, a->x + a->w, y, "#e4e4e4");
        snprintf(text, sizeof(text), "%.*f", places > 6 ? 6 : places, n * step);
        put_text(out, a->x - 6, y + 4, "end", "", text);
    }
}

static void put_x_axis(const struct frame *a, const char *name, struct buf *out)
{
    double step = tick_step(a->x_most > 0 ? a->x_most : 1, 6);
    char text[32];

    step = step < 1 ? 1 : step; /* edits are whole */
    for (double n = 0; n * step <= a->x_most + 1e-9; n++) {
        double x = at_x(a, n * step);

        put_segment(out, x, a->y + a->h, x, a->y + a->h + 4, "#444444");
        snprintf(text, sizeof(text), "%.0f", n * step);
        put_text(out, x, a->y + a->h + 17, "middle", "", text);
    }
    put_text(out, a->x + a->w / 2, a->y + a->h + 34, "middle", "", name);
    put_segment(out, a->x, a->y + a->h, a->x + a->w, a->y + a->h, "#444444");
    put_segment(out, a->x, a->y, a->x, a->y + a->h, "#444444");
}

static void put_mark(double x, double y, int line, struct buf *out)
{
    const char *colour = colours[line % COLOURS];

    switch (line % SHAPES) {
    case 0:
        buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" fill=\"%s\"/>\n", x, y, MARK - 1,
                   colour);
        break;
    case 1:
        buf_printf(out, "<path d=\"M%.1f %.1fh6v6h-6z\" fill=\"%s\"/>\n", x - 3, y - 3, colour);
        break;
    case 2:
        buf_printf(out, "<path d=\"M%.1f %.1fl4 7h-8z\" fill=\"%s\"/>\n", x, y - MARK, colour);
        break;
    default:
        buf_printf(out, "<path d=\"M%.1f %.1fl4 4l-4 4l-4 -4z\" fill=\"%s\"/>\n", x, y - MARK,
                   colour);
    }
}

/* One polygon for each stretch of points that have a band. */
static void put_band(const struct frame *a, const struct figure *f, const struct figure_line *l,
                     int line, struct buf *out)
{
    for (int from = 0, to; from < l->count; from = to + 1) {
        for (to = from; to < l->count && !isnan(l->low[to]) && !isnan(l->high[to]);)
            to++;
        if (to - from == 1)
            put_segment(out, point_x(a, f, line, l->x[from]), at_y(a, l->low[from]),
                        point_x(a, f, line, l->x[from]), at_y(a, l->high[from]),
                        colours[line % COLOURS]);
        if (to - from < 2)
            continue;
        buf_printf(out, "<path fill=\"%s\" fill-opacity=\"0.15\" d=\"", colours[line % COLOURS]);
        for (int i = from; i < to; i++)
            buf_printf(out, "%s%.1f %.1f", i == from ? "M" : "L", at_x(a, l->x[i]),
                       at_y(a, l->high[i]));
        for (int i = to - 1; i >= from; i--)
            buf_printf(out, "L%.1f %.1f", at_x(a, l->x[i]), at_y(a, l->low[i]));
        buf_puts(out, "z\"/>\n");
    }
}

static const char *dashes(int line)
{
    static const char *const dash[] = {"", " stroke-dasharray=\"6 3\"",
                                       " stroke-dasharray=\"2 3\""};

    return dash[line / COLOURS % 3];
}

static void put_line(const struct frame *a, const struct figure *f, const struct figure_line *l,
                     int line, struct buf *out)
{
    buf_printf(out, "<path fill=\"none\" stroke-width=\"1.6\" stroke=\"%s\"%s d=\"",
               colours[line % COLOURS], dashes(line));
    for (int i = 0; i < l->count; i++)
        buf_printf(out, "%s%.1f %.1f", i ? "L" : "M", point_x(a, f, line, l->x[i]),
                   at_y(a, l->y[i]));
    buf_puts(out, "\"/>\n");
    for (int i = 0; i < l->count; i++)
        put_mark(point_x(a, f, line, l->x[i]), at_y(a, l->y[i]), line, out);
}

/* The range of y: that of the panel, or what the lines and bands need and a little more. */
static void find_range(const struct figure *f, const struct figure_panel *p, struct frame *a)
{
    double room;

    a->low = a->high = (double)NAN;
    for (int i = 0; i < f->lines; i++)
        for (int k = 0; k < p->line[i].count; k++) {
            range_include(p->line[i].y[k], &a->low, &a->high);
            range_include(p->line[i].low[k], &a->low, &a->high);
            range_include(p->line[i].high[k], &a->low, &a->high);
        }
    if (isnan(a->low))
        a->low = a->high = 0;
    room = a->high > a->low ? 0.05 * (a->high - a->low) : 0.1 * fabs(a->high) + 1e-6;
    a->low = isnan(p->low) ? a->low - room : p->low;
    a->high = isnan(p->high) ? a->high + room : p->high;
}

static void put_panel(const struct figure *f, int n, double top, struct buf *out)
{
    const struct figure_panel *p = &f->panel[n];
    struct frame a = {.x = MARGIN + (n % 2) * PANEL_W + LEFT,
                      .y = top + (n / 2) * PANEL_H + TOP,
                      .w = PANEL_W - LEFT - RIGHT,
                      .h = PANEL_H - TOP - BOTTOM,
                      .x_most = f->x_most};
    double middle = a.y + a.h / 2;

    a.apart = points_apart(f, p, a.w);
    find_range(f, p, &a);
    put_y_axis(&a, out);
    put_x_axis(&a, f->x_name, out);
    put_text(out, a.x, a.y - 10, "start", " font-weight=\"bold\"", p->title);
    buf_printf(out, "<g transform=\"rotate(-90 %.1f %.1f)\">", a.x - 58, middle);
    put_text(out, a.x - 58, middle, "middle", "", p->y_name);
    buf_puts(out, "</g>\n");
    for (int i = 0; i < f->lines; i++)
        put_band(&a, f, &p->line[i], i, out);
    for (int i = 0; i < f->lines; i++)
        put_line(&a, f, &p->line[i], i, out);
}

static void put_legend(const struct figure *f, double top, double cols, struct buf *out)
{
    for (int i = 0; i < f->lines; i++) {
        double x = MARGIN + LEFT + i % LEGEND_COLS * cols, y = top + i / LEGEND_COLS * LEGEND;

        buf_printf(out, "<path d=\"M%.1f %.1fh26\" stroke=\"%s\" stroke-width=\"1.6\"%s/>\n", x, y,
                   colours[i % COLOURS], dashes(i));
        put_mark(x + 13, y, i, out);
        put_text(out, x + 32, y + 4, "start", "", f->name[i]);
    }
}

/* The lines of the caption from y on; without `out` they are counted. */
static int put_caption(const char *caption, double y, struct buf *out)
{
    char *text = xstrdup(caption), *rest = text, *line;
    int n = 0;

    for (; (line = strsep(&rest, "\n")); n++)
        if (out)
            put_text(out, MARGIN, y + n * CAPTION_LINE, "start",
                     " fill=\"#666666\" font-size=\"10\"", line);
    free(text);
    return n;
}

void figure_svg(const struct figure *f, struct buf *out)
{
    int across = f->panels > 1 ? 2 : 1, down = (f->panels + 1) / 2;
    int rows = (f->lines + LEGEND_COLS - 1) / LEGEND_COLS, w = across * PANEL_W + 2 * MARGIN;
    double top = HEAD + rows * LEGEND;
    int below = (int)top + down * PANEL_H + CAPTION - CAPTION_LINE;
    int h = below + put_caption(f->caption, 0, NULL) * CAPTION_LINE;

    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 "
               "%d %d\" font-family=\"Helvetica, Arial, DejaVu Sans, sans-serif\" "
               "font-size=\"11\" fill=\"#222222\">\n<title>",
               w, h, w, h);
    svg_escape(out, f->title);
    buf_puts(out, "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    put_text(out, MARGIN, 20, "start", " font-size=\"13\" font-weight=\"bold\"", f->title);
    put_legend(f, HEAD + 4, (w - 2.0 * MARGIN - LEFT) / LEGEND_COLS, out);
    for (int i = 0; i < f->panels; i++)
        put_panel(f, i, top, out);
    put_caption(f->caption, below + 4, out);
    buf_puts(out, "</svg>\n");
}
