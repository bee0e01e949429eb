/* An attribution run: the layers that are edited, the rows, the forward pass with taps, and the
 * token that each row explains. */
#include "core/edit/attribute_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/model/generate.h"

/* editscope-method(7) 2.5: 4 to 8 of 30, 2 to 4 of 12 layers; of the larger GPT-2 models, 13 to 17
 * of 48. */
static void usual_layers(const struct model_config *config, int *layer, int *count)
{
    bool deep = (config->parts & PART_POSITIONS) && config->layers > 12;
    int first = (int)((deep ? 0.27 : 0.135) * config->layers + 0.5);
    int n = config->layers <= 12 ? 3 : 5;

    if (config->parts & PART_POST_NORMS) {
        layer[(*count)++] = first + n - 1 < config->layers ? first + n - 1 : config->layers - 1;
        return;
    }
    for (int i = 0; i < n && first + i < config->layers; i++)
        layer[(*count)++] = first + i;
}

bool named_layers(const struct params *p, const struct model_config *config, int *layer, int *count,
                  struct err *err)
{
    *count = 0;
    if (!p->layer_count)
        usual_layers(config, layer, count);
    for (int l = 0; p->layer_count && l < PARAM_MAX_LAYERS; l++) {
        if (!p->layer[l])
            continue;
        if (l >= config->layers)
            return err_set(err, ERR_USAGE, "%s: layer %d; %s has layers 0 to %d",
                           params_layers_name(p), l, config->name, config->layers - 1);
        layer[(*count)++] = l;
    }
    return true;
}

static void keep_scored_rows(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct attribute_run *run = ctx;
    struct device *dev = run->view->model->dev;

    if (site == TAP_FFN_IN)
        device_gather(dev, x, run->pick, mat_rows(run->h, layer * run->rows, run->rows));
    else if (site == TAP_COEFF)
        device_gather(dev, x, run->pick, mat_rows(run->m, layer * run->rows, run->rows));
}

/* Sequences of the pass: a row each; a row read at a pad position (released code;
 * editscope-method(7) 3.1) gets one more sequence of a single end-of-text token that sees the row
 * but not itself. */
static struct batch scored_pass(const struct request *request, int count, const struct params *p,
                                int pad, int **pick)
{
    int position = params_choice(p, P_ATTR_POSITION), rows = 0, longest = 0, row = 0, at = 0;
    const int **ids;
    int *lens;
    struct batch pass;

    for (int r = 0; r < count; r++)
        for (int i = 0; i < request[r].scored_count; i++, rows++)
            if (request[r].scored[i].count > longest)
                longest = request[r].scored[i].count;
    ids = xcalloc((size_t)rows, sizeof(*ids));
    lens = xcalloc((size_t)rows, sizeof(*lens));
    for (int r = 0; r < count; r++)
        for (int i = 0; i < request[r].scored_count; i++, row++) {
            ids[row] = request[r].scored[i].id;
            lens[row] = request[r].scored[i].count;
        }
    pass = batch_new(ids, lens, NULL, rows, 0);
    *pick = xcalloc((size_t)rows, sizeof(**pick));
    pass.id = xrealloc(pass.id, (size_t)(pass.rows + rows) * sizeof(int));
    pass.pos = xrealloc(pass.pos, (size_t)(pass.rows + rows) * sizeof(int));
    pass.seq = xrealloc(pass.seq, (size_t)(2 * rows) * sizeof(*pass.seq));
    row = 0;
    for (int r = 0; r < count; r++)
        for (int i = 0; i < request[r].scored_count; i++, row++) {
            const struct attn_seq *s = &pass.seq[row];

            at = s->q0 + s->n - 1;
            if (position == POSITION_SUBJECT_LAST)
                at = s->q0 + request[r].scored[i].lookup;
            if (position == POSITION_PADDED_LAST && s->n < longest) {
                pass.seq[pass.seqs] = (struct attn_seq){pass.rows, 1, s->kv0, s->n, true};
                pass.id[pass.rows] = pad;
                pass.pos[pass.rows] = longest - 1;
                at = pass.rows++;
                pass.seqs++;
            }
            (*pick)[row] = at;
        }
    free(ids);
    free(lens);
    return pass;
}

/* The explained token of each row and the mean square of its final hidden state. */
static bool final_state(struct attribute_run *run, struct forward *f, struct mat x,
                        const struct request *request, int count, struct err *err)
{
    struct device *dev = run->view->model->dev;
    int kind = params_choice(&run->params, P_ATTR_TARGET);
    struct mat fin = mat_new(dev, DT_F32, run->rows, run->hidden);
    struct mat logits = mat_new(dev, DT_F32, run->rows, run->vocab);
    float *host = xmalloc((size_t)run->rows * (size_t)run->vocab * sizeof(float));
    bool ok;

    device_gather(dev, x, run->pick, fin);
    forward_logits(f, fin, logits);
    device_fetch(dev, host, logits, "the logits (a row a prompt, a column a token)");
    if ((ok = device_sync(dev, err)))
        for (int b = 0; b < run->rows; b++) {
            const float *row = host + (size_t)b * (size_t)run->vocab;

            for (int j = 0; j < run->vocab; j++)
                if (row[j] > row[run->target[b]])
                    run->target[b] = j;
        }
    for (int r = 0, b = 0; ok && r < count; r++)
        for (int i = 0; i < request[r].scored_count; i++, b++) {
            if (kind == TARGET_NEW)
                run->target[b] = request[r].target[0];
            if (kind == TARGET_OLD && request[r].old >= 0)
                run->target[b] = request[r].old;
        }
    device_fetch(dev, host, fin, "the final stream (a row a prompt)");
    ok = ok && device_sync(dev, err);
    for (int b = 0; ok && b < run->rows; b++) {
        attribute_centre(run, host + b * run->hidden);
        run->rms2[b] = (float)(attribute_square(host + b * run->hidden, run->hidden) / run->hidden);
    }
    free(host);
    mat_free(dev, &logits);
    mat_free(dev, &fin);
    return ok;
}

