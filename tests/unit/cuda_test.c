/* The CUDA device on a GPU, except for the one test of what happens without. Every operation is
 * tested by device_test.c and its neighbours, on this device too where there is one. */
#include <stdlib.h>

#include "core/device/device.h"
#include "tests/test.h"

#if HAVE_CUDA
#include "gpu/cuda.h"

static struct device *open_gpu(void)
{
    return device_cuda.count() > 0 ? device_open(&device_cuda, 0, 1, NULL) : NULL;
}

static void no_gpu(void)
{
    struct err err = {0};

    CHECK(device_open(&device_cuda, device_cuda.count(), 1, &err) == NULL);
    CHECK(err.kind == ERR_DEVICE);
    CHECK(strstr(err.text, "no GPU"));
}

static void fill_random(double *x, int n, unsigned seed)
{
    for (int i = 0; i < n; i++) {
        seed = seed * 1664525U + 1013904223U;
        x[i] = (double)(seed >> 8) / (1 << 24) - .5;
    }
}

/* op(a) op(b) against plain loops, in either precision. */
static void one_product(struct device *dev, enum dtype type, bool ta, bool tb)
{
    enum { M = 7, K = 33, N = 19 };
    double a[M * K], b[K * N], got[M * N];
    float narrow[K * N];
    struct mat da = mat_new(dev, type, ta ? K : M, ta ? M : K);
    struct mat db = mat_new(dev, type, tb ? N : K, tb ? K : N);
    struct mat dc = mat_new(dev, type, M, N), wide = mat_new(dev, DT_F64, M, N);

    fill_random(a, M * K, 1);
    fill_random(b, K * N, 2);
    if (type == DT_F64) {
        device_upload(dev, da, a);
        device_upload(dev, db, b);
    } else {
        for (int i = 0; i < M * K; i++)
            narrow[i] = (float)a[i];
        device_upload(dev, da, narrow);
        for (int i = 0; i < K * N; i++)
            narrow[i] = (float)b[i];
        device_upload(dev, db, narrow);
    }
    device_fill(dev, dc, 1);
    device_gemm(dev, 2, da, ta, db, tb, .5, dc);
    device_copy(dev, dc, wide);
    device_download(dev, got, wide);
    CHECK(device_sync(dev, NULL));
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            double want = .5;

            for (int k = 0; k < K; k++)
                want += 2 * (ta ? a[k * M + i] : a[i * K + k]) * (tb ? b[j * K + k] : b[k * N + j]);
            CHECK_NEAR(got[i * N + j], want, type == DT_F64 ? 1e-12 : 1e-5);
        }
    mat_free(dev, &da);
    mat_free(dev, &db);
    mat_free(dev, &dc);
    mat_free(dev, &wide);
}

static void products(void)
{
    struct device *dev = open_gpu();

    if (!dev)
        SKIP("no GPU here");
    for (int i = 0; i < 8; i++)
        one_product(dev, i & 4 ? DT_F64 : DT_F32, i & 2, i & 1);
    device_close(dev);
}

static void elementwise(void)
{
    struct device *dev = open_gpu();
    float x[6] = {1, 2, 3, 4, 5, 6}, s[3] = {2, 3, 4}, r[2] = {10, 100}, got[6];
    struct mat dx, ds, dr;

    if (!dev)
        SKIP("no GPU here");
    dx = mat_new(dev, DT_F32, 2, 3);
    ds = mat_new(dev, DT_F32, 1, 3);
    dr = mat_new(dev, DT_F32, 1, 2);
    device_upload(dev, dx, x);
    device_upload(dev, ds, s);
    device_upload(dev, dr, r);
    device_scale_cols(dev, dx, ds, dx);
    device_axpy(dev, -1, ds, dx);
    device_scale_rows(dev, dr, dx);
    device_download(dev, got, dx);
    CHECK(device_sync(dev, NULL));
    for (int i = 0; i < 6; i++)
        CHECK_NEAR((double)got[i], (double)((x[i] * s[i % 3] - s[i % 3]) * r[i / 3]), 1e-4);
    mat_free(dev, &dx);
    mat_free(dev, &ds);
    mat_free(dev, &dr);
    device_close(dev);
}
#else
static void no_gpu(void)
{
    SKIP("built without CUDA");
}
#define products    no_gpu
#define elementwise no_gpu
#endif

static const struct test tests[] = {
    {"no_gpu", no_gpu},
    {"products", products},
    {"elementwise", elementwise},
};

TEST_MAIN(tests)
