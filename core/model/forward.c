/* The forward pass: embedding, then attention and FFN of each block, then the head.
 *
 * A block changes the residual stream x [rows, d] in place. At the four sites on the left, hooks
 * and the tap see what is written beside them:
 *
 *    TAP_BLOCK_IN    x
 *                       n = norm(x);  q, k, v = n W^T;  rotate q and k;  put k, v in the cache
 *                       x += attention(q, cached k, cached v) W_o^T
 *    TAP_FFN_IN      x, called h
 *                       n = norm(x);  m = act(n W_gate^T) * (n W_up^T)
 *    TAP_COEFF       m [rows, M]
 *                       x += m W_down^T
 *    TAP_BLOCK_OUT   x, called o
 *
 * An ungated FFN has no W_up: m = act(n W^T). Some models put a norm on each of the two outputs
 * before it is added (post-norms), a norm on each head of q and k, or learned positions in place of
 * the rotation. A row of m holds the M neuron coefficients of one token; column j of W_down is what
 * neuron j adds to the stream (its value vector).
 *
 * A batch packs the new tokens of several sequences. Sequence A has 4 tokens, 2 of them cached;
 * sequence B has 2 new ones; spare 1 leaves room for one more token of each:
 *
 *    batch row      0   1   2   3              seq[0] = {q0 0, n 2, kv0 0, past 2}
 *    token         a2  a3  b0  b1              seq[1] = {q0 2, n 2, kv0 5, past 0}
 *    position       2   3   0   1
 *    cache row      0   1   2   3   4   5   6   7
 *    token         a0  a1  a2  a3   -  b0  b1   -
 *
 * attention_block() writes the new keys (rotated) and values to the cache; row i of a sequence then
 * attends to its cached rows and to new rows up to i. The cache takes 2 layers Hkv hd 4 bytes a
 * token: 46 kB in a model of 30 layers with 3 key-value heads of 64. A cache belongs to one state:
 * after an edit of the weights, start with a new cache.
 *
 * At each site run_hooks_and_tap() first runs the state's hooks, which are part of what the model
 * computes, then the caller's tap, which watches or changes this pass alone. */
#include "core/model/forward.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/device/finite.h"
#include "core/model/finite_weights.h"

static int q_cols(const struct model *m)
{
    return m->config->heads * m->config->head_dim;
}

static int kv_cols(const struct model *m)
{
    return m->config->kv_heads * m->config->head_dim;
}

struct forward *forward_new(const struct model *m, int capacity)
{
    const struct model_config *c = m->config;
    struct forward *f = xcalloc(1, sizeof(*f));
    struct device *dev = m->dev;

    f->model = m;
    f->capacity = capacity;
    f->coeff_end = -1;
    f->norm = mat_new(dev, DT_F32, capacity, c->hidden);
    f->q = mat_new(dev, DT_F32, capacity, q_cols(m));
    f->k = mat_new(dev, DT_F32, capacity, kv_cols(m));
    f->v = mat_new(dev, DT_F32, capacity, kv_cols(m));
    f->att = mat_new(dev, DT_F32, capacity, q_cols(m));
    f->gate = mat_new(dev, DT_F32, capacity, c->ffn);
    f->up = mat_new(dev, DT_F32, capacity, c->ffn);
    f->m = mat_new(dev, DT_F32, capacity, c->ffn);
    if (c->parts & PART_POST_NORMS)
        f->sum = mat_new(dev, DT_F32, capacity, c->hidden);
    return f;
}

void forward_free(struct forward *f)
{
    struct device *dev;

    if (!f)
        return;
    dev = f->model->dev;
    struct mat *all[] = {&f->norm, &f->q,     &f->k,      &f->v,      &f->att, &f->gate,
                         &f->up,   &f->m,     &f->sum,    &f->d_norm, &f->d_q, &f->d_k,
                         &f->d_v,  &f->d_att, &f->d_gate, &f->d_up,   &f->d_m, &f->capped};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(dev, all[i]);
    free(f);
}

struct kv_cache *kv_cache_new(const struct model *m, int capacity)
{
    struct kv_cache *c = xcalloc(1, sizeof(*c));

