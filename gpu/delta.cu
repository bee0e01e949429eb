/* Applies a delta to a matrix, with the bits of every other device (core/edit/delta.h). */
#include "gpu/kernels.h"
#include "gpu/launch.cuh"

/* w = fmaf(r, x, w), rank after rank. A column that no rank changes keeps its bits, also the sign
 * of a zero and the payload of a NaN. */
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
