/* From entropy to mask, with the numbers: one row per layer, the formulas, and where along the
 * layer the chosen neurons are.
 *
 *   L   H_ge   ρ_ge   H_sp   ρ_sp  ▲gen ●spec ◆both     kept  gain leak/g²
 *   4  0.107  0.311  0.986  0.299   119   111    80  310 48%  0.29    6.2×
 *   ρ_ge = α_ge · H_ge + β_ge  = 0.100 × 0.107 + 0.300 = 0.311  23% tied
 *   ρ_sp = α_sp · H_sp + β_sp  = 0.100 × 0.986 + 0.200 = 0.299
 *   L4  ▀▀▀▀▀▀▀▀▀▀▀▀   upper half: share of general neurons in the bin, lower half: of specific
 *
 * Columns that do not fit are left out, in the order given in the table below. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "core/edit/editors/editors.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"

enum { H_GE, RHO_GE, H_SP, RHO_SP, N_GE, N_SP, N_BOTH, KEPT, GAIN, LEAK, COLUMNS };

static const struct {
    const char *title;
    int cols, most; /* at least, blank before it included; at most */
    int order;      /* the lowest are left out first */
    enum role role;
} columns[COLUMNS] = {
    [H_GE] = {"H_ge", 6, 6, 2, ROLE_TEXT},    [RHO_GE] = {"ρ_ge", 6, 7, 9, ROLE_GENERAL},
    [H_SP] = {"H_sp", 6, 7, 1, ROLE_TEXT},    [RHO_SP] = {"ρ_sp", 6, 7, 8, ROLE_SPECIFIC},
    [N_GE] = {"▲gen", 6, 6, 5, ROLE_GENERAL}, [N_SP] = {"●spec", 6, 6, 4, ROLE_SPECIFIC},
    [N_BOTH] = {"◆both", 6, 6, 3, ROLE_BOTH}, [KEPT] = {"kept", 9, 9, 10, ROLE_STRONG},
    [GAIN] = {"gain", 6, 6, 7, ROLE_BAR},     [LEAK] = {"leak/g²", 8, 8, 6, ROLE_ERROR},
};

/* The width of each column in a pane of this width; 0: left out. */
static void fit_columns(int width, int cols[COLUMNS])
{
    int total = 2;

    for (int c = 0; c < COLUMNS; c++)
        total += cols[c] = columns[c].cols;
    while (total > width) {
        int worst = -1;

        for (int c = 0; c < COLUMNS; c++)
            if (cols[c] && (worst < 0 || columns[c].order < columns[worst].order))
                worst = c;
        if (worst < 0)
            return;
        total -= cols[worst];
        cols[worst] = 0;
    }
    for (int c = 0; c < COLUMNS; c++)
        while (cols[c] && cols[c] < columns[c].most && total < width) {
            cols[c]++;
            total++;
        }
}

static void put_column(struct pen *p, int column, const int *cols, const char *text)
{
    if (cols[column])
        pen_right(p, columns[column].role, cols[column], text);
}

static void put_number(struct pen *p, int column, const int *cols, double x)
{
    char text[16];

    put_column(p, column, cols, text_probability(text, x));
}

static void put_count(struct pen *p, int column, const int *cols, int n)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", n);
    put_column(p, column, cols, text);
}

/* Gain of the mask and leak per squared gain; "≈" where they are an estimate or of other knobs,
 * hatched where they were made from something else. */
static void put_gain_and_leak(struct pen *p, const int *cols, const struct layer_report *w,
                              unsigned differs)
{
    int from = p->x;
    char text[24];

    if (!w || isnan(w->gain_mask)) { /* fine-tuning has neither */
        put_column(p, GAIN, cols, "·");
        put_column(p, LEAK, cols, "·");
        return;
    }
    show_print(text, sizeof(text), "%s%.2f",
               w->stale || differs & ~(unsigned)STAMP_STATE ? "≈" : "", w->gain_mask);
    put_column(p, GAIN, cols, text);
    snprintf(text, sizeof(text), w->leak_ratio >= 100 ? "%.0f×" : "%.1f×", w->leak_ratio);
    put_column(p, LEAK, cols, text);
    if (differs)
        surface_stale(p->s, (struct rect){p->area.y + p->y, p->area.x + from, 1, p->x - from});
}

/* One layer: both entropies and ratios, neurons per class, neurons kept. */
static void layer_row(const struct ui_state *d, int layer, const int *cols, struct surface *s,
                      struct rect in, int y)
{
    const struct mask *m = d->layer[layer].mask;
    bool here = layer == d->at_layer;
    int kept = ui_kept_in(d, layer);
    struct pen p = list_row(s, in, y, here, -1);
    char text[24];

