/* Attribution by layers: scores of every neuron of a layer in one pass over the vocabulary
 * (editscope-method(7) 3.5).
 *
 * The score of neuron i in row b is log p(x_bi) - log p(h_b), where x_bi = h_b + alpha m_bi v_i and
 * p is the probability of token y_b. Done as it is written that would be N M passes through the
 * head: for 6 rows, M = 14336 and V = 128256, 11 billion logits of d = 4096 products. But the lens
 * is linear in the perturbation, up to one factor a row:
 *
 *   logit_w(x_bi) = base_bw + c_bi U_wi      base [N, V], c [N, M], U = W_U diag(g) W_l [V, M]
 *
 * U is the same for all rows and is made in tiles of T rows of the vocabulary, one gemm [T, d] x
 * [d, M] each. No tile is kept. device_lps() folds a tile into running sums for each (b, i):
 *
 *             neurons 0 ... M-1
 *   tile 0   | U[0 .. T)      |     max_bi = max_w (base_bw + c_bi U_wi)
 *   tile 1   | U[T .. 2T)     |     sum_bi = sum_w exp(base_bw + c_bi U_wi - max_bi)
 *   ...      | ...            |     own_bi = U at y_b
 *                                   mean, square: sum of e U and e U^2, for slope and curve
 *
 * All V terms are in the sums, so that scores are exact up to rounding, and no neuron is left out;
 * or with attr.words the terms of words that stand for all (attribute_words.c). The sums are
 * float64, since one term may be nearly all of a sum.
 *
 * Queued on the device: the tiles, layer_tiles(). Computed on the host, in float64, from what the
 * tiles leave behind: log p and the differences, score_row(). Where the device queues work, both
 * overlap: while it is at the tiles of layer l + 1 the host scores layer l. The host stays
 * queue_depth tiles ahead, as many as take AHEAD_SECONDS by measurement, so that a cancel waits for
 * little more than that. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/edit/attribute_internal.h"
#include "core/model/generate.h"

enum {
    TILE = 4096,        /* rows of the vocabulary: 35 ms on two CPU cores at d 576, M 1536 */
    QUEUED_TILE = 8192, /* where the device queues: 64 ms on a GPU of 19 TFLOP/s at d 4096, M
                           14336, the slowest that models of that size are for */
    MOST_AHEAD = 15
};
#define AHEAD_SECONDS 0.05

/* What the tiles of a layer leave, on the host: [N][M] each, and the unperturbed lens [N][V]. */
struct sums {
    float *max, *own, *mean, *square, *coeff, *base;
    float *add; /* [V], or NULL */
    double *sum;
};

/* A layer that is being scored. */
struct layer_run {
    struct attribution *a; /* NULL: there is none */
    struct layer_work w;
    struct attribute_words *words; /* NULL: the tiles go over the whole vocabulary */
    struct sums h;
    float *own_base, *h0_scale; /* attr.norm = own: [N M], [N] */
    bool curves;
    double start;
};

static void layer_run_free(struct attribute_run *run, struct layer_run *l)
{
    layer_work_free(&l->w, run->view->model->dev);
    attribute_words_free(l->words, run->view->model->dev);
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
           attribute_base_is_fixed(run) && run->params.value[P_ATTR_AMPLIFY] > 0;
}

/* Prepares a layer: value vectors, base and coefficients on the device. */
static bool layer_begin(struct attribute_run *run, struct layer_run *l, int layer, bool curves,
                        struct job *job, struct err *err)
{
    enum strategy strategy = (enum strategy)params_choice(&run->params, P_ATTR_STRATEGY);
    bool own = params_choice(&run->params, P_ATTR_NORM) == NORM_OWN, ok;

