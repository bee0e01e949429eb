/* The picture of the Compare view.
 *
 *   +- Compare: Eiffel Tower → Rome, tried on BASE ------------ 40 done, Enter uses one -+
 *   |               ---------- as published ----------     ----- at equal gain -----     |
 *   |               NMKE AlphaEdit   MEMIT random key size   NMKE random key size        |
 *   | p(target)    0.900     0.850   0.800  0.750   0.700   0.650  0.600   0.900         |
 *   | NMKE says: Rome, Italy.                                                            |
 *   +------------------------------------------------------------------------------------+
 *   +- leak/gain² against gain ------------++- NMKE against chance ----------------------+
 *   |   ★ M   ○○  ○2  ○                    ||              P  beats  ties    of          |
 *   +--------------------------------------++--------------------------------------------+
 *
 * Columns and rows that do not fit scroll with the cursor; the table's corner says how many there
 * are. "P97" means that NMKE beats 97 % of the random masks; a tie counts half. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/panes/pane_plot.h"
#include "views/screens/compare_internal.h"

enum { LABEL = 14, COLUMN_MIN = 10, HEADING = 2 };

/* --- the table ---------------------------------------------------------------------------- */

/* What of the table is shown. */
struct extent {
    struct rect in;
    int cols;           /* width of a column, with a blank at its right */
    int first, columns; /* columns shown */
    int top, rows;      /* rows shown, below the heading */
};

static struct extent extent_of(const struct compare *c, struct rect in)
{
    struct list across = {.at = c->at}, down = {.at = c->row};
    int room = in.w - LABEL;
    struct extent e = {.in = in, .columns = room / COLUMN_MIN, .rows = in.h - HEADING - 1};

    e.columns = e.columns > COLUMNS ? COLUMNS : e.columns;
    e.cols = e.columns > 0 ? room / e.columns : 0;
    e.first = list_top(&across, COLUMNS, e.columns);
    e.rows = e.rows > compare_rows() ? compare_rows() : e.rows;
    e.top = list_top(&down, compare_rows(), e.rows);
    return e;
}

static int column_x(const struct extent *e, int column)
{
    return LABEL + (column - e->first) * e->cols;
}

/* The group's name, the longest that fits, at the right end of its columns that are shown. */
static void draw_group(const struct extent *e, struct surface *s, int from, int to,
                       const char *const name[3])
{
    int first = from > e->first ? from : e->first;
    int end = to < e->first + e->columns ? to : e->first + e->columns;
    int cols = (end - first) * e->cols - 1, n = 0;
    struct pen p = pen_at(s, e->in, 0, column_x(e, first));

    while (n < 2 && text_width(name[n]) > cols)
        n++;
    if (end > first)
        pen_right(&p, ROLE_DIM, cols, name[n]);
}

/* Rows 0 and 1: the two groups, then the names. NMKE is accented; the cursor's column has a
 * background and a mark. At the left, what is hidden. */
static void draw_heading(const struct compare *c, const struct extent *e, struct surface *s)
{
    static const char *const published[3] = {"── as published ──", "as published", "published"};
    static const char *const equal[3] = {"── at equal gain ──", "at equal gain", "equal"};
    struct pen p = pen_at(s, e->in, 0, 0);

    if (e->columns < COLUMNS)
        pen_printf(&p, ROLE_KEY, "‹› %d–%d of %d", e->first + 1, e->first + e->columns, COLUMNS);
    p = pen_at(s, e->in, 1, 0);
    if (e->rows < compare_rows())
        pen_printf(&p, ROLE_KEY, "↑↓ %d–%d of %d", e->top + 1, e->top + e->rows, compare_rows());
    draw_group(e, s, 0, NMKE_EQ, published);
    draw_group(e, s, NMKE_EQ, COLUMNS, equal);
    for (int i = e->first; i < e->first + e->columns; i++) {
        bool here = i == c->at;
        int x = column_x(e, i);

        if (here) {
            surface_fill(s, (struct rect){e->in.y + 1, e->in.x + x, 1, e->cols - 1}, ROLE_SELECTED);
            surface_cursor(s, e->in, 1, x);
            surface_text(s, e->in, 1, x - 1, ROLE_KEY, "›");
        }
        p = pen_at(s, e->in, 1, x);
        pen_right(&p, i == NMKE || i == NMKE_EQ ? ROLE_ACCENT : ROLE_STRONG, e->cols - 1,
                  compare_column_name(i));
    }
}

/* What each variant answers to the prompt, as much as fits; the last row has all of one. */
static void draw_answers(const struct compare *c, const struct extent *e, struct surface *s, int y)
{
    for (int i = e->first; i < e->first + e->columns; i++) {
        struct pen p = pen_at(s, e->in, y, column_x(e, i) + 1);
        char said[96];

        if (variant_has_numbers(&c->variant[i]))
            pen_fit(&p, ROLE_TEXT, e->cols - 2, text_said(said, sizeof(said), c->variant[i].said));
    }
}

