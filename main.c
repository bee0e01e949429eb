/* Wires the folders together. The only file that knows them all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/device/device.h"
#include "views/cli/cli.h"
#if HAVE_CUDA
#include "gpu/cuda.h"
#endif

/* In the order of preference. `partial`: lacks operations; used only when asked for by name. */
static const struct {
    const struct device_ops *ops;
    bool untried; /* not yet measured on hardware: only when asked for by name */
} devices[] = {
#if HAVE_CUDA
    {&device_cuda, true},
#endif
    {&device_cpu, false}, /* last: always there */
};

/* What --device NAME[:N] means here; NULL or "auto": the first that is there and tried. */
static const struct device_ops *device_choose(const char *name, int *index, struct err *err)
{
    const char *colon = name ? strchr(name, ':') : NULL;
    size_t length = colon ? (size_t)(colon - name) : name ? strlen(name) : 0;
    bool any = !name || !strcmp(name, "auto");
    char *end = NULL;
    long n = colon ? strtol(colon + 1, &end, 10) : 0;

    *index = (int)n;
    if (colon && (end == colon + 1 || *end || n < 0 || n > 1023)) {
        err_set(err, ERR_USAGE, "--device %s: after ':' comes the number of a GPU, from 0", name);
        return NULL;
    }
    for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
        const struct device_ops *ops = devices[i].ops;

        if (any && ops->count() > 0) {
            if (!devices[i].untried)
                return ops;
            fprintf(stderr,
                    "editscope: a GPU is here, but the %s device has not been validated on one "
                    "yet: using the CPU (--device %s insists)\n",
                    ops->name, ops->name);
        } else if (!any && strlen(ops->name) == length && !strncmp(name, ops->name, length)) {
            if (ops->count() > *index)
                return ops;
            err_set(err, ERR_DEVICE, "--device %s: %d found here; use --device cpu", name,
                    ops->count());
            return NULL;
        }
    }
    err_set(err, ERR_USAGE, "--device %s: not one of auto, cpu, cuda%s", name,
            HAVE_CUDA ? "" : " (this program was built without CUDA)");
    return NULL;
}

int main(int argc, char **argv)
{
    return cli_main(argc, argv, device_choose);
}
