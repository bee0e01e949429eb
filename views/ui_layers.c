/* The scores of every layer, which of them match what is at hand, and what is built from them: the
 * largest scores, the colour scale, the masks.
 *
 * A layer keeps a few rows of scores, each with its origin. The one that matches is shown. Where
 * none does, a row of the newest other origin is: one origin for all layers, so that what the title
 * of a pane says is true for each hatched row. Only matching rows count. So a row of another fact
 * or of other weights is never taken for one of now, and after an undo the rows of before are there
 * again at once. */
#include "views/ui_state_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* Drops what was computed from a layer's scores; the scores stay. */
static void layer_forget_shown(struct ui_layer *l)
{
    attribution_unref(l->extrapolated);
    l->shown = l->extrapolated = NULL;
    mask_free(l->mask);
    l->mask = NULL;
    free(l->strength);
    l->strength = NULL;
}

/* The largest score over the rows, of each neuron (Eq. 5), and the strongest neuron. Scores are
 * [rows][neurons]. */
static void layer_measure(struct ui_layer *l)
{
    const struct attribution *a = l->shown;

    l->strength = xcalloc((size_t)a->neurons, sizeof(*l->strength));
    l->strongest = 0;
    for (int r = 0; r < a->rows; r++)
        for (int i = 0; i < a->neurons; i++) {
            float x = a->score[(size_t)r * (size_t)a->neurons + (size_t)i];

            if (!r || x > l->strength[i])
                l->strength[i] = x;
        }
    for (int i = 1; i < a->neurons; i++)
        if (l->strength[i] > l->strength[l->strongest])
            l->strongest = i;
    l->peak = a->neurons && l->strength[l->strongest] > 0 ? (double)l->strength[l->strongest] : 0;
}

/* Scores at another amplification c, extrapolated from those at c0: s + s' (c - c0) + s'' (c -
 * c0)^2 / 2, with the slopes and curvatures that came with them (Eq. 2, 3). */
static struct attribution *attribution_at_amplification(const struct attribution *a, double amplify)
{
    struct attribution *b = attribution_new(a->layer, a->rows, a->neurons, false);
    size_t n = (size_t)a->rows * (size_t)a->neurons;
    float dc = (float)(amplify - a->amplify);

    b->id = a->id;
    b->generation = a->generation;
    b->strategy = a->strategy;
    b->layers = a->layers;
    b->amplify = amplify;
    b->seconds = a->seconds;
    memcpy(b->activation, a->activation, n * sizeof(float));
    memcpy(b->value_norm, a->value_norm, (size_t)a->neurons * sizeof(float));
    attribution_set_keys(b, a->key, a->keys);
    b->draw = a->draw;
    b->words = a->words;
    memcpy(b->target, a->target, (size_t)a->rows * sizeof(int));
    memcpy(b->base_logp, a->base_logp, (size_t)a->rows * sizeof(double));
    for (size_t i = 0; i < n; i++)
        b->score[i] = a->score[i] + a->slope[i] * dc + (a->curve ? a->curve[i] * dc * dc / 2 : 0);
    return b;
}

/* The mask of a layer with the parameters at hand and the user's overrides. */
static struct mask *build_mask(const struct ui_state *d, const struct ui_layer *l)
{
    struct mask *mask = mask_build(l->shown, &d->params);

    mask_apply_overrides(mask, d->mask_override, d->mask_override_count);
    return mask;
}

/* Whether the amplification at hand is another than the scores were made with. */
static bool is_extrapolated(const struct ui_state *d, const struct ui_layer *l)
{
    return l->score->strategy != STRATEGY_MPC &&
           fabs(d->params.value[P_ATTR_AMPLIFY] - l->score->amplify) > 1e-9;
}

/* Decides what is shown of a layer: its scores, or if the amplification has moved since, scores
 * extrapolated to it. Then measures them and builds the mask. */
