/* Shared by the device tests: the devices of this machine, random matrices on them, and comparison
 * with plain loops in double. A new test loops over device_at(), so that it runs on every device.
 */
#ifndef TESTS_UNIT_DEVICE_CASES_H
#define TESTS_UNIT_DEVICE_CASES_H

#include <stdint.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/device/device.h"
#include "tests/doubles/device_far.h"
#include "tests/test.h"
#if defined(HAVE_CUDA) && HAVE_CUDA
#include "gpu/cuda.h"
#endif

enum { MAX_OWNED = 64 };

static struct mat owned[MAX_OWNED];
static int owned_count;
static uint64_t random_state = 1;

static double uniform(void)
{
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (double)(float)((double)(random_state >> 40) / (double)(1 << 23) - 1);
}

/* Device number i opened, or NULL behind the last. */
static struct device *device_at(int i, int threads)
{
    static const struct device_ops *const all[] = {
        &device_cpu,
        &device_far,
#if defined(HAVE_CUDA) && HAVE_CUDA
        &device_cuda,
#endif
    };
    struct err err = {0};
    struct device *dev;

    if (i >= (int)(sizeof(all) / sizeof(*all)) || !all[i]->count())
        return NULL;
    dev = device_open(all[i], 0, threads, &err);
    CHECK_STR(err.text, "");
    return dev;
}

/* Frees what make() made and closes the device; its operations must have gone well. */
static void finish(struct device *dev)
{
    struct err err = {0};

    CHECK(device_sync(dev, &err));
    CHECK_STR(err.text, "");
    while (owned_count)
        mat_free(dev, &owned[--owned_count]);
    CHECK(dev->in_use == 0);
    device_close(dev);
}

/* A device matrix of the given values (NULL: zeros) whose rows are pad elements apart. */
static struct mat make(struct device *dev, enum dtype type, int rows, int cols, int pad,
                       const double *x)
{
    struct mat whole = mat_new(dev, type, rows, cols + pad), m = mat_cols(whole, 0, cols);
    float *narrow = xcalloc((size_t)rows * (size_t)cols + 1, sizeof(*narrow));

    owned[owned_count++] = whole;
    for (int i = 0; x && i < rows * cols; i++)
        narrow[i] = (float)x[i];
    if (x)
        device_upload(dev, m, type == DT_F64 ? (const void *)x : narrow);
    free(narrow);
    return m;
}

static double *noise(int n)
{
    double *x = xcalloc((size_t)n + 1, sizeof(*x));

    for (int i = 0; i < n; i++)
        x[i] = uniform();
    return x;
}

static double *zeros(int n)
{
    return xcalloc((size_t)n + 1, sizeof(double));
}

static double *fetch(struct device *dev, struct mat m)
{
    size_t n = (size_t)m.rows * (size_t)m.cols;
    double *x = xcalloc(n + 1, sizeof(*x));
    float *narrow = xcalloc(n + 1, sizeof(*narrow));

    device_download(dev, m.type == DT_F64 ? (void *)x : (void *)narrow, m);
    for (size_t i = 0; m.type == DT_F32 && i < n; i++)
        x[i] = (double)narrow[i];
    free(narrow);
    return x;
}

/* Squared distance over squared length; takes (frees) nothing. */
static double nmse(const double *got, const double *want, int n)
{
    double gap = 0, size = 1e-30;

    for (int i = 0; i < n; i++) {
        gap += (got[i] - want[i]) * (got[i] - want[i]);
        size += want[i] * want[i];
    }
    return gap / size;
}

static void check_mat(struct device *dev, const char *what, struct mat m, const double *want,
                      double tolerance)
{
    double *got = fetch(dev, m), e = nmse(got, want, m.rows * m.cols);

    if (!(e <= tolerance)) {
        printf("%s on %s, %d x %d: off by %g (NMSE)\n", what, dev->ops->name, m.rows, m.cols, e);
        test_failures++;
    }
    free(got);
}

#endif
