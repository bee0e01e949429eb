/* Opens a model: gives each tensor its role, brings the weights to the device, as float32 as far as
 * they fit, and computes the rotary frequencies. */
#include "core/model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/model/finite_weights.h"
#include "core/model/vocabulary.h"

/* Bytes left for float32 copies of m's weights. A weight that does not fit keeps its stored type.
 */
struct budget {
    struct model *m;
    double left;
};

static void model_own(struct model *m, struct mat x)
{
    m->owned = xrealloc(m->owned, (size_t)(m->owned_count + 1) * sizeof(*m->owned));
    m->owned[m->owned_count++] = x;
}

struct float_copy {
    const void *copy;
    struct mat stored;
};

static int compare_copies(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const struct float_copy *)a)->copy;
    uintptr_t y = (uintptr_t)((const struct float_copy *)b)->copy;

    return (x > y) - (x < y);
}

static void add_float_copy(struct model *m, struct mat copy, struct mat stored)
{
    m->copy = xrealloc(m->copy, (size_t)(m->copies + 1) * sizeof(*m->copy));
    m->copy[m->copies++] = (struct float_copy){copy.data, stored};
}

struct mat model_weight(const struct model *m, struct mat w, int rows)
{
    struct float_copy key = {.copy = w.data}, *found;

    if (rows > DEVICE_FEW_ROWS || !m->copies)
        return w;
    found = bsearch(&key, m->copy, (size_t)m->copies, sizeof(key), compare_copies);
    return found ? found->stored : w;
}

/* out[r][c] = in[c][r], in tiles of 32 x 32 that stay in the CPU's cache. Callers pass `size`, the
 * bytes of an element, as a constant, so that memcpy() becomes one instruction. */
static inline void transpose_bytes(char *out, const char *in, size_t rows, size_t cols,
                                   size_t stride, size_t size)
{
    enum { BLOCK = 32 };

    for (size_t r0 = 0; r0 < rows; r0 += BLOCK)
        for (size_t c0 = 0; c0 < cols; c0 += BLOCK) {
            size_t r1 = r0 + BLOCK < rows ? r0 + BLOCK : rows;
            size_t c1 = c0 + BLOCK < cols ? c0 + BLOCK : cols;

            for (size_t r = r0; r < r1; r++)
                for (size_t c = c0; c < c1; c++)
                    memcpy(out + (r * cols + c) * size, in + (c * stride + r) * size, size);
        }
}

/* Uploads a matrix stored as [in, out], transposed to [out, in]. */
static void upload_transposed(struct device *dev, const struct tensor *t, struct mat to)
{
    size_t rows = (size_t)t->dim[0], cols = (size_t)t->dim[1], size = dtype_row_bytes(t->type, 1);
    size_t stride = t->stride ? (size_t)t->stride : rows;
    char *out = malloc(t->bytes), words[16];

    if (!out) {
        err_set(&dev->fault, ERR_DEVICE, "not enough memory for the %s of tensor %s",
                show_bytes((double)t->bytes, words), t->origin);
        return;
    }
    if (size == 4)
        transpose_bytes(out, t->data, rows, cols, stride, 4);
    else if (size == 2)
        transpose_bytes(out, t->data, rows, cols, stride, 2);
    else
        transpose_bytes(out, t->data, rows, cols, stride, size);
    device_upload(dev, to, out);
    free(out);
}

/* Brings a matrix to the device and returns it: as float32 if the budget allows, else in its stored
 * type.
 *
 *   device without memory of its own (CPU):  use the mapped bytes in place (device_adopt), or a
 *                                            float32 copy beside them
 *   device with memory of its own (GPU):     upload the stored bytes; where the budget allows,
 *                                            replace them by a float32 copy
 *
 * On a GPU the stored bytes were counted before (core/edit/gpu_memory.h), so that a copy costs only
 * the difference. */
