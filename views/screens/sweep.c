/* The Sweep view: the same edit for every cell of a grid over two parameters, shown as small maps.
 * sweep_draw.c has its picture.
 *
 * A grid comes from two knobs with a range worth looking at (knob_ranges) and a number of values,
 * or is typed: ":sweep beta_ge=.1..0.7/5;tau=.01,.1". With one axis only there is one row of
 * cells.
 *
 * Running it posts one CMD_VARIANTS with a set of parameters for each cell; the engine edits
 * scratch weights, and nothing is written. Enter copies a cell's values to the user's parameters
 * and goes to Edit, where P previews with them. Space keeps cells as A and B, to compare them in
 * the plane (pane_plane.c). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/edit/editors/editors.h"
#include "views/screens/sweep_internal.h"
#include "views/view_tables.h"

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

/* The grid has changed: results and job are dropped, the cursor stays inside. */
static void forget_results(struct sweep *w)
{
    memset(w->variant, 0, sizeof(w->variant));
    variants_run_forget(&w->run);
    w->x = w->x < sweep_across(w)->count ? w->x : sweep_across(w)->count - 1;
    w->y = w->y < sweep_rows(w) ? w->y : sweep_rows(w) - 1;
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

/* The parameters that the cells set: those in which any cell differs from the user's. */
static void note_own_params(struct sweep *w, const struct params *user, const struct params *all)
{
    w->run.own = w->own;
    w->run.own_count = 0;
    for (int p = 0; p < PARAM_COUNT; p++) {
        bool own = false;

        for (int i = 0; i < w->grid.cells; i++)
            own = own || !param_same(user, &all[i], (enum param)p);
        if (own && w->run.own_count < AXES)
            w->own[w->run.own_count++] = (enum param)p;
    }
}

/* A grid that runs is neither changed nor begun again. */
static bool refuse_while_running(struct view *v)
{
    const struct variants_run *run = &((struct sweep *)v->state)->run;

    if (run->running)
        v->host->message_of_job(v->host, run->job,
                                "the grid is running: {cancel} stops it and keeps what is done");
    return run->running;
}

/* Posts the cells. The method may have no mask, and then the mask's knobs change nothing: a
 * warning says so. */
static void run_grid(struct view *v)
{
    struct sweep *w = v->state;
    const struct params *user = &v->host->ui->params;
    struct params *all;

    if (refuse_while_running(v))
        return;
    all = xcalloc((size_t)w->grid.cells, sizeof(*all));
    for (int i = 0; i < w->grid.cells; i++) {
        all[i] = *user;
        param_grid_set(&w->grid, i, &all[i], NULL); /* valid: checked when the grid was made */
    }
    note_own_params(w, user, all);
    if (variants_run_start(v->host, &w->run, all, w->grid.cells, w->variant) &&
        !editor_has_mask(user))
        v->host->message(
            v->host, TONE_WARN,
            "edit.method=%s mask.mode=%s has no mask: the parameters of the mask change nothing",
            params_word(user, P_EDIT_METHOD), params_word(user, P_MASK_MODE));
    free(all);
}

static void sweep_event(struct view *v, const struct event *ev)
{
    struct sweep *w = v->state;
    const struct ui_state *d = v->host->ui;

    if (!variants_run_event(v->host, &w->run, ev))
        return;
    variants_run_keep(&w->run, w->variant);
    for (int i = 0; i < w->grid.cells; i++)
        if (d->variant[i] && !w->variant[i].has)
            variant_take(&w->variant[i], d->variant[i]);
}

const char *sweep_cell_label(const struct sweep *w, char out[96])
{
    *out = '\0';
    for (int i = 0; i < w->grid.axes; i++) {
        const struct param_grid_axis *a = &w->grid.axis[i];
        size_t n = strlen(out);

        show_print(out + n, 96 - n, "%s%s=%s", i ? " " : "", a->name,
                   a->value[param_grid_at(&w->grid, sweep_cell(w), i)]);
    }
    return out;
}

/* Copies the cell's values to the user's parameters and opens the Edit view. */
static void open_cell(struct view *v)
{
    struct sweep *w = v->state;
    struct err err = {0};
    char text[96];

    if (!param_grid_set(&w->grid, sweep_cell(w), &v->host->ui->params, &err)) {
        v->host->message(v->host, TONE_ERROR, "%s", err.text);
        return;
    }
    v->host->params_changed(v->host);
    v->host->message(v->host, TONE_GOOD, "%s: {preview} previews with these values",
                     sweep_cell_label(w, text));
    v->host->open(v->host, "edit");
}

/* --- pins --------------------------------------------------------------------------------- */

bool sweep_point(const struct sweep *w, struct ui_point *out)
{
    const struct variant *t = &w->variant[sweep_cell(w)];

    if (!variant_has_numbers(t))
        return false;
    *out = (struct ui_point){.kind = POINT_VARIANT,
                             .of = w->run.stamp,
                             .p = variant_value(t, metric_find("p(target)")),
                             .gain = variant_value(t, metric_find("gain")),
                             .leak = variant_value(t, metric_find("leak/gain²")),
                             .kept = variant_value(t, metric_find("neurons kept"))};
    memcpy(out->of.state, w->run.on.name, sizeof(out->of.state));
    return true;
}

/* Keeps the cell under the cursor as A, then as B; after that B moves. */
static void pin_cell(struct view *v)
{
    struct sweep *w = v->state;
    int k = w->pin[PIN_A].set ? PIN_B : PIN_A;
    struct ui_point at;
    char text[96];

    if (!sweep_point(w, &at)) {
        v->host->message(v->host, TONE_WARN,
                         "this cell has no numbers to pin: {attribute} runs the grid");
        return;
    }
    w->pin[k] = (struct pin){.set = true, .at = at};
    utf8_copy(w->pin[k].label, sizeof(w->pin[k].label), sweep_cell_label(w, text));
    v->host->message(v->host, TONE_PLAIN,
                     "%s is %c; {untag} removes A and B; {mode} shows the plane", text,
                     k == PIN_A ? 'A' : 'B');
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
    if (ok && !refuse_while_running(v)) {
        w->grid = *g;
        w->set_up = true;
        forget_results(w);
        run_grid(v);
    } else if (!ok) {
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

    if (refuse_while_running(v))
        return true;
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
    w->x = w->x < 0 ? 0 : w->x >= sweep_across(w)->count ? sweep_across(w)->count - 1 : w->x;
    w->y = w->y < 0 ? 0 : w->y >= sweep_rows(w) ? sweep_rows(w) - 1 : w->y;
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
        if (!axis && variant_has_numbers(&w->variant[sweep_cell(w)]))
            open_cell(v);
        else
            run_grid(v);
        return true;
    case ACTION_EXACT:
        prompt_grid(v);
        return true;
    case ACTION_TRIED_ON:
        tried_on_next(v->host);
        return true;
    case ACTION_MODE:
        w->picture = (w->picture + 1) % PICTURES;
        return true;
    case ACTION_PAGE_UP:
    case ACTION_PAGE_DOWN:
        w->map = (w->map + (action == ACTION_PAGE_DOWN ? 1 : MAPS - 1)) % MAPS;
        return true;
    case ACTION_TAG:
        pin_cell(v);
        return true;
    case ACTION_UNTAG:
        memset(w->pin, 0, sizeof(w->pin));
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

const struct view_ops view_sweep = {
    .name = "sweep",
    .title = "Sweep",
    .footer = "attribute:run *enter:use *tried-on:state next-pane:axis more:values exact:type "
              "mode:plane tag:pin ?cancel view-compare:compare help:keys",
    .size = sizeof(struct sweep),
    .open = sweep_open,
    .event = sweep_event,
    .action = sweep_action,
    .command = sweep_command,
    .draw = sweep_draw,
    .table = table_of_variants,
};