    pen_printf(&p, here || ui_edits_layer(d, layer) ? ROLE_STRONG : ROLE_TEXT, "%d", layer);
    p.x = 2;
    if (!m) {
        pen_text(&p, ROLE_EMPTY, "  ·");
        return;
    }
    put_number(&p, H_GE, cols, m->general.H);
    put_number(&p, RHO_GE, cols, m->general.rho);
    put_number(&p, H_SP, cols, m->specific.H);
    put_number(&p, RHO_SP, cols, m->specific.rho);
    put_count(&p, N_GE, cols, m->general.chosen - m->both);
    put_count(&p, N_SP, cols, m->specific.chosen - m->both);
    put_count(&p, N_BOTH, cols, m->both);
    if (kept < 0)
        snprintf(text, sizeof(text), m->elsewhere && editor_takes_mask(&d->params) ? "?" : "·");
    else
        snprintf(text, sizeof(text), "%d %2.0f%%", kept,
                 m->neurons ? 100.0 * kept / m->neurons : 0);
    put_column(&p, KEPT, cols, text);
    put_gain_and_leak(&p, cols, ui_layer_report(d, layer), ui_report_differs(d));
    if (d->layer[layer].differs)
        surface_stale(s, (struct rect){in.y + y, in.x, 1, in.w});
}

/* Neurons that a method chose without a mask were not kept by one. */
static void ratios_heading(const struct ui_state *d, const int *cols, struct surface *s,
                           struct rect in)
{
    struct pen p = pen_at(s, in, 0, 0);

    pen_text(&p, ROLE_DIM, "L ");
    for (int c = 0; c < COLUMNS; c++)
        if (cols[c])
            pen_right(&p, ROLE_DIM, cols[c],
                      c == KEPT && !editor_takes_mask(&d->params) ? "chosen" : columns[c].title);
}

/* "^2" if the exponent of H is not 1, else "". */
static const char *power_text(const struct ui_state *d, bool general, char out[16])
{
    double power = d->params.value[general ? P_RATIO_GE_GAMMA : P_RATIO_SP_GAMMA];

    *out = '\0';
    if (fabs(power - 1) > 1e-12)
        snprintf(out, 16, "^%.3g", power);
    return out;
}

void pen_ratio(struct pen *p, const struct ui_state *d, const struct mask *m, bool general)
{
    const struct mask_side *side = general ? &m->general : &m->specific;
    double a = d->params.value[general ? P_RATIO_GE_A : P_RATIO_SP_A];
    double b = d->params.value[general ? P_RATIO_GE_B : P_RATIO_SP_B];
    double power = d->params.value[general ? P_RATIO_GE_GAMMA : P_RATIO_SP_GAMMA];
    double sum = a * pow(side->H, power) + b;
    char up[16], h[16];

    if (mask_mode_sets_ratio(&d->params, general)) {
        pen_text(p, ROLE_TEXT, "set by the mask mode = ");
    } else {
        pen_printf(p, ROLE_TEXT, "= %.3f × %s%s + %.3f = ", a, text_probability(h, side->H),
                   power_text(d, general, up), b);
        if (sum < -5e-4 || sum > 1 + 5e-4)
            pen_printf(p, ROLE_TEXT, "%.3f, limited to ", sum);
    }
    pen_printf(p, general ? ROLE_GENERAL : ROLE_SPECIFIC, "%.3f", side->rho);
}

/* The formula, where there is room and it holds, and the formula with its numbers. */
static void ratio_formula(const struct ui_state *d, const struct mask *m, bool general,
                          struct surface *s, struct rect in, int y)
{
    const struct mask_side *side = general ? &m->general : &m->specific;
    const char *k = general ? "ge" : "sp";
    struct pen p = pen_at(s, in, y, 0);
    char up[16], tied[32];

    if (in.w >= 58 && !mask_mode_sets_ratio(&d->params, general))
        pen_printf(&p, ROLE_DIM, "ρ_%s = α_%s · H_%s%s + β_%s  ", k, k, k,
                   power_text(d, general, up), k);
    else
        pen_printf(&p, ROLE_DIM, "ρ_%s ", k);
    pen_ratio(&p, d, m, general);
    snprintf(tied, sizeof(tied),
             in.w - p.x >= 26 ? "  %.0f%% have the last score" : "  %.0f%% tied", side->ties * 100);
    if (side->ties > 0 && p.x + (int)strlen(tied) <= in.w)
        pen_text(&p, ROLE_DIM, tied);
}

/* The share of general and of specific neurons in each bin along the layer. */
static void class_density(const struct mask *m, struct surface *s, struct rect in, int y, int layer)
{
    int bins = in.w - 4 - 7;
    struct pen p = pen_at(s, in, y, 0);

    bins = bins < m->neurons ? bins : m->neurons;
    if (bins < 8)
        return;
    pen_printf(&p, ROLE_STRONG, "L%d", layer);
    for (int b = 0; b < bins; b++) {
        int from = (int)((long long)b * m->neurons / bins);
        int to = (int)((long long)(b + 1) * m->neurons / bins), n[2] = {0, 0};

        for (int i = from; i < to; i++) {
            n[0] += (m->class_bits[i] & CLASS_GENERAL) != 0;
            n[1] += (m->class_bits[i] & CLASS_SPECIFIC) != 0;
        }
        surface_glyph(s, in, y, 4 + b, ROLE_TEXT, "▀",
                      colour_slot_ramp(RAMP_GENERAL, n[0] * 255 / (to - from)),
                      colour_slot_ramp(RAMP_SPECIFIC, n[1] * 255 / (to - from)));
    }
}

