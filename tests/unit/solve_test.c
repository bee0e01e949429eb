/* Solutions of the small form against the dense one and plain elimination; gain, leak, percentiles
 * and hits against plain sums. The same on the far device and with matrices on the host. */
#include "core/edit/solve.h"

#include <stdlib.h>

#include "core/base/rng.h"
#include "core/edit/mat_f64.h"
#include "tests/doubles/device_far.h"
#include "tests/test.h"
#include "tests/unit/host_solve.h"

/* A layer with a planted spectrum: a third of the directions carry the keys of ordinary text. */
enum { TOKENS = 6000, LAYER = 5 };

static const struct device_ops *kind = &device_cpu;
static bool on_host; /* the large matrices pass in bands of 7 rows */

struct setting {
    struct device *dev;
    struct moments *moments;
    struct nullspace *null;
    double *c; /* [M][M] second moment, summed here */
};

static double normal(uint64_t *state)
{
    double sum = 0;

    for (int i = 0; i < 12; i++)
        sum += rng_unit(state);
    return sum - 6;
}

static void fill_text(float *x, int rows, uint64_t *state)
{
    static double turn[M][M]; /* a cosine transform: no axis of the spectrum is a neuron's */

    for (int i = 0; i < M; i++)
        for (int j = 0; j < M; j++)
            turn[i][j] = sqrt(2.0 / M) * cos(M_PI * (i + 0.5) * (j + 0.5) / M);
    for (int t = 0; t < rows; t++) {
        double z[M];

        for (int i = 0; i < M; i++)
            z[i] = normal(state) * (i % 3 ? 0.02 : 0.5 + 0.02 * i);
        for (int i = 0; i < M; i++) {
            double sum = 0;

            for (int j = 0; j < M; j++)
                sum += z[j] * turn[i][j];
            x[t * M + i] = (float)sum;
        }
    }
}

static struct mat on_device(struct device *dev, const float *x, int rows, int cols)
{
    struct mat m = mat_new(dev, DT_F32, rows, cols);

    device_upload(dev, m, x);
    return m;
}

static struct moments *planted_moments(struct device *dev, double *c)
{
    enum { PIECE = 500 };
    static const int layer[] = {LAYER};
    struct moments_origin origin = {.model = "m", .text = "t", .window = 250};
    struct moments *m = moments_new(dev, &origin, 1, layer, M, NULL);
    float *x = malloc(PIECE * M * sizeof *x);
    uint64_t state = 1;

    memset(c, 0, M * M * sizeof *c);
    for (int at = 0; at < TOKENS; at += PIECE) {
        struct mat rows;

        fill_text(x, PIECE, &state);
        rows = on_device(dev, x, PIECE, M);
        moments_add(m, 0, rows);
        moments_tokens_add(m, PIECE);
        mat_free(dev, &rows);
        for (int t = 0; t < PIECE; t++)
            for (int i = 0; i < M; i++)
                for (int j = 0; j < M; j++)
                    c[i * M + j] += (double)x[t * M + i] * (double)x[t * M + j] / TOKENS;
    }
    free(x);
    moments_flush(m);
    return m;
}

static struct setting setting_open(void)
{
    struct setting s = {0};
    struct err err = {0};

    s.dev = device_open(kind, 0, 1, &err);
    s.dev->moments_on_host = s.dev->spaces_on_host = on_host;
    s.dev->host_band = 7 * M * sizeof(double);
    s.c = malloc(M * M * sizeof *s.c);
    s.moments = planted_moments(s.dev, s.c);
    s.null = nullspace_new(s.moments, 0, (struct nullspace_rule){.fraction = 0.7}, NULL, &err);
    CHECK_STR(err.text, "");
    return s;
}

static void setting_close(struct setting *s)
{
    nullspace_free(s->null);
    moments_free(s->moments);
    CHECK(s->dev->in_use == 0);
    device_close(s->dev);
    free(s->c);
}

static void random_keys(float *k, int u, uint64_t *state)
{
    for (int i = 0; i < u * M; i++)
        k[i] = (float)(normal(state) + (i % 7 == 0 ? 2 : 0));
}

/* Largest difference over the largest value. */
static double distance(const double *a, const double *b, int n)
{
    double most = 0, scale = 0;

    for (int i = 0; i < n; i++) {
        most = fmax(most, fabs(a[i] - b[i]));
        scale = fmax(scale, fabs(b[i]));
    }
    return scale > 0 ? most / scale : most;
}

