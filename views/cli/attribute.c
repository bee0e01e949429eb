/* editscope attribute: scores, classes, ratios and mask of each layer. Writes to no model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/std.h"
#include "core/record/run_file.h"
#include "views/cli/cli.h"

enum { MOST_TOP = 50 };

/* A layer that has come; it is told once the words of its top neurons have come as well. */
struct layer {
    struct attribution *attribution;
    struct mask *mask;
    json_t *top; /* [wanted] objects */
    int missing; /* of them */
    bool told;
};

struct watch {
    char *fact;          /* that it is of, as JSON */
    struct layer *layer; /* [layers of the model] in the order they come */
    int count, room;
    int waiting;      /* neurons asked for and not heard of */
    int top;          /* neurons a layer */
    struct meta rows; /* copy: the prompts and targets */
    json_t *events;   /* meta and all layers, for the RUN file */
};

static double best_score(const struct attribution *a, int neuron)
{
    double best = -(double)INFINITY;

    for (int r = 0; r < a->rows; r++)
        best = fmax(best, (double)a->score[(size_t)r * (size_t)a->neurons + (size_t)neuron]);
    return best;
}

/* The neurons of the highest scores in any row, the best first. */
static int top_neurons(const struct attribution *a, int wanted, int *out)
{
    int n = 0;

    for (int j = 0; j < a->neurons; j++) {
        double s = best_score(a, j);
        int at = n;

        while (at && best_score(a, out[at - 1]) < s)
            at--;
        if (at >= wanted)
            continue;
        if (n < wanted)
            n++;
        memmove(out + at + 1, out + at, (size_t)(n - 1 - at) * sizeof(int));
        out[at] = j;
    }
    return n;
}

static void ask_words(struct cli *c, struct watch *w, struct layer *l)
{
    int index[MOST_TOP + 1], n = top_neurons(l->attribution, w->top, index);

    l->top = json_array();
    for (int i = 0; i < n; i++) {
        struct command cmd = {
            .kind = CMD_NEURON, .layer = l->attribution->layer, .neuron = index[i]};
        json_t *o = json_object();

        json_object_set_new(o, "neuron", json_integer(index[i]));
        json_object_set_new(o, "score", cli_real(best_score(l->attribution, index[i])));
        json_object_set_new(o, "class", json_string(class_name(l->mask->class_bits[index[i]])));
        json_array_append_new(l->top, o);
        if (engine_post(c->engine, &cmd)) {
            w->waiting++;
            l->missing++;
        }
    }
}

static void tell_text(const struct layer *l, bool first)
{
    const struct mask *m = l->mask;
    struct table t = {.name = "attribute"};

    table_layout(&t, "layer%5d H_ge%6.3f H_sp%6.3f rho_ge%7.3f rho_sp%7.3f general%8d specific%8d "
                     "both%6d kept%6d  top neuron%-12d seconds%7.2f");
    table_integer(&t, l->attribution->layer);
    table_real(&t, m->general.H);
    table_real(&t, m->specific.H);
    table_real(&t, m->general.rho);
    table_real(&t, m->specific.rho);
    table_integer(&t, m->general.chosen);
    table_integer(&t, m->specific.chosen);
    table_integer(&t, m->both);
    table_integer(&t, m->kept);
    table_integer(&t, json_integer_value(json_object_get(json_array_get(l->top, 0), "neuron")));
    table_real(&t, l->attribution->seconds);
    if (first)
        cli_titles(&t);
    cli_row(&t);
    std_flush();
    table_free(&t);
}

/* In the order they came: a layer that still waits holds back those after it. */
static void tell_ready(struct cli *c, struct watch *w)
{
    for (int i = 0; i < w->count; i++) {
        struct layer *l = &w->layer[i];
        json_t *o;

        if (l->told)
            continue;
        if (l->missing)
            return;
        l->told = true;
        o = record_layer(l->attribution, l->mask, i ? NULL : &w->rows, l->top);
        json_array_append(w->events, o);
        if (cli_json(c)) {
            cli_print(o);
        } else {
            json_decref(o);
            tell_text(l, i == 0);
        }
    }
}

