/* The picture of the Sweep view.
 *
 *   +- Sweep: Eiffel Tower → Rome, tried on BASE ----------------- 13 of 20 done -+
 *   |   down    temperature   0.005 0.023 0.11 0.5                                |
 *   |   across  beta_ge       0.1 0.25 0.4 0.55 0.7                               |
 *   +-----------------------------------------------------------------------------+
 *   +- p(target) -----------++- neurons kept --------++- gain ------ 0.29–0.41 ---+
 *   | .005  ██ ██ ██ ██ ██  || ...                   || ...                       |
 *   | .023  ██›██ ██ ██ ██  ||   one map a metric, MAPS of them, as many as fit   |
 *   |        .1 .25 .4 .55  ||                       ||                           |
 *   +-----------------------++-----------------------++---------------------------+
 *   +- Cell temperature=0.023 beta_ge=0.25 ------------------------ Enter uses it -+
 *
 * All maps show the same cells: axis 0 goes down, axis 1 across, and one cursor (y, x) moves
 * through all of them. Colour is the metric between its lowest and highest value in this grid, so
 * colours of two maps cannot be compared; numbers can. A metric whose values differ by nothing that
 * counts (metric_flat()) has one colour. The box at the bottom has every metric of the cell. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/float_order.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/screens/sweep_internal.h"

enum { MAP_COLS = 38, LABEL = 6 }; /* a map with numbers; the labels of its rows */

/* The first value of an axis to draw, so that number `at` is among those that fit. */
static int first_value(const struct param_grid_axis *a, int at, int cols)
{
    int first = at, used = text_width(a->value[at]) + 3; /* with a mark that more follow */

    while (first > 0 && used + text_width(a->value[first - 1]) + 1 <= cols)
        used += text_width(a->value[--first]) + 1;
    return first;
}

/* "› down  temperature  0.005 0.023 0.11 0.5"; the value of the cursor's cell is bold. */
static void draw_axis(const struct sweep *w, int axis, struct surface *s, struct rect in, int y)
{
    const struct param_grid_axis *a = &w->grid.axis[axis];
    bool down = axis == DOWN_AXIS && w->grid.axes > 1;
    bool focus = w->focus == (down ? FOCUS_DOWN : FOCUS_ACROSS);
    struct pen p = list_row(s, in, y, focus, 0);
    int at = down ? w->y : w->x, first;

    pen_text(&p, focus ? ROLE_KEY : ROLE_DIM, focus ? "› " : "  ");
    pen_fit(&p, ROLE_DIM, 8, down ? "down" : "across");
    pen_fit(&p, ROLE_ACCENT, 13, a->name);
    first = first_value(a, at, in.w - p.x);
    if (first)
        pen_text(&p, ROLE_KEY, "…");
    for (int i = first; i < a->count; i++) {
        if (p.x + text_width(a->value[i]) + (i + 1 < a->count ? 3 : 1) > in.w) {
            pen_text(&p, ROLE_KEY, " …");
            break;
        }
        pen_printf(&p, i == at ? ROLE_STRONG : ROLE_TEXT, " %s", a->value[i]);
    }
}

/* The upper box: one row an axis, and how far the run is. */
static void draw_axes(const struct sweep *w, const struct ui_state *d, const char *stale,
                      struct surface *s, struct rect area)
{
    char hint[96], title[320], foot[HINT_MAX];
    struct rect in;

    variants_run_hint(&w->run, d, stale, w->variant, sweep_cells(w), "uses a cell", hint);
    variants_run_title(&w->run, d, "Sweep", area.w - 10 - text_width(hint), title);
    in = box_draw(s, area, title, hint, w->focus != FOCUS_MAPS);
    for (int i = 0; i < w->grid.axes && i < in.h; i++)
        draw_axis(w, i, s, in, i);
    hint_text(d, foot,
              "{next-pane} selects an axis: {left}/{right} parameter, {more} {less} number of "
              "values, {exact} type");
    if (text_width(foot) > area.w - 6)
        hint_text(d, foot, "{next-pane} axis, {left}/{right} parameter, {more} {less} values");
    box_foot(s, area, foot);
}