static struct mat place_matrix(struct budget *b, const struct tensor *t)
{
    struct device *dev = b->m->dev;
    int rows = (int)t->dim[0], cols = (int)t->dim[1];
    struct mat stored = {.type = t->type, .rows = rows, .cols = cols, .stride = cols};
    bool own_memory = dev->ops->own_memory;
    bool terms = dev->precision == PRECISION_SPLIT || dev->precision == PRECISION_BF16;
    double bytes = 4.0 * rows * cols - (own_memory ? (double)t->bytes : 0);
    /* at these precisions products split floats into bfloat16 terms: stored BF16 is one already */
    bool direct = own_memory && terms && t->type == DT_BF16;
    bool resident = bytes <= b->left && !direct, copied = false;
    struct mat x;

    if (!t->transposed && (t->type != DT_F32 || (uintptr_t)t->data % sizeof(float) == 0))
        stored.data = (void *)(size_t)device_adopt(dev, t->data, t->bytes);
    if (!stored.data || (resident && t->type != DT_F32)) /* the bytes are about to be read */
        model_check_tensor(b->m, t);
    if (!stored.data) { /* the device cannot use the mapped bytes in place */
        copied = true;
        stored.data = device_alloc(dev, t->bytes);
        if (stored.data && t->transposed)
            upload_transposed(dev, t, stored);
        else if (stored.data)
            device_upload(dev, stored, t->data);
    }
    if (!resident || t->type == DT_F32) { /* no conversion wanted, or none needed */
        if (copied) {
            model_own(b->m, stored);
            b->left -= own_memory ? 0 : (double)t->bytes;
        }
        return stored;
    }
    x = mat_new(dev, DT_F32, rows, cols);
    device_copy(dev, stored, x);
    model_own(b->m, x);
    if (copied)
        device_release(dev, stored.data, t->bytes);
    else if (x.data && dtype_is_quick(t->type))
        add_float_copy(b->m, x, stored);
    b->left -= bytes;
    return x;
}

/* Uploads a vector as one float32 row, with `add` added to each element. */
static struct mat place_vector(struct budget *b, const struct tensor *t, float add)
{
    struct mat x = mat_new(b->m->dev, DT_F32, 1, (int)t->dim[0]);
    float *host = xmalloc((size_t)t->dim[0] * sizeof(float));

    dtype_to_float(t->type, t->data, host, t->dim[0]);
    for (long i = 0; i < t->dim[0]; i++)
        host[i] += add;
    device_upload(b->m->dev, x, host);
    model_own(b->m, x);
    free(host);
    return x;
}

static struct mat place_tensor(struct budget *b, const char *name, float add)
{
    const struct tensor *t = weights_tensor(b->m->file, name);

    if (!t)
        return (struct mat){0};
    return t->ndim == 1 ? place_vector(b, t, add) : place_matrix(b, t);
}

/* A table of which only single rows are read, one a token: it stays in its stored type. */
static struct mat place_table(struct budget *b, const char *name)
{
    struct budget none = {.m = b->m};
    struct mat x = place_tensor(&none, name, 0);

    b->left += none.left;
    return x;
}

static struct mat place_block_tensor(struct budget *b, int layer, const char *name,
                                     const char *part)
{
    char full[80];

    snprintf(full, sizeof(full), "blk.%d.%s.%s", layer, name, part);
    return place_tensor(b, full, 0);
}

static struct norm place_norm(struct budget *b, const char *name)
{
    const struct model_config *c = b->m->config;
    char full[80];
    struct norm n = {.kind = c->norm, .eps = c->norm_eps};

    snprintf(full, sizeof(full), "%s.weight", name);
    n.gain = place_tensor(b, full, c->norm_offset);
    snprintf(full, sizeof(full), "%s.bias", name);
    n.bias = place_tensor(b, full, 0);
    return n;
}

static struct norm place_block_norm(struct budget *b, int layer, const char *name)
{
    char full[64];

    snprintf(full, sizeof(full), "blk.%d.%s", layer, name);
    return place_norm(b, full);
}

static struct attn_shape attn_shape_of(const struct model_config *c, int layer)
{
    float scale = c->attn_scale > 0 ? c->attn_scale : 1.0F / sqrtf((float)c->head_dim);

    return (struct attn_shape){
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .head_dim = c->head_dim,
        .scale = c->attn_scale_by_layer ? scale / (float)(layer + 1) : scale,
        .window = c->windowed[layer] ? c->window : 0,
        .softcap = c->attn_softcap,
    };
}

