/* The state of the CUDA device, and the functions that the C files of gpu/ share. Only they include
 * this; kernels see kernels.h. What an operation does and its shapes are in core/device/device.h.
 */
#ifndef GPU_INTERNAL_H
#define GPU_INTERNAL_H

#include <cuda_runtime_api.h>

#include "core/device/device.h"
#include "gpu/blas.h"

enum { STAGE_BYTES = 1 << 20, THROTTLES = 16 };
/* Scratch buffers, one for each use that another one may overlap. */
enum scratch_use {
    SCRATCH_WORK,  /* of the present operation: a dequantised matrix, cuSOLVER's workspace */
    SCRATCH_TERMS, /* bfloat16 terms of factors */
    SCRATCH_LPS,   /* tiles of U, or partial results of the fused kernel */
    SCRATCH_USES
};

/* The two ways to the log probability shift: tiles of U in memory, made by cuBLAS (lps.c), or U
 * inside one kernel (lps_fused.cu), if precision and shapes allow it. lps.c compares them. */
enum lps_path { LPS_TILES, LPS_FUSED };

/* A float32 matrix as a sum of bfloat16 matrices: x = term[0] + term[1] + ..., each term the rest
 * rounded to 8 bits. Two terms have an error of 2^-16, three are exact. A bfloat16 matrix is its
 * own only term. Dense, one term after the other. */
struct split {
    struct mat term[3];
    int terms;
};

struct cuda {
    struct device base; /* first, so that a struct device * can be cast to struct cuda * */
    int index;
    cudaStream_t stream;
    const struct blas *api;
    cublasHandle_t blas;
    cublasMath_t math;                   /* the math mode that cuBLAS is set to */
    const struct solver_api *solver_api; /* NULL until it is first used */
    cusolverDnHandle_t solver;
    struct scratch { /* grows as needed; shared by all operations, because a stream runs them one */
        void *data;  /* after the other */
        size_t bytes;
    } scratch[SCRATCH_USES];
    char *stage, *stage_host; /* [STAGE_BYTES] rings for small host arrays: on the device, and
                                 pinned on the host */
    size_t stage_at;          /* the next free byte of both */
    void *workspace;          /* cuBLAS's. Its own would be allocated again for each recording */
    struct graph *graph;      /* being recorded; NULL: none */
    int graphs;               /* recordings that exist: memory they may use is not freed */
    void **retired;           /* but waits here until the last of them is freed */
    int retired_count;
    cudaEvent_t throttle[THROTTLES]; /* cuda_throttle(): a ring of events, one a call */
    unsigned long throttled;         /* calls so far */
    struct lps_streams {             /* the log probability shift (lps.c) */
        enum lps_path path;          /* benchmarks and tests may set it */
        int rows;                    /* rows of a tile; 0: chosen by the size of the L2 cache */
        long cache;                  /* bytes of the L2 cache */
        cudaStream_t side;           /* reduces a tile while the main stream makes the next one */
        cudaEvent_t made[2], reduced[2]; /* of the two halves of the tile buffer */
        const void *values; /* the matrix whose terms are in SCRATCH_TERMS; NULL: none */
        struct split split; /* these terms */
    } lps;
};

static inline struct cuda *cuda_of(struct device *dev)
{
    return (struct cuda *)dev;
}

static inline bool empty(struct mat x)
{
    return x.rows == 0 || x.cols == 0;
}

/* open.c. cuda_ok: returns true on success; otherwise the error becomes the device's fault ("what:
 * reason"), and an error that persists marks the device as lost. */
bool cuda_ok(struct device *dev, cudaError_t rc, const char *what);
int cuda_count(void);
enum device_presence cuda_check(int index, struct err *err);
void cuda_survey(struct buf *out);
struct device *cuda_open(int index, int threads, struct err *err);
void cuda_close(struct device *dev);
void cuda_finish(struct device *dev);

/* memory.c */
size_t cuda_free_memory(struct device *dev);
void *cuda_alloc(struct device *dev, size_t bytes);
void cuda_release(struct device *dev, void *ptr, size_t bytes);
const void *cuda_adopt(struct device *dev, const void *host, size_t bytes);
void cuda_upload(struct device *dev, void *dst, const void *src, size_t bytes);
void cuda_download(struct device *dev, void *dst, const void *src, size_t bytes);
/* At least `bytes` of device memory for the present operation; NULL after a fault. A pointer from
 * an earlier call for the same use may be invalid afterwards. */
void *cuda_scratch(struct device *dev, enum scratch_use name, size_t bytes);
/* Copies a small host array (index[], pos[] ...) to the device. The copy is valid until STAGE_BYTES
 * more have been staged; the host array may change at once. NULL after a fault. */
const void *cuda_stage(struct device *dev, const void *host, size_t bytes);

/* graph.c */
void cuda_graph_begin(struct device *dev);
void *cuda_graph_end(struct device *dev);
void cuda_graph_launch(struct device *dev, void *graph);
void cuda_graph_free(struct device *dev, void *graph);
void cuda_throttle(struct device *dev, int ahead);
/* While a CUDA graph is captured: true, and the device's fault says that `what` is not possible. */
bool cuda_refuse_while_capturing(struct device *dev, const char *what);
/* cuda_stage() during a capture: the copy lives as long as the graph. */
const void *cuda_graph_stage(struct device *dev, const void *host, size_t bytes);
/* Frees the memory later, when the last graph is freed: a graph may still use it. */
void cuda_retire(struct cuda *self, void *ptr);
void cuda_retired_free(struct cuda *self);

/* algebra.c */
void cuda_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
               double beta, struct mat c);
void cuda_gram(struct device *dev, struct mat x, struct mat c);
void cuda_eigh(struct device *dev, struct mat a, struct mat values);
void cuda_eigh_top(struct device *dev, struct mat a, struct mat values, struct eigh_top *top);
void cuda_cholesky(struct device *dev, struct mat a);
void cuda_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half);
/* Whether a product of a and b is made from bfloat16 terms: in the precisions `split` and `bf16`,
 * if both are float32 or bfloat16. */
bool splits(const struct device *dev, struct mat a, struct mat b);
/* The number of terms of a float32 factor in such a product: 1 in `bf16`; in `split` 2, or 3 if the
 * other factor is bfloat16. */
int split_terms(const struct device *dev, struct mat a, struct mat b);
/* The scratch bytes that split_into() needs; 0 for a bfloat16 matrix. */
size_t split_bytes(struct mat x, int terms);
/* Splits x into terms, written to scratch. */
struct split split_into(struct device *dev, struct mat x, int terms, char *scratch);
/* c = alpha op(x) op(y) + beta c on the tensor cores: a product for each pair of terms, the
 * smallest first, summed in float32. Of two float32 factors (2 terms each) the product of both
 * second terms is left out; it is 2^-16 of the result. */
void split_multiply(struct device *dev, float alpha, const struct split *x, bool ta,
                    const struct split *y, bool tb, float beta, struct mat c);
/* c = alpha op(a) op(b) + beta c in the device's precision. All float64, or c float32 and the
 * factors float32, or bfloat16 if splits() returns true. */
void cuda_product(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                  double beta, struct mat c);

/* lps.c */
void lps_close(struct cuda *self);
void cuda_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
              struct mat coeff, const int *target, int v0, struct lps_state s);

#endif
