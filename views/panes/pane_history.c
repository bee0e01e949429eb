/* Draws how the states of a session differ: drift over the edits, two states compared, and a
 * bisection. */
#include "views/panes/pane_history.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/box.h"
#include "tui/chart.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"

/* "edit 3", or "the base" for 0. Returns out. */
static const char *state_name(int edit, char out[32])
{
    if (edit)
        snprintf(out, 32, "edit %d", edit);
    else
        snprintf(out, 32, "the base");
    return out;
}

/* --- drift -------------------------------------------------------------------------------- */

enum { SCALE = 6 }; /* columns of the axis */

/* 100, 50 and 0 percent at the left, in the six columns SCALE. */
static void percent_axis(struct surface *s, struct rect in, int rows)
{
    static const char *const label[] = {"100 %", " 50 %", "  0 %"};

    for (int i = 0; i < 3; i++)
        if (i != 1 || rows > 4)
            surface_text(s, in, i * (rows - 1) / 2, 0, ROLE_DIM, label[i]);
    for (int y = 0; y < rows; y++)
        surface_text(s, in, y, SCALE, ROLE_DIM, "│");
}

/* The last point in numbers. */
static void drift_legend(const struct drift *r, struct surface *s, struct rect in, int y)
{
    const struct drift_point *last = &r->point[r->points - 1];
    struct pen p = pen_at(s, in, y, 0);

    pen_printf(&p, ROLE_DIM, "edit %d  ", last->edit);
    pen_text(&p, ROLE_NEW, "● ");
    pen_printf(&p, ROLE_TEXT, "facts hold %d/%d", last->held, last->asked);
    if (last->others) {
        pen_text(&p, ROLE_GENERAL, "  ▲ ");
        pen_printf(&p, ROLE_TEXT, "neighbours kept %d/%d", last->stayed, last->others);
    } else {
        pen_text(&p, ROLE_DIM, "  no neighbours to ask");
    }
}

/* A glyph where a curve ends, so that curves are told apart without colours too. */
static void drift_end_mark(const struct chart *c, double y, int x, const char *glyph,
                           enum role role, struct surface *s, struct rect plot)
{
    if (!isnan(y))
        surface_text(s, plot, chart_row(c, y, plot.h), x, role, glyph);
}

/* Two curves over the edits: facts that still hold, and neighbours that kept their answer. */
static void drift_curves(const struct drift *r, struct surface *s, struct rect plot)
{
    size_t n = (size_t)r->points + 1;
    double *held = xcalloc(n, sizeof(double)), *stayed = xcalloc(n, sizeof(double));
    struct series series[2] = {{stayed, r->points, ROLE_GENERAL, NULL},
                               {held, r->points, ROLE_NEW, NULL}};
    struct chart c = {series, 2, r->of, 0, 1, false};

    for (int i = 0; i < r->points; i++) {
        const struct drift_point *p = &r->point[i];

        held[i] = p->asked ? (double)p->held / p->asked : (double)NAN;
        stayed[i] = p->others ? (double)p->stayed / p->others : (double)NAN;
    }
    chart_draw(&c, s, plot);
    if (r->points) {
        int x = r->of > 1 ? (r->points - 1) * (plot.w - 1) / (r->of - 1) : 0;

        drift_end_mark(&c, stayed[r->points - 1], x, "▲", ROLE_GENERAL, s, plot);
        drift_end_mark(&c, held[r->points - 1], x, "●", ROLE_NEW, s, plot);
    }
    free(held);
    free(stayed);
}

/* Axis and curves, the first and the last edit below, and the legend.
 *
 *     100 % │⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠑⢄⡀⣀⠤⠤⠤⠤⠤▲     ▲ neighbours that kept their answer
 *      50 % │⠒⠉⠉       ⠈⠒⢄ ⢀⣀⡠⠤●     ● facts that hold
 *       0 % │
 *            edit 1      the last edit */
