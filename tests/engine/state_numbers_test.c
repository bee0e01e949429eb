/* Numbers of a state: perplexity and KL against logits of transformers on tiny weights, norms and
 * leak of an update whose singular values are known, the draw among the most probable tokens. */
#include "core/eval/state_numbers.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/eval/energy.h"
#include "core/model/generate.h"
#include "core/model/safetensors.h"
#include "tests/doubles/device_far.h"
#include "tests/test.h"

#define FOLDER "tests/data/architectures/llama3"
enum { ALL = 16, PAST = 12, LAYER = 1, ROWS = 100 };

static struct device *dev;
static struct model *model;
static struct model_state *base;
static struct safetensors *golden;

static float *floats(const char *name)
{
    const struct st_tensor *t = safetensors_tensor(golden, name);
    float *x = xcalloc((size_t)st_tensor_elements(t), sizeof(*x));

    st_tensor_floats(t, x);
    return x;
}

/* The 16 ids of the reference, and one more that nothing reads. */
static void golden_ids(int ids[ALL + 1])
{
    float *x = floats("ids");

    for (int i = 0; i < ALL; i++)
        ids[i] = (int)x[i];
    ids[ALL] = 0;
    free(x);
}

/* W_down of layer 1 plus r x^T. */
static void add(struct model_state *s, const float *r, const float *x)
{
    int d = model->config->hidden, m = model->config->ffn;
    struct mat rm = mat_new(dev, DT_F32, 1, d), xm = mat_new(dev, DT_F32, 1, m);

    device_upload(dev, rm, r);
    device_upload(dev, xm, x);
    device_delta_apply(dev, rm, xm, state_writable(s, LAYER, MATRIX_DOWN));
    mat_free(dev, &rm);
    mat_free(dev, &xm);
}

static double log_p(const float *row, int n, int id)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += exp((double)row[i]);
    return (double)row[id] - log(sum);
}

static void text_is_read(void)
{
    int ids[ALL + 1], v = model->head.rows;
    float *logits = floats("logits"), *edited = floats("edited");
    float *r = floats("edit_r"), *x = floats("edit_x");
    struct model_state *state = state_copy(base, 2);
    const float *p = logits + (ALL - 1) * v, *q = edited + (ALL - PAST - 1) * v;
    double sum = 0, kl = 0, got = 0;
    struct err err = {0};

    golden_ids(ids);
    for (int i = 0; i + 1 < ALL; i++)
        sum -= log_p(logits + i * v, v, ids[i + 1]);
    for (int i = 0; i < v; i++)
        kl += exp(log_p(p, v, i)) * (log_p(p, v, i) - log_p(q, v, i));
    add(state, r, x);
    CHECK(state_perplexity(&got, base, ids, ALL, ALL, NULL, &err));
    CHECK_NEAR(got / exp(sum / (ALL - 1)), 1, 1e-5);
    CHECK(state_kl(&got, base, state, ids, ALL + 1, 1, ALL, NULL, &err));
    CHECK(kl > 1e-3);
    CHECK_NEAR(got / kl, 1, 1e-4);
    CHECK(state_kl(&got, base, base, ids, ALL + 1, 1, ALL, NULL, &err) && fabs(got) < 1e-12);
    CHECK(state_perplexity(&got, base, ids, ALL, ALL + 1, NULL, &err) && isnan(got));
    CHECK_STR(err.text, "");
    state_free(state);
    free(logits);
    free(edited);
    free(r);
    free(x);
}

