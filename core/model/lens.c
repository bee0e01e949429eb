/* The logit lens (nostalgebraist 2020).
 *
 * The residual stream has the same size d after every block, and only the last value is turned into
 * logits. The lens applies that last step to each block's output o_l:
 *
 *    logits_l = W_head norm_final(o_l)         [V] for each position, l = 0 .. layers - 1
 *
 * For "The Eiffel Tower is in the city of" the rank of " Paris" typically falls from thousands in
 * the first blocks to 1 in the last ones; after an edit one sees at which block the new object
 * overtakes it. For the last block logits_l are the model's own logits.
 *
 * Cost: one forward pass, then a product [rows, d] x [d, V] with rows = layers * positions. At
 * V 128256 one row of logits takes 0.5 MB, and 32 layers * 100 positions would take 1.6 GB, so
 * read_logits() computes up to HEAD_ROWS rows at a time, hands each to a callback, and reuses the
 * memory. */
#include "core/model/lens.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/generate.h"

/* Rows of logits per slice: 32 take about 35 ms on two CPU cores at d 576, V 49152. */
enum { HEAD_ROWS = 32, HEAD_BYTES = 64 << 20 };

void lens_contribution(const struct model *m, int layer, struct mat values)
{
    struct device *dev = m->dev;
    struct mat gain = m->block[layer].post_ffn_norm.gain, ones, mean;

    if (gain.data)
        device_scale_rows(dev, gain, values);
    if (m->final_norm.kind != NORM_LAYER)
        return;
    ones = mat_new(dev, DT_F32, 1, values.rows);
    mean = mat_new(dev, DT_F32, 1, values.cols);
    device_fill(dev, ones, 1.0 / values.rows);
    device_gemm(dev, 1, ones, false, values, false, 0, mean);
    device_axpy(dev, -1, mean, values);
    mat_free(dev, &ones);
    mat_free(dev, &mean);
}

struct saved_outputs {
    struct device *dev;
    struct mat rows; /* [layers * wanted, d] */
    int *pick;       /* [wanted] rows of the pass */
    int wanted;
};

static void save_block_output(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct saved_outputs *saved = ctx;

    if (site == TAP_BLOCK_OUT)
        device_gather(saved->dev, x, saved->pick,
                      mat_rows(saved->rows, layer * saved->wanted, saved->wanted));
}

/* One forward pass over prompt `ids`. Copies to rows [layers * wanted, d] the output of every block
 * at positions first .. first + wanted - 1, and to `rest` (if it has rows) the output of the last
 * block at the positions after those. */
static bool run_and_save(const struct model_state *view, const int *ids, int count, int first,
                         int wanted, struct mat rows, struct mat rest, struct job *job,
                         struct err *err)
{
    const struct model *m = view->model;
    struct prompt prompt = state_prompt(view, ids, count);
    int all = prompt.count;
    struct saved_outputs saved = {m->dev, rows, xcalloc((size_t)count, sizeof(int)), wanted};
    struct tap tap = {save_block_output, &saved};
    struct forward *f = forward_new(m, all);
    struct batch batch = batch_new((const int *const *)&prompt.id, &all, NULL, 1, 0);
    struct kv_cache *cache = kv_cache_new(m, all);
    struct mat x = mat_new(m->dev, DT_F32, all, m->config->hidden);
    bool ok;

    batch.asked[0] = prompt_position(&prompt, first + wanted - 1);
    for (int i = 0; i < count - first; i++)
        saved.pick[i] = prompt_position(&prompt, first + i);
    ok = forward_run(f, view, &batch, cache, x, &tap, job, err);
    if (ok && rest.rows)
        device_gather(m->dev, x, saved.pick + wanted, rest);
    ok = ok && device_sync(m->dev, err);
    mat_free(m->dev, &x);
    kv_cache_free(cache, m->dev);
    batch_free(&batch);
    forward_free(f);
    prompt_free(&prompt);
    free(saved.pick);
    return ok;
}

/* Computes the logits of residuals x [n, d] a few rows at a time, and calls take() for each row
 * with its logits [V] and their log-sum-exp. */
static bool read_logits(const struct model *m, struct mat x,
                        void (*take)(void *ctx, int row, const float *logits, double lse),
                        void *ctx, struct job *job, struct err *err)
{
    int vocab = m->head.rows, most = HEAD_BYTES / (int)sizeof(float) / vocab;
    int tile = most < 1 ? 1 : most < HEAD_ROWS ? most : HEAD_ROWS;
    struct forward *f = forward_new(m, 1);
    struct mat out = mat_new(m->dev, DT_F32, tile, vocab), sum = mat_new(m->dev, DT_F32, 1, tile);
    float *logits = xmalloc((size_t)tile * (size_t)vocab * sizeof(float));
    float *lse = xmalloc((size_t)tile * sizeof(float));
    bool ok = true;

    for (int r = 0; ok && r < x.rows; r += tile) {
        int n = x.rows - r < tile ? x.rows - r : tile;
        struct mat o = mat_rows(out, 0, n), s = mat_cols(sum, 0, n);

        if ((ok = !job_cancelled(job, err))) {
            forward_logits(f, mat_rows(x, r, n), o);
            device_lse(m->dev, o, s);
            device_fetch(m->dev, logits, o, "the lens (a column a token)");
            device_fetch(m->dev, lse, s, "the lens's sums");
            ok = device_sync(m->dev, err);
        }
        for (int i = 0; ok && i < n; i++)
            take(ctx, r + i, logits + (size_t)i * (size_t)vocab, (double)lse[i]);
    }
    free(logits);
    free(lse);
    mat_free(m->dev, &out);
    mat_free(m->dev, &sum);
    forward_free(f);
    return ok;
}