static void test_moments(void)
{
    struct setting s = setting_open();
    double *sum = offload_download(&s.moments->sum[0], 0, s.moments->neurons, NULL), trace = 0;

    for (int i = 0; i < M * M; i++)
        sum[i] /= TOKENS;
    CHECK(distance(sum, s.c, M * M) < 1e-12);
    for (int i = 0; i < M; i++)
        trace += s.c[i * M + i];
    CHECK_NEAR(s.null->trace, trace, 1e-9);
    CHECK(s.null->rank == M - 67); /* round(.7 * 96) directions are null */
    CHECK_NEAR(s.null->null_fraction, 67.0 / 96, 1e-12);
    CHECK(s.null->trace_lost > 0 && s.null->trace_lost < 0.1);
    CHECK_NEAR(s.null->value[0], s.null->threshold, 0);
    free(sum);
    setting_close(&s);
}

static void test_threshold(void)
{
    struct setting s = setting_open();
    struct err err = {0};
    struct nullspace_rule rule = {.threshold = 0.01};
    struct nullspace *n = nullspace_new(s.moments, 0, rule, NULL, &err), *none;

    CHECK(n && n->rank == M / 3); /* the planted third */
    CHECK(n && n->value[0] > 0.01 && n->trace_lost < 0.01);
    CHECK(n && strcmp(n->hash, s.null->hash));
    rule.threshold = 1e-9;
    none = nullspace_new(s.moments, 0, rule, NULL, &err);
    CHECK(!none && err.kind == ERR_USAGE);
    nullspace_free(n);
    rule.threshold = 1e9; /* everything is null: P = I */
    n = nullspace_new(s.moments, 0, rule, NULL, NULL);
    CHECK(n && n->rank == 0 && n->null_fraction == 1);
    nullspace_free(n);
    setting_close(&s);
}

/* lambda 0 is a tenth of the mean q of the text's keys, x^T P x over the rows of the text. */
static void test_automatic_lambda(void)
{
    struct setting s = setting_open();
    struct solver *solver = solver_new(s.null, 0, NULL);
    struct nullspace *none = nullspace_none(s.moments, 0, NULL);
    struct mat rows = mat_new(s.dev, DT_F64, M, M);
    double *sum = mat_download(s.dev, s.moments->sum[0].on_device, NULL, NULL), *p, q = 0;
    struct err err = {0};

    /* mean of x^T P x = trace of P C, with P from the unit vectors */
    mat_identity(s.dev, 1, rows);
    nullspace_project(s.null, rows, rows);
    p = mat_download(s.dev, rows, NULL, NULL);
    for (int i = 0; sum && p && i < M * M; i++)
        q += p[i] * sum[i] / (double)s.moments->tokens;
    CHECK(solver && q > 0);
    CHECK_NEAR(solver->lambda, 0.1 * q, 1e-9 * q);
    solver_free(solver);
    solver = solver_new(none, 0, NULL); /* no null space to take it from */
    CHECK(solver && solver->lambda >= 1 && solver->lambda <= 1);
    solver_free(solver);
    CHECK(!solver_new(s.null, -1, &err) && err.kind == ERR_USAGE);
    free(sum);
    free(p);
    mat_free(s.dev, &rows);
    nullspace_free(none);
    setting_close(&s);
}

/* 40 edits, single and batched: low rank, dense and the formula term by term. */
static void test_lowrank_dense(void)
{
    struct setting s = setting_open();
    struct solver *solver = solver_new(s.null, 1.5, NULL);
    float *past = malloc(200 * M * sizeof *past);
    double want[8 * M];
    uint64_t state = 7;
    int n = 0;

    for (int edit = 0; edit < 40; edit++) {
        int u = edit % 5 == 4 ? 4 : edit % 7 == 6 ? 8 : 1;
        float k[8 * M];
        struct mat keys, x = mat_new(s.dev, DT_F64, u, M), y = mat_new(s.dev, DT_F64, u, M);
        double *hx, *hy;

        random_keys(k, u, &state);
        keys = on_device(s.dev, k, u, M);
        CHECK(solve_lowrank(solver, keys, x, NULL) && solve_dense(solver, keys, y, NULL));
        hx = mat_download(s.dev, x, NULL, NULL);
        hy = mat_download(s.dev, y, NULL, NULL);
        CHECK(distance(hx, hy, u * M) < 1e-8);
        if (edit % 8 == 4) {
            host_solve(s.null, past, n, k, u, 1.5, want);
            CHECK(distance(hx, want, u * M) < 1e-8);
        }
        random_keys(k, u, &state); /* other keys than were solved with, as after an edit */
        memcpy(past + n * M, k, (size_t)(u * M) * sizeof *k);
        device_upload(s.dev, keys, k);
        CHECK(solver_append(solver, keys, NULL));
        n += u;
        free(hx);
        free(hy);
        mat_free(s.dev, &keys);
        mat_free(s.dev, &x);
        mat_free(s.dev, &y);
    }
    CHECK(solver->count == n && n > 64); /* more than the first room */
    solver_free(solver);
    free(past);
    setting_close(&s);
}

