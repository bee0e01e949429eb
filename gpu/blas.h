/* cuBLAS, loaded when a GPU is opened: linked in, it would cost every start of the program 80 ms,
 * with or without a GPU. */
#ifndef GPU_BLAS_H
#define GPU_BLAS_H

#include <cublas_v2.h>

#include "core/base/err.h"

struct blas {
    cublasStatus_t (*create)(cublasHandle_t *);
    cublasStatus_t (*destroy)(cublasHandle_t);
    cublasStatus_t (*set_stream)(cublasHandle_t, cudaStream_t);
    cublasStatus_t (*sgemm)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int m, int n,
                            int k, const float *alpha, const float *a, int lda, const float *b,
                            int ldb, const float *beta, float *c, int ldc);
    cublasStatus_t (*dgemm)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int m, int n,
                            int k, const double *alpha, const double *a, int lda, const double *b,
                            int ldb, const double *beta, double *c, int ldc);
    const char *(*status)(cublasStatus_t);
};

/* The library stays loaded as long as the program runs. NULL with ERR_DEVICE where it is missing.
 */
const struct blas *blas_load(struct err *err);

#endif
