/* The Compare view: one fact edited in eight ways and with 32 random masks, all judged by the same
 * metrics. It answers whether the choice of neurons matters or only their number.
 *
 *   +- Compare: Eiffel Tower → Rome ------------------------- 40 done, Enter uses one -+
 *   |              ---------- as published ----------     ----- at equal gain -----    |
 *   |              NMKE AlphaEdit   MEMIT random key size   NMKE random key size       |
 *   | p(target)   0.900     0.850   0.800  0.750   0.700   0.650  0.600   0.900        |
 *   +----------------------------------------------------------------------------------+
 *   +- leak/gain² against gain: the cloud -++- NMKE against chance --------------------+
 *   |   ★ M   ○○  ○2  ○                    || gain       P0   beats 0 of 32            |
 *   +--------------------------------------++------------------------------------------+
 *
 * Columns: every editing method (EDITORS), then NMKE with two control masks. Each control keeps as
 * many neurons as the user's mask does in that layer: "random" draws them by the seed, "key size"
 * takes those with the largest coefficients. A mask makes the update weaker, so the right part
 * repeats NMKE and the controls with mask.compensate=gain: scaled up to the gain of the unmasked
 * update (editscope-method(7) 7.6). There only the direction differs, not the strength.
 *
 * The cloud: CLOUD more random masks, with seeds seed + 1 to seed + 32, as points over two
 * metrics. "P97" means that NMKE beats 97 % of them; a tie counts half.
 *
 * All 40 sets of parameters go to the engine as one command, CMD_VARIANTS, which makes each edit
 * in scratch weights: nothing is written. Results come one by one, as EV_VARIANT. Enter copies the
 * parameters of a column to the user's own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/edit/editors/editors.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/requests.h"
#include "views/variant_metrics.h"
#include "views/view.h"
#include "views/view_tables.h"

/* The columns: editors, controls, then NMKE and controls at equal gain. */
enum {
#define COLUMN(id, name) id,
    EDITORS(COLUMN)
#undef COLUMN
        RANDOM,
    KEYMAG,
    NMKE_EQ,
    RANDOM_EQ,
    KEYMAG_EQ,
    COLUMNS
};
enum { CLOUD = 32, VARIANTS = COLUMNS + CLOUD };
enum { BY_GAIN, BY_ANSWER, PICTURES };

struct compare {
    struct variant variant[VARIANTS]; /* the columns, then the cloud */
    struct params params[VARIANTS];   /* that each was made with */
    unsigned job;                     /* the command that makes them; 0: none yet */
    struct variants_subject about;    /* the fact and the state they were made for */
    bool running;
    int at;      /* column under the cursor */
    int picture; /* which axes the cloud has */
};

static const struct column {
    int method;
    int mode; /* mask.mode; -1: the user's */
    bool equal;
    const char *name, *brief, *what; /* NULL: from the editor's table */
} columns[COLUMNS] = {
#define COLUMN(id, name) [id] = {METHOD_##id, -1, false, NULL, NULL, NULL},
    EDITORS(COLUMN)
#undef COLUMN
        [RANDOM] = {METHOD_NMKE, MODE_RANDOM, false, "random", "random",
                    "as many neurons, drawn by the seed"},
    [KEYMAG] = {METHOD_NMKE, MODE_KEYMAG, false, "key size", "key",
                "as many neurons, those with the largest coefficients"},
    [NMKE_EQ] = {METHOD_NMKE, -1, true, NULL, NULL, "your neurons, scaled up to the unmasked gain"},
    [RANDOM_EQ] = {METHOD_NMKE, MODE_RANDOM, true, "random", "random",
                   "random neurons, scaled up to the unmasked gain"},
    [KEYMAG_EQ] = {METHOD_NMKE, MODE_KEYMAG, true, "key size", "key",
                   "the largest coefficients, scaled up to the unmasked gain"},
};

static const struct editor_ops *editor_at(int column)
{
    return editor_by_method(columns[column].method);
}

/* The heading of a column; brief where columns are narrow. */
static const char *column_name(int column, bool brief)
{
    const struct column *c = &columns[column];

    return !c->name ? editor_at(column)->title : brief ? c->brief : c->name;
}

