/* Copies, gather and scatter, and elementwise operations. All are limited by memory bandwidth, so
 * they are written simply: one thread an element, neighbouring threads at neighbouring elements. */
#include "gpu/kernels.h"
#include "gpu/launch.cuh"

template <typename S, typename D>
__global__ static void copy(int rows, int cols, const S *src, long src_stride, D *dst,
                            long dst_stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    dst[r * dst_stride + c] = (D)src[r * src_stride + c];
}

template <typename S, typename D>
static void copy_as(cudaStream_t s, struct mat src, struct mat dst)
{
    LAUNCH((copy<S, D>), blocks_for((long)src.rows * src.cols), THREADS, s, src.rows, src.cols,
           (const S *)src.data, src.stride, (D *)dst.data, dst.stride);
}

void kernel_copy(cudaStream_t s, struct mat src, struct mat dst)
{
    if (src.type == DT_F64 && dst.type == DT_F64)
        copy_as<double, double>(s, src, dst);
    else if (src.type == DT_F64)
        copy_as<double, float>(s, src, dst);
    else if (dst.type == DT_F64)
        copy_as<float, double>(s, src, dst);
    else
        copy_as<float, float>(s, src, dst);
}

template <typename T> __global__ static void fill(int rows, int cols, T *x, long stride, T value)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    x[r * stride + c] = value;
}

void kernel_fill(cudaStream_t s, struct mat x, double value)
{
    unsigned blocks = blocks_for((long)x.rows * x.cols);

    if (x.type == DT_F64)
        LAUNCH(fill<double>, blocks, THREADS, s, x.rows, x.cols, (double *)x.data, x.stride, value);
    else
        LAUNCH(fill<float>, blocks, THREADS, s, x.rows, x.cols, (float *)x.data, x.stride,
               (float)value);
}

__global__ static void axpy(int rows, int cols, float alpha, const float *x, long x_stride,
                            float *y, long y_stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    y[r * y_stride + c] += alpha * x[r * x_stride + c];
}

void kernel_axpy(cudaStream_t s, float alpha, struct mat x, struct mat y)
{
    LAUNCH(axpy, blocks_for((long)y.rows * y.cols), THREADS, s, y.rows, y.cols, alpha,
           (const float *)x.data, x.rows == 1 ? 0 : x.stride, (float *)y.data, y.stride);
}

__global__ static void scale_cols(int rows, int cols, const float *x, long x_stride,
                                  const float *scale, float *y, long y_stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    y[r * y_stride + c] = x[r * x_stride + c] * scale[c];
}

void kernel_scale_cols(cudaStream_t s, struct mat x, struct mat scale, struct mat y)
{
    LAUNCH(scale_cols, blocks_for((long)x.rows * x.cols), THREADS, s, x.rows, x.cols,
           (const float *)x.data, x.stride, (const float *)scale.data, (float *)y.data, y.stride);
}

__global__ static void scale_rows(int rows, int cols, const float *scale, float *x, long stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    x[r * stride + c] *= scale[r];
}

void kernel_scale_rows(cudaStream_t s, struct mat scale, struct mat x)
{
    LAUNCH(scale_rows, blocks_for((long)x.rows * x.cols), THREADS, s, x.rows, x.cols,
           (const float *)scale.data, (float *)x.data, x.stride);
}

/* A block has 32 neighbouring columns; THREADS / 32 threads share the rows of a column, and one of
 * them adds the partial sums in order. */
__global__ static void col_norms(int rows, int cols, const float *x, long stride, float *out)
{
    __shared__ double part[THREADS];
    int lane = (int)threadIdx.x % 32, slice = (int)threadIdx.x / 32;
    long c = (long)blockIdx.x * 32 + lane;
    double sum = 0;

    for (int r = slice; c < cols && r < rows; r += THREADS / 32)
        sum += (double)x[r * stride + c] * (double)x[r * stride + c];
    part[threadIdx.x] = sum;
    __syncthreads();
    for (int k = 1; !slice && k < THREADS / 32; k++)
        sum += part[32 * k + lane];
    if (!slice && c < cols)
        out[c] = (float)sqrt(sum);
}

void kernel_col_norms(cudaStream_t s, struct mat x, struct mat out)
{
    LAUNCH(col_norms, (unsigned)((x.cols + 31) / 32), THREADS, s, x.rows, x.cols,
           (const float *)x.data, x.stride, (float *)out.data);
}

