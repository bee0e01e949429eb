/* editscope attribute: scores, classes, ratios and mask of each layer. It changes no model.
 *
 * Events come in this order: EV_HEADER (rows and order of layers), then for each layer its
 * strongest neurons (EV_NEURON, with the tokens they promote) and the layer itself (EV_LAYER). Each
 * layer is printed when it arrives. With --output the layers are kept and written as a RUN file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/std.h"
#include "core/record/run_file.h"
#include "views/cli/cli.h"

enum { MOST_TOP = 50 };

struct layer { /* one that has arrived */
    struct attribution *attribution;
    struct mask *mask;
    json_t *top; /* its strongest neurons, as JSON */
};

struct watch {
    char *fact;          /* as JSON; NULL: there are several */
    struct layer *layer; /* [layers of the model] in the order they come */
    int count, room;
    int top;                            /* neurons per layer to print */
    struct neuron_info *word[MOST_TOP]; /* of the layer that arrives next */
    int words;
    struct attribution_header rows; /* prompts and targets, owned */
    json_t *events;                 /* header and layers, for the RUN file */
};

/* Frees the neuron events that wait for their layer. */
static void neurons_free(struct watch *w)
{
    while (w->words) {
        struct event ev = {.kind = EV_NEURON, .neuron = w->word[--w->words]};

        event_free(&ev);
    }
}

/* The first five tokens as a JSON array of strings. */
static json_t *tokens_json(const struct shown_token *w, int n)
{
    json_t *list = json_array();

    for (int i = 0; i < n && i < 5; i++)
        json_array_append_new(list, cli_text(w[i].text));
    return list;
}

/* The strongest neurons of a layer: index, score, class, and the tokens each promotes and
 * suppresses. Frees the neuron events that came before the layer. */
static json_t *top_json(struct watch *w, const struct attribution *a, const struct mask *m)
{
    int index[MOST_TOP + 1], n = attribution_strongest(a, w->top, index);
    json_t *top = json_array();

    for (int i = 0; i < n; i++) {
        json_t *o = json_object();

        json_object_set_new(o, "neuron", json_integer(index[i]));
        json_object_set_new(o, "score", cli_real(attribution_strength(a, index[i])));
        json_object_set_new(o, "class", json_string(class_name(m->class_bits[index[i]])));
        for (int k = 0; k < w->words; k++) {
            const struct neuron_info *info = w->word[k];

            if (info->layer != a->layer || info->neuron != index[i])
                continue;
            json_object_set_new(o, "promotes", tokens_json(info->promotes, info->count));
            json_object_set_new(o, "suppresses", tokens_json(info->suppresses, info->count));
        }
        json_array_append_new(top, o);
    }
    neurons_free(w);
    return top;
}

/* One row of the text table; the first row prints the titles too. */
static void layer_text(const struct layer *l, bool first)
{
    const struct mask *m = l->mask;
    struct table t = {.name = "attribute"};
    struct buf top = {0};
    const json_t *o;
    size_t i;

    json_array_foreach(l->top, i, o) buf_printf(
        &top, "%s%d", i ? " " : "", (int)json_integer_value(json_object_get(o, "neuron")));
    table_layout(&t, "layer%5d H_ge%6.3f H_sp%6.3f rho_ge%7.3f rho_sp%7.3f general%8d specific%8d "
                     "both%6d kept%6d seconds%8.2f  strongest neurons%s");
    table_integer(&t, l->attribution->layer);
    table_real(&t, m->general.H);
    table_real(&t, m->specific.H);
    table_real(&t, m->general.rho);
    table_real(&t, m->specific.rho);
    table_integer(&t, m->general.chosen);
    table_integer(&t, m->specific.chosen);
    table_integer(&t, m->both);
    if (m->elsewhere)
        table_text(&t, NULL);
    else
        table_integer(&t, m->selected);
    table_real(&t, l->attribution->seconds);
    table_text(&t, top.data ? top.data : "");
    buf_free(&top);
    if (first)
        cli_titles(&t);
    cli_row(&t);
    std_flush();
    table_free(&t);
}

/* Prints a layer and keeps its record for the RUN file. The first record carries the rows. */
static void print_layer(struct cli *c, struct watch *w, const struct layer *l)
{
    bool first = l == w->layer;
    json_t *o = record_layer(l->attribution, l->mask, first ? &w->rows : NULL, l->top);

    json_array_append(w->events, o);
    if (cli_json(c)) {
        cli_print(o);
    } else {
        json_decref(o);
        layer_text(l, first);
    }
}