/* The line below the table: what the column under the cursor is. */
static const char *column_what(int column, char out[96])
{
    const struct editor_ops *e = editor_at(column);

    snprintf(out, 96, "%s (%s)",
             e->needs & NEEDS_SCORES ? "the neurons your parameters choose"
                                     : "no mask: every neuron of the edited layers",
             e->paper);
    return columns[column].what ? columns[column].what : out;
}

static void set_param(struct params *p, enum param id, double value)
{
    p->value[id] = value;
    p->source[id] = FROM_COMMAND_LINE;
}

/* The user's parameters, changed for a column (which < COLUMNS) or for a mask of the cloud. A
 * control keeps as many neurons as the user's mask: mask.density 0 and mask.mass 0 mean "the same
 * number". Where the user has chosen a control as mask mode, NMKE's own columns use the union. */
static struct params params_of_variant(const struct params *now, int which)
{
    const struct column *c = &columns[which < COLUMNS ? which : RANDOM];
    int mode = params_choice(now, P_MASK_MODE);
    struct params p = *now;

    set_param(&p, P_EDIT_METHOD, c->method);
    set_param(&p, P_MASK_COMPENSATE, c->equal ? COMPENSATE_GAIN : COMPENSATE_NONE);
    if (c->mode >= 0 || mode == MODE_RANDOM || mode == MODE_KEYMAG || mode == MODE_NONE)
        set_param(&p, P_MASK_MODE, c->mode >= 0 ? c->mode : MODE_UNION);
    if (c->mode >= 0)
        set_param(&p, c->mode == MODE_KEYMAG ? P_MASK_MASS : P_MASK_DENSITY, 0);
    if (which >= COLUMNS)
        set_param(&p, P_SEED, now->value[P_SEED] + 1 + which - COLUMNS);
    return p;
}

/* Posts all variants as one command. */
static void run_variants(struct view *v)
{
    struct compare *c = v->state;
    unsigned job;

    if (c->running) {
        v->host->message(v->host, TONE_PLAIN, "the variants are running: Ctrl-C stops them");
        return;
    }
    for (int i = 0; i < VARIANTS; i++)
        c->params[i] = params_of_variant(&v->host->ui->params, i);
    job = request_variants(v->host, c->params, VARIANTS);
    if (!job)
        return;
    c->job = job;
    c->running = true;
    variants_subject_now(&c->about, v->host->ui);
    memset(c->variant, 0, sizeof(c->variant));
}

/* Stores a result in every variant with these parameters that has none. Compared are parameters
 * and not positions, because a recording may hold fewer editors than this program has. */
static void take_result(struct compare *c, const struct variant_result *t)
{
    static const enum param of[] = {P_EDIT_METHOD, P_MASK_MODE, P_MASK_COMPENSATE, P_SEED};

    for (int i = 0; i < VARIANTS; i++) {
        bool same = !c->variant[i].has;

        for (size_t k = 0; k < sizeof(of) / sizeof(*of); k++)
            same = same && param_same(&c->params[i], &t->params, of[k]);
        if (same)
            variant_take(&c->variant[i], t);
    }
}

/* Takes results of its own job; another view may have variants running. */
static void compare_event(struct view *v, const struct event *ev)
{
    struct compare *c = v->state;
    const struct ui_state *d = v->host->ui;

    if (!c->job || ev->job != c->job)
        return;
    if (ev->kind == EV_VARIANT && d->variant_job == c->job) {
        for (int i = 0; i < d->variant_count; i++)
            if (d->variant[i])
                take_result(c, d->variant[i]);
    } else if (ev->kind == EV_DONE || ev->kind == EV_FAILED) {
        c->running = false;
        if (ev->kind == EV_DONE)
            v->host->message(v->host, TONE_GOOD,
                             "compared on scratch weights; nothing was written");
    }
}

/* Confirmed: the column's parameters become the user's. */
static void use_params(struct host *host, const struct question *q)
{
    const struct compare *c = q->view->state;

    host->ui->params = c->params[q->number];
    host->params_changed(host);
    host->message(host, TONE_GOOD, "parameters of %s%s: P previews with them",
                  column_name(q->number, false), columns[q->number].equal ? " at equal gain" : "");
}