/* A block has one row of x and goes over the keys; its threads share the columns, and the first one
 * adds the partial sums in order. */
__global__ static void nearest(int keys, int cols, const float *x, long x_stride, const float *key,
                               long key_stride, const float *radius, float *choice, long stride)
{
    __shared__ double part[THREADS];
    const float *row = x + blockIdx.x * x_stride;
    double least = 0;
    int best = -1;

    for (int j = 0; j < keys; j++) {
        double sum = 0;

        for (int c = (int)threadIdx.x; c < cols; c += THREADS) {
            double d = (double)row[c] - (double)key[j * key_stride + c];

            sum += d * d;
        }
        part[threadIdx.x] = sum;
        __syncthreads();
        if (!threadIdx.x) {
            sum = 0;
            for (int k = 0; k < THREADS; k++)
                sum += part[k];
            choice[blockIdx.x * stride + j] = 0;
            if (best < 0 || sum < least) {
                least = sum;
                best = j;
            }
        }
        __syncthreads();
    }
    if (!threadIdx.x && best >= 0 && sqrt(least) <= (double)radius[best])
        choice[blockIdx.x * stride + best] = 1;
}

void kernel_nearest(cudaStream_t s, struct mat x, struct mat key, struct mat radius,
                    struct mat choice)
{
    LAUNCH(nearest, (unsigned)x.rows, THREADS, s, key.rows, x.cols, (const float *)x.data, x.stride,
           (const float *)key.data, key.stride, (const float *)radius.data, (float *)choice.data,
           choice.stride);
}

/* The bits of |x|, which are ordered as the numbers are. */
__device__ static unsigned magnitude(float x)
{
    unsigned bits;

    memcpy(&bits, &x, sizeof(bits));
    return bits & 0x7fffffffU;
}

/* How many of a row are at least so large. For all threads of the block. */
__device__ static int count_from(const float *row, int cols, unsigned least, int *part)
{
    int count = 0;

    for (int c = (int)threadIdx.x; c < cols; c += THREADS)
        count += magnitude(row[c]) >= least;
    __syncthreads();
    part[threadIdx.x] = count;
    __syncthreads();
    count = 0;
    for (int k = 0; k < THREADS; k++)
        count += part[k];
    return count;
}

/* A block has one row, finds its k-th largest magnitude bit by bit, and marks what is above. Of
 * equal ones the first are taken: all of them, or else one thread goes through the row. */
__global__ static void largest(int cols, int k, const float *x, long x_stride, float *out,
                               long stride)
{
    __shared__ int part[THREADS];
    const float *row = x + blockIdx.x * x_stride;
    float *mark = out + blockIdx.x * stride;
    unsigned least = 0;
    int equal;

    for (unsigned bit = 1U << 30; bit; bit >>= 1)
        if (count_from(row, cols, least | bit, part) >= k)
            least |= bit;
    equal = k - count_from(row, cols, least + 1, part);
    if (count_from(row, cols, least, part) > k) {
        for (int c = 0; !threadIdx.x && c < cols; c++) {
            unsigned size = magnitude(row[c]);

            mark[c] = size > least || (size == least && equal-- > 0) ? 1.0F : 0.0F;
        }
        return;
    }
    for (int c = (int)threadIdx.x; c < cols; c += THREADS)
        mark[c] = k && magnitude(row[c]) >= least ? 1.0F : 0.0F;
}

void kernel_largest(cudaStream_t s, struct mat x, int k, struct mat out)
{
    LAUNCH(largest, (unsigned)x.rows, THREADS, s, x.cols, k, (const float *)x.data, x.stride,
           (float *)out.data, out.stride);
}

/* A thread takes a column and adds its rows in order, because two rows may have the same index. */
__global__ static void scatter_add(int rows, int cols, const float *x, long x_stride,
                                   const int *index, float *out, long out_stride)
{
    long c = (long)blockIdx.x * blockDim.x + threadIdx.x;

    for (int r = 0; c < cols && r < rows; r++)
        out[index[r] * out_stride + c] += x[r * x_stride + c];
}

void kernel_scatter_add(cudaStream_t s, struct mat x, const int *index, struct mat out)
{
    LAUNCH(scatter_add, (unsigned)((x.cols + THREADS - 1) / THREADS), THREADS, s, x.rows, x.cols,
           (const float *)x.data, x.stride, index, (float *)out.data, out.stride);
}

