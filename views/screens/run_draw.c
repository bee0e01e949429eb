/* The picture of the Run view: the table with its intervals, and where the boxes below it go. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/show.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/screens/run_internal.h"

enum { WIDE = 110, ARM = 14, EDITS = 6, RECORDS = 8, INTERVAL = 22, NUMBER = 13 };

/* What rounds to 0 has no sign. */
static const char *without_sign(char *text)
{
    if (*text == '-' && !text[1 + strspn(text + 1, "0.")])
        memmove(text, text + 1, strlen(text));
    return text;
}

const char *run_value_text(const struct run_column *c, double value, char out[24])
{
    if (isnan(value))
        snprintf(out, 24, "–");
    else
        snprintf(out, 24, c->format, value); /* NOLINT: one of run.c's formats of a double */
    return without_sign(out);
}

const char *run_interval_text(const struct run_column *c, const struct interval *i, char out[80])
{
    char value[24], low[24], high[24];

    run_value_text(c, i->value, value);
    if (isnan(i->low))
        snprintf(out, 80, "%s", value);
    else
        snprintf(out, 80, "%s [%s, %s]", value, run_value_text(c, i->low, low),
                 run_value_text(c, i->high, high));
    return out;
}

struct interval run_column_value(const struct run_view *w, const struct ui_run *r,
                                 const struct run_column *c, int arm, int checkpoint, bool *exact)
{
    *exact = true;
    if (c->metric >= 0)
        return run_interval(r, c->metric, arm, w->when, checkpoint, exact);
    return c->number ? run_state_value(r, c, arm, checkpoint)
                     : run_score(r, arm, w->when, checkpoint);
}

/* ---- the table ---- */

/* What of the table is shown. */
struct extent {
    struct run_column all[RUN_COLUMNS];
    int columns, first, shown, cols;
};

static struct extent extent_of(const struct run_view *w, const struct ui_run *r, struct rect in)
{
    struct extent e = {.cols = w->page == PAGE_STATES ? NUMBER : INTERVAL};
    struct list across = {.at = w->column};
    int room = in.w - ARM - EDITS - RECORDS;

    e.columns = run_columns(r, w->page, e.all);
    e.shown = room / e.cols < 1 ? 1 : room / e.cols;
    e.shown = e.shown > e.columns ? e.columns : e.shown;
    e.first = list_top(&across, e.columns, e.shown);
    return e;
}

static void draw_heading(const struct run_view *w, const struct extent *e, struct surface *s,
                         struct rect in)
{
    struct pen p = pen_at(s, in, 0, 0);

    if (e->shown < e->columns)
        pen_printf(&p, ROLE_KEY, "‹› %d–%d of %d", e->first + 1, e->first + e->shown, e->columns);
    else
        pen_text(&p, ROLE_DIM, "arm");
    p.x = ARM;
    pen_right(&p, ROLE_DIM, EDITS - 1, "edits");
    pen_right(&p, ROLE_DIM, RECORDS, w->page == PAGE_STATES ? "" : "n");
    for (int i = e->first; i < e->first + e->shown; i++) {
        bool here = i == w->column;

        p.x = ARM + EDITS + RECORDS + (i - e->first) * e->cols;
        pen_text(&p, here ? ROLE_KEY : ROLE_DIM, here ? "›" : " ");
        pen_fit(&p, here ? ROLE_STRONG : ROLE_DIM, e->cols - 2, e->all[i].name);
    }
}

/* " [0.010, 0.097]" in at most `cols` columns: with fewer digits where it is too wide, and " […]"
 * where no interval fits. The line below the table has all of the one under the cursor. */
static void draw_ends(const struct run_column *c, const struct interval *i, struct pen *p, int cols)
{
    char low[24], high[24], ends[80];

    snprintf(ends, sizeof(ends), " [%s, %s]", run_value_text(c, i->low, low),
             run_value_text(c, i->high, high));
    for (int digits = 2; digits >= 0 && text_width(ends) > cols; digits--) {
        snprintf(low, sizeof(low), "%.*f", digits, i->low);
        snprintf(high, sizeof(high), "%.*f", digits, i->high);
        snprintf(ends, sizeof(ends), " [%s, %s]", without_sign(low), without_sign(high));
    }
    pen_text(p, ROLE_DIM, text_width(ends) > cols ? " […]" : ends);
}

/* A mean is bold; its interval is dim; "…" stands for one that is being computed. */
static void draw_value(const struct run_column *c, const struct interval *i, bool exact,
                       struct pen *p, int cols)
{
    char value[24];

    run_value_text(c, i->value, value);
    pen_printf(p, isnan(i->value) ? ROLE_EMPTY : ROLE_STRONG, "%s", value);
    if (!exact && i->n)
        pen_text(p, ROLE_DIM, " …");
    else if (!isnan(i->low))
        draw_ends(c, i, p, cols - text_width(value));
}

/* The time of the numbers of a page: states are those at checkpoints. */
static int row_when(const struct run_view *w)
{
    return w->page >= PAGE_STATES ? WHEN_FINAL : w->when;
}

