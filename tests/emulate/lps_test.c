/* The two ways to the log probability shift on emulated hardware: small tiles on two streams, and
 * the fused kernel. Both are compared with the CPU device, which other tests compare with plain
 * loops. */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "gpu/cuda.h"
#include "gpu/internal.h"
#include "tests/emulate/emulated.h"
#include "tests/test.h"

struct shape {
    int vocab, d, neurons, rows, tile;
    bool moments;
};

struct scores {
    double *lse, *mean, *square;
    float *own;
};

static uint64_t state_of_noise;

static float noise(void)
{
    state_of_noise = state_of_noise * 6364136223846793005U + 1442695040888963407U;
    return (float)((double)(state_of_noise >> 40) / (1 << 23) - 1);
}

static float *numbers(int n, float scale)
{
    float *x = xmalloc((size_t)n * sizeof(*x));

    for (int i = 0; i < n; i++)
        x[i] = scale * noise();
    return x;
}

/* A head whose values every type can hold: seven bits of fraction. */
static struct mat head_of(struct device *dev, const struct shape *s, enum dtype type,
                          const float *x)
{
    size_t n = (size_t)s->vocab * (size_t)s->d, each = dtype_row_bytes(type, 1);
    struct mat m = {device_alloc(dev, n * each), type, s->vocab, s->d, s->d};
    uint16_t *half = xmalloc(n * sizeof(*half));

    for (size_t i = 0; i < n; i++) {
        uint32_t bits;

        memcpy(&bits, &x[i], sizeof(bits));
        half[i] = type == DT_BF16
                      ? (uint16_t)(bits >> 16)
                      : (uint16_t)((bits >> 16 & 0x8000) | /* of 2^-8 and more */
                                   ((bits >> 23 & 255) - 112) << 10 | (bits >> 13 & 1023));
    }
    device_upload(dev, m, type == DT_F32 ? (const void *)x : half);
    free(half);
    return m;
}

static struct mat fresh(struct device *dev, enum dtype type, int rows, int cols, const void *x)
{
    struct mat m = mat_new(dev, type, rows, cols);

    if (x)
        device_upload(dev, m, x);
    return m;
}

static void drop(struct device *dev, struct mat *m, int n)
{
    for (int i = 0; i < n; i++)
        mat_free(dev, &m[i]);
}

/* The whole vocabulary, tile by tile; values, base and coefficients first in `all`. */
static void by_tiles(struct device *dev, const struct shape *s, struct mat head,
                     const struct mat *all, const int *target, struct lps_state state)
{
    device_fill(dev, state.max, -1e30);
    for (int v = 0; v < s->vocab; v += s->tile) {
        int n = s->vocab - v < s->tile ? s->vocab - v : s->tile;

        state.same_values = v > 0;
        device_lps(dev, mat_rows(head, v, n), all[0], mat_cols(all[1], v, n), all[2], target, v,
                   state);
    }
}

static struct scores shifted(struct device *dev, const struct shape *s, enum dtype type)
{
    int nm = s->rows * s->neurons, target[16];
    float *max = xmalloc((size_t)nm * sizeof(float)), *mean = xcalloc((size_t)nm, sizeof(float));
    float *square = xcalloc((size_t)nm, sizeof(float)), *head, *values, *base, *coeff, *scale;
    struct scores out = {xmalloc((size_t)nm * sizeof(double)), xcalloc((size_t)nm, sizeof(double)),
                         xcalloc((size_t)nm, sizeof(double)), xmalloc((size_t)nm * sizeof(float))};
    struct mat h, all[10];
    struct lps_state state = {0};

