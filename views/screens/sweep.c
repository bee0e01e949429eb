/* The Sweep view: the same edit for every cell of a grid over two parameters, shown as small maps.
 *
 *   +- Sweep: Eiffel Tower → Rome ---------------------- 13 of 20 cells, running -+
 *   |   down    temperature   0.005 0.023 0.11 0.5                                |
 *   |   across  beta_ge       0.1 0.25 0.4 0.55 0.7                               |
 *   +-----------------------------------------------------------------------------+
 *   +- p(target) -----------++- neurons kept --------++- gain ------ 0.29–0.41 ---+
 *   | .005  ██ ██ ██ ██ ██  || ...                   || ...                       |
 *   | .023  ██›██ ██ ██ ██  ||   one map a metric, MAPS of them, in two rows      |
 *   |        .1 .25 .4 .55  ||                       ||                           |
 *   +-----------------------++-----------------------++---------------------------+
 *   +- Cell temperature=0.023 beta_ge=0.25 ------------------------ Enter uses it -+
 *
 * All maps show the same cells: axis 0 goes down, axis 1 across, and one cursor (y, x) moves
 * through all of them. Colour is the metric between its lowest and highest value in this grid, so
 * colours of two maps cannot be compared; numbers can. The box at the bottom has every metric of
 * the cell.
 *
 * A grid comes from two knobs with a range worth looking at (knob_ranges) and a number of values,
 * or is typed: ":sweep beta_ge=.1..0.7/5;tau=.01,.1". With one axis only there is one row of
 * cells.
 *
 * Running it posts one CMD_VARIANTS with a set of parameters for each cell; the engine edits
 * scratch weights, in parallel processes under mpirun, and nothing is written. Enter copies a
 * cell's values to the user's parameters and goes to Edit, where P previews with them. */
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
    struct variant variant[PARAM_GRID_CELLS]; /* by cell */
    struct params params;                     /* the user's; a cell changes two of them */
    unsigned job;                             /* that computes the cells; 0: none */
    struct variants_subject about;            /* the fact and the state of the results */
    bool running, set_up;
    int y, x;  /* the cell under the cursor */
    int focus; /* the maps or one of the axes */
};

enum { MAPS = 6 }; /* the first metrics of metric_table that want a map */

/* The range of each knob in which masks change; logarithmic where it is a scale. */
static const struct {
    double low, high;
    bool log;
} knob_ranges[KNOB_COUNT] = {
    [KNOB_ALPHA_GE] = {0, 0.4, false},  [KNOB_ALPHA_SP] = {0, 0.4, false},
    [KNOB_BETA_GE] = {0.1, 0.7, false}, [KNOB_BETA_SP] = {0.1, 0.7, false},
    [KNOB_TAU] = {0.005, 0.5, true},    [KNOB_AMPLIFY] = {5, 120, true},
};

static const char *const knob_aliases[KNOB_COUNT] = {"alpha_ge", "alpha_sp",    "beta_ge",
                                                     "beta_sp",  "temperature", "amplify"};

/* Cells of the grid, 0 before the view was opened. */
static int cell_count(const struct sweep *w)
{
    return w->grid.axes ? w->grid.cells : 0;
}

static int row_count(const struct sweep *w)
{
    return w->grid.axes > 1 ? w->grid.axis[DOWN_AXIS].count : 1;
}

/* The axis that goes across: the only one if there is one. */
static const struct param_grid_axis *across_axis(const struct sweep *w)
{
    return &w->grid.axis[w->grid.axes - 1];
}

/* Index of the cell under the cursor, row by row. */
static int cell_at_cursor(const struct sweep *w)
{
    return w->y * across_axis(w)->count + w->x;
}

/* The grid has changed: results and job are dropped, the cursor stays inside. */
static void forget_results(struct sweep *w)
{
    memset(w->variant, 0, sizeof(w->variant));
    w->about = (struct variants_subject){0};
    w->job = 0;
    w->x = w->x < across_axis(w)->count ? w->x : across_axis(w)->count - 1;
    w->y = w->y < row_count(w) ? w->y : row_count(w) - 1;
}

