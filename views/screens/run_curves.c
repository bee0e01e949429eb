/* The curves of the Run view: the column under the cursor over the edits, or over the age of a
 * record, a line an arm. Letters mark what was measured; the row's arm has its interval beside it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/chart.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/screens/run_internal.h"

enum { AXIS = 8, ARMS_DRAWN = 26 };

/* Points of an arm: where along x (0..1), and their heights. */
struct line {
    int count;
    double x[EVAL_CHECKPOINTS], y[EVAL_CHECKPOINTS], low[EVAL_CHECKPOINTS], high[EVAL_CHECKPOINTS];
};

static enum role arm_role(int arm)
{
    static const enum role role[] = {ROLE_NEW,   ROLE_GENERAL, ROLE_SPECIFIC, ROLE_ACCENT,
                                     ROLE_CURVE, ROLE_BOTH,    ROLE_GOOD,     ROLE_WARN};

    return role[(size_t)arm % (sizeof(role) / sizeof(*role))];
}

static const char *arm_letter(int arm, char out[2])
{
    out[0] = (char)('A' + arm % ARMS_DRAWN);
    out[1] = '\0';
    return out;
}

/* y at each of `points` columns, straight between the points of the line; NAN outside. */
static void line_between(const struct line *l, const double *y, double *out, int points)
{
    for (int i = 0; i < points; i++) {
        double at = points > 1 ? (double)i / (points - 1) : 0;

        out[i] = (double)NAN;
        for (int k = 0; k + 1 < l->count; k++) {
            double t = (at - l->x[k]) / (l->x[k + 1] - l->x[k]);

            if (t >= 0 && t <= 1)
                out[i] = y[k] + t * (y[k + 1] - y[k]);
        }
    }
}

/* The range of y: of shares 0 to 1, of others what there is and a little more. */
static bool range_of(const struct line *line, int lines, bool share, double *low, double *high)
{
    double room;

    *low = *high = (double)NAN;
    for (int a = 0; a < lines; a++)
        for (int k = 0; k < line[a].count; k++) {
            range_include(line[a].y[k], low, high);
            range_include(line[a].low[k], low, high);
            range_include(line[a].high[k], low, high);
        }
    if (isnan(*low))
        return false;
    if (share && *low >= 0 && *high <= 1) {
        *low = 0;
        *high = 1;
        return true;
    }
    room = *high - *low > 0 ? 0.06 * (*high - *low) : 0.1 * fabs(*high) + 1e-6;
    *low -= room;
    *high += room;
    return true;
}

/* The letters of an arm's points. `beside` > 0: so many lines have one point each, which would hide
 * each other at one x; they stand side by side. */
static void draw_letters(const struct chart *c, const struct line *l, int arm, int beside,
                         struct surface *s, struct rect plot)
{
    char letter[2];

    for (int k = 0; k < l->count; k++) {
        int x = (int)lround(l->x[k] * (plot.w - 1)), first = x - beside + 1;

        if (beside)
            x = (first < 0 ? 0 : first) + arm;
        if (!isnan(l->y[k]))
            surface_text(s, plot, chart_row(c, l->y[k], plot.h), x, arm_role(arm),
                         arm_letter(arm, letter));
    }
}

static void draw_lines(const struct chart *base, const struct line *line, int lines, int at,
                       struct surface *s, struct rect plot)
{
    int points = plot.w * 2, n = 0;
    double *y = xcalloc((size_t)(lines + 2) * (size_t)points + 1, sizeof(*y));
    struct series *series = xcalloc((size_t)lines + 3, sizeof(*series));
    struct chart c = *base;
    int beside = lines;

