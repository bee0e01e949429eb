/* Sums of several GPUs: NCCL where its library is there, loaded when it is first wanted; else by
 * way of the host. The handful of calls is declared here as NCCL 2 documents them. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "gpu/inside.h"

void nccl_survey(struct buf *out)
{
    const struct nccl *api = nccl_load();
    int v = 0;

    if (api && !api->version(&v))
        buf_printf(out, "nccl\tversion %d.%d.%d\n", v / 10000, v % 10000 / 100, v % 100);
    else
        buf_printf(out, "nccl\tlibnccl.so.2 is not here: several GPUs sum by way of the host\n");
}

static bool nccl_ok(struct device *dev, const struct nccl *api, int rc, const char *what)
{
    return !rc || err_set(&dev->fault, ERR_DEVICE, "NCCL: %s: %s", what, api->text(rc));
}

/* All of it from one thread, so the calls of a group belong together: none of them can end before
 * the others are made. */
static void reduce(const struct nccl *api, struct device *const *dev, int n, const struct mat *x,
                   const nccl_comm *comm)
{
    size_t count = (size_t)x[0].rows * (size_t)x[0].cols;
    bool ok = nccl_ok(dev[0], api, api->group_start(), "begin");

    for (int i = 0; ok && i < n; i++)
        ok = nccl_ok(dev[0], api,
                     api->reduce(x[i].data, x[i].data, count, NCCL_FLOAT64, NCCL_SUM, 0, comm[i],
                                 cuda_of(dev[i])->stream),
                     "reduce");
    nccl_ok(dev[0], api, api->group_end(), "end");
    for (int i = 0; i < n; i++)
        if (cuda_ok(dev[0], cudaSetDevice(cuda_of(dev[i])->index), "select the GPU"))
            cuda_ok(dev[0], cudaStreamSynchronize(cuda_of(dev[i])->stream), "synchronize");
    cuda_ok(dev[0], cudaSetDevice(cuda_of(dev[0])->index), "select the GPU");
}

void cuda_join(struct device *const *dev, int n, const struct mat *x)
{
    const struct nccl *api = nccl_load();
    nccl_comm *comm;
    int *index;

    if (!api) {
        device_join_by_host(dev, n, x);
        return;
    }
    comm = xcalloc((size_t)n, sizeof(*comm));
    index = xcalloc((size_t)n, sizeof(*index));
    for (int i = 0; i < n; i++)
        index[i] = cuda_of(dev[i])->index;
    if (!api->init(comm, n, index)) {
        reduce(api, dev, n, x, comm);
        for (int i = 0; i < n; i++)
            api->destroy(comm[i]);
    } else { /* GPUs that do not reach each other, no room in /dev/shm: there is another way */
        cudaGetLastError();
        device_join_by_host(dev, n, x);
    }
    free(comm);
    free(index);
}
