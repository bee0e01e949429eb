/* The largest eigenvalues and their vectors: against NumPy's, on every device; the same bits with
 * any number of threads and whatever runs between two slices; stopped at every look at the job. */
#include <float.h>

#include "core/base/job.h"
#include "core/model/safetensors.h"
#include "tests/unit/device_cases.h"

static const char *const names[] = {"decaying",   "repeated",  "one_value_but_three",
                                    "clustered",  "deficient", "dead_neurons",
                                    "large_mean", "scales",    "huge",
                                    "tiny",       "diagonal",  "wilkinson"};
enum { CASES = sizeof(names) / sizeof(*names) };

static const double *doubles_of(const struct safetensors *st, const char *name, const char *what,
                                int *rows)
{
    char full[64];
    const struct st_tensor *t;

    snprintf(full, sizeof(full), "%s.%s", name, what);
    t = safetensors_tensor(st, full);
    CHECK(t != NULL);
    *rows = t ? (int)t->dim[0] : 0;
    return t ? t->data : NULL;
}

/* How far the rows are from orthonormal. */
static double off_orthonormal(const double *u, int r, int n)
{
    double worst = 0;

    for (int i = 0; i < r; i++)
        for (int j = 0; j <= i; j++) {
            double dot = 0;

            for (int t = 0; t < n; t++)
                dot += u[i * n + t] * u[j * n + t];
            worst = fmax(worst, fabs(dot - (i == j)));
        }
    return worst;
}

/* How far I - U^T U is from the projector. */
static double off_projector(const double *u, int r, int n, const double *want)
{
    double worst = 0;

    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double p = i == j;

            for (int t = 0; t < r; t++)
                p -= u[t * n + i] * u[t * n + j];
            worst = fmax(worst, fabs(p - want[i * n + j]));
        }
    return worst;
}

/* One matrix, cut by index or by a value at the gap. */
static void check_case(struct device *dev, const struct safetensors *st, const char *name,
                       bool by_value)
{
    int n, cut = 0;
    const double *matrix = doubles_of(st, name, "matrix", &n);
    const double *want = doubles_of(st, name, "values", &n);
    const double *projector = doubles_of(st, name, "projector", &n);
    const struct st_tensor *t;
    char full[64];
    double bound, at = 0, trace = 0, *u, *value, scale = fmax(fabs(want[n - 1]), fabs(want[0]));
    struct eigh_top top = {0};
    struct mat a = make(dev, DT_F64, n, n, 0, matrix), v = make(dev, DT_F64, 1, n, 0, NULL);

    snprintf(full, sizeof(full), "%s.cut", name);
    t = safetensors_tensor(st, full);
    CHECK(t != NULL);
    if (t)
        st_tensor_doubles(t, &at);
    cut = t ? (int)at : 0;
    if (by_value)
        top.least = (want[cut] + want[cut - 1]) / 2;
    else
        top.first = cut;
    device_eigh_top(dev, a, v, &top);
    u = fetch(dev, a);
    value = fetch(dev, v);
    CHECK(top.first <= cut);
    if (by_value)
        CHECK(top.first == cut);
    for (int i = 0; i < n; i++)
        trace += matrix[i * n + i];
    CHECK_NEAR(top.trace / trace, 1, 1e-13);
    for (int i = cut; i < n; i++) {
        CHECK_NEAR(value[i] / scale, want[i] / scale, 2e-14);
        CHECK(i == cut || value[i] >= value[i - 1]);
    }
    CHECK(off_orthonormal(u + cut * n, n - cut, n) < 1e-13);
    bound = 16 * DBL_EPSILON * scale / (want[cut] - want[cut - 1]); /* Davis and Kahan */
    CHECK(off_projector(u + cut * n, n - cut, n, projector) < bound);
    if (test_failures)
        printf("  %s on %s: orthonormal to %.1e, projector to %.1e of %.1e\n", name, dev->ops->name,
               off_orthonormal(u + cut * n, n - cut, n),
               off_projector(u + cut * n, n - cut, n, projector), bound);
    free(u);
    free(value);
}

static void test_references(void)
{
    struct err err = {0};
    struct safetensors *st = safetensors_open("tests/data/eigen.safetensors", &err);
    struct device *dev;

    CHECK_STR(err.text, "");
    for (int d = 0; st && (dev = device_at(d, 2)); d++) {
        for (int i = 0; i < CASES; i++) {
            check_case(dev, st, names[i], false);
            check_case(dev, st, names[i], true);
        }
        finish(dev);
    }
    safetensors_close(st);
}

