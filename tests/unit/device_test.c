/* Memory, copies, linear algebra and faults of every device, against plain loops in double. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "tests/doubles/device_far.h"
#include "tests/unit/device_cases.h"

static const int pads[] = {0, 3};

/* want = alpha op(a) op(b) + beta want */
static void multiply(double alpha, const double *a, bool ta, const double *b, bool tb, double beta,
                     double *want, int m, int n, int k)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;

            for (int t = 0; t < k; t++)
                sum += (ta ? a[t * m + i] : a[i * k + t]) * (tb ? b[j * k + t] : b[t * n + j]);
            want[i * n + j] = alpha * sum + (beta != 0 ? beta * want[i * n + j] : 0);
        }
}

static void gemm_case(struct device *dev, enum dtype type, const int *shape, bool ta, bool tb,
                      int pad, double beta)
{
    int m = shape[0], n = shape[1], k = shape[2];
    double *a = noise(m * k), *b = noise(k * n), *c = noise(m * n);
    struct mat ma = make(dev, type, ta ? k : m, ta ? m : k, pad, a);
    struct mat mb = make(dev, type, tb ? n : k, tb ? k : n, pad, b);
    struct mat mc = make(dev, type, m, n, pad, c);

    device_gemm(dev, 0.5, ma, ta, mb, tb, beta, mc);
    multiply(0.5, a, ta, b, tb, beta, c, m, n, k);
    check_mat(dev, "gemm", mc, c, type == DT_F64 ? 1e-26 : 1e-11);
    free(a);
    free(b);
    free(c);
    while (owned_count)
        mat_free(dev, &owned[--owned_count]);
}

static void test_gemm(void)
{
    static const int shapes[][3] = {{1, 1, 1},     {1, 7, 5},     {3, 64, 96},    {5, 33, 40},
                                    {17, 300, 70}, {600, 40, 50}, {1, 700, 1100}, {2, 2, 1300},
                                    {64, 513, 31}, {1, 1000, 64}};
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); s++)
            for (int flags = 0; flags < 8; flags++)
                gemm_case(dev, s & 1 ? DT_F64 : DT_F32, shapes[s], flags & 1, flags & 2,
                          pads[flags >> 2], flags & 4 ? -1 : 0);
        for (int flags = 0; flags < 4; flags++)
            gemm_case(dev, DT_F32, shapes[6], flags & 1, flags & 2, 0, 1);
        finish(dev);
    }
}

/* Bytes that are a matrix of any stored type with finite values: no 16-bit float among them has a
 * large exponent. */
static struct mat make_stored(struct device *dev, enum dtype type, int rows, int cols,
                              struct mat *plain)
{
    size_t row = dtype_row_bytes(type, cols), bytes = row * (size_t)rows;
    unsigned char *raw = xmalloc(bytes);
    float *values = xmalloc((size_t)rows * (size_t)cols * sizeof(*values));
    struct mat m = {device_alloc(dev, bytes), type, rows, cols, cols};

    for (size_t i = 0; i < bytes; i++)
        raw[i] = (unsigned char)((int)(128 * (1 + uniform())) & 0x3f);
    for (int r = 0; r < rows; r++)
        dtype_to_float(type, raw + (size_t)r * row, values + r * cols, cols);
    device_upload(dev, m, raw);
    *plain = make(dev, DT_F32, rows, cols, 0, NULL);
    device_upload(dev, *plain, values);
    owned[owned_count++] = m;
    free(raw);
    free(values);
    return m;
}

static void same_bits(struct device *dev, const char *what, struct mat a, struct mat b)
{
    size_t bytes = mat_bytes(a);
    void *x = xmalloc(bytes), *y = xmalloc(bytes);

    device_download(dev, x, a);
    device_download(dev, y, b);
    if (memcmp(x, y, bytes)) {
        printf("%s on %s: not the same bits\n", what, dev->ops->name);
        test_failures++;
    }
    free(x);
    free(y);
}

