/* Causal tracing: runs with a noisy subject, then passes in which one state is restored, and the
 * probability of the answer in each (editscope-method(7) 10.3). */
#include "core/edit/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/model/finite_weights.h"
#include "core/model/generate.h"

/* Limits: new rows of a pass (one block then takes under 50 ms on two cores), rows of keys, rows
 * that the head is read for, rows of the embedding that are summed at once. */
enum { PASS_ROWS = 256, KEY_ROWS = 8192, HEAD_ROWS = 32, EMBED_ROWS = 2048 };

struct trace_run {
    const struct model_state *view;
    struct trace_base base;
    int count, sequences;  /* tokens; draws and, the last of them, the clean run */
    int first;             /* first corrupted token */
    struct mat *out;       /* [layers] block outputs [sequences * count, d] */
    struct kv_cache *keys; /* of all sequences, as the corrupted and clean runs left them */
    struct forward *f;
    struct kv_cache work; /* every layer's keys and values are the same matrix: one pass uses one */
    struct mat k, v;      /* [key rows, Hkv hd] */
    struct mat x;         /* [pass rows, d] */
    int pass_rows, key_rows;
};

/* One state restored in one draw. */
struct pair {
    int token, sample;
};

static bool embedding_spread(const struct model *m, double *out, struct job *job, struct err *err)
{
    int d = m->config->hidden, index[EMBED_ROWS];
    struct mat rows = mat_new(m->dev, DT_F32, EMBED_ROWS, d);
    float *host = xmalloc((size_t)EMBED_ROWS * (size_t)d * sizeof(float));
    double sum = 0, square = 0, n = (double)m->embed.rows * d, mean;
    bool ok = true;

    model_check_layer(m, m->config->layers);
    for (int r = 0; ok && r < m->embed.rows; r += EMBED_ROWS) {
        int some = m->embed.rows - r < EMBED_ROWS ? m->embed.rows - r : EMBED_ROWS;

        for (int i = 0; i < some; i++)
            index[i] = r + i;
        device_gather(m->dev, m->embed, index, mat_rows(rows, 0, some));
        device_fetch(m->dev, host, mat_rows(rows, 0, some), "the embedding (a row a token) from %d",
                     r);
        ok = device_sync(m->dev, err) && !job_cancelled(job, err);
        for (size_t i = 0; ok && i < (size_t)some * (size_t)d; i++) {
            sum += (double)host[i];
            square += (double)host[i] * (double)host[i];
        }
    }
    mean = sum / n;
    *out = sqrt(fmax(square / n - mean * mean, 0));
    if (m->config->embed_scale >
        0) /* the noise is added to the rows as the first block reads them */
        *out *= (double)m->config->embed_scale;
    free(host);
    mat_free(m->dev, &rows);
    return ok;
}