static void show_layer(struct ui_state *d, struct ui_layer *l)
{
    layer_forget_shown(l);
    if (!l->score)
        return;
    if (is_extrapolated(d, l) && l->score->slope && l->score->strategy == STRATEGY_LPS)
        l->extrapolated = attribution_at_amplification(l->score, d->params.value[P_ATTR_AMPLIFY]);
    l->shown = l->extrapolated ? l->extrapolated : l->score;
    layer_measure(l);
    l->mask = build_mask(d, l);
}

/* End of the colour scale: the strength that one neuron in 5000 exceeds, which with bins of 25
 * neurons is one bin in 200. A few extreme neurons must not darken all others. Found by a
 * histogram of 2048 steps. */
static double colour_clip(const struct ui_state *d)
{
    enum { BINS = 2048 };
    long count[BINS] = {0}, total = 0, above = 0;

    for (int l = 0; l < d->layers; l++)
        for (int i = 0; ui_row_counts(d, l) && i < d->layer[l].shown->neurons; i++) {
            double x = (double)d->layer[l].strength[i] / d->peak;

            count[x > 0 ? x >= 1 ? BINS - 1 : (int)(x * BINS) : 0]++;
            total++;
        }
    for (int b = BINS - 1; b > 0; b--)
        if ((above += count[b]) * 5000 > total)
            return d->peak * (b + 1) / BINS;
    return d->peak;
}

/* How many rows match, whether they are extrapolated, their largest strength, and the end of the
 * colour scale. */
static void count_rows(struct ui_state *d)
{
    d->scored_layers = d->stale_layers = 0;
    d->approximate = false;
    for (int l = 0; l < d->layers; l++) {
        const struct ui_layer *layer = &d->layer[l];

        d->scored_layers += layer->score && !layer->differs;
        d->stale_layers += layer->score && layer->differs;
        d->approximate |= layer->score && !layer->differs && is_extrapolated(d, layer);
    }
    d->peak = 0;
    for (int l = 0; l < d->layers; l++)
        if (ui_row_counts(d, l) && d->layer[l].peak > d->peak) {
            d->peak = d->layer[l].peak;
            d->peak_layer = l;
        }
    d->clip = d->peak > 0 ? colour_clip(d) : 0;
}

/* Only a moved amplification changes the scores themselves; else the masks alone are built again.
 */
void ui_remask(struct ui_state *d)
{
    double amplify = d->params.value[P_ATTR_AMPLIFY];

    ui_match(d);
    for (int l = 0; l < d->layers; l++) {
        struct ui_layer *layer = &d->layer[l];

        if (!layer->score)
            continue;
        if (fabs(layer->shown->amplify - amplify) > 1e-9 || layer->extrapolated) {
            show_layer(d, layer); /* the scores themselves move */
        } else {
            mask_free(layer->mask);
            layer->mask = build_mask(d, layer);
        }
    }
    count_rows(d);
}

/* The newest row that does not match, of all layers; NULL: there is none. */
static const struct ui_row *newest_other_row(const struct ui_state *d)
{
    const struct ui_row *newest = NULL;

    for (int l = 0; l < d->layers; l++)
        for (int i = 0; i < UI_ROWS; i++) {
            const struct ui_row *row = &d->layer[l].row[i];

            if (row->score && (!newest || row->number > newest->number) &&
                origin_differs(d, &row->from, ROW_PARTS))
                newest = row;
        }
    return newest;
}

/* Chooses the row that is shown: one that matches, else one of the same origin as `other`, else
 * none. */
