/* Questions that views ask of the screen's state: which layers are edited, the strongest neurons,
 * the answers to the last question. Nothing is changed here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "tui/text.h"
#include "views/ui_state_internal.h"

const struct job_begun *ui_job_begun(const struct ui_state *d, unsigned job)
{
    for (int i = 0; i < UI_BEGUN; i++)
        if (job && d->begun[i].job == job)
            return d->begun[i].what;
    return NULL;
}

struct stamp ui_stamp_with(const struct ui_state *d, const struct fact *fact)
{
    struct stamp_source from = {.facts = fact,
                                .count = 1,
                                .params = &d->params,
                                .mask_overrides = d->mask_override,
                                .mask_override_count = d->mask_override_count,
                                .state = d->state.state};

    return stamp_of(&from);
}

struct stamp ui_stamp_now(const struct ui_state *d)
{
    return ui_stamp_with(d, &d->fact);
}

/* Those of edit.layers; for `auto`, as the engine has said. */
static int named_by_user(const struct ui_state *d, int layer[PARAM_MAX_LAYERS])
{
    int n = 0;

    for (int l = 0; d->params.layer_count && l < PARAM_MAX_LAYERS; l++)
        if (d->params.layer[l])
            layer[n++] = l;
    for (; !d->params.layer_count && n < d->state.edited_count; n++)
        layer[n] = d->state.edited_layers[n];
    return n;
}

bool ui_edits_layer(const struct ui_state *d, int layer)
{
    int named[PARAM_MAX_LAYERS], n = named_by_user(d, named);
    int own[PARAM_MAX_LAYERS], owned = editor_own_layers(&d->params, d->layers, named, n, own);

    if (owned) {
        memcpy(named, own, (size_t)owned * sizeof(int));
        n = owned;
    }
    for (int i = 0; i < n; i++)
        if (named[i] == layer)
            return true;
    return false;
}

#define OF_BASE "of BASE"

const char *scores_of_base(const struct params *p)
{
    return params_choice(p, P_MASK_WEIGHTS) == WEIGHTS_BASE ? " · " OF_BASE : "";
}

const char *edit_of_base(const struct params *p)
{
    bool mask = editor_has_mask(p) && params_choice(p, P_MASK_WEIGHTS) == WEIGHTS_BASE;
    bool target =
        editor_of(p)->needs & NEEDS_TARGET && params_choice(p, P_Z_WEIGHTS) == WEIGHTS_BASE;

    return mask && target ? " · target and mask " OF_BASE
           : target       ? " · target " OF_BASE
           : mask         ? " · mask " OF_BASE
                          : "";
}

/* "L4–8,L12" of layers in ascending order. */
static const char *layers_range(const int *layer, int count, char out[48])
{
    int n = 0;

    out[0] = '\0';
    for (int i = 0, last; i < count && n < 40; i = last + 1) {
        for (last = i; last + 1 < count && layer[last + 1] == layer[last] + 1;)
            last++;
        n += snprintf(out + n, 48 - (size_t)n, last > i ? "%sL%d–%d" : "%sL%d", n ? "," : "",
                      layer[i], layer[last]);
    }
    return out;
}

const char *ui_edited_range(const struct ui_state *d, char out[48])
{
    int layer[PARAM_MAX_LAYERS], count = 0;

    for (int l = 0; l < d->layers && l < PARAM_MAX_LAYERS; l++)
        if (ui_edits_layer(d, l))
            layer[count++] = l;
    return layers_range(layer, count, out);
}

const char *report_range(const struct edit_report *a, char out[48])
{
    int layer[64], count = 0;

    for (int i = 0; i < a->layers; i++)
        if (!count || a->layer[i].layer != layer[count - 1])
            layer[count++] = a->layer[i].layer;
    return layers_range(layer, count, out);
}

/* Whether gain and leak are of the fact and the weights that the layer's scores are of. */
static bool report_is_of_layer(const struct ui_state *d, const struct edit_report *report,
                               int layer)
{
    unsigned parts;
    const struct ui_origin *of = ui_origin(d, report, &parts);

    return !of || !d->layer[layer].score ||
           !stamp_differs(&of->stamp, &d->layer[layer].from.stamp, STAMP_FACT | STAMP_STATE);
}

