/* The heatmap's grid: from scores per neuron to the cells of the screen.
 *
 * A layer of Llama 3 8B has 14336 neurons, the pane perhaps 110 columns. A row of the map is made
 * in five steps:
 *
 *   values   heat_values(): one number per neuron. An attribution has one score per neuron and row
 *            (a row is the prompt, plain or with a context before it); the largest over the rows
 *            counts, Eq. 5.
 *   order    heat_order(): a permutation of the neurons. By index; by score, largest first; or by
 *            class (both, general, specific, none), by score within a class. Every layer has its
 *            own order, so a column of the map is not the same neuron in every row.
 *   window   [from, to) of that order: all at first, a part of it after zooming in.
 *   bins     heat_pool(): n = to - from neurons in B columns. Bin b holds the neurons [b n / B, (b
 *            + 1) n / B) of the order, 130 or 131 each in the example. Its number is the largest
 *            of them, their mean, or how many are in the mask. Where n <= room, a bin is one
 *            neuron.
 *   rule     in an order by score or class, a vertical line where the mask ends takes one more
 *            column:
 *
 *              bins       9 8 7 5 4 | 2 1 0 0        cut after the 5th bin
 *              value[]    9 8 7 5 4 HEAT_RULE 2 1 0 0
 *
 *            All rows get that column, so that they stay aligned; a row without a cut repeats its
 *            last bin.
 *
 * Colours end at `top`. For scores that is the clip of the whole model, ui_state.clip: one neuron
 * in 5000 lies above it (99.98 %), and it does not move while one zooms. For other modes it is the
 * 99.5th percentile of the bins in the grid. A few neurons have scores a hundred times larger than
 * the rest; a scale up to the maximum would leave the map black. With one scale per layer
 * (`per_layer`), and for rows of MPC scores, a row's colours end at its own largest value.
 *
 * On the diverging ramp values keep their sign and colours run from -top to top. */
#include "views/panes/heat_grid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/edit/editors/editors.h"

const char *heat_mode_name(enum heat_mode mode)
{
    static const char *const name[HEAT_MODES] = {"LPS", "PSA", "MPC", "activation", "causal trace"};

    return name[mode];
}

enum heat_mode map_window_mode(const struct map_window *w, const struct ui_state *d)
{
    return w->chosen ? w->mode : (enum heat_mode)params_choice(&d->params, P_ATTR_STRATEGY);
}

bool map_window_has(const struct map_window *w, int layer)
{
    return !w->some || (layer >= 0 && layer < PARAM_MAX_LAYERS && w->layer[layer]);
}

/* The attribution that a mode is drawn from, and what it is there; NULL: there is none yet. What
 * matches comes first: scores of the mode, then MPC scores. */
static const struct attribution *heat_source(const struct ui_layer *l, enum heat_mode mode,
                                             enum heat_row *kind)
{
    bool scores =
        l->shown && (mode == HEAT_ACTIVATION || (enum heat_mode)l->shown->strategy == mode);

    *kind = ROW_EXACT;
    if (scores && !l->differs)
        return l->shown;
    if (mode != HEAT_ACTIVATION && mode != HEAT_MPC)
        *kind = ROW_MPC;
    if (l->mpc && !l->mpc_differs)
        return l->mpc;
    *kind = ROW_STALE; /* MPC scores of something else are worth nothing */
    return scores ? l->shown : NULL;
}

enum heat_row heat_kind(const struct ui_state *d, enum heat_mode mode, int layer)
{
    enum heat_row kind;
    const struct attribution *a = heat_source(&d->layer[layer], mode, &kind);

    return a && a->neurons == d->model.neurons ? kind : ROW_EMPTY;
}

enum heat_row heat_values(const struct ui_state *d, enum heat_mode mode, int layer, bool keep_sign,
                          float *x)
{
    enum heat_row kind;
    const struct attribution *a = heat_source(&d->layer[layer], mode, &kind);
    const float *from;
    bool mpc;

    if (!a || a->neurons != d->model.neurons)
        return ROW_EMPTY;
    mpc = mode != HEAT_ACTIVATION && (enum heat_mode)a->strategy != mode;
    from = mode == HEAT_ACTIVATION ? a->activation : a->score;
    keep_sign |= mode == HEAT_ACTIVATION || mode == HEAT_MPC || mpc; /* size is what counts */
    for (int i = 0; i < a->neurons; i++) {
        float most = from[i];

        for (int r = 1; r < a->rows; r++) {
            float v = from[(size_t)r * (size_t)a->neurons + (size_t)i];

            if (keep_sign ? fabsf(v) > fabsf(most) : v > most)
                most = v;
        }
        x[i] = keep_sign || !(most < 0) ? most : 0; /* what only lowers p counts as nothing */
    }
    return kind;
}

/* A neuron and what it is sorted by. */
struct ranked_place {
    float key;
    int class, neuron;
};

static int by_place(const void *a, const void *b)
{
    const struct ranked_place *x = a, *y = b;
    int order = number_order((double)y->key, (double)x->key);

    if (x->class != y->class)
        return x->class - y->class;
    if (order)
        return order;
    return x->neuron - y->neuron;
}