    for (int i = 0; i < lines; i++)
        beside = line[i].count > 1 ? 0 : beside;
    for (int i = 0; i < lines + 2; i++) { /* the row's arm comes last, on top */
        int a = i < 2 ? at : (at + 1 + i - 2) % lines;
        const double *of = i == 0 ? line[a].low : i == 1 ? line[a].high : line[a].y;

        line_between(&line[a], of, y + (size_t)n * (size_t)points, points);
        series[n] = (struct series){y + (size_t)n * (size_t)points, points,
                                    i < 2 ? ROLE_DIM : arm_role(a), NULL};
        n++;
    }
    c.series = series;
    c.count = n;
    c.points = points;
    chart_draw(&c, s, plot);
    for (int i = 0; i < lines; i++)
        draw_letters(&c, &line[(at + 1 + i) % lines], (at + 1 + i) % lines, beside, s, plot);
    free(series);
    free(y);
}

/* "A nmke  B alphaedit", the row's arm first; as many as fit. */
static void draw_legend(const struct ui_run *r, int lines, int at, struct surface *s,
                        struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);

    for (int i = 0; i < lines; i++) {
        int a = (at + i) % lines;
        char text[48], letter[2];

        show_print(text, sizeof(text), "%.24s", r->eval.arm[a].name);
        if (p.x && p.x + 4 + text_width(text) > in.w) {
            pen_text(&p, ROLE_KEY, " …");
            return;
        }
        pen_text(&p, ROLE_TEXT, p.x ? "  " : "");
        pen_text(&p, arm_role(a), arm_letter(a, letter));
        pen_text(&p, ROLE_TEXT, " ");
        pen_text(&p, i ? ROLE_TEXT : ROLE_STRONG, text);
    }
}

/* Axes, lines, and the legend in the last row; `nothing` says why there is no line. */
static void draw_plot(const struct ui_run *r, const struct run_column *c, const struct line *line,
                      int lines, int at, const char *left, const char *middle, const char *right,
                      const char *nothing, struct surface *s, struct rect in)
{
    struct rect plot = {in.y, in.x + AXIS + 1, in.h - 2, in.w - AXIS - 2};
    struct chart chart = {0};
    char text[24];
    struct pen p;

    if (!range_of(line, lines, c->metric >= 0 && c->format[2] == '3', &chart.low, &chart.high)) {
        surface_lines(s, in, 0, ROLE_EMPTY, nothing);
        return;
    }
    if (plot.h < 2 || plot.w < 8) {
        surface_lines(s, in, 0, ROLE_EMPTY, "no room for curves");
        return;
    }
    for (int y = 0; y < plot.h; y++)
        surface_text(s, in, y, AXIS, ROLE_DIM, "│");
    p = pen_at(s, in, 0, 0);
    pen_right(&p, ROLE_DIM, AXIS - 1, run_value_text(c, chart.high, text));
    p = pen_at(s, in, plot.h - 1, 0);
    pen_right(&p, ROLE_DIM, AXIS - 1, run_value_text(c, chart.low, text));
    draw_lines(&chart, line, lines, at, s, plot);
    p = pen_at(s, in, plot.h, AXIS + 1);
    pen_text(&p, ROLE_DIM, left);
    p = pen_at(s, in, plot.h, AXIS + 1 + (plot.w - text_width(middle)) / 2);
    if (text_width(left) + text_width(middle) + text_width(right) + 4 < plot.w)
        pen_text(&p, ROLE_TEXT, middle);
    p = pen_at(s, in, plot.h, AXIS + 1);
    pen_right(&p, ROLE_DIM, plot.w, right);
    draw_legend(r, lines, at, s, in, in.h - 1);
}

void run_curves_draw(const struct run_view *w, const struct ui_run *r, struct surface *s,
                     struct rect area)
{
    const struct eval *v = &r->eval;
    int lines = v->arms < ARMS_DRAWN ? v->arms : ARMS_DRAWN, arm, checkpoint;
    int when = w->page >= PAGE_STATES ? WHEN_FINAL : w->when;
    struct line *line = xcalloc((size_t)lines + 1, sizeof(*line));
    struct run_column c = {.name = "", .unit = "", .format = "%.3f"};
    const char *nothing = "no numbers yet";
    char title[160], right[32];
    struct rect in;

