/* Fills the tables behind the views. Column names are part of the export format: extend them, do
 * not rename them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "views/view_tables.h"

const char *const export_kinds[] = {"safetensors", "gguf", "lora", "delta", "json", NULL};

bool export_is_unedited(const struct export_report *x)
{
    return !x->tensors && strcmp(x->as, "json") != 0; /* that one is the journal */
}

const char *const picture_endings[PICTURE_FORMS] = {".svg", ".ansi", ".txt"};

void export_endings(const char *out[EXPORT_ENDINGS])
{
    int n = 0;

    out[n++] = picture_endings[PICTURE_SVG];
    out[n++] = PAGE_ENDING;
    for (const struct table_form *form = table_forms; *form->ending; form++)
        out[n++] = form->ending;
    for (int i = 0; i < PICTURE_FORMS; i++)
        if (i != PICTURE_SVG)
            out[n++] = picture_endings[i];
    out[n] = NULL;
}

/* Up to 12 tokens that a neuron promotes or suppresses, " | " between them; missing if not known.
 */
static void neuron_tokens_cell(struct table *s, const struct neuron_info *n, bool promotes)
{
    struct buf out = {0};

    for (int i = 0; n && i < n->count && i < 12; i++)
        buf_printf(&out, "%s%s", i ? " | " : "",
                   promotes ? n->promotes[i].text : n->suppresses[i].text);
    table_text(s, n ? out.data ? out.data : "" : NULL);
    buf_free(&out);
}

/* What a row is of if it does not match what is at hand; else empty. */
static void stale_cell(struct table *s, const struct ui_state *d, const void *result)
{
    char words[UI_WORDS];

    table_text(s, ui_differs_words(d, result, words));
}

/* One neuron: address, strength, class, weight, a score per row, coefficient, tokens. */
static void neuron_row(struct table *s, const struct ui_state *d, const struct ui_layer *layer,
                       int l, int j, int rows, const char *stale)
{
    const struct neuron_info *info = ui_neuron_info(d, l, j);
    const struct attribution *a = layer->shown;
    char address[32];

    snprintf(address, sizeof(address), "L%dN%d", l, j);
    table_text(s, address);
    table_integer(s, l);
    table_integer(s, j);
    table_real(s, layer->strength ? (double)layer->strength[j] : (double)NAN);
    table_text(s, layer->mask ? class_name(layer->mask->class_bits[j]) : NULL);
    table_real(s, ui_weight(d, l, j));
    for (int r = 0; r < rows; r++)
        table_real(s, r < a->rows ? (double)a->score[(size_t)r * (size_t)a->neurons + (size_t)j]
                                  : (double)NAN);
    table_real(s, (double)a->activation[j]);
    neuron_tokens_cell(s, info, true);
    neuron_tokens_cell(s, info, false);
    table_text(s, stale);
}

/* Every neuron of the edited layers, or of the layer under the cursor where none is edited. At
 * most 24 rows of the attribution become columns. */
bool table_of_neurons(struct table *s, const struct ui_state *d)
{
    int rows = d->header ? d->header->rows : 0;
    char stale[UI_WORDS];
    bool any = false;

    rows = rows > 24 ? 24 : rows;
    table_columns(s, "address layer neuron strength class weight");
    for (int r = 0; r < rows; r++) {
        char name[24];

        snprintf(name, sizeof(name), "score_%d", r + 1);
        table_columns(s, name);
    }
    table_columns(s, "coefficient promotes suppresses stale");
    for (int l = 0; l < d->layers; l++)
        any |= ui_edits_layer(d, l) && d->layer[l].shown;
    for (int l = 0; l < d->layers; l++)
        if (d->layer[l].shown && (any ? ui_edits_layer(d, l) : l == d->at_layer)) {
            ui_differs_words(d, d->layer[l].score, stale);
            for (int j = 0; j < d->layer[l].shown->neurons; j++)
                neuron_row(s, d, &d->layer[l], l, j, rows, stale);
        }
    return s->cells > 0;
}

