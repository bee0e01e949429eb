/* Second moments against plain sums, and their files in the cache. */
#include "core/edit/moments.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/edit/mat_f64.h"
#include "core/edit/solve.h"
#include "core/model/safetensors.h"
#include "tests/folder.h"

enum { M = 12 };

static char folder[64];

static struct moments *fresh(struct device *dev, int layers)
{
    static const int layer[] = {4, 5, 6};
    struct moments_origin origin = {.model = "model", .text = "text", .window = 8};

    return moments_new(dev, &origin, layers, layer, M, NULL);
}

/* Adds n tokens of which value i of token t of layer l is known. */
static void add_tokens(struct moments *m, int n)
{
    float x[64 * M];

    for (int l = 0; l < m->layers; l++) {
        struct mat rows = mat_new(m->dev, DT_F32, n, M);

        for (int t = 0; t < n; t++)
            for (int i = 0; i < M; i++)
                x[t * M + i] = (float)sin((double)((m->tokens + t + 1) * (i + 2) * (l + 1)));
        device_upload(m->dev, rows, x);
        moments_add(m, l, rows);
        mat_free(m->dev, &rows);
    }
    moments_tokens_add(m, n);
}

static bool same_sums(struct moments *a, struct moments *b)
{
    bool same = a->tokens == b->tokens;

    for (int l = 0; l < b->layers; l++) {
        double *x = offload_download(&a->sum[l], 0, a->neurons, NULL);
        double *y = offload_download(&b->sum[l], 0, b->neurons, NULL);

        same = same && !memcmp(x, y, M * M * sizeof *x);
        free(x);
        free(y);
    }
    return same;
}

static char *path_of(struct moments *m, int index, long tokens)
{
    char key[65], *name, *path;

    moments_key(m, index, key);
    name = xasprintf("moments/%s-%ld.safetensors", key, tokens);
    path = file_cache_path(name);
    free(name);
    return path;
}

static void test_checkpoints(void)
{
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct moments *m = fresh(dev, 1);

    CHECK(moments_checkpoint(1536, 0) == 7680 && moments_checkpoint(1536, 1) == 15360);
    CHECK(moments_checkpoint(1536, 2) == 30720 && moments_checkpoint(1536, 3) == 76800);
    CHECK(moments_checkpoint(10, 4) == 1000 && moments_checkpoint(10, 8) == 20000);
    CHECK(moments_next(m, 1000) == 64); /* 60, in whole windows of 8 */
    m->tokens = 240;
    CHECK(moments_next(m, 1000) == 600);
    CHECK(moments_next(m, 597) == 600);
    m->tokens = 600;
    CHECK(moments_next(m, 597) == 0 && moments_next(m, 601) == 608);
    CHECK(moments_next(m, 1200) == 1200);
    moments_free(m);
    device_close(dev);
}

/* Each window once; any first few leave no stretch of the text out; the end comes last. */
static void test_windows(void)
{
    static const struct {
        long count;
        int window, last; /* windows of the end */
    } texts[] = {{8, 8, 0},        {100, 8, 0},      {2048, 256, 0},  {2600, 256, 8},
                 {287000, 256, 8}, {100000, 64, 32}, {50000, 300, 7}, {30000, 2048, 1}};

    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        long count = texts[t].count, windows = count / texts[t].window;
        long spread = windows - texts[t].last, gap = 0;
        int *place = xcalloc((size_t)windows, sizeof *place); /* of a window in the order, from 1 */

        for (long i = 0; i < windows; i++) {
            long at = moments_window(count, texts[t].window, i);

            CHECK(at >= 0 && at % texts[t].window == 0 && at / texts[t].window < windows);
            CHECK(!place[at / texts[t].window]);
            place[at / texts[t].window] = (int)i + 1;
            CHECK(i < spread || at + texts[t].window > count - MOMENTS_TEXT_END);
            CHECK(i >= spread || !texts[t].last ||
                  at + texts[t].window <= count - MOMENTS_TEXT_END);
        }
        for (long w = 0, since = 0; w < spread; w++) { /* the first tenth of the order */
            since = place[w] <= (spread + 9) / 10 ? 0 : since + 1;
            gap = since > gap ? since : gap;
        }
        CHECK(gap < 30); /* it is ten windows on average */
        free(place);
    }
}