/* The estimate is newer than the preview: it follows the knobs. */
const struct layer_report *ui_layer_report(const struct ui_state *d, int layer)
{
    const struct edit_report *from[2] = {d->estimate, d->preview};

    for (int k = 0; k < 2; k++)
        for (int i = 0; from[k] && i < from[k]->layers; i++)
            if (from[k]->layer[i].layer == layer && report_is_of_layer(d, from[k], layer))
                return &from[k]->layer[i];
    return NULL;
}

unsigned ui_report_differs(const struct ui_state *d)
{
    return ui_differs(d, d->estimate ? d->estimate : d->preview);
}

/* Both classes first, then general, specific, none. */
static int class_rank(unsigned bits)
{
    static const int rank[4] = {3, 1, 2, 0}; /* [bits]: none, general, specific, both */

    return rank[bits & 3];
}

static int by_score(const void *a, const void *b)
{
    const struct ranked_neuron *x = a, *y = b;
    int order = number_order(y->score, x->score);

    if (order)
        return order;
    return x->layer != y->layer ? x->layer - y->layer : x->neuron - y->neuron;
}

static int by_class(const void *a, const void *b)
{
    const struct ranked_neuron *x = a, *y = b;
    int order = class_rank(x->class_bits) - class_rank(y->class_bits);

    return order ? order : by_score(a, b);
}

static int by_index(const void *a, const void *b)
{
    const struct ranked_neuron *x = a, *y = b;

    return x->layer != y->layer ? x->layer - y->layer : x->neuron - y->neuron;
}

/* Whether the verdict says which neurons the method at hand chose itself. */
static bool choice_is_known(const struct ui_state *d)
{
    const struct ui_verdict *v = ui_verdict(d);

    return v && editor_of(&d->params)->chooses && editor_of(&v->params) == editor_of(&d->params) &&
           (v->committed || !ui_verdict_moved(d));
}

double ui_weight(const struct ui_state *d, int layer, int neuron)
{
    const struct mask *m = d->layer[layer].mask;
    const struct layer_report *r = ui_chosen_in(d, layer);

    if (editor_takes_mask(&d->params))
        return m ? (double)m->weight[neuron] : (double)NAN;
    if (!choice_is_known(d) || (r && r->kept > r->chosen && !ui_neuron_chosen(d, layer, neuron)))
        return (double)NAN; /* a report names some of them */
    return ui_neuron_chosen(d, layer, neuron);
}

int ui_kept_in(const struct ui_state *d, int layer)
{
    const struct mask *m = d->layer[layer].mask;
    const struct layer_report *r = ui_chosen_in(d, layer);

    if (editor_takes_mask(&d->params))
        return m && !m->elsewhere ? m->selected : -1;
    return !choice_is_known(d) ? -1 : r ? r->kept : 0;
}

/* A neuron with what lists show of it. */
static struct ranked_neuron ranked_neuron_at(const struct ui_state *d, int layer, int i)
{
    const struct ui_layer *l = &d->layer[layer];

    return (struct ranked_neuron){layer, i, (double)l->strength[i],
                                  l->mask ? l->mask->class_bits[i] : 0, ui_weight(d, layer, i) > 0};
}

/* Insertion into the best n so far. Cheap while n is small: most neurons lose against the last of
 * them and are not moved. */
static int ranked_insert(struct ranked_neuron *out, int count, int n, struct ranked_neuron new,
                         int (*order)(const void *, const void *))
{
    int at;

    if (count == n && order(&new, &out[n - 1]) >= 0)
        return count;
    count += count < n;
    for (at = count - 1; at > 0 && order(&new, &out[at - 1]) < 0; at--)
        out[at] = out[at - 1];
    out[at] = new;
    return count;
}

int ui_top_neurons(const struct ui_state *d, int layer, enum neuron_order by,
                   struct ranked_neuron *out, int n)
{
    int (*order)(const void *, const void *) = by == ORDER_CLASS ? by_class : by_score;
    bool any = false;
    int count = 0;

