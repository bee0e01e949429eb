/* Attention of the CPU device: products by the BLAS on one head and a block of queries at a time,
 * softmax in float32. */
#include "core/device/cpu.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 64 }; /* queries at a time */

struct attn {
    struct cpu *cpu;
    struct mat q, k, v, out, dout, dq, dk, dv;
    const struct attn_seq *seq;
    struct attn_shape shape;
    int seqs, blocks; /* blocks: of the longest sequence */
    int keys;         /* of the longest */
};

/* A block of queries of one head: windows on the matrices. */
struct view {
    int rows, keys; /* queries in the block, keys that any of them sees */
    int first;      /* of the block in its sequence */
    int from;       /* the first of the keys in its sequence */
    int d;
    const float *q, *k, *v;
    long ldq, ldk, ldv;
};

static int seq_keys(const struct attn_seq *s)
{
    return s->past + (s->exclude_self ? 0 : s->n);
}

/* The key behind the last that row i of a sequence sees, and the first it sees. */
static int seen_end(const struct attn_seq *s, int i)
{
    return s->exclude_self ? s->past : s->past + i + 1;
}

static int seen_from(const struct attn *a, const struct attn_seq *s, int i)
{
    int end = seen_end(s, i);

    return a->shape.window && a->shape.window < end ? end - a->shape.window : 0;
}

static void measure(struct attn *a)
{
    for (int i = 0; i < a->seqs; i++) {
        int blocks = (a->seq[i].n + BLOCK - 1) / BLOCK, keys = seq_keys(&a->seq[i]);

        a->blocks = blocks > a->blocks ? blocks : a->blocks;
        a->keys = keys > a->keys ? keys : a->keys;
    }
}

static struct view look(const struct attn *a, const struct attn_seq *s, int head, int block)
{
    int d = a->shape.head_dim, kv = head / (a->shape.heads / a->shape.kv_heads);
    int first = block * BLOCK, rows = s->n - first < BLOCK ? s->n - first : BLOCK;
    struct view v = {.rows = rows, .first = first, .d = d, .from = seen_from(a, s, first)};

    v.keys = seen_end(s, first + rows - 1) - v.from;
    v.q = row_f32(a->q, s->q0 + first) + (size_t)head * (size_t)d;
    v.k = row_f32(a->k, s->kv0 + v.from) + (size_t)kv * (size_t)d;
    v.v = row_f32(a->v, s->kv0 + v.from) + (size_t)kv * (size_t)d;
    v.ldq = a->q.stride;
    v.ldk = a->k.stride;
    v.ldv = a->v.stride;
    return v;
}

/* x = cap tanh(x / cap); slope, unless NULL, becomes the derivative, 1 - tanh^2. */
static void cap_scores(float cap, float *x, float *slope, int n)
{
    for (int j = 0; j < n; j++) {
        float t = tanhf(x[j] / cap);

        x[j] = cap * t;
        if (slope)
            slope[j] = 1 - t * t;
    }
}

/* p [rows, keys] = softmax of the scaled scores, zero where a query may not look; slope [rows,
 * keys], unless NULL: the soft cap's derivative where there is one. */
static void probabilities(const struct attn *a, const struct attn_seq *s, const struct view *v,
                          float *p, float *slope)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, v->rows, v->keys, v->d, a->shape.scale,
                v->q, (int)v->ldq, v->k, (int)v->ldk, 0, p, v->keys);
    for (int i = 0; i < v->rows; i++) {
        size_t at = (size_t)i * (size_t)v->keys;
        float *row = p + at;
        int from = seen_from(a, s, v->first + i) - v->from;
        int end = seen_end(s, v->first + i) - v->from;

        if (a->shape.softcap > 0)
            cap_scores(a->shape.softcap, row + from, slope ? slope + at + from : NULL, end - from);
        a->cpu->loops->softmax(row + from, end - from);
        memset(row, 0, (size_t)from * sizeof(float));
        memset(row + end, 0, (size_t)(v->keys - end) * sizeof(float));
    }
}

static void attention_piece(void *context, int piece, int worker)
{
    const struct attn *a = context;
    int block = piece % a->blocks, head = piece / a->blocks % a->shape.heads;
    const struct attn_seq *s = &a->seq[piece / a->blocks / a->shape.heads];
    float *p = a->cpu->scratch[worker];
    struct view v;

    if (block * BLOCK >= s->n)
        return;
    v = look(a, s, head, block);
    probabilities(a, s, &v, p, NULL);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, v.rows, v.d, v.keys, 1, p, v.keys, v.v,
                (int)v.ldv, 0, row_f32(a->out, s->q0 + v.first) + (size_t)head * (size_t)v.d,
                (int)a->out.stride);
}

