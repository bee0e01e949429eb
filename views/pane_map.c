/* The layer x neuron map. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/box.h"
#include "tui/heatmap.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/panes.h"

enum { LEFT = 4, RIGHT = 7 };

struct map { /* what the drawing functions share */
    const struct desk *d;
    struct surface *s;
    struct rect in, plot;
    int first, count;   /* layers shown */
    bool full;          /* a whole row a layer instead of a half */
    int from, to, bins; /* neurons shown, columns */
};

/* Neurons of a layer in the order of the columns, as values; what lowers p counts as zero. */
static float *columns(const struct desk *d, const struct desk_layer *l, int layer)
{
    int n = l->shown->neurons;
    float *x = xmalloc(((size_t)n + 1) * sizeof(*x));
    struct desk_neuron *order;

    if (d->order == ORDER_INDEX) {
        for (int i = 0; i < n; i++)
            x[i] = l->strength[i] > 0 ? l->strength[i] : 0;
        return x;
    }
    order = xmalloc(((size_t)n + 1) * sizeof(*order));
    desk_top(d, layer, d->order, order, n);
    for (int i = 0; i < n; i++)
        x[i] = order[i].score > 0 ? (float)order[i].score : 0;
    free(order);
    return x;
}

static void values(const struct map *m, float *value)
{
    int repeat = m->full ? 2 : 1;

    for (int r = 0; r < m->count; r++) {
        const struct desk_layer *l = &m->d->layer[m->first + r];
        float *row = value + (size_t)(r * repeat) * (size_t)m->bins;

        for (int i = 0; i < m->bins; i++)
            row[i] = NAN;
        if (l->shown) {
            float *x = columns(m->d, l, m->first + r);

            heat_pool(x + m->from, m->to - m->from, m->d->pool, row, m->bins);
            free(x);
        }
        if (l->shown && m->d->per_layer && l->peak > 0)
            for (int i = 0; i < m->bins; i++)
                row[i] /= (float)l->peak;
        if (m->full)
            memcpy(row + m->bins, row, (size_t)m->bins * sizeof(*row));
    }
}

static void labels(const struct map *m)
{
    int step = m->full ? 1 : 2;

    for (int r = 0; r < m->count; r += step) {
        int layer = m->first + r, strongest = layer;
        bool edited = desk_edits(m->d, layer), here = layer == m->d->at_layer;
        struct pen p = pen_at(m->s, m->in, r / step, 0);
        double peak;

        if (!m->full && r + 1 < m->count) {
            edited |= desk_edits(m->d, layer + 1);
            here |= layer + 1 == m->d->at_layer;
            strongest += m->d->layer[layer + 1].peak > m->d->layer[layer].peak;
        }
        pen_printf(&p, here ? ROLE_SELECTED : edited ? ROLE_ACCENT : ROLE_DIM, "L%d", layer);
        peak = m->d->layer[strongest].peak;
        if (!m->d->layer[strongest].shown || m->in.w < m->plot.w + LEFT + RIGHT)
            continue;
        p.x = LEFT + m->bins + 1;
        pen_text(&p, ROLE_BAR, bar_glyph(m->d->peak > 0 ? peak / m->d->peak : 0));
        pen_printf(&p, ROLE_DIM, peak >= 0.05 || peak == 0 ? "%5.1f" : " %.0e", peak);
    }
}

static void legend(const struct map *m, int y)
{
    struct pen p = pen_at(m->s, m->in, y, 0);
    char range[48];

    if (y >= m->in.h)
        return;
    desk_edited_range(m->d, range);
    if (m->in.w > 60 && *range)
        pen_text(&p, ROLE_DIM, "edited layers ");
    if (*range)
        pen_printf(&p, ROLE_ACCENT, "%s   ", range);
    if (m->in.w > 50) {
        pen_text(&p, ROLE_DIM, "peak ");
        pen_printf(&p, ROLE_BAR, "L%d   ", m->d->peak_layer);
    }
    pen_printf(&p, ROLE_DIM, "scale %s  0 ", heat_scale_name(m->d->scale));
    heat_legend(m->s, m->in, y, p.x, m->in.w > p.x + 22 ? 15 : m->in.w - p.x - 6, m->d->ramp);
    p.x += m->in.w > p.x + 22 ? 16 : m->in.w - p.x - 5;
    if (m->d->per_layer)
        pen_text(&p, ROLE_DIM, "peak");
    else
        pen_printf(&p, ROLE_DIM, " %.2g%s", m->d->clip, m->d->clip < m->d->peak ? "+" : "");
}

/* The column of the neuron under the cursor; -1 if it is not shown. */
static int cursor_column(const struct map *m)
{
    int n = m->d->at_neuron, span = m->to - m->from;

    if (n < m->from || n >= m->to || m->d->order != ORDER_INDEX || span < 1)
        return -1;
    return (int)((long long)(n - m->from) * m->bins / span);
}

