/* A grid over two knobs: the same edit in every cell, in scratch weights, shown as small multiples,
 * a picture a metric. A cell opens as the parameters on the desk. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/base/param_grid.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/edit/editors/editors.h"
#include "tui/box.h"
#include "tui/heatmap.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/knobs.h"
#include "views/requests.h"
#include "views/variant_metrics.h"
#include "views/view.h"
#include "views/view_tables.h"

enum { DOWN_AXIS, ACROSS, AXES, MOST = 16 };
enum { FOCUS_MAPS, FOCUS_DOWN, FOCUS_ACROSS, FOCUSES };

struct sweep {
    struct param_grid grid; /* axis 0 goes down, axis 1 across */
    enum knob knob[AXES];
    struct variant trial[PARAM_GRID_CELLS];
    struct params params; /* the grid's values were put over these */
    unsigned job;
    struct variants_about about;
    bool running, set_up;
    int y, x, focus;
};

enum { MAPS = 6 }; /* the first metrics that are to have one */

/* Where a knob is worth looking at. */
static const struct {
    double low, high;
    bool log;
} span[KNOB_COUNT] = {
    [KNOB_ALPHA_GE] = {0, 0.4, false},  [KNOB_ALPHA_SP] = {0, 0.4, false},
    [KNOB_BETA_GE] = {0.1, 0.7, false}, [KNOB_BETA_SP] = {0.1, 0.7, false},
    [KNOB_TAU] = {0.005, 0.5, true},    [KNOB_AMPLIFY] = {5, 120, true},
};

static const char *const alias[KNOB_COUNT] = {"alpha_ge", "alpha_sp",    "beta_ge",
                                              "beta_sp",  "temperature", "amplify"};

static int cells(const struct sweep *w)
{
    return w->grid.axes ? w->grid.cells : 0;
}

static int rows(const struct sweep *w)
{
    return w->grid.axes > 1 ? w->grid.axis[DOWN_AXIS].count : 1;
}

/* With one axis only, it goes across. */
static const struct param_grid_axis *across(const struct sweep *w)
{
    return &w->grid.axis[w->grid.axes - 1];
}

static int at(const struct sweep *w)
{
    return w->y * across(w)->count + w->x;
}

static void forget(struct sweep *w)
{
    memset(w->trial, 0, sizeof(w->trial));
    w->about = (struct variants_about){0};
    w->job = 0;
    w->x = w->x < across(w)->count ? w->x : across(w)->count - 1;
    w->y = w->y < rows(w) ? w->y : rows(w) - 1;
}

/* An axis of `count` values over the knob's span. */
static void lay(struct sweep *w, int axis, enum knob knob, int count)
{
    struct param_grid_axis *a = &w->grid.axis[axis];

    *a = (struct param_grid_axis){.count = count};
    utf8_copy(a->name, sizeof(a->name), alias[knob]);
    for (int i = 0; i < count; i++) {
        double t = count > 1 ? (double)i / (count - 1) : 0;
        double v = span[knob].log ? span[knob].low * pow(span[knob].high / span[knob].low, t)
                                  : span[knob].low + t * (span[knob].high - span[knob].low);

        snprintf(a->value[i], sizeof(a->value[i]), span[knob].log ? "%.2g" : "%.3g", v);
    }
    w->knob[axis] = knob;
    w->grid.axes = AXES;
    w->grid.cells = w->grid.axis[DOWN_AXIS].count * w->grid.axis[ACROSS].count;
    forget(w);
}

static void sweep_open(struct view *v)
{
    struct sweep *w = v->state;

    if (w->set_up)
        return;
    w->set_up = true;
    w->grid.axis[ACROSS].count = 1;
    lay(w, DOWN_AXIS, KNOB_BETA_SP, 4);
    lay(w, ACROSS, KNOB_BETA_GE, 5);
}

