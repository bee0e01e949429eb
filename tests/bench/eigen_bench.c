/* The eigenvectors of a second moment, CPU seconds on one and two threads: the 30 % that a null
 * space needs, in slices, and all of them by LAPACK's dsyevd. And the longest slice. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/job.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/device/device.h"

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct slices {
    double last, longest; /* CPU seconds */
};

static void note_slice(void *ctx)
{
    struct slices *s = ctx;
    double now = cpu_seconds();

    if (s->last > 0 && now - s->last > s->longest)
        s->longest = now - s->last;
    s->last = now;
}

/* Sum over 2 n rows whose columns fall off as 1 / sqrt(i), as coefficients do, about. */
static struct mat moment(struct device *dev, int n)
{
    enum { ROWS = 512 };
    struct mat c = mat_new(dev, DT_F64, n, n), x = mat_new(dev, DT_F32, ROWS, n);
    float *rows = xmalloc((size_t)ROWS * (size_t)n * sizeof(*rows));
    uint64_t seed = 1;

    device_fill(dev, c, 0);
    for (int at = 0; at < 2 * n; at += ROWS) {
        for (long i = 0; i < (long)ROWS * n; i++)
            rows[i] = (float)((rng_unit(&seed) - 0.5) / sqrt(1.0 + (double)(i % n)));
        device_upload(dev, x, rows);
        device_gram(dev, x, c);
    }
    mat_free(dev, &x);
    free(rows);
    return c;
}

static void measure(int n, int threads, bool all)
{
    struct err err = {0};
    struct device *dev = device_open(&device_cpu, 0, threads, &err);
    struct mat c = moment(dev, n), values = mat_new(dev, DT_F64, 1, n);
    struct slices s = {0};
    struct job job = {.yield = note_slice, .ctx = &s};
    struct eigh_top top = {.first = (int)lround(0.7 * n), .job = &job, .phase = "", .total = 1};
    double cpu = cpu_seconds(), wall = clock_seconds();

    if (all)
        device_eigh(dev, c, values);
    else
        device_eigh_top(dev, c, values, &top);
    cpu = cpu_seconds() - cpu;
    wall = clock_seconds() - wall;
    printf("%5d  %d threads  %-12s %6.2f s CPU  %6.2f s wall", n, threads,
           all ? "dsyevd" : "30 %, sliced", cpu, wall);
    printf(all ? "\n" : "  longest slice %.0f ms CPU\n", 1e3 * s.longest);
    if (!device_sync(dev, &err))
        printf("%s\n", err.text);
    mat_free(dev, &values);
    mat_free(dev, &c);
    device_close(dev);
}

/* eigen_bench [N] */
int main(int argc, char **argv)
{
    int n = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1536;

    for (int threads = 1; threads <= 2; threads++) {
        measure(n, threads, false);
        measure(n, threads, true);
    }
    return 0;
}
