/* cuBLAS, cuSOLVER and NCCL, loaded when a GPU is opened: linked in, they would cost every start of
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

/* The handful of NCCL's calls that sum over GPUs, as NCCL 2 documents them: its header is not asked
 * for. ncclResult_t is 0 for success; in place, reduce takes the same pointer twice. */
enum { NCCL_SUM = 0, NCCL_FLOAT64 = 8 }; /* ncclRedOp_t, ncclDataType_t */

typedef struct ncclComm *nccl_comm;

struct nccl {
    int (*version)(int *);
    int (*init)(nccl_comm *, int, const int *);
    int (*destroy)(nccl_comm);
    int (*reduce)(const void *, void *, size_t, int, int, int, nccl_comm, cudaStream_t);
    int (*group_start)(void);
    int (*group_end)(void);
    const char *(*text)(int);
};

/* NULL where libnccl.so.2 is not there: it is not needed. Engine thread. */
const struct nccl *nccl_load(void);

#endif