static void stored_case(struct device *dev, enum dtype type, int n, int rows, int cols)
{
    struct mat plain, w = make_stored(dev, type, rows, cols, &plain);
    double *noise_x = noise(n * cols), *noise_y = noise(n * rows);
    struct mat x = make(dev, DT_F32, n, cols, 0, noise_x),
               y = make(dev, DT_F32, n, rows, 0, noise_y);
    struct mat y1 = make(dev, DT_F32, n, rows, 0, NULL), y2 = make(dev, DT_F32, n, rows, 0, NULL);
    struct mat x1 = make(dev, DT_F32, n, cols, 0, NULL), x2 = make(dev, DT_F32, n, cols, 0, NULL);
    struct mat copied = make(dev, DT_F32, rows, cols, 0, NULL);
    int index[] = {rows - 1, 0, rows / 2};
    struct mat g1 = make(dev, DT_F32, 3, cols, 0, NULL), g2 = make(dev, DT_F32, 3, cols, 0, NULL);

    device_copy(dev, w, copied);
    same_bits(dev, "copy of stored", copied, plain);
    device_gather(dev, w, index, g1);
    device_gather(dev, plain, index, g2);
    same_bits(dev, "gather of stored", g1, g2);
    device_gemm(dev, 1, x, false, w, true, 0, y1);
    device_gemm(dev, 1, x, false, plain, true, 0, y2);
    same_bits(dev, "y = x W^T", y1, y2);
    device_gemm(dev, 1, y, false, w, false, 0, x1);
    device_gemm(dev, 1, y, false, plain, false, 0, x2);
    same_bits(dev, "dx = dy W", x1, x2);
    free(noise_x);
    free(noise_y);
    while (owned_count)
        mat_free(dev, &owned[--owned_count]);
}

static void test_stored(void)
{
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        for (int t = 0; t < DT_COUNT; t++) {
            int cols = dtype_block((enum dtype)t) == 256 ? 512 : 96;

            if (t == DT_F64)
                continue;
            stored_case(dev, (enum dtype)t, 1, 600, cols);
            stored_case(dev, (enum dtype)t, 7, 600, cols);
            stored_case(dev, (enum dtype)t, 1, 40, 2304);
            stored_case(dev, (enum dtype)t, 5, 40, 2304);
        }
        finish(dev);
    }
}

/* Few rows, one and more chunks of a sum and what is left of one: the bits of one thread. */
static void test_threads(void)
{
    static const int depths[] = {1, 31, 576, 2048, 5003};

    for (int s = 0; s < 5; s++) {
        int k = depths[s], n = 701;
        double *a = noise(3 * k), *b = noise(n * k), *first = NULL;

        for (int threads = 1; threads <= 3; threads++) {
            struct device *dev = device_at(0, threads);
            struct mat c = make(dev, DT_F32, 3, n, 1, NULL);
            double *got;

            device_gemm(dev, 0.5, make(dev, DT_F32, 3, k, 2, a), false,
                        make(dev, DT_F32, n, k, 3, b), true, 0, c);
            got = fetch(dev, c);
            if (first) {
                CHECK(!memcmp(first, got, (size_t)(3 * n) * sizeof(*got)));
                free(got);
            } else {
                first = got;
            }
            finish(dev);
        }
        free(a);
        free(b);
        free(first);
    }
}

