/* Attribution runs (editscope-method(7) 3): scores of every neuron of a layer, for the rows of some
 * facts.
 *
 * A run is expensive (a pass over the vocabulary for each layer) and depends on little: rows of
 * tokens, attr.* parameters and the weights. So the engine keeps the last RUNS runs, each with a
 * text of all that (run_key()), and a job that needs scores takes a run with an equal key and
 * computes only the layers it lacks. A parameter of the mask needs no new run: screens build masks
 * from the scores. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"

static void run_free(struct engine *e, struct run *run)
{
    for (int l = 0; run->layer && l < e->model->config->layers; l++)
        attribution_unref(run->layer[l]);
    free(run->layer);
    free(run->key);
    free(run->target);
    *run = (struct run){0};
}

void runs_free(struct engine *e)
{
    for (int i = 0; i < RUNS; i++)
        run_free(e, &e->run[i]);
}

/* The first token of the object that the scores explain; -1: what the model predicts. */
static int explained_object(const struct request *r, const struct params *p)
{
    int which = params_choice(p, P_ATTR_TARGET);

    return which == TARGET_NEW ? r->target[0] : which == TARGET_OLD ? r->old : -1;
}

/* Everything the scores depend on, as text: parameters, rows of tokens, the explained object, the
 * weights. So another object of the same prompt needs no scores again, unless it is what they
 * explain. */
static char *run_key(const struct engine *e, const struct request *request, int count,
                     const struct params *p)
{
    struct buf text = {0};

    params_show_all(p, AFFECTS_SCORES, &text);
    for (int r = 0; r < count; r++) {
        for (int i = 0; i < request[r].rows; i++)
            buf_printf(&text, "%d ", request[r].row[i].lookup);
        for (int i = 0; i < request[r].scored_count; i++)
            buf_printf(&text, "%s\n%d %d %d\n", request[r].scored[i].text,
                       request[r].scored[i].lookup, explained_object(&request[r], p),
                       request[r].fact.wording.markup);
    }
    edit_weights_name(e, p, P_MASK_WEIGHTS, &text);
    return buf_take(&text);
}

/* Replaces the oldest run. Takes `key`. */
static struct run *run_new(struct engine *e, char *key)
{
    run_free(e, &e->run[RUNS - 1]);
    memmove(&e->run[1], &e->run[0], (RUNS - 1) * sizeof(e->run[0]));
    e->run[0] = (struct run){.id = ++e->last_run, .key = key};
    e->run[0].layer = xcalloc((size_t)e->model->config->layers, sizeof(*e->run[0].layer));
    return &e->run[0];
}

static void emit_header(struct engine *e, const struct run *run, const struct request *request,
                        int count, const int *order, int n)
{
    struct attribution_header *m = xcalloc(1, sizeof(*m));
    struct event ev = {.kind = EV_HEADER, .job = e->job_id, .header = m};

    m->id = run->id;
    m->rows = run->rows;
    m->neurons = e->model->config->ffn;
    m->layers = e->model->config->layers;
    m->prompt = xcalloc((size_t)m->rows, sizeof(*m->prompt));
    m->target = xcalloc((size_t)m->rows, sizeof(*m->target));
    for (int r = 0, b = 0; r < count; r++)
        for (int i = 0; i < request[r].scored_count; i++, b++) {
            m->prompt[b] = xstrdup(request[r].scored[i].text);
            shown_token_of(e, run->target[b], &m->target[b]);
        }
    m->order = xcalloc((size_t)n, sizeof(int));
    memcpy(m->order, order, (size_t)n * sizeof(int));
    m->order_count = n;
    bus_emit(e->bus, ev);
}

static void emit_layer(struct engine *e, struct attribution *a)
{
    struct event ev = {.kind = EV_LAYER, .job = e->job_id, .attribution = attribution_ref(a)};

    bus_emit(e->bus, ev);
}

/* Whether the job has emitted the layer before it was put back; notes that it is emitted now. */
static bool layer_was_shown(struct engine *e, int layer)
{
    bool was = e->shown && e->shown->layer[layer];

    if (e->shown)
        e->shown->layer[layer] = true;
    return was;
}

/* Whether the run has the layer's scores, with curves if the job wants them. */
static bool run_has_layer(const struct engine *e, const struct run *run, int layer)
{
    return run->layer[layer] && (!e->want_curves || run->curved[layer]);
}