/* A metric of every column. The best is green; "·" is not known, a yellow value failed. */
static void draw_metric(const struct compare *c, const struct extent *e, struct surface *s, int y,
                        int m)
{
    int best = metric_best(c->variant, COLUMNS, m);
    char text[24];

    for (int i = e->first; i < e->first + e->columns; i++) {
        const struct variant *t = &c->variant[i];
        enum role role = i == best ? ROLE_GOOD : ROLE_TEXT;
        struct pen p = pen_at(s, e->in, y, column_x(e, i));

        if (!variant_has_numbers(t))
            role = t->has ? ROLE_WARN : ROLE_EMPTY;
        else if (metric_table[m].show == METRIC_YES)
            role = variant_value(t, m) > 0 ? ROLE_GOOD : ROLE_WARN;
        pen_right(&p, role, e->cols - 1, metric_text(t, m, text));
    }
}

/* The last row: the answer of the column under the cursor in full, or why it has none. */
static void draw_answer_at_cursor(const struct compare *c, struct surface *s, struct rect in)
{
    const struct variant *t = &c->variant[c->at];
    struct pen p = pen_at(s, in, in.h - 1, 0);
    char said[96];

    if (!t->has)
        return;
    pen_printf(&p, ROLE_DIM, *t->why ? "%s: " : "%s says: ", compare_column_name(c->at));
    pen_fit(&p, *t->why ? ROLE_WARN : ROLE_STRONG, in.w - p.x,
            *t->why ? t->why : text_said(said, sizeof(said), t->said));
}

/* The upper box: metrics down, columns across. */
static void draw_table(const struct compare *c, const struct ui_state *d, const char *stale,
                       struct surface *s, struct rect area)
{
    int answers = metric_find("p(target)") + 1; /* the row after it */
    char hint[96], title[320], what[96];
    struct rect in;
    struct extent e;

    variants_run_hint(&c->run, d, stale, c->variant, COLUMNS + c->masks, "uses one", hint);
    variants_run_title(&c->run, d, "Compare", area.w - 10 - text_width(hint), title);
    in = box_draw(s, area, title, hint, true);
    e = extent_of(c, in);
    box_foot(s, area, compare_column_what(c->at, &d->params, what));
    if (e.rows < 1 || e.columns < 1)
        return;
    draw_heading(c, &e, s);
    for (int y = 0; y < e.rows; y++) {
        int row = e.top + y, m = row < answers ? row : row - 1;
        struct pen p = pen_at(s, in, y + HEADING, 0);

        pen_fit(&p, row == c->row ? ROLE_STRONG : ROLE_DIM, LABEL,
                row == answers ? "says" : metric_table[m].name);
        if (row == answers)
            draw_answers(c, &e, s, y + HEADING);
        else
            draw_metric(c, &e, s, y + HEADING, m);
    }
    draw_answer_at_cursor(c, s, in);
}

/* --- the cloud ---------------------------------------------------------------------------- */

static void include_variant(struct plot *a, const struct variant *t)
{
    if (variant_has_numbers(t))
        plot_include(a, variant_value(t, a->metric[0]), variant_value(t, a->metric[1]));
}

/* Metrics and ranges of the plot. The range is that of the random masks and of NMKE; other columns
 * may lie outside, and are then not drawn. False: no random mask has numbers yet. */
static bool cloud_axes(const struct compare *c, struct plot *a)
{
    bool answer = c->picture == BY_ANSWER;
    double low, high;

    plot_begin(
        a, answer ? "p(target)" : "gain",
        answer && metric_range(c->variant, c->run.count, metric_find("neighbours"), &low, &high)
            ? "neighbours"
            : "leak/gain²");
    for (int i = COLUMNS; i < c->run.count; i++)
        include_variant(a, &c->variant[i]);
    if (!(a->low[0] <= a->high[0]))
        return false;
    include_variant(a, &c->variant[NMKE]);
    return plot_widen(a);
}

enum { KEY_SIZE = 'K' };

/* A letter for each editor that no other has: the first free one of its name, as a capital or,
 * where all of those are taken, small. */
static void column_letters(char letter[COLUMNS])
{
    bool taken[128] = {[KEY_SIZE] = true};

    for (int i = NMKE + 1; i < RANDOM; i++) {
        const char *name = compare_column_name(i);

        letter[i] = '?';
        for (int small = 0; small < 2; small++)
            for (const char *at = name; letter[i] == '?' && *at; at++) {
                int code = *at & 0x7F;

                code = small ? tolower(code) : toupper(code);
                if (isalpha(code) && !taken[code])
                    letter[i] = (char)code;
            }
        taken[(int)letter[i]] = true;
    }
}