void heat_order(const struct ui_state *d, enum heat_mode mode, int layer, int *at)
{
    static const int class_rank[4] = {3, 1, 2, 0}; /* both, general, specific, none */
    const struct ui_layer *l = &d->layer[layer];
    int n = d->model.neurons;
    struct ranked_place *ranked_place;
    float *x;

    for (int i = 0; i < n; i++)
        at[i] = i;
    if (d->order == ORDER_INDEX)
        return;
    x = xcalloc((size_t)n + 1, sizeof(*x));
    ranked_place = xcalloc((size_t)n + 1, sizeof(*ranked_place));
    if (heat_values(d, mode, layer, false, x) != ROW_EMPTY) {
        for (int i = 0; i < n; i++)
            ranked_place[i] = (struct ranked_place){
                fabsf(x[i]),
                d->order == ORDER_CLASS && l->mask ? class_rank[l->mask->class_bits[i] & 3] : 0, i};
        qsort(ranked_place, (size_t)n, sizeof(*ranked_place), by_place);
        for (int i = 0; i < n; i++)
            at[i] = ranked_place[i].neuron;
    }
    free(ranked_place);
    free(x);
}

/* How many columns of the order lie before the end of the mask; -1: no single cut separates it in
 * this order. By score it is the number of specific neurons, since that is the order Eq. 5 cuts
 * in. By class it is the end of the leading neurons that have a weight. */
static int mask_cut(const struct ui_state *d, enum heat_mode mode, const struct ui_layer *l,
                    const int *at)
{
    int kept = 0, n = d->model.neurons;

    if (d->order == ORDER_INDEX || !l->mask || !l->shown || !editor_takes_mask(&d->params) ||
        (enum heat_mode)l->shown->strategy != mode)
        return -1;
    if (d->order == ORDER_SCORE) /* this is the order Eq. 5 cuts */
        return l->mask->specific.chosen;
    while (kept < n && l->mask->weight[at[kept]] > 0)
        kept++;
    for (int i = kept; i < n; i++)
        if (l->mask->weight[at[i]] > 0 && l->mask->class_bits[at[i]])
            return -1; /* the mask is no beginning of this order */
    return kept;
}

/* Inserts the rule between two bins and moves the bins after it by one column. */
static void put_rule(float *row, int bins, int cut, int from, int to)
{
    int at;

    if (cut <= from || cut >= to) { /* no cut here: the column shows what is beside it */
        row[bins] = bins ? row[bins - 1] : (float)NAN;
        return;
    }
    at = (int)((long long)(cut - from) * bins / (to - from));
    memmove(row + at + 1, row + at, (size_t)(bins - at) * sizeof(*row));
    row[at] = HEAT_RULE;
}

/* The column of a neuron, in a row in this order; -1: it is out of the window. */
static int column_of(const struct heat_grid *g, const float *row, const int *at, int cut,
                     int neuron)
{
    int column = -1;

    for (int i = g->from; i < g->to; i++)
        if (at[i] == neuron)
            column = (int)((long long)(i - g->from) * g->bins / (g->to - g->from));
    for (int i = 0; g->ruled && cut >= 0 && i <= column; i++)
        if (isinf(row[i]) && row[i] < 0) /* the rule takes a column */
            return column + 1;
    return column;
}

static void mark_chosen(struct heat_grid *g, const struct ui_state *d, int r, const int *at,
                        int cut)
{
    const struct layer_report *report = ui_chosen_in(d, g->layer[r]);

    for (int i = 0; report && i < report->chosen; i++) {
        int column = column_of(g, g->value + (size_t)r * (size_t)g->cols, at, cut,
                               report->chosen_neuron[i].neuron);

        if (column < 0)
            continue;
        g->mark = xrealloc(g->mark, ((size_t)g->marks + 1) * sizeof(*g->mark));
        g->mark[g->marks++] = (struct heat_mark){r, column};
    }
}

/* One row of the grid: the five steps of the opening comment, and the column of the cursor. */
static void grid_fill_row(struct heat_grid *g, const struct ui_state *d, enum heat_mode mode, int r)
{
    const struct ui_layer *l = &d->layer[g->layer[r]];
    float *row = g->value + (size_t)r * (size_t)g->cols;
    size_t n = (size_t)d->model.neurons;
    float *x = xcalloc(n + 1, sizeof(*x)), *y = xcalloc(n + 1, sizeof(*y));
    int *at = xcalloc(n + 1, sizeof(*at)), cut;
    bool count;

    g->kind[r] = heat_values(d, mode, g->layer[r], g->differs, x);
    heat_order(d, mode, g->layer[r], at);
    count = d->pool == POOL_ABOVE && l->mask && !l->mask->elsewhere && g->kind[r] == ROW_EXACT;
    for (int i = 0; i < d->model.neurons; i++) {
        float v = x[at[i]];

        if (isfinite(v) && (double)fabsf(v) > g->peak[r])
            g->peak[r] = (double)fabsf(v);
        y[i] = count                                   ? l->mask->weight[at[i]]
               : !isfinite(v)                          ? INFINITY
               : g->differs && g->kind[r] == ROW_EXACT ? v
                                                       : fabsf(v);
    }
    if (g->kind[r] == ROW_EMPTY)
        for (int i = 0; i < g->cols; i++)
            row[i] = NAN;
    else
        heat_pool(y + g->from, g->to - g->from, count || d->pool != POOL_ABOVE ? d->pool : POOL_MAX,
                  row, g->bins);
    cut = mask_cut(d, mode, l, at);
    if (g->ruled && g->kind[r] != ROW_EMPTY)
        put_rule(row, g->bins, cut, g->from, g->to);
    if (g->layer[r] == d->at_layer)
        g->cursor = column_of(g, row, at, cut, d->at_neuron);
    mark_chosen(g, d, r, at, cut);
    free(at);
    free(y);
    free(x);
}

