/* The records of a run: what each one was asked at a time, what the model said, right or not; and
 * two arms compared record by record. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/keymap.h"
#include "views/screens/run_internal.h"

enum { NUMBER = 6, VALUE = 6, ANSWER = 2000 };

/* Where the values of the list come from. */
struct asked {
    int arm, checkpoint, sequence, slot;
};

static struct asked asked_of(const struct run_view *w, const struct ui_run *r)
{
    struct asked a;

    run_row_at(w, r, &a.arm, &a.checkpoint);
    a.sequence = a.arm * r->eval.orders + w->order % r->eval.orders;
    a.slot = w->when == WHEN_IMMEDIATE ? SLOT_IMMEDIATE : SLOT_FINAL + a.checkpoint;
    return a;
}

/* Columns of a metric in the list: its name and a blank before it. */
static int value_width(const struct run_column *c)
{
    int width = text_width(c->name) + 1;

    return width > VALUE ? width : VALUE;
}

/* The first metric columns of the page that fit beside a fact, at most four; where it has none (the
 * states), Rel, Gen, Loc. */
static int value_columns(const struct run_view *w, const struct ui_run *r, struct run_column *out,
                         int cols)
{
    enum { MOST = 4, FACT = 20 };
    int n = run_columns(r, w->page, out), kept = 0, used = NUMBER + FACT;

    if (w->page >= PAGE_STATES)
        n = run_columns(r, 1, out);
    for (int i = 0; i < n && kept < MOST; i++) {
        used += out[i].metric >= 0 ? value_width(&out[i]) : 0;
        if (out[i].metric >= 0 && (used <= cols || !kept))
            out[kept++] = out[i];
    }
    return kept;
}

static bool is_of_protocol(const struct run_column *c, int protocol)
{
    return c->metric >= 0 && record_metrics[c->metric].protocol == protocol;
}

/* Whether a record is right or wrong by this metric. A log p is neither, nor is where a prompt is
 * sent. */
static bool is_share_right(const struct run_column *c)
{
    return c->format[2] == '3' && !is_of_protocol(c, PROTOCOL_ROUTED);
}

/* Whether more is better: of neighbours that are sent fewer are, and of what was forgotten less is.
 */
static bool more_is_better(const struct run_column *c, int when)
{
    bool sent =
        is_of_protocol(c, PROTOCOL_ROUTED) && record_metrics[c->metric].probe == MEASURE_LOC;

    return sent == (when == WHEN_FORGOTTEN);
}

/* A difference says by how much, and is no mark: a record that lost nothing need not be right. */
static void draw_difference(struct pen *p, double value, bool good, int cols)
{
    bool none = fabs(value) < 0.005;
    char text[24];

    snprintf(text, sizeof(text), none ? "0" : "%+.2f", value);
    pen_right(p, none || good ? ROLE_GOOD : ROLE_WARN, cols, text);
}

/* ✓ all right, ✗ nothing, "sent" or "not" of a prompt, else the number. */
static void draw_record_value(struct pen *p, const struct run_column *c, int when, double value,
                              int cols)
{
    bool all = value >= 1, none = value <= 0 && value >= 0,
         good = more_is_better(c, when) ? all : none;
    char text[24];

    if (isnan(value))
        pen_right(p, ROLE_EMPTY, cols, "–");
    else if (when == WHEN_FORGOTTEN)
        draw_difference(p, value, (value > 0) == more_is_better(c, when), cols);
    else if (is_share_right(c) && (all || none))
        pen_right(p, good ? ROLE_GOOD : ROLE_WARN, cols, all ? "✓" : "✗");
    else if (is_of_protocol(c, PROTOCOL_ROUTED) && (all || none))
        pen_right(p, good ? ROLE_GOOD : ROLE_WARN, cols, all ? "sent" : "not");
    else {
        snprintf(text, sizeof(text), "%.2f", value);
        pen_right(p, ROLE_TEXT, cols, text);
    }
}