/* Whole blocks of any bits that are finite numbers, signs and high bits too, as float32. */
static void bits_case(struct device *dev, enum dtype type)
{
    enum { ROWS = 9 };
    int cols = 2 * (dtype_block(type) < 32 ? 32 : dtype_block(type)), step = dtype_block(type);
    size_t row = dtype_row_bytes(type, cols), block = dtype_block_bytes(type), n = 0;
    unsigned char *raw = xmalloc(row * ROWS);
    float *want = xmalloc((size_t)(ROWS * cols) * sizeof(*want)), *got;
    struct mat m = {device_alloc(dev, row * ROWS), type, ROWS, cols, cols};
    struct mat out = make(dev, DT_F32, ROWS, cols, 0, NULL);

    for (size_t at = 0; at < row * ROWS; at += block, n += (size_t)step) {
        bool finite = false;

        while (!finite) {
            for (size_t i = 0; i < block; i++)
                raw[at + i] = (unsigned char)(int)(128 * (1 + uniform()));
            dtype_to_float(type, raw + at, want + n, step);
            finite = true;
            for (int i = 0; i < step; i++)
                finite = finite && isfinite(want[n + (size_t)i]);
        }
    }
    device_upload(dev, m, raw);
    device_copy(dev, m, out);
    got = xmalloc((size_t)(ROWS * cols) * sizeof(*got));
    device_download(dev, got, out);
    CHECK(!memcmp(want, got, (size_t)(ROWS * cols) * sizeof(*got)));
    device_release(dev, m.data, row * ROWS);
    free(raw);
    free(want);
    free(got);
}

static void test_bits(void)
{
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        for (int t = 0; t < DT_COUNT; t++)
            if (t != DT_F64)
                bits_case(dev, (enum dtype)t);
        finish(dev);
    }
}

/* x [7, 9] by an index of rows, there and back; my is written. */
static void rows_case(struct device *dev, struct mat mx, struct mat my, const double *x, int pad)
{
    static const int index[] = {3, 0, 3, 6, 1};
    struct mat mw = make(dev, DT_F32, 5, 9, pad, NULL);
    double want[63] = {0};

    device_fill(dev, my, 0);
    device_scatter_add(dev, mat_rows(mx, 0, 5), index, my);
    for (int i = 0; i < 45; i++)
        want[index[i / 9] * 9 + i % 9] += x[i];
    check_mat(dev, "scatter_add", my, want, 1e-13);
    device_gather(dev, mx, index, mw);
    for (int i = 0; i < 45; i++)
        want[i] = x[index[i / 9] * 9 + i % 9];
    check_mat(dev, "gather", mw, want, 0);
    device_fill(dev, mw, -1.5);
    for (int i = 0; i < 45; i++)
        want[i] = -1.5;
    check_mat(dev, "fill", mw, want, 0);
}

/* The choice is made by distance and radius; equal distances go to the first. */
static void test_nearest(void)
{
    static const double x[] = {0, 0, 3, 4, 10, 0}, key[] = {1, 0, 3, 3, -1, 0, 3, 3};
    static const double radius[] = {1, 0.5, 5, 9};
    static const double want[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const double wider[] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0};
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        struct mat mx = make(dev, DT_F32, 3, 2, 1, x), mk = make(dev, DT_F32, 4, 2, 2, key);
        struct mat mr = make(dev, DT_F32, 1, 4, 0, radius);
        struct mat choice = make(dev, DT_F32, 3, 4, 3, NULL);

        device_nearest(dev, mx, mk, mr, choice);
        check_mat(dev, "nearest", choice, want, 0);
        device_fill(dev, mr, 8);
        device_nearest(dev, mx, mk, mr, choice);
        check_mat(dev, "nearest, wider", choice, wider, 0);
        finish(dev);
    }
}