static void ask_use_params(struct view *v)
{
    struct compare *c = v->state;
    struct question q = {.title = "Use these parameters?",
                         .yes = "Use",
                         .confirmed = use_params,
                         .view = v,
                         .number = c->at};
    char what[96];

    show_print(q.text, sizeof(q.text), "%s%s: %s.\nThe next preview or commit will use them.",
               column_name(c->at, false), columns[c->at].equal ? " at equal gain" : "",
               column_what(c->at, what));
    v->host->confirm(v->host, &q);
}

static bool compare_action(struct view *v, enum action action)
{
    struct compare *c = v->state;

    switch (action) {
    case ACTION_ATTRIBUTE:
        run_variants(v);
        return true;
    case ACTION_ENTER:
        if (variant_has_numbers(&c->variant[c->at]))
            ask_use_params(v);
        else
            run_variants(v);
        return true;
    case ACTION_MODE:
        c->picture = (c->picture + 1) % PICTURES;
        return true;
    default:
        break;
    }
    c->at += action_across(action, COLUMNS);
    c->at = c->at < 0 ? 0 : c->at >= COLUMNS ? COLUMNS - 1 : c->at;
    return action_across(action, 1) != 0;
}

/* --- the table ---------------------------------------------------------------------------- */

/* Columns of the metric's name, at the left. */
static int label_cols(const struct rect *in)
{
    return in->w < 80 ? 12 : 14;
}

/* Width of one column of the table, with a blank at its right. */
static int column_cols(const struct rect *in)
{
    return (in->w - label_cols(in)) / COLUMNS;
}

static int column_x(const struct rect *in, int i)
{
    return label_cols(in) + i * column_cols(in);
}

/* Rows 0 and 1: the two groups, then the names. NMKE is accented; the cursor's column has a
 * background and a mark. */
static void draw_heading(const struct compare *c, struct surface *s, struct rect in)
{
    int cols = column_cols(&in);
    struct pen p = pen_at(s, in, 0, column_x(&in, 0));

    pen_right(&p, ROLE_DIM, NMKE_EQ * cols - 1, "── as published ──");
    p = pen_at(s, in, 0, column_x(&in, NMKE_EQ));
    pen_right(&p, ROLE_DIM, (COLUMNS - NMKE_EQ) * cols - 1, "── at equal gain ──");
    for (int i = 0; i < COLUMNS; i++) {
        bool here = i == c->at;
        struct rect cell = {in.y + 1, in.x + column_x(&in, i), 1, cols - 1};

        if (here) {
            surface_fill(s, cell, ROLE_SELECTED);
            surface_cursor(s, in, 1, column_x(&in, i));
        }
        p = pen_at(s, in, 1, column_x(&in, i));
        pen_right(&p, i == NMKE || i == NMKE_EQ ? ROLE_ACCENT : ROLE_STRONG, cols - 1,
                  column_name(i, cols < 11));
        if (here)
            surface_text(s, in, 1, column_x(&in, i), ROLE_KEY, "›");
    }
}

/* One row with what each variant answers to the prompt. */
static void draw_answers(const struct compare *c, struct surface *s, struct rect in, int y)
{
    int cols = column_cols(&in);
    struct pen p = pen_at(s, in, y, 0);

    pen_text(&p, ROLE_DIM, "says");
    for (int i = 0; i < COLUMNS; i++) {
        char piece[96];

        p = pen_at(s, in, y, column_x(&in, i) + 1);
        if (variant_has_numbers(&c->variant[i]))
            pen_fit(&p, ROLE_TEXT, cols - 2,
                    text_piece(piece, sizeof(piece),
                               c->variant[i].said + strspn(c->variant[i].said, " ")));
    }
}