static void layer_match(struct ui_state *d, struct ui_layer *l, const struct ui_row *other)
{
    static const struct ui_row none;
    const struct ui_row *best = &none;

    for (int i = 0; i < UI_ROWS; i++) {
        const struct ui_row *row = &l->row[i];

        if (!row->score)
            continue;
        if (!origin_differs(d, &row->from, ROW_PARTS)) {
            best = row;
            break;
        }
        if (!best->score && other &&
            !stamp_differs(&row->from.stamp, &other->from.stamp, ROW_PARTS))
            best = row;
    }
    l->from = best->from;
    l->differs = best->score ? origin_differs(d, &best->from, ROW_PARTS) : 0;
    l->mpc_differs = l->mpc ? origin_differs(d, &l->mpc_from, ROW_PARTS) : 0;
    if (l->score == best->score)
        return;
    l->score = best->score;
    show_layer(d, l);
}

void ui_match_layers(struct ui_state *d)
{
    const struct ui_row *other = newest_other_row(d);

    for (int l = 0; l < d->layers; l++)
        layer_match(d, &d->layer[l], other);
    count_rows(d);
}

void ui_layers_copy(struct ui_state *d, bool matching)
{
    const struct ui_row *other = matching ? NULL : newest_other_row(d);
    const struct ui_layer *from = d->layer;

    d->layer = xcalloc((size_t)d->layers + 1, sizeof(*d->layer));
    for (int l = 0; l < d->layers; l++) {
        memcpy(d->layer[l].row, from[l].row, sizeof(from[l].row));
        layer_match(d, &d->layer[l], other);
    }
    count_rows(d);
}

void ui_layers_copy_free(struct ui_state *then)
{
    for (int l = 0; l < then->layers; l++)
        layer_forget_shown(&then->layer[l]);
    free(then->layer);
    then->layer = NULL;
}

/* A row replaces the one of the same origin, or the oldest. */
static void take_row(struct ui_state *d, struct ui_layer *l, struct attribution *a,
                     const struct ui_origin *from)
{
    int at = 0;

    while (at < UI_ROWS - 1 && l->row[at].score &&
           stamp_differs(&l->row[at].from.stamp, &from->stamp, ROW_PARTS))
        at++;
    layer_forget_shown(l); /* it may show the row that goes */
    l->score = NULL;
    attribution_unref(l->row[at].score);
    memmove(&l->row[1], &l->row[0], (size_t)at * sizeof(l->row[0]));
    l->row[0] = (struct ui_row){a, *from, ++d->last_row};
    ui_match_layers(d);
}

/* MPC scores that came with another strategy are kept as a preview of the map. */
bool ui_take_layer(struct ui_state *d, struct event *ev)
{
    struct attribution *a = ev->attribution;
    struct ui_origin from = origin_of_event(d, ev);
    struct ui_layer *l;

    if (a->layer < 0 || a->layer >= d->layers) {
        attribution_unref(a);
        return true;
    }
    l = &d->layer[a->layer];
    if (a->strategy == STRATEGY_MPC && params_choice(&d->params, P_ATTR_STRATEGY) != STRATEGY_MPC) {
        attribution_unref(l->mpc);
        l->mpc = a;
        l->mpc_from = from;
        l->mpc_differs = origin_differs(d, &from, ROW_PARTS);
        return true;
    }
    take_row(d, l, a, &from);
    if (d->at_neuron < 0 && !l->differs) { /* the first to come is one that is edited */
        d->at_layer = a->layer;
        d->at_neuron = l->strongest;
    }
    return true;
}

const struct ui_origin *ui_origin_of_row(const struct ui_state *d, const void *score,
                                         unsigned *parts)
{
    *parts = ROW_PARTS;
    for (int l = 0; l < d->layers; l++)
        if (d->layer[l].score == score)
            return &d->layer[l].from;
        else if (d->layer[l].mpc == score)
            return &d->layer[l].mpc_from;
    return NULL;
}

void ui_forget_layers(struct ui_state *d)
{
    for (int l = 0; l < d->layers; l++) {
        layer_forget_shown(&d->layer[l]);
        for (int i = 0; i < UI_ROWS; i++)
            attribution_unref(d->layer[l].row[i].score);
        attribution_unref(d->layer[l].mpc);
        d->layer[l] = (struct ui_layer){0};
    }
    count_rows(d);
}
