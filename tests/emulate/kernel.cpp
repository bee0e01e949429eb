#include "tests/emulate/kernel.hpp"

#include <cstdio>
#include <cstdlib>
#include <ucontext.h>
#include <vector>

dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace
{

enum { STACK = 64 << 10 };

struct fiber {
    ucontext_t at;
    std::vector<char> stack;
    bool ended;
};

std::vector<fiber> fibers;
ucontext_t scheduler;
unsigned running;
const std::function<void()> *body;

void enter()
{
    (*body)();
    fibers[running].ended = true;
}

/* Every thread up to its next __syncthreads() or its end; false when all have ended. */
bool turn(unsigned threads)
{
    unsigned ended = 0;

    for (running = 0; running < threads; running++) {
        threadIdx = dim3(running);
        if (!fibers[running].ended)
            swapcontext(&scheduler, &fibers[running].at);
        ended += fibers[running].ended;
    }
    if (ended && ended < threads) {
        std::fprintf(stderr, "emulated kernel: %u of %u threads left before a __syncthreads()\n",
                     ended, threads);
        std::abort();
    }
    return !ended;
}

} // namespace

void __syncthreads()
{
    swapcontext(&fibers[running].at, &scheduler);
}

void emulate_launch(dim3 grid, dim3 block, const std::function<void()> &kernel)
{
    if (fibers.size() < block.x)
        fibers.resize(block.x);
    body = &kernel;
    gridDim = grid;
    blockDim = block;
    for (unsigned i = 0; i < grid.x * grid.y * grid.z; i++) {
        blockIdx = dim3(i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y);
        for (unsigned t = 0; t < block.x; t++) {
            fiber &f = fibers[t];

            f.stack.resize(STACK);
            f.ended = false;
            getcontext(&f.at);
            f.at.uc_stack.ss_sp = f.stack.data();
            f.at.uc_stack.ss_size = f.stack.size();
            f.at.uc_link = &scheduler;
            makecontext(&f.at, enter, 0);
        }
        while (turn(block.x))
            ;
    }
}
