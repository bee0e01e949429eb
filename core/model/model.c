#include "core/model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"

/* Where the float32 copies go: what does not fit keeps its stored type. */
struct budget {
    struct model *m;
    double left;
};

static void own(struct model *m, struct mat x)
{
    m->owned = xrealloc(m->owned, (size_t)(m->owned_count + 1) * sizeof(*m->owned));
    m->owned[m->owned_count++] = x;
}

/* A tensor as a device matrix: vectors are one row. The small ones are always float32. */
static struct mat place(struct budget *b, const struct tensor *t)
{
    struct device *dev = b->m->dev;
    int rows = t->ndim == 1 ? 1 : (int)t->dim[0], cols = (int)t->dim[t->ndim == 1 ? 0 : 1];
    struct mat stored = {.type = t->type, .rows = rows, .cols = cols, .stride = cols};
    double bytes = 4.0 * rows * cols;
    bool resident = rows == 1 || bytes <= b->left, copied = false;
    struct mat x;

    stored.data = (void *)(size_t)device_adopt(dev, t->data, t->bytes);
    if (!stored.data) { /* the device has its own memory */
        copied = true;
        stored.data = device_alloc(dev, t->bytes);
        if (stored.data)
            device_upload(dev, stored, t->data);
    }
    if (!resident) {
        if (copied)
            own(b->m, stored);
        return stored;
    }
    x = mat_new(dev, DT_F32, rows, cols);
    device_copy(dev, stored, x);
    own(b->m, x);
    if (copied)
        device_release(dev, stored.data, t->bytes);
    if (rows > 1)
        b->left -= bytes;
    return x;
}

static struct mat tensor(struct budget *b, const char *name)
{
    const struct tensor *t = weights_tensor(b->m->file, name);

    return t ? place(b, t) : (struct mat){0};
}

static struct mat of_block(struct budget *b, int layer, const char *name)
{
    char full[80];

    snprintf(full, sizeof(full), "blk.%d.%s", layer, name);
    return tensor(b, full);
}

static bool place_all(struct budget *b, struct job *job, struct err *err)
{
    struct model *m = b->m;

    for (int l = 0; l < m->config->layers; l++) {
        struct block *k = &m->block[l];

        if (job_cancelled(job, err))
            return false;
        k->attn_norm = of_block(b, l, "attn_norm.weight");
        k->ffn_norm = of_block(b, l, "ffn_norm.weight");
        k->q = of_block(b, l, "attn_q.weight");
        k->k = of_block(b, l, "attn_k.weight");
        k->v = of_block(b, l, "attn_v.weight");
        k->o = of_block(b, l, "attn_output.weight");
        k->q_bias = of_block(b, l, "attn_q.bias");
        k->k_bias = of_block(b, l, "attn_k.bias");
        k->v_bias = of_block(b, l, "attn_v.bias");
        k->gate = of_block(b, l, "ffn_gate.weight");
        k->up = of_block(b, l, "ffn_up.weight");
        k->down = of_block(b, l, "ffn_down.weight");
    }
    m->final_norm = tensor(b, "output_norm.weight");
    m->embed = tensor(b, "token_embd.weight");
    m->head = m->config->tied ? m->embed : tensor(b, "output.weight");
    return !job_cancelled(job, err);
}

/* Linear and Llama-3 scaling of one inverse frequency (formats 3.2). */
static double rope_scaled(const struct model_config *c, double f)
{
    double wave = 2 * M_PI / f, s;

    if (c->rope_scaling == ROPE_LINEAR)
        return f / c->rope_factor;
    if (c->rope_scaling != ROPE_LLAMA3 || wave < c->rope_orig / c->rope_high)
        return f;
    if (wave > c->rope_orig / c->rope_low)
        return f / c->rope_factor;
    s = (c->rope_orig / wave - c->rope_low) / (c->rope_high - c->rope_low);
    return (1 - s) * f / c->rope_factor + s * f;
}