static void axis(const struct map *m, int y)
{
    int at = cursor_column(m), mid = (m->from + m->to) / 2;
    struct pen p = pen_at(m->s, m->in, y, LEFT);
    char text[32];

    if (y >= m->in.h)
        return;
    pen_printf(&p, ROLE_DIM, "%s%d", m->d->order == ORDER_INDEX ? "N" : "#", m->from);
    p.x = LEFT + m->bins / 2 - 3;
    if (at < 0 || at > m->bins / 2 + 5 || at < m->bins / 2 - 16)
        pen_printf(&p, ROLE_DIM, "%s%d", m->d->order == ORDER_INDEX ? "N" : "#", mid);
    snprintf(text, sizeof(text), "%s%d", m->d->order == ORDER_INDEX ? "N" : "#", m->to - 1);
    p.x = LEFT + m->bins - text_width(text);
    if (at < 0 || at < m->bins - 18)
        pen_text(&p, ROLE_DIM, text);
    if (at < 0)
        return;
    snprintf(text, sizeof(text), "▴L%dN%d", m->d->at_layer, m->d->at_neuron);
    p.x = LEFT + at;
    if (at + text_width(text) > m->bins) {
        snprintf(text, sizeof(text), "L%dN%d▴", m->d->at_layer, m->d->at_neuron);
        p.x = LEFT + at + 1 - text_width(text);
    }
    pen_text(&p, ROLE_ACCENT, text);
    surface_cursor(m->s, m->in, y, LEFT + at);
}

static void titles(const struct desk *d, int bin, bool narrow, char *title, size_t n, char *hint,
                   size_t m)
{
    char explained[64];
    const char *unit = params_choice(&d->params, P_ATTR_STRATEGY) == STRATEGY_LPS ? ", nats" : "";

    desk_explained(d, explained);
    if (!d->done)
        snprintf(title, n, "Attribution");
    else if (params_choice(&d->params, P_ATTR_STRATEGY) == STRATEGY_MPC)
        snprintf(title, n, "Attribution  MPC   coefficients");
    else
        snprintf(title, n, "%s%s%sΔ %sp(%s)%s%s%s", narrow ? "" : "Attribution  ",
                 params_choice(&d->params, P_ATTR_STRATEGY) == STRATEGY_LPS ? "LPS" : "PSA",
                 narrow ? "  " : "   ", *unit ? "log " : "", explained, narrow ? "" : unit,
                 d->approximate ? "  ≈" : "", d->stale ? "  before the last change" : "");
    if (d->attributing)
        snprintf(hint, m, "%d of %d layers", d->done, d->layers);
    else if (bin > 1)
        snprintf(hint, m, "%s of each bin of %d", heat_pool_name(d->pool), bin);
    else
        snprintf(hint, m, "one column a neuron");
}

/* Which layers fit, the one under the cursor among them. */
static void choose_layers(struct map *m, int rows)
{
    m->full = rows >= m->d->layers;
    m->count = m->full ? m->d->layers : rows * 2;
    m->first = 0;
    if (m->count >= m->d->layers) {
        m->count = m->d->layers;
    } else if (m->count > 0) {
        m->first = (m->d->at_layer - m->count / 2) & ~1;
        if (m->first > m->d->layers - m->count)
            m->first = (m->d->layers - m->count + 1) & ~1;
        m->first = m->first < 0 ? 0 : m->first;
        if (m->count > m->d->layers - m->first)
            m->count = m->d->layers - m->first;
    }
}

void pane_map(const struct desk *d, struct map_window window, struct surface *s, struct rect area,
              bool focus)
{
    int neurons = d->model.neurons, room = area.w - 4 - LEFT - RIGHT;
    struct map m = {.d = d, .s = s, .from = window.from, .to = window.to ? window.to : neurons};
    char title[160], hint[64];
    struct heatmap map;
    float *value;

    room = room > 8 ? room : 8;
    m.bins = m.to - m.from < room ? m.to - m.from : room;
    titles(d, m.bins > 0 ? (m.to - m.from + m.bins - 1) / m.bins : 0, area.w < 60, title,
           sizeof(title), hint, sizeof(hint));
    m.in = box_draw(s, area, title, neurons ? hint : "", focus);
    m.plot = (struct rect){m.in.y, m.in.x + LEFT, m.in.h - 2, m.bins};
    if (!d->ready || rect_empty(m.plot) || m.bins < 1) {
        struct pen p = pen_at(s, m.in, m.in.h / 2, m.in.w / 2 - 12);

        if (!rect_empty(m.in) && !d->ready)
            pen_text(&p, ROLE_DIM, "the model is being loaded");
        return;
    }
    choose_layers(&m, m.plot.h);
    value = xmalloc(((size_t)m.count * 2 + 1) * (size_t)m.bins * sizeof(*value));
    values(&m, value);
    map = (struct heatmap){
        value, m.count * (m.full ? 2 : 1), m.bins, d->per_layer ? 1 : d->clip, d->scale, d->ramp};
    heatmap_draw(&map, s, m.plot);
    free(value);
    labels(&m);
    if (d->done) {
        int rows = m.full ? m.count : (m.count + 1) / 2;

        legend(&m, rows);
        axis(&m, rows + 1);
    } else {
        struct pen p = pen_at(s, m.in, m.in.h - 1, LEFT);

        if (m.in.w >= 60)
            pen_text(&p, ROLE_DIM, "not computed yet: ");
        pen_text(&p, ROLE_KEY, "x");
        pen_fit(&p, ROLE_DIM, m.in.w - p.x, " scores every neuron for this fact");
    }
}
