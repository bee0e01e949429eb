/* The fused log probability shift against a naive log-softmax, and results that must not depend
 * on the number of threads. */
#include <float.h>

#include "tests/unit/device_cases.h"

struct problem {
    int vocab, d, neurons, rows;
    double *head, *values, *base, *coeff, *scale;
    int *target;
    double *add, cap; /* of bent terms: NULL, 0: none */
};

static struct problem problem_new(int vocab, int d, int neurons, int rows)
{
    struct problem p = {vocab,
                        d,
                        neurons,
                        rows,
                        noise(vocab * d),
                        noise(d * neurons),
                        noise(rows * vocab),
                        noise(rows * neurons),
                        noise(rows * neurons),
                        xcalloc((size_t)rows, sizeof(int)),
                        NULL,
                        0};

    for (int b = 0; b < rows; b++) {
        p.target[b] = (b * 7919 + vocab - 1) % vocab;
        for (int j = 0; j < vocab; j++)
            p.base[b * vocab + j] *= 10;
        for (int i = 0; i < neurons; i++)
            p.coeff[b * neurons + i] *= i % 5 ? 3 : 40; /* some shifts are huge */
        for (int i = 0; i < neurons; i++)
            p.scale[b * neurons + i] += 2;
    }
    return p;
}

static void problem_free(struct problem *p)
{
    free(p->head);
    free(p->values);
    free(p->base);
    free(p->coeff);
    free(p->scale);
    free(p->target);
    free(p->add);
}

/* want[3]: log-sum-exp, E U and E U^2 under the shifted distribution, and U of the target. */
static void naive(const struct problem *p, bool scaled, double *lse, double *own, double *mean,
                  double *square)
{
    double *u = zeros(p->vocab), *x = zeros(p->vocab);

    for (int i = 0; i < p->neurons; i++) {
        for (int j = 0; j < p->vocab; j++) {
            u[j] = 0;
            for (int t = 0; t < p->d; t++)
                u[j] += p->head[j * p->d + t] * p->values[t * p->neurons + i];
        }
        for (int b = 0; b < p->rows; b++) {
            int at = b * p->neurons + i;
            const double *base = p->base + b * p->vocab;
            double top = -DBL_MAX, sum = 0, first = 0, second = 0;
            double scale = scaled ? p->scale[at] : 1;

            for (int j = 0; j < p->vocab; j++) {
                x[j] = scale * base[j] + p->coeff[at] * u[j] + (p->add ? p->add[j] : 0);
                if (p->cap > 0)
                    x[j] = p->cap * tanh(x[j] / p->cap);
                top = fmax(top, x[j]);
            }
            for (int j = 0; j < p->vocab; j++) {
                double e = exp(x[j] - top);

                sum += e;
                first += e * u[j];
                second += e * u[j] * u[j];
            }
            lse[at] = top + log(sum);
            mean[at] = first / sum;
            square[at] = second / sum;
            own[at] = u[p->target[b]];
        }
    }
    free(u);
    free(x);
}

static struct lps_state run(struct device *dev, const struct problem *p, struct mat head, int tile,
                            bool moments)
{
    struct mat values = make(dev, DT_F32, p->d, p->neurons, 0, p->values);
    struct mat base = make(dev, DT_F32, p->rows, p->vocab, 0, p->base);
    struct mat coeff = make(dev, DT_F32, p->rows, p->neurons, 3, p->coeff);
    struct lps_state s = {.max = make(dev, DT_F32, p->rows, p->neurons, 0, NULL),
                          .own = make(dev, DT_F32, p->rows, p->neurons, 0, NULL),
                          .sum = make(dev, DT_F64, p->rows, p->neurons, 0, NULL)};
    struct mat add = {0};

    if (moments) { /* and with a scale of the base, as for vectors normed one by one */
        s.base_scale = make(dev, DT_F32, p->rows, p->neurons, 1, p->scale);
        s.mean = make(dev, DT_F32, p->rows, p->neurons, 0, NULL);
        s.square = make(dev, DT_F32, p->rows, p->neurons, 0, NULL);
    }
    if (p->add)
        add = make(dev, DT_F32, 1, p->vocab, 0, p->add);
    s.cap = (float)p->cap;
    device_fill(dev, s.max, (double)-INFINITY);
    for (int v0 = 0; v0 < p->vocab; v0 += tile) {
        int n = p->vocab - v0 < tile ? p->vocab - v0 : tile;

        s.add = add.data ? mat_cols(add, v0, n) : add;
        device_lps(dev, mat_rows(head, v0, n), values, mat_cols(base, v0, n), coeff, p->target, v0,
                   s);
    }
    return s;
}

static void shift_case(struct device *dev, struct problem *p, int tile, bool moments)
{
    int n = p->rows * p->neurons;
    double *lse = zeros(n), *own = zeros(n), *mean = zeros(n), *square = zeros(n);
    struct lps_state s = run(dev, p, make(dev, DT_F32, p->vocab, p->d, 0, p->head), tile, moments);
    double *max = fetch(dev, s.max), *sum = fetch(dev, s.sum), worst = 0;

    naive(p, moments, lse, own, mean, square);
    for (int i = 0; i < n; i++)
        worst = fmax(worst, fabs(max[i] + log(sum[i]) - lse[i]) / fmax(1, fabs(lse[i])));
    CHECK_NEAR(worst, 0, 3e-6);
    check_mat(dev, "lps target", s.own, own, 1e-11);
    if (moments) {
        double *e = fetch(dev, s.mean), *e2 = fetch(dev, s.square);

        for (int i = 0; i < n; i++) {
            e[i] /= sum[i];
            e2[i] /= sum[i];
        }
        CHECK_NEAR(nmse(e, mean, n), 0, 1e-9);
        CHECK_NEAR(nmse(e2, square, n), 0, 1e-9);
        free(e);
        free(e2);
    }
    free(lse);
    free(own);
    free(mean);
    free(square);
    free(max);
    free(sum);
    while (owned_count)
        mat_free(dev, &owned[--owned_count]);
}