/* How many records the number under the cursor is of: "30"; "12/30" while they are asked. */
static void draw_count(const struct run_view *w, const struct ui_run *r, int arm, int checkpoint,
                       int n, struct pen *p)
{
    int of = 0, asked = arm < 0 ? 0 : eval_asked(&r->eval, arm, w->when, checkpoint, &of);
    bool some = w->page < PAGE_STATES && asked < of;
    char text[32];

    snprintf(text, sizeof(text), some ? "%d/%d" : "%d", n, of);
    if (text_width(text) >= RECORDS)
        snprintf(text, sizeof(text), "%d…", n);
    if (n)
        pen_right(p, some ? ROLE_WARN : ROLE_DIM, RECORDS, text);
}

static void draw_row(const struct run_view *w, const struct ui_run *r, const struct extent *e,
                     struct surface *s, struct rect in, int y, int row)
{
    int arm, checkpoint;
    struct pen p = list_row(s, in, y, row == w->rows.at, 0);
    const char *name;
    char text[24];
    bool exact, marked;

    run_row(w, r, row, &arm, &checkpoint);
    marked = arm == w->reference && r->eval.arms > 1;
    name = arm < 0 ? "(base)" : r->eval.arm[arm].name;
    pen_fit(&p, marked ? ROLE_ACCENT : ROLE_TEXT,
            text_width(name) < ARM - 3 ? text_width(name) : ARM - 3, name);
    pen_text(&p, ROLE_ACCENT, marked ? " ★" : "");
    p.x = ARM;
    snprintf(text, sizeof(text), "%d", run_row_edits(r, row_when(w), arm, checkpoint));
    pen_right(&p, ROLE_TEXT, EDITS - 1, text);
    for (int i = e->first; i < e->first + e->shown; i++) {
        struct interval v = run_column_value(w, r, &e->all[i], arm, checkpoint, &exact);

        p.x = ARM + EDITS + RECORDS + (i - e->first) * e->cols + 1;
        draw_value(&e->all[i], &v, exact, &p, e->cols - 1);
        if (i != w->column || w->page == PAGE_STATES)
            continue;
        p.x = ARM + EDITS - 1;
        draw_count(w, r, arm, checkpoint, v.n, &p);
    }
}

/* "zsre.run: final, teacher-forced: share of tokens that are right" */
static void table_title(const struct run_view *w, const struct ui_run *r, char out[200])
{
    const char *name = file_name(r->path);
    const char *title = w->page == PAGE_OTHER   ? "other metrics"
                        : w->page < PAGE_STATES ? eval_table_title(w->page)
                                                : "";

    if (w->page == PAGE_STATES)
        show_print(out, 200, "%.60s: the states after so many edits", name);
    else if (w->page == PAGE_TASKS)
        show_print(out, 200, "%.60s: ability tasks, asked after so many edits", name);
    else
        show_print(out, 200, "%.60s: %s, %s", name, run_when(w->when), title);
}

/* "2 of 6 sequences, the next 12 of 30 facts · journal to 23:40:12" */
static void table_hint(const struct ui_run *r, char out[96])
{
    int done = run_complete(r), all = eval_sequences(&r->eval), next_one = 0;
    time_t when = (time_t)r->changed;
    struct tm tm;
    char clock[32] = "", next[48] = "";

    if (localtime_r(&when, &tm))
        strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
    while (next_one + 1 < all && eval_sequence_is(&r->eval, next_one, "complete"))
        next_one++;
    if (done < all)
        snprintf(next, sizeof(next), ", the next %d of %d facts", run_asked(r, next_one),
                 r->eval.facts);
    if (done == all)
        snprintf(out, 96, "complete · journal to %s", clock);
    else
        show_print(out, 96, "%d of %d sequences%s · journal to %s", done, all, next, clock);
}

/* " · n 20 in 1 of 2 orders": those in which the arm has records. */
static void put_records(const struct run_view *w, const struct ui_run *r, int metric, int arm,
                        int checkpoint, int n, char out[96])
{
    int orders = r->eval.orders, facts = r->eval.facts, asked = 0;
    double *x;

    snprintf(out, 96, " · n %d", n);
    if (metric < 0 || orders < 2)
        return;
    x = eval_arm_values(&r->eval, metric, arm, w->when, checkpoint);
    for (int o = 0, i = 0; o < orders; o++) {
        for (i = 0; i < facts && isnan(x[o * facts + i]); i++)
            ;
        asked += i < facts;
    }
    free(x);
    if (asked < orders)
        snprintf(out, 96, " · n %d in %d of %d orders", n, asked, orders);
    else
        snprintf(out, 96, " · n %d in %d orders", n, orders);
}