/* ".05" for "0.05": there are few columns for a label. */
static const char *short_value(const char *value)
{
    return value[0] == '0' && value[1] == '.' ? value + 1 : value;
}

/* A cell of a map: where it is, and which part of it is drawn. */
struct spot {
    int y, x, cols;
    int swatch, number; /* columns of the colour and of the number; 0: not drawn */
    bool best, here;
};

/* Colour, number or both of one cell. Without a value: · not computed, – not defined, ✗ failed. */
static void draw_cell(const struct variant *t, int m, const double range[2], struct surface *s,
                      struct rect in, const struct spot *at)
{
    double v = variant_value(t, m);
    bool flat = metric_flat(m, range[0], range[1]);
    double u = flat ? 0.5 : (v - range[0]) / (range[1] - range[0]);
    struct pen p = pen_at(s, in, at->y, at->x + (at->number == at->cols ? 0 : at->swatch));
    char text[16];

    if (at->here)
        surface_text(s, in, at->y, at->x - 1, ROLE_KEY, "›");
    if (!variant_has_numbers(t) || isnan(v)) {
        if (at->swatch)
            surface_text(s, in, at->y, at->x, t->has ? ROLE_WARN : ROLE_EMPTY,
                         !t->has    ? "·"
                         : isnan(v) ? "–"
                                    : "✗");
        return;
    }
    for (int i = 0; i < at->swatch; i++)
        surface_glyph(s, in, at->y, at->x + i, ROLE_TEXT, "█",
                      colour_slot_ramp(flat ? RAMP_GREY : RAMP_HEAT,
                                       (int)lround(clamped(u, 0, 1) * (RAMP_LEVELS - 1))),
                      COLOUR_SLOT_NONE);
    if (at->number)
        pen_right(&p,
                  at->best   ? ROLE_GOOD
                  : at->here ? ROLE_STRONG
                             : ROLE_TEXT,
                  at->number - 1, metric_short(t, m, text));
}

/* Two rows a cell: the colour, and below it the number. One row: both beside each other if there
 * are 6 columns, else the colour alone; the box below has the number of the cursor's cell. */
static void draw_spot(const struct variant *t, int m, const double range[2], struct surface *s,
                      struct rect in, struct spot at, int rows_high)
{
    if (rows_high > 1) {
        at.swatch = at.cols - 1;
        draw_cell(t, m, range, s, in, &at);
        at.y++;
        at.here = false;
        at.swatch = 0;
        at.number = at.cols >= 5 ? at.cols : 0;
    } else {
        at.number = at.cols >= 6 ? 5 : 0;
        at.swatch = at.number ? at.cols - 5 : at.cols - 1;
    }
    draw_cell(t, m, range, s, in, &at);
}

/* The values of the axis across, in the last row. Where they do not fit, only that of the cursor.
 */
static void draw_across_labels(const struct sweep *w, struct surface *s, struct rect in, int cols)
{
    const struct param_grid_axis *a = sweep_across(w);
    bool fit = true;

    for (int x = 0; x < a->count; x++)
        fit = fit && text_width(short_value(a->value[x])) < cols;
    for (int x = 0; x < a->count; x++)
        if (fit || x == w->x)
            surface_text(s, in, in.h - 1, LABEL + x * cols, x == w->x ? ROLE_STRONG : ROLE_DIM,
                         short_value(a->value[x]));
}

/* "0.290–0.410", or "0.494 everywhere" where no difference counts; "" without results. */
static void range_words(int m, bool any, const double range[2], char out[48])
{
    char low[16], high[16];

    *out = '\0';
    if (any && metric_flat(m, range[0], range[1]))
        show_print(out, 48, "%s everywhere", text_probability(low, range[1]));
    else if (any)
        show_print(out, 48, "%s–%s", text_probability(low, range[0]),
                   text_probability(high, range[1]));
}