static double length(const double *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* A vector of this length that is perpendicular to `other` (NULL: any). */
static void make_vector(double *x, int n, double of, const double *other, uint64_t seed)
{
    double along = 0;

    for (int i = 0; i < n; i++)
        x[i] = rng_unit(&seed) - 0.5;
    for (int i = 0; other && i < n; i++)
        along += x[i] * other[i] / length(other, n) / length(other, n);
    for (int i = 0; other && i < n; i++)
        x[i] -= along * other[i];
    along = of / length(x, n);
    for (int i = 0; i < n; i++)
        x[i] *= along;
}

static void add_doubles(struct model_state *s, const double *r, const double *x)
{
    float a[256], b[256];

    for (int i = 0; i < model->config->hidden; i++)
        a[i] = (float)r[i];
    for (int i = 0; i < model->config->ffn; i++)
        b[i] = (float)x[i];
    add(s, a, b);
}

/* Mean over the rows of |A m|^2, A [d, M] in the order of W_down. */
static double mean_output(const double *a, const float *rows, int d, int m)
{
    double sum = 0;

    for (int t = 0; t < ROWS; t++)
        for (int i = 0; i < d; i++) {
            double y = 0;

            for (int j = 0; j < m; j++)
                y += a[i * m + j] * (double)rows[t * m + j];
            sum += y * y / ROWS;
        }
    return sum;
}

/* Two rank-1 updates with perpendicular factors: singular values 3 * 2 and 4 * .5. */
static void weights_are_compared(void)
{
    int d = model->config->hidden, m = model->config->ffn, layer = LAYER;
    struct moments_origin origin = {.window = 64};
    struct err err = {0};
    struct moments *sums = moments_new(dev, &origin, 1, &layer, m, &err);
    struct mat coeff = mat_new(dev, DT_F32, ROWS, m), w = state_matrix(base, LAYER, MATRIX_DOWN);
    struct model_state *state = state_copy(base, 3);
    double *r = xcalloc(2 * 256, sizeof(double)), *x = xcalloc(2 * 256, sizeof(double));
    double *from = xcalloc((size_t)(d * m), sizeof(double));
    double *change = xcalloc((size_t)(d * m), sizeof(double));
    float *rows = xcalloc((size_t)(ROWS * m), sizeof(float));
    float *host = xcalloc((size_t)(d * m), sizeof(float));
    struct matrix_drift got;
    struct nullspace *null;
    uint64_t seed = 9;

    for (int i = 0; i < ROWS * m; i++)
        rows[i] = (float)(rng_unit(&seed) - 0.3);
    device_upload(dev, coeff, rows);
    moments_add(sums, 0, coeff);
    moments_tokens_add(sums, ROWS);
    null = nullspace_none(sums, 0, &err);
    make_vector(r, d, 3, NULL, 1);
    make_vector(x, m, 2, NULL, 2);
    make_vector(r + 256, d, 4, r, 3);
    make_vector(x + 256, m, 0.5, x, 4);
    add_doubles(state, r, x);
    add_doubles(state, r + 256, x + 256);
    device_fetch(dev, host, w, "the weights");
    CHECK(device_sync(dev, &err));
    for (int i = 0; i < d * m; i++) {
        from[i] = (double)host[i];
        change[i] = r[i / m] * x[i % m] + r[256 + i / m] * x[256 + i % m];
    }
    CHECK(matrix_drift_of(&got, base, state, LAYER, MATRIX_DOWN, null, NULL, &err));
    CHECK_NEAR(got.norm, sqrt(36 + 4), 1e-5);
    CHECK_NEAR(got.sigma, 6, 1e-5);
    CHECK_NEAR(got.stable_rank, 40.0 / 36, 1e-6);
    CHECK_NEAR(got.leak / (mean_output(change, rows, d, m) / mean_output(from, rows, d, m)), 1,
               1e-5);
    for (int i = 0; i < d * m; i++)
        change[i] += from[i];
    CHECK_NEAR(got.relative, length(change, d * m) / length(from, d * m), 1e-6);
    CHECK(matrix_drift_of(&got, base, base, LAYER, MATRIX_DOWN, NULL, NULL, &err));
    CHECK_NEAR(got.norm, 0, 0);
    CHECK(isnan(got.stable_rank) && isnan(got.leak));
    CHECK_STR(err.text, "");
    nullspace_free(null);
    moments_free(sums);
    mat_free(dev, &coeff);
    state_free(state);
    free(host);
    free(rows);
    free(change);
    free(from);
    free(x);
    free(r);
}

static double number_at(const json_t *o, const char *name)
{
    return json_number_value(json_object_get(o, name));
}

/* A list of vectors made by hand, one of length 0 and equal ones among them. */
static void check_vectors(const json_t *list)
{
    json_t *rows = json_object_get(list, "v");
    int n = (int)json_array_size(rows), d = (int)json_array_size(json_array_get(rows, 0));
    double *v = xcalloc((size_t)(n * d), sizeof(*v)), got;
    struct err err = {0};

    for (int i = 0; i < n * d; i++)
        v[i] = json_number_value(
            json_array_get(json_array_get(rows, (size_t)(i / d)), (size_t)(i % d)));
    CHECK(vectors_energy(&got, dev, v, n, d, NULL, &err));
    CHECK_NEAR(got / number_at(list, "energy"), 1, 1e-9);
    CHECK(vectors_energy(&got, dev, v, 1, d, NULL, &err) && isnan(got));
    CHECK_STR(err.text, "");
    free(v);
}

/* More vectors than a block has, against plain loops over all pairs. */
static void check_blocks(void)
{
    enum { N = 1100, D = 4 };
    double *v = xcalloc((size_t)N * D, sizeof(*v)), *plain = xcalloc((size_t)N * D, sizeof(*v));
    double sum = 0, got;
    struct job stopped = {.cancel = true};
    struct err err = {0};
    uint64_t seed = 3;

    for (int i = 0; i < N * D; i++)
        plain[i] = v[i] = rng_unit(&seed) - 0.5;
    CHECK(vectors_energy(&got, dev, v, N, D, NULL, &err));
    CHECK(!vectors_energy(&sum, dev, v, N, D, &stopped, NULL));
    sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < i; j++) {
            double square = 0;

            for (int k = 0; k < D; k++) {
                double by = plain[i * D + k] / length(plain + i * D, D) -
                            plain[j * D + k] / length(plain + j * D, D);

                square += by * by;
            }
            sum += 1 / sqrt(square);
        }
    CHECK_NEAR(got / (sum / (0.5 * N * (N - 1))), 1, 1e-9);
    CHECK_STR(err.text, "");
    free(plain);
    free(v);
}

