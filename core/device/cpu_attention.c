/* Attention on the CPU. A piece of work is one head and a block of 64 queries: scores = Q K^T by
 * the BLAS, softmax of each row in float32, out = P V by the BLAS. The scores of a block fit in a
 * thread's scratch buffer; the whole matrix of scores never exists. */
#include "core/device/cpu.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 64 }; /* queries of a piece */

struct attn {
    struct cpu *cpu;
    struct mat q, k, v, out, dout, dq, dk, dv;
    const struct attn_seq *seq;
    struct attn_shape shape;
    int seqs, blocks; /* blocks of the longest sequence */
    int keys;         /* keys of the longest sequence */
};

/* A block of queries of one head, and the keys and values that they see. */
struct block_view {
    int rows, keys; /* queries in the block, keys that any of them sees */
    int first;      /* the block's first query, counted in its sequence */
    int from;       /* the first key, counted in its sequence */
    int d;
    const float *q, *k, *v;
    long ldq, ldk, ldv;
};

static int seq_keys(const struct attn_seq *s)
{
    return s->past + (s->exclude_self ? 0 : s->n);
}

/* Row i of a sequence sees the keys seen_from() .. seen_end() - 1. */
static int seen_end(const struct attn_seq *s, int i)
{
    return s->exclude_self ? s->past : s->past + i + 1;
}

static int seen_from(const struct attn *a, const struct attn_seq *s, int i)
{
    int end = seen_end(s, i);

    return a->shape.window && a->shape.window < end ? end - a->shape.window : 0;
}

/* Finds the longest sequence, which determines scratch sizes and the number of pieces. */
static void attn_measure(struct attn *a)
{
    for (int i = 0; i < a->seqs; i++) {
        int blocks = (a->seq[i].n + BLOCK - 1) / BLOCK, keys = seq_keys(&a->seq[i]);

        a->blocks = blocks > a->blocks ? blocks : a->blocks;
        a->keys = keys > a->keys ? keys : a->keys;
    }
}

static struct block_view block_view_of(const struct attn *a, const struct attn_seq *s, int head,
                                       int block)
{
    int d = a->shape.head_dim, kv = head / (a->shape.heads / a->shape.kv_heads);
    int first = block * BLOCK, rows = s->n - first < BLOCK ? s->n - first : BLOCK;
    struct block_view v = {.rows = rows, .first = first, .d = d, .from = seen_from(a, s, first)};

    v.keys = seen_end(s, first + rows - 1) - v.from;
    v.q = row_f32(a->q, s->q0 + first) + (size_t)head * (size_t)d;
    v.k = row_f32(a->k, s->kv0 + v.from) + (size_t)kv * (size_t)d;
    v.v = row_f32(a->v, s->kv0 + v.from) + (size_t)kv * (size_t)d;
    v.ldq = a->q.stride;
    v.ldk = a->k.stride;
    v.ldv = a->v.stride;
    return v;
}

/* x = cap tanh(x / cap). If slope is not NULL it becomes the derivative, 1 - tanh^2. */
static void cap_scores(float cap, float *x, float *slope, int n)
{
    for (int j = 0; j < n; j++) {
        float t = tanhf(x[j] / cap);

        x[j] = cap * t;
        if (slope)
            slope[j] = 1 - t * t;
    }
}

/* p [rows, keys] = softmax of the scaled scores, 0 for keys that a query does not see. slope [rows,
 * keys] becomes the soft cap's derivative, if there is a cap and slope is not NULL. */
static void block_probabilities(const struct attn *a, const struct attn_seq *s,
                                const struct block_view *v, float *p, float *slope)
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
    struct block_view v;

    if (block * BLOCK >= s->n)
        return;
    v = block_view_of(a, s, head, block);
    block_probabilities(a, s, &v, p, NULL);
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

    attn_measure(&a);
    if (a.keys && cpu_scratch(a.cpu, BLOCK * (size_t)a.keys * sizeof(float)))
        cpu_pool_run(a.cpu->pool, seqs * shape.heads * a.blocks, attention_piece, &a);
}

/* Adds the part of one block of queries of one head to dq, dk and dv. With P the probabilities,
 * S the scores and D = sum_j P_j dP_j of a row:
 *   dP = dout V^T,  dS = P (dP - D) scale,  dq = dS K,  dk += dS^T Q,  dv += P^T dout. */
static void grad_block(const struct attn *a, const struct attn_seq *s, int head, int block,
                       float *p, float *ds, float *slope)
{
    struct block_view v = block_view_of(a, s, head, block);
    size_t at = (size_t)head * (size_t)v.d;
    size_t kv_at = (size_t)(head / (a->shape.heads / a->shape.kv_heads)) * (size_t)v.d;
    const float *dout = row_f32(a->dout, s->q0 + v.first) + at;
    int old = s->past > v.from ? s->past - v.from : 0; /* cached keys: they get no gradient */
    int own = v.keys - old, first = v.from + old - s->past;

    if (s->exclude_self)
        own = 0;
    block_probabilities(a, s, &v, p, slope);
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
                if (pi[j] > 0) /* slope is not set for keys that are not seen */
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

/* A piece is one sequence and key head, with all query heads of its group: no other piece adds to
 * its part of dk and dv. */
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

    attn_measure(&a);
    cpu_fill(dev, dq, 0);
    cpu_fill(dev, dk, 0);
    cpu_fill(dev, dv, 0);
    if (a.keys && cpu_scratch(a.cpu, 3 * BLOCK * (size_t)a.keys * sizeof(float)))
        cpu_pool_run(a.cpu->pool, seqs * shape.kv_heads, grad_piece, &a);
}
