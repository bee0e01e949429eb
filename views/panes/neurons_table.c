/* Filters and sorts neurons, and draws their rows. */
#include "views/panes/neurons_table.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "tui/text.h"
#include "views/interventions.h"
#include "views/panes/panes.h"

const char *sort_name(enum table_sort sort)
{
    static const char *const name[SORT_COUNT] = {"score", "class", "index", "activation",
                                                 "value norm"};

    return name[sort];
}

bool tag_has(const struct table_tags *tags, int layer, int neuron)
{
    for (int i = 0; i < tags->count; i++)
        if (tags->at[i].layer == layer && tags->at[i].neuron == neuron)
            return true;
    return false;
}

bool tag_toggle(struct table_tags *tags, int layer, int neuron)
{
    for (int i = 0; i < tags->count; i++)
        if (tags->at[i].layer == layer && tags->at[i].neuron == neuron) {
            tags->at[i] = tags->at[--tags->count];
            return true;
        }
    if (tags->count >= TAGS_MAX)
        return false;
    tags->at[tags->count++] = (struct neuron_place){layer, neuron};
    return true;
}

bool neuron_has_token(const struct neuron_info *n, const char *text, bool promotes)
{
    for (int i = 0; n && i < n->count; i++)
        if (strcasestr(promotes ? n->promotes[i].text : n->suppresses[i].text, text))
            return true;
    return false;
}

/* What one word of the filter means. */
enum term_kind {
    TERM_LAYERS,
    TERM_CLASS,
    TERM_KEPT,
    TERM_FORCED,
    TERM_CHANGED,
    TERM_TAGGED,
    TERM_CHOSEN,
    TERM_ABOVE,
    TERM_BELOW,
    TERM_PROMOTES,
    TERM_SUPPRESSES,
    TERM_ANY
};

struct term {
    enum term_kind kind;
    int from, to; /* layers; class bits */
    double value;
    char word[48];
};

/* ">2.5" or "<0". */
static bool number_term(const char *word, struct term *t)
{
    char *end;

    if (*word != '>' && *word != '<')
        return false;
    t->value = strtod(word + 1, &end);
    t->kind = *word == '>' ? TERM_ABOVE : TERM_BELOW;
    return end != word + 1 && !*end;
}

/* "all", "L5", "5", "L4-8" or "4-L8". */
static bool layer_term(const struct ui_state *d, const char *word, struct term *t)
{
    const char *p = word + (*word == 'L' || *word == 'l');
    char *end;

    t->kind = TERM_LAYERS;
    if (!strcmp(word, "all")) {
        t->to = d->layers - 1;
        return true;
    }
    if (p == word || !isdigit((unsigned char)*p))
        return false;
    t->from = t->to = (int)strtol(p, &end, 10);
    if (*end == '-')
        t->to = (int)strtol(end + 1 + (end[1] == 'L' || end[1] == 'l'), &end, 10);
    return !*end;
}

/* One word of the filter. A word without a meaning of its own is part of a token. */
static struct term parse_term(const struct ui_state *d, const char *word)
{
    static const struct {
        const char *word;
        enum term_kind kind;
        int bits;
    } known[] = {{"general", TERM_CLASS, CLASS_GENERAL},
                 {"▲", TERM_CLASS, CLASS_GENERAL},
                 {"specific", TERM_CLASS, CLASS_SPECIFIC},
                 {"●", TERM_CLASS, CLASS_SPECIFIC},
                 {"both", TERM_CLASS, CLASS_GENERAL | CLASS_SPECIFIC},
                 {"◆", TERM_CLASS, CLASS_GENERAL | CLASS_SPECIFIC},
                 {"none", TERM_CLASS, 0},
                 {"edited", TERM_LAYERS, -1},
                 {"kept", TERM_KEPT, 0},
                 {"forced", TERM_FORCED, 0},
                 {"changed", TERM_CHANGED, 0},
                 {"tagged", TERM_TAGGED, 0},
                 {"chosen", TERM_CHOSEN, 0}};
    struct term t = {.kind = TERM_PROMOTES};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (!strcmp(word, known[i].word))
            return (struct term){.kind = known[i].kind, .from = known[i].bits};
    if (number_term(word, &t) || layer_term(d, word, &t))
        return t;
    t.kind = *word == '-' && word[1] ? TERM_SUPPRESSES : TERM_PROMOTES;
    utf8_copy(t.word, sizeof(t.word), word + (t.kind == TERM_SUPPRESSES));
    return t;
}

