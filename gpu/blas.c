/* Loads cuBLAS and cuSOLVER with dlopen() and looks up the functions we call. */
#include "gpu/blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define TEXT(x)    TEXT_OF(x)
#define TEXT_OF(x) #x

/* Several GPUs are opened by several threads at once; one of them fills the table. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

struct symbol {
    const char *name;
    void *slot;
};

/* Loads a library and fills the slots. The name has the major version of the toolkit with which
 * this was compiled, because the interface is stable only within a major version. */
static bool library_load(const char *name, const struct symbol *want, size_t count, struct err *err)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);

    if (!library)
        return err_set(err, ERR_DEVICE, "cannot load %s (%s); use --device cpu", name, dlerror());
    for (size_t i = 0; i < count; i++) {
        void *symbol = dlsym(library, want[i].name);

        if (!symbol)
            return err_set(err, ERR_DEVICE, "%s has no %s; use --device cpu", name, want[i].name);
        memcpy(want[i].slot, &symbol, sizeof(symbol)); /* POSIX: a function's address fits */
    }
    return true;
}

const struct blas *blas_load(struct err *err)
{
    static struct blas api;
    static bool loaded;
    const struct symbol want[] = {
        {"cublasCreate_v2", &api.create},
        {"cublasDestroy_v2", &api.destroy},
        {"cublasSetStream_v2", &api.set_stream},
        {"cublasSetMathMode", &api.set_math},
        {"cublasSetWorkspace_v2", &api.set_workspace},
        {"cublasSgemm_v2", &api.sgemm},
        {"cublasGemmEx", &api.gemm_ex},
        {"cublasDgemm_v2", &api.dgemm},
        {"cublasDtrsm_v2", &api.dtrsm},
        {"cublasGetStatusString", &api.status},
    };
    bool ok;

    pthread_mutex_lock(&loading);
    loaded = loaded || library_load("libcublas.so." TEXT(CUBLAS_VER_MAJOR), want,
                                    sizeof(want) / sizeof(*want), err);
    ok = loaded;
    pthread_mutex_unlock(&loading);
    return ok ? &api : NULL;
}

const struct solver_api *solver_load(struct err *err)
{
    static struct solver_api api;
    static bool loaded;
    const struct symbol want[] = {
        {"cusolverDnCreate", &api.create},
        {"cusolverDnDestroy", &api.destroy},
        {"cusolverDnSetStream", &api.set_stream},
        {"cusolverDnDpotrf_bufferSize", &api.cholesky_size},
        {"cusolverDnDpotrf", &api.cholesky},
        {"cusolverDnDsyevd_bufferSize", &api.eigh_size},
        {"cusolverDnDsyevd", &api.eigh},
    };
    bool ok;

    pthread_mutex_lock(&loading);
    loaded = loaded || library_load("libcusolver.so." TEXT(CUSOLVER_VER_MAJOR), want,
                                    sizeof(want) / sizeof(*want), err);
    ok = loaded;
    pthread_mutex_unlock(&loading);
    return ok ? &api : NULL;
}
