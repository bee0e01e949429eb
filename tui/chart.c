/* Sets points and lines as dots of braille characters (U+2800 to U+28FF). */
#include "tui/chart.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

/* The dots of an area before they become characters. A braille character is U+2800 plus these bits:
 *
 *        1   8
 *        2  16
 *        4  32
 *       64 128 */
struct dots { /* bits of braille patterns and the role that drew last, a cell each */
    int h, w;
    unsigned char *bits, *role;
};

/* Sets the dot at row y, column x, counted in dots. */
static void dots_set(struct dots *d, int y, int x, enum role role)
{
    static const unsigned char bit[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    int at;

    if (y < 0 || x < 0 || y >= d->h * 4 || x >= d->w * 2)
        return;
    at = y / 4 * d->w + x / 2;
    if (d->role[at] != role) /* one cell has one colour: the upper curve takes it whole */
        d->bits[at] = 0;
    d->bits[at] |= bit[y % 4][x % 2];
    d->role[at] = (unsigned char)role;
}

/* Where y lies between the bottom (0) and the top (1) of the chart. */
static double chart_height(const struct chart *c, double y)
{
    double low = c->low, high = c->high, t;

    if (c->log) {
        low = log(low);
        high = log(high);
        y = log(y);
    }
    t = high == low ? 0.5 : (y - low) / (high - low);
    return clamped(t, 0, 1);
}

int chart_row(const struct chart *c, double y, int h)
{
    return (int)lround((1 - chart_height(c, y)) * (h - 1));
}

/* A straight line between two dots, one dot per step of the longer side. */
static void dots_line(struct dots *d, int y0, int x0, int y1, int x1, enum role role)
{
    int steps = abs(x1 - x0) > abs(y1 - y0) ? abs(x1 - x0) : abs(y1 - y0);

    for (int i = 0; i <= steps; i++) {
        double t = steps ? (double)i / steps : 0;

        dots_set(d, (int)lround(y0 + (y1 - y0) * t), (int)lround(x0 + (x1 - x0) * t), role);
    }
}

/* The dots at which point i of a series lies, of `points` over the width; false: NAN, or at or
 * below 0 on a logarithmic axis. */
static bool chart_point(const struct chart *c, const struct series *series, int i, int points,
                        struct rect area, int *y, int *x)
{
    if (isnan(series->y[i]) || (c->log && series->y[i] <= 0))
        return false;
    *x = points > 1 ? (int)lround((double)i * (area.w * 2 - 1) / (points - 1)) : 0;
    *y = (int)lround((1 - chart_height(c, series->y[i])) * (area.h * 4 - 1));
    return true;
}

/* Joins the points of a series; a missing one leaves a gap. */
static void chart_curve(const struct chart *c, const struct series *series, int points,
                        struct rect area, struct dots *d)
{
    int px = -1, py = 0;

    for (int i = 0; i < series->count; i++) {
        int x, y;

        if (!chart_point(c, series, i, points, area, &y, &x)) {
            px = -1;
            continue;
        }
        dots_line(d, px < 0 ? y : py, px < 0 ? x : px, y, x, series->role);
        px = x;
        py = y;
    }
}

/* Marks are three columns apart, so that a line that is at the same place is seen between them. */
static void chart_marks(const struct chart *c, const struct series *series, int points,
                        struct surface *s, struct rect area)
{
    int last = -3;

    for (int i = 0; i < series->count; i++) {
        int x, y;

        if (!chart_point(c, series, i, points, area, &y, &x) || x / 2 < last + 3)
            continue;
        last = x / 2;
        surface_text(s, area, y / 4, last, series->role, series->mark);
    }
}

void chart_draw(const struct chart *c, struct surface *s, struct rect area)
{
    struct dots d = {.h = area.h, .w = area.w};
    int points = c->points;

    if (area.h < 1 || area.w < 1)
        return;
    d.bits = xcalloc((size_t)area.h * (size_t)area.w, 1);
    d.role = xcalloc((size_t)area.h * (size_t)area.w, 1);
    for (int i = 0; i < c->count && !c->points; i++)
        points = c->series[i].count > points ? c->series[i].count : points;
    for (int i = 0; i < c->count; i++)
        if (!c->series[i].mark)
            chart_curve(c, &c->series[i], points, area, &d);
    for (int at = 0; at < d.h * d.w; at++) {
        char glyph[5] = {0};

        if (!d.bits[at])
            continue;
        utf8_put(glyph, 0x2800 + d.bits[at]);
        surface_text(s, area, at / d.w, at % d.w, (enum role)d.role[at], glyph);
    }
    for (int i = 0; i < c->count; i++)
        if (c->series[i].mark)
            chart_marks(c, &c->series[i], points, s, area);
    free(d.bits);
    free(d.role);
}
