/* From entropy to mask, with the numbers: one row per layer, the formulas, and where along the
 * layer the chosen neurons are.
 *
 *   L   H_ge   ρ_ge   H_sp   ρ_sp  ▲gen ●spec ◆both     kept  gain leak/g²
 *   4  0.107  0.311  0.986  0.299   119   111    80  310 48%  0.29    6.2×
 *   ρ_ge = α_ge · H_ge + β_ge  = 0.100 × 0.107 + 0.300 = 0.311  23% tied
 *   ρ_sp = α_sp · H_sp + β_sp  = 0.100 × 0.986 + 0.200 = 0.299
 *   L4  ▀▀▀▀▀▀▀▀▀▀▀▀   upper half: share of general neurons in the bin, lower half: of specific
 *
 * Columns that do not fit are left out, in the order of `drop` in the table below. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/panes/panes.h"

enum { H_GE, RHO_GE, H_SP, RHO_SP, N_GE, N_SP, N_BOTH, KEPT, GAIN, LEAK, COLUMNS };

static const struct {
    const char *title;
    int cols, drop; /* drop: left out when narrower than this */
    enum role role;
} columns[COLUMNS] = {
    [H_GE] = {"H_ge", 6, 60, ROLE_TEXT},    [RHO_GE] = {"ρ_ge", 7, 0, ROLE_GENERAL},
    [H_SP] = {"H_sp", 7, 60, ROLE_TEXT},    [RHO_SP] = {"ρ_sp", 7, 0, ROLE_SPECIFIC},
    [N_GE] = {"▲gen", 6, 50, ROLE_GENERAL}, [N_SP] = {"●spec", 6, 50, ROLE_SPECIFIC},
    [N_BOTH] = {"◆both", 6, 50, ROLE_BOTH}, [KEPT] = {"kept", 9, 28, ROLE_STRONG},
    [GAIN] = {"gain", 6, 34, ROLE_BAR},     [LEAK] = {"leak/g²", 8, 42, ROLE_ERROR},
};

/* Whether a column is shown in a pane of this width. */
static bool column_fits(int column, int width)
{
    return width >= columns[column].drop;
}

static void put_column(struct pen *p, int column, int width, const char *text)
{
    if (column_fits(column, width))
        pen_right(p, columns[column].role, columns[column].cols, text);
}

static void put_number(struct pen *p, int column, int width, double x)
{
    char text[16];

    put_column(p, column, width, text_probability(text, x));
}

static void put_count(struct pen *p, int column, int width, int n)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", n);
    put_column(p, column, width, text);
}

/* Gain of the mask and leak per squared gain; "≈" where they are an estimate, hatched where they
 * were made from something else. */
static void put_gain_and_leak(struct pen *p, int width, const struct layer_report *w,
                              unsigned differs)
{
    int from = p->x;
    char text[24];

    if (!w) {
        put_column(p, GAIN, width, "·");
        put_column(p, LEAK, width, "·");
        return;
    }
    show_print(text, sizeof(text), "%s%.2f", w->stale || differs ? "≈" : "", w->gain_mask);
    put_column(p, GAIN, width, text);
    snprintf(text, sizeof(text), w->leak_ratio >= 100 ? "%.0f×" : "%.1f×", w->leak_ratio);
    put_column(p, LEAK, width, text);
    if (differs)
        surface_stale(p->s, (struct rect){p->area.y + p->y, p->area.x + from, 1, p->x - from});
}

/* One layer: both entropies and ratios, neurons per class, neurons kept. */
static void layer_row(const struct ui_state *d, int layer, struct surface *s, struct rect in, int y)
{
    const struct mask *m = d->layer[layer].mask;
    bool here = layer == d->at_layer;
    struct pen p = list_row(s, in, y, here, -1);
    char text[24];

    pen_printf(&p, here || ui_edits_layer(d, layer) ? ROLE_STRONG : ROLE_TEXT, "%d", layer);
    p.x = 2;
    if (!m) {
        pen_text(&p, ROLE_EMPTY, "  ·");
        return;
    }
    put_number(&p, H_GE, in.w, m->general.H);
    put_number(&p, RHO_GE, in.w, m->general.rho);
    put_number(&p, H_SP, in.w, m->specific.H);
    put_number(&p, RHO_SP, in.w, m->specific.rho);
    put_count(&p, N_GE, in.w, m->general.chosen - m->both);
    put_count(&p, N_SP, in.w, m->specific.chosen - m->both);
    put_count(&p, N_BOTH, in.w, m->both);
    snprintf(text, sizeof(text), "%d %2.0f%%", m->selected,
             m->neurons ? 100.0 * m->selected / m->neurons : 0);
    put_column(&p, KEPT, in.w, text);
    put_gain_and_leak(&p, in.w, ui_layer_report(d, layer), ui_report_differs(d));
    if (d->layer[layer].differs)
        surface_stale(s, (struct rect){in.y + y, in.x, 1, in.w});
}

