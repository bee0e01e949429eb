/* The CUDA device's own state, seen by the C files of gpu/ alone. */
#ifndef GPU_INTERNAL_H
#define GPU_INTERNAL_H

#include <cuda_runtime_api.h>

#include "core/device/device.h"
#include "gpu/blas.h"

enum { STAGE_BYTES = 1 << 20, THROTTLES = 16 };
/* Scratch rooms: of an operation; of terms of factors; of the log probability shift: tiles of U, or
 * what the fused kernel's blocks find. */
enum scratch_use { SCRATCH_WORK, SCRATCH_TERMS, SCRATCH_LPS, SCRATCH_USES };

/* Two ways to the same numbers: tiles of U by cuBLAS, or U inside one kernel (gpu/lps_fused.cu),
 * where the precision and the shapes allow. */
enum lps_path { LPS_TILES, LPS_FUSED };

/* A factor as bfloat16 matrices that add up to it, to 8 more bits each; what is stored so already
 * is its own first term, exactly. Dense, one after another. */
struct split {
    struct mat term[3];
    int terms;
};

struct cuda {
    struct device base; /* first, so that a device * is a cuda * */
    int index;
    cudaStream_t stream;
    const struct blas *api;
    cublasHandle_t blas;
    cublasMath_t math;                   /* it is set to */
    const struct solver_api *solver_api; /* NULL until it is first used */
    cusolverDnHandle_t solver;
    struct scratch {
        void *data;
        size_t bytes;
    } scratch[SCRATCH_USES]; /* of the operation at hand: work of one stream is in order */
    char *stage,
        *stage_host; /* small host arrays on their way: a ring, pinned on the host's side */
    size_t stage_at;
    void *workspace;     /* of cuBLAS: with its own, recordings would allocate theirs */
    struct graph *graph; /* that is being recorded */
    int graphs;          /* that are kept; while there are any, nothing they may use is freed */
    void **retired;      /* but waits here */
    int retired_count;
    cudaEvent_t throttle[THROTTLES];
    unsigned long throttled;
    struct lps_streams {
        enum lps_path path; /* which a benchmark may choose */
        int rows;           /* of a tile; 0: by the size of the second cache */
        long cache;         /* that size */
        cudaStream_t side;  /* a tile is reduced while the next is made */
        cudaEvent_t made[2], reduced[2];
        const void *values; /* whose terms are in SCRATCH_TERMS still; NULL: nobody's */
        struct split split;
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

/* open.c. cuda_ok: a result that is no success becomes the device's fault; one that stays marks the
 * device as lost. */
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
/* At least `bytes` on the device for the operation at hand; NULL after a fault. What an earlier
 * call for this scratch gave may be gone. */
void *cuda_scratch(struct device *dev, enum scratch_use name, size_t bytes);
/* A copy on the device of a small host array, good until STAGE_BYTES more have been staged. The
 * host array may be changed at once. NULL after a fault. */
const void *cuda_stage(struct device *dev, const void *host, size_t bytes);

/* graph.c */
void cuda_graph_begin(struct device *dev);
void *cuda_graph_end(struct device *dev);
void cuda_graph_launch(struct device *dev, void *graph);
void cuda_graph_free(struct device *dev, void *graph);
void cuda_throttle(struct device *dev, int ahead);
/* Whether operations are being recorded: `what` is then a fault. */
bool cuda_recording(struct device *dev, const char *what);
/* cuda_stage() while recording: the copy lives as long as the graph. */
const void *cuda_graph_stage(struct device *dev, const void *host, size_t bytes);
/* Memory to be freed once no graph can use it any more. */
void cuda_retire(struct cuda *self, void *ptr);
void cuda_retired_free(struct cuda *self);

/* algebra.c */
void cuda_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
               double beta, struct mat c);
void cuda_gram(struct device *dev, struct mat x, struct mat c);
void cuda_eigh(struct device *dev, struct mat a, struct mat values);
void cuda_cholesky(struct device *dev, struct mat a);
void cuda_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half);
/* Whether bfloat16 terms are multiplied: float32 and bfloat16 factors, in the precisions that say
 * so; and how many terms a float32 one has. */
bool splits(const struct device *dev, struct mat a, struct mat b);
int split_terms(const struct device *dev, struct mat a, struct mat b);
size_t split_bytes(struct mat x, int terms);
struct split split_into(struct device *dev, struct mat x, int terms, char *scratch);
/* Products of terms on the tensor cores, the largest last. With a factor stored as bfloat16 three
 * terms of the other make it exact; with two float32 factors the product of both remainders is
 * left out (2^-16 of a term). One term each is plain bfloat16. */
void split_multiply(struct device *dev, float alpha, const struct split *x, bool ta,
                    const struct split *y, bool tb, float beta, struct mat c);
/* c = alpha op(a) op(b) + beta c, factors float32, or bfloat16 where splits() says so. */
void cuda_product(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                  double beta, struct mat c);

/* lps.c */
void lps_close(struct cuda *self);
void cuda_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
              struct mat coeff, const int *target, int v0, struct lps_state s);

#endif