static void test_round_trip(void)
{
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct moments *m = fresh(dev, 3), *got = fresh(dev, 3), *two = fresh(dev, 2);
    struct job job = {0};
    struct buf notes = {0};
    struct err err = {0};

    CHECK(moments_load(got, 1000, &notes, &err) && got->tokens == 0); /* nothing there */
    add_tokens(m, 40);
    CHECK(moments_save(m, &err));
    CHECK_STR(err.text, "");
    add_tokens(got, 8); /* to be replaced */
    CHECK(moments_load(got, 40, &notes, &err));
    CHECK(same_sums(m, got));
    add_tokens(m, 24);
    add_tokens(got, 24); /* goes on as if it had never stopped */
    CHECK(same_sums(m, got));
    CHECK(moments_save(m, &err));
    CHECK(moments_load(got, 63, &notes, &err) && got->tokens == 64); /* 63: in whole windows */
    CHECK(moments_load(got, 56, &notes, &err) && got->tokens == 40);
    CHECK(moments_load(two, 64, &notes, &err)); /* fewer layers: the same files */
    CHECK(same_sums(m, two));
    CHECK(moments_load(got, 39, &notes, &err) && got->tokens == 40);
    CHECK(moments_load(got, 32, &notes, &err) && got->tokens == 0);
    two->origin.window = 16; /* something else */
    CHECK(moments_load(two, 64, &notes, &err) && two->tokens == 0);
    got->job = &job;
    atomic_store(&job.cancel, true);
    CHECK(!moments_load(got, 64, &notes, &err) && err.kind == ERR_CANCELLED);
    atomic_store(&job.cancel, false);
    CHECK(moments_load(got, 64, &notes, &err) && same_sums(m, got));
    CHECK(notes.len == 0); /* a file that was not read to its end is not a bad one */
    buf_free(&notes);
    moments_free(m);
    moments_free(got);
    moments_free(two);
    device_close(dev);
}

/* Replaces the file by `bytes`, loads, and expects the older checkpoint and a note. */
static void expect_refused(struct moments *got, const char *path, const char *bytes, size_t n)
{
    struct buf notes = {0};
    struct err err = {0};

    CHECK(file_write(path, bytes, n, &err));
    CHECK(moments_load(got, 64, &notes, &err) && got->tokens == 40);
    CHECK(notes.len && strstr(notes.data, path));
    buf_free(&notes);
}

static void test_damage(void)
{
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct moments *got = fresh(dev, 3), *true_sums = fresh(dev, 3);
    int flips = 0, refused = 0;
    char *path = path_of(got, 1, 64), *other = path_of(got, 2, 64), *older = path_of(got, 1, 40);
    size_t size, other_size, older_size;
    char *good = file_read(path, 1 << 20, &size, NULL);
    char *layer6 = file_read(other, 1 << 20, &other_size, NULL);
    char *tokens40 = file_read(older, 1 << 20, &older_size, NULL);
    struct err err = {0};

    CHECK(good && layer6 && tokens40);
    add_tokens(true_sums, 40);
    add_tokens(true_sums, 24);
    for (size_t cut = 0; good && cut < size; cut += 61)
        expect_refused(got, path, good, cut);
    for (size_t at = 0; good && at < size; at += 37) {
        char kept = good[at];

        good[at] = (char)(kept ^ 0x11);
        CHECK(file_write(path, good, size, &err) && moments_load(got, 64, NULL, &err));
        CHECK(got->tokens == 40 || same_sums(got, true_sums)); /* refused, or nothing was lost */
        refused += got->tokens == 40;
        flips++;
        good[at] = kept;
    }
    CHECK(flips > 20 && refused >= flips - 2);     /* but for a name that nobody reads */
    expect_refused(got, path, layer6, other_size); /* renamed */
    expect_refused(got, path, tokens40, older_size);
    CHECK(file_write(path, good, size, &err));
    CHECK(moments_load(got, 64, NULL, &err) && got->tokens == 64);
    CHECK(unlink(other) == 0); /* a layer short: the older one, silently */
    CHECK(moments_load(got, 64, NULL, &err) && got->tokens == 40);
    free(path);
    free(other);
    free(older);
    free(good);
    free(layer6);
    free(tokens40);
    moments_free(true_sums);
    moments_free(got);
    device_close(dev);
}