static void ratios_heading(struct surface *s, struct rect in)
{
    struct pen p = pen_at(s, in, 0, 0);

    pen_text(&p, ROLE_DIM, "L ");
    for (int c = 0; c < COLUMNS; c++)
        if (column_fits(c, in.w))
            pen_right(&p, ROLE_DIM, columns[c].cols, columns[c].title);
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
    char up[16];

    if (in.w >= 58 && !mask_mode_sets_ratio(&d->params, general))
        pen_printf(&p, ROLE_DIM, "ρ_%s = α_%s · H_%s%s + β_%s  ", k, k, k,
                   power_text(d, general, up), k);
    else
        pen_printf(&p, ROLE_DIM, "ρ_%s ", k);
    pen_ratio(&p, d, m, general);
    if (side->ties > 0)
        pen_printf(&p, ROLE_DIM,
                   in.w - p.x >= 26 ? "  %.0f%% have the last score" : "  %.0f%% tied",
                   side->ties * 100);
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

/* The layers shown: all if there is room, else the edited ones and the one under the cursor.
 * Returns how many. */
static int listed_layers(const struct ui_state *d, int rows, int *layer)
{
    int n = 0, at = 0, first;
    bool all = rows >= d->layers + 2, any = false;

    for (int l = 0; l < d->layers; l++)
        any |= ui_edits_layer(d, l);

    for (int l = 0; l < d->layers && n < 512; l++)
        if (all || ui_edits_layer(d, l) || l == d->at_layer || (!any && d->layer[l].mask)) {
            if (l == d->at_layer)
                at = n;
            layer[n++] = l;
        }
    first = n > rows ? at - rows / 2 : 0;
    first = first > n - rows ? n - rows : first;
    first = first < 0 ? 0 : first;
    n = n - first < rows ? n - first : rows;
    memmove(layer, layer + first, (size_t)n * sizeof(*layer));
    return n;
}

/* What of the pane is stale: the scores of a layer, or gain and leak; NULL: nothing. */
static const void *stale_part(const struct ui_state *d)
{
    for (int l = 0; l < d->layers; l++)
        if (d->layer[l].differs && (ui_edits_layer(d, l) || l == d->at_layer))
            return d->layer[l].score;
    return d->estimate ? (const void *)d->estimate : d->preview;
}

void pane_ratios(const struct ui_state *d, struct surface *s, struct rect area, bool focus)
{
    const struct mask *m = d->at_layer < d->layers ? d->layer[d->at_layer].mask : NULL;
    char title[40 + UI_WORDS] = "Ratios and mask";
    int layer[512], below, n, y;
    struct rect in;

    pane_stale_title(d, stale_part(d), title, sizeof(title));
    in = box_draw(s, area, title, "entropy → ratio → threshold", focus);
    below = !m ? 0 : in.h >= 11 ? 5 : in.h >= 8 ? 3 : in.h >= 6 ? 2 : 0;
    if (in.h < 2)
        return;
    ratios_heading(s, in);
    n = listed_layers(d, in.h - 1 - below, layer);
    for (int i = 0; i < n; i++)
        layer_row(d, layer[i], s, in, i + 1);
    if (!below)
        return;
    y = in.h - below + (below == 5);
    if (below == 3)
        y = in.h - 3;
    ratio_formula(d, m, true, s, in, y);
    ratio_formula(d, m, false, s, in, y + 1);
    if (below == 5)
        class_density_title(s, in, y + 2);
    if (below >= 3)
        class_density(m, s, in, in.h - 1, d->at_layer);
    if (d->layer[d->at_layer].differs)
        surface_stale(s, (struct rect){in.y + y, in.x, in.h - y, in.w});
}
