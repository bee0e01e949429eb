/* The Heatmap view: layers down, neurons across, the score as colour. It zooms from bins of many
 * neurons to single ones.
 *
 *   +- Attribution  LPS   Δ log p(·Paris), nats ------------ max of each bin of 10 -+
 *   | L0  ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ▂  0.5 |
 *   | L2 ›▀▀▀ one text row is two layers: upper half, lower half ▀▀▀▀▀▀▀▀▀▀▀ ▃  1.0 |
 *   |     N0        ▴L4N101                                              N639       |
 *   +-------------------------------------------------------------------------------+
 *   details of the neuron under the cursor, where there are rows left for them
 *   ◆ L4N101  1.297 nats  weight 1  promotes ·Paris …
 *
 * The pane itself is panes/pane_map.c; this file moves the cursor and the window. A column of the
 * map is a position in the present order of its layer (by index, score or class), so a neuron's
 * column is looked up with heat_order() whenever the cursor moves. The window [from, to) is in
 * these columns.
 *
 * The modes (d) are scores by log probability (LPS), by probability (PSA) or by coefficient (MPC),
 * the activation, and the causal trace, which has tokens in place of neurons and is computed when
 * it is first shown. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/neurons_table.h"
#include "views/panes/panes.h"
#include "views/requests.h"
#include "views/view.h"
#include "views/view_tables.h"

enum { SMALLEST = 16 /* columns at the closest zoom */, DETAILS = 10 /* rows of the details */ };

struct heat {
    struct map_window window;
    int token; /* under the cursor of the trace */
};

/* The mode that is shown: the chosen one, else that of attr.strategy. */
static enum heat_mode mode_of(const struct view *v)
{
    return map_window_mode(&((const struct heat *)v->state)->window, v->host->ui);
}

/* The neuron in each column of the cursor's layer. Caller frees. */
static int *column_order(const struct view *v)
{
    const struct ui_state *d = v->host->ui;
    int *at = xcalloc((size_t)d->model.neurons + 1, sizeof(*at));

    if (d->at_layer < d->layers)
        heat_order(d, mode_of(v), d->at_layer, at);
    return at;
}

/* The column of the neuron under the cursor. */
static int cursor_column(const struct view *v)
{
    const struct ui_state *d = v->host->ui;
    int *at = column_order(v), column = 0;

    for (int i = 0; i < d->model.neurons; i++)
        if (at[i] == d->at_neuron)
            column = i;
    free(at);
    return column;
}

/* Moves the window, if there is one, so that it has the neuron under the cursor. */
static void scroll_to_cursor(struct view *v)
{
    struct heat *h = v->state;
    int span = h->window.to - h->window.from, column;

    if (!h->window.to || v->host->ui->at_neuron < 0)
        return;
    column = cursor_column(v);
    if (column < h->window.from)
        h->window.from = column;
    if (column >= h->window.to)
        h->window.from = column - span + 1;
    h->window.to = h->window.from + span;
}

/* Moves the cursor by columns, in the present order. */
static void move_columns(struct view *v, int by)
{
    struct ui_state *d = v->host->ui;
    int *at = column_order(v), column = cursor_column(v) + by, n = d->model.neurons;

    column = column >= n ? n - 1 : column < 0 ? 0 : column;
    if (n)
        d->at_neuron = at[column];
    free(at);
    scroll_to_cursor(v);
}

/* Zooms around the cursor; back at the full width there is no window. False: already at the end. */
static bool zoom_window(struct view *v, int factor, bool in)
{
    struct heat *h = v->state;
    struct ui_state *d = v->host->ui;
    int neurons = d->model.neurons, span = h->window.to ? h->window.to - h->window.from : neurons;
    int at;

    if ((in && span <= SMALLEST) || (!in && !h->window.to))
        return false;
    if (d->at_neuron < 0)
        d->at_neuron = neurons / 2;
    at = cursor_column(v);
    span = in ? span / factor : span * factor;
    span = span < SMALLEST ? SMALLEST : span;
    if (span >= neurons) {
        h->window.from = h->window.to = 0;
        return true;
    }
    h->window.from = at - span / 2 < 0 ? 0 : at - span / 2;
    h->window.from = h->window.from + span > neurons ? neurons - span : h->window.from;
    h->window.to = h->window.from + span;
    return true;
}

/* Moves by layers that are shown, skipping the others. */
static void move_layer(struct view *v, int by)
{
    const struct heat *h = v->state;
    struct ui_state *d = v->host->ui;
    int left = by < 0 ? -by : by, at = d->at_layer;

    for (int l = at + (by < 0 ? -1 : 1); left && l >= 0 && l < d->layers; l += by < 0 ? -1 : 1)
        if (map_window_has(&h->window, l)) {
            at = l;
            left--;
        }
    d->at_layer = at;
}

