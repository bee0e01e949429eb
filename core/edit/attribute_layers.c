/* From a prepared layer to its scores: tiles of the vocabulary on the device, then what they left
 * behind, on the host.
 *
 * Where the device queues, layers overlap: the host scores one while the device is at the next.
 * The host runs ahead of the device by as many slices as take AHEAD_SECONDS (measured), so a
 * cancel waits for little more than that. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/edit/attribute_internal.h"
#include "core/model/generate.h"

enum {
    TILE = 4096,        /* vocabulary rows a slice: 35 ms on two CPU cores at d 576, M 1536 */
    QUEUED_TILE = 8192, /* where the device queues: 64 ms on a GPU of 19 TFLOP/s at d 4096, M
                           14336, the slowest that models of that size are for */
    MOST_AHEAD = 15
};
#define AHEAD_SECONDS 0.05

/* What the tiles leave behind, on the host: [N][M] each, and the unperturbed lens [N][V]. */
struct sums {
    float *max, *own, *mean, *square, *coeff, *base;
    float *add; /* [V], or NULL */
    double *sum;
};

/* A layer on its way. */
struct layer_run {
    struct attribution *a; /* NULL: there is none */
    struct layer_work w;
    struct sums h;
    float *own_base, *h0_scale; /* attr.norm = own: [N M], [N] */
    bool curves;
    double start;
};

static void layer_run_free(struct attribute_run *run, struct layer_run *l)
{
    layer_work_free(&l->w, run->view->model->dev);
    free(l->h.max);
    free(l->h.own);
    free(l->h.mean);
    free(l->h.square);
    free(l->h.coeff);
    free(l->h.base);
    free(l->h.add);
    free(l->h.sum);
    free(l->own_base);
    free(l->h0_scale);
    if (l->a)
        attribution_unref(l->a);
    *l = (struct layer_run){0};
}

/* Whether the derivatives in the amplification are those of the sums that a pass collects
 * (editscope-method(7) 3.7). They are not where the norm or a softcap depends on the perturbation,
 * nor for differences of probabilities; and at an amplification of 0 the coefficients are gone. */
static bool has_curves(const struct attribute_run *run)
{
    return params_choice(&run->params, P_ATTR_STRATEGY) == STRATEGY_LPS &&
           params_choice(&run->params, P_ATTR_NORM) != NORM_OWN &&
           !(run->view->model->config->logit_softcap > 0) && run->params.value[P_ATTR_AMPLIFY] > 0;
}

static bool layer_begin(struct attribute_run *run, struct layer_run *l, int layer, bool curves,
                        struct job *job, struct err *err)
{
    enum strategy strategy = (enum strategy)params_choice(&run->params, P_ATTR_STRATEGY);
    bool own = params_choice(&run->params, P_ATTR_NORM) == NORM_OWN;

    *l = (struct layer_run){.curves = curves && has_curves(run), .start = clock_seconds()};
    l->a = attribute_empty(run, layer, strategy, l->curves);
    if (own) {
        l->own_base = xcalloc((size_t)run->rows * (size_t)run->neurons, sizeof(float));
        l->h0_scale = xcalloc((size_t)run->rows, sizeof(float));
    }
    return !job_cancelled(job, err) &&
           (!own || attribute_own_scale(run, layer, l->h0_scale, err)) &&
           attribute_stage(run, layer, l->a, &l->w, l->own_base, err);
}

/* How many slices may be queued, from what `done` of them took. */
static int ahead_of(double seconds, int done)
{
    double each = done > 0 ? seconds / done : AHEAD_SECONDS;

    return each * MOST_AHEAD <= AHEAD_SECONDS ? MOST_AHEAD
           : each >= AHEAD_SECONDS            ? 1
                                              : (int)(AHEAD_SECONDS / each);
}