    state_of_noise = 7;
    head = numbers(s->vocab * s->d, 1);
    for (int i = 0; i < s->vocab * s->d; i++)
        head[i] = roundf(head[i] * 63) / 64 + (head[i] < 0 ? -1.0F / 64 : 1.0F / 64);
    values = numbers(s->d * s->neurons, 1);
    base = numbers(s->rows * s->vocab, 10);
    for (int i = 0; i < 9 && i < s->vocab / 3; i++) /* tokens that cannot be, the first ones */
        base[i] = -INFINITY;
    coeff = numbers(s->rows * s->neurons, 3);
    scale = numbers(s->rows * s->neurons, 0.5F);
    for (int i = 0; i < nm; i++)
        scale[i] += 1;
    for (int b = 0; b < s->rows; b++)
        target[b] = (b * 7919 + s->vocab - 1) % s->vocab;
    h = head_of(dev, s, type, head);
    all[0] = fresh(dev, DT_F32, s->d, s->neurons, values);
    all[1] = fresh(dev, DT_F32, s->rows, s->vocab, base);
    all[2] = fresh(dev, DT_F32, s->rows, s->neurons, coeff);
    state.max = all[3] = fresh(dev, DT_F32, s->rows, s->neurons, NULL);
    state.own = all[4] = fresh(dev, DT_F32, s->rows, s->neurons, NULL);
    state.sum = all[5] = fresh(dev, DT_F64, s->rows, s->neurons, NULL);
    all[6] = fresh(dev, DT_F32, s->rows, s->neurons, NULL);
    all[7] = fresh(dev, DT_F32, s->rows, s->neurons, NULL);
    all[8] = fresh(dev, DT_F32, s->rows, s->neurons, scale);
    state.mean = s->moments ? all[6] : (struct mat){0};
    state.square = s->moments ? all[7] : (struct mat){0};
    state.base_scale = s->moments ? all[8] : (struct mat){0};
    by_tiles(dev, s, h, all, target, state);
    device_download(dev, max, state.max);
    device_download(dev, out.own, state.own);
    device_download(dev, out.lse, state.sum);
    device_download(dev, mean, all[6]);
    device_download(dev, square, all[7]);
    CHECK(device_sync(dev, NULL));
    for (int i = 0; i < nm; i++) {
        out.mean[i] = (double)mean[i] / out.lse[i];
        out.square[i] = (double)square[i] / out.lse[i];
        out.lse[i] = (double)max[i] + log(out.lse[i]);
    }
    drop(dev, all, 9);
    device_release(dev, h.data, mat_bytes(h));
    CHECK(dev->in_use == 0);
    free(head);
    free(values);
    free(base);
    free(coeff);
    free(scale);
    free(max);
    free(mean);
    free(square);
    return out;
}

static void scores_free(struct scores *s)
{
    free(s->lse);
    free(s->mean);
    free(s->square);
    free(s->own);
}

static bool same(const struct scores *a, const struct scores *b, int n)
{
    return !memcmp(a->lse, b->lse, (size_t)n * sizeof(double)) &&
           !memcmp(a->mean, b->mean, (size_t)n * sizeof(double)) &&
           !memcmp(a->square, b->square, (size_t)n * sizeof(double)) &&
           !memcmp(a->own, b->own, (size_t)n * sizeof(float));
}

static double apart(const struct scores *a, const struct scores *b, int n)
{
    double worst = 0;

    for (int i = 0; i < n; i++) {
        worst = fmax(worst, fabs(a->lse[i] - b->lse[i]));
        worst = fmax(worst, fabs((double)(a->own[i] - b->own[i])));
        worst = fmax(worst, fabs(a->mean[i] - b->mean[i]));
        worst = fmax(worst, fabs(a->square[i] - b->square[i]) / 10);
    }
    return worst;
}

/* Twice on the GPU in the given way, with the second stream as late and as early as its events
 * allow; the gap to the CPU, which computes in float32. */
static double gap(const struct shape *s, enum lps_path path, enum precision precision,
                  enum dtype type)
{
    struct device *cpu = device_open(&device_cpu, 0, 1, NULL);
    struct device *gpu = device_open(&device_cuda, 0, 1, NULL);
    struct scores want = shifted(cpu, s, type), got, again;
    double off;

    gpu->precision = precision;
    cuda_of(gpu)->lps.path = path;
    cuda_of(gpu)->lps.rows = 100;
    got = shifted(gpu, s, type);
    emulated.early = 1;
    again = shifted(gpu, s, type);
    emulated.early = 0;
    CHECK(same(&got, &again, s->rows * s->neurons));
    off = apart(&want, &got, s->rows * s->neurons);
    scores_free(&want);
    scores_free(&got);
    scores_free(&again);
    device_close(cpu);
    device_close(gpu);
    return off;
}

/* Tiles of tiles, tails of everything, more rows than a thread holds. */
static const struct shape shapes[] = {
    {700, 24, 72, 6, 430, false},
    {1300, 40, 136, 9, 1300, true},
    {130, 8, 8, 1, 130, false},
    {600, 72, 16, 2, 300, true},
};

static void test_tiles(void)
{
    for (int i = 0; i < 4; i++) {
        CHECK(gap(&shapes[i], LPS_TILES, PRECISION_FULL, DT_F32) < 3e-5);
        CHECK(gap(&shapes[i], LPS_TILES, PRECISION_SPLIT, DT_F32) < 1e-4);
        CHECK(gap(&shapes[i], LPS_TILES, PRECISION_SPLIT, DT_BF16) < 3e-5);
        CHECK(gap(&shapes[i], LPS_TILES, PRECISION_SPLIT, DT_F16) < 1e-4);
    }
}

static void test_fused(void)
{
    for (int i = 0; i < 4; i++) {
        CHECK(gap(&shapes[i], LPS_FUSED, PRECISION_SPLIT, DT_F32) < 1e-4);
        CHECK(gap(&shapes[i], LPS_FUSED, PRECISION_SPLIT, DT_BF16) < 3e-5);
        CHECK(gap(&shapes[i], LPS_FUSED, PRECISION_SPLIT, DT_F16) < 1e-4);
        CHECK(gap(&shapes[i], LPS_FUSED, PRECISION_BF16, DT_F32) < 0.1);
        CHECK(gap(&shapes[i], LPS_FUSED, PRECISION_BF16, DT_F32) > 1e-3);
    }
}