static double *factor_of(struct solver *s)
{
    return mat_download(s->dev, mat_window(s->factor, 0, s->count, 0, s->count), NULL, NULL);
}

static void test_factor(void)
{
    struct setting s = setting_open();
    struct solver *a = solver_new(s.null, 1, NULL), *b = solver_new(s.null, 1, NULL);
    float *k = malloc(90 * M * sizeof *k);
    struct mat keys;
    double *fa, *fb;
    uint64_t state = 3;

    random_keys(k, 90, &state);
    memcpy(k + 9 * M, k, M * sizeof *k); /* the same fact again */
    keys = on_device(s.dev, k, 90, M);
    for (int i = 0; i < 90; i += i % 4 + 1)
        CHECK(solver_append(a, mat_rows(keys, i, i + i % 4 + 1 > 90 ? 90 - i : i % 4 + 1), NULL));
    CHECK(a->count == 90);
    CHECK(solver_append(b, keys, NULL));
    fa = factor_of(a);
    fb = factor_of(b);
    CHECK(distance(fa, fb, 90 * 90) < 1e-10);
    free(fa);
    free(fb);
    mat_free(s.dev, &keys);
    solver_free(a);
    solver_free(b);
    free(k);
    setting_close(&s);
}

static double host_leak(const double *c, const double *x)
{
    double sum = 0;

    for (int i = 0; i < M; i++)
        for (int j = 0; j < M; j++)
            sum += x[i] * c[i * M + j] * x[j];
    return sum;
}

static void test_report(void)
{
    struct setting s = setting_open();
    struct solver *solver = solver_new(s.null, 1, NULL);
    float k[M], weight[M];
    double xm[M], *x, gain = 0, norm = 0;
    struct mat keys, sol = mat_new(s.dev, DT_F64, 1, M);
    struct layer_report r, plain;
    uint64_t state = 11;

    random_keys(k, 1, &state);
    keys = on_device(s.dev, k, 1, M);
    CHECK(solve_lowrank(solver, keys, sol, NULL));
    x = mat_download(s.dev, sol, NULL, NULL);
    for (int i = 0; i < M; i++) {
        weight[i] = i % 3 == 0;
        xm[i] = 2 * (double)weight[i] * x[i];
        gain += (double)k[i] * xm[i];
        norm += x[i] * x[i];
    }
    CHECK(solver_report(solver, keys, sol, weight, 2, &r, NULL));
    CHECK_NEAR(r.gain, r.q / (1 + r.q), 1e-12); /* no past keys, lambda 1 */
    CHECK_NEAR(r.gain_mask, gain, 1e-12);
    CHECK_NEAR(r.leak / host_leak(s.c, xm), 1, 1e-10);
    CHECK_NEAR(r.leak_unmasked / host_leak(s.c, x), 1, 1e-10);
    CHECK_NEAR(r.leak_ratio / (r.leak / pow(r.gain_mask / r.gain, 2) / r.leak_unmasked), 1, 1e-9);
    CHECK(r.leak_ratio > 1);

    CHECK(solver_report(solver, keys, sol, NULL, 1, &plain, NULL));  /* a mask of ones */
    CHECK(plain.leak > 0 && plain.leak <= s.null->threshold * norm); /* it is in the null space */
    CHECK_NEAR(plain.leak_ratio, 1, 1e-12);
    CHECK_NEAR(plain.gain_mask, plain.gain, 1e-14);
    free(x);
    mat_free(s.dev, &keys);
    mat_free(s.dev, &sol);
    solver_free(solver);
    setting_close(&s);
}

