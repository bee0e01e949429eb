/* Attention over a cache of keys and values, and its gradient for the new rows.
 *
 * Prompts here are tens of tokens, so few launches matter more than tensor cores. Forward: a block
 * is one query row of one head, its threads share the keys, and softmax is online, THREADS keys at
 * a time (a new maximum rescales the output so far). Backward, two kernels:
 *   grad_queries   a block is one query row: dq, and for each row lse and D = sum_j P_j dP_j
 *   grad_keys      a block is one key row: it collects dk and dv from all queries that see it
 * No atomic additions, so the bits are the same every time. */
#include "gpu/kernels.h"
#include "gpu/launch.cuh"

/* The arguments that all kernels share. */
struct heads {
    const float *q, *k, *v;
    long ldq, ldk, ldv;
    int head_dim, group; /* group: query heads for each key head */
    float scale, cap;
    int window;
};

__device__ static float dot_product(const float *a, const float *b, int n)
{
    float sum = 0;

    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* The score of a query and a key, with scale and soft cap. */
__device__ static float score(struct heads h, const float *q, const float *k)
{
    float x = h.scale * dot_product(q, k, h.head_dim);

    return h.cap > 0 ? h.cap * tanhf(x / h.cap) : x;
}

/* The derivative of the score x with respect to the product q k. */
__device__ static float score_slope(struct heads h, float x)
{
    return h.cap > 0 ? h.scale * (1 - (x / h.cap) * (x / h.cap)) : h.scale;
}

/* One query row of one head: its vector, the first key and value that it sees, and how many: the
 * cached ones and the new ones up to itself, or the last `window` of them. */
struct query {
    const float *q, *k, *v;
    int seen;
};

__device__ static struct query query_at(struct heads h, struct attn_seq s, int at, int head)
{
    int kv = head / h.group * h.head_dim;
    int all = s.exclude_self ? s.past : s.past + at + 1;
    int seen = h.window && h.window < all ? h.window : all;
    long first = s.kv0 + all - seen;
    struct query r = {h.q + (s.q0 + at) * h.ldq + head * h.head_dim, h.k + first * h.ldk + kv,
                      h.v + first * h.ldv + kv, seen};

    return r;
}

__global__ static void attention(struct heads h, const struct attn_seq *seq, float *out, long ldo)
{
    __shared__ float p[THREADS];
    struct attn_seq s = seq[blockIdx.z];
    int at = (int)blockIdx.x, head = (int)blockIdx.y, d = h.head_dim, tid = (int)threadIdx.x;
    struct query row = query_at(h, s, at, head);
    const float *q = row.q, *k = row.k, *v = row.v;
    int seen = row.seen;
    float max = -INFINITY;
    double sum = 0;

    if (at >= s.n)
        return; /* the sequence is shorter than the longest; the whole block returns */
    out += (s.q0 + at) * ldo + head * d;
    for (int j0 = 0; j0 < seen; j0 += THREADS) {
        int n = seen - j0 < THREADS ? seen - j0 : THREADS;
        float x = tid < n ? score(h, q, k + (j0 + tid) * h.ldk) : -INFINITY;
        float top = fmaxf(max, block_max(x)), keep = expf(max - top);

        p[tid] = tid < n ? expf(x - top) : 0;
        sum = sum * (double)keep + block_sum((double)p[tid]);
        for (int i = tid; i < d; i += THREADS) {
            float add = 0;

            for (int j = 0; j < n; j++)
                add += p[j] * v[(j0 + j) * h.ldv + i];
            out[i] = (j0 ? out[i] * keep : 0) + add;
        }
        max = top;
        __syncthreads();
    }
    for (int i = tid; i < d; i += THREADS)
        out[i] = (float)((double)out[i] / sum);
}

static struct heads heads_of(struct mat q, struct mat k, struct mat v, struct attn_shape shape)
{
    struct heads h = {(const float *)q.data,
                      (const float *)k.data,
                      (const float *)v.data,
                      q.stride,
                      k.stride,
                      v.stride,
                      shape.head_dim,
                      shape.heads / shape.kv_heads,
                      shape.scale,
                      shape.softcap,
                      shape.window};

    return h;
}

void kernel_attention(cudaStream_t s, struct mat q, struct mat k, struct mat v,
                      const struct attn_seq *seq, int seqs, int most, struct attn_shape shape,
                      struct mat out)
{
    dim3 grid((unsigned)most, (unsigned)shape.heads, (unsigned)seqs);

    LAUNCH(attention, grid, THREADS, s, heads_of(q, k, v, shape), seq, (float *)out.data,
           out.stride);
}

/* dq of one row of one head; lse and mean (D) of the row for grad_keys. */
__global__ static void grad_queries(struct heads h, const struct attn_seq *seq, const float *dout,
                                    long ldo, float *dq, long lddq, float *lse, float *mean,
                                    int rows)
{
    __shared__ float ds[THREADS];
    struct attn_seq s = seq[blockIdx.z];
    int at = (int)blockIdx.x, head = (int)blockIdx.y, d = h.head_dim, tid = (int)threadIdx.x;
    struct query row = query_at(h, s, at, head);
    const float *q = row.q, *k = row.k, *v = row.v;
    int seen = row.seen;
    float max = -INFINITY, total;
    double sum = 0, weighted = 0;

    if (at >= s.n)
        return;
    dout += (s.q0 + at) * ldo + head * d;
    dq += (s.q0 + at) * lddq + head * d;
    for (int j = tid; j < seen; j += THREADS)
        max = fmaxf(max, score(h, q, k + j * h.ldk));
    max = block_max(max);
    for (int j = tid; j < seen; j += THREADS) {
        double e = (double)expf(score(h, q, k + j * h.ldk) - max);

        sum += e;
        weighted += e * (double)dot_product(dout, v + j * h.ldv, d);
    }
    sum = block_sum(sum);
    weighted = block_sum(weighted) / sum; /* D = sum P dP */
    total = (float)((double)max + log(sum));
    for (int j0 = 0; j0 < seen; j0 += THREADS) {
        int n = seen - j0 < THREADS ? seen - j0 : THREADS, j = j0 + tid;

        if (tid < n) {
            float x = score(h, q, k + j * h.ldk);

            ds[tid] = score_slope(h, x) * expf(x - total) *
                      (dot_product(dout, v + j * h.ldv, d) - (float)weighted);
        }
        __syncthreads();
        for (int i = tid; i < d; i += THREADS) {
            float add = 0;

            for (int m = 0; m < n; m++)
                add += ds[m] * k[(j0 + m) * h.ldk + i];
            dq[i] = (j0 ? dq[i] : 0) + add;
        }
        __syncthreads();
    }
    if (!tid) {
        lse[(long)head * rows + s.q0 + at] = total;
        mean[(long)head * rows + s.q0 + at] = (float)weighted;
    }
}

/* dk and dv of one new row of one key head, summed over all query heads of its group and all rows
 * that see it. */
__global__ static void grad_keys(struct heads h, const struct attn_seq *seq, const float *dout,
                                 long ldo, float *dk, long lddk, float *dv, long lddv,
                                 const float *lse, const float *mean, int rows)
{
    __shared__ float p[THREADS], ds[THREADS];
    struct attn_seq s = seq[blockIdx.z];
    int at = (int)blockIdx.x, kv = (int)blockIdx.y, d = h.head_dim, tid = (int)threadIdx.x;
    const float *k = h.k + (s.kv0 + s.past + at) * h.ldk + kv * d;
    const float *v = h.v + (s.kv0 + s.past + at) * h.ldv + kv * d;
    int seers = h.window && h.window < s.n - at ? h.window : s.n - at; /* rows that see it */
    int pairs = h.group * seers; /* pairs of a query head and a row */

    if (at >= s.n || s.exclude_self)
        return;
    dk += (s.q0 + at) * lddk + kv * d;
    dv += (s.q0 + at) * lddv + kv * d;
    for (int m0 = 0; m0 < pairs; m0 += THREADS) {
        int n = pairs - m0 < THREADS ? pairs - m0 : THREADS;

        if (tid < n) {
            int head = kv * h.group + (m0 + tid) / seers;
            long row = s.q0 + at + (m0 + tid) % seers;
            float x = score(h, h.q + row * h.ldq + head * d, k);

            p[tid] = expf(x - lse[(long)head * rows + row]);
            ds[tid] =
                score_slope(h, x) * p[tid] *
                (dot_product(dout + row * ldo + head * d, v, d) - mean[(long)head * rows + row]);
        }
        __syncthreads();
        for (int i = tid; i < d; i += THREADS) {
            float add_k = 0, add_v = 0;

            for (int m = 0; m < n; m++) {
                int head = kv * h.group + (m0 + m) / seers;
                long row = s.q0 + at + (m0 + m) % seers;

                add_k += ds[m] * h.q[row * h.ldq + head * d + i];
                add_v += p[m] * dout[row * ldo + head * d + i];
            }
            dk[i] = (m0 ? dk[i] : 0) + add_k;
            dv[i] = (m0 ? dv[i] : 0) + add_v;
        }
        __syncthreads();
    }
}

void kernel_attention_grad(cudaStream_t s, struct mat q, struct mat k, struct mat v,
                           const struct attn_seq *seq, int seqs, int most, struct attn_shape shape,
                           struct mat dout, struct mat dq, struct mat dk, struct mat dv, float *lse,
                           float *mean)
{
    struct heads h = heads_of(q, k, v, shape);
    dim3 queries((unsigned)most, (unsigned)shape.heads, (unsigned)seqs);
    dim3 keys((unsigned)most, (unsigned)shape.kv_heads, (unsigned)seqs);

    LAUNCH(grad_queries, queries, THREADS, s, h, seq, (const float *)dout.data, dout.stride,
           (float *)dq.data, dq.stride, lse, mean, q.rows);
    LAUNCH(grad_keys, keys, THREADS, s, h, seq, (const float *)dout.data, dout.stride,
           (float *)dk.data, dk.stride, (float *)dv.data, dv.stride, lse, mean, q.rows);
}
