/* Integrated gradients, layer by layer: the points on the way are rows of one batch.
 *
 *   prompt   The Eiffel Tower is in         one pass: keys, values, and at the last position `in`
 *                                  ^        (what enters each block) and its activations a
 *   layer l  in s_1 a_l                     `steps` sequences that share all earlier positions;
 * they in s_2 a_l  ...                differ in the last one from layer l on
 *
 * So layer l costs `steps` rows through the blocks after it, forwards and back. */
#include "core/edit/integrated_gradients.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/forward.h"
#include "core/model/generate.h"

struct path {
    const struct model_state *view;
    const struct integrated_rule *rule;
    struct device *dev;
    int layers, neurons, count;
    struct forward *f;
    struct batch prompt, pass;
    struct kv_cache *first, *cache; /* of the prompt; of the sequences */
    struct saved *saved;            /* [layers] of the sequences */
    struct saved whole;             /* of the prompt, a block at a time */
    struct mat in;                  /* [layers, d] */
    struct mat coeff, gate, up;     /* [layers, M] at the last position */
    struct mat text;                /* [count, d] */
    struct mat x, dx;               /* [steps, d] */
    struct mat gates, ups, dcoeff;  /* [steps, M] */
    struct mat logits, loss;        /* [steps, V], [1, steps] */
    struct mat point, weight;       /* [1, steps] s; and -p(label), which makes of the gradient of
                                       -log p that of p */
    int *row, *label;               /* [steps] each entry the same */
    float *own, *grad, *p;          /* [layers * M], [steps * M], [steps] */
};

static void path_free(struct path *g)
{
    struct mat *all[] = {&g->in,     &g->coeff, &g->gate,  &g->up,    &g->text,
                         &g->x,      &g->dx,    &g->gates, &g->ups,   &g->dcoeff,
                         &g->logits, &g->loss,  &g->point, &g->weight};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(g->dev, all[i]);
    for (int l = 0; g->saved && l < g->layers; l++)
        saved_free(&g->saved[l], g->dev);
    saved_free(&g->whole, g->dev);
    free(g->saved);
    kv_cache_free(g->first, g->dev);
    kv_cache_free(g->cache, g->dev);
    forward_free(g->f);
    batch_free(&g->prompt);
    batch_free(&g->pass);
    free(g->row);
    free(g->label);
    free(g->own);
    free(g->grad);
    free(g->p);
}

/* The prompt as one sequence, and its last position as `steps` of them. */
static void path_batches(struct path *g, const int *ids)
{
    int n = g->rule->steps;
    const int **id = xcalloc((size_t)n, sizeof(*id));
    int *count = xcalloc((size_t)n, sizeof(*count)), *past = xcalloc((size_t)n, sizeof(*past));

    for (int s = 0; s < n; s++) {
        id[s] = ids;
        count[s] = g->count;
        past[s] = g->count - 1;
    }
    g->prompt = batch_new(id, count, NULL, 1, 0);
    g->pass = batch_new(id, count, past, n, 0);
    free(id);
    free(count);
    free(past);
}

static void path_points(struct path *g)
{
    int n = g->rule->steps;

    for (int s = 0; s < n; s++)
        g->p[s] = !g->rule->inside ? (float)(s + 1) / (float)n
                  : n > 1          ? (float)s / (float)(n - 1)
                                   : 0;
    device_upload(g->dev, g->point, g->p);
}

