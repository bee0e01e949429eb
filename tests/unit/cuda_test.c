/* The CUDA device on a real GPU; without one, the error message. The operations are tested by
 * device_test.c and its neighbours, which also run on this device if there is one. */
#include <stdint.h>
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
/* A float32 matrix times a float32 or a stored bfloat16 one: squared error over squared length. */
static double product_error(enum precision precision, bool stored)
{
    enum { M = 9, K = 130, N = 21 };
    struct device *dev = open_gpu();
    double a[M * K], b[K * N], off = 0, size = 0;
    float fa[M * K], fb[K * N], got[M * N];
    uint16_t hb[K * N];
    struct mat da, db, dc;

    fill_random(a, M * K, 3);
    fill_random(b, K * N, 4);
    for (int i = 0; i < M * K; i++)
        a[i] = (double)(fa[i] = (float)a[i]);
    for (int i = 0; i < K * N; i++) {
        uint32_t bits;

        fb[i] = (float)b[i];
        memcpy(&bits, &fb[i], sizeof(bits));
        hb[i] = (uint16_t)(bits >> 16);
        bits &= stored ? 0xffff0000U : 0xffffffffU;
        memcpy(&fb[i], &bits, sizeof(bits));
        b[i] = (double)fb[i];
    }
    dev->precision = precision;
    da = mat_new(dev, DT_F32, M, K);
    dc = mat_new(dev, DT_F32, M, N);
    db = (struct mat){device_alloc(dev, sizeof(fb)), stored ? DT_BF16 : DT_F32, K, N, N};
    device_upload(dev, da, fa);
    device_upload(dev, db, stored ? (const void *)hb : fb);
    device_gemm(dev, 1, da, false, db, false, 0, dc);
    device_download(dev, got, dc);
    CHECK(device_sync(dev, NULL));
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            double want = 0;

            for (int k = 0; k < K; k++)
                want += a[i * K + k] * b[k * N + j];
            off += pow((double)got[i * N + j] - want, 2);
            size += want * want;
        }
    mat_free(dev, &da);
    mat_free(dev, &dc);
    device_release(dev, db.data, sizeof(fb));
    device_close(dev);
    return off / size;
}

/* Each precision is as exact as it says, and no more exact than that: it is what was asked for. */
static void precisions(void)
{
    struct device *dev = open_gpu();

    if (!dev)
        SKIP("no GPU here");
    device_close(dev);
    CHECK(product_error(PRECISION_FULL, false) < 1e-13);
    CHECK(product_error(PRECISION_FULL, true) < 1e-13);
    CHECK(product_error(PRECISION_SPLIT, false) < 1e-9);
    CHECK(product_error(PRECISION_SPLIT, true) < 1e-13);
    CHECK(product_error(PRECISION_TF32, false) < 1e-6);
    CHECK(product_error(PRECISION_BF16, false) < 1e-4);
    CHECK(product_error(PRECISION_BF16, false) > 1e-8);
}
#else
static void no_gpu(void)
{
    SKIP("built without CUDA");
}
#define precisions  no_gpu
#define products    no_gpu
#define elementwise no_gpu
#endif

static const struct test tests[] = {
    {"no_gpu", no_gpu},
    {"products", products},
    {"elementwise", elementwise},
    {"precisions", precisions},
};

TEST_MAIN(tests)