static void test_chance(void)
{
    struct setting s = setting_open();
    struct solver *solver = solver_new(s.null, 1, NULL);
    struct mat keys, sol = mat_new(s.dev, DT_F64, 1, M);
    float k[M], weight[M], all[M];
    double *x, gain, leak, again[2];
    uint64_t state = 11;
    struct job job = {0};
    struct err err = {0};

    random_keys(k, 1, &state);
    for (int i = 0; i < M; i++) {
        weight[i] = i % 3 == 0;
        all[i] = 1;
    }
    keys = on_device(s.dev, k, 1, M);
    CHECK(solve_lowrank(solver, keys, sol, NULL));
    x = mat_download(s.dev, sol, NULL, NULL);
    CHECK(solver_percentiles(solver, keys, sol, weight, 200, 5, &gain, &leak, NULL, NULL));
    CHECK(solver_percentiles(solver, keys, sol, weight, 200, 5, &again[0], &again[1], NULL, NULL));
    CHECK(gain == again[0] && leak == again[1]);
    CHECK(gain > 0 && gain < 100 && leak >= 0 && leak <= 100);
    CHECK(solver_percentiles(solver, keys, sol, all, 20, 5, &gain, &leak, NULL, NULL));
    CHECK_NEAR(gain, 50, 0);    /* every permutation is the same mask */
    for (int i = 0; i < M; i++) /* the best by contribution beat every random choice */
        weight[i] = (double)k[i] * x[i] > 0.004;
    CHECK(solver_percentiles(solver, keys, sol, weight, 200, 5, &gain, &leak, NULL, NULL));
    CHECK_NEAR(gain, 100, 0);
    atomic_store(&job.cancel, true);
    CHECK(!solver_percentiles(solver, keys, sol, weight, 200, 5, &gain, &leak, &job, &err));
    CHECK(err.kind == ERR_CANCELLED);
    free(x);
    mat_free(s.dev, &keys);
    mat_free(s.dev, &sol);
    solver_free(solver);
    setting_close(&s);
}

static void check_pre(struct setting *s, struct solver *solver, const float *past, const float *k,
                      int u, const float *weight, double mu)
{
    struct mat keys = on_device(s->dev, k, u, M), x = mat_new(s->dev, DT_F64, u, M);
    double want[4 * M], *got;

    CHECK(solve_pre(solver, keys, weight, mu, x, NULL));
    got = mat_download(s->dev, x, NULL, NULL);
    host_pre(s->c, mu, solver->lambda, past, solver->count, k, u, weight, want);
    CHECK(distance(got, want, u * M) < 1e-8);
    for (int i = 0; i < u * M; i++)
        CHECK(weight[i % M] > 0 || got[i] == 0);
    free(got);
    mat_free(s->dev, &keys);
    mat_free(s->dev, &x);
}

static void test_pre(void)
{
    struct setting s = setting_open();
    struct solver *solver = solver_new(s.null, 1, NULL);
    float past[20 * M], k[4 * M], weight[M], none[M] = {0};
    struct mat keys, x;
    double *zero;
    uint64_t state = 5;

    random_keys(past, 20, &state);
    random_keys(k, 4, &state);
    for (int i = 0; i < M; i++)
        weight[i] = rng_unit(&state) < 0.4 ? 0.5F : 0;
    check_pre(&s, solver, past, k, 1, weight, 100);
    keys = on_device(s.dev, past, 20, M);
    CHECK(solver_append(solver, mat_rows(keys, 0, 12), NULL)); /* kept up with */
    check_pre(&s, solver, past, k, 4, weight, 100);
    CHECK(solver_append(solver, mat_rows(keys, 12, 8), NULL));
    check_pre(&s, solver, past, k, 1, weight, 100);
    check_pre(&s, solver, past, k, 2, weight, 3);
    solver_free(solver);
    solver = solver_new(s.null, 1, NULL);
    CHECK(solver_append(solver, mat_rows(keys, 0, 6), NULL));
    check_pre(&s, solver, past, k, 3, weight, 3);

    x = mat_new(s.dev, DT_F64, 1, M);
    device_fill(s.dev, x, 1);
    CHECK(solve_pre(solver, mat_rows(keys, 0, 1), none, 100, x, NULL));
    zero = mat_download(s.dev, x, NULL, NULL);
    CHECK(zero && zero[0] == 0 && zero[M - 1] == 0);
    free(zero);
    mat_free(s.dev, &keys);
    mat_free(s.dev, &x);
    solver_free(solver);
    setting_close(&s);
}