/* The measure of the column's first question, of its right answers that of the best; NULL: none. */
static const struct measure *own_measure(const struct ui_run *r, const struct run_column *c,
                                         int sequence, int slot, int record)
{
    int protocol = c ? record_metrics[c->metric].protocol : PROTOCOL_TEACHER, count;
    int probe = c ? record_metrics[c->metric].probe : MEASURE_REL;
    const struct measure *m = run_measures(r, sequence, slot, record, &count), *best = NULL;

    for (int i = 0; i < count; i++)
        if (m[i].protocol == protocol && m[i].probe == probe &&
            (!best ||
             (measure_same_question(best, &m[i]) && measure_match(&m[i]) > measure_match(best))))
            best = &m[i];
    return best;
}

/* What was said: the text, or of a run of an earlier version how many tokens were right. */
static void answer_words(const struct measure *m, char *out, size_t size)
{
    char piece[ANSWER];
    int right = 0, n;

    if (!m) {
        *out = '\0';
    } else if (m->said) {
        show_print(out, size, "%s", text_said(piece, sizeof(piece), m->said));
    } else {
        n = m->labels < m->predicteds ? m->labels : m->predicteds;
        for (int i = 0; i < n; i++)
            right += m->predicted[i] == m->label[i];
        snprintf(out, size, "%d of %d tokens", right, n);
    }
}

/* Whether the batch of a record failed in a sequence. */
static bool failed(const struct eval *v, int record)
{
    for (int i = 0; i < v->numbers; i++) {
        const struct run_number *n = &v->number[i];
        int batch = eval_failed_batch(v, n), order = batch < 0 ? 0 : (n->sequence - 1) % v->orders;

        if (batch >= 0 &&
            batch == v->turn[(size_t)order * (size_t)v->facts + (size_t)record] / v->batch)
            return true;
    }
    return false;
}

const char *run_no_fact(const struct ui_run *r, int record)
{
    return failed(&r->eval, record) ? "the fact could not be written" : "not in the journal";
}

static void fact_words(const struct ui_run *r, int record, char out[200])
{
    const struct fact *f = &r->eval.fact[record];

    if (f->subject)
        show_print(out, 200, "%.90s → %.90s", f->subject, f->target);
    else
        snprintf(out, 200, "%s", run_no_fact(r, record));
}

/* The fact of a row, then half of what is left for answers. False: less than `least` is left, the
 * fact has it all. */
static bool draw_fact(const struct ui_run *r, int record, int least, struct pen *p, int cols)
{
    char text[200];
    int rest = cols - ++p->x;

    fact_words(r, record, text);
    pen_fit(p, ROLE_TEXT, rest < least ? rest : rest / 2, text);
    return rest >= least;
}

static void record_row(const struct ui_run *r, const struct asked *a, const struct run_column *c,
                       int columns, const struct run_column *at, int when, int record,
                       struct pen *p, int cols)
{
    char text[200];

    pen_printf(p, ROLE_DIM, "%4d ", record + 1);
    for (int i = 0; i < columns; i++)
        draw_record_value(p, &c[i], when,
                          run_value(r, c[i].metric, a->sequence, when, a->checkpoint, record),
                          value_width(&c[i]));
    if (!draw_fact(r, record, 40, p, cols))
        return;
    answer_words(own_measure(r, at, a->sequence, a->slot, record), text, sizeof(text));
    pen_text(p, ROLE_DIM, " says ");
    pen_fit(p, ROLE_STRONG, cols - p->x, text);
}

/* The prompt of a measure; NULL: the journal does not keep it. Caller frees. */
static char *prompt_of(const struct ui_run *r, int record, const struct measure *m)
{
    const struct fact *f = &r->eval.fact[record];
    const struct run_fact *all = r->about[record] >= 0 ? &r->fact[r->about[record]] : NULL;

    if (!all)
        return NULL;
    if (m->probe == MEASURE_REL)
        return fact_text(f);
    if (m->probe == MEASURE_GEN && !m->place)
        return xstrdup(all->rephrase);
    if (m->probe == MEASURE_GEN && m->place <= all->mores)
        return xstrdup(all->more[m->place - 1].prompt);
    if (m->probe == MEASURE_LOC && m->place < all->localities)
        return xstrdup(all->locality[m->place].prompt);
    return NULL;
}

