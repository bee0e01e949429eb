/* The tuner's plane: every way of making the edit that was tried is a point, leak/gain² against
 * gain or p(target). Below and to the right is better.
 *
 *   +- leak/gain² against gain ------ 61 points -++- A and B ------------------------+
 *   | 20.1 │ ·                                   ||          gain leak/g²    p   kept |
 *   |      │   ○○   ●                            || now     0.290   4.3×  .74    33 % |
 *   |      │     ○ A →→★                         || A ...                             |
 *   |  1.2 │             ●  B                    || B ...                             |
 *   |       ──────────────────────────           || B − A  +0.020  -1.0× +.05    -2 % |
 *   |       0.05      gain →     0.41            || 3 better than ★, on no axis worse |
 *   +--------------------------------------------++-----------------------------------+
 *
 * All points are of one fact and of one state. Estimates, which the screen makes whenever a
 * parameter moves, leave the trail ·; they have no p. */
#include "views/panes/pane_plane.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/pane_plot.h"
#include "views/variant_metrics.h"

static const char *x_name(const struct plane *plane)
{
    return plane->by_answer ? "p(target)" : "gain";
}

static double point_x(const struct plane *plane, const struct ui_point *p)
{
    return plane->by_answer ? p->p : p->gain;
}

static void draw_mark(const struct plane *plane, const struct plot *plot, const struct ui_point *p,
                      struct surface *s, struct rect points, enum role role, const char *glyph)
{
    int y, x;

    if (plot_cell(plot, point_x(plane, p), p->leak, points, &y, &x))
        surface_text(s, points, y, x, role, glyph);
}

/* The points, in the order of their kinds, then those that are marked. */
static void draw_points(const struct plane *plane, const struct plot *plot,
                        const struct ui_state *d, struct surface *s, struct rect points)
{
    static const struct {
        enum role role;
        const char *glyph;
    } kind[] = {[POINT_KNOBS] = {ROLE_DIM, "·"},
                [POINT_VARIANT] = {ROLE_TEXT, "●"},
                [POINT_RANDOM] = {ROLE_CURVE, "○"}};
    const struct ui_point *now = ui_point_now(d, plane->state);

    for (int k = POINT_KNOBS; k <= POINT_RANDOM; k++)
        for (int i = 0; i < UI_POINTS; i++)
            if ((int)d->point[i].kind == k && ui_point_shown(d, &d->point[i], plane->state))
                draw_mark(plane, plot, &d->point[i], s, points, kind[k].role, kind[k].glyph);
    if (now)
        draw_mark(plane, plot, now, s, points, ROLE_ACCENT, "★");
    if (plane->here)
        draw_mark(plane, plot, plane->here, s, points, ROLE_STRONG, "◆");
    for (int k = 0; k < PINS; k++)
        if (plane->pin[k].set && ui_point_shown(d, &plane->pin[k].at, plane->state))
            draw_mark(plane, plot, &plane->pin[k].at, s, points, ROLE_KEY, k ? "B" : "A");
}

static void draw_plot(const struct plane *plane, const struct ui_state *d, struct surface *s,
                      struct rect area)
{
    const char *x = x_name(plane);
    char title[96], hint[32];
    struct rect in, points;
    struct plot plot;
    int count = 0;

    plot_begin(&plot, x, "leak/gain²");
    for (int i = 0; i < UI_POINTS; i++)
        if (ui_point_shown(d, &d->point[i], plane->state) &&
            isfinite(point_x(plane, &d->point[i]))) {
            plot_include(&plot, point_x(plane, &d->point[i]), d->point[i].leak);
            count++;
        }
    show_print(title, sizeof(title), "leak/gain²%s%s, %s", area.w < 56 ? "" : " against ",
               area.w < 56 ? "" : x, plane->words);
    snprintf(hint, sizeof(hint), "%d points", count);
    in = box_draw(s, area, title, hint, true);
    if (rect_empty(in))
        return;
    if (!plot_widen(&plot)) {
        hint_lines(d, s, in, 0, ROLE_EMPTY, "no points yet: {attribute} runs the grid");
        return;
    }
    points = plot_axes(&plot, s, in);
    if (!rect_empty(points))
        draw_points(plane, &plot, d, s, points);
    box_foot(s, area,
             area.w < 56 ? "★ now ● tried ○ random"
                         : "★ now  · trail  ● tried  ○ random mask  ◆ cell");
}

/* --- the numbers -------------------------------------------------------------------------- */

/* "+0.060", or "=" where that would be 0. */
static void difference_text(char out[24], double value)
{
    snprintf(out, 24, "%+.3f", value);
    if (fabs(value) < 0.0005)
        snprintf(out, 24, "=");
}