/* act(g) = g / (1 + e^-t), and its derivative in *slope. SiLU: t = g. GELU in its tanh form:
 * t = 2 sqrt(2 / pi) (g + 0.044715 g^3), since (1 + tanh(t / 2)) / 2 = 1 / (1 + e^-t). */
__device__ static float activate(enum activation act, float g, float *slope)
{
    const float root = 1.5957691216057308F, cubic = 0.044715F; /* 2 sqrt(2 / pi) */
    float square = g * g, t = act == ACT_GELU ? root * (g + cubic * square * g) : g;
    float dt = act == ACT_GELU ? root * (1 + 3 * cubic * square) : 1;
    float divisor = 1 + expf(-t), s = 1 / divisor;

    *slope = s > 0 ? s * (1 + g * (1 - s) * dt) : 0; /* s 0: dt may be infinite, and 0 * dt NaN */
    return g / divisor;
}

__global__ static void gated(int rows, int cols, enum activation act, const float *gate,
                             long gate_stride, const float *up, long up_stride, float *out,
                             long out_stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    {
        float slope, a = activate(act, gate[r * gate_stride + c], &slope);

        out[r * out_stride + c] = up ? a * up[r * up_stride + c] : a;
    }
}

void kernel_gated(cudaStream_t s, enum activation act, struct mat gate, struct mat up,
                  struct mat out)
{
    LAUNCH(gated, blocks_for((long)gate.rows * gate.cols), THREADS, s, gate.rows, gate.cols, act,
           (const float *)gate.data, gate.stride, (const float *)up.data, up.stride,
           (float *)out.data, out.stride);
}

__global__ static void gated_grad(int rows, int cols, enum activation act, const float *gate,
                                  long gate_stride, const float *up, long up_stride,
                                  const float *dout, long dout_stride, float *dgate,
                                  long dgate_stride, float *dup, long dup_stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    {
        float u = up ? up[r * up_stride + c] : 1, d = dout[r * dout_stride + c], slope;
        float a = activate(act, gate[r * gate_stride + c], &slope);

        if (dup)
            dup[r * dup_stride + c] = d * a;
        dgate[r * dgate_stride + c] = d * u * slope;
    }
}

void kernel_gated_grad(cudaStream_t s, enum activation act, struct mat gate, struct mat up,
                       struct mat dout, struct mat dgate, struct mat dup)
{
    LAUNCH(gated_grad, blocks_for((long)gate.rows * gate.cols), THREADS, s, gate.rows, gate.cols,
           act, (const float *)gate.data, gate.stride, (const float *)up.data, up.stride,
           (const float *)dout.data, dout.stride, (float *)dgate.data, dgate.stride,
           (float *)dup.data, dup.stride);
}

__global__ static void softcap(int rows, int cols, float cap, float *x, long stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    x[r * stride + c] = cap * tanhf(x[r * stride + c] / cap);
}

void kernel_softcap(cudaStream_t s, float cap, struct mat x)
{
    LAUNCH(softcap, blocks_for((long)x.rows * x.cols), THREADS, s, x.rows, x.cols, cap,
           (float *)x.data, x.stride);
}

__global__ static void softcap_grad(int rows, int cols, float cap, const float *y, long y_stride,
                                    float *dy, long dy_stride)
{
    FOR_EACH_ELEMENT(i, r, c, rows, cols)
    {
        float t = y[r * y_stride + c] / cap;

        dy[r * dy_stride + c] *= 1 - t * t;
    }
}

void kernel_softcap_grad(cudaStream_t s, float cap, struct mat y, struct mat dy)
{
    LAUNCH(softcap_grad, blocks_for((long)y.rows * y.cols), THREADS, s, y.rows, y.cols, cap,
           (const float *)y.data, y.stride, (float *)dy.data, dy.stride);
}

__global__ static void zero_upper(int n, double *a, long stride)
{
    FOR_EACH_ELEMENT(i, r, c, n, n)
    if (c > r)
        a[r * stride + c] = 0;
}

void kernel_zero_upper(cudaStream_t s, struct mat a)
{
    LAUNCH(zero_upper, blocks_for((long)a.rows * a.rows), THREADS, s, a.rows, (double *)a.data,
           a.stride);
}