/* One row: a metric of every column. The best is green; "·" is not known, a yellow value failed. */
static void draw_metric(const struct compare *c, struct surface *s, struct rect in, int y, int m)
{
    int cols = column_cols(&in), best = metric_best(c->variant, COLUMNS, m);
    struct pen p = pen_at(s, in, y, 0);
    char text[24];

    pen_fit(&p, ROLE_DIM, label_cols(&in), metric_table[m].name);
    for (int i = 0; i < COLUMNS; i++) {
        const struct variant *t = &c->variant[i];
        enum role role = i == best ? ROLE_GOOD : ROLE_TEXT;

        if (!variant_has_numbers(t))
            role = t->has ? ROLE_WARN : ROLE_EMPTY;
        else if (metric_table[m].show == METRIC_YES)
            role = variant_value(t, m) > 0 ? ROLE_GOOD : ROLE_WARN;
        p = pen_at(s, in, y, column_x(&in, i));
        pen_right(&p, role, cols - 1, metric_text(t, m, text));
    }
}

/* The upper box: metrics down, columns across; as many metrics as there are rows. */
static void draw_table(const struct compare *c, const struct ui_state *d, struct surface *s,
                       struct rect area)
{
    int done = 0, y = 2;
    char hint[64] = "Enter runs them", title[160], what[96];
    struct rect in;

    for (int i = 0; i < VARIANTS; i++)
        done += c->variant[i].has;
    if (c->running)
        snprintf(hint, sizeof(hint), "%d of %d done", done, VARIANTS);
    else if (done && *variants_stale(&c->about, d))
        show_print(hint, sizeof(hint), "%s: press x again", variants_stale(&c->about, d));
    else if (done)
        snprintf(hint, sizeof(hint), "%d done, Enter uses one", done);
    in = box_draw(s, area, variants_title(&c->about, d, "Compare", title), hint, true);
    if (in.h < 4 || column_cols(&in) < 5)
        return;
    draw_heading(c, s, in);
    for (int m = 0; m < metric_count && y < in.h; m++) {
        draw_metric(c, s, in, y++, m);
        if (metric_table[m].has_before && y < in.h) /* the answer below its probability */
            draw_answers(c, s, in, y++);
    }
    box_foot(s, area, column_what(c->at, what));
}

/* --- the cloud ---------------------------------------------------------------------------- */

struct axes {
    int x, y;               /* indices of metrics */
    double low[2], high[2]; /* their ranges: 0 of x, 1 of y */
};

/* Adds 6 % on both sides, so that no point lies on the frame; a single value gets a range too. */
static void widen_range(double *low, double *high)
{
    double room = *high > *low ? 0.06 * (*high - *low) : 0.05 * fabs(*high) + 1e-6;

    *low -= room;
    *high += room;
}

/* Metrics and ranges of the plot. The range is that of the random masks and of NMKE; other columns
 * may lie outside, and are then not drawn. False: no random mask has numbers yet. */
static bool cloud_axes(const struct compare *c, struct axes *a)
{
    double low, high;

    *a = (struct axes){.x = metric_find("gain"), .y = metric_find("leak/gain²")};
    if (c->picture == BY_ANSWER) {
        a->x = metric_find("p(target)");
        if (metric_range(c->variant, VARIANTS, metric_find("locality"), &low, &high))
            a->y = metric_find("locality");
    }
    for (int k = 0; k < 2; k++) {
        int m = k ? a->y : a->x;
        double mine = variant_value(&c->variant[NMKE], m);

        if (!metric_range(&c->variant[COLUMNS], CLOUD, m, &low, &high))
            return false;
        if (variant_has_numbers(&c->variant[NMKE]) && !isnan(mine)) {
            low = fmin(low, mine);
            high = fmax(high, mine);
        }
        widen_range(&low, &high);
        a->low[k] = low;
        a->high[k] = high;
    }
    return true;
}

/* The cell of a variant in the plot; y grows downwards. False: outside, or without numbers. */
static bool cloud_cell(const struct axes *a, const struct variant *t, struct rect plot, int *y,
                       int *x)
{
    double u = (variant_value(t, a->x) - a->low[0]) / (a->high[0] - a->low[0]);
    double w = (variant_value(t, a->y) - a->low[1]) / (a->high[1] - a->low[1]);

    if (!variant_has_numbers(t) || isnan(u) || isnan(w) || u < 0 || u > 1 || w < 0 || w > 1)
        return false;
    *x = (int)lround(u * (plot.w - 1));
    *y = (int)lround((1 - w) * (plot.h - 1));
    return true;
}