static json_t *words(const struct word *w, int n)
{
    json_t *list = json_array();

    for (int i = 0; i < n && i < 5; i++)
        json_array_append_new(list, cli_text(w[i].text));
    return list;
}

static void hear_neuron(struct watch *w, const struct neuron_info *n)
{
    w->waiting--;
    for (int i = 0; i < w->count; i++) {
        struct layer *l = &w->layer[i];

        for (size_t k = 0; l->attribution->layer == n->layer && k < json_array_size(l->top); k++) {
            json_t *o = json_array_get(l->top, k);

            if (json_integer_value(json_object_get(o, "neuron")) != n->neuron)
                continue;
            json_object_set_new(o, "promotes", words(n->promotes, n->count));
            json_object_set_new(o, "suppresses", words(n->suppresses, n->count));
            l->missing--;
        }
    }
}

static void hear_meta(struct cli *c, struct watch *w, struct event *ev)
{
    json_t *o = record_meta(c, ev->meta, "attribute");

    if (w->fact)
        json_object_set_new(o, "fact", json_loads(w->fact, 0, NULL));

    w->room = ev->meta->order_count;
    w->layer = xcalloc((size_t)w->room + 1, sizeof(*w->layer));
    w->rows = *ev->meta; /* taken over: the first layer's event wants it */
    free(ev->meta);
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

static void hear(struct cli *c, struct event *ev, void *ctx)
{
    struct watch *w = ctx;
    struct layer *l;

    if (ev->kind == EV_META && !w->layer) {
        hear_meta(c, w, ev);
    } else if (ev->kind == EV_LAYER && w->count < w->room && cli_scored(c, ev->attribution)) {
        l = &w->layer[w->count++];
        l->attribution = attribution_ref(ev->attribution);
        l->mask = mask_build(l->attribution, &c->params);
        ask_words(c, w, l);
        tell_ready(c, w);
    } else if (ev->kind == EV_NEURON) {
        hear_neuron(w, ev->neuron);
        tell_ready(c, w);
    }
}

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

static void done(struct cli *c, const struct watch *w)
{
    double seconds = 0;
    json_t *o;

    for (int i = 0; i < w->count; i++)
        seconds += w->layer[i].attribution->seconds;
    if (!cli_json(c)) {
        std_print("%d layers in %.1f s%s%s\n", w->count, seconds,
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
    struct event meta = {.kind = EV_META};

    for (int i = 0; i < w->count; i++) {
        attribution_unref(w->layer[i].attribution);
        mask_free(w->layer[i].mask);
        json_decref(w->layer[i].top);
    }
    if (w->layer) {
        meta.meta = xmalloc(sizeof(*meta.meta));
        *meta.meta = w->rows;
        event_free(&meta);
    }
    free(w->layer);
    free(w->fact);
    json_decref(w->events);
}

static bool run(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_ATTRIBUTE, .params = c->params};
    const char *layers = c->value[OPT_LAYERS];
    struct watch w = {0};
    long top;
    bool ok;

    cmd.all_layers = !layers || !strcmp(layers, "all");
    if (!cli_number(c, OPT_TOP, 0, MOST_TOP, 5, &top, err) ||
        (cli_has(c, OPT_OUTPUT) && !file_writable(c->value[OPT_OUTPUT], err)) ||
        !cli_facts(c, &cmd.facts, &cmd.count, err))
        return false;
    if (!cli_start(c, cli_has(c, OPT_SESSION) ? NEED_SESSION | READS : 0, err)) {
        cli_facts_free(cmd.facts, cmd.count);
        return false;
    }
    w.top = (int)top;
    w.fact = cmd.count == 1 ? fact_to_json(&cmd.facts[0]) : NULL;
    w.events = json_array();
    ok = cli_job(c, &cmd, hear, &w, err) && cli_until(c, &w.waiting, hear, &w, err) &&
         (!cli_has(c, OPT_OUTPUT) || write_run(c, &w, err));
    if (ok)
        done(c, &w);
    watch_free(&w);
    return ok;
}

const struct cli_ops cli_attribute = {
    "attribute", "", "Which neurons answer for a fact: scores, classes, ratios, mask",
    FOR_FACT | FOR_ATTRIBUTE | FOR_SESSION | FOR_MODEL | FOR_PARAMS, run};
