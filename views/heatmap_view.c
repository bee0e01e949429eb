/* The map on the whole screen; zooms from bins to single neurons. */
#include <stdio.h>

#include "tui/box.h"
#include "tui/text.h"
#include "views/panes.h"
#include "views/verbs.h"
#include "views/view.h"

struct heat {
    struct map_window window;
};

static void zoom(struct view *v, bool in)
{
    struct heat *h = v->state;
    struct desk *d = v->host->desk;
    int neurons = d->model.neurons, span = h->window.to ? h->window.to - h->window.from : neurons;
    int at = d->at_neuron < 0 ? neurons / 2 : d->at_neuron;

    span = in ? span / 2 : span * 2;
    span = span < 32 ? 32 : span;
    if (span >= neurons) {
        h->window = (struct map_window){0, 0};
        return;
    }
    h->window.from = at - span / 2 < 0 ? 0 : at - span / 2;
    h->window.from = h->window.from + span > neurons ? neurons - span : h->window.from;
    h->window.to = h->window.from + span;
}

/* Keeps the neuron under the cursor in the window. */
static void follow(struct view *v)
{
    struct heat *h = v->state;
    struct desk *d = v->host->desk;
    int span = h->window.to - h->window.from;

    if (!h->window.to || d->at_neuron < 0)
        return;
    if (d->at_neuron < h->window.from)
        h->window.from = d->at_neuron;
    if (d->at_neuron >= h->window.to)
        h->window.from = d->at_neuron - span + 1;
    h->window.to = h->window.from + span;
}

static bool heat_action(struct view *v, enum action action)
{
    struct heat *h = v->state;
    struct desk *d = v->host->desk;
    int span = h->window.to ? h->window.to - h->window.from : d->model.neurons;
    int step = span / 128 > 1 ? span / 128 : 1;

    switch (action) {
    case ACTION_UP:
    case ACTION_DOWN:
        verb_move_layer(d, action == ACTION_UP ? -1 : 1);
        return true;
    case ACTION_LEFT:
    case ACTION_RIGHT:
        verb_move_neuron(d, action == ACTION_LEFT ? -step : step);
        break;
    case ACTION_MUCH_LESS:
    case ACTION_MUCH_MORE:
        verb_move_neuron(d, action == ACTION_MUCH_LESS ? -step * 10 : step * 10);
        break;
    case ACTION_ROW_START:
    case ACTION_ROW_END:
        verb_move_neuron(d, action == ACTION_ROW_START ? -d->model.neurons : d->model.neurons);
        break;
    case ACTION_FIRST:
    case ACTION_LAST:
        verb_move_layer(d, action == ACTION_FIRST ? -d->layers : d->layers);
        return true;
    case ACTION_MORE:
    case ACTION_LESS:
        zoom(v, action == ACTION_MORE);
        return true;
    case ACTION_ENTER:
        v->host->open(v->host, "neurons");
        return true;
    default:
        return false;
    }
    follow(v);
    return true;
}

/* The number under the cursor always stands in words: colour is never the only carrier. */
static void cursor_line(const struct desk *d, struct surface *s, struct rect area)
{
    struct pen p = pen_at(s, area, area.h - 1, 1);
    const struct desk_layer *l = &d->layer[d->at_layer];
    const struct neuron_info *words = desk_words(d, d->at_layer, d->at_neuron);
    unsigned bits = l->mask ? l->mask->class_bits[d->at_neuron] : 0;

    pen_text(&p, class_role(bits), class_glyph(bits));
    pen_printf(&p, ROLE_STRONG, " L%dN%d ", d->at_layer, d->at_neuron);
    pen_printf(&p, ROLE_BAR, " %.4g ", (double)l->strength[d->at_neuron]);
    if (l->mask)
        pen_printf(&p, ROLE_DIM, " weight %.2g ", (double)l->mask->weight[d->at_neuron]);
    if (words) {
        pen_text(&p, ROLE_DIM, " promotes ");
        put_words(&p, words, true, (area.w - p.x) / 2);
        pen_text(&p, ROLE_DIM, "  suppresses ");
        put_words(&p, words, false, area.w - p.x);
    }
}

static void heat_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct heat *h = v->state;
    const struct desk *d = v->host->desk;
    bool line = d->at_neuron >= 0 && d->at_layer < d->layers && d->layer[d->at_layer].shown;

    pane_map(d, h->window, s, (struct rect){area.y, area.x, area.h - line, area.w}, true);
    if (line)
        cursor_line(d, s, area);
}

const struct view_ops view_heatmap = {
    .name = "heatmap",
    .title = "Heatmap",
    .footer =
        "attribute more:zoom less:out scale pool ramp per-layer order enter:neurons copy help:keys",
    .size = sizeof(struct heat),
    .action = heat_action,
    .draw = heat_draw,
};
