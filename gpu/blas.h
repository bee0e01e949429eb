/* cuBLAS and cuSOLVER, loaded when a GPU is opened: linked in, they would cost every start of
 * the program 80 ms, with or without a GPU. */
#ifndef GPU_BLAS_H
#define GPU_BLAS_H

#include <cublas_v2.h>
#include <cusolverDn.h>

#include "core/base/err.h"

/* Every entry has the type of the function it is called after. */
struct blas {
    __typeof__(cublasCreate_v2) *create;
    __typeof__(cublasDestroy_v2) *destroy;
    __typeof__(cublasSetStream_v2) *set_stream;
    __typeof__(cublasSetWorkspace_v2) *set_workspace;
    __typeof__(cublasSetMathMode) *set_math;
    __typeof__(cublasSgemm_v2) *sgemm;
    __typeof__(cublasGemmEx) *gemm_ex;
    __typeof__(cublasDgemm_v2) *dgemm;
    __typeof__(cublasDtrsm_v2) *dtrsm;
    __typeof__(cublasGetStatusString) *status;
};

struct solver_api {
    __typeof__(cusolverDnCreate) *create;
    __typeof__(cusolverDnDestroy) *destroy;
    __typeof__(cusolverDnSetStream) *set_stream;
    __typeof__(cusolverDnDpotrf_bufferSize) *cholesky_size;
    __typeof__(cusolverDnDpotrf) *cholesky;
    __typeof__(cusolverDnDsyevd_bufferSize) *eigh_size;
    __typeof__(cusolverDnDsyevd) *eigh;
};

/* The libraries stay loaded as long as the program runs. NULL with ERR_DEVICE, naming what is
 * missing. Any thread. The solver is wanted for second moments only and is loaded when it is first
 * used. */
const struct blas *blas_load(struct err *err);
const struct solver_api *solver_load(struct err *err);

#endif
