/* Losses over the vocabulary, and Adam's step. A block is one row of logits; sums are double. */
#include "gpu/kernels.h"
#include "gpu/launch.cuh"

__device__ static double log_sum_exp(const float *x, int n)
{
    float max = -INFINITY;
    double sum = 0;

    for (int i = (int)threadIdx.x; i < n; i += THREADS)
        max = fmaxf(max, x[i]);
    max = block_max(max);
    for (int i = (int)threadIdx.x; i < n; i += THREADS)
        sum += (double)expf(x[i] - max);
    return (double)max + log(block_sum(sum));
}

__global__ static void lse(int cols, const float *logits, long stride, float *out)
{
    double value = log_sum_exp(logits + (long)blockIdx.x * stride, cols);

    if (!threadIdx.x)
        out[blockIdx.x] = (float)value;
}

void kernel_lse(cudaStream_t s, struct mat logits, struct mat out)
{
    LAUNCH(lse, (unsigned)logits.rows, THREADS, s, logits.cols, (const float *)logits.data,
           logits.stride, (float *)out.data);
}

/* e^(x - lse). expf() needs lse as float32; the second factor corrects for that rounding. */
__device__ static float probability(float x, double lse)
{
    return expf(x - (float)lse) * (float)exp((double)(float)lse - lse);
}

__global__ static void cross_entropy(int cols, float *logits, long stride, const int *label,
                                     float weight, float *loss, bool grad)
{
    float *x = logits + (long)blockIdx.x * stride;
    int own = label[blockIdx.x];
    double lse = log_sum_exp(x, cols);

    if (!threadIdx.x)
        loss[blockIdx.x] = (float)(lse - (double)x[own]);
    __syncthreads(); /* before x[own] is overwritten */
    for (int i = (int)threadIdx.x; grad && i < cols; i += THREADS)
        x[i] = weight * probability(x[i], lse) - (i == own ? weight : 0);
}

void kernel_cross_entropy(cudaStream_t s, struct mat logits, const int *label, float weight,
                          struct mat loss, bool grad)
{
    LAUNCH(cross_entropy, (unsigned)logits.rows, THREADS, s, logits.cols, (float *)logits.data,
           logits.stride, label, weight, (float *)loss.data, grad);
}

__global__ static void kl(int cols, float *logits, long stride, const float *ref, long ref_stride,
                          float weight, float *loss, bool grad)
{
    float *x = logits + (long)blockIdx.x * stride;
    double lse = log_sum_exp(x, cols), sum = 0;

    ref += (long)blockIdx.x * ref_stride;
    for (int i = (int)threadIdx.x; i < cols; i += THREADS)
        sum += (double)probability(x[i], lse) * ((double)x[i] - lse - (double)ref[i]);
    sum = block_sum(sum);
    for (int i = (int)threadIdx.x; grad && i < cols; i += THREADS) {
        double gap = (double)x[i] - lse - (double)ref[i];

        x[i] = weight * probability(x[i], lse) * (float)(gap - sum);
    }
    if (!threadIdx.x)
        loss[blockIdx.x] = (float)sum;
}

void kernel_kl(cudaStream_t s, struct mat logits, struct mat ref, float weight, struct mat loss,
               bool grad)
{
    LAUNCH(kl, (unsigned)logits.rows, THREADS, s, logits.cols, (float *)logits.data, logits.stride,
           (const float *)ref.data, ref.stride, weight, (float *)loss.data, grad);
}

/* Like torch.optim.Adam: eps is added after the bias correction of the second moment. There is one
 * block, because the decay and the projection need the norm of all of x. `taken` counts the steps:
 * every thread reads it before the first barrier, one thread writes it at the end. */
__global__ static void adam_step(int cols, const float *grad, float *x, float *m, float *v,
                                 double *taken, double lr, float beta1, float beta2, float eps,
                                 float max_norm, double decay, bool power2)
{
    double step = *taken + 1, square = 0;
    float rate = (float)(lr / (1 - pow((double)beta1, step)));
    float root = (float)sqrt(1 - pow((double)beta2, step)), factor;

    for (int i = (int)threadIdx.x; i < cols; i += THREADS)
        square += (double)x[i] * (double)x[i];
    square = block_sum(square);
    factor = power2 ? (float)(2 * decay) : square > 0 ? (float)(decay / sqrt(square)) : 0;
    square = 0;
    for (int i = (int)threadIdx.x; i < cols; i += THREADS) {
        float g = grad[i] + factor * x[i];

        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        x[i] -= rate * m[i] / (sqrtf(v[i]) / root + eps);
        square += (double)x[i] * (double)x[i];
    }
    square = block_sum(square);
    if (max_norm > 0 && square > (double)max_norm * (double)max_norm) {
        float shrink = (float)((double)max_norm / sqrt(square));

        for (int i = (int)threadIdx.x; i < cols; i += THREADS)
            x[i] *= shrink;
    }
    if (!threadIdx.x)
        *taken = step;
}

void kernel_adam(cudaStream_t s, struct mat grad, struct adam a)
{
    LAUNCH(adam_step, 1, THREADS, s, grad.cols, (const float *)grad.data, (float *)a.x.data,
           (float *)a.m.data, (float *)a.v.data, (double *)a.steps.data, (double)a.lr, a.beta1,
           a.beta2, a.eps, a.max_norm, a.decay, a.square);
}