/* inv_freq of rotary positions with linear or Llama-3 scaling (formats 3.2). */
static float *frequencies(const struct model *m)
{
    const struct model_config *c = m->config;
    const struct tensor *factors = weights_tensor(m->file, "rope_freqs.weight");
    int half = c->head_dim / 2;
    float *freq = xmalloc((size_t)half * sizeof(float));

    for (int i = 0; i < half; i++) {
        double f = pow(c->rope_theta, -2.0 * i / c->head_dim);

        if (factors) {
            float by;

            dtype_to_float(factors->type, (const float *)factors->data + i, &by, 1);
            f /= (double)by;
        } else {
            f = rope_scaled(c, f);
        }
        freq[i] = (float)f;
    }
    return freq;
}

struct model *model_of(struct weights *file, struct tokenizer *tokenizer, struct device *dev,
                       long long memory, struct job *job, struct err *err)
{
    struct model *m = xcalloc(1, sizeof(*m));
    struct budget b = {m, (double)memory};
    double start = clock_seconds();

    m->dev = dev;
    m->file = file;
    m->config = weights_config(file);
    m->tokenizer = tokenizer;
    if (memory <= 0)
        b.left = 0.75 * (double)device_free_memory(dev);
    m->block = xcalloc((size_t)m->config->layers, sizeof(*m->block));
    if (!place_all(&b, job, err))
        goto fail;
    m->freq = frequencies(m);
    if (!device_sync(dev, err)) {
        err_in(err, "%s", weights_path(file));
        goto fail;
    }
    m->load_seconds = clock_seconds() - start;
    return m;
fail:
    model_close(m);
    return NULL;
}

struct model *model_open(const char *path, struct device *dev, long long memory, struct job *job,
                         struct err *err)
{
    double start = clock_seconds();
    struct weights *file = weights_open(path, err);
    struct tokenizer *tokenizer = file ? tokenizer_open(file, err) : NULL;
    struct model *m;

    if (!tokenizer) {
        weights_close(file);
        return NULL;
    }
    m = model_of(file, tokenizer, dev, memory, job, err);
    if (m)
        m->load_seconds = clock_seconds() - start;
    return m;
}

void model_close(struct model *m)
{
    if (!m)
        return;
    for (int i = 0; i < m->owned_count; i++)
        mat_free(m->dev, &m->owned[i]);
    free(m->owned);
    free(m->block);
    free(m->freq);
    tokenizer_free(m->tokenizer);
    weights_close(m->file);
    free(m);
}

struct weights_view *view_new(const struct model *m, unsigned generation)
{
    struct weights_view *v = xcalloc(1, sizeof(*v));

    v->model = m;
    v->generation = generation;
    v->down = xcalloc((size_t)m->config->layers, sizeof(*v->down));
    v->hash = xcalloc((size_t)m->config->layers, sizeof(*v->hash));
    v->hashed = xcalloc((size_t)m->config->layers, sizeof(*v->hashed));
    return v;
}

struct weights_view *view_copy(const struct weights_view *v, unsigned generation)
{
    struct weights_view *c = view_new(v->model, generation);

    for (int l = 0; l < v->model->config->layers; l++) {
        memcpy(c->hash[l], v->hash[l], sizeof(c->hash[l]));
        c->hashed[l] = v->hashed[l];
        if (!v->down[l].data)
            continue;
        c->down[l] = mat_new(v->model->dev, DT_F32, v->down[l].rows, v->down[l].cols);
        device_copy(v->model->dev, v->down[l], c->down[l]);
    }
    return c;
}

void view_free(struct weights_view *v)
{
    if (!v)
        return;
    for (int l = 0; l < v->model->config->layers; l++)
        mat_free(v->model->dev, &v->down[l]);
    free(v->down);
    free(v->hash);
    free(v->hashed);
    free(v);
}

struct mat view_down(const struct weights_view *v, int layer)
{
    return v->down[layer].data ? v->down[layer] : v->model->block[layer].down;
}

struct mat view_own_down(struct weights_view *v, int layer)
{
    struct mat base = v->model->block[layer].down;

    v->hashed[layer] = false;
    if (!v->down[layer].data) {
        v->down[layer] = mat_new(v->model->dev, DT_F32, base.rows, base.cols);
        device_copy(v->model->dev, base, v->down[layer]);
    }
    return v->down[layer];
}