/* Every neuron of every layer that has scores. */
bool table_of_heatmap(struct table *s, const struct ui_state *d)
{
    table_columns(s, "layer neuron strength class weight stale");
    for (int l = 0; l < d->layers; l++) {
        const struct ui_layer *layer = &d->layer[l];
        char stale[UI_WORDS];

        ui_differs_words(d, layer->score, stale);
        for (int j = 0; layer->shown && layer->strength && j < layer->shown->neurons; j++) {
            table_integer(s, l);
            table_integer(s, j);
            table_real(s, (double)layer->strength[j]);
            table_text(s, layer->mask ? class_name(layer->mask->class_bits[j]) : NULL);
            table_real(s, ui_weight(d, l, j));
            table_text(s, stale);
        }
    }
    return s->cells > 0;
}

/* Entropy, ratio, threshold, count and ties of the general or the specific side. */
static void ratio_side(struct table *s, const struct mask_side *side)
{
    table_real(s, side->H);
    table_real(s, side->rho);
    table_real(s, side->tau);
    table_integer(s, side->chosen);
    table_real(s, side->ties);
}

/* One row per layer that has a mask. */
bool table_of_ratios(struct table *s, const struct ui_state *d)
{
    table_columns(s,
                  "layer edited entropy_ge ratio_ge threshold_ge general ties_ge entropy_sp "
                  "ratio_sp threshold_sp specific ties_sp both kept neurons gain leak leak_ratio "
                  "percentile_gain percentile_leak stale stale_gain");
    for (int l = 0; l < d->layers; l++) {
        const struct layer_report *w = ui_layer_report(d, l);
        const struct mask *m = d->layer[l].mask;

        if (!m)
            continue;
        table_integer(s, l);
        table_bool(s, ui_edits_layer(d, l));
        ratio_side(s, &m->general);
        ratio_side(s, &m->specific);
        table_integer(s, m->both);
        table_real(s, ui_kept_in(d, l) < 0 ? (double)NAN : ui_kept_in(d, l));
        table_integer(s, m->neurons);
        table_real(s, w ? w->gain : (double)NAN);
        table_real(s, w ? w->leak : (double)NAN);
        table_real(s, w ? w->leak_ratio : (double)NAN);
        table_real(s, w && w->percentile_gain >= 0 ? w->percentile_gain : (double)NAN);
        table_real(s, w && w->percentile_leak >= 0 ? w->percentile_leak : (double)NAN);
        stale_cell(s, d, d->layer[l].score);
        stale_cell(s, d, d->estimate ? (const void *)d->estimate : d->preview);
    }
    return s->cells > 0;
}

static const char *state_name(unsigned state)
{
    return state == STATE_BASE ? "base" : state == STATE_EDITED ? "edited" : "preview";
}

/* One row per state, layer and position. */
bool table_of_lens(struct table *s, const struct ui_state *d)
{
    table_columns(s, "state layer position token top p rank_old rank_new stale");
    for (unsigned state = STATE_BASE; state <= STATE_PREVIEW; state *= 2) {
        const struct lens_grid *g = ui_lens(d, state);
        char stale[UI_WORDS];

        ui_differs_words(d, g, stale);
        for (int i = 0; g && i < g->layers * g->tokens; i++) {
            table_text(s, state_name(state));
            table_integer(s, i / g->tokens);
            table_integer(s, i % g->tokens);
            table_text(s, g->token[i % g->tokens].text);
            table_text(s, g->top[i].text);
            table_real(s, g->top[i].p);
            table_real(s, g->rank_old ? g->rank_old[i] : (double)NAN);
            table_real(s, g->rank_new ? g->rank_new[i] : (double)NAN);
            table_text(s, stale);
        }
    }
    return s->cells > 0;
}