/* Requests the causal trace, unless it is there or under way. */
static void start_trace(struct view *v)
{
    const struct ui_state *d = v->host->ui;

    if (!d->trace || ui_differs(d, d->trace))
        request_trace(v->host);
}

/* Whether x computes what the mode shows, since it is not there. */
static bool mode_needs_x(const struct ui_state *d, enum heat_mode mode)
{
    return mode == HEAT_TRACE
               ? !d->trace || ui_differs(d, d->trace)
               : mode <= HEAT_PSA &&
                     mode != (enum heat_mode)params_choice(&d->params, P_ATTR_STRATEGY);
}

static void next_mode(struct view *v)
{
    struct heat *h = v->state;

    h->window.mode = (enum heat_mode)((mode_of(v) + 1) % HEAT_MODES);
    h->window.chosen = true;
    v->host->message(v->host, TONE_PLAIN,
                     !v->host->ui->viewed && mode_needs_x(v->host->ui, h->window.mode)
                         ? "showing %s: {attribute} computes it"
                         : "showing %s",
                     heat_mode_name(h->window.mode));
}

/* If the cursor's layer is hidden now, the cursor goes to the first shown one. */
static void move_to_shown_layer(struct view *v)
{
    const struct heat *h = v->state;
    struct ui_state *d = v->host->ui;

    for (int l = 0; l < d->layers && !map_window_has(&h->window, d->at_layer); l++)
        if (map_window_has(&h->window, l))
            d->at_layer = l;
}

/* Switches between all layers and the edited ones. */
static void next_layers(struct view *v)
{
    struct heat *h = v->state;
    struct ui_state *d = v->host->ui;

    h->window.some = !h->window.some;
    memset(h->window.layer, 0, sizeof(h->window.layer));
    for (int l = 0; l < d->layers && l < PARAM_MAX_LAYERS; l++)
        h->window.layer[l] = ui_edits_layer(d, l);
    move_to_shown_layer(v);
    v->host->message(v->host, TONE_PLAIN, h->window.some ? "edited layers only" : "all layers");
}

/* :layers 4-8,12 or edited or all */
static bool set_layers(struct view *v, const char *text)
{
    struct heat *h = v->state;
    struct ui_state *d = v->host->ui;
    unsigned char wanted[PARAM_MAX_LAYERS] = {0};
    const char *p = text;
    bool all = !strcmp(text, "all");

    if (all || !strcmp(text, "edited")) {
        h->window.some = all;
        next_layers(v);
        return true;
    }
    do {
        char *end;
        long from, to;

        p += strspn(p, " ,L");
        from = to = strtol(p, &end, 10);
        if (end != p && *end == '-')
            to = strtol(p = end + 1 + (end[1] == 'L'), &end, 10);
        if (end == p || from < 0 || to < from || to >= d->layers || to >= PARAM_MAX_LAYERS ||
            (*end && !strchr(", ", *end))) {
            v->host->message(
                v->host, TONE_ERROR,
                "layers: '%s' is not a list of this model's layers; use 4-8,12, edited or all",
                text);
            return true;
        }
        memset(wanted + from, 1, (size_t)(to - from + 1));
        p = end + strspn(end, " ,");
    } while (*p);
    memcpy(h->window.layer, wanted, sizeof(wanted));
    h->window.some = true;
    move_to_shown_layer(v);
    return true;
}

static bool heat_command(struct view *v, const char *word, const char *rest)
{
    return !strcmp(word, "layers") && set_layers(v, rest);
}

/* Keys in the causal trace: the cursor moves over tokens and layers. */
static bool trace_action(struct view *v, enum action action)
{
    struct heat *h = v->state;
    struct ui_state *d = v->host->ui;
    int last = d->trace ? d->trace->tokens - 1 : 0;
    int by = action == ACTION_TOKEN_BACK   ? -1
             : action == ACTION_TOKEN_NEXT ? 1
                                           : action_across(action, last + 1);

    h->token += by;
    h->token = h->token > last ? last : h->token < 0 ? 0 : h->token;
    switch (action) {
    case ACTION_ENTER:
    case ACTION_ATTRIBUTE:
        start_trace(v);
        return true;
    case ACTION_BACK:
        h->window.chosen = false;
        return true;
    default:
        return by != 0;
    }
}

/* :layers edited, or layers among them. */
static bool shows_edited_layers_only(const struct view *v)
{
    const struct heat *h = v->state;
    const struct ui_state *d = v->host->ui;

    for (int l = 0; l < d->layers; l++)
        if (map_window_has(&h->window, l) && !ui_edits_layer(d, l))
            return false;
    return true;
}

/* x scores what is shown: only the edited layers, if the others are hidden. In a mode of scores
 * that are not there the edit's strategy becomes this one. */