    c->layers = m->config->layers;
    c->capacity = capacity;
    c->k = xcalloc((size_t)c->layers, sizeof(*c->k));
    c->v = xcalloc((size_t)c->layers, sizeof(*c->v));
    for (int l = 0; l < c->layers; l++) {
        c->k[l] = mat_new(m->dev, DT_F32, capacity, kv_cols(m));
        c->v[l] = mat_new(m->dev, DT_F32, capacity, kv_cols(m));
    }
    return c;
}

void kv_cache_free(struct kv_cache *c, struct device *dev)
{
    if (!c)
        return;
    for (int l = 0; l < c->layers; l++) {
        mat_free(dev, &c->k[l]);
        mat_free(dev, &c->v[l]);
    }
    free(c->k);
    free(c->v);
    free(c);
}

struct batch batch_new(const int *const *ids, const int *count, const int *past, int seqs,
                       int spare)
{
    struct batch batch = {.seqs = seqs};
    int kv0 = 0;

    for (int s = 0; s < seqs; s++)
        batch.rows += count[s] - (past ? past[s] : 0);
    batch.id = xcalloc((size_t)batch.rows, sizeof(int));
    batch.pos = xcalloc((size_t)batch.rows, sizeof(int));
    batch.seq = xcalloc((size_t)seqs, sizeof(*batch.seq));
    batch.asked = xcalloc((size_t)seqs, sizeof(int));
    for (int s = 0, row = 0; s < seqs; s++) {
        int from = past ? past[s] : 0;

        batch.seq[s] = (struct attn_seq){.q0 = row, .n = count[s] - from, .kv0 = kv0, .past = from};
        for (int i = from; i < count[s]; i++, row++) {
            batch.id[row] = ids[s][i];
            batch.pos[row] = i;
        }
        batch.asked[s] = from ? -1 : row - 1;
        kv0 += count[s] + spare;
    }
    return batch;
}

bool batch_fits(const struct batch *batch, const struct model *m, struct err *err)
{
    for (int i = 0; i < batch->rows; i++)
        if (batch->pos[i] >= m->config->context)
            return err_set(err, ERR_USAGE,
                           "more tokens than the %d the model holds: use a shorter text",
                           m->config->context);
    return true;
}

void batch_free(struct batch *batch)
{
    free(batch->id);
    free(batch->pos);
    free(batch->seq);
    free(batch->asked);
    *batch = (struct batch){0};
}

void forward_embed(struct forward *f, const struct batch *batch, struct mat x)
{
    const struct model *m = f->model;

    model_check_layer(m, m->config->layers);
    device_gather(m->dev, m->embed, batch->id, x);
    if (m->embed_scale.data)
        device_scale_cols(m->dev, x, m->embed_scale, x);
    if (m->positions.data) {
        struct mat at = mat_rows(f->norm, 0, x.rows);

        device_gather(m->dev, m->positions, batch->pos, at);
        device_axpy(m->dev, 1, at, x);
    }
}

/* y [n, out] = x [n, in] W^T (+ bias), W [out, in] of the view. */
static void linear_map(const struct model_state *view, int layer, enum matrix which, struct mat x,
                       struct mat y)
{
    const struct model *m = view->model;
    struct mat bias = m->block[layer].bias[which];

    device_gemm(m->dev, 1, x, false, model_weight(m, state_matrix(view, layer, which), x.rows),
                true, 0, y);
    if (bias.data)
        device_axpy(m->dev, 1, bias, y);
}

/* x += y W^T + bias; or, if the block has a post-norm here, x += norm(sum), sum = y W^T + bias. */
static void add_to_stream(struct forward *f, const struct model_state *view, int layer,
                          enum matrix which, struct mat y, struct norm post, struct mat sum,
                          struct mat x)
{
    const struct model *m = view->model;
    struct mat norm = mat_rows(f->norm, 0, x.rows), bias = m->block[layer].bias[which];

