/* The Parameters view: every parameter in one table.
 *
 *   +- Parameters ------- h l step  Enter types  r as started  Z undoes  \ filter -+
 *   | parameter             value        from      what it is                    |
 *   | attr.strategy          lps                   score of a neuron: log prob…  |
 *   | mask.mode             *general     preset    …                             |
 *   | default lps, one of: lps psa mpc                                           |
 *   | score of a neuron: log probability shift (Eq. 3), probability shift or …   |
 *   +- * not the default --------------------------------------------------------+
 *
 * "from" is where the value was set: preset, config file, session, or here. From 100 columns on
 * there are also unit, default, range and the symbol of the paper. The last two rows are about the
 * selected parameter. All of it comes from core/base/params_table.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/knobs.h"
#include "views/param_undo.h"
#include "views/view.h"

struct options {
    struct list list; /* over the parameters that match the filter */
    char filter[48];
};

enum { PAGE = 15, RANGE_COLS = 14 };

/* True if name, help, alias or symbol contains the text. */
static bool param_matches(const char *text, enum param id)
{
    const struct param_info *info = param_info(id);

    return !*text || strcasestr(info->name, text) || strcasestr(info->help, text) ||
           strcasestr(info->alias, text) || strstr(info->symbol, text);
}

/* The parameters that match the filter, in the table's order. Returns how many. */
static int list_params(const struct options *o, enum param out[PARAM_COUNT])
{
    int n = 0;

    for (int i = 0; i < PARAM_COUNT; i++)
        if (param_matches(o->filter, (enum param)i))
            out[n++] = (enum param)i;
    return n;
}

/* One step: the next word of a choice, 1 for integers, 0.01 for shares, 10 % for other numbers. A
 * list of layers is only typed. */
static void step_param(struct params *p, enum param id, int by)
{
    const struct param_info *info = param_info(id);
    double v = param_is_auto(p, id) ? info->def : p->value[id];

    if (info->kind == PARAM_CHOICE) {
        int words = (int)info->high + 1;

        p->value[id] = (double)(((int)v + (by > 0 ? 1 : words - 1)) % words);
        p->source[id] = FROM_COMMAND_LINE;
        return;
    }
    if (info->kind == PARAM_LAYERS || info->kind == PARAM_TEXT)
        return;
    if (info->kind == PARAM_INTEGER)
        v += by;
    else if (info->high <= 1 && info->low >= -1)
        v = round((v + by * 0.01) * 100) / 100;
    else
        v *= pow(1.1, by);
    p->value[id] = v < info->low ? info->low : v > info->high ? info->high : v;
    p->source[id] = FROM_COMMAND_LINE;
}

/* Opens the command line on ":set NAME=" with the present value. */
static void type_value(struct view *v, enum param id)
{
    struct buf value = {0};
    char sign[64];

    snprintf(sign, sizeof(sign), ":set %s=", param_info(id)->name);
    params_show(&v->host->ui->params, id, &value);
    v->host->prompt(v->host, sign, value.data ? value.data : "");
    buf_free(&value);
}

/* An action on the selected parameter. False: not one of these. */
static bool change_param(struct view *v, enum param id, enum action action)
{
    struct params *p = &v->host->ui->params;

    switch (action) {
    case ACTION_RESET:
        param_reset(p, &v->host->ui->first, id);
        break;
    case ACTION_ENTER:
    case ACTION_EXACT:
        type_value(v, id);
        break;
    default:
        if (!action_change(action))
            return false;
        step_param(p, id, action_change(action));
    }
    v->host->params_changed(v->host);
    return true;
}

static bool options_action(struct view *v, enum action action)
{
    struct options *o = v->state;
    enum param of[PARAM_COUNT];
    int n = list_params(o, of), by = action_steps(action, PAGE, PARAM_COUNT);

    if (by) {
        list_move(&o->list, by, n, PAGE);
        return true;
    }
    if (action == ACTION_BACK && *o->filter) {
        o->filter[0] = '\0';
        return true;
    }
    return o->list.at < n && change_param(v, of[o->list.at], action);
}

static bool options_next(struct view *v, const char *text, int by)
{
    struct options *o = v->state;
    enum param of[PARAM_COUNT];
    int n = list_params(o, of);

    for (int i = 1; i <= n; i++) {
        int at = ((o->list.at + by * i) % n + n) % n;

        if (param_matches(text, of[at])) {
            o->list.at = at;
            return true;
        }
    }
    return false;
}

