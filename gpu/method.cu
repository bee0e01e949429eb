/* What the method needs and no library has: the log probability shift of a tile of U, and the one
 * way a delta enters a matrix. */
#include "gpu/kernels.h"
#include "gpu/launch.cuh"

enum {
    LANES = 32,
    SLICES = THREADS / LANES
}; /* of a block: neurons side by side, slices of the vocabulary */

/* Running maximum and sums of one row and neuron, relative to the maximum. */
struct shift {
    float max;
    double sum, mean, square;
};

__device__ static void take(struct shift *t, float x, float u, bool moments)
{
    float e;

    if (x > t->max) {
        double keep = (double)expf(t->max - x);

        t->max = x;
        t->sum *= keep;
        t->mean *= keep;
        t->square *= keep;
    }
    e = expf(x - t->max);
    t->sum += (double)e;
    if (moments) {
        t->mean += (double)(e * u);
        t->square += (double)(e * u * u);
    }
}

__device__ static void join(struct shift *t, struct shift o)
{
    float max = fmaxf(t->max, o.max);
    double mine, other;

    if (max == -INFINITY)
        return; /* nothing on either side yet */
    mine = (double)expf(t->max - max);
    other = (double)expf(o.max - max);
    t->max = max;
    t->sum = t->sum * mine + o.sum * other;
    t->mean = t->mean * mine + o.mean * other;
    t->square = t->square * mine + o.square * other;
}

/* A block: LANES neurons, ROWS rows b from blockIdx.y * ROWS on, the tile's vocabulary in SLICES.
 * U is read once for all of its rows. */
template <int ROWS, bool MOMENTS>
__global__ static void lps(int vocab, int neurons, const float *u, long ldu, int rows,
                           const float *base, long ld_base, const float *coeff, long ld_coeff,
                           const float *scale, long ld_scale, struct lps_state state)
{
    __shared__ struct shift part[SLICES][LANES];
    int lane = (int)threadIdx.x % LANES, slice = (int)threadIdx.x / LANES;
    int i = (int)blockIdx.x * LANES + lane, b0 = (int)blockIdx.y * ROWS;
    bool live = i < neurons;
    struct shift t[ROWS];
    float c[ROWS], a[ROWS];

    UNROLL
    for (int b = 0; b < ROWS; b++) {
        bool there = live && b0 + b < rows;

        t[b].max = -INFINITY;
        t[b].sum = t[b].mean = t[b].square = 0;
        c[b] = there ? coeff[(b0 + b) * ld_coeff + i] : 0;
        a[b] = there && scale ? scale[(b0 + b) * ld_scale + i] : 1;
    }
    for (int v = slice; live && v < vocab; v += SLICES) {
        float x = u[(long)v * ldu + i];

        UNROLL
        for (int b = 0; b < ROWS; b++)
            if (b0 + b < rows)
                take(&t[b], fmaf(c[b], x, a[b] * base[(b0 + b) * ld_base + v]), x, MOMENTS);
    }
    UNROLL
    for (int b = 0; b < ROWS; b++) {
        if (b0 + b >= rows)
            break; /* of the whole block */
        part[slice][lane] = t[b];
        __syncthreads();
        if (!slice && live) {
            float *max = (float *)state.max.data + (b0 + b) * state.max.stride + i;
            double *sum = (double *)state.sum.data + (b0 + b) * state.sum.stride + i;
            float *mean = (float *)state.mean.data + (b0 + b) * state.mean.stride + i;
            float *square = (float *)state.square.data + (b0 + b) * state.square.stride + i;
            struct shift all = {*max, *sum, 0, 0};

            if (MOMENTS) {
                all.mean = (double)*mean;
                all.square = (double)*square;
            }
            for (int k = 0; k < SLICES; k++)
                join(&all, part[k][lane]);
            *max = all.max;
            *sum = all.sum;
            if (MOMENTS) {
                *mean = (float)all.mean;
                *square = (float)all.square;
            }
        }
        __syncthreads();
    }
}

/* own[b] = the tile's row of U for the explained token, where it lies in the tile. */
__global__ static void own_row(int vocab, int neurons, const float *u, long ldu, const int *target,
                               int v0, int rows, float *own, long ld_own)
{
    FOR_EACH_ELEMENT(k, b, i, rows, neurons)
    {
        long v = (long)target[b] - v0;

        if (v >= 0 && v < vocab)
            own[b * ld_own + i] = u[v * ldu + i];
    }
}

template <int ROWS, bool MOMENTS>
static void run_lps(cudaStream_t s, struct mat u, struct mat base, struct mat coeff,
                    struct lps_state state)
{
    dim3 grid((unsigned)((u.cols + LANES - 1) / LANES), (unsigned)((coeff.rows + ROWS - 1) / ROWS));

    LAUNCH((lps<ROWS, MOMENTS>), grid, THREADS, s, u.rows, u.cols, (const float *)u.data, u.stride,
           coeff.rows, (const float *)base.data, base.stride, (const float *)coeff.data,
           coeff.stride, (const float *)state.base_scale.data, state.base_scale.stride, state);
}

void kernel_lps(cudaStream_t s, struct mat u, struct mat base, struct mat coeff, const int *target,
                int v0, struct lps_state state)
{
    LAUNCH(own_row, blocks_for((long)coeff.rows * u.cols), THREADS, s, u.rows, u.cols,
           (const float *)u.data, u.stride, target, v0, coeff.rows, (float *)state.own.data,
           state.own.stride);
    if (state.mean.data)
        run_lps<4, true>(s, u, base, coeff, state);
    else
        run_lps<8, false>(s, u, base, coeff, state);
}

/* w = fmaf(r, x, w) rank by rank: the bits of core/edit/delta.h. A column that no rank moves keeps
 * its bits, signs of zeros and payloads of NaN included. */
__global__ static void delta_apply(int ranks, const float *r, long ldr, const float *x, long ldx,
                                   int rows, int cols, float *w, long ldw)
{
    FOR_EACH_ELEMENT(i, row, c, rows, cols)
    {
        bool moved = false;
        float value = w[row * ldw + c];

        for (int t = 0; t < ranks; t++)
            moved = moved || x[t * ldx + c] != 0;
        for (int t = 0; moved && t < ranks; t++)
            value = fmaf(r[t * ldr + row], x[t * ldx + c], value);
        if (moved)
            w[row * ldw + c] = value;
    }
}

void kernel_delta_apply(cudaStream_t s, struct mat r, struct mat xm, struct mat w)
{
    LAUNCH(delta_apply, blocks_for((long)w.rows * w.cols), THREADS, s, r.rows,
           (const float *)r.data, r.stride, (const float *)xm.data, xm.stride, w.rows, w.cols,
           (float *)w.data, w.stride);
}