/* Queues the vocabulary. `meanwhile` is called once, when the device has enough to do. */
static bool layer_tiles(struct attribute_run *run, struct layer_run *l, void (*meanwhile)(void *),
                        void *ctx, struct job *job, struct err *err)
{
    const struct model *m = run->view->model;
    struct layer_work *w = &l->w;
    struct mat *const state[] = {&w->state.max, &w->state.own, &w->state.mean, &w->state.square};
    int tile = m->dev->ops->queues ? QUEUED_TILE : TILE, queued = 0;
    double start = clock_seconds(), away = 0;

    w->state.cap = m->config->logit_softcap;
    for (int i = 0; i < (l->curves ? 4 : 2); i++)
        *state[i] = mat_new(m->dev, DT_F32, run->rows, run->neurons);
    w->state.sum = mat_new(m->dev, DT_F64, run->rows, run->neurons);
    device_fill(m->dev, w->state.max, -1e30);
    w->state.base_scale = w->base_scale;
    for (int v0 = 0; v0 < run->vocab; v0 += tile) {
        int n = run->vocab - v0 < tile ? run->vocab - v0 : tile;

        if (job_cancelled(job, err))
            return false;
        w->state.same_values = v0 > 0;
        if (w->add.data)
            w->state.add = mat_cols(w->add, v0, n);
        device_lps(m->dev, mat_rows(m->head, v0, n), w->values, mat_cols(w->base, v0, n), w->coeff,
                   run->target, v0, w->state);
        device_throttle(m->dev, run->ahead);
        queued++;
        if (meanwhile && (queued > run->ahead || v0 + tile >= run->vocab)) {
            double from = clock_seconds();

            meanwhile(ctx);
            meanwhile = NULL;
            away = clock_seconds() - from;
        }
        if (queued > run->ahead + 1)
            run->ahead = ahead_of(clock_seconds() - start - away, queued - run->ahead);
    }
    return device_sync(m->dev, err);
}

/* Everything of the layer leaves the device. */
static bool layer_fetch(struct attribute_run *run, struct layer_run *l, struct err *err)
{
    struct device *dev = run->view->model->dev;
    struct sums *h = &l->h;
    size_t nm = (size_t)run->rows * (size_t)run->neurons;
    float **to[] = {&h->max, &h->own, &h->mean, &h->square, &h->coeff};
    struct mat from[] = {l->w.state.max, l->w.state.own, l->w.state.mean, l->w.state.square,
                         l->w.coeff};
    static const char *const name[] = {"largest logits", "projections", "means", "squares",
                                       "amplified coefficients"};
    int layer = l->a->layer;

    for (int k = 0; k < 5; k++) {
        if (!from[k].data) /* no curves wanted */
            continue;
        *to[k] = xmalloc(nm * sizeof(float));
        device_fetch(dev, *to[k], from[k], "layer %d: the %s (a row a prompt, a column a neuron)",
                     layer, name[k]);
    }
    h->sum = xmalloc(nm * sizeof(double));
    device_fetch(dev, h->sum, l->w.state.sum,
                 "layer %d: sums over the vocabulary (a column a neuron)", layer);
    h->base = xmalloc((size_t)run->rows * (size_t)run->vocab * sizeof(float));
    device_fetch(dev, h->base, l->w.base, "layer %d: the lens (a column a token)", layer);
    if (l->w.add.data) {
        h->add = xmalloc((size_t)run->vocab * sizeof(float));
        device_fetch(dev, h->add, l->w.add, "the final norm's bias read out (a column a token)");
    }
    layer_work_free(&l->w, dev);
    return device_sync(dev, err);
}

static double bend(double x, double cap)
{
    return cap > 0 ? cap * tanh(x / cap) : x;
}

/* log p(target) of the unperturbed lens. Where p is nearly 1 the scores are small differences of
 * these, so the sum is taken in double, relative to the target's own logit. `row` is changed; add
 * [V] is what is not in it yet, or NULL. */
static double base_logp(const struct attribute_run *run, const struct layer_run *l, int b,
                        float *row, const float *add)
{
    double unit = l->h0_scale ? (double)l->h0_scale[b] : 1; /* own: not divided by an rms yet */
    double cap = (double)run->view->model->config->logit_softcap;

    for (int j = 0; (l->h0_scale || cap > 0) && j < run->vocab; j++)
        row[j] = (float)bend(unit * (double)row[j] + (add ? (double)add[j] : 0), cap);
    return (double)row[run->target[b]] - log_sum_exp(row, run->vocab);
}

/* From the running sums to A (Eq. 3): log p(x_i) - log p(x_0), or the probabilities' difference;
 * and the score's slope and curve in the amplification (dA/dc = U_y - E U, d2A/dc2 = -Var U). */