    run_row_at(w, r, &arm, &checkpoint);
    run_column_at(w, r, &c);
    for (int a = 0; a < lines; a++)
        for (int k = 0, last = 0; k < v->checkpoints; k++) {
            bool exact;
            struct interval i = run_column_value(w, r, &c, a, k, &exact);

            int edits = run_row_edits(r, when, a, k), of;

            if (isnan(i.value) || edits <= last)
                continue; /* of a checkpoint that is not reached: the same records again */
            if (w->page < PAGE_STATES && when != WHEN_IMMEDIATE &&
                eval_asked(v, a, when, k, &of) < of) {
                nothing = v->orders > 1 ? "no checkpoint is asked in all orders yet"
                                        : "no checkpoint is asked of all its records yet";
                continue; /* of some records yet, beside points that are of all */
            }
            last = edits;
            line[a].x[line[a].count] = (double)edits / v->facts;
            line[a].y[line[a].count] = i.value;
            line[a].low[line[a].count] = i.low;
            line[a].high[line[a].count++] = i.high;
        }
    if (w->page >= PAGE_STATES)
        show_print(title, sizeof(title), "%s of the states by edits", c.name);
    else
        show_print(title, sizeof(title), "%s by edits, %s", c.name, run_when(w->when));
    in = box_draw(s, area, title, c.unit, false);
    snprintf(right, sizeof(right), "%d", v->facts);
    if (!rect_empty(in))
        draw_plot(r, &c, line, lines, arm < lines ? arm : 0, "0", "edits →", right, nothing, s, in);
    free(line);
}

/* Appends "age 0–2: 0.950", after the first part " · 3–5: 0.930". */
static void put_age(char *foot, size_t size, int part, int from, int to, const char *value)
{
    size_t n = strlen(foot);
    char last[24] = "";

    if (to - 1 > from)
        snprintf(last, sizeof(last), "–%d", to - 1);
    snprintf(foot + n, size - n, "%s%d%s: %s", part ? " · " : ": age ", from, last, value);
}

void run_ages_draw(const struct run_view *w, const struct ui_run *r, struct surface *s,
                   struct rect area)
{
    const struct eval *v = &r->eval;
    int lines = v->arms < ARMS_DRAWN ? v->arms : ARMS_DRAWN, arm, checkpoint, n = 0;
    struct line *line = xcalloc((size_t)lines + 1, sizeof(*line));
    struct run_column c = {.metric = -1};
    char title[160], right[32], foot[240];
    struct rect in;

    run_row_at(w, r, &arm, &checkpoint);
    if (!run_column_at(w, r, &c) || c.metric < 0) {
        c = (struct run_column){.name = "Rel", .unit = "mean over records", .format = "%.3f"};
        c.metric = eval_metric("rel");
    }
    show_print(foot, sizeof(foot), "%.24s", r->eval.arm[arm].name);
    for (int a = 0; a < lines; a++)
        for (int part = 0; part < eval_ages(v, checkpoint); part++) {
            int from, to, of;
            double y = eval_retention(v, c.metric, a, checkpoint, part, &from, &to, &of);

            if (isnan(y))
                continue;
            n = a == arm && of > n ? of : n;
            if (a == arm)
                put_age(foot, sizeof(foot), part, from, to, run_value_text(&c, y, right));
            line[a].x[line[a].count] = 0.5 * (from + to - 1) / v->checkpoint[checkpoint];
            line[a].y[line[a].count] = y;
            line[a].low[line[a].count] = line[a].high[line[a].count] = (double)NAN;
            line[a].count++;
        }
    show_print(title, sizeof(title), "%s by age after %d edits, final", c.name,
               v->checkpoint[checkpoint]);
    run_put_asked(r, WHEN_FINAL, arm, checkpoint, ", ", title, sizeof(title));
    snprintf(foot + strlen(foot), sizeof(foot) - strlen(foot), ", n %d", n);
    in = box_draw(s, area, title, c.unit, false);
    box_foot(s, area, n ? foot : "");
    snprintf(right, sizeof(right), "%d", v->checkpoint[checkpoint]);
    if (!rect_empty(in))
        draw_plot(r, &c, line, lines, arm < lines ? arm : 0, "0", "edits since its own →", right,
                  "no numbers yet", s, in);
    free(line);
}