static void run(struct view *v)
{
    struct sweep *w = v->state;
    struct params *all;
    unsigned job;

    if (w->running) {
        v->host->message(v->host, TONE_PLAIN,
                         "the grid is being tried: Ctrl-C stops, what came stays");
        return;
    }
    w->params = v->host->ui->params;
    all = xcalloc((size_t)w->grid.cells, sizeof(*all));
    for (int i = 0; i < w->grid.cells; i++) {
        all[i] = w->params;
        param_grid_set(&w->grid, i, &all[i], NULL); /* checked when it was made */
    }
    job = request_variants(v->host, all, w->grid.cells);
    free(all);
    if (!job)
        return;
    forget(w);
    w->job = job;
    w->running = true;
    variants_about_now(&w->about, v->host->ui);
    if (!(editor_of(&w->params)->needs & NEEDS_SCORES) ||
        params_choice(&w->params, P_MASK_MODE) == MODE_NONE)
        v->host->message(
            v->host, TONE_WARN,
            "edit.method=%s mask.mode=%s has no mask: knobs of the mask change nothing",
            params_word(&w->params, P_EDIT_METHOD), params_word(&w->params, P_MASK_MODE));
}

static void sweep_event(struct view *v, const struct event *ev)
{
    struct sweep *w = v->state;
    const struct ui_state *d = v->host->ui;

    if (!w->job || ev->job != w->job)
        return;
    if (ev->kind == EV_VARIANT && d->variant_job == w->job) {
        for (int i = 0; i < w->grid.cells; i++)
            if (d->variant[i] && !w->trial[i].has)
                variant_take(&w->trial[i], d->variant[i]);
    } else if (ev->kind == EV_DONE || ev->kind == EV_FAILED) {
        w->running = false;
        if (ev->kind == EV_DONE)
            v->host->message(v->host, TONE_GOOD,
                             "%d cells tried in scratch weights: nothing written", w->grid.cells);
    }
}

/* Takes the cell's parameters over: the desk is where the next preview starts. */
static void open_cell(struct view *v)
{
    struct sweep *w = v->state;
    struct err err = {0};
    char text[96] = "";

    if (!param_grid_set(&w->grid, at(w), &v->host->ui->params, &err)) {
        v->host->message(v->host, TONE_ERROR, "%s", err.text);
        return;
    }
    for (int i = 0; i < w->grid.axes; i++) {
        const struct param_grid_axis *a = &w->grid.axis[i];
        size_t n = strlen(text);

        show_print(text + n, sizeof(text) - n, "%s%s=%s", i ? " " : "", a->name,
                   a->value[param_grid_at(&w->grid, at(w), i)]);
    }
    v->host->params_changed(v->host);
    v->host->message(v->host, TONE_GOOD, "%s: P previews with it", text);
    v->host->open(v->host, "edit");
}

static bool new_grid(struct view *v, const char *text)
{
    struct sweep *w = v->state;
    struct param_grid *g = xcalloc(1, sizeof(*g));
    struct err err = {0};
    bool ok = param_grid_parse(g, text, &err);

    if (ok && g->axes > AXES)
        ok = err_set(&err, ERR_USAGE, "sweep: two parameters here; `editscope sweep` takes more");
    for (int i = 0; ok && i < g->axes; i++)
        if (g->axis[i].count > MOST)
            ok = err_set(&err, ERR_USAGE, "sweep: %s: at most %d values here", g->axis[i].name,
                         MOST);
    if (ok && w->running)
        ok = err_set(&err, ERR_USAGE, "sweep: one is running: Ctrl-C stops it");
    if (ok) {
        w->grid = *g;
        w->set_up = true;
        forget(w);
        run(v);
    } else {
        v->host->message(v->host, TONE_ERROR, "%s", err.text);
    }
    free(g);
    return true;
}

static bool sweep_command(struct view *v, const char *word, const char *rest)
{
    return !strcmp(word, "sweep") && *rest && new_grid(v, rest);
}

/* The grid as it would be typed. */
static void prompt(struct view *v)
{
    const struct sweep *w = v->state;
    struct buf text = {0};

    buf_puts(&text, ":sweep ");
    for (int i = 0; i < w->grid.axes; i++) {
        buf_printf(&text, "%s%s=", i ? ";" : "", w->grid.axis[i].name);
        for (int k = 0; k < w->grid.axis[i].count; k++)
            buf_printf(&text, "%s%s", k ? "," : "", w->grid.axis[i].value[k]);
    }
    v->host->prompt(v->host, text.data);
    buf_free(&text);
}

