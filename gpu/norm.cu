/* Norm, its gradient, and rotary positions. A block a row; sums are double, as on the CPU. */
#include "gpu/kernels.h"
#include "gpu/launch.cuh"

__global__ static void rmsnorm(int cols, const float *x, long x_stride, const float *gain,
                               float eps, float *y, long y_stride)
{
    double sum = 0;
    float inv;

    x += (long)blockIdx.x * x_stride;
    y += (long)blockIdx.x * y_stride;
    for (int i = (int)threadIdx.x; i < cols; i += THREADS)
        sum += (double)x[i] * (double)x[i];
    inv = (float)(1 / sqrt(block_sum(sum) / cols + (double)eps));
    for (int i = (int)threadIdx.x; i < cols; i += THREADS)
        y[i] = x[i] * inv * gain[i];
}

void kernel_rmsnorm(cudaStream_t s, struct mat x, struct mat gain, float eps, struct mat y)
{
    LAUNCH(rmsnorm, (unsigned)x.rows, THREADS, s, x.cols, (const float *)x.data, x.stride,
           (const float *)gain.data, eps, (float *)y.data, y.stride);
}

/* y = g x / s, s = sqrt(mean x^2 + eps): dx += g dy / s - x (sum g dy x) / (n s^3) */
__global__ static void rmsnorm_grad(int cols, const float *x, long x_stride, const float *gain,
                                    float eps, const float *dy, long dy_stride, float *dx,
                                    long dx_stride)
{
    double sum = 0, dot = 0, inv;
    float scale, back;

    x += (long)blockIdx.x * x_stride;
    dy += (long)blockIdx.x * dy_stride;
    dx += (long)blockIdx.x * dx_stride;
    for (int i = (int)threadIdx.x; i < cols; i += THREADS) {
        sum += (double)x[i] * (double)x[i];
        dot += (double)x[i] * (double)(gain[i] * dy[i]);
    }
    inv = 1 / sqrt(block_sum(sum) / cols + (double)eps);
    dot = block_sum(dot);
    scale = (float)inv;
    back = (float)(dot * inv * inv * inv / cols);
    for (int i = (int)threadIdx.x; i < cols; i += THREADS)
        dx[i] += gain[i] * dy[i] * scale - x[i] * back;
}

void kernel_rmsnorm_grad(cudaStream_t s, struct mat x, struct mat gain, float eps, struct mat dy,
                         struct mat dx)
{
    LAUNCH(rmsnorm_grad, (unsigned)x.rows, THREADS, s, x.cols, (const float *)x.data, x.stride,
           (const float *)gain.data, eps, (const float *)dy.data, dy.stride, (float *)dx.data,
           dx.stride);
}

/* A thread turns one pair of one head of one row. */
__global__ static void rope(int rows, int heads, int half, float *x, long stride, const int *pos,
                            const float *freq, bool interleaved, bool backward)
{
    FOR_EACH_ELEMENT(i, r, c, rows, heads * half)
    {
        int pair = (int)(c % half), head = (int)(c / half);
        float angle = (float)pos[r] * freq[pair], cosine = cosf(angle);
        float sine = backward ? -sinf(angle) : sinf(angle);
        float *low = x + r * stride + (long)head * 2 * half + (interleaved ? 2 * pair : pair);
        float *high = low + (interleaved ? 1 : half), a = *low, b = *high;

        *low = a * cosine - b * sine;
        *high = b * cosine + a * sine;
    }
}

void kernel_rope(cudaStream_t s, struct mat x, const int *pos, int heads, const float *freq,
                 bool interleaved, bool backward)
{
    int half = x.cols / heads / 2;

    LAUNCH(rope, blocks_for((long)x.rows * heads * half), THREADS, s, x.rows, heads, half,
           (float *)x.data, x.stride, pos, freq, interleaved, backward);
}