static void test_shift(void)
{
    static const int shapes[][5] = {/* vocab, d, neurons, rows, tile */
                                    {1, 1, 1, 1, 1},
                                    {37, 5, 3, 2, 37},
                                    {700, 24, 150, 6, 300},
                                    {1500, 8, 33, 1, 1500},
                                    {513, 32, 257, 3, 100}};
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
            struct problem p = problem_new(shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3]);

            shift_case(dev, &p, shapes[i][4], i & 1);
            p.add = noise(p.vocab);
            shift_case(dev, &p, shapes[i][4], false);
            p.cap = 7.5;
            shift_case(dev, &p, shapes[i][4], false);
            problem_free(&p);
        }
        finish(dev);
    }
}

/* A head kept in its file's type gives the bits of its float32 copy. */
static void test_stored_head(void)
{
    struct problem p = problem_new(600, 64, 140, 2);
    uint16_t *half = xcalloc((size_t)600 * 64, sizeof(*half));
    struct device *dev;

    for (int i = 0; i < 600 * 64; i++) { /* the upper half of a float32 is a BF16 */
        float x = (float)p.head[i];
        uint32_t bits;

        memcpy(&bits, &x, sizeof(bits));
        half[i] = (uint16_t)(bits >> 16);
        bits &= 0xffff0000U;
        memcpy(&x, &bits, sizeof(x));
        p.head[i] = (double)x;
    }
    for (int d = 0; (dev = device_at(d, 2)); d++) {
        size_t bytes = (size_t)600 * 64 * sizeof(*half);
        struct mat stored = {device_alloc(dev, bytes), DT_BF16, 600, 64, 64};
        struct lps_state a = run(dev, &p, make(dev, DT_F32, 600, 64, 0, p.head), 600, false), b;
        double *x = fetch(dev, a.max), *y = fetch(dev, a.sum), *x2, *y2;

        device_upload(dev, stored, half);
        b = run(dev, &p, stored, 600, false);
        x2 = fetch(dev, b.max);
        y2 = fetch(dev, b.sum);
        CHECK(!memcmp(x, x2, 280 * sizeof(*x)) && !memcmp(y, y2, 280 * sizeof(*y)));
        free(x);
        free(x2);
        free(y);
        free(y2);
        device_release(dev, stored.data, bytes);
        finish(dev);
    }
    free(half);
    problem_free(&p);
}

/* Sums, products and attention over pieces: one digest of the bits of them all. */
static double *everything(int threads)
{
    static const struct attn_seq seq[] = {{0, 100, 0, 0, false}, {100, 90, 100, 0, false}};
    struct device *dev = device_at(0, threads);
    struct problem p = problem_new(900, 48, 300, 4);
    struct mat head = make(dev, DT_F32, 900, 48, 0, p.head);
    struct lps_state s = run(dev, &p, head, 512, true);
    struct mat x = make(dev, DT_F32, 190, 48, 0, p.values);
    struct mat y = make(dev, DT_F32, 190, 900, 0, NULL), z = make(dev, DT_F32, 190, 48, 0, NULL);
    struct mat out = make(dev, DT_F32, 190, 48, 0, NULL);
    struct mat one = make(dev, DT_F32, 1, 900, 0, NULL);
    double *all = zeros(4 * 1200 + 190 * 996 + 900), *part, *to = all;
    struct mat mats[] = {s.max, s.sum, s.mean, s.square, y, z, out, one};

    device_gemm(dev, 1, x, false, head, true, 0, y);
    device_gemm(dev, 1, y, false, head, false, 0, z);
    device_gemm(dev, 1, mat_rows(x, 0, 1), false, head, true, 0, one);
    device_attention(dev, x, z, x, seq, 2, (struct attn_shape){3, 3, 16, 0.25F, 0, 0}, out);
    for (int i = 0; i < 8; i++) {
        int n = mats[i].rows * mats[i].cols;

        part = fetch(dev, mats[i]);
        memcpy(to, part, (size_t)n * sizeof(*to));
        to += n;
        free(part);
    }
    problem_free(&p);
    finish(dev);
    return all;
}

static void test_threads(void)
{
    double *one, *two, *many;
    size_t bytes = (4 * 1200 + 190 * 996 + 900) * sizeof(double);
    uint64_t seed = random_state;

    one = everything(1);
    random_state = seed;
    two = everything(2);
    random_state = seed;
    many = everything(5);
    CHECK(!memcmp(one, two, bytes));
    CHECK(!memcmp(one, many, bytes));
    free(one);
    free(two);
    free(many);
}

int main(void)
{
    static const struct test tests[] = {
        {"shift", test_shift},
        {"stored head", test_stored_head},
        {"threads", test_threads},
    };

    return test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