/* The focused axis: another knob, or more or fewer values. */
static bool change_axis(struct view *v, int by, int more)
{
    struct sweep *w = v->state;
    int axis = w->focus == FOCUS_DOWN ? DOWN_AXIS : ACROSS, count = w->grid.axis[axis].count + more;
    int knob = (int)w->knob[axis];

    if (w->running) {
        v->host->message(v->host, TONE_WARN, "the grid is being tried: Ctrl-C stops it first");
        return true;
    }
    do
        knob = (knob + by + KNOB_COUNT) % KNOB_COUNT;
    while (by && knob == (int)w->knob[1 - axis]);
    if (w->grid.axes < AXES) /* one axis was typed: the other one comes back */
        lay(w, 1 - axis, knob == KNOB_BETA_GE ? KNOB_BETA_SP : KNOB_BETA_GE, 5);
    count = count < 2 ? 2 : count > 9 ? 9 : count;
    lay(w, axis, (enum knob)knob, count);
    return true;
}

static bool move(struct sweep *w, enum action action)
{
    int page = 5, dy = action_steps(action, page, MOST), dx = action_across(action, MOST);

    if (!dx && !dy)
        return false;
    w->x += dx;
    w->y += dy;
    w->x = w->x < 0 ? 0 : w->x >= across(w)->count ? across(w)->count - 1 : w->x;
    w->y = w->y < 0 ? 0 : w->y >= rows(w) ? rows(w) - 1 : w->y;
    return true;
}

static bool sweep_action(struct view *v, enum action action)
{
    struct sweep *w = v->state;
    bool axis = w->focus != FOCUS_MAPS;

    switch (action) {
    case ACTION_NEXT_PANE:
    case ACTION_PREVIOUS_PANE:
        w->focus = (w->focus + (action == ACTION_NEXT_PANE ? 1 : FOCUSES - 1)) % FOCUSES;
        return true;
    case ACTION_ATTRIBUTE:
        run(v);
        return true;
    case ACTION_ENTER:
        if (!axis && variant_has_numbers(&w->trial[at(w)]))
            open_cell(v);
        else
            run(v);
        return true;
    case ACTION_EXACT:
        prompt(v);
        return true;
    case ACTION_MORE:
    case ACTION_LESS:
        return axis && change_axis(v, 0, action == ACTION_MORE ? 1 : -1);
    case ACTION_LEFT:
    case ACTION_RIGHT:
        if (axis)
            return change_axis(v, action == ACTION_RIGHT ? 1 : -1, 0);
        break;
    case ACTION_UP:
    case ACTION_DOWN:
        if (axis) {
            w->focus = action == ACTION_UP ? FOCUS_DOWN : FOCUS_ACROSS;
            return true;
        }
        break;
    default:
        break;
    }
    return move(w, action);
}

/* --- drawing ------------------------------------------------------------------------------ */

static void axis_line(const struct sweep *w, int axis, struct surface *s, struct rect in, int y)
{
    const struct param_grid_axis *a = &w->grid.axis[axis];
    bool down = axis == DOWN_AXIS && w->grid.axes > 1;
    bool focus = w->focus == (down ? FOCUS_DOWN : FOCUS_ACROSS);
    struct pen p = list_row(s, in, y, focus, 0);

    pen_text(&p, focus ? ROLE_KEY : ROLE_DIM, focus ? "› " : "  ");
    pen_fit(&p, ROLE_DIM, 8, down ? "down" : "across");
    pen_fit(&p, ROLE_ACCENT, 13, a->name);
    for (int i = 0; i < a->count && p.x < in.w; i++)
        pen_printf(&p, i == (down ? w->y : w->x) ? ROLE_STRONG : ROLE_TEXT, " %s", a->value[i]);
}

static void axes(const struct sweep *w, const struct ui_state *d, struct surface *s,
                 struct rect area)
{
    char hint[64] = "x tries the grid", title[160];
    int tried = 0;
    struct rect in;

