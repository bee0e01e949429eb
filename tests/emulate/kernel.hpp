/* CUDA's language extensions for a host compiler (gpu/launch.cuh says what kernels must keep to).
 * Blocks run one after another; the threads of a block are fibers that switch at __syncthreads().
 */
#ifndef TESTS_EMULATE_KERNEL_H
#define TESTS_EMULATE_KERNEL_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#include <cuda_runtime_api.h>

#define __global__
#define __device__
#define __shared__ static /* a block at a time */

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};

extern dim3 gridDim, blockDim, blockIdx, threadIdx;

void __syncthreads();
/* Fails the program where threads of a block disagree about a __syncthreads(). */
void emulate_kernel(dim3 grid, dim3 block, const std::function<void()> &kernel);
/* Queues it on the stream. */
void emulate_launch(cudaStream_t stream, dim3 grid, dim3 block,
                    const std::function<void()> &kernel);

#define LAUNCH(kernel, grid, block, stream, ...) \
    emulate_launch(stream, dim3(grid), dim3(block), [=] { kernel(__VA_ARGS__); })

#define __launch_bounds__(threads, blocks)

/* Copies to shared memory are late: they arrive when they are waited for. */
void copy_async16(void *shared, const void *global, bool there);
void copy_async_group(void);
void copy_async_wait1(void);

using std::exp;
using std::log;
using std::sqrt;

#endif
