/* Norms with their gradient, and rotary positions. A block is one row; sums are double, as on the
 * CPU. */
#include "gpu/kernels.h"
#include "gpu/launch.cuh"

/* The statistics of a row, known to all threads: its mean (0 for NORM_RMS) and 1 / s, s =
 * sqrt(mean((x - mean)^2) + eps). */
struct spread {
    float mean;
    double inv;
};

__device__ static struct spread spread_of(const float *x, int cols, bool centre, float eps)
{
    double sum = 0, mean = 0;
    struct spread s;

    for (int i = (int)threadIdx.x; centre && i < cols; i += THREADS)
        sum += (double)x[i];
    if (centre)
        mean = block_sum(sum) / cols;
    sum = 0;
    for (int i = (int)threadIdx.x; i < cols; i += THREADS)
        sum += ((double)x[i] - mean) * ((double)x[i] - mean);
    s.mean = (float)mean;
    s.inv = 1 / sqrt(block_sum(sum) / cols + (double)eps);
    return s;
}

__global__ static void norm(int cols, const float *x, long x_stride, bool centre, const float *gain,
                            const float *bias, float eps, float *y, long y_stride)
{
    struct spread s;

    x += (long)blockIdx.x * x_stride;
    y += (long)blockIdx.x * y_stride;
    s = spread_of(x, cols, centre, eps);
    for (int i = (int)threadIdx.x; i < cols; i += THREADS)
        y[i] = (x[i] - s.mean) * (float)s.inv * gain[i] + (bias ? bias[i] : 0);
}

void kernel_norm(cudaStream_t s, struct mat x, struct norm n, struct mat y)
{
    LAUNCH(norm, (unsigned)x.rows, THREADS, s, x.cols, (const float *)x.data, x.stride,
           n.kind == NORM_LAYER, (const float *)n.gain.data, (const float *)n.bias.data, n.eps,
           (float *)y.data, y.stride);
}

/* y = g (x - mean) / s: dx += (g dy - mean(g dy)) / s - (x - mean) (sum g dy (x - mean)) / (n s^3);
 * for NORM_RMS both means are 0. */
__global__ static void norm_grad(int cols, const float *x, long x_stride, bool centre,
                                 const float *gain, float eps, const float *dy, long dy_stride,
                                 float *dx, long dx_stride)
{
    double dot = 0, sum = 0;
    struct spread s;
    float scale, back, mean = 0;

    x += (long)blockIdx.x * x_stride;
    dy += (long)blockIdx.x * dy_stride;
    dx += (long)blockIdx.x * dx_stride;
    s = spread_of(x, cols, centre, eps);
    for (int i = (int)threadIdx.x; i < cols; i += THREADS) {
        dot += (double)(x[i] - s.mean) * (double)(gain[i] * dy[i]);
        sum += (double)(gain[i] * dy[i]);
    }
    dot = block_sum(dot);
    if (centre)
        mean = (float)(block_sum(sum) / cols);
    scale = (float)s.inv;
    back = (float)(dot * s.inv * s.inv * s.inv / cols);
    for (int i = (int)threadIdx.x; i < cols; i += THREADS)
        dx[i] += (gain[i] * dy[i] - mean) * scale - (x[i] - s.mean) * back;
}

void kernel_norm_grad(cudaStream_t s, struct mat x, struct norm n, struct mat dy, struct mat dx)
{
    LAUNCH(norm_grad, (unsigned)x.rows, THREADS, s, x.cols, (const float *)x.data, x.stride,
           n.kind == NORM_LAYER, (const float *)n.gain.data, n.eps, (const float *)dy.data,
           dy.stride, (float *)dx.data, dx.stride);
}

/* A thread rotates one pair of one head of one row. */
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