/* A null space of a second moment of zeroes: only the gain k x is looked at. */
static void check_golden(struct device *dev, const struct safetensors *st, int fact, int layer,
                         const char *mask_name, double want)
{
    enum { NEURONS = 1536 };
    static double value[NEURONS];
    float k[NEURONS], x[NEURONS], weight[NEURONS];
    char name[64];
    const struct st_tensor *t;
    struct nullspace null = {.dev = dev, .neurons = NEURONS, .layer = layer, .tokens = 1};
    struct solver *s = solver_new(&null, 1, NULL);
    struct mat keys = mat_new(dev, DT_F32, 1, NEURONS), sol = mat_new(dev, DT_F64, 1, NEURONS);
    struct layer_report r;

    snprintf(name, sizeof name, "fact%d.key.%d", fact, layer);
    t = safetensors_tensor(st, name);
    CHECK(t && st_tensor_elements(t) == NEURONS);
    st_tensor_floats(t, k);
    snprintf(name, sizeof name, "fact%d.x.%d", fact, layer);
    t = safetensors_tensor(st, name);
    CHECK(t && st_tensor_elements(t) == NEURONS);
    st_tensor_floats(t, x);
    for (int i = 0; i < NEURONS; i++) {
        value[i] = (double)x[i];
        weight[i] = 1;
    }
    if (mask_name) {
        snprintf(name, sizeof name, "fact%d.%s.%d", fact, mask_name, layer);
        t = safetensors_tensor(st, name);
        CHECK(t && st_tensor_elements(t) == NEURONS);
        st_tensor_floats(t, weight);
    }
    CHECK(offload_new(&null.sum, dev, NEURONS, NEURONS, false, NULL));
    device_upload(dev, keys, k);
    device_upload(dev, sol, value);
    CHECK(solver_report(s, keys, sol, weight, 1, &r, NULL));
    CHECK_NEAR(r.gain_mask, want, 2e-6);
    CHECK(r.leak == 0);
    offload_free(&null.sum);
    mat_free(dev, &keys);
    mat_free(dev, &sol);
    solver_free(s);
}

/* reference.json .facts[].solve.{none,topk}.layers: the first layer's key and solution are the
 * same with every mask, later ones only without. */
static void test_goldens(void)
{
    static const double none[3][2] = {{0.9776761386688152, 0.9901938267972856},
                                      {0.8688927316363575, 0.9715372321069509},
                                      {0.9785537323036406, 0.989498617310181}};
    struct err err = {0};
    struct safetensors *st = safetensors_open("tests/data/goldens/attribution.safetensors", &err);
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);

    CHECK_STR(err.text, "");
    for (int fact = 0; st && fact < 3; fact++) {
        check_golden(dev, st, fact, 4, NULL, none[fact][0]);
        check_golden(dev, st, fact, 8, NULL, none[fact][1]);
    }
    if (st)
        check_golden(dev, st, 0, 4, "mask_topk", 0.2919743220127401);
    if (st)
        check_golden(dev, st, 0, 4, "mask_quantile", 0.624353789322986);
    safetensors_close(st);
    device_close(dev);
}

/* Products of floats are exact in doubles, so n of them add up to within n 2^-53 of the sum of
 * their sizes: against long doubles, on the device and in bands on the host. */
static void test_error(void)
{
    enum { N = 5000, STEP = 50 };
    static float x[N * M];
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);

    for (int i = 0; i < N * M; i++)
        x[i] = (float)(sin(i * 1.7) * (i % 7 ? 1 : 1e4));
    dev->host_band = 5 * M * sizeof(double);
    for (int far = 0; far < 2; far++) {
        struct moments *m;
        double *sum;

        dev->moments_on_host = far;
        m = fresh(dev, 1);
        for (int t = 0; t < N; t += STEP) {
            struct mat rows = mat_new(dev, DT_F32, STEP, M);

            device_upload(dev, rows, x + t * M);
            moments_add(m, 0, rows);
            moments_tokens_add(m, STEP);
            mat_free(dev, &rows);
        }
        moments_flush(m);
        sum = offload_download(&m->sum[0], 0, M, NULL);
        for (int i = 0; i < M; i++)
            for (int j = 0; j < M; j++) {
                long double exact = 0, size = 0;

                for (int t = 0; t < N; t++) {
                    long double term = (long double)x[t * M + i] * (long double)x[t * M + j];

                    exact += term;
                    size += term < 0 ? -term : term;
                }
                CHECK_NEAR(sum[i * M + j], (double)exact, (double)(N * 0x1p-53L * size));
            }
        free(sum);
        moments_free(m);
    }
    CHECK(dev->in_use == 0);
    device_close(dev);
}

static const struct test tests[] = {
    {"checkpoints", test_checkpoints},
    {"windows", test_windows},
    {"cache round trip and resuming", test_round_trip},
    {"a damaged cache is never trusted", test_damage},
    {"sums are as exact as they say", test_error},
    {"gain of the golden solutions", test_goldens},
};

FOLDER_MAIN(folder, tests)