static void drift_measured(const struct drift *r, struct surface *s, struct rect in)
{
    int rows = in.h - 2;
    struct rect plot = {in.y, in.x + SCALE + 1, rows, in.w - SCALE - 1};
    struct pen p;

    if (rows < 2 || plot.w < 4) {
        drift_legend(r, s, in, 0);
        return;
    }
    percent_axis(s, in, rows);
    drift_curves(r, s, plot);
    p = pen_at(s, in, rows, SCALE + 1);
    pen_printf(&p, ROLE_DIM, "edit %d", r->point[0].edit);
    if (r->points == r->of && r->points > 1) {
        p = pen_at(s, in, rows, SCALE + 1);
        pen_right(&p, ROLE_DIM, plot.w, "the last edit");
    }
    drift_legend(r, s, in, rows + 1);
}

/* What the journal has of every edit: "p(target)", or "p(first)" in sessions of the first release.
 */
static const char *kept_name(const struct history *h)
{
    return h && h->count ? history_p_change(&h->entry[0].fact[0]).name : "p(target)";
}

/* Mean probability after the edit over its facts; NAN if the journal has another one. */
static double mean_after(const struct history_entry *e, const char *name)
{
    double sum = 0;

    for (int i = 0; i < e->facts; i++) {
        struct p_change p = history_p_change(&e->fact[i]);

        sum += strcmp(p.name, name) ? (double)NAN : p.after;
    }
    return sum / e->facts;
}

/* The curve that needs no measuring: what the journal noted right after each edit. */
static void p_after_edits(const struct history *h, struct surface *s, struct rect in)
{
    double *after = xcalloc((size_t)h->count + 1, sizeof(*after));
    struct series series = {after, h->count, ROLE_NEW, NULL};
    struct chart c = {&series, 1, 0, 0, 1, false};
    struct rect plot = {in.y, in.x + SCALE + 1, in.h, in.w - SCALE - 1};

    for (int i = 0; i < h->count; i++)
        after[i] = h->entry[i].active ? mean_after(&h->entry[i], kept_name(h)) : (double)NAN;
    if (plot.w > 3 && plot.h > 1) {
        percent_axis(s, in, in.h);
        chart_draw(&c, s, plot);
    }
    free(after);
}

void pane_drift(const struct ui_state *d, struct surface *s, struct rect area)
{
    const struct drift *r = d->drift;
    const struct history *h = d->history;
    char hint[48], title[64], measured[32 + UI_WORDS] = "Drift over the edits";
    bool shown = r && r->points, stale = pane_stale_title(d, r, measured, sizeof(measured));
    struct rect in;

    hint_print(d, hint, sizeof(hint), d->viewed ? "" : "{mode} measures it");
    if (stale)
        hint_print(d, hint, sizeof(hint), "{mode} measures again");
    else if (shown && r->points < r->of)
        snprintf(hint, sizeof(hint), "%d of %d states", r->points, r->of);
    else if (shown && r->states > r->of)
        snprintf(hint, sizeof(hint), "%d of %d states asked", r->of, r->states);
    snprintf(title, sizeof(title), "%s right after each edit", kept_name(h));
    in = box_draw(s, area, shown ? measured : title, hint, false);
    if (rect_empty(in))
        return;
    if (shown)
        drift_measured(r, s, in);
    else if (h && h->count)
        p_after_edits(h, s, in);
    else
        surface_lines(s, in, 0, ROLE_EMPTY, "no edits yet");
    if (shown && stale)
        surface_stale(s, in);
}

/* --- differences -------------------------------------------------------------------------- */

/* One row per layer, or one for all if they do not fit. Returns the rows it took.
 *
 *   L4     512 columns  ‖Δ‖  1.234  0.412 % of ‖W‖ */
static int diff_layers_draw(const struct diff *f, struct surface *s, struct rect in, int rows)
{
    double low = 0, high = 0;
    int most = 0;
    struct pen p;

    for (int i = 0; i < f->layers; i++) {
        const struct diff_layer *l = &f->layer[i];
        double share = l->weight_norm > 0 ? l->norm / l->weight_norm : 0;

        low = !i || share < low ? share : low;
        high = share > high ? share : high;
        most = l->columns > most ? l->columns : most;
        if (f->layers > rows)
            continue;
        p = pen_at(s, in, i, 0);
        pen_printf(&p, ROLE_ACCENT, "L%-3d", l->layer);
        pen_printf(&p, ROLE_TEXT, "%6d columns", l->columns);
        pen_printf(&p, ROLE_DIM, "  ‖Δ‖ %6.3f", l->norm);
        pen_printf(&p, ROLE_BAR, "  %.3f %% of ‖W‖", 100 * share);
        if (*l->matrix && strcmp(l->matrix, "down") != 0)
            pen_printf(&p, ROLE_DIM, "  %s", l->matrix);
    }
    if (!f->layers) {
        surface_lines(s, in, 0, ROLE_GOOD, "the weights are bit for bit the same");
        return 1;
    }
    if (f->layers <= rows)
        return f->layers;
    p = pen_at(s, in, 0, 0);
    pen_printf(&p, ROLE_TEXT, "%d layers, up to %d columns", f->layers, most);
    pen_printf(&p, ROLE_BAR, "  %.2f–%.2f %% of ‖W‖", 100 * low, 100 * high);
    return 1;
}