static void options_filter(struct view *v, const char *text)
{
    struct options *o = v->state;

    utf8_copy(o->filter, sizeof(o->filter), text);
    o->list = (struct list){0, 0};
}

static bool is_default(const struct params *p, enum param id)
{
    struct params def;

    params_default(&def);
    return param_same(p, &def, id);
}

/* As params_show(), but 30 where the shortest exact form is 3e+01. */
static void show_value(const struct params *p, enum param id, struct buf *out)
{
    enum param_kind kind = param_info(id)->kind;

    if ((kind == PARAM_NUMBER || kind == PARAM_INTEGER) && fabs(p->value[id]) >= 10 &&
        fabs(p->value[id]) < 1e6 && fabs(p->value[id] - round(p->value[id])) < 1e-9)
        buf_printf(out, "%.0f", p->value[id]);
    else
        params_show(p, id, out);
}

static void show_default(enum param id, struct buf *out)
{
    struct params def;

    params_default(&def);
    show_value(&def, id, out);
}

static void show_range(const struct param_info *info, char *out, size_t n)
{
    if (info->kind == PARAM_CHOICE)
        strlen(info->words) <= RANGE_COLS ? snprintf(out, n, "%s", info->words)
                                          : snprintf(out, n, "%d choices", (int)info->high + 1);
    else if (info->kind == PARAM_LAYERS)
        snprintf(out, n, "layers");
    else if (info->kind == PARAM_TEXT)
        snprintf(out, n, "a text");
    else
        snprintf(out, n, "%g–%g", info->low, info->high);
}

/* Where the value comes from. A recording holds all values, and not where each came from. */
static const char *source_of(const struct ui_state *d, enum param id)
{
    static const char *const source[] = {"", "preset", "config", "session", "set here"};

    if (d->recorded && d->params.source[id] == FROM_SESSION)
        return is_default(&d->params, id) ? "" : "recording";
    return source[d->params.source[id] % 5];
}

/* The heading; its widths are those of draw_row(). */
static void draw_heading(struct surface *s, struct rect in)
{
    struct pen pen = pen_at(s, in, 0, 0);

    pen_fit(&pen, ROLE_DIM, 22, "parameter");
    pen_fit(&pen, ROLE_DIM, 13, "value");
    if (in.w >= 100) {
        pen_fit(&pen, ROLE_DIM, 12, "unit");
        pen_fit(&pen, ROLE_DIM, 11, "default");
        pen_fit(&pen, ROLE_DIM, 15, "range");
        pen_fit(&pen, ROLE_DIM, 7, "paper");
    }
    pen_fit(&pen, ROLE_DIM, 10, "from");
    pen_fit(&pen, ROLE_DIM, in.w - pen.x, "what it is");
}

/* Columns: name 22, value 13 with a * if it is not the default; from 100 columns on unit 12,
 * default 11, range 15, symbol 7; then source 10 and help. */
static void draw_row(const struct ui_state *d, enum param id, struct surface *s, struct rect in,
                     int y, bool here)
{
    const struct params *p = &d->params;
    const struct param_info *info = param_info(id);
    struct pen pen = list_row(s, in, y, here, 22);
    struct buf value = {0}, def = {0};
    char range[40];

    show_value(p, id, &value);
    pen_fit(&pen, here ? ROLE_ACCENT : ROLE_TEXT, 22, info->name);
    pen_text(&pen, ROLE_WARN, is_default(p, id) ? " " : "*");
    pen_fit(&pen, ROLE_STRONG, 11, value.data ? value.data : "");
    pen.x++;
    if (in.w >= 100) {
        show_default(id, &def);
        show_range(info, range, sizeof(range));
        pen_fit(&pen, ROLE_DIM, 11, info->unit);
        pen.x++;
        pen_fit(&pen, ROLE_DIM, 10, def.data ? def.data : "");
        pen.x++;
        pen_fit(&pen, ROLE_DIM, RANGE_COLS, range);
        pen.x++;
        pen_fit(&pen, ROLE_ACCENT, 7, info->symbol);
    }
    pen_fit(&pen, ROLE_DIM, 10, source_of(d, id));
    pen_fit(&pen, ROLE_DIM, in.w - pen.x, info->help);
    buf_free(&value);
    buf_free(&def);
}