/* By magnitude; the first of equal ones. */
static void test_largest(void)
{
    static const double x[] = {1, -3, 2, 2, 0, -2, 0, 0, 0, 0, 0, 0};
    static const double want[3][12] = {
        {0}, {0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        struct mat mx = make(dev, DT_F32, 2, 6, 1, x), out = make(dev, DT_F32, 2, 6, 2, NULL);

        for (int i = 0; i < 3; i++) {
            device_largest(dev, mx, 3 * i, out);
            check_mat(dev, "largest", out, want[i], 0);
        }
        finish(dev);
    }
}

static void test_moving(void)
{
    struct device *dev;
    double *x = noise(7 * 9), *y = noise(7 * 9), *s = noise(9), *want = zeros(7 * 9);

    for (int d = 0; (dev = device_at(d, 2)); d++)
        for (int p = 0; p < 2; p++) {
            struct mat mx = make(dev, DT_F32, 7, 9, pads[p], x), mw;
            struct mat my = make(dev, DT_F32, 7, 9, pads[p], y);
            struct mat ms = make(dev, DT_F32, 1, 9, 0, s), m7 = make(dev, DT_F32, 1, 7, 0, s);
            struct mat wide = make(dev, DT_F64, 7, 9, pads[p], NULL);

            check_mat(dev, "upload", mx, x, 0);
            device_copy(dev, mx, wide);
            check_mat(dev, "copy to float64", wide, x, 0);
            device_axpy(dev, 2, mx, my);
            for (int i = 0; i < 63; i++)
                want[i] = y[i] + 2 * x[i];
            check_mat(dev, "axpy", my, want, 1e-13);
            device_axpy(dev, -1, ms, my);
            for (int i = 0; i < 63; i++)
                want[i] -= s[i % 9];
            check_mat(dev, "axpy of a row", my, want, 1e-13);
            device_scale_cols(dev, mx, ms, my);
            for (int i = 0; i < 63; i++)
                want[i] = x[i] * s[i % 9];
            check_mat(dev, "scale_cols", my, want, 1e-13);
            device_scale_rows(dev, m7, my);
            for (int i = 0; i < 63; i++)
                want[i] *= s[i / 9];
            check_mat(dev, "scale_rows", my, want, 1e-13);
            memset(want, 0, 9 * sizeof(*want));
            for (int i = 0; i < 63; i++)
                want[i % 9] += x[i] * x[i];
            for (int i = 0; i < 9; i++)
                want[i] = sqrt(want[i]);
            mw = make(dev, DT_F32, 1, 9, 0, NULL);
            device_col_norms(dev, mx, mw);
            check_mat(dev, "col_norms", mw, want, 1e-13);
            device_copy(dev, wide, my);
            check_mat(dev, "copy to float32", my, x, 0);
            rows_case(dev, mx, my, x, pads[p]);
            if (p) {
                finish(dev);
            } else {
                while (owned_count)
                    mat_free(dev, &owned[--owned_count]);
            }
        }
    free(x);
    free(y);
    free(s);
    free(want);
}

/* b x = lambda x for each row x, values ascending, rows orthonormal. */
static void check_eigen(struct device *dev, const double *sym, int n)
{
    struct mat a = make(dev, DT_F64, n, n, 0, sym), values = make(dev, DT_F64, 1, n, 0, NULL);
    double *v, *w, worst = 0;

    device_eigh(dev, a, values);
    v = fetch(dev, a);
    w = fetch(dev, values);
    for (int i = 0; i < n; i++) {
        CHECK(!i || w[i] >= w[i - 1]);
        for (int j = 0; j < n; j++) {
            double dot = 0, image = 0;

            for (int t = 0; t < n; t++) {
                dot += v[i * n + t] * v[j * n + t];
                image += sym[j * n + t] * v[i * n + t];
            }
            worst = fmax(worst, fabs(dot - (i == j)));
            worst = fmax(worst, fabs(image - w[i] * v[i * n + j]) / n);
        }
    }
    CHECK_NEAR(worst, 0, 1e-11);
    free(v);
    free(w);
}

static void check_cholesky(struct device *dev, const double *spd, int n, int pad)
{
    enum { RIGHT = 5 };
    double *b = noise(n * RIGHT), *want = zeros(n * RIGHT), *back = zeros(n * n);
    struct mat l = make(dev, DT_F64, n, n, pad, spd), x, half;

    multiply(1, spd, false, b, false, 0, want, n, RIGHT, n); /* so that the solution is b */
    x = make(dev, DT_F64, n, RIGHT, pad, want);
    half = make(dev, DT_F64, n, RIGHT, pad, want);
    device_cholesky(dev, l);
    device_cholesky_solve(dev, l, x, false);
    check_mat(dev, "cholesky_solve", x, b, 1e-18);
    device_cholesky_solve(dev, l, half, true);
    device_gemm(dev, 1, l, false, half, false, 0, x);
    check_mat(dev, "half of cholesky_solve", x, want, 1e-20);
    {
        double *factor = fetch(dev, l);

        multiply(1, factor, false, factor, true, 0, back, n, n, n);
        CHECK(nmse(back, spd, n * n) < 1e-26);
        for (int i = 0; i < n; i++)
            for (int j = i + 1; j < n; j++)
                CHECK(factor[i * n + j] == 0);
        free(factor);
    }
    free(b);
    free(want);
    free(back);
}

static void test_linalg(void)
{
    static const int sizes[] = {1, 2, 33, 130};
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        for (int s = 0; s < 4; s++) {
            int n = sizes[s], rows = 2 * n + 3;
            double *x = noise(rows * n), *want = zeros(n * n);
            struct mat mx = make(dev, DT_F32, rows, n, 2, x);
            struct mat c = make(dev, DT_F64, n, n, 1, NULL);

            multiply(1, x, true, x, false, 0, want, n, n, rows);
            device_gram(dev, mx, c);
            check_mat(dev, "gram", c, want, 1e-26);
            check_eigen(dev, want, n);
            check_cholesky(dev, want, n, s & 1);
            for (int i = 0; i < n * n; i++)
                want[i] *= 2;
            device_gram(dev, mx, c);
            check_mat(dev, "gram once more", c, want, 1e-26);
            free(x);
            free(want);
        }
        finish(dev);
    }
}