/* H diag(value) H with H = I - 2 v v^T: eigenvalues as they are given, as often as they are. */
static double *reflected(const double *value, int n)
{
    double *v = noise(n), *a = zeros(n * n), norm = 0, middle = 0;

    for (int i = 0; i < n; i++)
        norm += v[i] * v[i];
    for (int i = 0; i < n; i++) {
        v[i] /= sqrt(norm);
        middle += value[i] * v[i] * v[i];
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            a[i * n + j] = a[j * n + i] =
                (i == j ? value[i] : 0) + v[i] * v[j] * (4 * middle - 2 * value[i] - 2 * value[j]);
    free(v);
    return a;
}

/* Largest |a u - lambda u| over the largest value. */
static double residual(const double *a, const double *u, const double *value, int first, int n)
{
    double worst = 0;

    for (int r = first; r < n; r++)
        for (int i = 0; i < n; i++) {
            double sum = 0;

            for (int j = 0; j < n; j++)
                sum += a[i * n + j] * u[r * n + j];
            worst = fmax(worst, fabs(sum - value[r] * u[r * n + i]));
        }
    return worst / value[n - 1];
}

/* Larger than any piece: hundreds of values equal, or close, or none. */
static void test_large(void)
{
    enum { N = 700 };
    static const int firsts[] = {0, 350, 490, 699, 700};
    double value[N];

    for (int kind = 0; kind < 4; kind++) {
        double *a, *u, *w;

        for (int i = 0; i < N; i++)
            value[i] = kind == 0   ? (i < 490   ? 1
                                      : i < 600 ? 2
                                                : 3)
                       : kind == 1 ? 1 + 1e-12 * i
                       : kind == 2 ? exp(0.02 * i)
                                   : (i < 400 ? 0 : 1.0 * (i / 50));
        a = reflected(value, N);
        for (size_t f = 0; f < sizeof(firsts) / sizeof(*firsts); f++) {
            struct device *dev = device_open(&device_cpu, 0, 2, NULL);
            struct mat m = make(dev, DT_F64, N, N, 0, a), v = make(dev, DT_F64, 1, N, 0, NULL);
            struct eigh_top top = {.first = firsts[f]};
            double off = 0;
            int first;

            device_eigh_top(dev, m, v, &top);
            first = top.first;
            CHECK(first <= firsts[f]);
            u = fetch(dev, m);
            w = fetch(dev, v);
            for (int i = firsts[f]; i < N; i++)
                off = fmax(off, fabs(w[i] - value[i]) / value[N - 1]);
            CHECK(off < 1e-13);
            CHECK(off_orthonormal(u + first * N, N - first, N) < 1e-13);
            CHECK(first == N || residual(a, u, w, first, N) < 1e-13);
            free(u);
            free(w);
            finish(dev);
        }
        free(a);
    }
}

/* Equal eigenvalues, equal to the bit, stay together. */
static void test_ties(void)
{
    enum { N = 40 };
    double *a = zeros(N * N);
    struct device *dev;

    for (int i = 0; i < N; i++)
        a[i * N + i] = i % 4; /* ten of each */
    for (int d = 0; (dev = device_at(d, 1)); d++) {
        struct mat m = make(dev, DT_F64, N, N, 3, a), v = make(dev, DT_F64, 1, N, 0, NULL);
        struct eigh_top top = {.first = 25};

        device_eigh_top(dev, m, v, &top);
        CHECK(top.first == 20);
        finish(dev);
    }
    free(a);
}

static void test_extremes(void)
{
    double nothing[9] = {0}, one[1] = {-4}, broken[4] = {1, (double)NAN, (double)NAN, 1};
    struct device *dev = device_open(&device_cpu, 0, 2, NULL);
    struct eigh_top top = {.first = 1};
    struct err err = {0};
    struct mat m = make(dev, DT_F64, 3, 3, 0, nothing), v = make(dev, DT_F64, 1, 3, 0, NULL);
    double *u;

    device_eigh_top(dev, m, v, &top);
    u = fetch(dev, m);
    CHECK(top.first == 0 && off_orthonormal(u, 3, 3) < 1e-15 && top.trace == 0);
    free(u);
    m = make(dev, DT_F64, 1, 1, 0, one);
    v = make(dev, DT_F64, 1, 1, 0, NULL);
    top = (struct eigh_top){0};
    device_eigh_top(dev, m, v, &top);
    u = fetch(dev, m);
    check_mat(dev, "the eigenvalue of a number", v, one, 1e-28);
    CHECK_NEAR(fabs(u[0]), 1, 1e-15);
    free(u);
    m = make(dev, DT_F64, 2, 2, 0, broken);
    v = make(dev, DT_F64, 1, 2, 0, NULL);
    device_eigh_top(dev, m, v, &top);
    CHECK(!device_sync(dev, &err) && err.kind == ERR_DEVICE && strstr(err.text, "finite"));
    m = make(dev, DT_F64, 3, 3, 0, nothing);
    err = (struct err){0};
    device_eigh_top(dev, m, v, &top);
    CHECK(!device_sync(dev, &err) && strstr(err.text, "eigh_top"));
    finish(dev);
}

/* x^T x of 400 random rows. */
static double *random_gram(void)
{
    enum { ROWS = 400, COLS = 300 };
    double *x = noise(ROWS * COLS), *a = zeros(COLS * COLS);

    for (int t = 0; t < ROWS; t++)
        for (int i = 0; i < COLS; i++)
            for (int j = 0; j < COLS; j++)
                a[i * COLS + j] += x[t * COLS + i] * x[t * COLS + j];
    free(x);
    return a;
}

/* What a job sees: looks, and progress that never goes back. Between two slices it multiplies. */
struct watch {
    struct job job;
    struct device *dev;
    struct mat a, b, c;
    long looks, stop;
    double done;
    bool backwards;
};

static void watch_yield(void *ctx)
{
    struct watch *w = ctx;

    if (w->a.data && w->looks % 16 == 0)
        device_gemm(w->dev, 1, w->a, false, w->b, true, 0, w->c);
    if (++w->looks == w->stop)
        atomic_store(&w->job.cancel, true);
}

static void watch_progress(void *ctx, const char *what, double done, double total)
{
    struct watch *w = ctx;

    w->backwards = w->backwards || done < w->done || strcmp(what, "phase") != 0 || total != 5;
    w->done = done;
}

enum { SIDE = 300, FIRST = 170 };

static struct eigh_top watched(struct watch *w, struct device *dev, long stop)
{
    memset(w, 0, sizeof(*w));
    w->dev = dev;
    w->stop = stop;
    w->done = 3;
    w->job.ctx = w;
    w->job.yield = watch_yield;
    w->job.progress = watch_progress;
    return (struct eigh_top){
        .first = FIRST, .job = &w->job, .phase = "phase", .begun = 3, .total = 5};
}

/* Vectors and values of a on a device with so many threads; work between the slices or not. */
static double *decomposed(const double *a, int threads, bool busy, long *looks)
{
    struct device *dev = device_open(&device_cpu, 0, threads, NULL);
    struct mat m = make(dev, DT_F64, SIDE, SIDE, 0, a), v = make(dev, DT_F64, 1, SIDE, 0, NULL);
    struct watch w;
    struct eigh_top top = watched(&w, dev, 0);
    double *u, *value;

    if (busy) {
        w.a = make(dev, DT_F32, 64, 96, 0, a);
        w.b = make(dev, DT_F32, 200, 96, 0, a);
        w.c = make(dev, DT_F32, 64, 200, 0, NULL);
    }
    device_eigh_top(dev, m, v, &top);
    CHECK(top.first == FIRST && !w.backwards && w.done > 3.99 && w.done <= 4);
    u = fetch(dev, m);
    value = fetch(dev, v);
    memcpy(u, value, SIDE * sizeof(*u)); /* over a row that is undefined */
    *looks = w.looks;
    free(value);
    finish(dev);
    return u;
}

static void test_same_bits(void)
{
    double *a = random_gram(), *one, *other;
    size_t kept = (size_t)(SIDE - FIRST) * SIDE;
    long looks;

    one = decomposed(a, 1, false, &looks);
    for (int threads = 1; threads <= 3; threads++) {
        other = decomposed(a, threads, threads > 1, &looks);
        CHECK(!memcmp(one, other, SIDE * sizeof(*one)));
        CHECK(!memcmp(one + FIRST * SIDE, other + FIRST * SIDE, kept * sizeof(*one)));
        free(other);
    }
    free(one);
    free(a);
}

/* Every part looks at the job; after each look it can end, with nothing left behind. */
static void test_cancel(void)
{
    double *a = random_gram();
    struct device *dev;
    struct mat m, v;
    long looks, cancelled = 0;

    free(decomposed(a, 2, false, &looks));
    dev = device_open(&device_cpu, 0, 2, NULL);
    m = make(dev, DT_F64, SIDE, SIDE, 0, NULL);
    v = make(dev, DT_F64, 1, SIDE, 0, NULL);
    CHECK(looks > SIDE + 20);
    for (long stop = 1; stop <= looks; stop += stop < SIDE - 5 ? 29 : 1) {
        struct watch w;
        struct eigh_top top = watched(&w, dev, stop);
        struct err err = {0};

        device_upload(dev, m, a);
        device_eigh_top(dev, m, v, &top);
        CHECK(!device_sync(dev, &err) && err.kind == ERR_CANCELLED);
        CHECK(w.looks == stop);
        cancelled++;
    }
    CHECK(cancelled > 30);
    free(a);
    finish(dev);
}

static const struct test tests[] = {
    {"NumPy's projectors", test_references},
    {"hundreds of equal, close and other values", test_large},
    {"equal values stay together", test_ties},
    {"zero, one number, not a number, sizes", test_extremes},
    {"the same bits whatever the threads, and with work between", test_same_bits},
    {"a job ends at any look", test_cancel},
};

TEST_MAIN(tests)