static void path_begin(struct path *g, const int *ids)
{
    const struct model *m = g->view->model;
    struct device *dev = g->dev;
    int n = g->rule->steps, d = m->config->hidden, width = g->neurons;
    bool up = m->config->parts & PART_GATE;

    path_batches(g, ids);
    g->f = forward_new(m, g->count > n ? g->count : n);
    g->first = kv_cache_new(m, g->count);
    g->cache = kv_cache_new(m, g->count * n);
    g->whole = saved_new(m, g->count);
    g->saved = xcalloc((size_t)g->layers, sizeof(*g->saved));
    for (int l = 0; l < g->layers; l++)
        g->saved[l] = saved_new(m, n);
    g->in = mat_new(dev, DT_F32, g->layers, d);
    g->coeff = mat_new(dev, DT_F32, g->layers, width);
    g->gate = mat_new(dev, DT_F32, g->layers, width);
    g->text = mat_new(dev, DT_F32, g->count, d);
    g->x = mat_new(dev, DT_F32, n, d);
    g->dx = mat_new(dev, DT_F32, n, d);
    g->gates = mat_new(dev, DT_F32, n, width);
    if (up) {
        g->up = mat_new(dev, DT_F32, g->layers, width);
        g->ups = mat_new(dev, DT_F32, n, width);
    }
    g->dcoeff = mat_new(dev, DT_F32, n, width);
    g->logits = mat_new(dev, DT_F32, n, m->head.rows);
    g->loss = mat_new(dev, DT_F32, 1, n);
    g->point = mat_new(dev, DT_F32, 1, n);
    g->weight = mat_new(dev, DT_F32, 1, n);
    g->row = xcalloc((size_t)n, sizeof(int));
    g->label = xcalloc((size_t)n, sizeof(int));
    g->own = xcalloc((size_t)g->layers * (size_t)width, sizeof(float));
    g->grad = xcalloc((size_t)n * (size_t)width, sizeof(float));
    g->p = xcalloc((size_t)n, sizeof(float));
    path_points(g);
}

static void keep_coeff(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct path *g = ctx;

    if (site == TAP_COEFF)
        device_copy(g->dev, mat_rows(x, g->count - 1, 1), mat_rows(g->coeff, layer, 1));
}

/* The most probable next token, from the outputs of the last block. */
static bool path_next(struct path *g, int *next, struct err *err)
{
    int vocab = g->logits.cols;
    struct mat one = mat_rows(g->logits, 0, 1);
    float *logits = xmalloc((size_t)vocab * sizeof(float));
    bool ok;

    forward_logits(g->f, mat_rows(g->text, g->count - 1, 1), one);
    device_fetch(g->dev, logits, one, "the logits after the prompt");
    ok = device_sync(g->dev, err);
    if (ok)
        top_k(logits, vocab, 1, next);
    free(logits);
    return ok;
}

/* The prompt's pass, which fills `in`, the activations and the first cache. */
static bool path_read(struct path *g, int *next, struct job *job, struct err *err)
{
    struct tap tap = {keep_coeff, g};
    int last = g->count - 1;

    if (!batch_fits(&g->prompt, g->view->model, err))
        return false;
    forward_embed(g->f, &g->prompt, g->text);
    for (int l = 0; l < g->layers; l++) {
        if (job_cancelled(job, err))
            return false;
        device_copy(g->dev, mat_rows(g->text, last, 1), mat_rows(g->in, l, 1));
        forward_block(g->f, g->view, l, &g->prompt, g->first, g->text, &tap, &g->whole);
        device_copy(g->dev, mat_rows(g->whole.gate, last, 1), mat_rows(g->gate, l, 1));
        if (g->up.data)
            device_copy(g->dev, mat_rows(g->whole.up, last, 1), mat_rows(g->up, l, 1));
    }
    device_fetch(g->dev, g->own, g->rule->inside ? g->gate : g->coeff,
                 "the activations (a row a layer, a column a neuron)");
    return path_next(g, next, err);
}

/* Every sequence gets the keys and values of the positions before the last. */
static void path_share(struct path *g)
{
    int past = g->count - 1;

    for (int l = 0; past && l < g->layers; l++)
        for (int s = 0; s < g->pass.seqs; s++) {
            int at = g->pass.seq[s].kv0;

            device_copy(g->dev, mat_rows(g->first->k[l], 0, past),
                        mat_rows(g->cache->k[l], at, past));
            device_copy(g->dev, mat_rows(g->first->v[l], 0, past),
                        mat_rows(g->cache->v[l], at, past));
        }
}