/* The matrix units are asked only for what they can do; the rest goes by tiles. */
static void test_fallback(void)
{
    static const struct shape odd = {300, 21, 30, 2, 300, true};

    CHECK(gap(&odd, LPS_FUSED, PRECISION_SPLIT, DT_BF16) < 3e-5);
    CHECK(gap(&shapes[0], LPS_FUSED, PRECISION_FULL, DT_F32) < 3e-5);
}

/* One row, eight equal neurons: U is the same everywhere, and lse is known. */
struct tiny {
    struct mat head, values, base, coeff, state[3], other, product;
};

static void reset(struct device *dev, struct tiny *t)
{
    device_fill(dev, t->state[0], -1e30);
    device_fill(dev, t->state[1], 0);
}

static double lse_of(struct device *dev, const struct tiny *t)
{
    float max[8];
    double sum[8];

    device_download(dev, max, t->state[0]);
    device_download(dev, sum, t->state[1]);
    CHECK(device_sync(dev, NULL));
    return (double)max[0] + log(sum[0]);
}

/* Values that are "again" those of a call before the recording: the room they lie in is another's
 * by the time it is launched. */
static void test_recorded_again(void)
{
    struct device *dev = device_open(&device_cuda, 0, 1, NULL);
    struct tiny t = {.head = mat_new(dev, DT_F32, 16, 8),
                     .values = mat_new(dev, DT_F32, 8, 8),
                     .base = mat_new(dev, DT_F32, 1, 16),
                     .coeff = mat_new(dev, DT_F32, 1, 8),
                     .state = {mat_new(dev, DT_F32, 1, 8), mat_new(dev, DT_F64, 1, 8),
                               mat_new(dev, DT_F32, 1, 8)},
                     .other = mat_new(dev, DT_F32, 8, 8),
                     .product = mat_new(dev, DT_F32, 8, 8)};
    struct lps_state s = {.max = t.state[0], .sum = t.state[1], .own = t.state[2]};
    int target = 0;
    double want, got;
    void *graph;

    dev->precision = PRECISION_SPLIT;
    device_fill(dev, t.head, 0.5);
    device_fill(dev, t.values, 0.25);
    device_fill(dev, t.coeff, 1);
    device_fill(dev, t.other, 3);
    device_gemm(dev, 1, t.other, false, t.other, false, 0, t.product); /* the room's last size */
    reset(dev, &t);
    device_lps(dev, t.head, t.values, t.base, t.coeff, &target, 0, s);
    want = lse_of(dev, &t);
    CHECK_NEAR(want, 1 + log(16), 1e-6);
    s.same_values = true;
    device_graph_begin(dev);
    device_lps(dev, t.head, t.values, t.base, t.coeff, &target, 0, s);
    graph = device_graph_end(dev);
    CHECK(graph);
    device_gemm(dev, 1, t.other, false, t.other, false, 0, t.product);
    reset(dev, &t);
    device_graph_launch(dev, graph);
    got = lse_of(dev, &t);
    CHECK_NEAR(got, want, 1e-6);
    device_graph_free(dev, graph);
    drop(dev, &t.head, (int)(sizeof(t) / sizeof(t.head)));
    device_close(dev);
}

/* NaN that comes before any number must not get lost: nothing would show that anything is wrong. */
static void test_nan(void)
{
    for (int path = 0; path < 2; path++) {
        struct device *dev = device_open(&device_cuda, 0, 1, NULL);
        struct tiny t = {.head = mat_new(dev, DT_F32, 16, 8),
                         .values = mat_new(dev, DT_F32, 8, 8),
                         .base = mat_new(dev, DT_F32, 1, 16),
                         .coeff = mat_new(dev, DT_F32, 1, 8),
                         .state = {mat_new(dev, DT_F32, 1, 8), mat_new(dev, DT_F64, 1, 8),
                                   mat_new(dev, DT_F32, 1, 8)}};
        struct lps_state s = {.max = t.state[0], .sum = t.state[1], .own = t.state[2]};
        int target = 0;

        dev->precision = PRECISION_SPLIT;
        cuda_of(dev)->lps.path = path ? LPS_FUSED : LPS_TILES;
        device_fill(dev, t.coeff, NAN);
        device_fill(dev, t.state[0], -INFINITY);
        device_lps(dev, t.head, t.values, t.base, t.coeff, &target, 0, s);
        CHECK(isnan(lse_of(dev, &t)));
        drop(dev, &t.head, 7);
        device_close(dev);
    }
}

int main(void)
{
    static const struct test tests[] = {
        {"tiles on two streams", test_tiles},
        {"fused", test_fused},
        {"what the fused kernel cannot do", test_fallback},
        {"a recording makes its own terms of the values", test_recorded_again},
        {"NaN stays NaN", test_nan},
    };

    return test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
