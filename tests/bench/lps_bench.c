/* How long device_lps() takes beside the product U alone, by the same BLAS on as many threads.
 * Arguments: vocabulary, width, neurons, rows, threads, repeats. Default: SmolLM2-135M's shape. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/device/device.h"

enum { TILE = 4096 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static struct mat noise(struct device *dev, int rows, int cols, float size)
{
    struct mat m = mat_new(dev, DT_F32, rows, cols);
    float *x = m.data;

    for (long i = 0; i < (long)rows * cols; i++)
        x[i] = size * ((float)rand() / (float)RAND_MAX * 2 - 1);
    return m;
}

int main(int argc, char **argv)
{
    int arg[] = {49152, 576, 1536, 6, 2, 5};
    double best[2] = {1e9, 1e9};
    struct device *dev;
    struct mat head, values, base, coeff, u;
    struct lps_state s = {0};
    int *target;

    for (int i = 1; i < argc && i <= 6; i++)
        arg[i - 1] = (int)strtol(argv[i], NULL, 10);
    dev = device_open(&device_cpu, 0, arg[4], NULL);
    if (!dev)
        return 1;
    head = noise(dev, arg[0], arg[1], 0.1F);
    values = noise(dev, arg[1], arg[2], 1);
    base = noise(dev, arg[3], arg[0], 10);
    coeff = noise(dev, arg[3], arg[2], 5);
    u = mat_new(dev, DT_F32, TILE, arg[2]);
    s.max = noise(dev, arg[3], arg[2], 1);
    s.sum = mat_new(dev, DT_F64, arg[3], arg[2]);
    s.own = noise(dev, arg[3], arg[2], 1);
    target = calloc((size_t)arg[3], sizeof(*target));
    if (!target || !device_sync(dev, NULL))
        return 1;
    for (int repeat = 0; repeat < arg[5]; repeat++)
        for (int kind = 0; kind < 2; kind++) {
            double start = now();

            openblas_set_num_threads(kind ? 1 : arg[4]);
            for (int v0 = 0; v0 < arg[0]; v0 += TILE) {
                int n = arg[0] - v0 < TILE ? arg[0] - v0 : TILE;
                struct mat tile = mat_rows(head, v0, n);

                if (kind)
                    device_lps(dev, tile, values, mat_cols(base, v0, n), coeff, target, v0, s);
                else
                    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, arg[2], arg[1], 1,
                                tile.data, arg[1], values.data, arg[2], 0, u.data, arg[2]);
            }
            start = now() - start;
            best[kind] = start < best[kind] ? start : best[kind];
        }
    printf("product %.3f s (%.0f GFLOP/s), lps %.3f s, ratio %.2f\n", best[0],
           2e-9 * arg[0] * arg[1] * arg[2] / best[0], best[1], best[1] / best[0]);
    free(target);
    device_close(dev);
    return 0;
}
