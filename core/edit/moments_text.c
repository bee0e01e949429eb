/* Runs windows of text through the base model, block by block, and adds their coefficients to the
 * second moments and to the top activations. */
#include "core/edit/moments_text.h"

#include <stdlib.h>

#include "core/base/mem.h"

enum { BATCH = 512 }; /* tokens: a block and its sum stay under 50 ms on two cores */

struct moments_text {
    const struct model_state *view;
    struct moments *moments;
    const int *ids;
    long count;
    int window, windows; /* tokens of a window, windows of the present batch */
    int block;           /* next block of the batch; -1: no batch */
    int last;            /* last layer that is wanted */
    struct forward *f;
    struct kv_cache *cache;
    struct mat x;
    struct batch pass;
    struct top_activations *top; /* or NULL */
    bool collects;               /* the batch begins where `top` ends */
    float *coeff;                /* [batch][M] on the host, for `top` */
    struct err fault;            /* of the copy to the host */
};

struct moments_text *moments_text_new(const struct model_state *view, struct moments *moments,
                                      const int *ids, long count)
{
    struct moments_text *g = xcalloc(1, sizeof(*g));
    int window = moments->origin.window, batch = BATCH < window ? window : BATCH - BATCH % window;

    *g = (struct moments_text){.view = view,
                               .moments = moments,
                               .ids = ids,
                               .count = count,
                               .window = window,
                               .block = -1};
    for (int i = 0; i < moments->layers; i++)
        if (moments->layer[i] > g->last)
            g->last = moments->layer[i];
    g->f = forward_new(view->model, batch);
    g->f->coeff_end = g->last;
    g->cache = kv_cache_new(view->model, batch);
    g->x = mat_new(view->model->dev, DT_F32, batch, view->model->config->hidden);
    return g;
}

void moments_text_free(struct moments_text *g)
{
    if (!g)
        return;
    batch_free(&g->pass);
    free(g->coeff);
    mat_free(g->view->model->dev, &g->x);
    kv_cache_free(g->cache, g->view->model->dev);
    forward_free(g->f);
    free(g);
}

long moments_text_limit(const struct moments_text *g)
{
    return g->count - g->count % g->window;
}

int moments_text_batch(const struct moments_text *g)
{
    return g->f->capacity;
}

bool moments_text_idle(const struct moments_text *g)
{
    return g->block < 0;
}

void moments_text_collect(struct moments_text *g, struct top_activations *top)
{
    free(g->coeff);
    g->top = top;
    g->coeff = xmalloc((size_t)g->f->capacity * (size_t)g->moments->neurons * sizeof(float));
}

/* Where the w-th window of the present batch begins in the text. */
static long window_begin(const struct moments_text *g, int w)
{
    return moments_window(g->count, g->window, g->moments->tokens / g->window + w);
}

static void collect_activations(struct moments_text *g, int index, struct mat x)
{
    struct device *dev = g->view->model->dev;
    size_t step = (size_t)g->window * (size_t)g->moments->neurons;

    device_fetch(dev, g->coeff, x, "layer %d: the coefficients (a column a neuron)",
                 g->moments->layer[index]);
    if (device_sync(dev, &g->fault))
        for (int w = 0; w < g->windows; w++)
            top_activations_add(g->top, index, g->coeff + (size_t)w * step, g->window,
                                window_begin(g, w));
}

static void sum_batch(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct moments_text *g = ctx;

    if (site != TAP_COEFF)
        return;
    for (int i = 0; i < g->moments->layers; i++)
        if (g->moments->layer[i] == layer) {
            if (g->moments->sum)
                moments_add(g->moments, i, x);
            if (g->collects)
                collect_activations(g, i, x);
        }
}

static void begin_batch(struct moments_text *g, long until)
{
    long left = (until - g->moments->tokens) / g->window;
    int most = g->f->capacity / g->window;
    const int **ids;
    int *count;

    g->windows = left < most ? (int)left : most;
    ids = xcalloc((size_t)g->windows, sizeof(*ids));
    count = xcalloc((size_t)g->windows, sizeof(*count));
    for (int w = 0; w < g->windows; w++) {
        ids[w] = g->ids + window_begin(g, w);
        count[w] = g->window;
    }
    batch_free(&g->pass);
    g->pass = batch_new(ids, count, NULL, g->windows, 0);
    forward_embed(g->f, &g->pass, mat_rows(g->x, 0, g->pass.rows));
    g->block = 0;
    g->collects = g->top && g->top->tokens == g->moments->tokens;
    free(ids);
    free(count);
}

bool moments_text_step(struct moments_text *g, long until, struct err *err)
{
    struct tap tap = {sum_batch, g};
    struct mat x;
    bool sound;

    if (until > moments_text_limit(g))
        until = moments_text_limit(g);
    if (g->block < 0) {
        if (g->moments->tokens + g->window > until)
            return true;
        begin_batch(g, until);
    }
    x = mat_rows(g->x, 0, g->pass.rows);
    forward_block(g->f, g->view, g->block, &g->pass, g->cache, x, &tap, NULL);
    if (g->fault.kind)
        return err_pass(err, &g->fault);
    if (g->block == g->last) /* which ends there */
        x = mat_rows(g->f->m, 0, g->pass.rows);
    if (!forward_check_finite(g->f, x, &sound, err))
        return false;
    if (!sound)
        return err_set(err, ERR_FORMAT,
                       "layer %d: it makes numbers that are not finite, in the windows that are "
                       "read after %ld tokens of the text",
                       g->block, g->moments->tokens);
    if (++g->block > g->last) {
        moments_tokens_add(g->moments, g->pass.rows);
        if (g->collects)
            g->top->tokens = g->moments->tokens;
        g->block = -1;
    }
    return true;
}