    for (int l = 0; l < d->layers; l++)
        any |= ui_edits_layer(d, l);
    if (by == ORDER_INDEX && layer >= 0)
        order = by_index;
    for (int l = 0; l < d->layers; l++) {
        const struct ui_layer *from = &d->layer[l];

        if (!from->shown || (layer < 0 && !ui_row_counts(d, l)) ||
            !(layer < 0 ? !any || ui_edits_layer(d, l) : l == layer))
            continue;
        for (int i = 0; i < from->shown->neurons; i++)
            if (layer >= 0 && n >= from->shown->neurons)
                out[count++] = ranked_neuron_at(d, l, i);
            else
                count = ranked_insert(out, count, n, ranked_neuron_at(d, l, i), order);
    }
    if (layer >= 0)
        qsort(out, (size_t)count, sizeof(*out), order);
    return count;
}

const struct neuron_info *ui_neuron_info(const struct ui_state *d, int layer, int neuron)
{
    for (int i = 0; i < UI_NEURON_INFO; i++)
        if (d->neuron_info[i] && d->neuron_info[i]->layer == layer &&
            d->neuron_info[i]->neuron == neuron && !strcmp(d->neuron_info_state[i], d->state.state))
            return d->neuron_info[i];
    return NULL;
}

bool ui_row_counts(const struct ui_state *d, int layer)
{
    const struct ui_layer *l = &d->layer[layer];

    return l->shown && (!l->differs || !d->scored_layers);
}

const char *ui_explained_token(const struct ui_state *d, char out[64])
{
    unsigned parts;
    const struct ui_origin *of = d->header ? ui_origin(d, d->header, &parts) : NULL;
    bool same = d->header && d->header->rows > 0;

    out[0] = '\0';
    for (int l = 0; l < d->layers && same; l++) /* of the rows that count, or of the stale ones */
        if (d->layer[l].score && (!d->scored_layers || !d->layer[l].differs))
            same = of && !stamp_differs(&of->stamp, &d->layer[l].from.stamp, parts);
    if (same)
        text_piece(out, 64, d->header->target[0].text);
    return out;
}

int ui_scored_words(const struct ui_state *d)
{
    for (int l = 0; l < d->layers; l++)
        if (d->layer[l].score && !d->layer[l].differs && d->layer[l].score->words)
            return d->layer[l].score->words;
    return 0;
}

const char *class_glyph(unsigned class_bits)
{
    static const char *const glyph[4] = {"·", "▲", "●", "◆"};

    return glyph[class_bits & 3];
}

enum role class_role(unsigned class_bits)
{
    static const enum role role[4] = {ROLE_NONE, ROLE_GENERAL, ROLE_SPECIFIC, ROLE_BOTH};

    return role[class_bits & 3];
}

/* The newest answer to a prompt by this state, in the chat form that is chosen now; one that
 * matches before one that does not. */
static const struct answer *find_answer(const struct ui_state *d, const char *prompt,
                                        unsigned state, int edit, bool changed)
{
    const struct answer *stale = NULL;

    for (int i = 0; i < UI_ANSWERS; i++) {
        const struct answer *a = d->answer[i];

        if (!a || a->state != state || a->edit != edit || (a->changed > 0) != changed ||
            a->chat != d->query.chat || strcmp(a->prompt, prompt) != 0)
            continue;
        if (!ui_differs(d, a))
            return a;
        stale = stale ? stale : a;
    }
    return stale;
}

struct answer_pair ui_answer_pair(const struct ui_state *d)
{
    const char *prompt = d->query.prompt ? d->query.prompt
                         : d->answer[0]  ? d->answer[0]->prompt
                                         : NULL;
    struct answer_pair p = {.state = STATE_EDITED, .changed = d->intervention_count > 0};

    if (d->query.state > 0)
        p.edit = d->query.state;
    else if (d->query.state == QUERY_BASE)
        p.state = STATE_BASE;
    else if (d->state.preview)
        p.state = STATE_PREVIEW;
    else if (!d->state.edits)
        p.state = STATE_BASE;
    p.two = p.changed || p.state != STATE_BASE;
    if (!prompt)
        return p;
    p.before = find_answer(d, prompt, STATE_BASE, 0, false);
    if (p.two)
        p.after = find_answer(d, prompt, p.state, p.edit, p.changed);
    return p;
}
