/* The log probability shift without U in memory: a block computes a tile of U on the tensor cores
 * and reduces it in shared memory. lps.c compares this with the other way.
 *
 * A block has TILE neurons and goes down its part of the vocabulary, TILE rows at a time:
 *
 *   for each tile:
 *       for each pair of bfloat16 terms, smallest first (split_multiply() lists them):
 *           for k in steps of STEP along d:
 *               copy head [TILE, STEP] and values [STEP, TILE] to shared memory (cp.async, one step
 *               ahead of the product, so two stages)
 *               U += head values                                wmma, sums in float32 registers
 *       store U to shared memory, half a tile at a time
 *       each thread: for all rows b, add its part of a column of U to the running sums
 *
 * A block writes its sums to a slot of its own (`partial`). A second kernel joins the slots in a
 * fixed order, so the bits are the same every time.
 *
 * What bounds it, for one layer, with P products of terms (1 for bf16, 3 for split):
 *   tensor cores   2 P V d M flops: 15.1 P TFLOP at V 128256, d 4096, M 14336
 *   exponentials   N V M: 1.1e10 at N 6; the tensor cores are idle meanwhile
 *   L2 cache       4 P V d M / TILE bytes, that is, 64 flops a byte at TILE 128; this is the limit
 *                  on the fastest GPUs
 *   memory         each term of values (2 d M bytes) once for each chunk of the vocabulary; head
 *                  once
 * The other way has cuBLAS's larger tiles, but writes and reads U: 8 V M bytes, 14.7 GB. */
#include "gpu/kernels.h"
#include "gpu/lps_shift.cuh"

#include <mma.h>

using namespace nvcuda;

enum {
    TILE = 128,           /* rows of the vocabulary, and neurons */
    STEP = 32,            /* length along d that is multiplied at a time */
    WARPS = 8,            /* warps of a block: 2 along the vocabulary, 4 along the neurons */
    BLOCK = 32 * WARPS,   /* threads of a block */
    HIGH = TILE / 2 / 16, /* 16 x 16 fragments of a warp along the vocabulary, */
    WIDE = TILE / 4 / 16, /* and along the neurons */
    LD_HEAD = STEP + 8,   /* strides in shared memory, padded so that rows start in different */
    LD_VALUES = TILE + 8, /* banks; rows stay 16-byte aligned, fragments 32-byte */
    LD_U = TILE + 4,      /* the same for half a tile of U, float32 */
    HEAD_PART = TILE * LD_HEAD,
    VALUES_PART = STEP * LD_VALUES,
    STAGE_PART = HEAD_PART + VALUES_PART,
    PARTS = BLOCK / TILE, /* threads that share a neuron: each takes some rows of half a tile */
    PART_ROWS = TILE / 2 / PARTS,
    CHUNKS = 8 /* chunks of the vocabulary at most; each is a row of the grid */
};

typedef __nv_bfloat16 bfloat;

/* The bfloat16 terms of a factor, row-major, 16-byte aligned. */
struct factor {
    const bfloat *term[3];
    long ld;
    int terms;
};

/* The blocks' results, each [slots][rows][neurons]. A block has PARTS slots. */
struct partial {
    float *max;
    double *sum, *mean, *square;
};

/* The terms (i, j) of the p-th product, smallest products first; false after the last. */
__device__ static bool pair_at(const struct factor *x, const struct factor *y, int p, int *i,
                               int *j)
{
    int most = x->terms > y->terms ? x->terms : y->terms;

    for (int sum = most - 1; sum >= 0; sum--)
        for (*i = x->terms - 1; *i >= 0; --*i) {
            *j = sum - *i;
            if (*j >= 0 && *j < y->terms && !p--)
                return true;
        }
    return false;
}

/* Starts copying one step of both factors to shared memory; elements outside become 0. */
__device__ static void copy_step(bfloat *stage, const struct factor *head,
                                 const struct factor *values, int v0, int vocab, int i0,
                                 int neurons, int step, int steps, int d)
{
    int k0 = step % steps * STEP, i = 0, j = 0;
    const bfloat *x, *y;

    pair_at(head, values, step / steps, &i, &j);
    x = head->term[i];
    y = values->term[j];
    for (int at = (int)threadIdx.x; at < TILE * STEP / 8; at += BLOCK) {
        int r = at / (STEP / 8), k = at % (STEP / 8) * 8;
        bool there = v0 + r < vocab && k0 + k < d;

        copy_async16(stage + r * LD_HEAD + k, there ? x + (v0 + r) * head->ld + k0 + k : x, there);
    }
    for (int at = (int)threadIdx.x; at < STEP * TILE / 8; at += BLOCK) {
        int k = at / (TILE / 8), c = at % (TILE / 8) * 8;
        bool there = k0 + k < d && i0 + c < neurons;

        copy_async16(stage + HEAD_PART + k * LD_VALUES + c,
                     there ? y + (k0 + k) * values->ld + i0 + c : y, there);
    }
}