/* ✓ right, ✗ wrong, ? the base could not do it either. */
static void probe_mark(struct pen *p, const struct probe_result *r, int side)
{
    pen_text(p,
             !r->known     ? ROLE_NONE
             : r->ok[side] ? ROLE_GOOD
                           : ROLE_WARN,
             !r->known     ? "?"
             : r->ok[side] ? "✓"
                           : "✗");
}

/* One probe in a row: marks before and after, kind, prompt, answers before and after, p(target). */
static void probe_line(const struct probe_result *r, struct surface *s, struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);
    const char *prompt = r->prompt ? r->prompt : "";
    char piece[96], number[16];
    int room;

    probe_mark(&p, r, 0);
    pen_text(&p, ROLE_DIM, "→");
    probe_mark(&p, r, 1);
    p.x++;
    pen_fit(&p, ROLE_DIM, 10, probe_label(r->kind));
    room = in.w - p.x - 5 - (in.w >= 70 ? 8 : 0);
    if (room < 24) {
        pen_fit(&p, ROLE_TEXT, in.w - p.x, text_piece(piece, sizeof(piece), prompt));
        return;
    }
    pen_fit(&p, ROLE_TEXT, room * 2 / 5, text_piece(piece, sizeof(piece), prompt));
    for (int k = 0; k < 2; k++) {
        pen_text(&p, ROLE_DIM, k ? " → " : "  ");
        pen_fit(&p, k ? ROLE_NEW : ROLE_OLD, room * 3 / 10,
                text_said(piece, sizeof(piece), r->said[k]));
    }
    if (in.w >= 70)
        pen_right(&p, ROLE_DIM, 8, text_probability(number, r->p_target[1]));
}

void pane_diff(const struct ui_state *d, struct surface *s, struct rect area)
{
    const struct diff *f = d->diff;
    char title[80 + UI_WORDS] = "Two states compared", from[32], to[32], hint[32], words[80];
    int y, room, changed = 0, hidden = 0;
    bool stale;
    struct rect in;

    hint_print(d, hint, sizeof(hint), d->viewed ? "" : "{flip} compares");
    if (f) {
        show_print(title, sizeof(title), "From %s to %s", state_name(f->from, from),
                   state_name(f->to, to));
        for (int i = 0; i < f->probes; i++)
            changed += f->probe[i].ok[0] != f->probe[i].ok[1];
        snprintf(hint, sizeof(hint), "%d of %d changed", changed, f->probes);
    }
    stale = pane_stale_title(d, f, title, sizeof(title));
    if (stale)
        hint_print(d, hint, sizeof(hint), "{flip} compares again");
    in = box_draw(s, area, title, hint, false);
    if (rect_empty(in))
        return;
    if (!f) {
        hint_lines(d, s, in, 0, ROLE_EMPTY,
                   d->viewed ? HINT_NOT_THERE
                             : "{tag} tags a state, {flip} compares it with another");
        return;
    }
    room = in.h - f->probes - f->besides;
    y = diff_layers_draw(f, s, in, room > 1 ? room : 1);
    for (int i = 0; i < f->besides && y < in.h; i++) {
        struct pen p = pen_at(s, in, y++, 0);

        pen_fit(&p, ROLE_TEXT, in.w, diff_beside_words(&f->beside[i], words));
    }
    for (int k = 0; k < 2; k++) /* what changed comes first */
        for (int i = 0; i < f->probes; i++) {
            if ((f->probe[i].ok[0] != f->probe[i].ok[1]) != !k)
                continue;
            if (y < in.h)
                probe_line(&f->probe[i], s, in, y++);
            else
                hidden++;
        }
    if (stale)
        surface_stale(s, in);
    if (hidden) {
        snprintf(hint, sizeof(hint), "%d more", hidden);
        box_foot(s, area, hint);
    }
}