/* Puts the activations of the layer at work at the points of the way. */
static void set_points(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct path *g = ctx;

    if (site != TAP_COEFF)
        return;
    if (!g->rule->inside) {
        device_scale_rows(g->dev, g->point, x);
        return;
    }
    for (int s = 0; s < g->rule->steps; s++)
        g->row[s] = layer;
    device_gather(g->dev, g->gate, g->row, g->gates);
    device_scale_rows(g->dev, g->point, g->gates);
    if (g->up.data)
        device_gather(g->dev, g->up, g->row, g->ups);
    device_gated(g->dev, g->view->model->config->act, g->gates, g->ups, x);
}

/* x of the last block with layer `layer` at the points. */
static bool path_forward(struct path *g, int layer, struct job *job, struct err *err)
{
    struct tap tap = {set_points, g};

    for (int s = 0; s < g->rule->steps; s++)
        g->row[s] = layer;
    device_gather(g->dev, g->in, g->row, g->x);
    for (int l = layer; l < g->layers; l++) {
        if (job_cancelled(job, err))
            return false;
        forward_block(g->f, g->view, l, &g->pass, g->cache, g->x, l == layer ? &tap : NULL,
                      &g->saved[l]);
    }
    return true;
}

/* g->dcoeff = the gradient of p(label) by the activations, at each point. */
static bool path_backward(struct path *g, int layer, struct job *job, struct err *err)
{
    forward_logits(g->f, g->x, g->logits);
    device_cross_entropy(g->dev, g->logits, g->label, 1, g->loss, true);
    device_download(g->dev, g->p, g->loss);
    if (!device_sync(g->dev, err))
        return false;
    for (int s = 0; s < g->rule->steps; s++)
        g->p[s] = -expf(-g->p[s]);
    device_upload(g->dev, g->weight, g->p);
    device_scale_rows(g->dev, g->weight, g->logits);
    device_fill(g->dev, g->dx, 0);
    backward_logits(g->f, g->x, g->logits, g->dx);
    for (int l = g->layers - 1; l > layer; l--) {
        if (job_cancelled(job, err))
            return false;
        backward_block(g->f, g->view, l, &g->pass, g->cache, &g->saved[l], g->dx);
    }
    backward_coeff(g->f, g->view, layer, &g->pass, &g->saved[layer], g->dx, g->dcoeff);
    if (g->rule->inside) /* the gradient by the gates takes the place of that by the coefficients */
        device_gated_grad(g->dev, g->view->model->config->act, g->gates, g->ups, g->dcoeff,
                          g->gates, g->ups);
    return true;
}

static bool path_layer(struct path *g, int layer, double *score, struct job *job, struct err *err)
{
    int m = g->neurons, n = g->rule->steps;
    const float *own = g->own + (size_t)layer * (size_t)m;

    if (!path_forward(g, layer, job, err) || !path_backward(g, layer, job, err))
        return false;
    device_fetch(g->dev, g->grad, g->rule->inside ? g->gates : g->dcoeff,
                 "layer %d: gradients (a row a point, a column a neuron)", layer);
    if (!device_sync(g->dev, err))
        return false;
    for (int i = 0; i < m; i++) {
        double sum = 0;

        for (int s = 0; s < n; s++)
            sum += (double)g->grad[(size_t)s * (size_t)m + (size_t)i];
        score[i] += (double)own[i] / n * sum;
    }
    return true;
}

bool integrated_gradients(double *score, int *next, const struct model_state *view, const int *ids,
                          int count, int label, const struct integrated_rule *rule, struct job *job,
                          struct err *err)
{
    const struct model_config *c = view->model->config;
    struct path g = {.view = view,
                     .rule = rule,
                     .dev = view->model->dev,
                     .layers = c->layers,
                     .neurons = c->ffn,
                     .count = count};
    bool ok;

    path_begin(&g, ids);
    ok = path_read(&g, next, job, err);
    if (ok && label >= 0)
        path_share(&g);
    for (int s = 0; s < rule->steps; s++)
        g.label[s] = label;
    for (int l = 0; ok && label >= 0 && l < g.layers; l++) {
        job_progress(job, "integrated gradients", l, g.layers);
        ok = path_layer(&g, l, score + (size_t)l * (size_t)g.neurons, job, err);
    }
    path_free(&g);
    return ok;
}