/* With and without the three past keys that the solver has, and a multiple of the unit matrix. */
static void memit_agrees(bool past, double mu)
{
    struct setting s = setting_open();
    struct solver *solver = solver_new(s.null, 1, NULL);
    double *a = malloc(M * M * sizeof *a), b[2 * M], want[2 * M], *got;
    float k[5 * M]; /* two new ones, three past ones */
    struct mat keys, old, x = mat_new(s.dev, DT_F64, 2, M);
    uint64_t state = 9;

    random_keys(k, 5, &state);
    keys = on_device(s.dev, k, 2, M);
    old = on_device(s.dev, k + 2 * M, 3, M);
    CHECK(solver_append(solver, old, NULL));
    mat_free(s.dev, &old);
    CHECK(solve_memit(solver, keys, 15, 2 * mu + 1, past, x, NULL) &&
          solve_memit(solver, keys, 150, mu, past, x, NULL) &&
          solve_memit(solver, keys, 15, mu, past, x, NULL));
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < M; j++) {
            a[i * M + j] = 15 * s.c[i * M + j] + (i == j ? mu : 0);
            for (int t = 0; t < (past ? 5 : 2); t++)
                a[i * M + j] += (double)k[t * M + i] * (double)k[t * M + j];
        }
        b[i * 2] = (double)k[i];
        b[i * 2 + 1] = (double)k[M + i];
    }
    eliminate(a, b, M, 2);
    for (int i = 0; i < 2 * M; i++)
        want[i] = b[i % M * 2 + i / M];
    got = mat_download(s.dev, x, NULL, NULL);
    CHECK(distance(got, want, 2 * M) < 1e-8);
    free(got);
    device_copy(s.dev, keys, x); /* K^T A^-1 is the solution */
    CHECK(solve_memit_rows(solver, keys, 15, mu, past, x, NULL));
    got = mat_download(s.dev, x, NULL, NULL);
    CHECK(distance(got, want, 2 * M) < 1e-8);
    free(got);
    free(a);
    mat_free(s.dev, &keys);
    mat_free(s.dev, &x);
    solver_free(solver);
    setting_close(&s);
}

static void test_memit(void)
{
    memit_agrees(false, 0);
    memit_agrees(true, 0);
    memit_agrees(true, 20);
}

/* p <- p - p k k^T p / (k^T p k); nothing for a key of which p leaves nothing. */
static void take_out(double *p, const float *k)
{
    double pk[M], all = 0;

    for (int i = 0; i < M; i++) {
        pk[i] = 0;
        for (int j = 0; j < M; j++)
            pk[i] += p[i * M + j] * (double)k[j];
        all += pk[i] * (double)k[i];
    }
    for (int i = 0; all > 1e-9 && i < M; i++)
        for (int j = 0; j < M; j++)
            p[i * M + j] -= pk[i] * pk[j] / all;
}

/* EvoEdit: a projector from which each past key is taken in turn, one of them twice, and the system
 * of the formula; no past key is moved. */
