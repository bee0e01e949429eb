/* As much of the matrix units' interface as gpu/ uses. A warp's first thread does the work and
 * holds the pieces; which thread of a GPU holds what is nobody's business. */
#ifndef EMULATED_MMA_H
#define EMULATED_MMA_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus

#include <cstdio>
#include <cstdlib>

#include "core/device/dtype.h"

struct __nv_bfloat16 {
    uint16_t bits;
};

static inline float emulated_value(__nv_bfloat16 x)
{
    uint32_t wide = (uint32_t)x.bits << 16;
    float value;

    std::memcpy(&value, &wide, sizeof(value));
    return value;
}

namespace nvcuda
{
namespace wmma
{

struct matrix_a {
};
struct matrix_b {
};
struct accumulator {
};
struct row_major {
};
enum layout_t { mem_row_major };

template <typename Use, int M, int N, int K, typename T, typename Layout = void> struct fragment {
    static_assert(M == 16 && N == 16 && K == 16, "the one size that is emulated");
    float x[256];
};

static inline bool leads()
{
    return threadIdx.x % 32 == 0;
}

/* Pieces begin at multiples of 32 bytes, their rows are multiples of 16 bytes apart. */
static inline void check_place(const void *p, unsigned row_bytes)
{
    if (reinterpret_cast<uintptr_t>(p) % 32 || row_bytes % 16) {
        std::fprintf(stderr, "emulated kernel: a matrix piece that is not aligned\n");
        std::abort();
    }
}

template <typename F> static inline void fill_fragment(F &f, float value)
{
    for (int i = 0; leads() && i < 256; i++)
        f.x[i] = value;
}

template <typename F>
static inline void load_matrix_sync(F &f, const __nv_bfloat16 *from, unsigned ld)
{
    check_place(from, 2 * ld);
    for (int i = 0; leads() && i < 256; i++)
        f.x[i] = emulated_value(from[i / 16 * ld + i % 16]);
}

template <typename D, typename A, typename B, typename C>
static inline void mma_sync(D &d, const A &a, const B &b, const C &c)
{
    for (int i = 0; leads() && i < 16; i++) {
        float row[16];

        for (int j = 0; j < 16; j++)
            row[j] = c.x[16 * i + j];
        for (int k = 0; k < 16; k++)
            for (int j = 0; j < 16; j++)
                row[j] += a.x[16 * i + k] * b.x[16 * k + j];
        for (int j = 0; j < 16; j++)
            d.x[16 * i + j] = row[j];
    }
}

template <typename F>
static inline void store_matrix_sync(float *to, const F &f, unsigned ld, layout_t)
{
    check_place(to, 4 * ld);
    for (int i = 0; leads() && i < 256; i++)
        to[i / 16 * ld + i % 16] = f.x[i];
}

} // namespace wmma
} // namespace nvcuda

#endif
#endif
