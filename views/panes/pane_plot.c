/* Draws the axes of a plot and finds the cells of its points.
 *
 *    6.27 │  ★M    ○○○ ○2 ○○○
 *         │    K  ○○  2  ○○ ○○        columns 0 to 7: the y axis
 *    4.93 │
 *          ──────────────────────     the last two rows: the x axis
 *          0.267   gain →   0.703  */
#include "views/panes/pane_plot.h"

#include <math.h>
#include <stdio.h>

#include "tui/text.h"
#include "views/variant_metrics.h"

enum { Y_AXIS = 8, X_AXIS = 2 }; /* columns and rows that the axes take */
static const double FAR = 30;    /* high/low from which an axis is logarithmic */

static double along(const struct plot *p, int axis, double value)
{
    return p->log[axis] ? log(value) : value;
}

void plot_begin(struct plot *p, const char *x, const char *y)
{
    *p = (struct plot){.metric = {metric_find(x), metric_find(y)},
                       .low = {(double)INFINITY, (double)INFINITY},
                       .high = {-(double)INFINITY, -(double)INFINITY}};
}

void plot_include(struct plot *p, double x, double y)
{
    const double at[2] = {x, y};

    for (int k = 0; k < 2 && isfinite(x) && isfinite(y); k++) {
        p->low[k] = fmin(p->low[k], at[k]);
        p->high[k] = fmax(p->high[k], at[k]);
    }
}

bool plot_widen(struct plot *p)
{
    if (!(p->low[0] <= p->high[0]))
        return false;
    for (int k = 0; k < 2; k++) {
        bool flat = metric_flat(p->metric[k], p->low[k], p->high[k]);
        double room;

        p->log[k] = !flat && p->low[k] > 0 && p->high[k] > FAR * p->low[k];
        p->low[k] = along(p, k, p->low[k]);
        p->high[k] = along(p, k, p->high[k]);
        room = flat ? 0.1 * fabs(p->high[k]) + 1e-6 : 0.06 * (p->high[k] - p->low[k]);
        p->low[k] -= room;
        p->high[k] += room;
    }
    return true;
}

bool plot_cell(const struct plot *p, double x, double y, struct rect points, int *row, int *col)
{
    double u = (along(p, 0, x) - p->low[0]) / (p->high[0] - p->low[0]);
    double w = (along(p, 1, y) - p->low[1]) / (p->high[1] - p->low[1]);

    if (isnan(u) || isnan(w) || u < 0 || u > 1 || w < 0 || w > 1)
        return false;
    *col = (int)lround(u * (points.w - 1));
    *row = (int)lround((1 - w) * (points.h - 1));
    return true;
}

/* An end of an axis, in 6 columns; quantities here are never negative. */
static const char *end_text(const struct plot *p, int axis, double end, char out[16])
{
    double value = p->log[axis] ? exp(end) : end;

    if (value < 100)
        return text_probability(out, value < 0 ? 0 : value);
    snprintf(out, 16, value < 1e5 ? "%.0f" : "%.0e", value);
    return out;
}

struct rect plot_axes(const struct plot *p, struct surface *s, struct rect in)
{
    struct rect points = {in.y, in.x + Y_AXIS, in.h - X_AXIS, in.w - Y_AXIS};
    const char *name = metric_table[p->metric[0]].name;
    char text[16];
    struct pen pen = pen_at(s, in, 0, 0);
    int named;

    if (points.h < 2 || points.w < 12)
        return (struct rect){in.y, in.x, 0, 0};
    pen_right(&pen, ROLE_DIM, 6, end_text(p, 1, p->high[1], text));
    pen = pen_at(s, in, points.h - 1, 0);
    pen_right(&pen, ROLE_DIM, 6, end_text(p, 1, p->low[1], text));
    pen = pen_at(s, in, 1, 0);
    if (p->log[1] && points.h > 2)
        pen_right(&pen, ROLE_DIM, 6, "log");
    for (int y = 0; y < points.h; y++)
        surface_text(s, in, y, Y_AXIS - 1, ROLE_DIM, "│");
    for (int x = 0; x < points.w; x++)
        surface_text(s, in, points.h, Y_AXIS + x, ROLE_DIM, "─");
    pen = pen_at(s, in, points.h + 1, Y_AXIS);
    pen_text(&pen, ROLE_DIM, end_text(p, 0, p->low[0], text));
    pen = pen_at(s, in, points.h + 1, Y_AXIS);
    pen_right(&pen, ROLE_DIM, points.w, end_text(p, 0, p->high[0], text));
    named = text_width(name) + 2 + (p->log[0] ? 4 : 0);
    if (named + 14 > points.w)
        return points;
    pen = pen_at(s, in, points.h + 1, Y_AXIS + (points.w - named) / 2);
    pen_printf(&pen, ROLE_TEXT, "%s%s →", p->log[0] ? "log " : "", name);
    return points;
}