    for (int i = 0; i < cells(w); i++)
        tried += w->trial[i].has;
    if (w->running || tried)
        show_print(hint, sizeof(hint), "%d of %d cells%s", tried, cells(w),
                   w->running ? ", trying" : "");
    if (!w->running && tried && *variants_stale(&w->about, d))
        show_print(hint, sizeof(hint), "%s: x again", variants_stale(&w->about, d));
    in = box_draw(s, area, variants_title(&w->about, d, "Sweep", title), hint,
                  w->focus != FOCUS_MAPS);
    for (int i = 0; i < w->grid.axes && i < in.h; i++)
        axis_line(w, i, s, in, i);
    box_foot(s, area, "Tab goes to an axis: left and right another knob, + - values, = exact");
}

/* A value without the zero before its point. */
static const char *brief(const char *value)
{
    return value[0] == '0' && value[1] == '.' ? value + 1 : value;
}

/* A cell of a map: where it lies, and what is drawn of it. */
struct spot {
    int y, x, cols;
    int swatch, number; /* columns of either; 0: not drawn */
    bool best, here;
};

static void cell(const struct variant *t, int m, const double range[2], struct surface *s,
                 struct rect in, const struct spot *at)
{
    double v = variant_value(t, m);
    double u = range[1] > range[0] ? (v - range[0]) / (range[1] - range[0]) : 0.5;
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
        surface_glyph(
            s, in, at->y, at->x + i, ROLE_TEXT, "█",
            colour_slot_ramp(RAMP_HEAT, (int)lround(clamped(u, 0, 1) * (RAMP_LEVELS - 1))),
            COLOUR_SLOT_NONE);
    if (at->number)
        pen_right(&p,
                  at->best   ? ROLE_GOOD
                  : at->here ? ROLE_STRONG
                             : ROLE_TEXT,
                  at->number - 1, metric_short(t, m, text));
}

/* Two rows a cell: the colour, and below it the number. One row: both beside each other where
 * there is room, else the colour alone (the cell under the cursor has its numbers below). */
static void spot_draw(const struct variant *t, int m, const double range[2], struct surface *s,
                      struct rect in, struct spot at, int rows_high)
{
    if (rows_high > 1) {
        at.swatch = at.cols - 1;
        cell(t, m, range, s, in, &at);
        at.y++;
        at.here = false;
        at.swatch = 0;
        at.number = at.cols >= 5 ? at.cols : 0;
    } else {
        at.number = at.cols >= 6 ? 5 : 0;
        at.swatch = at.number ? at.cols - 5 : at.cols - 1;
    }
    cell(t, m, range, s, in, &at);
}

/* Under the columns their values, those that fit; the one under the cursor always. */
static void across_labels(const struct sweep *w, struct surface *s, struct rect in, int label,
                          int cols)
{
    const struct param_grid_axis *a = across(w);
    bool fit = true;

    for (int x = 0; x < a->count; x++)
        fit = fit && text_width(brief(a->value[x])) < cols;
    for (int x = 0; x < a->count; x++)
        if (fit || x == w->x)
            surface_text(s, in, in.h - 1, label + x * cols, x == w->x ? ROLE_STRONG : ROLE_DIM,
                         brief(a->value[x]));
}

static void map(const struct sweep *w, int m, struct surface *s, struct rect area)
{
    const struct param_grid_axis *a = across(w);
    double range[2] = {0, 0};
    bool any = metric_range(w->trial, cells(w), m, &range[0], &range[1]);
    int best = metric_best(w->trial, cells(w), m), label = 6, cols, high_as, shown, top;
    struct list list = {.at = w->y};
    char title[64], hint[48] = "", number[2][16];
    struct rect in;

    if (any)
        show_print(hint, sizeof(hint), "%s–%s", text_probability(number[0], range[0]),
                   text_probability(number[1], range[1]));
    utf8_copy(title, sizeof(title), metric_table[m].name);
    in = box_draw(s, area, title, hint, false);
    if (in.h < 2 || in.w < label + 2 * a->count)
        return;
    cols = (in.w - label) / a->count;
    cols = cols > 12 ? 12 : cols;
    high_as = (in.h - 1) / rows(w) > 1 ? 2 : 1;
    shown = (in.h - 1) / high_as;
    top = list_top(&list, rows(w), shown);
    for (int y = 0; y < shown && top + y < rows(w); y++) {
        struct pen p = pen_at(s, in, y * high_as, 0);

        if (w->grid.axes > 1)
            pen_right(&p, top + y == w->y ? ROLE_STRONG : ROLE_DIM, label - 2,
                      brief(w->grid.axis[DOWN_AXIS].value[top + y]));
        for (int x = 0; x < a->count; x++) {
            int i = (top + y) * a->count + x;
            bool here = top + y == w->y && x == w->x;
            struct spot spot = {.y = y * high_as,
                                .x = label + x * cols,
                                .cols = cols,
                                .best = i == best,
                                .here = here};

            spot_draw(&w->trial[i], m, range, s, in, spot, high_as);
        }
    }
    across_labels(w, s, in, label, cols);
    if (best >= 0)
        box_foot(s, area, metric_table[m].better > 0 ? "higher is better" : "lower is better");
}

