/* The Ratios view: how entropies become ratios, thresholds and a mask, for every edited layer.
 *
 *   +- L4: why 310 of 640 are kept -------++- Ratios and mask ----------------------+
 *   | ▲ H_ge 0.107 → ρ_ge = … = 0.311     || L   H_ge  ρ_ge  H_sp  ρ_sp  kept  gain |
 *   | ● H_sp 0.986 → ρ_sp = … = 0.299     || 4  0.107 0.311 0.986 0.299   310  0.29 |
 *   | classes, what a knob step would do, |+----------------------------------------+
 *   | gain and leak, past edits it hits,  |+- r_ge: rows that agree -++- r_sp ------+
 *   | neurons shared with other facts     ||  ▂▆█▆▃▁▴                ||  █▅▂▁▴▁     |
 *   +-------------------------------------++-------------------------++-------------+
 *
 * The text at the left (ratios_explain.c) is about the layer under the cursor and follows every
 * knob. The histograms show the two scores of its neurons; ▴ is the threshold, and what lies right
 * of it is chosen. Screens under BESIDE columns have the table above and either text or histograms
 * (d) below. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/edit/editors/editors.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"
#include "views/requests.h"
#include "views/screens/ratios_internal.h"
#include "views/view.h"
#include "views/view_tables.h"

enum { PAGE = 8, BESIDE = 110 };

struct ratios {
    bool histograms;           /* shown in place of the text, where both do not fit */
    int scroll;                /* of the explanation */
    struct knob_effect effect; /* measured once, used by many frames */
};

static bool ratios_action(struct view *v, enum action action)
{
    struct ratios *r = v->state;
    struct ui_state *d = v->host->ui;

    switch (action) {
    case ACTION_PAGE_UP:
    case ACTION_PAGE_DOWN:
        r->scroll += action == ACTION_PAGE_UP ? -PAGE : PAGE;
        r->scroll = r->scroll < 0 ? 0 : r->scroll > 40 ? 40 : r->scroll;
        return true;
    case ACTION_MODE:
        r->histograms = !r->histograms;
        return true;
    default:
        ui_move_layer(d, action_steps(action, 0, d->layers));
        return action_steps(action, 0, 1) != 0;
    }
}

/* Draws how often each value occurs, in in.w bins over [lowest, highest] and with log(1 + count)
 * as height. Bins from the cut on have `role`; ▴ marks the cut. Returns the largest count. */
static int draw_histogram(const float *x, int n, double cut, enum role role, struct surface *s,
                          struct rect in)
{
    double low = HUGE_VAL, high = -HUGE_VAL, most = 0;
    int *bin, h = in.h - 1, tallest = 0, at;
    char number[24];
    struct pen p = pen_at(s, in, h, 0);

    for (int i = 0; i < n; i++) {
        low = (double)x[i] < low ? (double)x[i] : low;
        high = (double)x[i] > high ? (double)x[i] : high;
    }
    if (n < 1 || h < 1 || in.w < 10 || !isfinite(low) || !isfinite(high))
        return 0;
    bin = xcalloc((size_t)in.w, sizeof(*bin));
    for (int i = 0; i < n; i++) {
        double place = high > low ? ((double)x[i] - low) / (high - low) : 0;
        int b = (int)(clamped(place, 0, 1) * (in.w - 1));

        bin[b]++;
        tallest = bin[b] > tallest ? bin[b] : tallest;
    }
    most = log1p(tallest);
    for (int b = 0; b < in.w; b++) {
        double tall = log1p(bin[b]) / most * h, from = low + (high - low) * b / (in.w - 1);
        bool above = from + (high - low) / (in.w - 1) / 2 >= cut;

        for (int y = 0; y < h; y++)
            surface_text(s, in, h - 1 - y, b, above ? role : ROLE_NONE, bar_glyph(tall - y));
    }
    free(bin);
    snprintf(number, sizeof(number), "%.3g", low);
    pen_text(&p, ROLE_DIM, number);
    snprintf(number, sizeof(number), "%.3g", high);
    p.x = in.w - text_width(number);
    pen_text(&p, ROLE_DIM, number);
    at = high > low ? (int)(clamped((cut - low) / (high - low), 0, 1) * (in.w - 1)) : 0;
    surface_text(s, in, h, at, role, "▴");
    return tallest;
}

/* The box for the general score (in rows) or the specific one (in nats or z-scores). */
static void draw_side_histogram(const struct ui_state *d, const struct mask *m, bool general,
                                struct surface *s, struct rect area)
{
    const char *unit = general                                                    ? "rows"
                       : params_choice(&d->params, P_SCORE_SP_INPUT) == SP_ZSCORE ? "z-score"
                                                                                  : "nats";
    const struct mask_side *side = general ? &m->general : &m->specific;
    char title[80 + UI_WORDS], foot[80];
    struct rect in;
    int tallest;
    bool stale;

