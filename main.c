/* Puts the program together: decides which devices exist (CPU, and CUDA if it was built in), starts
 * MPI, and calls the command line. The only file that includes gpu/, so the engine and the views do
 * not know which device they use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/mpi.h"
#include "core/base/std.h"
#include "core/device/device.h"
#include "views/cli/cli.h"
#if HAVE_CUDA
#include "gpu/cuda.h"
#endif

/* The devices that were built in, best first. */
static const struct {
    const struct device_ops *ops;
    bool untested; /* not yet validated on hardware: used only with --device NAME */
} devices[] = {
#if HAVE_CUDA
    {&device_cuda, true}, /* `false` once `make check-gpu` has passed on a GPU */
#endif
    {&device_cpu, false}, /* last: always available */
};

/* Chooses the first device that is ready and tested. out->notice says why a better one is not used.
 */
static bool device_automatic(struct device_choice *out, struct err *err)
{
    out->automatic = true;
    for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
        const struct device_ops *ops = devices[i].ops;
        struct err why = {0};
        enum device_presence is = ops->check(0, &why);

        if (is == DEVICE_READY && !devices[i].untested) {
            out->ops = ops;
            return true;
        }
        if (is == DEVICE_UNUSABLE)
            snprintf(out->notice, sizeof(out->notice), "using the CPU: %s", why.text);
        else if (is == DEVICE_READY)
            snprintf(out->notice, sizeof(out->notice),
                     "using the CPU: there is a GPU, but the %s device has not been validated on "
                     "one yet (--device %s uses it anyway)",
                     ops->name, ops->name);
    }
    return err_set(err, ERR_DEVICE, "no usable device");
}

/* Finds the device for --device NAME[:N]; NULL or "auto": the program chooses. Under mpirun, "cuda"
 * gives each process of a machine the next GPU. */
static bool device_choose(const char *name, struct device_choice *out, struct err *err)
{
    const char *colon = name ? strchr(name, ':') : NULL;
    size_t length = colon ? (size_t)(colon - name) : name ? strlen(name) : 0;
    char *end = NULL;
    long n = colon ? strtol(colon + 1, &end, 10) : 0;

    *out = (struct device_choice){.index = (int)n};
    if (name && !strcmp(name, "cuda") && mpi_size() > 1)
        out->index = HAVE_CUDA && devices[0].ops->count() > 0
                         ? mpi_local_rank() % devices[0].ops->count()
                         : 0;
    if (!name || !strcmp(name, "auto"))
        return device_automatic(out, err);
    if (colon && (end == colon + 1 || *end || n < 0 || n > 1023))
        return err_set(err, ERR_USAGE,
                       "--device %s: expected the number of a GPU after ':', such as cuda:0", name);
    for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
        out->ops = devices[i].ops;
        if (strlen(out->ops->name) == length && !strncmp(name, out->ops->name, length))
            return out->ops->check(out->index, err) == DEVICE_READY ||
                   err_in(err, "--device %s", name);
    }
    return err_set(err, ERR_USAGE, "--device %s: not one of auto, cpu, cuda%s", name,
                   HAVE_CUDA ? "" : " (this program was built without CUDA)");
}

/* What `doctor` prints about devices and MPI. */
static void device_survey(struct buf *out)
{
    for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
        devices[i].ops->survey(out);
    if (!HAVE_CUDA)
        buf_printf(out, "cuda\tbuilt without CUDA\n");
    if (HAVE_MPI)
        buf_printf(out, "mpi\tbuilt with Open MPI: mpirun -n N editscope stats, or sweep\n");
    else
        buf_printf(out, "mpi\tbuilt without Open MPI (make MPI=1)\n");
}

int main(int argc, char **argv)
{
    static const struct device_list list = {device_choose, device_survey};

    struct err err = {0};
    int status = 1;

    std_begin();
    if (mpi_start(&err)) {
        status = cli_main(argc, argv, &list);
    } else {
        std_message("%s", err.text);
        status = err_exit_status(err.kind);
    }
    mpi_finish(status);
    return status;
}