/* tests/reference/energy.py */
static void directions_have_an_energy(void)
{
    json_t *want = json_load_file("tests/data/energy.json", 0, NULL), *list;
    float *r = floats("edit_r"), *x = floats("edit_x");
    struct model_state *state = state_copy(base, 2);
    struct err err = {0};
    double got = 0;
    size_t at;

    CHECK(json_array_size(json_object_get(want, "vectors")) == 3);
    json_array_foreach(json_object_get(want, "vectors"), at, list) check_vectors(list);
    check_blocks();
    add(state, r, x);
    CHECK(matrix_energy(&got, base, LAYER, MATRIX_DOWN, NULL, &err));
    CHECK_NEAR(got / number_at(want, "down"), 1, 1e-12);
    CHECK(matrix_energy(&got, state, LAYER, MATRIX_DOWN, NULL, &err));
    CHECK_NEAR(got / number_at(want, "edited"), 1, 1e-9);
    CHECK(fabs(got / number_at(want, "down") - 1) > 1e-4);
    CHECK(matrix_energy(&got, base, LAYER, MATRIX_GATE, NULL, &err));
    CHECK_NEAR(got / number_at(want, "gate"), 1, 1e-12);
    CHECK_STR(err.text, "");
    state_free(state);
    free(r);
    free(x);
    json_decref(want);
}

/* Every token that is drawn is one of the three most probable after those before it. */
static void most_probable_tokens_are_drawn(void)
{
    struct generate_options o = {
        .tokens = 24, .temperature = 5, .most_probable = 3, .seed = 4, .ignore_eos = true};
    struct generate_options none = {0};
    int ids[64], other = 0;
    struct generated g, now;
    struct err err = {0};

    golden_ids(ids);
    CHECK(generate(&g, base, ids, ALL, &o, NULL, &err));
    for (int i = 0; i < g.count; i++) {
        int best[3];

        CHECK(generate(&now, base, ids, ALL + i, &none, NULL, &err));
        top_k(now.logits, model->head.rows, 3, best);
        CHECK(g.id[i] == best[0] || g.id[i] == best[1] || g.id[i] == best[2]);
        other += g.id[i] != best[0];
        ids[ALL + i] = g.id[i];
        generated_free(&now);
    }
    CHECK(g.count == 24 && other > 5); /* at this temperature nearly two of three */
    CHECK_STR(err.text, "");
    generated_free(&g);
}

int main(void)
{
    static const struct test tests[] = {
        {"a state reads a text", text_is_read},
        {"weights are compared with the base's", weights_are_compared},
        {"directions have an energy", directions_have_an_energy},
        {"most probable tokens are drawn", most_probable_tokens_are_drawn},
    };
    static const struct device_ops *const devices[] = {&device_cpu, &device_far};
    struct err err = {0};
    int failed = 0;

    golden = safetensors_open(FOLDER "/golden.safetensors", &err);
    for (int i = 0; i < 2; i++) {
        dev = device_open(devices[i], 0, 2, &err);
        model = model_open(FOLDER, dev, 0, NULL, &err);
        CHECK_STR(err.text, "");
        base = state_new(model, 1);
        failed |= test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
        state_free(base);
        model_close(model);
        device_close(dev);
    }
    safetensors_close(golden);
    return failed;
}