static void test_big_gram(void)
{
    enum { N = 600, ROWS = 1100 };
    struct device *dev = device_at(0, 3);
    double *x = noise(ROWS * N), *want = zeros(N * N);
    struct mat mx = make(dev, DT_F32, ROWS, N, 0, x), c = make(dev, DT_F64, N, N, 0, NULL);

    multiply(1, x, true, x, false, 0, want, N, N, ROWS);
    device_gram(dev, mx, c);
    check_mat(dev, "gram in tiles", c, want, 1e-26);
    free(x);
    free(want);
    finish(dev);
}

static void test_delta(void)
{
    enum { RANK = 3, ROWS = 37, COLS = 53 };
    double *r = noise(RANK * ROWS), *x = noise(RANK * COLS), *w = noise(ROWS * COLS);
    double *want = zeros(ROWS * COLS);
    struct device *dev;

    for (int t = 0; t < RANK; t++)
        for (int j = 0; j < COLS; j += 4)
            x[t * COLS + j] = 0;
    w[4] = -0.0;
    for (int i = 0; i < ROWS * COLS; i++) {
        float sum = (float)w[i];

        for (int t = 0; t < RANK && i % COLS % 4; t++)
            sum = fmaf((float)r[t * ROWS + i / COLS], (float)x[t * COLS + i % COLS], sum);
        want[i] = (double)sum;
    }
    for (int d = 0; (dev = device_at(d, 2)); d++) {
        struct mat mw = make(dev, DT_F32, ROWS, COLS, 5, w);
        double *got;

        device_delta_apply(dev, make(dev, DT_F32, RANK, ROWS, 0, r),
                           make(dev, DT_F32, RANK, COLS, 0, x), mw);
        got = fetch(dev, mw);
        for (int i = 0; i < ROWS * COLS; i++)
            CHECK(got[i] == want[i] && signbit(got[i]) == signbit(want[i]));
        free(got);
        finish(dev);
    }
    free(r);
    free(x);
    free(w);
    free(want);
}