/* Begins or goes on with the notes of an idle map. At first the layers of the edit that are there
 * count as shown: the command that was posted with the map has emitted them. Another run, since the
 * weights have changed meanwhile, has emitted nothing. */
static void shown_layers_of(const struct engine *e, const struct run *run, const int *layer,
                            int edited)
{
    struct shown_layers *s = e->shown;
    bool first = !s->run;

    if (s->run == run->id)
        return;
    *s = (struct shown_layers){.run = run->id};
    for (int i = 0; first && i < edited; i++)
        s->layer[layer[i]] = run_has_layer(e, run, layer[i]);
}

/* The run with this key, or a new one. Takes `key`. */
static struct run *run_pick(struct engine *e, char *key)
{
    for (int i = 0; i < RUNS; i++)
        if (e->run[i].key && !strcmp(e->run[i].key, key)) {
            free(key);
            return &e->run[i];
        }
    return run_new(e, key);
}

/* EV_LAYER with an estimate of every missing layer (attr.strategy mpc: no more than the forward
 * pass), so that the screen has a map before the first scores are there. No mask is made from it.
 */
static bool emit_estimates(struct engine *e, const struct run *run, struct attribute_run *work,
                           const int *layer, int layers, struct err *err)
{
    if (e->shown && e->shown->estimates)
        return true;
    for (int i = 0; i < layers; i++) {
        struct attribution *a;

        if (run->layer[layer[i]])
            continue;
        a = attribute_estimate(work, layer[i], &e->job, err);
        if (!a)
            return false;
        emit_layer(e, a);
        attribution_unref(a);
    }
    if (e->shown)
        e->shown->estimates = true;
    return true;
}

/* EV_NEURON of the layer's strongest neurons, if asked for, then EV_LAYER, so that whoever shows
 * the layer has their tokens. A fault of the former sticks to the device; what comes next reports
 * it. */
static void emit_layer_with_tokens(struct engine *e, struct attribution *a)
{
    int *strongest = e->top_neurons > 0 ? xcalloc((size_t)e->top_neurons, sizeof(int)) : NULL;

    if (strongest)
        emit_neurons(e, a->layer, strongest, attribution_strongest(a, e->top_neurons, strongest),
                     NULL);
    free(strongest);
    emit_layer(e, a);
}

/* A run_scores() at work: where layer_arrived() puts a layer. */
struct layer_sink {
    struct engine *e;
    struct run *run;
    int done, layers;                     /* of all layers asked for */
    int missing[PARAM_MAX_LAYERS], count; /* layers whose scores are being computed, */
    float *key;                           /* [count][keys][M] and the facts' edit keys there */
    int keys;
    unsigned draw; /* of the facts */
};

/* Takes one finished layer into the run, adds the keys, emits it. */
static void layer_arrived(void *ctx, struct attribution *a)
{
    struct layer_sink *to = ctx;
    int at = 0;

    while (to->missing[at] != a->layer)
        at++;
    attribution_set_keys(a, to->key + (size_t)at * (size_t)to->keys * (size_t)a->neurons, to->keys);
    a->draw = to->draw;
    attribution_unref(to->run->layer[a->layer]); /* the same scores without curves, or NULL */
    to->run->layer[a->layer] = a;
    to->run->curved[a->layer] = to->e->want_curves;
    if (!to->e->no_events && !layer_was_shown(to->e, a->layer))
        emit_layer_with_tokens(to->e, a);
    if (++to->done < to->layers)
        emit_progress(to->e, to->e->job_id, "attribution", to->done, to->layers);
}

/* All given layers: with `emit` those that are there already, then the others as they are computed.
 */
static bool run_scores(struct engine *e, struct run *run, struct attribute_run *work,
                       const struct model_state *view, const struct request *request, int count,
                       const int *layer, int layers, bool emit, struct err *err)
{
    struct layer_sink to = {
        .e = e, .run = run, .layers = layers, .keys = count, .draw = facts_draw(request, count)};
    bool ok;

    for (int i = 0; i < layers; i++) {
        struct attribution *there = run->layer[layer[i]];

        if (!run_has_layer(e, run, layer[i]))
            to.missing[to.count++] = layer[i];
        else if (emit && !e->no_events && !layer_was_shown(e, layer[i]))
            emit_layer_with_tokens(e, there);
    }
    if (!to.count)
        return true;
    to.done = layers - to.count;
    emit_progress(e, e->job_id, "attribution", to.done, layers);
    to.key =
        xmalloc((size_t)to.count * (size_t)count * (size_t)e->model->config->ffn * sizeof(float));
    ok = edit_read(view, request, count, to.missing, to.count, &(struct edit_reads){.keys = to.key},
                   &e->job, err) &&
         attribute_layers(work, to.missing, to.count, e->want_curves, layer_arrived, &to, &e->job,
                          err);
    free(to.key);
    return ok;
}

