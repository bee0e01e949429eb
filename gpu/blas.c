#include "gpu/blas.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#define TEXT(x)    TEXT_OF(x)
#define TEXT_OF(x) #x

/* Of the toolkit this was compiled with: the interface is only stable within a major version. */
static const char library_name[] = "libcublas.so." TEXT(CUBLAS_VER_MAJOR);

const struct blas *blas_load(struct err *err)
{
    static struct blas api;
    const struct {
        const char *name;
        void *slot;
    } want[] = {
        {"cublasCreate_v2", &api.create},        {"cublasDestroy_v2", &api.destroy},
        {"cublasSetStream_v2", &api.set_stream}, {"cublasSgemm_v2", &api.sgemm},
        {"cublasDgemm_v2", &api.dgemm},          {"cublasGetStatusString", &api.status},
    };
    void *library = dlopen(library_name, RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        err_set(err, ERR_DEVICE, "cuda: cannot load %s (%s); use --device cpu", library_name,
                dlerror());
        return NULL;
    }
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        void *symbol = dlsym(library, want[i].name);

        if (!symbol) {
            err_set(err, ERR_DEVICE, "cuda: %s has no %s; use --device cpu", library_name,
                    want[i].name);
            return NULL;
        }
        memcpy(want[i].slot, &symbol, sizeof(symbol)); /* POSIX: a function's address fits */
    }
    return &api;
}
