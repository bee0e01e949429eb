/* Kernels on the host: blocks one after another, threads as fibers that meet at barriers. */
#include "tests/emulate/kernel.hpp"
#include "tests/emulate/emulated.h"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <ucontext.h>
#include <vector>

dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace
{

enum { STACK = 64 << 10, FIBERS = 256 };

/* A fiber lives as long as the program and runs one thread after another. It is entered by
 * swapcontext() once; later turns jump, which spares two system calls each. */
struct fiber {
    jmp_buf at;
    char *stack;
    bool ended;
};

fiber fibers[FIBERS];
jmp_buf scheduler;
unsigned running;
const std::function<void()> *body;

void yield(unsigned me)
{
    if (!_setjmp(fibers[me].at))
        _longjmp(scheduler, 1);
}

void live()
{
    unsigned me = running;

    for (;;) {
        (*body)();
        fibers[me].ended = true;
        yield(me);
    }
}

void resume(fiber *f)
{
    static ucontext_t fresh, nowhere;

    if (_setjmp(scheduler))
        return;
    if (f->stack)
        _longjmp(f->at, 1);
    f->stack = static_cast<char *>(std::malloc(STACK));
    if (!f->stack)
        std::abort();
    getcontext(&fresh);
    fresh.uc_stack.ss_sp = f->stack;
    fresh.uc_stack.ss_size = STACK;
    makecontext(&fresh, live, 0);
    swapcontext(&nowhere, &fresh);
}

/* Every thread up to its next __syncthreads() or its end; false when all have ended. */
bool turn(unsigned threads)
{
    unsigned ended = 0;

    for (running = 0; running < threads; running++) {
        threadIdx = dim3(running);
        if (!fibers[running].ended)
            resume(&fibers[running]);
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
    yield(running);
}

namespace
{

struct copy16 {
    void *to;
    char bytes[16];
};

std::vector<std::vector<copy16>> groups[FIBERS]; /* of each thread; the last is still open */

} // namespace

void copy_async16(void *shared, const void *global, bool there)
{
    copy16 c = {shared, {0}};

    if (reinterpret_cast<uintptr_t>(shared) % 16 || reinterpret_cast<uintptr_t>(global) % 16) {
        std::fprintf(stderr, "emulated kernel: cp.async of an unaligned address\n");
        std::abort();
    }
    if (there)
        std::memcpy(c.bytes, global, 16);
    if (groups[running].empty())
        groups[running].emplace_back();
    groups[running].back().push_back(c);
}

void copy_async_group(void)
{
    if (groups[running].empty())
        groups[running].emplace_back();
    groups[running].emplace_back();
}

void copy_async_wait1(void)
{
    std::vector<std::vector<copy16>> &g = groups[running];

    while (g.size() > 2) { /* one closed, one open */
        for (const copy16 &c : g.front())
            std::memcpy(c.to, c.bytes, 16);
        g.erase(g.begin());
    }
}

void emulate_kernel(dim3 grid, dim3 block, const std::function<void()> &kernel)
{
    if (!emulated_launch())
        return;
    if (block.x > FIBERS)
        std::abort();
    body = &kernel;
    gridDim = grid;
    blockDim = block;
    for (unsigned i = 0; i < grid.x * grid.y * grid.z; i++) {
        blockIdx = dim3(i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y);
        for (unsigned t = 0; t < block.x; t++) {
            fibers[t].ended = false;
            groups[t].clear();
        }
        while (turn(block.x))
            ;
    }
}