    snprintf(title, sizeof(title), general ? "L%d r_ge: rows that agree" : "L%d r_sp: top score",
             d->at_layer);
    stale = pane_scores_title(d, d->layer[d->at_layer].score, title, sizeof(title));
    in = box_draw(s, area, title, "", false);
    tallest = draw_histogram(general ? m->r_general : m->r_specific, m->neurons, side->tau,
                             general ? ROLE_GENERAL : ROLE_SPECIFIC, s, in);
    show_print(foot, sizeof(foot), "cut %.4g %s; log, top %d", side->tau, unit, tallest);
    box_foot(s, area, foot);
    if (stale)
        surface_stale(s, in);
}

/* Both boxes, above or beside each other. */
static void draw_histograms(const struct ui_state *d, const struct mask *m, struct surface *s,
                            struct rect area, bool stacked)
{
    static const struct slice halves[2] = {{5, 5, 1, 0}, {5, 5, 1, 1}};
    struct rect half[2];

    if (stacked)
        layout_rows(area, halves, 2, half);
    else
        layout_columns(area, halves, 2, half);
    draw_side_histogram(d, m, true, s, half[0]);
    draw_side_histogram(d, m, false, s, half[1]);
}

/* The text, scrolled. It is drawn once far out of sight to learn how many rows it has, so that
 * scrolling ends at the last one. */
static void draw_explanation(const struct ui_state *d, struct ratios *state, struct surface *s,
                             struct rect area)
{
    const struct mask *m = d->layer[d->at_layer].mask;
    struct rect in;
    char title[48 + UI_WORDS], foot[64];
    int rows, most;
    bool stale;

    if (!editor_takes_mask(&d->params))
        snprintf(title, sizeof(title), "L%d: NMKE would keep %d of %d", d->at_layer, m->selected,
                 m->neurons);
    else if (m->elsewhere)
        snprintf(title, sizeof(title), "L%d: those of the edit before are kept", d->at_layer);
    else
        snprintf(title, sizeof(title), "L%d: why %d of %d are kept", d->at_layer, m->selected,
                 m->neurons);
    stale = pane_scores_title(d, d->layer[d->at_layer].score, title, sizeof(title));
    in = hint_box(d, s, area, title, "{layer-back} {layer-next} layer", false);
    if (rect_empty(in))
        return;
    knob_effect_of(&state->effect, d, d->at_layer);
    rows = ratios_explain(d, &state->effect, 1000, s, in);
    most = rows > in.h ? rows - in.h : 0;
    rows = ratios_explain(d, &state->effect, state->scroll > most ? most : state->scroll, s, in);
    if (stale)
        surface_stale(s, in);
    if (most) {
        snprintf(foot, sizeof(foot), "PgDn: %d rows in all", rows);
        box_foot(s, area, foot);
    }
}

static void ratios_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const struct slice columns[2] = {{50, 57, 1, 0}, {46, 63, 2, 0}};
    static const struct slice beside[2] = {{8, 14, 2, 0}, {10, 12, 1, 1}};
    static const struct slice below[2] = {{5, 7, 0, 0}, {8, 12, 1, 1}};
    struct ratios *state = v->state;
    const struct ui_state *d = v->host->ui;
    const struct mask *m = d->at_layer < d->layers ? d->layer[d->at_layer].mask : NULL;
    struct rect r[2], right[2];

    if (!m) {
        pane_ratios(d, "{down} {up} scroll", s, area, true);
        return;
    }
    if (area.w >= BESIDE) {
        layout_columns(area, columns, 2, r);
        draw_explanation(d, state, s, r[0]);
        layout_rows(r[1], beside, 2, right);
        pane_ratios(d, "{down} {up} scroll", s, right[0], true);
        draw_histograms(d, m, s, right[1], right[1].h >= 20);
        return;
    }
    layout_rows(area, below, 2, r);
    pane_ratios(d, "{down} {up} scroll", s, r[0], true);
    if (rect_empty(r[1]))
        return;
    if (state->histograms)
        draw_histograms(d, m, s, r[1], r[1].h >= 20);
    else
        draw_explanation(d, state, s, r[1]);
}

const struct view_ops view_ratios = {
    .name = "ratios",
    .title = "Ratios",
    .tab = "Rat",
    .footer = "layer-back:layer layer-next:layer alpha beta temperature mask-mode select-rule "
              "mode:histograms preview help:keys",
    .size = sizeof(struct ratios),
    .action = ratios_action,
    .draw = ratios_draw,
    .table = table_of_ratios,
};