    if (!post.gain.data) {
        device_gemm(m->dev, 1, y, false, model_weight(m, state_matrix(view, layer, which), y.rows),
                    true, 1, x);
        if (bias.data)
            device_axpy(m->dev, 1, bias, x);
        return;
    }
    linear_map(view, layer, which, y, sum);
    device_norm(m->dev, sum, post, norm);
    device_axpy(m->dev, 1, norm, x);
}

struct mat forward_by_head(struct mat x, int heads)
{
    x.rows *= heads;
    x.cols /= heads;
    x.stride = x.cols;
    return x;
}

/* Normalises q or k head by head. `raw`, if it has data, keeps the values from before. */
static void norm_heads(struct device *dev, struct mat x, int heads, struct norm n, struct mat raw)
{
    struct mat each = forward_by_head(x, heads);

    if (!n.gain.data)
        return;
    if (raw.data)
        device_copy(dev, x, mat_rows(raw, 0, x.rows));
    device_norm(dev, each, n, each);
}

static void attention_block(struct forward *f, const struct model_state *view, int layer,
                            const struct batch *batch, struct kv_cache *c, struct mat x,
                            struct saved *save)
{
    const struct block *b = &f->model->block[layer];
    const struct model_config *cfg = f->model->config;
    struct device *dev = f->model->dev;
    struct mat norm = mat_rows(f->norm, 0, batch->rows), att = mat_rows(f->att, 0, batch->rows);
    struct mat q = save ? mat_rows(save->q, 0, batch->rows) : mat_rows(f->q, 0, batch->rows);
    struct mat k = mat_rows(f->k, 0, batch->rows), v = mat_rows(f->v, 0, batch->rows);

    device_norm(dev, x, b->attn_norm, norm);
    linear_map(view, layer, MATRIX_Q, norm, q);
    linear_map(view, layer, MATRIX_K, norm, k);
    linear_map(view, layer, MATRIX_V, norm, v);
    norm_heads(dev, q, cfg->heads, b->q_norm, save ? save->q_raw : (struct mat){0});
    norm_heads(dev, k, cfg->kv_heads, b->k_norm, save ? save->k_raw : (struct mat){0});
    if (b->freq) {
        device_rope(dev, q, batch->pos, cfg->heads, b->freq, cfg->rope_interleaved, false);
        device_rope(dev, k, batch->pos, cfg->kv_heads, b->freq, cfg->rope_interleaved, false);
    }
    for (int s = 0; s < batch->seqs; s++) {
        const struct attn_seq *a = &batch->seq[s];

        if (a->exclude_self) /* only reads the cache: its own keys must not get in */
            continue;
        device_copy(dev, mat_rows(k, a->q0, a->n), mat_rows(c->k[layer], a->kv0 + a->past, a->n));
        device_copy(dev, mat_rows(v, a->q0, a->n), mat_rows(c->v[layer], a->kv0 + a->past, a->n));
    }
    device_attention(dev, q, c->k[layer], c->v[layer], batch->seq, batch->seqs, b->shape, att);
    add_to_stream(f, view, layer, MATRIX_O, att, b->post_attn_norm,
                  mat_rows(save ? save->att_sum : f->sum, 0, batch->rows), x);
}

/* x is complete at this site: runs the state's hooks, then the tap (may be NULL). */
static void run_hooks_and_tap(const struct model_state *view, const struct batch *batch, int layer,
                              enum tap_site site, struct mat x, const struct tap *tap)
{
    for (int i = 0; i < view->hooks; i++)
        view->hook[i]->ops->run(view->hook[i]->ctx, batch, layer, site, x);
    if (tap)
        tap->fn(tap->ctx, layer, site, x);
}