/* Prints the header, and each row as "row N: PROMPT ->TARGET". */
static void on_header(struct cli *c, struct watch *w, struct event *ev)
{
    json_t *o = record_header(c, ev->header, "attribute");

    if (w->fact)
        json_object_set_new(o, "fact", json_loads(w->fact, 0, NULL));

    w->room = ev->header->order_count;
    w->layer = xcalloc((size_t)w->room + 1, sizeof(*w->layer));
    w->rows = *ev->header; /* taken over: the first layer's record needs it */
    free(ev->header);
    ev->kind = EV_NONE;
    json_array_append(w->events, o);
    if (cli_json(c)) {
        cli_print(o);
        return;
    }
    json_decref(o);
    for (int i = 0; i < w->rows.rows; i++)
        std_print("row %d: %.256s ->%.64s\n", i, w->rows.prompt[i], w->rows.target[i].text);
}

static void attribute_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct watch *w = ctx;
    struct layer *l;

    if (ev->kind == EV_HEADER && !w->layer) {
        on_header(c, w, ev);
    } else if (ev->kind == EV_LAYER && w->count < w->room && cli_scored(c, ev->attribution)) {
        l = &w->layer[w->count++];
        l->attribution = attribution_ref(ev->attribution);
        l->mask = mask_build(l->attribution, &c->params);
        l->top = top_json(w, l->attribution, l->mask);
        print_layer(c, w, l);
    } else if (ev->kind == EV_NEURON && w->words < MOST_TOP) {
        w->word[w->words++] = ev->neuron;
        ev->kind = EV_NONE;
    }
}

/* Writes scores, masks and all printed records as a RUN file (editscope-formats(7)). */
static bool write_run(struct cli *c, const struct watch *w, struct err *err)
{
    struct run_layer *layer = xcalloc((size_t)w->count + 1, sizeof(*layer));
    char *text = json_dumps(w->events, JSON_COMPACT | JSON_REAL_PRECISION(12));
    bool ok;

    for (int i = 0; i < w->count; i++)
        layer[i] = (struct run_layer){w->layer[i].attribution, w->layer[i].mask};
    ok = run_file_save(c->value[OPT_OUTPUT], layer, w->count, c->state.base, text, err);
    free(text);
    free(layer);
    return ok;
}

/* The closing line: number of layers and seconds of attribution (waiting not included). */
static void print_done(struct cli *c, const struct watch *w)
{
    double seconds = 0;
    char words[64] = "";
    json_t *o;

    for (int i = 0; i < w->count; i++)
        seconds += w->layer[i].attribution->seconds;
    if (w->count && w->layer[0].attribution->words)
        snprintf(words, sizeof(words), ", over %d words that stand for all",
                 w->layer[0].attribution->words);
    if (!cli_json(c)) {
        std_print("%d layers in %.1f s%s%s%s\n", w->count, seconds, words,
                  cli_has(c, OPT_OUTPUT) ? ": " : "",
                  cli_has(c, OPT_OUTPUT) ? c->value[OPT_OUTPUT] : "");
        return;
    }
    o = cli_event("done");
    json_object_set_new(o, "layers", json_integer(w->count));
    json_object_set_new(o, "seconds", cli_real(seconds));
    if (cli_has(c, OPT_OUTPUT))
        json_object_set_new(o, "run", cli_text(c->value[OPT_OUTPUT]));
    cli_print(o);
}

static void watch_free(struct watch *w)
{
    struct event meta = {.kind = EV_HEADER};

    for (int i = 0; i < w->count; i++) {
        attribution_unref(w->layer[i].attribution);
        mask_free(w->layer[i].mask);
        json_decref(w->layer[i].top);
    }
    if (w->layer) {
        meta.header = xmalloc(sizeof(*meta.header));
        *meta.header = w->rows;
        event_free(&meta);
    }
    neurons_free(w);
    free(w->layer);
    free(w->fact);
    json_decref(w->events);
}

static bool attribute_run(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_ATTRIBUTE, .params = c->params};
    const char *layers = c->value[OPT_LAYERS];
    struct watch w = {0};
    long top;
    bool ok;

    cmd.all_layers = !layers || !strcmp(layers, "all");
    if (!cli_number(c, OPT_TOP_NEURONS, 0, MOST_TOP, 5, &top, err) ||
        (cli_has(c, OPT_OUTPUT) && !file_writable(c->value[OPT_OUTPUT], err)) ||
        !cli_facts(c, &cmd.facts, &cmd.count, err))
        return false;
    if (!cli_start(c, cli_has(c, OPT_SESSION) ? NEED_SESSION | READS : 0, err)) {
        cli_facts_free(cmd.facts, cmd.count);
        return false;
    }
    w.top = cmd.top = (int)top;
    w.fact = cmd.count == 1 ? fact_to_json(&cmd.facts[0]) : NULL;
    w.events = json_array();
    ok = cli_job(c, &cmd, attribute_on_event, &w, err) &&
         (!cli_has(c, OPT_OUTPUT) || write_run(c, &w, err));
    if (ok)
        print_done(c, &w);
    watch_free(&w);
    return ok;
}

const struct cli_ops cli_attribute = {
    "attribute", "", "Score every neuron for a fact: classes, ratios, mask",
    FOR_FACT | FOR_ATTRIBUTE | FOR_SESSION | FOR_MODEL | FOR_PARAMS, attribute_run};