static void score_row(struct attribute_run *run, struct layer_run *l, int b)
{
    const struct sums *h = &l->h;
    struct attribution *a = l->a;
    float *row = h->base + (size_t)b * (size_t)run->vocab;
    double base = (double)row[run->target[b]];
    double cap = (double)run->view->model->config->logit_softcap;
    double add = h->add ? (double)h->add[run->target[b]] : 0;
    double clamp = run->params.value[P_ATTR_CLAMP], amplify = run->params.value[P_ATTR_AMPLIFY];
    double lo = clamp > 0 ? log(clamp) : -HUGE_VAL, logp0 = base_logp(run, l, b, row, h->add);

    a->base_logp[b] = logp0;
    for (int i = 0; i < run->neurons; i++) {
        size_t at = (size_t)b * (size_t)run->neurons + (size_t)i;
        double scale = l->own_base ? (double)l->own_base[at] : 1;
        double c = (double)h->coeff[at], uy = (double)h->own[at], sum = h->sum[at];
        double logp = bend(scale * base + add + c * uy, cap) - (double)h->max[at] - log(sum);
        double unit = c / amplify, eu, vu;

        if (a->strategy == STRATEGY_PSA)
            a->score[at] = (float)(exp(fmax(logp, lo)) - exp(fmax(logp0, lo)));
        else
            a->score[at] = (float)(fmax(logp, lo) - fmax(logp0, lo));
        if (!a->slope || logp < lo) /* a score at the clamp does not move */
            continue;
        eu = (double)h->mean[at] / sum;
        vu = (double)h->square[at] / sum - eu * eu;
        a->slope[at] = (float)(unit * (uy - eu));
        a->curve[at] = (float)(-unit * unit * fmax(vu, 0));
    }
}

/* The layer's scores are made and it is given away; NULL if they are no numbers. Host only. */
static struct attribution *layer_score(struct attribute_run *run, struct layer_run *l,
                                       struct err *err)
{
    struct attribution *a = l->a;

    for (int b = 0; l->h.base && b < run->rows; b++)
        score_row(run, l, b);
    a->seconds = clock_seconds() - l->start;
    if (attribution_is_finite(a, err))
        l->a = NULL;
    else
        a = NULL;
    layer_run_free(run, l);
    return a;
}

/* MPC needs no pass over the vocabulary: only its own token's row, and the lens. */
static bool layer_project(struct attribute_run *run, struct layer_run *l, struct err *err)
{
    struct device *dev = run->view->model->dev;
    size_t vocab = (size_t)run->vocab;
    float *rows = xmalloc(vocab * (size_t)run->rows * sizeof(float));
    float *add = l->w.add.data ? xmalloc(vocab * sizeof(float)) : NULL;
    bool ok;

    device_fetch(dev, rows, l->w.base, "layer %d: the lens (a column a token)", l->a->layer);
    if (add)
        device_fetch(dev, add, l->w.add, "the final norm's bias read out (a column a token)");
    ok = device_sync(dev, err);
    for (int b = 0; ok && b < run->rows; b++)
        l->a->base_logp[b] = base_logp(run, l, b, rows + (size_t)b * vocab, add);
    free(rows);
    free(add);
    return ok && attribute_project(run, &l->w, l->a, err);
}

/* A layer that the device has done with, to be scored while it is at the next. */
struct waiting {
    struct attribute_run *run;
    struct layer_run layer;
    void (*hear)(void *ctx, struct attribution *a);
    void *ctx;
    struct err fault; /* of the scores: no layer is heard of after it */
};

static void score_waiting(void *ctx)
{
    struct waiting *p = ctx;

    struct attribution *a =
        p->layer.a && !p->fault.kind ? layer_score(p->run, &p->layer, &p->fault) : NULL;

    if (a)
        p->hear(p->ctx, a);
}

bool attribute_layers(struct attribute_run *run, const int *layer, int count, bool curves,
                      void (*hear)(void *ctx, struct attribution *a), void *ctx, struct job *job,
                      struct err *err)
{
    struct waiting before = {.run = run, .hear = hear, .ctx = ctx};
    struct layer_run l = {0};
    bool ok = true;

    for (int i = 0; ok && i < count; i++) {
        ok = layer_begin(run, &l, layer[i], curves, job, err);
        if (ok && l.a->strategy == STRATEGY_MPC)
            ok = layer_project(run, &l, err);
        else
            ok = ok &&
                 layer_tiles(run, &l, before.layer.a ? score_waiting : NULL, &before, job, err) &&
                 layer_fetch(run, &l, err);
        if (!ok)
            break;
        before.layer = l;
        l = (struct layer_run){0};
        if (!run->view->model->dev->ops->queues || i == count - 1)
            score_waiting(&before);
        if (before.fault.kind)
            ok = err_pass(err, &before.fault);
    }
    layer_run_free(run, &l);
    layer_run_free(run, &before.layer);
    return ok;
}

static void take_one(void *ctx, struct attribution *a)
{
    *(struct attribution **)ctx = a;
}

struct attribution *attribute_layer(struct attribute_run *run, int layer, bool curves,
                                    struct job *job, struct err *err)
{
    struct attribution *a = NULL;

    return attribute_layers(run, &layer, 1, curves, take_one, &a, job, err) ? a : NULL;
}