/* One row per likely next token of each answer. */
bool table_of_answers(struct table *s, const struct ui_state *d)
{
    table_columns(s, "state edit changed prompt completion rank token id p logit stale");
    for (int i = 0; i < UI_ANSWERS; i++) {
        const struct answer *a = d->answer[i];

        for (int k = 0; a && k < a->nexts; k++) {
            table_text(s, state_name(a->state));
            table_integer(s, a->edit);
            table_integer(s, a->changed);
            table_text(s, a->prompt);
            table_text(s, a->completion);
            table_integer(s, k + 1);
            table_text(s, a->next[k].text);
            table_integer(s, a->next[k].id);
            table_real(s, a->next[k].p);
            table_real(s, a->next[k].logit);
            stale_cell(s, d, a);
        }
    }
    return s->cells > 0;
}

/* One fact of an edit. p_before and p_after are p(first token): the names of the first release. */
static void history_row(struct table *s, const struct history_entry *e,
                        const struct history_fact *f)
{
    table_integer(s, e->edit);
    table_bool(s, e->active);
    table_integer(s, (long)e->when);
    table_text(s, f->subject);
    table_text(s, f->prompt);
    table_text(s, f->target);
    table_text(s, f->old);
    table_real(s, f->p_first[0]);
    table_real(s, f->p_first[1]);
    table_integer(s, e->kept);
    if (f->outcome == OUTCOME_UNKNOWN)
        table_missing(s);
    else
        table_bool(s, f->outcome == OUTCOME_HELD);
    table_bool(s, e->draft);
    table_text(s, e->checksum);
    table_text(s, e->note);
    for (int i = 0; i < 2; i++)
        table_real(s, f->p_target[i]);
    for (int i = 0; i < 2; i++)
        table_real(s, f->p_first[i]);
    table_integer(s, e->facts);
    table_text(s, e->method);
}

bool table_of_history(struct table *s, const struct ui_state *d)
{
    table_columns(s, "edit active when subject prompt target old p_before p_after kept success "
                     "draft checksum note p_target_before p_target_after p_first_before "
                     "p_first_after facts method");
    for (int i = 0; d->history && i < d->history->count; i++)
        for (int k = 0; k < d->history->entry[i].facts; k++)
            history_row(s, &d->history->entry[i], &d->history->entry[i].fact[k]);
    return s->cells > 0;
}

/* One row per probe of a scoreboard. */
static void probe_rows(struct table *s, const struct ui_state *d, const struct probe_report *board,
                       const char *subject, const char *state)
{
    for (int i = 0; board && i < board->probes; i++) {
        const struct probe_result *p = &board->probe[i];

        table_text(s, board->subject ? board->subject : subject);
        table_text(s, state);
        table_text(s, probe_word(p->kind));
        table_text(s, p->prompt);
        table_text(s, p->expected);
        for (int k = 0; k < 2; k++) {
            table_text(s, p->said[k]);
            table_real(s, p->p[k]);
            table_bool(s, p->ok[k]);
        }
        table_bool(s, p->known);
        table_real(s, p->p_target[0]);
        table_real(s, p->p_target[1]);
        stale_cell(s, d, board);
    }
}

/* The scoreboards of the fact at hand and of the list. */
bool table_of_facts(struct table *s, const struct ui_state *d)
{
    static const char *const state[] = {"waits", "runs", "holds", "does not hold", "failed"};

    table_columns(s, "subject state kind prompt expected said_before p_before ok_before said_after "
                     "p_after ok_after known p_target_before p_target_after stale");
    probe_rows(s, d, ui_scoreboard(d), d->fact.subject, "at hand");
    for (int i = 0; i < d->queue_count; i++) {
        const struct queued_fact *q = &d->queue[i];

        table_text(s, q->fact.subject);
        table_text(s, ui_rewritten_since(d, q)     ? "rewritten"
                      : ui_overwritten_since(d, q) ? "overwritten"
                                                   : state[q->state]);
        table_text(s, "edit");
        table_text(s, q->fact.prompt);
        table_text(s, q->fact.target);
        table_missing(s);
        table_real(s, q->p[0]);
        table_missing(s);
        table_text(s, *q->why ? q->why : NULL);
        table_real(s, q->p[1]);
        table_bool(s, q->state == QUEUE_HOLDS);
        table_bool(s, true);
        table_real(s, q->p[0]);
        table_real(s, q->p[1]);
        table_missing(s);
        probe_rows(s, d, q->probes, q->fact.subject, state[q->state]);
    }
    return s->cells > 0;
}