/* All that the number under the cursor was measured with. */
static void cell_words(const struct run_view *w, const struct ui_run *r, int cols, struct buf *out)
{
    int arm, checkpoint;
    struct run_column c;
    struct interval i;
    char value[80], name[96], records[96] = "";
    struct buf all = {0};
    bool exact, base;

    run_row(w, r, w->rows.at, &arm, &checkpoint);
    if (!run_column_at(w, r, &c))
        return;
    i = run_column_value(w, r, &c, arm, checkpoint, &exact);
    base = arm < 0;
    arm = base ? run_base_of(arm) : arm;
    show_print(name, sizeof(name), "%.40s after %d edits", r->eval.arm[arm].name,
               run_row_edits(r, row_when(w), arm, checkpoint));
    if (c.metric >= 0 || i.n)
        put_records(w, r, c.metric, arm, checkpoint, i.n, records);
    if (w->page < PAGE_STATES && !base)
        run_put_asked(r, w->when, arm, checkpoint, " · ", records, sizeof(records));
    buf_printf(&all, "%s %s%s%s · %s", c.name, run_interval_text(&c, &i, value),
               !exact                ? " …"
               : i.n && isnan(i.low) ? " (too few for an interval)"
                                     : "",
               records, base ? "the base" : name);
    if (w->page < PAGE_STATES && !base)
        buf_printf(&all, " · %s", run_when(w->when));
    if (c.metric >= 0)
        buf_printf(&all, " · %s", measure_protocol_name(record_metrics[c.metric].protocol));
    if (c.metric >= 0 && base)
        buf_printf(&all, " · records of %s", name);
    buf_printf(&all, " · %s", c.unit);
    text_fit_parts(out, all.data, cols);
    buf_free(&all);
}

static void draw_table(const struct run_view *w, const struct ui_run *r, struct surface *s,
                       struct rect area)
{
    char title[200], hint[96];
    struct buf foot = {0};
    int top, rows = run_rows(r);
    struct extent e;
    struct rect in;

    table_title(w, r, title);
    table_hint(r, hint);
    in = box_draw(s, area, title, hint, w->show == SHOW_CURVES || w->show == SHOW_AGES);
    if (in.h < 2)
        return;
    cell_words(w, r, area.w - 6, &foot);
    box_foot(s, area, foot.data ? foot.data : "");
    buf_free(&foot);
    e = extent_of(w, r, in);
    draw_heading(w, &e, s, in);
    top = list_top(&w->rows, rows, in.h - 1);
    for (int i = top; i < rows && i - top < in.h - 1; i++)
        draw_row(w, r, &e, s, in, i - top + 1, i);
    if (top)
        surface_text(s, in, 0, ARM - 2, ROLE_KEY, "↑");
    if (rows - top > in.h - 1)
        surface_text(s, in, 0, ARM - 1, ROLE_KEY, "↓");
}

/* ---- the view ---- */

static void draw_nothing(const struct view *v, struct surface *s, struct rect area)
{
    const struct run_view *w = v->state;
    const struct ui_run *r = v->host->ui->run;
    struct rect in = box_draw(s, area, "Run", "", true);
    int y = 0;

    if (rect_empty(in))
        return;
    if (*w->why)
        y = surface_lines(s, in, 0, ROLE_WARN, w->why) + 1;
    else if (r && *r->why)
        y = surface_lines(s, in, 0, ROLE_WARN, r->why) + 1;
    else if (w->job)
        y = surface_lines(s, in, 0, ROLE_EMPTY, "reading the file") + 1;
    surface_lines(
        s, (struct rect){in.y, in.x, in.h, in.w}, y, ROLE_DIM,
        "A run is what `editscope eval -o FILE` writes: methods over a data set, edit after "
        "edit. `editscope view FILE` shows it, :run FILE does so here, also while it goes on.");
}

static void draw_box(const struct run_view *w, const struct ui_run *r, int show, struct surface *s,
                     struct rect area)
{
    static void (*const draw[SHOWS])(const struct run_view *w, const struct ui_run *r,
                                     struct surface *s, struct rect area) = {
        [SHOW_CURVES] = run_curves_draw,
        [SHOW_AGES] = run_ages_draw,
        [SHOW_RECORDS] = run_records_draw,
        [SHOW_COMPARISON] = run_comparison_draw,
    };

    if (!rect_empty(area))
        draw[show](w, r, s, area);
}

void run_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const struct slice halves[2] = {{40, 50, 2, 0}, {50, 60, 3, 0}};
    const struct run_view *w = v->state;
    const struct ui_run *r = v->host->ui->run;
    struct slice rows[2] = {{5, 0, 0, 0}, {8, 10, 1, 1}};
    struct rect part[2], box[2];
    bool list = w->show == SHOW_RECORDS || w->show == SHOW_COMPARISON;

    if (!run_there(r)) {
        draw_nothing(v, s, area);
        return;
    }
    rows[0].want = run_rows(r) + 3 < area.h / 2 ? run_rows(r) + 3 : area.h / 2;
    layout_rows(area, rows, 2, part);
    draw_table(w, r, s, part[0]);
    if (rect_empty(part[1]))
        return;
    if (area.w < WIDE) {
        draw_box(w, r, w->show, s, part[1]);
        return;
    }
    layout_columns(part[1], halves, 2, box);
    draw_box(w, r, list || w->show == SHOW_CURVES ? SHOW_CURVES : SHOW_AGES, s, box[0]);
    draw_box(w, r, list ? w->show : SHOW_RECORDS, s, box[1]);
}