    *l = (struct layer_run){.curves = curves && has_curves(run), .start = clock_seconds()};
    l->a = attribute_empty(run, layer, strategy, l->curves);
    if (own) {
        l->own_base = xcalloc((size_t)run->rows * (size_t)run->neurons, sizeof(float));
        l->h0_scale = xcalloc((size_t)run->rows, sizeof(float));
    }
    ok = !job_cancelled(job, err) && (!own || attribute_own_scale(run, layer, l->h0_scale, err)) &&
         attribute_stage(run, layer, l->a, &l->w, l->own_base, err) &&
         (strategy == STRATEGY_MPC ||
          attribute_words_choose(run, &l->w, l->a->base_logp, &l->words, err));
    if (ok && l->words)
        l->a->words = (int)run->params.value[P_ATTR_WORDS];
    return ok;
}

/* How many tiles may be queued, 1 to MOST_AHEAD, if `done` of them took so long. */
static int queue_depth_of(double seconds, int done)
{
    double each = done > 0 ? seconds / done : AHEAD_SECONDS;

    return each * MOST_AHEAD <= AHEAD_SECONDS ? MOST_AHEAD
           : each >= AHEAD_SECONDS            ? 1
                                              : (int)(AHEAD_SECONDS / each);
}

/* Queues all tiles of the vocabulary. `meanwhile` (may be NULL) is called once, as soon as the
 * device has queue_depth tiles to work on; its time does not count when the depth is measured. */
static bool layer_tiles(struct attribute_run *run, struct layer_run *l, void (*meanwhile)(void *),
                        void *ctx, struct job *job, struct err *err)
{
    const struct model *m = run->view->model;
    struct layer_work *w = &l->w;
    struct mat head = l->words ? l->words->head : m->head;
    const int *target = l->words ? l->words->target : run->target;
    struct mat *const state[] = {&w->state.max, &w->state.own, &w->state.mean, &w->state.square};
    int tile = m->dev->ops->queues ? QUEUED_TILE : TILE, queued = 0;
    double start = clock_seconds(), meanwhile_seconds = 0;

    w->state.cap = m->config->logit_softcap;
    for (int i = 0; i < (l->curves ? 4 : 2); i++)
        *state[i] = mat_new(m->dev, DT_F32, run->rows, run->neurons);
    w->state.sum = mat_new(m->dev, DT_F64, run->rows, run->neurons);
    device_fill(m->dev, w->state.max, -1e30);
    w->state.base_scale = w->base_scale;
    for (int v0 = 0; v0 < head.rows; v0 += tile) {
        int n = head.rows - v0 < tile ? head.rows - v0 : tile;

        if (job_cancelled(job, err))
            return false;
        w->state.same_values = v0 > 0;
        if (w->add.data)
            w->state.add = mat_cols(w->add, v0, n);
        device_lps(m->dev, mat_rows(head, v0, n), w->values, mat_cols(w->base, v0, n), w->coeff,
                   target, v0, w->state);
        device_throttle(m->dev, run->queue_depth);
        queued++;
        if (meanwhile && (queued > run->queue_depth || v0 + tile >= head.rows)) {
            double from = clock_seconds();

            meanwhile(ctx);
            meanwhile = NULL;
            meanwhile_seconds = clock_seconds() - from;
        }
        if (queued > run->queue_depth + 1)
            run->queue_depth = queue_depth_of(clock_seconds() - start - meanwhile_seconds,
                                              queued - run->queue_depth);
    }
    return device_sync(m->dev, err);
}

/* Copies the results of a layer to the host and frees its memory on the device. */
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
    h->base = xmalloc((size_t)run->rows * (size_t)l->w.base.cols * sizeof(float));
    device_fetch(dev, h->base, l->w.base, "layer %d: the lens (a column a token)", layer);
    if (l->w.add.data) {
        h->add = xmalloc((size_t)run->vocab * sizeof(float));
        device_fetch(dev, h->add, l->w.add, "the final norm's bias read out (a column a token)");
    }
    layer_work_free(&l->w, dev);
    if (l->words)
        mat_free(dev, &l->words->head);
    return device_sync(dev, err);
}

/* cap tanh(x / cap), or x where there is no cap (0). */
static double apply_softcap(double x, double cap)
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
        row[j] = (float)apply_softcap(unit * (double)row[j] + (add ? (double)add[j] : 0), cap);
    return (double)row[run->target[b]] - log_sum_exp(row, run->vocab);
}