/* Gives an axis `count` values over the knob's range, evenly or by equal factors. */
static void set_axis(struct sweep *w, int axis, enum knob knob, int count)
{
    struct param_grid_axis *a = &w->grid.axis[axis];

    *a = (struct param_grid_axis){.count = count};
    utf8_copy(a->name, sizeof(a->name), knob_aliases[knob]);
    for (int i = 0; i < count; i++) {
        double t = count > 1 ? (double)i / (count - 1) : 0;
        double v =
            knob_ranges[knob].log
                ? knob_ranges[knob].low * pow(knob_ranges[knob].high / knob_ranges[knob].low, t)
                : knob_ranges[knob].low + t * (knob_ranges[knob].high - knob_ranges[knob].low);

        snprintf(a->value[i], sizeof(a->value[i]), knob_ranges[knob].log ? "%.2g" : "%.3g", v);
    }
    w->knob[axis] = knob;
    w->grid.axes = AXES;
    w->grid.cells = w->grid.axis[DOWN_AXIS].count * w->grid.axis[ACROSS].count;
    forget_results(w);
}

static void sweep_open(struct view *v)
{
    struct sweep *w = v->state;

    if (w->set_up)
        return;
    w->set_up = true;
    w->grid.axis[ACROSS].count = 1;
    set_axis(w, DOWN_AXIS, KNOB_BETA_SP, 4);
    set_axis(w, ACROSS, KNOB_BETA_GE, 5);
}

/* Posts the cells. The method may have no mask, and then the mask's knobs change nothing: a
 * warning says so. */
static void run_grid(struct view *v)
{
    struct sweep *w = v->state;
    struct params *all;
    unsigned job;

    if (w->running) {
        v->host->message(v->host, TONE_PLAIN,
                         "the grid is running: Ctrl-C stops it and keeps what is done");
        return;
    }
    w->params = v->host->ui->params;
    all = xcalloc((size_t)w->grid.cells, sizeof(*all));
    for (int i = 0; i < w->grid.cells; i++) {
        all[i] = w->params;
        param_grid_set(&w->grid, i, &all[i], NULL); /* valid: checked when the grid was made */
    }
    job = request_variants(v->host, all, w->grid.cells);
    free(all);
    if (!job)
        return;
    forget_results(w);
    w->job = job;
    w->running = true;
    variants_subject_now(&w->about, v->host->ui);
    if (!(editor_of(&w->params)->needs & NEEDS_SCORES) ||
        params_choice(&w->params, P_MASK_MODE) == MODE_NONE)
        v->host->message(
            v->host, TONE_WARN,
            "edit.method=%s mask.mode=%s has no mask: the parameters of the mask change nothing",
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
            if (d->variant[i] && !w->variant[i].has)
                variant_take(&w->variant[i], d->variant[i]);
    } else if (ev->kind == EV_DONE || ev->kind == EV_FAILED) {
        w->running = false;
        if (ev->kind == EV_DONE)
            v->host->message(v->host, TONE_GOOD,
                             "%d cells computed on scratch weights; nothing was written",
                             w->grid.cells);
    }
}

/* Copies the cell's values to the user's parameters and opens the Edit view. */
static void open_cell(struct view *v)
{
    struct sweep *w = v->state;
    struct err err = {0};
    char text[96] = "";

    if (!param_grid_set(&w->grid, cell_at_cursor(w), &v->host->ui->params, &err)) {
        v->host->message(v->host, TONE_ERROR, "%s", err.text);
        return;
    }
    for (int i = 0; i < w->grid.axes; i++) {
        const struct param_grid_axis *a = &w->grid.axis[i];
        size_t n = strlen(text);

        show_print(text + n, sizeof(text) - n, "%s%s=%s", i ? " " : "", a->name,
                   a->value[param_grid_at(&w->grid, cell_at_cursor(w), i)]);
    }
    v->host->params_changed(v->host);
    v->host->message(v->host, TONE_GOOD, "%s: P previews with these values", text);
    v->host->open(v->host, "edit");
}

/* :sweep GRID: takes the grid and runs it. This view draws two axes of up to MOST values;
 * `editscope sweep` has no such limit. */