void forward_ffn(struct forward *f, const struct model_state *view, int layer,
                 const struct batch *batch, struct mat x, const struct tap *tap, struct saved *save)
{
    const struct model *m = f->model;
    const struct block *b = &m->block[layer];
    struct device *dev = m->dev;
    struct mat norm = mat_rows(f->norm, 0, batch->rows), coeff = mat_rows(f->m, 0, batch->rows);
    struct mat gate = mat_rows(save ? save->gate : f->gate, 0, batch->rows), up = {0};

    run_hooks_and_tap(view, batch, layer, TAP_FFN_IN, x, tap);
    if (save)
        device_copy(dev, x, mat_rows(save->h, 0, batch->rows));
    device_norm(dev, x, b->ffn_norm, norm);
    linear_map(view, layer, MATRIX_GATE, norm, gate);
    if (b->w[MATRIX_UP].data) {
        up = mat_rows(save ? save->up : f->up, 0, batch->rows);
        linear_map(view, layer, MATRIX_UP, norm, up);
    }
    device_gated(dev, m->config->act, gate, up, coeff);
    run_hooks_and_tap(view, batch, layer, TAP_COEFF, coeff, tap);
    if (layer == f->coeff_end)
        return;
    add_to_stream(f, view, layer, MATRIX_DOWN, coeff, b->post_ffn_norm,
                  mat_rows(save ? save->ffn_sum : f->sum, 0, batch->rows), x);
    run_hooks_and_tap(view, batch, layer, TAP_BLOCK_OUT, x, tap);
}

void forward_block(struct forward *f, const struct model_state *view, int layer,
                   const struct batch *batch, struct kv_cache *c, struct mat x,
                   const struct tap *tap, struct saved *save)
{
    model_check_layer(f->model, layer);
    run_hooks_and_tap(view, batch, layer, TAP_BLOCK_IN, x, tap);
    if (save)
        device_copy(f->model->dev, x, mat_rows(save->in, 0, batch->rows));
    attention_block(f, view, layer, batch, c, x, save);
    forward_ffn(f, view, layer, batch, x, tap, save);
}

void forward_ffn_sum(const struct model_state *view, int layer, struct mat coeff, struct mat sum)
{
    linear_map(view, layer, MATRIX_DOWN, coeff, sum);
}

void forward_logits(struct forward *f, struct mat x, struct mat logits)
{
    const struct model *m = f->model;
    struct mat own = {0}, norm = mat_rows(f->norm, 0, x.rows);

    model_check_layer(m, m->config->layers);
    if (x.rows > f->capacity)
        norm = own = mat_new(m->dev, DT_F32, x.rows, x.cols);
    device_norm(m->dev, x, m->final_norm, norm);
    device_gemm(m->dev, 1, norm, false, model_weight(m, m->head, x.rows), true, 0, logits);
    if (m->config->logit_softcap > 0)
        device_softcap(m->dev, m->config->logit_softcap, logits);
    mat_free(m->dev, &own);
}

/* A second run of a pass that gave numbers which are not finite, to find the first of them. */
struct not_finite_search {
    const struct model_state *view;
    const struct batch *batch;
    const struct tap *tap; /* the caller's, or NULL */
    struct err found;
};

/* The first row whose sum of squares overflows float32, with its length, or -1. */
static long find_overflowing_row(const float *x, int rows, int cols, double *length)
{
    for (long r = 0; r < rows; r++) {
        double sum = 0;

        for (long j = r * cols; j < (r + 1) * cols; j++)
            sum += (double)x[j] * (double)x[j];
        *length = sqrt(sum);
        if (sum > (double)FLT_MAX)
            return r;
    }
    return -1;
}

/* Writes s->found: the layer, `flaw`, and the edit that added the largest value up to there. */
static void report_not_finite(struct not_finite_search *s, int layer, const char *flaw)
{
    const struct state_change *c = state_largest_change(s->view, layer);
    char who[24] = "this edit";

    if (c && c->edit)
        snprintf(who, sizeof(who), "edit %d", c->edit);
    if (c)
        err_set(&s->found, ERR_FORMAT,
                "layer %d: %s; %s made the largest change, up to %.3g in layer %d, and it is too "
                "large for float32%s",
                layer, flaw, who, c->largest, c->layer,
                s->view->hooks ? ", or a hook or a changed neuron is" : "");
    else
        err_set(&s->found, ERR_FORMAT,
                "layer %d: %s; weights or a changed neuron are too large for float32", layer, flaw);
}