/* "0.290  4.3×  0.744  33 %", with signs where it is a difference. */
static void draw_numbers(struct surface *s, struct rect in, int y, const char *name, enum role role,
                         const struct ui_point *p, bool difference)
{
    struct pen pen = pen_at(s, in, y, 0);
    char text[24];

    pen_fit(&pen, role, 7, name);
    if (!p) {
        pen_text(&pen, ROLE_EMPTY, "  –");
        return;
    }
    snprintf(text, sizeof(text), "%.3f", p->gain);
    if (difference)
        difference_text(text, p->gain);
    pen_right(&pen, ROLE_TEXT, 7, text);
    snprintf(text, sizeof(text), "%s%.*f×", difference && p->leak > 0 ? "+" : "",
             fabs(p->leak) < 100 ? 2 : 0, p->leak);
    pen_right(&pen, ROLE_TEXT, 9, text);
    if (isnan(p->p))
        snprintf(text, sizeof(text), "–");
    else if (difference)
        difference_text(text, p->p);
    else
        text_probability(text, p->p);
    pen_right(&pen, isnan(p->p) ? ROLE_EMPTY : ROLE_TEXT, 10, text);
    snprintf(text, sizeof(text), difference ? "%+.0f" : "%.0f %%", 100 * p->kept);
    pen_right(&pen, ROLE_TEXT, 6, text);
}

static struct ui_point minus(const struct ui_point *b, const struct ui_point *a)
{
    return (struct ui_point){.p = b->p - a->p,
                             .gain = b->gain - a->gain,
                             .leak = b->leak - a->leak,
                             .kept = b->kept - a->kept};
}

/* 1: `a` is better than `b` by this metric, -1: worse, 0: by nothing that counts. */
static int compare_values(const char *name, double a, double b)
{
    int m = metric_find(name);

    if (isnan(a) || isnan(b) || metric_flat(m, fmin(a, b), fmax(a, b)))
        return 0;
    return (a > b) == (metric_table[m].better > 0) ? 1 : -1;
}

/* How many points are better than this one on one axis, and on the other no worse. */
static int count_better(const struct plane *plane, const struct ui_state *d,
                        const struct ui_point *than)
{
    int n = 0;

    for (int i = 0; i < UI_POINTS; i++) {
        const struct ui_point *p = &d->point[i];
        int x = compare_values(x_name(plane), point_x(plane, p), point_x(plane, than));
        int y = compare_values("leak/gain²", p->leak, than->leak);

        n += ui_point_shown(d, p, plane->state) && !isnan(point_x(plane, p)) && x >= 0 && y >= 0 &&
             x + y > 0;
    }
    return n;
}

static void draw_table(const struct plane *plane, const struct ui_state *d, struct surface *s,
                       struct rect area)
{
    const struct ui_point *now = ui_point_now(d, plane->state), *than = now ? now : plane->here;
    const struct pin *a = &plane->pin[PIN_A], *b = &plane->pin[PIN_B];
    struct rect in = box_draw(s, area, "A and B", "space pins", false);
    struct pen p = pen_at(s, in, 0, 0);
    int y = 1;

    if (rect_empty(in))
        return;
    pen_text(&p, ROLE_DIM, "          gain  leak/g² p(target)  kept");
    draw_numbers(s, in, y++, "★ now", ROLE_ACCENT, now, false);
    draw_numbers(s, in, y++, "◆ cell", ROLE_STRONG, plane->here, false);
    draw_numbers(s, in, y++, "A", ROLE_KEY, a->set ? &a->at : NULL, false);
    draw_numbers(s, in, y++, "B", ROLE_KEY, b->set ? &b->at : NULL, false);
    if (a->set && b->set) {
        struct ui_point between = minus(&b->at, &a->at);

        draw_numbers(s, in, y++, "B − A", ROLE_DIM, &between, true);
    }
    for (int k = 0; k < PINS; k++)
        if (plane->pin[k].set && y < in.h) {
            p = pen_at(s, in, y++, 0);
            pen_printf(&p, ROLE_KEY, "%c ", k ? 'B' : 'A');
            pen_fit(&p, ROLE_TEXT, in.w - 2, plane->pin[k].label);
        }
    if (than && y < in.h) {
        p = pen_at(s, in, y, 0);
        pen_printf(&p, ROLE_DIM, "%d better than %s, on no axis worse",
                   count_better(plane, d, than), now ? "★" : "◆");
    }
}

void plane_draw(const struct plane *plane, const struct ui_state *d, struct surface *s,
                struct rect area)
{
    static const struct slice halves[2] = {{34, 60, 1, 0}, {44, 46, 0, 1}};
    struct rect r[2];

    layout_columns(area, halves, 2, r);
    draw_plot(plane, d, s, r[0]);
    if (!rect_empty(r[1]))
        draw_table(plane, d, s, r[1]);
}