/* The first metric of a probe and a protocol, which is the one of being right. */
static struct run_column column_of_measure(const struct measure *m)
{
    struct run_column c = {.format = "%.3f", .metric = -1};

    for (int i = record_metric_count - 1; i >= 0; i--)
        if (record_metrics[i].probe == m->probe && record_metrics[i].protocol == m->protocol)
            c.metric = i;
    return c;
}

/* "✓ gen 2 teacher " */
static void measure_head(const struct measure *m, struct pen *p)
{
    struct run_column c = column_of_measure(m);

    draw_record_value(p, &c, m->when, c.metric < 0 ? (double)NAN : record_metrics[c.metric].rule(m),
                      VALUE);
    pen_printf(p, ROLE_ACCENT, " %s", measure_probe_name(m->probe));
    if (m->probe == MEASURE_LOC || m->probe == MEASURE_PORT || m->place)
        pen_printf(p, ROLE_ACCENT, " %d", m->place + 1);
    if (m->alias)
        pen_printf(p, ROLE_ACCENT, " or %d", m->alias + 1);
    pen_printf(p, ROLE_DIM, " %s ", measure_protocol_name(m->protocol));
}

/* "✓ gen teacher says so · right: so · log p -4.2 a token  to In Egypt it is", cut to one row. */
static void measure_row(const struct ui_run *r, int record, const struct measure *m,
                        struct surface *s, struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);
    char *prompt = prompt_of(r, record, m);
    char said[200], wanted[160], rest[420];

    measure_head(m, &p);
    answer_words(m, said, sizeof(said));
    show_print(rest, sizeof(rest), "says %.*s", in.w / 3, said);
    if (m->wanted)
        show_print(rest + strlen(rest), sizeof(rest) - strlen(rest), " · right: %.*s", in.w / 4,
                   text_said(wanted, sizeof(wanted), m->wanted));
    if (m->answers)
        snprintf(rest + strlen(rest), sizeof(rest) - strlen(rest), " · log p %.2f a token",
                 m->logp / m->answers);
    pen_parts(&p, ROLE_STRONG, in.w - p.x, rest);
    p.x += 2;
    if (prompt && in.w - p.x > 12) {
        pen_text(&p, ROLE_DIM, "to ");
        pen_fit(&p, ROLE_TEXT, in.w - p.x, prompt);
    }
    free(prompt);
}

/* The same in full, over as many rows as it needs; returns how many. An area without rows shows
 * none. */
static int measure_rows(const struct ui_run *r, int record, const struct measure *m,
                        struct surface *s, struct rect in)
{
    char *prompt = prompt_of(r, record, m), said[ANSWER], wanted[ANSWER];
    struct pen p = pen_at(s, in, 0, 0);
    struct buf text = {0};
    struct rect beside;
    int rows;

    measure_head(m, &p);
    beside = (struct rect){in.y, in.x + p.x, in.h, in.w - p.x};
    answer_words(m, said, sizeof(said));
    buf_printf(&text, "says %s", said);
    if (m->wanted)
        buf_printf(&text, " · right: %s", text_said(wanted, sizeof(wanted), m->wanted));
    if (m->answers)
        buf_printf(&text, " · log p %.2f a token", m->logp / m->answers);
    if (prompt)
        buf_printf(&text, " · to %s", text_said(wanted, sizeof(wanted), prompt));
    rows = text_rows(text.data, beside.w);
    surface_lines(s, beside, 0, ROLE_STRONG, text.data);
    buf_free(&text);
    free(prompt);
    return rows;
}

int run_answers(const struct run_view *w, const struct ui_run *r)
{
    struct asked a = asked_of(w, r);
    int *listed = xcalloc((size_t)r->eval.facts + 1, sizeof(*listed));
    int n = run_listed(w, r, listed), count = 0;

    if (n)
        run_measures(r, a.sequence, a.slot, listed[w->records.at < n ? w->records.at : n - 1],
                     &count);
    free(listed);
    return count;
}

/* All that a record was asked at the time of the list, each answer in full. Where that is more than
 * fits, the one under the cursor is, the others have a row each, and *foot says which are shown. */