enum { TERMS = 16 };

/* Splits the filter into at most TERMS terms; returns how many. */
static int parse_filter(const struct ui_state *d, const char *filter, struct term *out)
{
    int n = 0;

    while (n < TERMS) {
        char word[48];
        size_t len;

        filter += strspn(filter, " ");
        len = strcspn(filter, " ");
        if (!len)
            break;
        snprintf(word, sizeof(word), "%.*s", (int)len, filter);
        out[n++] = parse_term(d, word);
        filter += len;
    }
    return n;
}

/* Whether a neuron satisfies a term. Terms about layers were applied before. */
static bool term_matches(const struct ui_state *d, const struct neurons_table *table,
                         const struct term *t, const struct ranked_neuron *n)
{
    switch (t->kind) {
    case TERM_CLASS:
        return (int)(n->class_bits & 3) == t->from;
    case TERM_KEPT:
        return n->kept;
    case TERM_FORCED:
        return mask_override_of(d, n->layer, n->neuron) != 0;
    case TERM_CHANGED:
        return intervention_of(d, n->layer, n->neuron) != NULL;
    case TERM_TAGGED:
        return tag_has(&table->tags, n->layer, n->neuron);
    case TERM_CHOSEN:
        return ui_neuron_chosen(d, n->layer, n->neuron);
    case TERM_ABOVE:
        return n->score > t->value;
    case TERM_BELOW:
        return n->score < t->value;
    case TERM_PROMOTES:
    case TERM_SUPPRESSES:
        return neuron_has_token(ui_neuron_info(d, n->layer, n->neuron), t->word,
                                t->kind == TERM_PROMOTES);
    default:
        return true; /* the layers are chosen before */
    }
}

/* Whether rows of a layer are listed at all: those that the filter names; every layer if it asks
 * for forced, changed or tagged neurons, which may be anywhere; those that a method chose neurons
 * in; else the layer under the cursor. */
static bool layer_wanted(const struct ui_state *d, const struct term *term, int terms, int layer)
{
    bool any = false, wanted = true;

    for (int i = 0; i < terms; i++)
        if (term[i].kind == TERM_LAYERS) {
            any = true;
            wanted &= term[i].from < 0 ? ui_edits_layer(d, layer)
                                       : layer >= term[i].from && layer <= term[i].to;
        } else if (term[i].kind == TERM_FORCED || term[i].kind == TERM_CHANGED ||
                   term[i].kind == TERM_TAGGED) {
            any = true; /* these may lie anywhere */
        } else if (term[i].kind == TERM_CHOSEN) {
            any = true;
            wanted &= ui_chosen_in(d, layer) != NULL;
        }
    return any ? wanted : layer == d->at_layer;
}

struct keyed_row { /* a row and what it is sorted by */
    struct ranked_neuron row;
    double key;
    int class;
};

static int by_key(const void *a, const void *b)
{
    const struct keyed_row *x = a, *y = b;
    int order = number_order(y->key, x->key);

    if (x->class != y->class)
        return x->class - y->class;
    if (order)
        return order;
    return x->row.layer != y->row.layer ? x->row.layer - y->row.layer
                                        : x->row.neuron - y->row.neuron;
}

/* What a row is sorted by: a class first if that is asked for, then a number, largest first. */
static struct keyed_row sort_key_of(const struct ui_state *d, enum table_sort sort,
                                    const struct ranked_neuron *n)
{
    static const int class_rank[4] = {3, 1, 2, 0};
    const struct attribution *a = d->layer[n->layer].shown;
    struct keyed_row out = {*n, n->score, 0};

    if (sort == BY_CLASS)
        out.class = class_rank[n->class_bits & 3];
    else if (sort == BY_INDEX)
        out.key = -(double)n->neuron - 1e9 * n->layer;
    else if (sort == BY_ACTIVATION && a)
        out.key = fabs((double)a->activation[n->neuron]);
    else if (sort == BY_NORM && a)
        out.key = (double)a->value_norm[n->neuron];
    return out;
}