/* Where a variant lies in the picture. False: it is not drawn. */
static bool column_cell(const struct compare *c, const struct plot *a, int n, struct rect plot,
                        int *y, int *x)
{
    const struct variant *t = &c->variant[n];

    return n != RANDOM && (n <= KEYMAG || n >= COLUMNS) && variant_has_numbers(t) &&
           plot_cell(a, variant_value(t, a->metric[0]), variant_value(t, a->metric[1]), plot, y, x);
}

/* Random masks as ○, or as their number where several fall on a cell; editors by their letter, key
 * size as K, NMKE as ★ on top. */
static void draw_points(const struct compare *c, const struct plot *a, struct surface *s,
                        struct rect plot)
{
    unsigned char *count = xcalloc((size_t)plot.h * (size_t)plot.w, 1);
    char letter[COLUMNS] = {0};
    int y, x;

    column_letters(letter);
    for (int n = c->run.count - 1; n >= 0; n--) { /* NMKE lies on top */
        char text[8] = {n < COLUMNS ? letter[n] : 0};
        enum role role = n == NMKE ? ROLE_ACCENT : n == KEYMAG ? ROLE_WARN : ROLE_STRONG;

        if (!column_cell(c, a, n, plot, &y, &x))
            continue;
        if (n >= COLUMNS) {
            int many = ++count[y * plot.w + x];

            role = ROLE_CURVE;
            snprintf(text, sizeof(text), many > 1 ? "%d" : "○", many > 9 ? 9 : many);
        }
        surface_text(s, plot, y, x, role, n == NMKE ? "★" : n == KEYMAG ? "K" : text);
    }
    free(count);
}

/* Adds "  A AlphaEdit"; false: it does not fit any more. */
static bool add_legend(char foot[160], int cols, const char *glyph, const char *name)
{
    size_t n = strlen(foot);

    if (text_width(foot) + text_width(glyph) + text_width(name) + 3 > cols)
        return false;
    show_print(foot + n, 160 - n, "%s%s %s", n ? "  " : "", glyph, name);
    return true;
}

/* What the letters of the picture are, as much as fits into the lower edge: that of the cursor's
 * column first, so that each can be asked for. */
static void draw_legend(const struct compare *c, const struct plot *a, struct surface *s,
                        struct rect area, struct rect plot)
{
    int cols = area.w - 8, y, x;
    char foot[160] = "", letter[COLUMNS] = {0};
    bool fits = add_legend(foot, cols, "★", "NMKE") && add_legend(foot, cols, "○", "random") &&
                add_legend(foot, cols, "2–9", "many");

    if (fits && column_cell(c, a, KEYMAG, plot, &y, &x))
        fits = add_legend(foot, cols, "K", "key size");

    column_letters(letter);
    for (int first = 1; first >= 0; first--)
        for (int i = NMKE + 1; i < RANDOM; i++)
            if (fits && (i == c->at) == first && column_cell(c, a, i, plot, &y, &x))
                fits = add_legend(foot, cols, (char[2]){letter[i]}, compare_column_name(i));
    if (!fits)
        show_print(foot + strlen(foot), sizeof(foot) - strlen(foot), " …");
    box_foot(s, area, foot);
}

/* Random masks that have numbers. */
static int count_masks(const struct compare *c)
{
    int done = 0;

    for (int i = COLUMNS; i < c->run.count; i++)
        done += variant_has_numbers(&c->variant[i]);
    return done;
}

/* "leak/gain² against gain" and "12 of 32 random masks, stopped"; where that is too wide, both in
 * the title. */
static void cloud_title(const struct compare *c, const struct plot *a, int cols, char title[96],
                        char hint[64])
{
    int of = c->run.job ? compare_masks(c) : c->masks, done = count_masks(c);
    char many[32];

    show_print(many, sizeof(many), c->run.job && done < of ? "%d of %d" : "%d",
               c->run.job && done < of ? done : of, of);
    show_print(title, 96, "%s against %s", metric_table[a->metric[1]].name,
               metric_table[a->metric[0]].name);
    show_print(hint, 64, "%s random masks%s", many, c->run.stopped && done < of ? ", stopped" : "");
    if (text_width(title) + text_width(hint) + 10 <= cols)
        return;
    show_print(title, 96, "%s: %s masks%s", metric_table[a->metric[1]].name, many,
               c->run.stopped && done < of ? ", stopped" : "");
    *hint = '\0';
}