/* Random masks as ○, or as their number where several fall on a cell; editors by their first
 * letter, key size as K, NMKE as ★ on top. */
static void draw_points(const struct compare *c, const struct axes *a, struct surface *s,
                        struct rect plot)
{
    unsigned char *count = xcalloc((size_t)plot.h * (size_t)plot.w, 1);
    int y, x;

    for (int i = COLUMNS; i < VARIANTS; i++) {
        char many[8];

        if (!cloud_cell(a, &c->variant[i], plot, &y, &x))
            continue;
        count[y * plot.w + x]++;
        snprintf(many, sizeof(many), "%d", count[y * plot.w + x] > 9 ? 9 : count[y * plot.w + x]);
        surface_text(s, plot, y, x, ROLE_CURVE, count[y * plot.w + x] > 1 ? many : "○");
    }
    for (int i = KEYMAG; i >= 0; i--) { /* NMKE lies on top */
        char glyph[2] = {column_name(i, false)[0]};

        if (i == NMKE && cloud_cell(a, &c->variant[i], plot, &y, &x))
            surface_text(s, plot, y, x, ROLE_ACCENT, "★");
        else if (i != RANDOM && cloud_cell(a, &c->variant[i], plot, &y, &x))
            surface_text(s, plot, y, x, i == KEYMAG ? ROLE_WARN : ROLE_STRONG,
                         i == KEYMAG ? "K" : glyph);
    }
    free(count);
}

/* Ends of the y axis in columns 0 to 5, the axis lines, ends and name of the x axis below. */
static void draw_scale(const struct axes *a, struct surface *s, struct rect in, struct rect plot)
{
    char text[24];
    struct pen p = pen_at(s, in, 0, 0);

    pen_right(&p, ROLE_DIM, 6, text_probability(text, a->high[1]));
    p = pen_at(s, in, plot.h - 1, 0);
    pen_right(&p, ROLE_DIM, 6, text_probability(text, a->low[1] < 0 ? 0 : a->low[1]));
    for (int y = 0; y < plot.h; y++)
        surface_text(s, in, y, 7, ROLE_DIM, "│");
    p = pen_at(s, in, plot.h, 8);
    for (int x = 0; x < plot.w; x++)
        surface_text(s, in, plot.h, 8 + x, ROLE_DIM, "─");
    p = pen_at(s, in, plot.h + 1, 8);
    pen_text(&p, ROLE_DIM, text_probability(text, a->low[0] < 0 ? 0 : a->low[0]));
    p = pen_at(s, in, plot.h + 1, 8);
    pen_right(&p, ROLE_DIM, plot.w, text_probability(text, a->high[0]));
    p = pen_at(s, in, plot.h + 1, 8 + plot.w / 2 - 6);
    pen_printf(&p, ROLE_TEXT, "%s →", metric_table[a->x].name);
}

/* The lower left box. Columns 0 to 7 are the y axis, the last two rows the x axis. */
static void draw_cloud(const struct compare *c, struct surface *s, struct rect area)
{
    struct axes a;
    bool any = cloud_axes(c, &a);
    struct buf foot = {0};
    char title[80];
    struct rect in, plot;

    show_print(title, sizeof(title), "%s against %s, %d random masks of equal size",
               metric_table[a.y].name, metric_table[a.x].name, CLOUD);
    in = box_draw(s, area, title, "d other axes", false);
    plot = (struct rect){in.y, in.x + 8, in.h - 2, in.w - 8};
    if (rect_empty(in) || plot.h < 2 || plot.w < 12)
        return;
    if (!any) {
        surface_text(s, in, 0, 0, ROLE_EMPTY,
                     c->running ? "random masks come after the columns" : "no results yet");
        return;
    }
    draw_scale(&a, s, in, plot);
    draw_points(c, &a, s, plot);
    for (int i = 0; i < RANDOM; i++) {
        buf_add(&foot, i == NMKE ? "★" : column_name(i, false), i == NMKE ? strlen("★") : 1);
        buf_printf(&foot, " %s  ", column_name(i, false));
    }
    buf_puts(&foot, "K key size  ○ random, 2–9: many");
    box_foot(s, area, foot.data);
    buf_free(&foot);
}