static bool attribute_by_mode(struct view *v)
{
    struct ui_state *d = v->host->ui;
    enum heat_mode mode = mode_of(v);
    bool other =
        mode <= HEAT_PSA && mode != (enum heat_mode)params_choice(&d->params, P_ATTR_STRATEGY);
    bool few = shows_edited_layers_only(v);

    if (!other && !few)
        return false;
    if (other) {
        d->params.value[P_ATTR_STRATEGY] = mode;
        d->params.source[P_ATTR_STRATEGY] = FROM_COMMAND_LINE;
    }
    if (few)
        request_edited_scores(v->host);
    else
        request_attribute(v->host);
    if (other)
        v->host->message(v->host, TONE_PLAIN, "the edit now uses the strategy %s",
                         heat_mode_name(mode));
    else
        v->host->message(
            v->host, TONE_PLAIN,
            "scoring the edited layers only; with :layers all {attribute} scores the others, too");
    return true;
}

/* Moves the cursor: a step is a cell of the map, not a neuron. */
static bool move_action(struct view *v, enum action action)
{
    struct heat *h = v->state;
    struct ui_state *d = v->host->ui;
    int span = h->window.to ? h->window.to - h->window.from : d->model.neurons;
    int step = span / 128 > 1 ? span / 128 : 1;
    int layers = action == ACTION_LAYER_BACK   ? -1
                 : action == ACTION_LAYER_NEXT ? 1
                                               : action_steps(action, 8, d->layers);

    switch (action) {
    case ACTION_LEFT:
    case ACTION_RIGHT:
        move_columns(v, action == ACTION_LEFT ? -step : step);
        return true;
    case ACTION_MUCH_LESS:
    case ACTION_MUCH_MORE:
        move_columns(v, action == ACTION_MUCH_LESS ? -step * 10 : step * 10);
        return true;
    case ACTION_ROW_START:
    case ACTION_ROW_END:
        move_columns(v, action == ACTION_ROW_START ? -d->model.neurons : d->model.neurons);
        return true;
    default:
        break;
    }
    move_layer(v, layers);
    if (layers && (d->order == ORDER_INDEX || mode_of(v) == HEAT_TRACE))
        scroll_to_cursor(v);
    return layers != 0;
}

static bool heat_action(struct view *v, enum action action)
{
    struct ui_state *d = v->host->ui;

    if ((mode_of(v) == HEAT_TRACE && trace_action(v, action)) || move_action(v, action))
        return true;
    switch (action) {
    case ACTION_MORE:
    case ACTION_LESS:
        zoom_window(v, 2, action == ACTION_MORE);
        return true;
    case ACTION_ENTER:
        if (d->model.neurons && !zoom_window(v, 4, true))
            v->host->open(v->host, "neurons");
        return true;
    case ACTION_BACK:
        return zoom_window(v, 4, false);
    case ACTION_MODE:
        next_mode(v);
        return true;
    case ACTION_FILTER:
        next_layers(v);
        return true;
    case ACTION_ATTRIBUTE:
        return attribute_by_mode(v);
    default:
        return false;
    }
}

/* Rectangle of the map, and of the details below it. There are details only if all layers fit
 * above them. */
static struct rect heat_areas(const struct view *v, struct rect area, struct rect *below)
{
    const struct heat *h = v->state;
    const struct ui_state *d = v->host->ui;
    struct rect small = {area.y, area.x, area.h - DETAILS, area.w}, map = area;
    struct map_shape m = map_shape(d, &h->window, small);
    int layers = 0, used;

    for (int l = 0; l < d->layers; l++)
        layers += map_window_has(&h->window, l);
    used = m.tall > 1 ? m.rows * m.tall / 2 : (m.rows + 1) / 2;
    map.h = area.h - 1;
    if (m.rows && m.rows == layers && d->scored_layers && d->at_neuron >= 0)
        map.h = used + 4;
    *below = (struct rect){area.y + map.h, area.x, area.h - map.h, area.w};
    return map;
}

/* A click: puts the cursor on the cell at (y, x); false: there is none. */
static bool heat_click(struct view *v, struct rect area, int y, int x)
{
    struct heat *h = v->state;
    struct ui_state *d = v->host->ui;
    struct neuron_place at;
    struct rect below;

    if (mode_of(v) == HEAT_TRACE) {
        int layer = 0, token = trace_token_at(d, h->token, area, y, x, &layer);

        if (token < 0)
            return false;
        h->token = token;
        d->at_layer = layer;
        return true;
    }
    if (!map_neuron_at(d, &h->window, heat_areas(v, area, &below), y, x, &at))
        return false;
    d->at_layer = at.layer;
    d->at_neuron = at.neuron;
    return true;
}