typedef wmma::fragment<wmma::accumulator, 16, 16, 16, float> sum16;

/* Multiplies one step: the warp's HIGH x WIDE fragments of U += head values. */
__device__ static void multiply_step(const bfloat *stage, int down, int across, sum16 (*u)[WIDE])
{
    UNROLL
    for (int k = 0; k < STEP; k += 16) {
        wmma::fragment<wmma::matrix_a, 16, 16, 16, bfloat, wmma::row_major> x[HIGH];
        wmma::fragment<wmma::matrix_b, 16, 16, 16, bfloat, wmma::row_major> y;

        UNROLL
        for (int h = 0; h < HIGH; h++)
            wmma::load_matrix_sync(x[h], stage + (down + 16 * h) * LD_HEAD + k, LD_HEAD);
        UNROLL
        for (int w = 0; w < WIDE; w++) {
            wmma::load_matrix_sync(y, stage + HEAD_PART + k * LD_VALUES + across + 16 * w,
                                   LD_VALUES);
            UNROLL
            for (int h = 0; h < HIGH; h++)
                wmma::mma_sync(u[h][w], x[h], y, u[h][w]);
        }
    }
}

/* The arguments for all rows b; scale may be NULL. */
struct rows {
    int count;
    const float *base, *coeff, *scale;
    long ld_base, ld_coeff, ld_scale;
    const int *target;
    float *own;
    long ld_own;
};

/* A thread adds n rows of U, from row v of the vocabulary tile on, to the sums of its neuron i, for
 * all rows b. fresh: the slot has no sums yet. */
template <bool MOMENTS>
__device__ static void reduce_column(const float *u, int v, int n, int i, int neurons, int v0,
                                     const struct rows *r, const struct partial *p, long slot,
                                     bool fresh)
{
    for (int b = 0; b < r->count; b++) {
        const float *base = r->base + b * r->ld_base + v;
        float c = r->coeff[b * r->ld_coeff + i];
        float a = r->scale ? r->scale[b * r->ld_scale + i] : 1;
        long at = (slot * r->count + b) * neurons + i, own = (long)r->target[b] - v0 - v;
        struct shift t = shift_none();

        for (int k = 0; k < n; k += SHIFT_TERMS) {
            int m = n - k < SHIFT_TERMS ? n - k : SHIFT_TERMS;
            float x[SHIFT_TERMS], y[SHIFT_TERMS];

            UNROLL
            for (int e = 0; e < SHIFT_TERMS; e++) {
                x[e] = u[(k + e) * LD_U];
                y[e] = e < m ? base[k + e] : 0;
            }
            shift_take<MOMENTS>(&t, x, y, c, a, m);
        }
        if (own >= 0 && own < n)
            r->own[b * r->ld_own + i] = u[own * LD_U];
        if (!fresh) {
            struct shift before = {p->max[at], p->sum[at], 0, 0};

            if (MOMENTS) {
                before.mean = p->mean[at];
                before.square = p->square[at];
            }
            shift_join(&before, t);
            t = before;
        }
        p->max[at] = t.max;
        p->sum[at] = t.sum;
        if (MOMENTS) {
            p->mean[at] = t.mean;
            p->square[at] = t.square;
        }
    }
}

/* Block (x, y) computes neurons from x TILE on, and tiles y * each to (y + 1) * each - 1 of the
 * vocabulary. */
template <bool MOMENTS>
__global__ static void __launch_bounds__(BLOCK, 2)
    fused(struct factor head, int vocab, struct factor values, int neurons, int d, int pairs,
          int each, int v0, struct rows rows, struct partial partial)
{
    __shared__ unsigned char pool[2 * STAGE_PART * sizeof(bfloat)] __attribute__((aligned(128)));
    bfloat *stages = (bfloat *)pool; /* two, used in turn */
    float *u = (float *)pool;        /* the same memory, after the product of a tile */
    int warp = (int)threadIdx.x / 32, down = warp / 4 * (TILE / 2), across = warp % 4 * (TILE / 4);
    int i0 = (int)blockIdx.x * TILE, i = (int)threadIdx.x % TILE, part = (int)threadIdx.x / TILE;
    int steps = (d + STEP - 1) / STEP, first = (int)blockIdx.y * each * TILE;

    for (int v = first; v < vocab && v < first + each * TILE; v += TILE) {
        sum16 sum[HIGH][WIDE];

        UNROLL
        for (int h = 0; h < HIGH; h++) {
            UNROLL
            for (int w = 0; w < WIDE; w++)
                wmma::fill_fragment(sum[h][w], 0);
        }
        copy_step(stages, &head, &values, v, vocab, i0, neurons, 0, steps, d);
        copy_async_group();
        for (int s = 0; s < pairs * steps; s++) {
            if (s + 1 < pairs * steps)
                copy_step(stages + (s + 1) % 2 * STAGE_PART, &head, &values, v, vocab, i0, neurons,
                          s + 1, steps, d);
            copy_async_group(); /* may be empty: then too the group before the last is step s */
            copy_async_wait1();
            __syncthreads();
            multiply_step(stages + s % 2 * STAGE_PART, down, across, sum);
            __syncthreads();
        }
        for (int half = 0; half < 2; half++) {
            int at = v + half * (TILE / 2) + part * PART_ROWS;
            int n = vocab - at < PART_ROWS ? vocab - at : PART_ROWS;

            if (down == half * (TILE / 2)) {
                UNROLL
                for (int h = 0; h < HIGH; h++) {
                    UNROLL
                    for (int w = 0; w < WIDE; w++)
                        wmma::store_matrix_sync(u + 16 * h * LD_U + across + 16 * w, sum[h][w],
                                                LD_U, wmma::mem_row_major);
                }
            }
            __syncthreads();
            if (i0 + i < neurons && (n > 0 || (v == first && !half)))
                reduce_column<MOMENTS>(u + part * PART_ROWS * LD_U + i, at, n, i0 + i, neurons, v0,
                                       &rows, &partial, (long)blockIdx.y * PARTS + part,
                                       v == first && !half);
            __syncthreads();
        }
    }
}