static void test_faults(void)
{
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 1)); d++) {
        struct mat a = make(dev, DT_F32, 2, 3, 0, NULL), b = make(dev, DT_F32, 2, 3, 0, NULL);
        double minus[] = {1, 2, 2, 1};
        struct mat indefinite = make(dev, DT_F64, 2, 2, 0, minus);
        struct err err = {0}, again = {0};
        int outside[] = {0, 2};

        device_gemm(dev, 1, a, false, b, false, 0, a);
        device_fill(dev, a, 7); /* does nothing any more */
        CHECK(!device_sync(dev, &err));
        CHECK(strstr(err.text, "gemm: 2 x 3 times 2 x 3") != NULL);
        CHECK(device_sync(dev, NULL));
        check_mat(dev, "untouched after a fault", a, (double[6]){0}, 0);
        device_cholesky(dev, indefinite);
        CHECK(!device_sync(dev, &again));
        CHECK(strstr(again.text, "positive definite") != NULL);
        device_gather(dev, a, outside, b);
        CHECK(!device_sync(dev, NULL));
        CHECK(device_alloc(dev, (size_t)1 << 60) == NULL);
        CHECK(!device_sync(dev, NULL));
        finish(dev);
    }
}

static void test_far_refuses(void)
{
    struct err err = {0};
    struct device *dev = device_open(&device_far, 0, 1, &err);
    float here[6] = {1, 2, 3, 4, 5, 6};
    int ends[2];
    struct mat host = {here, DT_F32, 2, 3, 3}, there = make(dev, DT_F32, 2, 3, 0, NULL);

    device_axpy(dev, 1, host, there);
    CHECK(!device_sync(dev, &err));
    CHECK_STR(err.text, "far: operand of axpy is not device memory");
    device_norm(dev, there, (struct norm){.gain = mat_rows(host, 0, 1), .eps = 1}, there);
    CHECK(!device_sync(dev, NULL));
    CHECK(dev->ops->adopt(dev, here, sizeof(here)) == NULL);
    CHECK(!pipe(ends)); /* the kernel says politely what a read of ours would crash on */
    CHECK(write(ends[1], here, 4) == 4);
    CHECK(write(ends[1], there.data, 4) == -1 && errno == EFAULT);
    close(ends[0]);
    close(ends[1]);
    finish(dev);
}

/* A signal must find the thread that waits for it: all others block it. */
static void test_signals(void)
{
    struct device *dev = device_at(0, 3);
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    int others = 0;

    if (!tasks) {
        finish(dev);
        SKIP("no /proc");
    }
    while ((task = readdir(tasks))) {
        char path[300], line[200];
        FILE *file;

        snprintf(path, sizeof(path), "/proc/self/task/%s/status", task->d_name);
        file = *task->d_name != '.' && strtol(task->d_name, NULL, 10) != (long)getpid()
                   ? fopen(path, "r")
                   : NULL;
        while (file && fgets(line, sizeof(line), file)) {
            unsigned long long mask;
            char state;

            if (sscanf(line, "State: %c", &state) == 1 && strchr("XZ", state))
                break; /* joined already, about to vanish */
            if (sscanf(line, "SigBlk: %llx", &mask) != 1)
                continue;
            CHECK(mask >> (SIGWINCH - 1) & 1);
            others++;
        }
        if (file)
            fclose(file);
    }
    CHECK(others >= 2);
    closedir(tasks);
    finish(dev);
}

int main(void)
{
    static const struct test tests[] = {
        {"gemm", test_gemm},         {"stored weights", test_stored},
        {"stored bits", test_bits},  {"threads", test_threads},
        {"moving", test_moving},     {"nearest", test_nearest},
        {"largest", test_largest},   {"linear algebra", test_linalg},
        {"big gram", test_big_gram}, {"delta", test_delta},
        {"faults", test_faults},     {"far refuses", test_far_refuses},
        {"signals", test_signals},
    };

    return test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
