/* The functions of cuBLAS and cuSOLVER that we call, loaded when a GPU is opened. Linking the
 * libraries would add 80 ms to every start of the program, with or without a GPU. */
#ifndef GPU_BLAS_H
#define GPU_BLAS_H

#include <cublas_v2.h>
#include <cusolverDn.h>

#include "core/base/err.h"

/* Each member has the type of the function whose name is in blas.c. */
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

/* Load the library at the first call; it stays loaded. NULL with ERR_DEVICE that names what is
 * missing. Any thread. cuSOLVER is needed for eigenvectors and Cholesky only, so it is loaded when
 * one of these is first used. */
const struct blas *blas_load(struct err *err);
const struct solver_api *solver_load(struct err *err);

#endif