/* Two columns for a metric that has a value before the edit; two for a count, the whole and the
 * part; else one. */
static void metric_columns(struct table *s)
{
    for (int m = 0; m < metric_count; m++) {
        char name[96];

        if (metric_table[m].has_before)
            snprintf(name, sizeof(name), "%s_before %s_after", metric_table[m].key,
                     metric_table[m].key);
        else
            snprintf(name, sizeof(name), "%s %s", metric_table[m].key,
                     metric_table[m].whole_key ? metric_table[m].whole_key : "");
        table_columns(s, name);
    }
}

static void metric_cells(struct table *s, const struct metric *metric, const struct measured *m)
{
    if (metric->show == METRIC_YES) {
        table_bool(s, m->part > 0);
    } else if (metric->whole_key) {
        table_real(s, m->part);
        table_real(s, m->whole);
    } else {
        if (metric->has_before)
            table_real(s, measured_before(m));
        table_real(s, measured_value(m));
    }
}

/* The state that a variant was tried on: "base", "edit:N"; "" in a recording that does not say. */
static void table_state(struct table *s, const struct variant_result *t)
{
    if (t->edit)
        table_format(s, "edit:%d", t->edit);
    else
        table_text(s, *t->state ? "base" : "");
}

/* One row per variant, with the knobs it was made with. */
bool table_of_variants(struct table *s, const struct ui_state *d)
{
    static const enum param knob[] = {P_EDIT_METHOD, P_MASK_MODE,     P_MASK_COMPENSATE,
                                      P_RATIO_GE_A,  P_RATIO_GE_B,    P_RATIO_SP_A,
                                      P_RATIO_SP_B,  P_RATIO_INV_TEMP};
    const int knobs = (int)(sizeof(knob) / sizeof(*knob));

    table_columns(s, "variant");
    for (int k = 0; k < knobs; k++)
        table_columns(s, param_info(knob[k])->name);
    metric_columns(s);
    table_columns(s, "said p_before p_after p_first_before p_first_after state");
    for (int i = 0; i < UI_VARIANTS; i++) {
        const struct variant_result *t = d->variant[i];

        const struct measured *p;

        if (!t)
            continue;
        p = &t->metric[metric_find("p(target)")]; /* again, as p_before and p_after */
        table_integer(s, t->variant);
        for (int k = 0; k < knobs; k++) {
            struct buf value = {0};

            params_show(&t->params, knob[k], &value);
            if (param_info(knob[k])->kind == PARAM_NUMBER)
                table_real(s, t->params.value[knob[k]]);
            else
                table_text(s, value.data);
            buf_free(&value);
        }
        for (int m = 0; m < metric_count; m++)
            metric_cells(s, &metric_table[m], &t->metric[m]);
        table_text(s, t->said);
        table_real(s, measured_before(p));
        table_real(s, measured_value(p));
        table_real(s, t->p_first[0]);
        table_real(s, t->p_first[1]);
        table_state(s, t);
    }
    return s->cells > 0;
}

bool view_table_of(struct table *table, const struct view_ops *view, const struct ui_state *d)
{
    struct buf about = {0};

    *table = (struct table){.name = view->name};
    if (view->table && view->table(table, d)) {
        (view->about ? view->about : ui_about)(d, &about);
        table_about(table, about.data);
        buf_free(&about);
        return true;
    }
    table_free(table);
    return false;
}