static void check_site(struct not_finite_search *s, int layer, enum tap_site site, struct mat x)
{
    struct device *dev = s->view->model->dev;
    size_t n = (size_t)x.rows * (size_t)x.cols;
    float *host = xmalloc(n * sizeof(float));
    char flaw[120] = "";
    double length;
    long at;

    device_download(dev, host, x);
    at = dev->fault.kind ? -1 : not_finite(host, n);
    if (at >= 0)
        snprintf(flaw, sizeof(flaw), "%s %ld at position %d is %s, not a finite number",
                 site == TAP_COEFF ? "the coefficient of neuron" : "the stream's component",
                 at % x.cols, s->batch->pos[at / x.cols], not_finite_name((double)host[at]));
    else if (!dev->fault.kind && site != TAP_COEFF &&
             (at = find_overflowing_row(host, x.rows, x.cols, &length)) >= 0)
        snprintf(flaw, sizeof(flaw),
                 "the stream at position %d has length %.3g, whose square overflows float32",
                 s->batch->pos[at], length);
    if (*flaw)
        report_not_finite(s, layer, flaw);
    free(host);
}

static void search_tap(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct not_finite_search *s = ctx;

    if (s->tap)
        s->tap->fn(s->tap->ctx, layer, site, x);
    if (!s->found.kind)
        check_site(s, layer, site, x);
}

static bool run_blocks(struct forward *f, const struct model_state *view, const struct batch *batch,
                       struct kv_cache *c, struct mat x, int blocks, const struct tap *tap,
                       struct job *job, struct err *err)
{
    forward_embed(f, batch, x);
    for (int l = 0; l < blocks; l++) {
        if (job_cancelled(job, err))
            return false;
        forward_block(f, view, l, batch, c, x, tap, NULL);
    }
    return true;
}

bool forward_until(const struct model_state *view, const struct batch *batch, int last,
                   const struct tap *tap, struct job *job, struct err *err)
{
    const struct model *m = view->model;
    struct forward *f;
    struct kv_cache *cache;
    struct mat x;
    bool ok;

    if (!batch_fits(batch, m, err))
        return false;
    f = forward_new(m, batch->rows);
    cache = kv_cache_new(m, batch->rows);
    x = mat_new(m->dev, DT_F32, batch->rows, m->config->hidden);
    ok = run_blocks(f, view, batch, cache, x, last + 1, tap, job, err) && device_sync(m->dev, err);
    mat_free(m->dev, &x);
    kv_cache_free(cache, m->dev);
    forward_free(f);
    return ok;
}

/* A NaN or an infinity anywhere makes all of the stream after it NaN or infinite, so it is enough
 * to look at the last x, and of x to copy its d column norms to the host. A stream that is finite
 * but too long is caught as well: a norm layer sums its squares in float32, gets infinity, divides
 * by it, and the model gives the same answer to every prompt. */
bool forward_check_finite(struct forward *f, struct mat x, bool *finite, struct err *err)
{
    struct device *dev = f->model->dev;
    struct mat lengths = mat_rows(x.cols == f->gate.cols ? f->gate : f->norm, 0, 1);
    float *host = xmalloc((size_t)x.cols * sizeof(float));
    double sum = 0;
    bool ok;

    device_col_norms(dev, x, lengths);
    device_download(dev, host, lengths);
    ok = device_sync(dev, err);
    for (int j = 0; ok && j < x.cols; j++)
        sum += (double)host[j] * (double)host[j];
    *finite = ok && sum <= (double)FLT_MAX; /* a NaN compares false */
    free(host);
    return ok;
}

bool forward_run(struct forward *f, const struct model_state *view, const struct batch *batch,
                 struct kv_cache *c, struct mat x, const struct tap *tap, struct job *job,
                 struct err *err)
{
    struct not_finite_search s = {view, batch, tap, {0}};
    struct tap searching = {search_tap, &s};
    bool finite;

    if (!batch_fits(batch, f->model, err) ||
        !run_blocks(f, view, batch, c, x, f->model->config->layers, tap, job, err) ||
        !forward_check_finite(f, x, &finite, err))
        return false;
    if (finite)
        return true;
    if (!run_blocks(f, view, batch, c, x, f->model->config->layers, &searching, job, err) ||
        !device_sync(f->model->dev, err))
        return false;
    return !s.found.kind || err_pass(err, &s.found);
}