static void heat_find(struct view *v, const char *text)
{
    if (ui_go_to_neuron(v->host->ui, text))
        scroll_to_cursor(v);
    else
        v->host->message(v->host, TONE_WARN, "no neuron '%s': L0N0 to L%dN%d", text,
                         v->host->ui->layers - 1, v->host->ui->model.neurons - 1);
}

/* The weight of a neuron in the mask, in words; nothing where there is no mask. */
static void pen_mask_weight(struct pen *p, const struct ui_state *d)
{
    double weight = ui_weight(d, d->at_layer, d->at_neuron);

    if (isnan(weight))
        return;
    if (!editor_takes_mask(&d->params))
        pen_text(p, ROLE_DIM, weight > 0 ? " chosen " : " not chosen ");
    else if (weight > 0 && weight < 1)
        pen_printf(p, ROLE_DIM, " %.0f %% in the mask ", 100 * weight);
    else
        pen_text(p, ROLE_DIM, weight > 0 ? " in the mask " : " not in the mask ");
}

/* The last row: the neuron under the cursor in words and numbers. Colour must never be the only
 * carrier of a value. */
static void cursor_line(const struct view *v, struct surface *s, struct rect area)
{
    const struct ui_state *d = v->host->ui;
    struct pen p = pen_at(s, area, area.h - 1, 1);
    const struct ui_layer *l = &d->layer[d->at_layer];
    const struct neuron_info *words = ui_neuron_info(d, d->at_layer, d->at_neuron);
    unsigned bits = l->mask ? l->mask->class_bits[d->at_neuron] : 0;
    float *x = xcalloc((size_t)d->model.neurons + 1, sizeof(*x));
    enum heat_mode mode = mode_of(v);
    enum heat_row kind = heat_values(d, mode, d->at_layer, true, x);

    pen_text(&p, class_role(bits), class_glyph(bits));
    pen_printf(&p, ROLE_STRONG, " L%dN%d ", d->at_layer, d->at_neuron);
    if (kind == ROW_EMPTY)
        pen_text(&p, ROLE_DIM, " not computed yet ");
    else
        pen_printf(&p, ROLE_BAR, " %.4g%s ", (double)x[d->at_neuron],
                   kind == ROW_MPC || mode >= HEAT_MPC ? " coefficient"
                   : mode == HEAT_LPS                  ? " nats"
                                                       : "");
    if ((kind == ROW_EXACT || kind == ROW_STALE) && mode < HEAT_MPC && l->strength &&
        fabsf(l->strength[d->at_neuron] - x[d->at_neuron]) > 0) /* the map takes size, not sign */
        pen_printf(&p, ROLE_DIM, "in the row of the largest size; score %.2g ",
                   (double)l->strength[d->at_neuron]);
    if (kind == ROW_MPC)
        pen_text(&p, ROLE_DIM, "not scored ");
    if (kind == ROW_STALE)
        pen_text(&p, ROLE_STALE, "stale ");
    pen_mask_weight(&p, d);
    if (words) {
        pen_text(&p, ROLE_DIM, " promotes ");
        pen_neuron_tokens(&p, words, true, (area.w - p.x) / 2);
        pen_text(&p, ROLE_DIM, "  suppresses ");
        pen_neuron_tokens(&p, words, false, area.w - p.x);
    }
    if (kind == ROW_STALE)
        surface_stale(s, (struct rect){area.y + area.h - 1, area.x, 1, area.w});
    free(x);
}

static void heat_draw(const struct view *v, struct surface *s, struct rect area)
{
    char hint[HINT_MAX];
    const struct heat *h = v->state;
    const struct ui_state *d = v->host->ui;
    struct rect map, below;

    if (mode_of(v) == HEAT_TRACE) {
        pane_trace(d, h->token, s, area, true);
        return;
    }
    map = heat_areas(v, area, &below);
    pane_map(d, &h->window, s, map, true);
    if (d->at_neuron < 0 || d->at_neuron >= d->model.neurons || d->at_layer >= d->layers)
        return;
    if (below.h > DETAILS / 2)
        pane_neuron(d, d->at_layer, d->at_neuron, s,
                    (struct rect){below.y, below.x, below.h - 1, below.w},
                    hint_text(d, hint, "{enter} zooms, then {view-neurons}"));
    cursor_line(v, s, area);
}

const struct view_ops view_heatmap = {
    .name = "heatmap",
    .title = "Heatmap",
    .tab = "Heat",
    .footer = "attribute mode more:zoom less:out scale pool ramp per-layer order filter:edited "
              "target copy help:keys",
    .size = sizeof(struct heat),
    .click = heat_click,
    .action = heat_action,
    .find = heat_find,
    .command = heat_command,
    .draw = heat_draw,
    .table = table_of_heatmap,
};