/* Sorts the rows, in the opposite order if the table is inverted. */
static void sort_rows(const struct ui_state *d, const struct neurons_table *t,
                      struct ranked_neuron *row, int n)
{
    struct keyed_row *keyed_row = xmalloc(((size_t)n + 1) * sizeof(*keyed_row));

    for (int i = 0; i < n; i++)
        keyed_row[i] = sort_key_of(d, t->sort, &row[i]);
    qsort(keyed_row, (size_t)n, sizeof(*keyed_row), by_key);
    for (int i = 0; i < n; i++)
        row[t->inverted ? n - 1 - i : i] = keyed_row[i].row;
    free(keyed_row);
}

/* The neurons that a method chose in a layer without scores. Returns how many. */
static int unscored_rows(const struct ui_state *d, int layer, struct ranked_neuron *out)
{
    const struct layer_report *report = ui_chosen_in(d, layer);

    for (int i = 0; report && i < report->chosen; i++)
        out[i] =
            (struct ranked_neuron){layer, report->chosen_neuron[i].neuron, (double)NAN, 0, false};
    return report ? report->chosen : 0;
}

/* The rows that pass the filter. With several layers, the TABLE_EACH strongest neurons of each are
 * considered, or all where it asks for chosen ones. Without `use_words`, terms about tokens let
 * everything pass. */
static struct ranked_neuron *filtered_rows(const struct ui_state *d, const struct neurons_table *t,
                                           int *n, bool use_words, bool *has_words)
{
    struct term term[TERMS];
    int terms = parse_filter(d, t->filter, term),
        most = d->model.neurons > 0 ? d->model.neurons : 1;
    int wanted = 0, each;
    bool named = false; /* whatever their score */
    struct ranked_neuron *out,
        *layer = xmalloc(((size_t)most + REPORT_CHOSEN + 1) * sizeof(*layer));

    *n = 0;
    for (int l = 0; l < d->layers; l++)
        wanted += layer_wanted(d, term, terms, l);
    for (int i = 0; i < terms; i++)
        named = named || term[i].kind == TERM_CHOSEN;
    each = wanted > 1 && most > TABLE_EACH && !named ? TABLE_EACH : most;
    out = xmalloc(((size_t)wanted * ((size_t)each + REPORT_CHOSEN) + 1) * sizeof(*out));
    for (int i = 0; i < terms; i++) {
        bool word = term[i].kind == TERM_PROMOTES || term[i].kind == TERM_SUPPRESSES;

        if (has_words)
            *has_words |= word;
        if (word && !use_words)
            term[i].kind = TERM_ANY;
    }
    for (int l = 0; l < d->layers; l++) {
        int count;

        if (!layer_wanted(d, term, terms, l) || (wanted > 1 && !named && !ui_row_counts(d, l)))
            continue;
        count = named && !d->layer[l].shown ? unscored_rows(d, l, layer)
                                            : ui_top_neurons(d, l, ORDER_SCORE, layer, each);
        for (int i = 0; i < count; i++) {
            bool pass = true;

            for (int k = 0; k < terms && pass; k++)
                pass = term_matches(d, t, &term[k], &layer[i]);
            if (pass)
                out[(*n)++] = layer[i];
        }
    }
    free(layer);
    sort_rows(d, t, out, *n);
    return out;
}

struct ranked_neuron *table_rows(const struct ui_state *d, const struct neurons_table *t, int *n,
                                 bool *words)
{
    if (words)
        *words = false;
    return filtered_rows(d, t, n, true, words);
}

struct ranked_neuron *table_candidates(const struct ui_state *d, const struct neurons_table *t,
                                       int *n)
{
    return filtered_rows(d, t, n, false, NULL);
}
