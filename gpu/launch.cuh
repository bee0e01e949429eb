/* Macros and functions that all kernels use. They also let a host compiler compile the kernels.
 *
 * nvcc sees plain CUDA. Any other C++ compiler gets tests/emulate/kernel.hpp, in which a launch
 * runs one block after the other, each thread a fiber. So tests check the arithmetic of every
 * kernel without a GPU. A kernel must therefore follow three rules: shared arrays have fixed sizes,
 * every thread of a block reaches every __syncthreads(), and threads of a warp do not communicate
 * directly. */
#ifndef GPU_LAUNCH_CUH
#define GPU_LAUNCH_CUH

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>
#define LAUNCH(kernel, grid, block, stream, ...) kernel<<<grid, block, 0, stream>>>(__VA_ARGS__)
#define UNROLL                                   _Pragma("unroll")
#else
#include "tests/emulate/kernel.hpp"
#define UNROLL
#endif

#ifdef __CUDACC__
#define THREADS 256
#else
#define THREADS 64 /* emulated threads are slow */
#endif

/* Blocks for n elements with FOR_EACH_ELEMENT: one thread an element, up to a limit. */
static inline unsigned blocks_for(long n)
{
    long blocks = (n + THREADS - 1) / THREADS;

    return (unsigned)(blocks < 1 ? 1 : blocks < 65535 ? blocks : 65535);
}

#ifdef __CUDACC__
/* Starts copying 16 bytes from global to shared memory without waiting (cp.async, sm_80); writes
 * zeros if !there. copy_async_group() ends a group of copies. copy_async_wait1() waits until all
 * groups of this thread except the last have arrived. */
__device__ static inline void copy_async16(void *shared, const void *global, bool there)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(
                     (unsigned)__cvta_generic_to_shared(shared)),
                 "l"(global), "r"(there ? 16 : 0)
                 : "memory");
}

__device__ static inline void copy_async_group(void)
{
    asm volatile("cp.async.commit_group;\n" ::: "memory");
}

__device__ static inline void copy_async_wait1(void)
{
    asm volatile("cp.async.wait_group 1;\n" ::: "memory");
}
#endif

/* Loops over the elements (r, c) of a [rows, cols] window with the whole grid: each element belongs
 * to one thread. i counts elements. */
#define FOR_EACH_ELEMENT(i, r, c, rows, cols)                                                  \
    for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x, r = i / (cols), c = i % (cols); \
         i < (long)(rows) * (cols);                                                            \
         i += (long)gridDim.x * blockDim.x, r = i / (cols), c = i % (cols))

/* Reduces one value of each thread of the block with `join` and returns the result to all of them.
 * The order is fixed, so the bits are the same every time. All threads must call it. */
template <typename T, typename Join> __device__ static inline T block_join(T x, Join join)
{
    __shared__ T part[THREADS];
    T all;

    part[threadIdx.x] = x;
    __syncthreads();
    for (unsigned half = THREADS / 2; half; half /= 2) {
        if (threadIdx.x < half)
            part[threadIdx.x] = join(part[threadIdx.x], part[threadIdx.x + half]);
        __syncthreads();
    }
    all = part[0];
    __syncthreads();
    return all;
}

struct join_sum {
    __device__ double operator()(double a, double b) const
    {
        return a + b;
    }
};

struct join_max {
    __device__ float operator()(float a, float b) const
    {
        return fmaxf(a, b);
    }
};

__device__ static inline double block_sum(double x)
{
    return block_join(x, join_sum());
}

__device__ static inline float block_max(float x)
{
    return block_join(x, join_max());
}

#endif