/* One map: a metric over the grid. Columns 0 to 3 are the labels of the axis down. */
static void draw_map(const struct sweep *w, int m, struct surface *s, struct rect area)
{
    const struct param_grid_axis *a = sweep_across(w);
    double range[2] = {0, 0};
    bool any = metric_range(w->variant, sweep_cells(w), m, &range[0], &range[1]);
    int best = metric_best(w->variant, sweep_cells(w), m), cols, high_as, shown, top;
    struct list list = {.at = w->y};
    char hint[48];
    struct rect in;

    range_words(m, any, range, hint);
    in = box_draw(s, area, metric_table[m].name, hint, false);
    if (in.h < 2 || in.w < LABEL + 2 * a->count)
        return;
    cols = (in.w - LABEL) / a->count;
    cols = cols > 12 ? 12 : cols;
    high_as = (in.h - 1) / sweep_rows(w) > 1 ? 2 : 1;
    shown = (in.h - 1) / high_as;
    top = list_top(&list, sweep_rows(w), shown);
    for (int y = 0; y < shown && top + y < sweep_rows(w); y++) {
        struct pen p = pen_at(s, in, y * high_as, 0);

        if (w->grid.axes > 1)
            pen_right(&p, top + y == w->y ? ROLE_STRONG : ROLE_DIM, LABEL - 2,
                      short_value(w->grid.axis[DOWN_AXIS].value[top + y]));
        for (int x = 0; x < a->count; x++) {
            int i = (top + y) * a->count + x;
            struct spot spot = {.y = y * high_as,
                                .x = LABEL + x * cols,
                                .cols = cols,
                                .best = i == best,
                                .here = top + y == w->y && x == w->x};

            draw_spot(&w->variant[i], m, range, s, in, spot, high_as);
        }
    }
    draw_across_labels(w, s, in, cols);
    if (shown < sweep_rows(w))
        surface_text(s, in, in.h - 1, 0, ROLE_KEY, "↑↓");
    box_foot(s, area,
             best >= 0 ? metric_table[m].better > 0 ? "higher is better" : "lower is better"
             : any && metric_flat(m, range[0], range[1]) ? "no difference that counts"
                                                         : "");
}

/* Where the nth metric of a cell goes in `cols` columns: they flow over the rows, with room for
 * every value, so that nothing moves when results come. */
static void metric_place(int n, int cols, int *y, int *x)
{
    enum { VALUE = 8, GAP = 2 };
    int wide = 0;

    *y = *x = 0;
    for (int m = 0; m <= n; m++) {
        *x += wide;
        wide = text_width(metric_table[m].name) + 1 + VALUE + GAP;
        if (*x && *x + wide - GAP > cols) {
            *x = 0;
            ++*y;
        }
    }
}

/* Rows of the lower box: the metrics and the answer. */
static int detail_rows(int cols)
{
    int y, x;

    metric_place(metric_count - 1, cols, &y, &x);
    return y + 2;
}

/* All metrics of a cell, then its answer. */
static void draw_metrics(const struct variant *t, struct surface *s, struct rect in)
{
    char piece[128], text[24];
    int y, x;
    struct pen p = pen_at(s, in, detail_rows(in.w) - 1, 0);

    pen_text(&p, ROLE_DIM, "says ");
    pen_fit(&p, ROLE_TEXT, in.w - 5, text_said(piece, sizeof(piece), t->said));
    for (int m = 0; m < metric_count; m++) {
        metric_place(m, in.w, &y, &x);
        p = pen_at(s, in, y, x);
        pen_printf(&p, ROLE_DIM, "%s ", metric_table[m].name);
        pen_text(&p, ROLE_STRONG, metric_text(t, m, text));
    }
}

/* The lower box: all about the cell under the cursor. */
static void draw_details(const struct sweep *w, const struct ui_state *d, int maps,
                         struct surface *s, struct rect area)
{
    const struct variant *t = &w->variant[sweep_cell(w)];
    char title[112] = "Cell ", foot[HINT_MAX];
    struct rect in;
    struct pen p;