/* Computes what is missing of a run, with its events. */
static bool run_compute(struct engine *e, struct run *run, const struct request *request, int count,
                        const struct params *p, const int *layer, int layers, bool emit,
                        struct err *err)
{
    const struct model_state *view = edit_weights(e, p, P_MASK_WEIGHTS);
    struct attribute_run *work = NULL;
    int missing = 0;
    bool ok = true;

    for (int i = 0; i < layers; i++)
        missing += !run_has_layer(e, run, layer[i]);
    if (missing) {
        work = attribute_begin(view, request, count, p, run->id, &e->job, err);
        if (!work)
            return false;
        run->rows = attribute_rows(work);
        free(run->target);
        run->target = xcalloc((size_t)run->rows, sizeof(int));
        memcpy(run->target, attribute_targets(work), (size_t)run->rows * sizeof(int));
    }
    if ((missing || emit) && !e->no_events)
        emit_header(e, run, request, count, layer, layers);
    if (missing && params_choice(p, P_ATTR_STRATEGY) != STRATEGY_MPC)
        ok = emit_estimates(e, run, work, layer, layers, err);
    ok = ok && run_scores(e, run, work, view, request, count, layer, layers, emit, err);
    attribute_end(work);
    return ok;
}

struct run *run_of_facts(struct engine *e, const struct request *request, int count,
                         const struct params *p, const int *layer, int layers, bool emit,
                         struct err *err)
{
    struct run *run = run_pick(e, run_key(e, request, count, p));
    int edited[PARAM_MAX_LAYERS], edits = 0;

    if (e->shown && editor_layers(p, e->model->config, edited, &edits, NULL))
        shown_layers_of(e, run, edited, edits);
    return run_compute(e, run, request, count, p, layer, layers, emit, err) ? run : NULL;
}

/* Edited layers first, since an edit needs them, then with `all` the others. Returns the number. */
static int layer_order(const struct engine *e, const struct params *p, bool all, int *order,
                       struct err *err)
{
    int n, edited[PARAM_MAX_LAYERS], edits;
    struct params masked = *p;

    if (!editor_layers(p, e->model->config, edited, &edits, err))
        return 0;
    masked.value[P_EDIT_METHOD] = METHOD_NMKE;
    if (edits == e->model->config->layers && !editor_takes_mask(p) && /* KN: it may edit any */
        !editor_layers(&masked, e->model->config, edited, &edits, err))
        return 0;
    memcpy(order, edited, (size_t)edits * sizeof(int));
    n = edits;
    for (int l = 0; all && l < e->model->config->layers; l++) {
        bool there = false;

        for (int i = 0; i < edits; i++)
            there = there || edited[i] == l;
        if (!there)
            order[n++] = l;
    }
    return n;
}

bool job_attribute(struct engine *e, struct command *cmd, struct err *err)
{
    struct request *request = NULL;
    int order[PARAM_MAX_LAYERS], n = layer_order(e, &cmd->params, cmd->all_layers, order, err);
    struct event ev = {.kind = EV_ATTRIBUTED, .job = e->job_id};
    struct run *run;

    if (!n || !requests_build(e, cmd, &request, err))
        return false;
    if (cmd->idle && !cmd->resume.kept)
        cmd->resume.kept = xcalloc(1, sizeof(struct shown_layers));
    if (!cmd->idle) /* the command that goes before an idle one has said it */
        notice_facts(e, request, cmd->count);
    e->want_curves = cmd->curves;
    e->top_neurons = cmd->top;
    e->shown = cmd->resume.kept;
    run = run_of_facts(e, request, cmd->count, &cmd->params, order, n, true, err);
    e->want_curves = false;
    e->top_neurons = 0;
    e->shown = NULL;
    requests_free(request, cmd->count);
    if (!run)
        return false;
    ev.id = run->id;
    bus_emit(e->bus, ev);
    return true;
}