/* Adds the blocks' results to the state, in the order of their slots. */
template <bool MOMENTS>
__global__ static void join_partial(int slots, int rows, int neurons, struct partial p,
                                    struct lps_state state)
{
    FOR_EACH_ELEMENT(k, b, i, rows, neurons)
    {
        struct shift all = shift_load<MOMENTS>(state, b, (int)i);

        for (int s = 0; s < slots; s++) {
            long at = ((long)s * rows + b) * neurons + i;
            struct shift one = {p.max[at], p.sum[at], 0, 0};

            if (MOMENTS) {
                one.mean = p.mean[at];
                one.square = p.square[at];
            }
            shift_join(&all, one);
        }
        shift_store<MOMENTS>(state, b, (int)i, all);
    }
}

/* Tiles of a chunk: at least 4, so that a block's start does not cost more than its work. */
static int tiles_each(int vocab)
{
    int tiles = (vocab + TILE - 1) / TILE, each = (tiles + CHUNKS - 1) / CHUNKS;

    return each < 4 ? 4 : each;
}

static int chunks_of(int vocab)
{
    return (vocab + TILE * tiles_each(vocab) - 1) / (TILE * tiles_each(vocab));
}

size_t kernel_lps_fused_bytes(int vocab, int rows, int neurons, bool moments)
{
    return (size_t)chunks_of(vocab) * PARTS * (size_t)rows * (size_t)neurons *
           (sizeof(float) + (moments ? 3 : 1) * sizeof(double));
}

static struct factor factor_of(const struct mat *term, int terms)
{
    struct factor f = {{NULL, NULL, NULL}, term[0].stride, terms};

    for (int t = 0; t < terms; t++)
        f.term[t] = (const bfloat *)term[t].data;
    return f;
}

template <bool MOMENTS>
static void run_fused(cudaStream_t s, struct factor head, struct mat h, struct factor values,
                      struct mat v, struct mat coeff, struct rows rows, int v0,
                      struct partial partial, struct lps_state state)
{
    int pairs = head.terms > 1 && values.terms > 1 ? 3 : head.terms * values.terms;
    dim3 grid((unsigned)((v.cols + TILE - 1) / TILE), (unsigned)chunks_of(h.rows));

    LAUNCH(fused<MOMENTS>, grid, BLOCK, s, head, h.rows, values, v.cols, v.rows, pairs,
           tiles_each(h.rows), v0, rows, partial);
    LAUNCH(join_partial<MOMENTS>, blocks_for((long)coeff.rows * v.cols), THREADS, s,
           chunks_of(h.rows) * PARTS, coeff.rows, v.cols, partial, state);
}

void kernel_lps_fused(cudaStream_t s, const struct mat *head, int head_terms,
                      const struct mat *values, int value_terms, struct mat base, struct mat coeff,
                      const int *target, int v0, struct lps_state state, void *scratch)
{
    size_t each = (size_t)chunks_of(head->rows) * PARTS * (size_t)coeff.rows * (size_t)coeff.cols;
    double *sums = (double *)scratch;
    struct partial p = {(float *)(sums + (state.mean.data ? 3 : 1) * each), sums, sums + each,
                        sums + 2 * each};
    struct rows rows = {coeff.rows,
                        (const float *)base.data,
                        (const float *)coeff.data,
                        (const float *)state.base_scale.data,
                        base.stride,
                        coeff.stride,
                        state.base_scale.stride,
                        target,
                        (float *)state.own.data,
                        state.own.stride};
    struct factor h = factor_of(head, head_terms), v = factor_of(values, value_terms);

    if (state.mean.data)
        run_fused<true>(s, h, *head, v, *values, coeff, rows, v0, p, state);
    else
        run_fused<false>(s, h, *head, v, *values, coeff, rows, v0, p, state);
}
