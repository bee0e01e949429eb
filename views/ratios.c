/* Every layer's ratios, and where the cut falls among the scores of the layer at hand. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/panes.h"
#include "views/verbs.h"
#include "views/view.h"

static bool ratios_action(struct view *v, enum action action)
{
    struct desk *d = v->host->desk;

    switch (action) {
    case ACTION_UP:
    case ACTION_DOWN:
        verb_move_layer(d, action == ACTION_UP ? -1 : 1);
        return true;
    case ACTION_FIRST:
    case ACTION_LAST:
        verb_move_layer(d, action == ACTION_FIRST ? -d->layers : d->layers);
        return true;
    default:
        return false;
    }
}

/* Counts (log height) of x over [low, high]; the part at or above the cut in the class's role. */
static void histogram(const float *x, int n, double cut, enum role role, struct surface *s,
                      struct rect in)
{
    double low = HUGE_VAL, high = -HUGE_VAL, most = 0;
    int *bin, h = in.h - 1;
    char number[24];
    struct pen p = pen_at(s, in, h, 0);

    for (int i = 0; i < n; i++) {
        low = (double)x[i] < low ? (double)x[i] : low;
        high = (double)x[i] > high ? (double)x[i] : high;
    }
    if (n < 1 || h < 1 || in.w < 10 || !isfinite(low) || !isfinite(high))
        return;
    bin = xcalloc((size_t)in.w, sizeof(*bin));
    for (int i = 0; i < n; i++) {
        int b = high > low ? (int)(((double)x[i] - low) / (high - low) * (in.w - 1)) : 0;

        bin[b]++;
        most = log1p(bin[b]) > most ? log1p(bin[b]) : most;
    }
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
    p.x = high > low ? (int)((cut - low) / (high - low) * (in.w - 1)) : 0;
    if (p.x > 8 && p.x < in.w - 20)
        pen_printf(&p, role, "▴ cut %.4g", cut);
}

static void ratios_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const struct slice rows[2] = {{8, 40, 1, 0}, {7, 12, 0, 1}};
    static const struct slice halves[2] = {{30, 30, 1, 0}, {30, 30, 1, 1}};
    const struct desk *d = v->host->desk;
    const struct mask *m = d->at_layer < d->layers ? d->layer[d->at_layer].mask : NULL;
    struct rect r[2], half[2], in;
    char title[80];

    layout_rows(area, rows, 2, r);
    pane_ratios(d, s, r[0], true);
    if (!m || rect_empty(r[1]))
        return;
    layout_columns(r[1], halves, 2, half);
    snprintf(title, sizeof(title), "L%d general: rows it speaks for (Eq. 4)", d->at_layer);
    in = box_draw(s, half[0], title, "", false);
    histogram(m->r_general, m->neurons, m->general.tau, ROLE_GENERAL, s, in);
    snprintf(title, sizeof(title), "L%d specific: largest score (Eq. 5)", d->at_layer);
    in = box_draw(s, half[1], title, "counts are log", false);
    histogram(m->r_specific, m->neurons, m->specific.tau, ROLE_SPECIFIC, s, in);
}

const struct view_ops view_ratios = {
    .name = "ratios",
    .title = "Ratios",
    .footer = "layer-back:layer layer-next:layer alpha beta temperature mask-mode select-rule "
              "preview help:keys",
    .size = 0,
    .action = ratios_action,
    .draw = ratios_draw,
};