/* What an automatic value was in the last preview, or else the last edit; "": not known. */
static void show_used(const struct ui_state *d, enum param id, char *out, size_t n)
{
    const struct edit_report *a = d->preview ? d->preview : d->verdict.report;
    struct used_values u;

    *out = '\0';
    if (!a || !a->layers)
        return;
    u = report_used(a);
    if (id == P_MASK_COMPENSATE && params_choice(&d->params, id) == COMPENSATE_AUTO)
        snprintf(out, n, "%d of %d layers", u.compensated, a->layers);
    if (!param_is_auto(&d->params, id))
        return;
    if (id == P_EDIT_V_LR && a->v_lr > 0)
        snprintf(out, n, "%.3g", a->v_lr);
    if (id == P_EDIT_V_CLAMP && a->v_clamp > 0)
        snprintf(out, n, "%.3g", a->v_clamp);
    if (id == P_EDIT_LAMBDA && u.lambda[1] > 0)
        snprintf(out, n, u.lambda[1] > u.lambda[0] ? "%.3g to %.3g" : "%.3g", u.lambda[0],
                 u.lambda[1]);
}

/* The last rows: range and default of the selected parameter, and its whole help from row y on. */
static void draw_details(const struct ui_state *d, enum param id, struct surface *s, struct rect in,
                         int y)
{
    const struct param_info *info = param_info(id);
    struct pen pen = pen_at(s, in, y - 1, 0);
    struct buf def = {0};
    char used[40];

    show_default(id, &def);
    show_used(d, id, used, sizeof(used));
    if (info->kind == PARAM_CHOICE)
        pen_printf(&pen, ROLE_DIM, "default %s, one of: %s", def.data, info->words);
    else if (info->kind == PARAM_LAYERS)
        pen_text(&pen, ROLE_DIM, "auto, or a list such as 4-8 or 4,6");
    else if (info->kind == PARAM_TEXT)
        pen_printf(&pen, ROLE_DIM, "a line of text, at most %d bytes", PARAM_TEXT_MOST - 1);
    else
        pen_printf(&pen, ROLE_DIM, "%g to %g %s%s%s, default %s", info->low, info->high, info->unit,
                   *info->words ? "or " : "", info->words, def.data);
    if (*used)
        pen_printf(&pen, ROLE_STRONG, "  %s used %s", d->preview ? "the preview" : "the last edit",
                   used);
    if (*info->symbol)
        pen_printf(&pen, ROLE_ACCENT, "  %s", info->symbol);
    if (*info->alias)
        pen_printf(&pen, ROLE_DIM, "  also called %s", info->alias);
    surface_lines(s, in, y, ROLE_TEXT, info->help);
    buf_free(&def);
}

static void options_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct options *o = v->state;
    const struct ui_state *d = v->host->ui;
    enum param of[PARAM_COUNT];
    int n = list_params(o, of), rows, top;
    char title[80];
    struct rect in, body;

    show_print(title, sizeof(title), *o->filter ? "Parameters with '%s'" : "Parameters", o->filter);
    in = hint_box(
        v->host->ui, s, area, title,
        "{less} {more} step  {enter} types  {reset} as started  {untune} undoes  {filter} filter",
        true);
    rows = in.h - 2 - (o->list.at < n ? text_rows(param_info(of[o->list.at])->help, in.w) : 1);
    if (rows < 1)
        return;
    top = list_top(&o->list, n, rows);
    draw_heading(s, in);
    body = (struct rect){in.y + 1, in.x, rows, in.w};
    for (int i = top; i < n && i - top < rows; i++)
        draw_row(d, of[i], s, body, i - top, i == o->list.at);
    if (o->list.at < n)
        draw_details(d, of[o->list.at], s, in, rows + 2);
    else
        hint_draw(v->host->ui, s, body, 0, 0, ROLE_DIM, "no parameter matches; {back} shows all");
    box_foot(s, area, "* not the default");
}

const struct view_ops view_options = {
    .name = "options",
    .title = "Parameters",
    .tab = "",
    .footer = "enter:type reset untune more:up less:down search filter back help:keys",
    .size = sizeof(struct options),
    .overlay = true,
    .action = options_action,
    .find_next = options_next,
    .filter = options_filter,
    .draw = options_draw,
};