static void draw_measures(const struct run_view *w, const struct ui_run *r, const struct asked *a,
                          int record, struct surface *s, struct rect in, char foot[96])
{
    int count, all = 0, y = 0, own = 0, top = 0, i;
    const struct measure *m = run_measures(r, a->sequence, a->slot, record, &count);
    struct rect none = {in.y, in.x, 0, in.w};
    char back[16], next[16];
    bool whole;

    for (i = 0; i < count; i++) {
        int rows = measure_rows(r, record, &m[i], s, none);

        all += rows;
        own = i == w->answers.at ? rows : own;
    }
    whole = all <= in.h;
    own = own < in.h ? own : in.h;
    if (!whole)
        top = list_top(&w->answers, count, in.h - own + 1);
    for (i = top; i < count && y < in.h; i++) {
        bool at = i == w->answers.at;

        if (whole || at)
            y += measure_rows(r, record, &m[i], s, (struct rect){in.y + y, in.x, in.h - y, in.w});
        else
            measure_row(r, record, &m[i], s, in, y++);
        if (!whole && at)
            surface_text(s, in, y - own, 0, ROLE_KEY, "›");
    }
    if (!whole)
        snprintf(foot, 96, "answers %d–%d of %d · %s %s: next, back", top + 1, i, count,
                 keymap_key(keymap_current(), "run", ACTION_TOKEN_NEXT, next),
                 keymap_key(keymap_current(), "run", ACTION_TOKEN_BACK, back));
}

/* "nmke after 12 edits, final, order 1 of 2" */
static void list_words(const struct run_view *w, const struct ui_run *r, const struct asked *a,
                       char out[120])
{
    char order[48] = "";

    if (r->eval.orders > 1)
        snprintf(order, sizeof(order), ", order %d of %d", w->order + 1, r->eval.orders);
    show_print(out, 120, "%.40s after %d edits, %s%s", r->eval.arm[a->arm].name,
               run_row_edits(r, w->when, a->arm, a->checkpoint), run_when(w->when), order);
    run_put_asked(r, w->when, a->arm, a->checkpoint, ", ", out, 120);
}

/* The rows of a list, the selected record's measures below a line. */
static struct rect below_list(struct rect in, int listed, struct rect *rows)
{
    int below = in.h >= 9 ? in.h / 2 : in.h >= 5 ? 2 : 0;

    below = below > in.h - 1 - listed - 1 ? below : in.h - 1 - listed - 1;
    if (below < 2)
        below = 0;
    *rows = (struct rect){in.y, in.x, in.h - (below ? below + 1 : 0), in.w};
    return (struct rect){in.y + in.h - below, in.x, below, in.w};
}

void run_records_draw(const struct run_view *w, const struct ui_run *r, struct surface *s,
                      struct rect area)
{
    struct asked a = asked_of(w, r);
    struct run_column c[RUN_COLUMNS], at = {.metric = -1};
    int *listed = xcalloc((size_t)r->eval.facts + 1, sizeof(*listed));
    int n = run_listed(w, r, listed), columns = value_columns(w, r, c, area.w - 4), top, right = 0;
    bool here = w->show == SHOW_RECORDS;
    char title[160] = "Records: ", hint[64], foot[96] = "";
    struct rect in, rows, below;
    struct pen p;