/* Counts the rows of each kind and finds where the colours end. */
static void grid_find_top(struct heat_grid *g, const struct ui_state *d, enum heat_mode mode)
{
    float *all = xmalloc(((size_t)g->rows * (size_t)g->cols + 1) * sizeof(*all));
    bool scores = (enum heat_mode)params_choice(&d->params, P_ATTR_STRATEGY) == mode;
    int n = 0;

    for (int r = 0; r < g->rows; r++) {
        g->exact_rows += g->kind[r] == ROW_EXACT;
        if (g->kind[r] == ROW_EXACT && g->peak[r] > g->highest)
            g->highest = g->peak[r];
        g->mpc_rows += g->kind[r] == ROW_MPC;
        g->stale_rows += g->kind[r] == ROW_STALE;
        for (int i = 0; i < g->cols && g->kind[r] == ROW_EXACT; i++)
            all[n++] = g->value[(size_t)r * (size_t)g->cols + (size_t)i];
    }
    g->clipped = d->pool == POOL_ABOVE ? 100 : 99.5;
    g->top = heat_clip(all, n, g->clipped / 100);
    if (scores && d->pool == POOL_MAX && d->clip > 0 && n) {
        g->top = d->clip;
        g->clipped = 99.98;
    }
    free(all);
}

/* Each row's ramp and the value of its highest colour. */
static void grid_scale_rows(struct heat_grid *g, const struct ui_state *d)
{
    for (int r = 0; r < g->rows; r++) {
        const float *row = g->value + (size_t)r * (size_t)g->cols;
        bool own = g->kind[r] != ROW_EXACT || d->per_layer;

        g->stale[r] = g->kind[r] == ROW_STALE;
        g->ramp[r] = g->kind[r] == ROW_EXACT ? d->ramp : RAMP_GREY;
        g->high[r] = own ? heat_clip(row, g->cols, 1) : g->top;
        if (own && d->pool == POOL_MAX && g->peak[r] > 0 && g->kind[r] == ROW_EXACT)
            g->high[r] = g->peak[r];
    }
}

void heat_grid_make(struct heat_grid *g, const struct ui_state *d, const struct map_window *w,
                    const int *layer, int rows, int room)
{
    enum heat_mode mode = map_window_mode(w, d);
    int neurons = d->model.neurons;
    size_t n = (size_t)(rows > 0 ? rows : 0) + 1;

    *g = (struct heat_grid){.rows = rows > 0 ? rows : 0, .cursor = -1};
    g->differs = d->ramp == RAMP_DIVERGE && d->pool != POOL_ABOVE;
    g->from = w->from >= 0 && w->from < neurons ? w->from : 0;
    g->to = w->to > g->from && w->to <= neurons ? w->to : neurons;
    for (int r = 0; r < g->rows && d->order != ORDER_INDEX; r++)
        g->ruled |= d->layer[layer[r]].mask && d->layer[layer[r]].shown &&
                    (enum heat_mode)d->layer[layer[r]].shown->strategy == mode;
    room -= g->ruled;
    g->bins = g->to - g->from < room ? g->to - g->from : room;
    g->bins = g->bins > 0 ? g->bins : 0;
    g->cols = g->bins + g->ruled;
    g->layer = xcalloc(n, sizeof(*g->layer));
    g->kind = xcalloc(n, sizeof(*g->kind));
    g->stale = xcalloc(n, sizeof(*g->stale));
    g->peak = xcalloc(n, sizeof(*g->peak));
    g->high = xcalloc(n, sizeof(*g->high));
    g->ramp = xcalloc(n, sizeof(*g->ramp));
    g->value = xcalloc(n * ((size_t)g->cols + 1), sizeof(*g->value));
    if (g->rows)
        memcpy(g->layer, layer, (size_t)g->rows * sizeof(*layer));
    for (int r = 0; r < g->rows && g->bins; r++)
        grid_fill_row(g, d, mode, r);
    grid_find_top(g, d, mode);
    grid_scale_rows(g, d);
}

void heat_grid_free(struct heat_grid *g)
{
    free(g->layer);
    free(g->kind);
    free(g->stale);
    free(g->peak);
    free(g->high);
    free(g->ramp);
    free(g->value);
    free(g->mark);
    *g = (struct heat_grid){0};
}