/* --- bisection ---------------------------------------------------------------------------- */

/* The position of an edit among the active ones, the base being 0; *of: how many states there are.
 */
static int active_index(const struct ui_state *d, int edit, int *of)
{
    int n = 0, at = 0;

    for (int i = 0; d->history && i < d->history->count; i++) {
        n += d->history->entry[i].active;
        if (d->history->entry[i].edit == edit)
            at = n;
    }
    *of = n + 1;
    return at;
}

/* All states as a line from the base to the last edit, with a mark at each that was asked. */
static void bisect_strip(const struct ui_state *d, const struct bisect_report *b, struct surface *s,
                         struct rect in)
{
    int of;

    for (int x = 0; x < in.w; x++)
        surface_text(s, in, 0, x, ROLE_TRACK, "─");
    for (int i = 0; i < b->steps; i++) {
        int at = active_index(d, b->step[i].edit, &of);
        int x = of > 1 ? at * (in.w - 1) / (of - 1) : 0;

        surface_text(s, in, 0, x, b->step[i].holds ? ROLE_GOOD : ROLE_WARN,
                     b->step[i].holds ? "✓" : "✗");
    }
}

/* The edit found, or how far the search is. */
static void bisect_finding(const struct ui_state *d, const struct bisect_report *b,
                           struct surface *s, struct rect in, int y)
{
    bool first = b->steps && b->step[0].holds;
    struct pen p = pen_at(s, in, y, 0);

    if (!b->over) {
        pen_printf(&p, ROLE_DIM, "%d of %d states asked so far", b->steps, b->states);
        return;
    }
    if (!b->edit) {
        pen_printf(&p, ROLE_WARN, "no such edit: the answer %s at both ends",
                   first ? "holds" : "fails");
        return;
    }
    pen_printf(&p, ROLE_STRONG, "edit %d %s it", b->edit, first ? "broke" : "introduced");
    for (int i = 0; d->history && i < d->history->count; i++)
        if (d->history->entry[i].edit == b->edit) {
            char *words = history_words(&d->history->entry[i], " → "), piece[96];

            pen_printf(&p, ROLE_TEXT, " (%s)", text_piece(piece, sizeof(piece), words));
            free(words);
        }
    pen_printf(&p, ROLE_DIM, "; %d of %d states asked", b->steps, b->states);
}

void pane_bisect(const struct ui_state *d, struct surface *s, struct rect area)
{
    const struct bisect_report *b = d->bisection;
    char title[128 + UI_WORDS] = "Which edit broke an answer?", piece[2][64];
    struct rect in;
    bool stale;

    if (b)
        show_print(title, sizeof(title), "%s => %s", text_piece(piece[0], 64, b->prompt),
                   text_piece(piece[1], 48, b->expect));
    stale = pane_stale_title(d, b, title, sizeof(title));
    in = box_draw(s, area, title, !b || !b->over ? "" : b->edit ? "found" : "not found", false);
    if (rect_empty(in))
        return;
    if (!b) {
        surface_lines(s, in, 0, ROLE_EMPTY, ":bisect PROMPT => ANSWER finds it by bisection");
        return;
    }
    if (b->over && b->exact)
        box_foot(s, area,
                 area.w >= 62 ? "the state after it and the one before it were both asked"
                              : "asked on both sides");
    bisect_strip(d, b, s, in);
    bisect_finding(d, b, s, in, 1);
    for (int i = 0; i < b->steps && i + 2 < in.h; i++) {
        const struct bisect_step *step = &b->step[i];
        struct pen p = pen_at(s, in, 2 + i, 0);
        char name[32], said[96];

        pen_text(&p, step->holds ? ROLE_GOOD : ROLE_WARN, step->holds ? "✓ " : "✗ ");
        pen_fit(&p, ROLE_DIM, 10, state_name(step->edit, name));
        pen_fit(&p, ROLE_TEXT, in.w - p.x, text_said(said, sizeof(said), step->said));
    }
    if (stale)
        surface_stale(s, in);
}