/* Two independent normal deviates (Box and Muller). */
static void draw_normals(uint64_t *rng, double out[2])
{
    double radius = sqrt(-2 * log(1 - rng_unit(rng))), angle = 2 * acos(-1.0) * rng_unit(rng);

    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

/* Adds noise to the marked rows of x [sequences * count, d], the clean run's excepted. */
static void corrupt_rows(struct trace_run *run, const bool *corrupt, uint64_t seed, struct mat x)
{
    struct device *dev = run->view->model->dev;
    int d = x.cols, rows = 0, *index = xcalloc((size_t)x.rows, sizeof(int));
    float *noise = xmalloc((size_t)x.rows * (size_t)d * sizeof(float));
    struct mat add;
    uint64_t rng = seed;
    double z[2];

    for (int s = 0; s < run->base.samples; s++)
        for (int t = 0; t < run->count; t++) {
            if (!corrupt[t])
                continue;
            for (int j = 0; j < d; j++) {
                if (j % 2 == 0)
                    draw_normals(&rng, z);
                noise[(size_t)rows * (size_t)d + (size_t)j] = (float)(run->base.noise * z[j % 2]);
            }
            index[rows++] = s * run->count + t;
        }
    add = mat_new(dev, DT_F32, rows, d);
    device_upload(dev, add, noise);
    device_scatter_add(dev, add, index, x);
    mat_free(dev, &add);
    free(noise);
    free(index);
}

/* Runs all sequences through all blocks, a few at a time. x becomes the output of the last block.
 */
static bool run_all(struct trace_run *run, struct batch *p, struct mat x, struct job *job,
                    struct err *err)
{
    struct device *dev = run->view->model->dev;
    int most = run->pass_rows / run->count;

    for (int l = 0; l < run->keys->layers; l++) {
        for (int s = 0; s < p->seqs; s += most) {
            int some = p->seqs - s < most ? p->seqs - s : most, row = s * run->count;
            struct attn_seq *seq = xcalloc((size_t)some, sizeof(*seq));
            int *asked = xcalloc((size_t)some, sizeof(*asked));
            struct batch part = {
                some * run->count, p->id + row, p->pos + row, seq, some, asked, NULL};

            for (int i = 0; i < some; i++) {
                seq[i] = p->seq[s + i];
                seq[i].q0 -= row;
                asked[i] = p->asked[s + i] - row;
            }
            forward_block(run->f, run->view, l, &part, run->keys, mat_rows(x, row, part.rows), NULL,
                          NULL);
            free(seq);
            free(asked);
            if (job_cancelled(job, err))
                return false;
        }
        device_copy(dev, x, run->out[l]);
    }
    return device_sync(dev, err);
}

/* p [rows.rows]: the probability of the answer, read out of these residuals. */
static bool answer_probabilities(struct trace_run *run, struct mat rows, double *p, struct job *job,
                                 struct err *err)
{
    const struct model *m = run->view->model;
    struct mat logits = mat_new(m->dev, DT_F32, HEAD_ROWS, m->head.rows);
    struct mat loss = mat_new(m->dev, DT_F32, 1, HEAD_ROWS);
    float host[HEAD_ROWS];
    int label[HEAD_ROWS];
    bool ok = true;

    for (int i = 0; i < HEAD_ROWS; i++)
        label[i] = run->base.answer;
    for (int r = 0; ok && r < rows.rows; r += HEAD_ROWS) {
        int n = rows.rows - r < HEAD_ROWS ? rows.rows - r : HEAD_ROWS;

        forward_logits(run->f, mat_rows(rows, r, n), mat_rows(logits, 0, n));
        device_cross_entropy(m->dev, mat_rows(logits, 0, n), label, 1, mat_cols(loss, 0, n), false);
        device_fetch(m->dev, host, mat_cols(loss, 0, n), "the answer's losses in the trace");
        ok = device_sync(m->dev, err) && !job_cancelled(job, err);
        for (int i = 0; ok && i < n; i++)
            p[r + i] = exp(-(double)host[i]);
    }
    mat_free(m->dev, &logits);
    mat_free(m->dev, &loss);
    return ok;
}

/* Sets the answer, the most probable token of the clean run, and its probability in all runs. */
static bool read_base(struct trace_run *run, struct mat x, struct job *job, struct err *err)
{
    const struct model *m = run->view->model;
    struct mat rows = mat_new(m->dev, DT_F32, run->sequences, x.cols);
    struct mat logits = mat_new(m->dev, DT_F32, 1, m->head.rows);
    float *host = xmalloc((size_t)m->head.rows * sizeof(float));
    double *p = xcalloc((size_t)run->sequences, sizeof(double));
    int *last = xcalloc((size_t)run->sequences, sizeof(int));
    bool ok;

    for (int s = 0; s < run->sequences; s++)
        last[s] = (s + 1) * run->count - 1;
    device_gather(m->dev, x, last, rows);
    forward_logits(run->f, mat_rows(rows, run->sequences - 1, 1), logits);
    device_fetch(m->dev, host, logits, "the logits (a column a token)");
    if ((ok = device_sync(m->dev, err)))
        top_k(host, m->head.rows, 1, &run->base.answer);
    ok = ok && answer_probabilities(run, rows, p, job, err);
    run->base.p_clean = p[run->sequences - 1];
    for (int s = 0; s < run->base.samples; s++)
        run->base.p_corrupt += p[s] / run->base.samples;
    free(host);
    free(p);
    free(last);
    mat_free(m->dev, &rows);
    mat_free(m->dev, &logits);
    return ok;
}

static void make_room(struct trace_run *run)
{
    const struct model *m = run->view->model;
    int layers = m->config->layers, all = run->sequences * run->count;
    int kv = m->config->kv_heads * m->config->head_dim;

    run->pass_rows = run->count > PASS_ROWS ? run->count : PASS_ROWS;
    run->key_rows = run->count > KEY_ROWS ? run->count : KEY_ROWS;
    run->keys = kv_cache_new(m, all);
    run->f = forward_new(m, run->pass_rows);
    run->out = xcalloc((size_t)layers, sizeof(*run->out));
    for (int l = 0; l < layers; l++)
        run->out[l] = mat_new(m->dev, DT_F32, all, m->config->hidden);
    run->x = mat_new(m->dev, DT_F32, run->pass_rows, m->config->hidden);
    run->k = mat_new(m->dev, DT_F32, run->key_rows, kv);
    run->v = mat_new(m->dev, DT_F32, run->key_rows, kv);
    run->work.layers = layers;
    run->work.capacity = run->key_rows;
    run->work.k = xcalloc((size_t)layers, sizeof(*run->work.k));
    run->work.v = xcalloc((size_t)layers, sizeof(*run->work.v));
    for (int l = 0; l < layers; l++) {
        run->work.k[l] = run->k;
        run->work.v[l] = run->v;
    }
}

struct trace_run *trace_begin(const struct model_state *view, const int *ids, int count,
                              const bool *corrupt, int samples, double noise, uint64_t seed,
                              struct job *job, struct err *err)
{
    const struct model *m = view->model;
    struct trace_run *run = xcalloc(1, sizeof(*run));
    const int **row = xcalloc((size_t)samples + 1, sizeof(*row));
    int *counts = xcalloc((size_t)samples + 1, sizeof(*counts));
    struct batch p;
    struct mat x;
    bool ok = true;

    run->view = view;
    run->count = count;
    run->sequences = samples + 1;
    run->base.samples = samples;
    while (run->first < count && !corrupt[run->first])
        run->first++;
    make_room(run);
    for (int s = 0; s < run->sequences; s++) {
        row[s] = ids;
        counts[s] = count;
    }
    p = batch_new(row, counts, NULL, run->sequences, 0);
    x = mat_new(m->dev, DT_F32, p.rows, m->config->hidden);
    run->base.noise = noise;
    ok = batch_fits(&p, m, err);
    if (ok && noise <= 0) {
        ok = embedding_spread(m, &run->base.noise, job, err);
        run->base.noise *= 3;
    }
    if (ok) {
        forward_embed(run->f, &p, x);
        corrupt_rows(run, corrupt, seed, x);
        ok = run_all(run, &p, x, job, err) && read_base(run, x, job, err);
    }
    mat_free(m->dev, &x);
    batch_free(&p);
    free(row);
    free(counts);
    if (ok)
        return run;
    trace_end(run);
    return NULL;
}

const struct trace_base *trace_base(const struct trace_run *run)
{
    return &run->base;
}

void trace_end(struct trace_run *run)
{
    struct device *dev;

    if (!run)
        return;
    dev = run->view->model->dev;
    for (int l = 0; l < run->work.layers; l++)
        mat_free(dev, &run->out[l]);
    mat_free(dev, &run->x);
    mat_free(dev, &run->k);
    mat_free(dev, &run->v);
    free(run->work.k);
    free(run->work.v);
    free(run->out);
    kv_cache_free(run->keys, dev);
    forward_free(run->f);
    free(run);
}

/* A pass over some pairs: each is a sequence of the restored token and all after it. */
struct group {
    struct batch pass;
    int *rows; /* [pass rows] of the block outputs the pass begins with */
    int *keys; /* [pairs * count] of the runs' keys that its sequences see */
    int *last; /* [pairs] row of the last token */
    int pairs;
};

static void group_free(struct group *g)
{
    batch_free(&g->pass);
    free(g->rows);
    free(g->keys);
    free(g->last);
}

static struct group group_of(const struct trace_run *run, const struct pair *pair, int pairs)
{
    struct group g = {.pairs = pairs};
    int count = run->count, clean = (run->sequences - 1) * count;

    g.pass.id = xcalloc((size_t)run->pass_rows, sizeof(int));
    g.pass.pos = xcalloc((size_t)run->pass_rows, sizeof(int));
    g.pass.seq = xcalloc((size_t)pairs, sizeof(*g.pass.seq));
    g.pass.seqs = pairs;
    g.rows = xcalloc((size_t)run->pass_rows, sizeof(int));
    g.keys = xcalloc((size_t)pairs * (size_t)count, sizeof(int));
    g.last = xcalloc((size_t)pairs, sizeof(int));
    for (int i = 0; i < pairs; i++) {
        int t = pair[i].token, from = pair[i].sample * count;

        g.pass.seq[i] = (struct attn_seq){g.pass.rows, count - t, i * count, t, false};
        for (int j = 0; j < count; j++)
            g.keys[i * count + j] = from + j;
        for (int j = t; j < count; j++) {
            g.pass.pos[g.pass.rows] = j;
            g.rows[g.pass.rows++] = j == t ? clean + j : from + j;
        }
        g.last[i] = g.pass.rows - 1;
    }
    return g;
}

/* p [pairs] after the restored state has gone through the blocks above `layer`. */
static bool run_group(struct trace_run *run, int layer, const struct group *g, double *p,
                      struct job *job, struct err *err)
{
    struct device *dev = run->view->model->dev;
    struct mat x = mat_rows(run->x, 0, g->pass.rows), rows;
    int keys = g->pairs * run->count;
    bool ok = true;

    device_gather(dev, run->out[layer], g->rows, x);
    for (int l = layer + 1; ok && l < run->keys->layers; l++) {
        device_gather(dev, run->keys->k[l], g->keys, mat_rows(run->k, 0, keys));
        device_gather(dev, run->keys->v[l], g->keys, mat_rows(run->v, 0, keys));
        forward_block(run->f, run->view, l, &g->pass, &run->work, x, NULL, NULL);
        ok = !job_cancelled(job, err);
    }
    if (!ok)
        return false;
    rows = mat_new(dev, DT_F32, g->pairs, x.cols);
    device_gather(dev, x, g->last, rows);
    ok = answer_probabilities(run, rows, p, job, err);
    mat_free(dev, &rows);
    return ok;
}

/* How many of the pairs fit into one pass. */
static int pairs_fitting(const struct trace_run *run, const struct pair *pair, int pairs)
{
    int n = 0, rows = 0;

    while (n < pairs && rows + run->count - pair[n].token <= run->pass_rows &&
           (n + 1) * run->count <= run->key_rows)
        rows += run->count - pair[n++].token;
    return n;
}

bool trace_layer(struct trace_run *run, int layer, float *effect, struct job *job, struct err *err)
{
    int last = run->count - 1, pairs = 0;
    int from = layer + 1 < run->keys->layers ? run->first
                                             : last; /* after the last block tokens do not mix */
    struct pair *pair = xcalloc((size_t)run->count * (size_t)run->base.samples, sizeof(*pair));
    double *p = xcalloc((size_t)run->count * (size_t)run->base.samples, sizeof(*p));
    double *sum = xcalloc((size_t)run->count, sizeof(*sum));
    bool ok = true;

    for (int t = from < run->first ? run->first : from; t <= last; t++)
        for (int s = 0; s < run->base.samples; s++)
            pair[pairs++] = (struct pair){t, s};
    for (int at = 0; ok && at < pairs;) {
        int some = pairs_fitting(run, pair + at, pairs - at);
        struct group g = group_of(run, pair + at, some);

        ok = run_group(run, layer, &g, p + at, job, err);
        group_free(&g);
        at += some;
    }
    for (int i = 0; i < pairs; i++)
        sum[pair[i].token] += p[i] / run->base.samples;
    for (int t = 0; ok && t < run->count; t++)
        effect[t] = t < from || t < run->first ? 0 : (float)(sum[t] - run->base.p_corrupt);
    free(pair);
    free(p);
    free(sum);
    return ok;
}
