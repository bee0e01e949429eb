/* As much of cuSOLVER as gpu/ uses; done by the LAPACK of the host. */
#ifndef EMULATED_CUSOLVERDN_H
#define EMULATED_CUSOLVERDN_H

#include <cublas_v2.h>

typedef int cusolverStatus_t;
typedef struct emulated_solver *cusolverDnHandle_t;
typedef enum { CUSOLVER_EIG_MODE_NOVECTOR, CUSOLVER_EIG_MODE_VECTOR } cusolverEigMode_t;

enum { CUSOLVER_STATUS_SUCCESS = 0 };

cusolverStatus_t cusolverDnCreate(cusolverDnHandle_t *handle);
cusolverStatus_t cusolverDnDestroy(cusolverDnHandle_t handle);
cusolverStatus_t cusolverDnSetStream(cusolverDnHandle_t handle, cudaStream_t stream);
cusolverStatus_t cusolverDnDpotrf_bufferSize(cusolverDnHandle_t handle, cublasFillMode_t fill,
                                             int n, double *a, int lda, int *words);
cusolverStatus_t cusolverDnDpotrf(cusolverDnHandle_t handle, cublasFillMode_t fill, int n,
                                  double *a, int lda, double *work, int words, int *info);
cusolverStatus_t cusolverDnDsyevd_bufferSize(cusolverDnHandle_t handle, cusolverEigMode_t job,
                                             cublasFillMode_t fill, int n, const double *a, int lda,
                                             const double *values, int *words);
cusolverStatus_t cusolverDnDsyevd(cusolverDnHandle_t handle, cusolverEigMode_t job,
                                  cublasFillMode_t fill, int n, double *a, int lda, double *values,
                                  double *work, int words, int *info);

#endif