static bool new_grid(struct view *v, const char *text)
{
    struct sweep *w = v->state;
    struct param_grid *g = xcalloc(1, sizeof(*g));
    struct err err = {0};
    bool ok = param_grid_parse(g, text, &err);

    if (ok && g->axes > AXES)
        ok = err_set(&err, ERR_USAGE,
                     "sweep: this view takes two parameters; `editscope sweep` takes more");
    for (int i = 0; ok && i < g->axes; i++)
        if (g->axis[i].count > MOST)
            ok = err_set(&err, ERR_USAGE, "sweep: %s: this view takes at most %d values",
                         g->axis[i].name, MOST);
    if (ok && w->running)
        ok = err_set(&err, ERR_USAGE, "sweep: a grid is running: stop it first with Ctrl-C");
    if (ok) {
        w->grid = *g;
        w->set_up = true;
        forget_results(w);
        run_grid(v);
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

/* Opens the command line on the present grid, to be changed there. */
static void prompt_grid(struct view *v)
{
    const struct sweep *w = v->state;
    struct buf text = {0};

    for (int i = 0; i < w->grid.axes; i++) {
        buf_printf(&text, "%s%s=", i ? ";" : "", w->grid.axis[i].name);
        for (int k = 0; k < w->grid.axis[i].count; k++)
            buf_printf(&text, "%s%s", k ? "," : "", w->grid.axis[i].value[k]);
    }
    v->host->prompt(v->host, ":sweep ", text.data ? text.data : "");
    buf_free(&text);
}

/* The axis in focus: another knob (by), or more or fewer values (2 to 9). The two axes never have
 * the same knob. */
static bool change_axis(struct view *v, int by, int more)
{
    struct sweep *w = v->state;
    int axis = w->focus == FOCUS_DOWN ? DOWN_AXIS : ACROSS, count = w->grid.axis[axis].count + more;
    int knob = (int)w->knob[axis];

    if (w->running) {
        v->host->message(v->host, TONE_WARN, "the grid is running: stop it first with Ctrl-C");
        return true;
    }
    do
        knob = (knob + by + KNOB_COUNT) % KNOB_COUNT;
    while (by && knob == (int)w->knob[1 - axis]);
    if (w->grid.axes < AXES) /* a grid of one axis was typed: give it a second one */
        set_axis(w, 1 - axis, knob == KNOB_BETA_GE ? KNOB_BETA_SP : KNOB_BETA_GE, 5);
    count = count < 2 ? 2 : count > 9 ? 9 : count;
    set_axis(w, axis, (enum knob)knob, count);
    return true;
}

static bool move_cursor(struct sweep *w, enum action action)
{
    int page = 5, dy = action_steps(action, page, MOST), dx = action_across(action, MOST);

    if (!dx && !dy)
        return false;
    w->x += dx;
    w->y += dy;
    w->x = w->x < 0 ? 0 : w->x >= across_axis(w)->count ? across_axis(w)->count - 1 : w->x;
    w->y = w->y < 0 ? 0 : w->y >= row_count(w) ? row_count(w) - 1 : w->y;
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
        run_grid(v);
        return true;
    case ACTION_ENTER:
        if (!axis && variant_has_numbers(&w->variant[cell_at_cursor(w)]))
            open_cell(v);
        else
            run_grid(v);
        return true;
    case ACTION_EXACT:
        prompt_grid(v);
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
    return move_cursor(w, action);
}

/* --- drawing ------------------------------------------------------------------------------ */

/* "› down  temperature  0.005 0.023 0.11 0.5"; the value of the cursor's cell is bold. */
static void draw_axis(const struct sweep *w, int axis, struct surface *s, struct rect in, int y)
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

/* The upper box: one row an axis, and how far the run is. */
static void draw_axes(const struct sweep *w, const struct ui_state *d, struct surface *s,
                      struct rect area)
{
    char hint[64] = "x runs the grid", title[160];
    int done = 0;
    struct rect in;

    for (int i = 0; i < cell_count(w); i++)
        done += w->variant[i].has;
    if (w->running || done)
        show_print(hint, sizeof(hint), "%d of %d cells%s", done, cell_count(w),
                   w->running ? ", running" : "");
    if (!w->running && done && *variants_stale(&w->about, d))
        show_print(hint, sizeof(hint), "%s: press x again", variants_stale(&w->about, d));
    in = box_draw(s, area, variants_title(&w->about, d, "Sweep", title), hint,
                  w->focus != FOCUS_MAPS);
    for (int i = 0; i < w->grid.axes && i < in.h; i++)
        draw_axis(w, i, s, in, i);
    box_foot(s, area, "Tab selects an axis: left/right parameter, + - number of values, = type");
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
static void draw_across_labels(const struct sweep *w, struct surface *s, struct rect in, int label,
                               int cols)
{
    const struct param_grid_axis *a = across_axis(w);
    bool fit = true;

    for (int x = 0; x < a->count; x++)
        fit = fit && text_width(short_value(a->value[x])) < cols;
    for (int x = 0; x < a->count; x++)
        if (fit || x == w->x)
            surface_text(s, in, in.h - 1, label + x * cols, x == w->x ? ROLE_STRONG : ROLE_DIM,
                         short_value(a->value[x]));
}

/* One map: a metric over the grid. Columns 0 to 3 are the labels of the axis down. */
static void draw_map(const struct sweep *w, int m, struct surface *s, struct rect area)
{
    const struct param_grid_axis *a = across_axis(w);
    double range[2] = {0, 0};
    bool any = metric_range(w->variant, cell_count(w), m, &range[0], &range[1]);
    int best = metric_best(w->variant, cell_count(w), m), label = 6, cols, high_as, shown, top;
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
    high_as = (in.h - 1) / row_count(w) > 1 ? 2 : 1;
    shown = (in.h - 1) / high_as;
    top = list_top(&list, row_count(w), shown);
    for (int y = 0; y < shown && top + y < row_count(w); y++) {
        struct pen p = pen_at(s, in, y * high_as, 0);

        if (w->grid.axes > 1)
            pen_right(&p, top + y == w->y ? ROLE_STRONG : ROLE_DIM, label - 2,
                      short_value(w->grid.axis[DOWN_AXIS].value[top + y]));
        for (int x = 0; x < a->count; x++) {
            int i = (top + y) * a->count + x;
            bool here = top + y == w->y && x == w->x;
            struct spot spot = {.y = y * high_as,
                                .x = label + x * cols,
                                .cols = cols,
                                .best = i == best,
                                .here = here};

            draw_spot(&w->variant[i], m, range, s, in, spot, high_as);
        }
    }
    draw_across_labels(w, s, in, label, cols);
    if (best >= 0)
        box_foot(s, area, metric_table[m].better > 0 ? "higher is better" : "lower is better");
}

/* The lower box: all metrics of the cell under the cursor, flowing over the rows, then its answer.
 */
static void draw_details(const struct sweep *w, struct surface *s, struct rect area)
{
    const struct variant *t = &w->variant[cell_at_cursor(w)];
    char title[96] = "Cell", piece[128], text[24];
    struct rect in;
    struct pen p;

    for (int i = 0; i < w->grid.axes; i++) {
        size_t n = strlen(title);

        show_print(title + n, sizeof(title) - n, " %s=%s", w->grid.axis[i].name,
                   w->grid.axis[i].value[param_grid_at(&w->grid, cell_at_cursor(w), i)]);
    }
    in = box_draw(s, area, title, variant_has_numbers(t) ? "Enter uses it" : "",
                  w->focus == FOCUS_MAPS);
    if (rect_empty(in))
        return;
    if (w->focus == FOCUS_MAPS)
        surface_cursor(s, in, 0, 0);
    p = pen_at(s, in, 0, 0);
    if (!variant_has_numbers(t)) {
        pen_fit(&p, t->has ? ROLE_WARN : ROLE_EMPTY, in.w,
                t->has ? t->why : "not computed: x runs the grid on scratch weights");
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

/* Axes, two rows of three maps, the cell. The lower maps go first when rows are short. */
static void sweep_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const struct slice parts[4] = {{4, 4, 0, 0}, {4, 9, 1, 0}, {4, 9, 1, 0}, {3, 5, 0, 1}};
    static const struct slice thirds[3] = {{20, 26, 1, 0}, {20, 26, 1, 0}, {20, 26, 1, 0}};
    const struct sweep *w = v->state;
    struct rect r[4], c[3];

    if (!w->grid.axes)
        return;
    layout_rows(area, parts, 4, r);
    draw_axes(w, v->host->ui, s, r[0]);
    for (int m = 0, i = 0; m < metric_count && i < MAPS; m++) {
        if (!metric_table[m].map)
            continue;
        if (i % 3 == 0)
            layout_columns(r[1 + i / 3], thirds, 3, c);
        if (!rect_empty(c[i % 3]))
            draw_map(w, m, s, c[i % 3]);
        i++;
    }
    if (!rect_empty(r[3]))
        draw_details(w, s, r[3]);
}

const struct view_ops view_sweep = {
    .name = "sweep",
    .title = "Sweep",
    .footer = "attribute:run enter:use next-pane:axis more:values exact:type cancel "
              "view-compare:compare help:keys",
    .size = sizeof(struct sweep),
    .open = sweep_open,
    .event = sweep_event,
    .action = sweep_action,
    .command = sweep_command,
    .draw = sweep_draw,
    .table = table_of_variants,
};