void cpu_attention(struct device *dev, struct mat q, struct mat k, struct mat v,
                   const struct attn_seq *seq, int seqs, struct attn_shape shape, struct mat out)
{
    struct attn a = {.cpu = (struct cpu *)dev,
                     .q = q,
                     .k = k,
                     .v = v,
                     .out = out,
                     .seq = seq,
                     .seqs = seqs,
                     .shape = shape};

    measure(&a);
    if (a.keys && cpu_scratch(a.cpu, BLOCK * (size_t)a.keys * sizeof(float)))
        cpu_pool_run(a.cpu->pool, seqs * shape.heads * a.blocks, attention_piece, &a);
}

/* What one block of queries of one head gives to dq, dk and dv. */
static void grad_block(const struct attn *a, const struct attn_seq *s, int head, int block,
                       float *p, float *ds, float *slope)
{
    struct view v = look(a, s, head, block);
    size_t at = (size_t)head * (size_t)v.d;
    size_t kv_at = (size_t)(head / (a->shape.heads / a->shape.kv_heads)) * (size_t)v.d;
    const float *dout = row_f32(a->dout, s->q0 + v.first) + at;
    int old = s->past > v.from ? s->past - v.from : 0; /* keys of cached rows */
    int own = v.keys - old, first = v.from + old - s->past;

    if (s->exclude_self)
        own = 0;
    probabilities(a, s, &v, p, slope);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, v.rows, v.keys, v.d, 1, dout,
                (int)a->dout.stride, v.v, (int)v.ldv, 0, ds, v.keys);
    for (int i = 0; i < v.rows; i++) {
        const float *pi = p + (size_t)i * (size_t)v.keys;
        float *di = ds + (size_t)i * (size_t)v.keys, dot = 0;

        for (int j = 0; j < v.keys; j++)
            dot += pi[j] * di[j];
        for (int j = 0; j < v.keys; j++)
            di[j] = pi[j] * (di[j] - dot) * a->shape.scale;
        if (slope && a->shape.softcap > 0)
            for (int j = 0; j < v.keys; j++)
                if (pi[j] > 0) /* elsewhere nothing was written */
                    di[j] *= slope[(size_t)i * (size_t)v.keys + (size_t)j];
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, v.rows, v.d, v.keys, 1, ds, v.keys, v.k,
                (int)v.ldk, 0, row_f32(a->dq, s->q0 + v.first) + at, (int)a->dq.stride);
    if (own <= 0)
        return;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, own, v.d, v.rows, 1, ds + old, v.keys, v.q,
                (int)v.ldq, 1, row_f32(a->dk, s->q0 + first) + kv_at, (int)a->dk.stride);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, own, v.d, v.rows, 1, p + old, v.keys, dout,
                (int)a->dout.stride, 1, row_f32(a->dv, s->q0 + first) + kv_at, (int)a->dv.stride);
}

/* One sequence and key head: nobody else adds to its part of dk and dv. */
static void grad_piece(void *context, int piece, int worker)
{
    const struct attn *a = context;
    const struct attn_seq *s = &a->seq[piece / a->shape.kv_heads];
    int group = a->shape.heads / a->shape.kv_heads, first = piece % a->shape.kv_heads * group;
    float *p = a->cpu->scratch[worker], *ds = p + BLOCK * (size_t)a->keys;
    float *slope = ds + BLOCK * (size_t)a->keys;

    for (int head = first; head < first + group; head++)
        for (int block = 0; block * BLOCK < s->n; block++)
            grad_block(a, s, head, block, p, ds, slope);
}

void cpu_attention_grad(struct device *dev, struct mat q, struct mat k, struct mat v,
                        const struct attn_seq *seq, int seqs, struct attn_shape shape,
                        struct mat dout, struct mat dq, struct mat dk, struct mat dv)
{
    struct attn a = {.cpu = (struct cpu *)dev,
                     .q = q,
                     .k = k,
                     .v = v,
                     .seq = seq,
                     .seqs = seqs,
                     .shape = shape,
                     .dout = dout,
                     .dq = dq,
                     .dk = dk,
                     .dv = dv};

    measure(&a);
    cpu_fill(dev, dq, 0);
    cpu_fill(dev, dk, 0);
    cpu_fill(dev, dv, 0);
    if (a.keys && cpu_scratch(a.cpu, 3 * BLOCK * (size_t)a.keys * sizeof(float)))
        cpu_pool_run(a.cpu->pool, seqs * shape.kv_heads, grad_piece, &a);
}