    list_words(w, r, &a, title + strlen(title));
    if (!run_column_at(w, r, &at) || at.metric < 0)
        at = columns ? c[0] : at;
    for (int i = 0; i < n && at.metric >= 0; i++)
        right += run_value(r, at.metric, a.sequence, w->when, a.checkpoint, listed[i]) >= 1;
    snprintf(hint, sizeof(hint), "%s whole: %d of %d", at.metric >= 0 ? at.name : "", right, n);
    in = box_draw(s, area, title,
                  at.metric >= 0 && w->when != WHEN_FORGOTTEN && is_share_right(&at) ? hint : "",
                  here);
    if (rect_empty(in)) {
        free(listed);
        return;
    }
    if (!n)
        surface_lines(s, in, 0, ROLE_EMPTY, "no record was asked yet");
    p = pen_at(s, in, 0, NUMBER - 1);
    for (int i = 0; n && i < columns; i++)
        pen_right(&p, i == w->column ? ROLE_STRONG : ROLE_DIM, value_width(&c[i]), c[i].name);
    p.x++;
    pen_text(&p, ROLE_DIM, n ? "fact" : "");
    below = below_list((struct rect){in.y + 1, in.x, in.h - 1, in.w}, n, &rows);
    top = list_top(&w->records, n, rows.h);
    for (int i = top; i < n && i - top < rows.h; i++) {
        struct pen row = list_row(s, rows, i - top, here && i == w->records.at, 0);

        record_row(r, &a, c, columns, at.metric >= 0 ? &at : NULL, w->when, listed[i], &row, in.w);
    }
    if (n && below.h) {
        for (int x = 0; x < in.w; x++)
            surface_text(s, in, below.y - 1 - in.y, x, ROLE_BORDER, "─");
        draw_measures(w, r, &a, listed[w->records.at < n ? w->records.at : n - 1], s, below, foot);
        box_foot(s, area, foot);
    }
    free(listed);
}

/* ---- two arms ---- */

/* An arm less the reference: difference, p, p (Holm), n. */
static void comparison_row(const struct ui_run *r, const struct run_column *c,
                           const struct comparison *x, bool here, struct surface *s, struct rect in,
                           int y)
{
    struct pen p = pen_at(s, in, y, 0);
    char text[80];

    pen_text(&p, ROLE_KEY, here ? "› " : "  ");
    pen_fit(&p, here ? ROLE_STRONG : ROLE_TEXT,
            in.w < 62   ? 9
            : in.w < 68 ? 11
                        : 16,
            r->eval.arm[x->arm].name);
    pen_text(&p, ROLE_TEXT, " ");
    if (!x->difference.n) {
        pen_text(&p, ROLE_EMPTY, "no pairs of records");
        return;
    }
    pen_fit(&p, ROLE_STRONG, 22, run_interval_text(c, &x->difference, text));
    snprintf(text, sizeof(text), " p %.4f", x->p);
    pen_text(&p, ROLE_TEXT, in.w < 62 ? "" : text);
    snprintf(text, sizeof(text), " Holm %.4f", x->p_holm);
    pen_text(&p, x->p_holm < 0.05 ? ROLE_GOOD : ROLE_TEXT, text);
    snprintf(text, sizeof(text), " n %d", x->difference.n);
    pen_text(&p, ROLE_DIM, text);
}

/* "17   1.00  0.33  -0.67  Egypt → so   A says so, B says t" */
static void pair_row(const struct run_view *w, const struct ui_run *r, const struct run_column *c,
                     const struct asked *a, int rival, int record, struct pen *p, int cols)
{
    int other = rival * r->eval.orders + w->order % r->eval.orders;
    double x = run_value(r, c->metric, a->sequence, w->when, a->checkpoint, record);
    double y = run_value(r, c->metric, other, w->when, a->checkpoint, record);
    char text[200], said[2][100];

    pen_printf(p, ROLE_DIM, "%4d ", record + 1);
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof(text), i < 2 ? "%.2f" : "%+.2f", i == 0 ? x : i == 1 ? y : x - y);
        pen_right(p,
                  i < 2                                   ? ROLE_TEXT
                  : (x > y) == more_is_better(c, w->when) ? ROLE_GOOD
                                                          : ROLE_WARN,
                  7, text);
    }
    if (!draw_fact(r, record, 50, p, cols))
        return;
    answer_words(own_measure(r, c, a->sequence, a->slot, record), said[0], sizeof(said[0]));
    answer_words(own_measure(r, c, other, a->slot, record), said[1], sizeof(said[1]));
    show_print(text, sizeof(text), " %.60s | %.60s", said[0], said[1]);
    pen_fit(p, ROLE_STRONG, cols - p->x, text);
}