    sweep_cell_label(w, title + strlen(title));
    in = hint_box(d, s, area, title, variant_has_numbers(t) ? "{enter} uses it" : "",
                  w->focus == FOCUS_MAPS);
    if (maps < MAPS) {
        hint_print(d, foot, sizeof(foot), "%d of %d maps fit here: {page-down} shows the next",
                   maps, MAPS);
        box_foot(s, area, foot);
    }
    if (rect_empty(in))
        return;
    if (w->focus == FOCUS_MAPS)
        surface_cursor(s, in, 0, 0);
    p = pen_at(s, in, 0, 0);
    if (variant_has_numbers(t))
        draw_metrics(t, s, in);
    else
        pen_fit(
            &p, t->has ? ROLE_WARN : ROLE_EMPTY, in.w,
            t->has ? t->why
            : d->viewed
                ? HINT_NOT_THERE
                : hint_text(d, foot, "not computed: {attribute} runs the grid on scratch weights"));
}

/* The nth map: the metric that it shows. */
static int metric_of_map(int n)
{
    int m = 0;

    for (int maps = 0; m < metric_count && maps <= n; m++)
        maps += metric_table[m].map;
    return m - 1;
}

/* As many maps as fit in one or two rows; returns how many. */
static int draw_maps(const struct sweep *w, const char *stale, struct surface *s, struct rect area)
{
    static const struct slice equal[3] = {{20, 26, 1, 0}, {20, 26, 1, 0}, {20, 26, 1, 0}};
    static const struct slice half[2] = {{3, 9, 1, 0}, {3, 9, 1, 0}};
    int across = area.w / MAP_COLS, high = sweep_rows(w) > 4 ? 4 : sweep_rows(w), down, maps;
    struct rect r[2], c[3];

    across = across < 1 ? 1 : across > 3 ? 3 : across;
    down = area.h >= 2 * (high + 3) && across * 2 <= MAPS ? 2 : 1;
    maps = across * down;
    layout_rows(area, half, down, r);
    for (int i = 0; i < maps; i++) {
        int first = maps < MAPS ? w->map : 0;

        if (i % across == 0)
            layout_columns(r[i / across], equal, across, c);
        if (!rect_empty(c[i % across]))
            draw_map(w, metric_of_map((first + i) % MAPS), s, c[i % across]);
        variants_run_mark(stale, s, c[i % across]);
    }
    return maps;
}

static void draw_plane(const struct sweep *w, const struct ui_state *d, const char *stale,
                       struct surface *s, struct rect area)
{
    struct tried_state on = tried_state_now(d);
    struct ui_point here;
    char words[160];
    struct plane plane = {.by_answer = w->picture == PICTURE_ANSWER,
                          .state = on.name,
                          .words = tried_state_words(&on, "", WORDS_BRIEF, words),
                          .pin = w->pin};

    if (sweep_point(w, &here) && !*stale)
        plane.here = &here;
    plane_draw(&plane, d, s, area);
}

/* Axes, maps or plane, the cell. */
void sweep_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct sweep *w = v->state;
    const struct ui_state *d = v->host->ui;
    const char *stale = variants_run_stale(&w->run, d);
    int details = 2 + detail_rows(area.w - 4), maps = MAPS;
    const struct slice parts[3] = {{4, 4, 0, 0}, {4, 9, 1, 0}, {3, details, 0, 1}};
    struct rect r[3];

    if (!w->grid.axes)
        return;
    layout_rows(area, parts, 3, r);
    draw_axes(w, d, stale, s, r[0]);
    if (w->picture == PICTURE_MAPS)
        maps = draw_maps(w, stale, s, r[1]);
    else
        draw_plane(w, d, stale, s, r[1]);
    if (rect_empty(r[2]))
        return;
    draw_details(w, d, maps, s, r[2]);
    variants_run_mark(stale, s, r[2]);
}