static void class_density_title(struct surface *s, struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 4);

    pen_text(&p, ROLE_DIM, "density along the layer: ");
    pen_text(&p, ROLE_GENERAL, "▀");
    pen_text(&p, ROLE_DIM, " general  ");
    pen_text(&p, ROLE_SPECIFIC, "▄");
    pen_text(&p, ROLE_DIM, " specific");
}

/* The layers shown: all if there is room, else the edited ones and the one under the cursor; where
 * not even these fit, the edited ones from the cursor's on. Returns how many; *more is how many of
 * the chosen are left out. */
static int listed_layers(const struct ui_state *d, int rows, int *layer, int *more)
{
    bool all = rows >= d->layers, any = false;
    int n = 0, at = 0, edited = 0, first;

    for (int l = 0; l < d->layers; l++)
        edited += ui_edits_layer(d, l);
    any = edited > 0;
    for (int l = 0; l < d->layers && n < 512; l++)
        if (all || ui_edits_layer(d, l) || (l == d->at_layer && (!any || edited < rows)) ||
            (!any && d->layer[l].mask)) {
            if (l <= d->at_layer)
                at = n;
            layer[n++] = l;
        }
    first = n > rows ? at - rows / 2 : 0;
    first = first > n - rows ? n - rows : first;
    first = first < 0 ? 0 : first;
    *more = n > rows ? n - rows : 0;
    n -= *more;
    memmove(layer, layer + first, (size_t)n * sizeof(*layer));
    return n;
}

/* Adds to the title what of the rows is stale: the scores of all or of some, or gain and leak. */
static void stale_title(const struct ui_state *d, const int *layer, int rows, char *title, size_t n)
{
    const void *stale = NULL, *report = d->estimate ? (const void *)d->estimate : d->preview;
    bool fresh = false, reported = false;

    for (int i = 0; i < rows; i++) {
        const struct ui_layer *row = &d->layer[layer[i]];

        if (row->differs && !stale)
            stale = row->score;
        fresh |= row->mask && !row->differs;
        reported |= row->mask && ui_layer_report(d, layer[i]);
    }
    if (stale)
        pane_stale_part_title(d, stale, fresh ? "rows" : "", title, n);
    else if (reported)
        pane_stale_part_title(d, report, "gain, leak", title, n);
}

/* Rows for the formulas and the density below the table: none is worth an edited layer. */
static int rows_below(const struct ui_state *d, int h)
{
    int left = h - 1;

    for (int l = 0; l < d->layers; l++)
        left -= ui_edits_layer(d, l);
    if (d->at_layer >= d->layers || !d->layer[d->at_layer].mask)
        return 0;
    return left >= 5 ? 5 : left >= 3 ? 3 : left >= 2 ? 2 : 0;
}

void pane_ratios(const struct ui_state *d, const char *rest, struct surface *s, struct rect area,
                 bool focus)
{
    char title[64 + UI_WORDS] = "Ratios and mask", foot[HINT_MAX], text[64];
    int h = area.h - 2, below = rows_below(d, h); /* h: inside the box */
    int layer[512], cols[COLUMNS], n, more = 0, y = h - below;
    const struct mask *m = below ? d->layer[d->at_layer].mask : NULL;
    struct rect in;

    if (!editor_takes_mask(&d->params))
        snprintf(title, sizeof(title), "NMKE's ratios: %s has no mask",
                 editor_of(&d->params)->title);
    n = y > 1 ? listed_layers(d, y - 1, layer, &more) : 0;
    pane_scores_title(d, NULL, title, sizeof(title));
    stale_title(d, layer, n, title, sizeof(title));
    in = box_draw(s, area, title, "entropy → ratio → threshold", focus);
    if (in.h < 2)
        return;
    fit_columns(in.w, cols);
    ratios_heading(d, cols, s, in);
    for (int i = 0; i < n; i++) {
        layer_row(d, layer[i], cols, s, in, i + 1);
        if (focus && (layer[i] == d->at_layer || !i))
            surface_cursor(s, in, i + 1, 0);
    }
    if (more) {
        snprintf(text, sizeof(text), "%d more: %s", more, rest);
        box_foot(s, area, hint_text(d, foot, text));
    }
    if (!below)
        return;
    y += below == 5;
    ratio_formula(d, m, true, s, in, y);
    ratio_formula(d, m, false, s, in, y + 1);
    if (below == 5)
        class_density_title(s, in, y + 2);
    if (below >= 3)
        class_density(m, s, in, in.h - 1, d->at_layer);
    if (d->layer[d->at_layer].differs)
        surface_stale(s, (struct rect){in.y + y, in.x, in.h - y, in.w});
}
