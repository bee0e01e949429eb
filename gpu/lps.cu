/* Reduces a tile of U that cuBLAS has made: the running sums of the log probability shift, for all
 * rows b in one read of the tile (lps.c). */
#include "gpu/kernels.h"
#include "gpu/lps_shift.cuh"

enum {
    LANES = 32,               /* neurons of a block, */
    SLICES = THREADS / LANES, /* threads that share a neuron's part of the vocabulary, */
    CHUNK = 256               /* rows of the vocabulary whose base is in shared memory */
};

/* A block has LANES neurons and ROWS rows b from blockIdx.y * ROWS on. Its threads:
 *
 *             lane 0 .. 31: neuron
 *   slice 0   rows v 0-3,  and every SLICES * 4 rows further
 *   slice 1   rows v 4-7,  ...
 *
 * Neighbouring threads read neighbouring elements of U. At the end the slices of a neuron are
 * joined in order. Threads without a neuron walk along, because all must reach the barriers. */
template <int ROWS, bool MOMENTS>
__global__ static void lps(int vocab, int neurons, const float *u, long ldu, int rows,
                           const float *base, long ld_base, const float *coeff, long ld_coeff,
                           const float *scale, long ld_scale, struct lps_state state)
{
    __shared__ float at_hand[ROWS][CHUNK];
    __shared__ struct shift part[SLICES][LANES];
    int lane = (int)threadIdx.x % LANES, slice = (int)threadIdx.x / LANES;
    int i = (int)blockIdx.x * LANES + lane, b0 = (int)blockIdx.y * ROWS;
    bool live = i < neurons;
    struct shift t[ROWS];
    float c[ROWS], a[ROWS];

    UNROLL
    for (int b = 0; b < ROWS; b++) {
        bool there = live && b0 + b < rows;

        t[b] = shift_none();
        c[b] = there ? coeff[(b0 + b) * ld_coeff + i] : 0;
        a[b] = there && scale ? scale[(b0 + b) * ld_scale + i] : 1;
    }
    for (int v0 = 0; v0 < vocab; v0 += CHUNK) {
        int end = vocab - v0 < CHUNK ? vocab - v0 : CHUNK;

        __syncthreads();
        for (int k = (int)threadIdx.x; k < ROWS * CHUNK; k += THREADS) {
            int b = k / CHUNK, v = k % CHUNK;

            at_hand[b][v] = b0 + b < rows && v < end ? base[(b0 + b) * ld_base + v0 + v] : 0;
        }
        __syncthreads();
        for (int v = slice * SHIFT_TERMS; live && v < end; v += SLICES * SHIFT_TERMS) {
            int n = end - v < SHIFT_TERMS ? end - v : SHIFT_TERMS;
            float x[SHIFT_TERMS];

            UNROLL
            for (int k = 0; k < SHIFT_TERMS; k++)
                x[k] = k < n ? u[(long)(v0 + v + k) * ldu + i] : 0;
            UNROLL
            for (int b = 0; b < ROWS; b++)
                if (b0 + b < rows)
                    shift_take<MOMENTS>(&t[b], x, &at_hand[b][v], c[b], a[b], n);
        }
    }
    UNROLL
    for (int b = 0; b < ROWS; b++) {
        if (b0 + b >= rows)
            break; /* the same for the whole block */
        part[slice][lane] = t[b];
        __syncthreads();
        if (!slice && live) {
            struct shift all = shift_load<MOMENTS>(state, b0 + b, i);

            for (int k = 0; k < SLICES; k++)
                shift_join(&all, part[k][lane]);
            shift_store<MOMENTS>(state, b0 + b, i, all);
        }
        __syncthreads();
    }
}

/* own[b] = row target[b] of U, if it is in the tile. */
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

/* Terms with state.add and state.cap. Few models need it, so it is not tuned: a thread goes through
 * the tile for one neuron of one row. */
__global__ static void lps_capped(int vocab, int neurons, const float *u, long ldu, int rows,
                                  const float *base, long ld_base, const float *coeff,
                                  long ld_coeff, const float *scale, long ld_scale,
                                  struct lps_state state)
{
    const float *add = (const float *)state.add.data;

    FOR_EACH_ELEMENT(k, b, i, rows, neurons)
    {
        struct shift all = shift_load<false>(state, (int)b, (int)i);
        float c = coeff[b * ld_coeff + i], a = scale ? scale[b * ld_scale + i] : 1;

        for (int v = 0; v < vocab; v++) {
            float x = a * base[b * ld_base + v] + (add ? add[v] : 0);

            x = fmaf(c, u[(long)v * ldu + i], x);
            if (state.cap > 0)
                x = state.cap * tanhf(x / state.cap);
            if (x == -INFINITY)
                continue; /* adds 0; without another maximum x - max would be NaN */
            if (x > all.max) {
                all.sum *= (double)expf(all.max - x);
                all.max = x;
            }
            all.sum += (double)expf(x - all.max);
        }
        shift_store<false>(state, (int)b, (int)i, all);
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
    if (state.add.data || state.cap > 0)
        LAUNCH(lps_capped, blocks_for((long)coeff.rows * u.cols), THREADS, s, u.rows, u.cols,
               (const float *)u.data, u.stride, coeff.rows, (const float *)base.data, base.stride,
               (const float *)coeff.data, coeff.stride, (const float *)state.base_scale.data,
               state.base_scale.stride, state);
    else if (state.mean.data)
        run_lps<4, true>(s, u, base, coeff, state);
    else
        run_lps<8, false>(s, u, base, coeff, state);
}