/* From the running sums to A (Eq. 3): log p(x_i) - log p(x_0), or the probabilities' difference;
 * and the score's slope and curve in the amplification (dA/dc = U_y - E U, d2A/dc2 = -Var U). */
static void score_row(struct attribute_run *run, struct layer_run *l, int b)
{
    const struct sums *h = &l->h;
    struct attribution *a = l->a;
    int words = l->words ? l->words->count : run->vocab;
    float *row = h->base + (size_t)b * (size_t)words;
    double base = (double)row[l->words ? l->words->target[b] : run->target[b]];
    double cap = (double)run->view->model->config->logit_softcap;
    double add = h->add ? (double)h->add[run->target[b]] : 0;
    double clamp = run->params.value[P_ATTR_CLAMP], amplify = run->params.value[P_ATTR_AMPLIFY];
    double lo = clamp > 0 ? log(clamp) : -HUGE_VAL, logp0;

    /* Drawn words: the difference is of the same sums, so that no amplification means no score. */
    logp0 = l->words ? base - log_sum_exp(row, words) : base_logp(run, l, b, row, h->add);
    if (!l->words)
        a->base_logp[b] = logp0;
    for (int i = 0; i < run->neurons; i++) {
        size_t at = (size_t)b * (size_t)run->neurons + (size_t)i;
        double scale = l->own_base ? (double)l->own_base[at] : 1;
        double c = (double)h->coeff[at], uy = (double)h->own[at], sum = h->sum[at];
        double logp =
            apply_softcap(scale * base + add + c * uy, cap) - (double)h->max[at] - log(sum);
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

/* Computes the scores from the sums and returns the attribution, a reference for the caller; NULL
 * and err if one is not finite. Works on the host alone. */
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

/* MPC (editscope-method(7) 3.6) needs no pass over the vocabulary: only the row of the explained
 * token, and the base. */
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

/* A layer that the device has finished; the host scores it while the device is at the next. */
struct pending_layer {
    struct attribute_run *run;
    struct layer_run layer;
    void (*on_layer)(void *ctx, struct attribution *a);
    void *ctx;
    struct err fault; /* in the scores: no layer is given out after it */
};

static void score_pending(void *ctx)
{
    struct pending_layer *p = ctx;

    struct attribution *a =
        p->layer.a && !p->fault.kind ? layer_score(p->run, &p->layer, &p->fault) : NULL;

    if (a)
        p->on_layer(p->ctx, a);
}

bool attribute_layers(struct attribute_run *run, const int *layer, int count, bool curves,
                      void (*on_layer)(void *ctx, struct attribution *a), void *ctx,
                      struct job *job, struct err *err)
{
    struct pending_layer before = {.run = run, .on_layer = on_layer, .ctx = ctx};
    struct layer_run l = {0};
    bool ok = true;

    for (int i = 0; ok && i < count; i++) {
        ok = layer_begin(run, &l, layer[i], curves, job, err);
        if (ok && l.a->strategy == STRATEGY_MPC)
            ok = layer_project(run, &l, err);
        else
            ok = ok &&
                 layer_tiles(run, &l, before.layer.a ? score_pending : NULL, &before, job, err) &&
                 layer_fetch(run, &l, err);
        if (!ok)
            break;
        before.layer = l;
        l = (struct layer_run){0};
        if (!run->view->model->dev->ops->queues || i == count - 1)
            score_pending(&before);
        if (before.fault.kind)
            ok = err_pass(err, &before.fault);
    }
    layer_run_free(run, &l);
    layer_run_free(run, &before.layer);
    return ok;
}

static void store_layer(void *ctx, struct attribution *a)
{
    *(struct attribution **)ctx = a;
}

struct attribution *attribute_layer(struct attribute_run *run, int layer, bool curves,
                                    struct job *job, struct err *err)
{
    struct attribution *a = NULL;

    return attribute_layers(run, &layer, 1, curves, store_layer, &a, job, err) ? a : NULL;
}