static void details(const struct sweep *w, struct surface *s, struct rect area)
{
    const struct variant *t = &w->trial[at(w)];
    char title[96] = "Cell", piece[128], text[24];
    struct rect in;
    struct pen p;

    for (int i = 0; i < w->grid.axes; i++) {
        size_t n = strlen(title);

        show_print(title + n, sizeof(title) - n, " %s=%s", w->grid.axis[i].name,
                   w->grid.axis[i].value[param_grid_at(&w->grid, at(w), i)]);
    }
    in = box_draw(s, area, title, variant_has_numbers(t) ? "Enter takes it over" : "",
                  w->focus == FOCUS_MAPS);
    if (rect_empty(in))
        return;
    if (w->focus == FOCUS_MAPS)
        surface_cursor(s, in, 0, 0);
    p = pen_at(s, in, 0, 0);
    if (!variant_has_numbers(t)) {
        pen_fit(&p, t->has ? ROLE_WARN : ROLE_EMPTY, in.w,
                t->has ? t->why : "not tried: x tries the grid, in scratch weights");
        return;
    }
    for (int m = 0; m < metric_count; m++) {
        const char *name = metric_table[m].name;

        metric_text(t, m, text);
        if (p.x && p.x + text_width(name) + text_width(text) + 3 > in.w)
            p = pen_at(s, in, p.y + 1, 0);
        if (p.y >= in.h)
            return;
        pen_printf(&p, ROLE_DIM, "%s ", name);
        pen_printf(&p, ROLE_STRONG, "%s   ", text);
    }
    p = pen_at(s, in, p.y + 1, 0);
    if (p.y < in.h) {
        pen_text(&p, ROLE_DIM, "says ");
        pen_fit(&p, ROLE_TEXT, in.w - 5,
                text_piece(piece, sizeof(piece), t->said + strspn(t->said, " ")));
    }
}

static void sweep_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const struct slice parts[4] = {{4, 4, 0, 0}, {4, 9, 1, 0}, {4, 9, 1, 0}, {3, 5, 0, 1}};
    static const struct slice thirds[3] = {{20, 26, 1, 0}, {20, 26, 1, 0}, {20, 26, 1, 0}};
    const struct sweep *w = v->state;
    struct rect r[4], c[3];

    if (!w->grid.axes)
        return;
    layout_rows(area, parts, 4, r);
    axes(w, v->host->ui, s, r[0]);
    for (int m = 0, i = 0; m < metric_count && i < MAPS; m++) {
        if (!metric_table[m].map)
            continue;
        if (i % 3 == 0)
            layout_columns(r[1 + i / 3], thirds, 3, c);
        if (!rect_empty(c[i % 3]))
            map(w, m, s, c[i % 3]);
        i++;
    }
    if (!rect_empty(r[3]))
        details(w, s, r[3]);
}

const struct view_ops view_sweep = {
    .name = "sweep",
    .title = "Sweep",
    .footer = "attribute:try enter:take-over next-pane:axis more:values exact:type cancel "
              "view-compare:compare help:keys",
    .size = sizeof(struct sweep),
    .open = sweep_open,
    .event = sweep_event,
    .action = sweep_action,
    .command = sweep_command,
    .draw = sweep_draw,
    .table = table_of_variants,
};