int token_rank(const float *logits, int vocab, int token)
{
    int rank = 1;

    for (int i = 0; i < vocab; i++)
        rank += logits[i] > logits[token];
    return rank;
}

static int logits_argmax(const float *logits, int vocab)
{
    int best = 0;

    for (int j = 1; j < vocab; j++)
        if (logits[j] > logits[best])
            best = j;
    return best;
}

/* The results of lens_cells(), filled row by row. */
struct cells {
    int vocab, rows; /* of the whole grid */
    const int *token;
    int tokens;
    int *best, *rank;
    float *p;
};

static void fill_cell(void *ctx, int row, const float *logits, double lse)
{
    struct cells *c = ctx;

    c->best[row] = logits_argmax(logits, c->vocab);
    if (c->p)
        c->p[row] = (float)exp((double)logits[c->best[row]] - lse);
    for (int t = 0; t < c->tokens; t++)
        c->rank[(size_t)t * (size_t)c->rows + (size_t)row] =
            token_rank(logits, c->vocab, c->token[t]);
}

bool lens_cells(const struct model_state *view, const int *ids, int count, const int *token,
                int tokens, int *best, float *p, int *rank, struct job *job, struct err *err)
{
    const struct model *m = view->model;
    struct mat rows = mat_new(m->dev, DT_F32, m->config->layers * count, m->config->hidden);
    struct cells c = {m->head.rows, rows.rows, token, tokens, best, rank, p};
    bool ok = run_and_save(view, ids, count, 0, count, rows, (struct mat){0}, job, err) &&
              read_logits(m, rows, fill_cell, &c, job, err);

    mat_free(m->dev, &rows);
    return ok;
}

struct readout_rows {
    struct lens_readout *out;
    int vocab;
    const int *target;
};

/* Row 0 is the last block at the prompt's last token, row 1 the block before it, and so on: `old`
 * must be known from row 0 before ranks of it are computed. Rows from `layers` on are the last
 * block at the target's tokens. */
static void fill_readout(void *ctx, int row, const float *logits, double lse)
{
    struct readout_rows *l = ctx;
    int layers = l->out->layers, layer = layers - 1 - row, target = row - layers + 1;

    (void)lse; /* float32: too coarse for log p, so it is summed again in float64 */
    if (row >= layers) {
        l->out->logp[target] = (double)logits[l->target[target]] - log_sum_exp(logits, l->vocab);
        return;
    }
    if (row == 0) {
        memcpy(l->out->logits, logits, (size_t)l->vocab * sizeof(float));
        l->out->logp[0] = (double)logits[l->target[0]] - log_sum_exp(logits, l->vocab);
        if (l->out->old < 0)
            l->out->old = logits_argmax(logits, l->vocab);
    }
    l->out->rank_old[layer] = token_rank(logits, l->vocab, l->out->old);
    l->out->rank_new[layer] = token_rank(logits, l->vocab, l->target[0]);
}

bool lens_readout(struct lens_readout *out, const struct model_state *view, const int *ids,
                  int count, const int *target, int targets, int old, struct job *job,
                  struct err *err)
{
    const struct model *m = view->model;
    int layers = m->config->layers, more = targets - 1;
    int *all = xcalloc((size_t)(count + targets), sizeof(int));
    int *order = xcalloc((size_t)(layers + targets), sizeof(int));
    struct mat rows = mat_new(m->dev, DT_F32, layers + more, m->config->hidden);
    struct mat reversed = mat_new(m->dev, DT_F32, layers + more, m->config->hidden);
    struct readout_rows state = {out, m->head.rows, target};
    bool ok;

    *out = (struct lens_readout){.old = old, .layers = layers};
    out->logits = xcalloc((size_t)m->head.rows, sizeof(float));
    out->logp = xcalloc((size_t)targets, sizeof(double));
    out->rank_old = xcalloc((size_t)layers, sizeof(int));
    out->rank_new = xcalloc((size_t)layers, sizeof(int));
    memcpy(all, ids, (size_t)count * sizeof(int));
    memcpy(all + count, target, (size_t)more * sizeof(int));
    for (int i = 0; i < layers + more; i++)
        order[i] = i < layers ? layers - 1 - i : i;
    ok = run_and_save(view, all, count + more, count - 1, 1, rows, mat_rows(rows, layers, more),
                      job, err);
    if (ok) {
        device_gather(m->dev, rows, order, reversed);
        ok = read_logits(m, reversed, fill_readout, &state, job, err);
    }
    mat_free(m->dev, &rows);
    mat_free(m->dev, &reversed);
    free(all);
    free(order);
    if (!ok)
        lens_readout_free(out);
    return ok;
}

void lens_readout_free(struct lens_readout *readout)
{
    free(readout->logits);
    free(readout->logp);
    free(readout->rank_old);
    free(readout->rank_new);
    *readout = (struct lens_readout){0};
}