/* Random masks with numbers (*of), those that NMKE is better than by this metric (returned) and
 * those as good (*equal). */
static int count_beaten(const struct compare *c, int m, int *equal, int *of)
{
    double mine = variant_value(&c->variant[NMKE], m);
    int n = 0;

    *of = *equal = 0;
    for (int i = COLUMNS; i < VARIANTS; i++) {
        double other = variant_value(&c->variant[i], m);
        bool better = metric_table[m].better > 0 ? mine > other : mine < other;

        if (!variant_has_numbers(&c->variant[i]) || isnan(other))
            continue;
        ++*of;
        n += better;
        *equal += !better && !(mine > other) && !(mine < other);
    }
    return n;
}

/* The lower right box: one row a metric with a direction. P = (beaten + ties / 2) / number of
 * masks. */
static void draw_against_chance(const struct compare *c, struct surface *s, struct rect area)
{
    struct rect in = box_draw(s, area, "NMKE against chance", "as published", false);
    bool counted = false; /* a metric that needs probes was drawn */
    int y = 0;

    if (rect_empty(in))
        return;
    if (!variant_has_numbers(&c->variant[NMKE]) || !c->variant[COLUMNS].has) {
        surface_text(s, in, 0, 0, ROLE_EMPTY,
                     c->running ? "running" : "no results yet: Enter runs");
        return;
    }
    for (int m = 0; m < metric_count && y < in.h; m++) {
        int of, equal, n = count_beaten(c, m, &equal, &of);
        struct pen p = pen_at(s, in, y, 0);

        if (!metric_table[m].map || !metric_table[m].better || !of ||
            isnan(variant_value(&c->variant[NMKE], m)))
            continue;
        counted = counted || metric_table[m].probes;
        pen_fit(&p, ROLE_DIM, 11, metric_table[m].name);
        pen_printf(&p, ROLE_STRONG, "P%-3.0f ", (100.0 * n + 50.0 * equal) / of);
        pen_printf(&p, 2 * n + equal >= of ? ROLE_GOOD : ROLE_WARN, "beats %d", n);
        if (equal)
            pen_printf(&p, ROLE_DIM, ", ties %d", equal);
        pen_printf(&p, ROLE_DIM, " of %d", of);
        y++;
    }
    if (!counted && y + 1 < in.h)
        surface_text(s, in, y + 1, 0, ROLE_DIM, "no probes: | picks a relation that has some");
    if (y + 3 < in.h)
        surface_text(s, in, in.h - 1, 0, ROLE_DIM,
                     "better: more gain, less leak, more right answers");
}

/* Why the variant under the cursor could not be made, on the table's last row. */
static void draw_failure(const struct compare *c, struct surface *s, struct rect area)
{
    const struct variant *t = &c->variant[c->at];
    struct pen p = pen_at(s, area, area.h - 2, 3);

    if (t->has && *t->why && area.h > 3)
        pen_fit(&p, ROLE_WARN, area.w - 6, t->why);
}

/* The table above; below it, where there is room, cloud and percentiles. */
static void compare_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const struct slice rows[2] = {{13, 16, 0, 0}, {5, 8, 1, 1}};
    static const struct slice halves[2] = {{40, 50, 2, 1}, {34, 44, 1, 0}};
    const struct compare *c = v->state;
    struct rect r[2], low[2];

    layout_rows(area, rows, 2, r);
    draw_table(c, v->host->ui, s, r[0]);
    draw_failure(c, s, r[0]);
    if (rect_empty(r[1]))
        return;
    layout_columns(r[1], halves, 2, low);
    if (!rect_empty(low[0]))
        draw_cloud(c, s, low[0]);
    if (!rect_empty(low[1]))
        draw_against_chance(c, s, low[1]);
}

const struct view_ops view_compare = {
    .name = "compare",
    .title = "Compare",
    .tab = "Comp",
    .footer = "enter:run/use right:column mode:axes cancel sweep preview commit help:keys",
    .size = sizeof(struct compare),
    .event = compare_event,
    .action = compare_action,
    .draw = compare_draw,
    .table = table_of_variants,
};