static void test_evolving(void)
{
    struct setting s = setting_open();
    struct solver *solver = solver_new(s.null, 2, NULL);
    double *p = malloc(M * M * sizeof *p), *a = calloc(M * M, sizeof *a), b[2 * M], pk[2 * M];
    double want[2 * M], *got;
    float k[6 * M]; /* two new ones, four past ones */
    struct mat keys, old, x = mat_new(s.dev, DT_F64, 2, M);
    uint64_t state = 19;

    random_keys(k, 5, &state);
    memcpy(k + 5 * M, k + 3 * M, M * sizeof *k);
    keys = on_device(s.dev, k, 2, M);
    host_projector(s.null, p);
    CHECK(solve_evolving(solver, keys, x, NULL)); /* without past keys: AlphaEdit's */
    got = mat_download(s.dev, x, NULL, NULL);
    host_solve(s.null, NULL, 0, k, 2, 2, want);
    CHECK(distance(got, want, 2 * M) < 1e-8);
    free(got);
    old = on_device(s.dev, k + 2 * M, 4, M);
    CHECK(solver_append(solver, old, NULL) && solve_evolving(solver, keys, x, NULL));
    for (int t = 2; t < 6; t++)
        take_out(p, k + t * M);
    for (int i = 0; i < 2 * M; i++) {
        pk[i] = 0;
        for (int j = 0; j < M; j++)
            pk[i] += p[i % M * M + j] * (double)k[i / M * M + j];
    }
    for (int i = 0; i < M; i++) {
        a[i * M + i] = 2;
        for (int j = 0; j < M; j++)
            a[i * M + j] += pk[i] * pk[j] + pk[M + i] * pk[M + j];
        b[i * 2] = pk[i];
        b[i * 2 + 1] = pk[M + i];
    }
    eliminate(a, b, M, 2);
    for (int i = 0; i < 2 * M; i++)
        want[i] = b[i % M * 2 + i / M];
    got = mat_download(s.dev, x, NULL, NULL);
    CHECK(distance(got, want, 2 * M) < 1e-7);
    for (int t = 2; t < 6; t++) {
        double moved = 0;

        for (int i = 0; i < M; i++)
            moved += (double)k[t * M + i] * got[i];
        CHECK(fabs(moved) < 1e-7);
    }
    free(got);
    mat_free(s.dev, &old);
    old = on_device(s.dev, k, 1, M); /* a new key again: it does not stand in its own way */
    CHECK(solver_append(solver, old, NULL) && solve_evolving(solver, keys, x, NULL));
    got = mat_download(s.dev, x, NULL, NULL);
    CHECK(distance(got, want, 2 * M) < 1e-7);
    free(got);
    free(p);
    free(a);
    mat_free(s.dev, &keys);
    mat_free(s.dev, &old);
    mat_free(s.dev, &x);
    solver_free(solver);
    setting_close(&s);
}

static void test_hits(void)
{
    struct setting s = setting_open();
    struct solver *solver = solver_new(s.null, 1, NULL);
    float past[3 * M], k[2 * M];
    struct mat rows, keys, x = mat_new(s.dev, DT_F64, 2, M);
    double hit[6], *hx;
    uint64_t state = 13;

    random_keys(past, 3, &state);
    random_keys(k, 2, &state);
    rows = on_device(s.dev, past, 3, M);
    keys = on_device(s.dev, k, 2, M);
    CHECK(solver_append(solver, rows, NULL) && solve_lowrank(solver, keys, x, NULL));
    CHECK(solver_hits(solver, x, NULL, hit, NULL));
    hx = mat_download(s.dev, x, NULL, NULL);
    for (int t = 0; t < 2; t++)
        for (int j = 0; j < 3; j++) {
            double sum = 0;

            for (int i = 0; i < M; i++)
                sum += (double)past[j * M + i] * hx[t * M + i];
            CHECK_NEAR(hit[t * 3 + j], fabs(sum), 1e-10);
        }
    free(hx);
    mat_free(s.dev, &rows);
    mat_free(s.dev, &keys);
    mat_free(s.dev, &x);
    solver_free(solver);
    setting_close(&s);
}

/* All of it again on a device whose memory nobody else may touch. */
static void test_far(void)
{
    kind = &device_far;
    test_moments();
    test_threshold();
    test_lowrank_dense();
    test_factor();
    test_report();
    test_chance();
    test_pre();
    test_memit();
    test_evolving();
    test_hits();
    kind = &device_cpu;
}

/* And with second moments and null spaces on the host, in bands: the same bounds. */
static void test_on_host(void)
{
    on_host = true;
    kind = &device_far;
    test_moments();
    test_threshold();
    test_lowrank_dense();
    test_factor();
    test_report();
    test_chance();
    test_pre();
    test_memit();
    test_evolving();
    test_hits();
    kind = &device_cpu;
    on_host = false;
}

static const struct test tests[] = {
    {"second moment, trace and null fraction", test_moments},
    {"null space by threshold", test_threshold},
    {"an automatic lambda", test_automatic_lambda},
    {"low rank, dense and the formula agree over 40 edits", test_lowrank_dense},
    {"an appended factor is the refactorised one", test_factor},
    {"gain and leak", test_report},
    {"against chance", test_chance},
    {"solve on the chosen neurons only", test_pre},
    {"memit", test_memit},
    {"a null space without past keys", test_evolving},
    {"past keys hit", test_hits},
    {"the same on the far device", test_far},
    {"the same with large matrices on the host", test_on_host},
};

TEST_MAIN(tests)