/* The lower left box. */
static void draw_cloud(const struct compare *c, struct surface *s, struct rect area)
{
    struct plot a;
    bool any = cloud_axes(c, &a);
    char title[96], hint[64];
    struct rect in, points;

    cloud_title(c, &a, area.w, title, hint);
    in = box_draw(s, area, title, hint, false);
    if (rect_empty(in))
        return;
    if (!any) {
        surface_lines(s, in, 0, ROLE_EMPTY,
                      c->run.running ? "random masks come after the columns"
                      : !c->masks    ? "no random masks: + adds some"
                                     : "no results yet");
        return;
    }
    points = plot_axes(&a, s, in);
    if (rect_empty(points))
        return;
    draw_points(c, &a, s, points);
    draw_legend(c, &a, s, area, points);
}

/* --- against chance ----------------------------------------------------------------------- */

/* Random masks with numbers (*of), those that NMKE is better than by this metric (returned) and
 * those as good (*equal). */
static int count_beaten(const struct compare *c, int m, int *equal, int *of)
{
    double mine = variant_value(&c->variant[NMKE], m);
    int n = 0;

    *of = *equal = 0;
    for (int i = COLUMNS; i < c->run.count; i++) {
        double other = variant_value(&c->variant[i], m);
        bool better = metric_table[m].better > 0 ? mine > other : mine < other;

        if (!variant_has_numbers(&c->variant[i]) || isnan(other))
            continue;
        ++*of;
        if (metric_flat(m, fmin(mine, other), fmax(mine, other)))
            ++*equal;
        else
            n += better;
    }
    return n;
}

/* One row of the lower right box. P = (beaten + ties / 2) / number of masks. */
static void draw_chance_row(const struct compare *c, struct surface *s, struct rect in, int y,
                            int m)
{
    int of, equal, n = count_beaten(c, m, &equal, &of);
    struct pen p = pen_at(s, in, y, 0);
    char text[24];

    pen_fit(&p, ROLE_DIM, 11, metric_table[m].name);
    if (!of) {
        pen_right(&p, ROLE_EMPTY, 5, "–");
        return;
    }
    snprintf(text, sizeof(text), "P%.0f", (100.0 * n + 50.0 * equal) / of);
    pen_right(&p, 2 * n + equal >= of ? ROLE_GOOD : ROLE_WARN, 5, text);
    snprintf(text, sizeof(text), "%d", n);
    pen_right(&p, ROLE_STRONG, 7, text);
    snprintf(text, sizeof(text), "%d", equal);
    pen_right(&p, ROLE_TEXT, 6, text);
    snprintf(text, sizeof(text), "%d", of);
    pen_right(&p, ROLE_DIM, 5, text);
}

/* The lower right box: one row a metric with a direction. */
static void draw_against_chance(const struct compare *c, struct surface *s, struct rect area)
{
    struct rect in = box_draw(s, area, "NMKE against chance", "as published", false);
    struct pen p = pen_at(s, in, 0, 0);
    bool counted = false; /* a metric that needs probes was drawn */
    int y = 1;

    if (rect_empty(in))
        return;
    if (!variant_has_numbers(&c->variant[NMKE]) || !count_masks(c)) {
        surface_lines(s, in, 0, ROLE_EMPTY, c->run.running ? "running" : "no results yet");
        return;
    }
    pen_text(&p, ROLE_DIM, "               P  beats  ties   of");
    for (int m = 0; m < metric_count; m++) {
        if (!metric_table[m].map || !metric_table[m].better ||
            isnan(variant_value(&c->variant[NMKE], m)))
            continue;
        counted = counted || metric_table[m].probes;
        draw_chance_row(c, s, in, y++, m);
    }
    if (y > in.h)
        box_foot(s, area, "more rows in a taller window");
    else
        box_foot(s, area, "more gain, less leak, more right");
    if (!counted && y < in.h)
        surface_text(s, in, y, 0, ROLE_DIM, "no probes: | picks a relation");
}

/* The table above; below it, where there is room, cloud and percentiles. */
void compare_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct slice rows[2] = {{12, compare_rows() + HEADING + 3, 0, 0}, {8, 9, 1, 1}};
    static const struct slice halves[2] = {{42, 50, 2, 1}, {38, 44, 1, 0}};
    const struct compare *c = v->state;
    const char *stale = compare_stale(c, v->host->ui);
    struct rect r[2], low[2];

    layout_rows(area, rows, 2, r);
    draw_table(c, v->host->ui, stale, s, r[0]);
    variants_run_mark(stale, s, r[0]);
    if (rect_empty(r[1]))
        return;
    layout_columns(r[1], halves, 2, low);
    if (!rect_empty(low[0]))
        draw_cloud(c, s, low[0]);
    if (!rect_empty(low[1]))
        draw_against_chance(c, s, low[1]);
    for (int i = 0; i < 2; i++)
        variants_run_mark(stale, s, low[i]);
}