static void draw_pairs(const struct run_view *w, const struct ui_run *r, const struct run_column *c,
                       const struct asked *a, int rival, struct surface *s, struct rect in)
{
    int *listed = xcalloc((size_t)r->eval.facts + 1, sizeof(*listed));
    int n = run_listed(w, r, listed), top;
    struct pen p = pen_at(s, in, 0, 0);
    char order[48] = "";

    if (r->eval.orders > 1)
        snprintf(order, sizeof(order), " in order %d of %d", w->order + 1, r->eval.orders);
    pen_printf(&p, ROLE_DIM, "%d records differ%s: %.24s, %.24s, difference", n, order,
               r->eval.arm[a->arm].name, r->eval.arm[rival].name);
    in = (struct rect){in.y + 1, in.x, in.h - 1, in.w};
    top = list_top(&w->records, n, in.h);
    for (int i = top; i < n && i - top < in.h; i++) {
        struct pen row = list_row(s, in, i - top, i == w->records.at, 0);

        pair_row(w, r, c, a, rival, listed[i], &row, in.w);
    }
    free(listed);
}

/* The arms beside the reference, as many as leave room for the records; where that is not all of
 * them, `at` is among them and *foot says how many there are. Returns the rows. */
static int draw_arms(const struct run_view *w, const struct ui_run *r, const struct run_column *c,
                     int at, struct surface *s, struct rect in, char foot[96])
{
    int *listed = xcalloc((size_t)r->eval.facts + 1, sizeof(*listed));
    int records = run_listed(w, r, listed), all = r->eval.arms - 1, fit, top;
    struct list arms = {.at = at - (at > w->reference)};
    char back[16], next[16];

    free(listed);
    records = records < in.h / 2 ? records : in.h / 2;
    fit = in.h - records - 1 > 1 ? in.h - records - 1 : 1;
    fit = fit < all ? fit : all;
    top = list_top(&arms, all, fit);
    for (int i = 0; i < fit; i++) {
        int arm = top + i + (top + i >= w->reference);

        comparison_row(r, c, &w->compared.with[arm], arm == at, s, in, i);
    }
    if (fit < all)
        snprintf(foot, 96, "%d of %d arms · %s %s: next, back", fit, all,
                 keymap_key(keymap_current(), "run", ACTION_LAYER_NEXT, next),
                 keymap_key(keymap_current(), "run", ACTION_LAYER_BACK, back));
    return fit;
}

void run_comparison_draw(const struct run_view *w, const struct ui_run *r, struct surface *s,
                         struct rect area)
{
    struct asked a = asked_of(w, r);
    struct run_column c = {.metric = -1};
    int rival = run_rival(w, r, a.arm), y = 1;
    char title[160], hint[48], foot[96] = "";
    struct rect in;
    int at = a.arm == w->reference ? rival : a.arm; /* its row, if there is room for one */
    bool done;

    run_column_at(w, r, &c);
    show_print(title, sizeof(title), "Each arm less %.30s: %s, %s after %d edits",
               r->eval.arm[w->reference].name, c.metric >= 0 ? c.name : "no metric",
               run_when(w->when), run_row_edits(r, w->when, a.arm, a.checkpoint));
    run_put_asked(r, w->when, a.arm, a.checkpoint, ", ", title, sizeof(title));
    snprintf(hint, sizeof(hint), "%s",
             c.metric >= 0 ? measure_protocol_name(record_metrics[c.metric].protocol) : "");
    in = box_draw(s, area, title, hint, w->show == SHOW_COMPARISON);
    if (rect_empty(in))
        return;
    if (rival < 0 || c.metric < 0) {
        surface_lines(s, in, 0, ROLE_EMPTY,
                      rival < 0 ? "the run has one arm: there is nothing to compare"
                                : "choose a metric of records in the table");
        return;
    }
    a.arm = at; /* always the arm less the one that it is compared with */
    a.sequence = at * r->eval.orders + w->order % r->eval.orders;
    done = run_compares(w, r, c.metric, a.checkpoint) && w->compared.done == r->eval.arms;
    if (done)
        y = draw_arms(w, r, &c, at, s, in, foot);
    else
        surface_text(s, in, 0, 0, ROLE_EMPTY, "computing intervals and p");
    box_foot(s, area, foot);
    if (in.h - y > 1)
        draw_pairs(w, r, &c, &a, w->reference, s, (struct rect){in.y + y, in.x, in.h - y, in.w});
}