static void place_block(struct budget *b, int l)
{
    struct model *m = b->m;
    struct block *k = &m->block[l];

    k->attn_norm = place_block_norm(b, l, "attn_norm");
    k->ffn_norm = place_block_norm(b, l, "ffn_norm");
    k->q_norm = place_block_norm(b, l, "attn_q_norm");
    k->k_norm = place_block_norm(b, l, "attn_k_norm");
    k->post_attn_norm = place_block_norm(b, l, "post_attention_norm");
    k->post_ffn_norm = place_block_norm(b, l, "post_ffw_norm");
    for (int i = 0; i < MATRICES; i++) {
        const char *name = matrix_tensor(m->config, (enum matrix)i);

        if (!name)
            continue;
        k->w[i] = place_block_tensor(b, l, name, "weight");
        k->bias[i] = place_block_tensor(b, l, name, "bias");
    }
    k->shape = attn_shape_of(m->config, l);
    k->freq = m->config->windowed[l] && m->freq_swa ? m->freq_swa : m->freq;
}

/* Asks the system to read this layer's weights, while the layer before is being converted. */
static void prefetch_block(const struct model *m, int layer)
{
    char start[32];

    if (layer < m->config->layers) {
        snprintf(start, sizeof(start), "blk.%d.", layer);
        weights_prefetch(m->file, start);
    } else {
        weights_prefetch(m->file, "token_embd.");
        weights_prefetch(m->file, "output.");
    }
}

static bool place_all(struct budget *b, struct job *job, struct err *err)
{
    struct model *m = b->m;
    float scale = m->config->embed_scale;

    prefetch_block(m, 0);
    for (int l = 0; l < m->config->layers; l++) {
        if (job_cancelled(job, err))
            return false;
        prefetch_block(m, l + 1);
        place_block(b, l);
    }
    m->final_norm = place_norm(b, "output_norm");
    m->embed = m->config->tied ? place_tensor(b, "token_embd.weight", 0)
                               : place_table(b, "token_embd.weight");
    m->positions = place_table(b, "position_embd.weight");
    m->head = m->config->tied ? m->embed : place_tensor(b, "output.weight", 0);
    if (scale > 0) {
        m->embed_scale = mat_new(m->dev, DT_F32, 1, m->config->hidden);
        device_fill(m->dev, m->embed_scale, (double)scale);
        model_own(m, m->embed_scale);
    }
    if (m->copies)
        qsort(m->copy, (size_t)m->copies, sizeof(*m->copy), compare_copies);
    return !job_cancelled(job, err);
}

/* Linear and Llama-3 scaling of one inverse frequency (editscope-formats(7) 4.3). */
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

/* [head_dim / 2] rotary frequencies, theta^(-2 i / hd), with the file's scaling. Caller frees. */
static float *rope_frequencies(const struct model *m)
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

/* The same for layers with a window: their own base, no scaling. Caller frees. */
static float *rope_frequencies_swa(const struct model_config *c)
{
    float *freq = xmalloc((size_t)(c->head_dim / 2) * sizeof(float));

    for (int i = 0; i < c->head_dim / 2; i++)
        freq[i] = (float)pow(c->rope_theta_swa, -2.0 * i / c->head_dim);
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
    if (!memory)
        b.left = 0.75 * (double)device_free_memory(dev);
    m->block = xcalloc((size_t)m->config->layers, sizeof(*m->block));
    m->tensor_checked = xcalloc((size_t)weights_count(file) + 1, sizeof(*m->tensor_checked));
    m->layer_checked = xcalloc((size_t)m->config->layers + 1, sizeof(*m->layer_checked));
    if (!(m->config->parts & PART_POSITIONS))
        m->freq = rope_frequencies(m);
    if (m->freq && m->config->rope_theta_swa > 0)
        m->freq_swa = rope_frequencies_swa(m->config);
    if (!place_all(&b, job, err))
        goto fail;
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
    free(m->copy);
    free(m->block);
    free(m->tensor_checked);
    free(m->layer_checked);
    free(m->freq);
    free(m->freq_swa);
    tokenizer_free(m->tokenizer);
    weights_close(m->file);
    free(m);
}