struct attribute_run *attribute_begin(const struct model_state *view, const struct request *request,
                                      int count, const struct params *p, unsigned id,
                                      struct job *job, struct err *err)
{
    const struct model *m = view->model;
    const struct model_config *c = m->config;
    struct attribute_run *run = xcalloc(1, sizeof(*run));
    struct tap tap = {keep_scored_rows, run};
    int pad = m->tokenizer ? tokenizer_eos(m->tokenizer) : -1;
    struct batch pass = scored_pass(request, count, p, pad < 0 ? 0 : pad, &run->pick);
    struct forward *f = forward_new(m, pass.rows);
    struct kv_cache *cache = kv_cache_new(m, pass.rows);
    struct mat x = mat_new(m->dev, DT_F32, pass.rows, c->hidden);
    bool ok;

    *run = (struct attribute_run){.view = view,
                                  .params = *p,
                                  .id = id,
                                  .pick = run->pick,
                                  .layers = c->layers,
                                  .neurons = c->ffn,
                                  .hidden = c->hidden,
                                  .vocab = m->head.rows};
    for (int r = 0; r < count; r++)
        run->rows += request[r].scored_count;
    run->queue_depth = 1;
    run->eps = p->value[P_ATTR_EPS] > 0 ? (float)p->value[P_ATTR_EPS] : c->norm_eps;
    run->target = xcalloc((size_t)run->rows, sizeof(int));
    run->rms2 = xcalloc((size_t)run->rows, sizeof(float));
    run->h = mat_new(m->dev, DT_F32, run->layers * run->rows, run->hidden);
    run->m = mat_new(m->dev, DT_F32, run->layers * run->rows, run->neurons);
    ok = forward_run(f, view, &pass, cache, x, &tap, job, err) &&
         final_state(run, f, x, request, count, err);
    mat_free(m->dev, &x);
    kv_cache_free(cache, m->dev);
    forward_free(f);
    batch_free(&pass);
    if (ok)
        return run;
    attribute_end(run);
    return NULL;
}

int attribute_rows(const struct attribute_run *run)
{
    return run->rows;
}

const int *attribute_targets(const struct attribute_run *run)
{
    return run->target;
}

void attribute_end(struct attribute_run *run)
{
    if (!run)
        return;
    mat_free(run->view->model->dev, &run->h);
    mat_free(run->view->model->dev, &run->m);
    free(run->pick);
    free(run->target);
    free(run->rms2);
    free(run);
}

void layer_work_free(struct layer_work *w, struct device *dev)
{
    struct mat *all[] = {&w->values,    &w->lens,       &w->base,        &w->coeff,
                         &w->add,       &w->base_scale, &w->state.max,   &w->state.sum,
                         &w->state.own, &w->state.mean, &w->state.square};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(dev, all[i]);
}

/* 1 / rms of each row of h itself: the unperturbed lens under attr.norm = own. */
bool attribute_own_scale(struct attribute_run *run, int layer, float *scale, struct err *err)
{
    struct device *dev = run->view->model->dev;
    float *h = xmalloc((size_t)run->rows * (size_t)run->hidden * sizeof(float));
    bool ok;

    device_fetch(dev, h, mat_rows(run->h, layer * run->rows, run->rows), "layer %d: the stream",
                 layer);
    ok = device_sync(dev, err);
    for (int b = 0; ok && b < run->rows; b++) {
        attribute_centre(run, h + b * run->hidden);
        scale[b] =
            (float)(1 / sqrt(attribute_square(h + b * run->hidden, run->hidden) / run->hidden +
                             (double)run->eps));
    }
    free(h);
    return ok;
}

void attribute_fetch_activation(struct attribute_run *run, int layer, struct attribution *a)
{
    device_fetch(run->view->model->dev, a->activation,
                 mat_rows(run->m, layer * run->rows, run->rows),
                 "layer %d: the coefficients (a row a prompt, a column a neuron)", layer);
}

struct attribution *attribute_empty(const struct attribute_run *run, int layer,
                                    enum strategy strategy, bool curves)
{
    struct attribution *a = attribution_new(layer, run->rows, run->neurons, curves);

    a->id = run->id;
    a->generation = run->view->generation;
    a->layers = run->layers;
    a->strategy = strategy;
    a->amplify = run->params.value[P_ATTR_AMPLIFY];
    memcpy(a->target, run->target, (size_t)run->rows * sizeof(int));
    return a;
}
