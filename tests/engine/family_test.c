/* The methods that are MEMIT or AlphaEdit with one thing changed, on a small model, against what
 * they say of themselves: which elements RECT writes, along what SPHERE weakens, what NAS makes of
 * a target. */
#include "core/edit/editors/editors.h"
#include "core/model/state.h"
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/rng.h"

#define MODEL "tests/data/architectures/llama3"

enum { LAYERS = 2, FACTS = 2, TEXT = 2000 };

static const int layers[LAYERS] = {1, 2};
static struct device *dev;
static struct model *model;
static struct model_state *base;
static struct nullspace *null[LAYERS];
static int m, d; /* neurons, hidden size */
static float *z; /* [FACTS][d] */

static float *random_floats(size_t n, uint64_t seed)
{
    float *x = xmalloc(n * sizeof(*x));

    for (size_t i = 0; i < n; i++)
        x[i] = (float)rng_unit(&seed) - 0.5F;
    return x;
}

static struct nullspace *random_nullspace(int layer)
{
    struct moments_origin origin = {.model = "m", .text = "t", .window = 1};
    struct moments *sums = moments_new(dev, &origin, 1, &layer, m, NULL);
    float *x = random_floats((size_t)TEXT * (size_t)m, 3 + (uint64_t)layer);
    struct mat rows = mat_new(dev, DT_F32, TEXT, m);
    struct nullspace *out;

    device_upload(dev, rows, x);
    moments_add(sums, 0, rows);
    moments_tokens_add(sums, TEXT);
    moments_flush(sums);
    out = nullspace_new(sums, 0, (struct nullspace_rule){.fraction = 0.7}, NULL, NULL);
    mat_free(dev, &rows);
    moments_free(sums);
    free(x);
    return out;
}

static struct request request_of(const char *subject, const struct params *p)
{
    static char *text[] = {(char *)"It. ", (char *)"So. "};
    const struct prefixes two = {text, 2};
    struct fact fact = {
        .subject = xstrdup(subject), .prompt = xstrdup("{} lives in"), .target = xstrdup("Rome")};
    struct request r;
    struct err err = {0};

    CHECK(request_build(&r, &fact, &two, model, p, &err));
    CHECK_STR(err.text, "");
    fact_free(&fact);
    return r;
}

/* Both facts in both layers, by a method. `state` NULL: on the base; else it becomes the state with
 * the edit, of so many times the update. */
static struct edit_result edit_on(int method, struct model_state **state, double times)
{
    const struct editor_ops *editor = editor_by_method(method);
    struct edit_context context = {.solve = editor->solve,
                                   .keys = editor->keys,
                                   .residual = editor->residual,
                                   .count = FACTS,
                                   .layers = LAYERS,
                                   .layer = {layers[0], layers[1]},
                                   .z = z};
    struct model_state *scratch = state_copy(state ? *state : base, 2);
    struct request request[FACTS];
    struct edit_result out;
    struct params p;
    struct err err = {0};

    params_default(&p);
    p.value[P_EDIT_METHOD] = method;
    p.value[P_UPDATE_SCALE] = times;
    request[0] = request_of("Anna", &p);
    request[1] = request_of("Bob Stone", &p);
    context.request = request;
    context.params = &p;
    for (int i = 0; i < LAYERS; i++)
        context.solver[i] = solver_new(null[i], 1, &err);
    CHECK(editor->edit(&out, scratch, &context, NULL, &err));
    CHECK_STR(err.text, "");
    edit_context_free(&context);
    for (int i = 0; i < LAYERS; i++)
        solver_free(context.solver[i]);
    for (int f = 0; f < FACTS; f++)
        request_free(&request[f]);
    if (state)
        state_free(*state);
    if (state)
        *state = scratch;
    else
        state_free(scratch);
    return out;
}

static struct edit_result edit(int method)
{
    return edit_on(method, NULL, 1);
}

/* [d][m] a state's matrix of a layer. Caller frees. */
static float *matrix_in(const struct model_state *s, int layer)
{
    struct mat w = mat_new(dev, DT_F32, d, m);
    float *host = xmalloc((size_t)d * (size_t)m * sizeof(float));

    device_copy(dev, state_matrix(s, layer, MATRIX_DOWN), w);
    device_download(dev, host, w);
    CHECK(device_sync(dev, NULL));
    mat_free(dev, &w);
    return host;
}

static float *matrix_of(int layer)
{
    return matrix_in(base, layer);
}

/* Of a delta of rank FACTS, one element. */
static double element(const struct delta *of, int i, int j)
{
    double sum = 0;

    for (int t = 0; t < of->rank; t++)
        sum += (double)of->r[t * d + i] * (double)of->x[t * m + j];
    return sum;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* An element is MEMIT's or 0, and those of the largest relative change are MEMIT's: d M - k + 1 for
 * k = floor(.6 d M), since no two changes are equal here. */
static void rect_writes_what_matters(void)
{
    struct edit_result whole = edit(METHOD_MEMIT), part = edit(METHOD_RECT);
    int n = d * m, k = n * 6 / 10;
    double *ratio = xcalloc((size_t)n, sizeof(*ratio));

    CHECK(whole.deltas == LAYERS && part.deltas == LAYERS);
    for (int l = 0; l < LAYERS; l++) {
        const struct delta *a = &whole.delta[l], *b = &part.delta[l];
        float *w = matrix_of(layers[l]);
        double gain = 0, least;
        int kept = 0;

        CHECK(b->kind == DELTA_DENSE && b->layer == layers[l] && !b->key);
        for (int i = 0; i < n; i++)
            ratio[i] = fabs(element(a, i / m, i % m) / ((double)w[i] + 1e-8));
        for (int i = 0; i < n; i++) {
            double all = element(a, i / m, i % m);

            kept += b->r[i] != 0;
            CHECK(b->r[i] == 0 || fabs((double)b->r[i] - all) <= 1e-6 * fabs(all));
            for (int t = 0; t < FACTS; t++)
                gain += (double)b->r[i] * (double)a->r[t * d + i / m] *
                        (double)a->key[t * m + i % m] / FACTS /
                        low_rank_norm(a->r + t * d, a->r + t * d, 1, d, d);
        }
        CHECK(kept == n - k + 1);
        CHECK_NEAR(part.report[l].gain_mask, gain, 1e-5 * fabs(gain));
        CHECK_NEAR(part.report[l].gain, whole.report[l].gain, 0);
        qsort(ratio, (size_t)n, sizeof(*ratio), by_size);
        least = ratio[k - 1];
        for (int i = 0; i < n; i++) {
            double own = fabs(element(a, i / m, i % m) / ((double)w[i] + 1e-8));

            CHECK((b->r[i] != 0) == (own >= least) || fabs(own / least - 1) < 1e-5);
        }
        free(w);
    }
    free(ratio);
    edit_result_free(&whole);
    edit_result_free(&part);
}

/* Eigenvalues and rows of vectors of a symmetric a [n][n], by Jacobi's rotations. */
static void jacobi(double *a, double *vector, int n)
{
    for (int i = 0; i < n * n; i++)
        vector[i] = i % (n + 1) ? 0 : 1;
    for (int sweep = 0; sweep < 30; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                double angle = 0.5 * atan2(2 * a[p * n + q], a[q * n + q] - a[p * n + p]);
                double c = cos(angle), s = sin(angle);

                for (int i = 0; i < n; i++) { /* columns */
                    double x = a[i * n + p], y = a[i * n + q];

                    a[i * n + p] = c * x - s * y;
                    a[i * n + q] = s * x + c * y;
                }
                for (int i = 0; i < n; i++) { /* rows, and the vectors */
                    double x = a[p * n + i], y = a[q * n + i];
                    double u = vector[p * n + i], v = vector[q * n + i];

                    a[p * n + i] = c * x - s * y;
                    a[q * n + i] = s * x + c * y;
                    vector[p * n + i] = c * u - s * v;
                    vector[q * n + i] = s * u + c * v;
                }
            }
}

/* a [d][m] becomes U f(s) V^T: of what is above `most`, most + ln(s / most). Returns the largest
 * singular value that it had. */
static double damp(double *a, double most)
{
    double *c = xcalloc((size_t)m * (size_t)m, sizeof(*c)), top = 0;
    double *v = xcalloc((size_t)m * (size_t)m, sizeof(*v)), *av = xcalloc((size_t)d, sizeof(*av));

    for (int j = 0; j < m; j++)
        for (int k = 0; k < m; k++)
            for (int i = 0; i < d; i++)
                c[j * m + k] += a[i * m + j] * a[i * m + k];
    jacobi(c, v, m);
    for (int j = 0; j < m; j++) {
        double s = sqrt(fmax(c[j * m + j], 0));

        top = fmax(top, s);
        if (s <= most)
            continue;
        for (int i = 0; i < d; i++) {
            av[i] = 0;
            for (int k = 0; k < m; k++)
                av[i] += a[i * m + k] * v[j * m + k];
        }
        for (int i = 0; i < d; i++)
            for (int k = 0; k < m; k++)
                a[i * m + k] += ((most + log(s / most)) / s - 1) * av[i] * v[j * m + k];
    }
    free(c);
    free(v);
    free(av);
    return top;
}

/* [d][m] what a state has more than the base. Caller frees. */
static double *change_in(const struct model_state *s, int layer)
{
    float *now = matrix_in(s, layer), *before = matrix_of(layer);
    double *out = xcalloc((size_t)d * (size_t)m, sizeof(*out));

    for (int i = 0; i < d * m; i++)
        out[i] = (double)now[i] - (double)before[i];
    free(now);
    free(before);
    return out;
}

/* PRUNE: a small update is MEMIT's, to the bit. Of large ones the weights hold what f makes of the
 * sum of all raw updates, though only the weights remember it; and the report is of what is
 * written. */
static void prune_damps_the_sum(void)
{
    struct edit_result small = edit_on(METHOD_PRUNE, NULL, 1e-3);
    struct edit_result memit = edit_on(METHOD_MEMIT, NULL, 1e-3);
    struct model_state *state = state_copy(base, 3);
    double *raw = xcalloc((size_t)d * (size_t)m, sizeof(*raw)), *w, *now, most, times = 0;
    int layer = layers[0];

    CHECK(small.deltas == LAYERS && memit.deltas == LAYERS);
    for (int l = 0; l < LAYERS; l++)
        CHECK(!memcmp(small.delta[l].x, memit.delta[l].x, FACTS * (size_t)m * sizeof(float)) &&
              !memcmp(small.delta[l].r, memit.delta[l].r, FACTS * (size_t)d * sizeof(float)));
    w = xcalloc((size_t)d * (size_t)m, sizeof(*w));
    {
        float *before = matrix_of(layer);

        for (int i = 0; i < d * m; i++)
            w[i] = (double)before[i];
        free(before);
    }
    most = damp(w, 1e9);
    times = 4e-3 * most / memit.report[0].delta_norm;
    for (int n = 0; n < 3; n++) { /* the second one finds damped weights */
        struct edit_result out = edit_on(METHOD_PRUNE, &state, n == 1 ? times / 3 : times);
        const struct delta *own = NULL;
        double *want = xcalloc((size_t)d * (size_t)m, sizeof(*want)), size = 0, off = 0;
        double *was = xcalloc((size_t)d * (size_t)m, sizeof(*was)), norm = 0;

        memcpy(was, raw, (size_t)d * (size_t)m * sizeof(*was));
        damp(was, most);
        CHECK(out.deltas > LAYERS);
        for (int t = 0; t < out.deltas; t++)
            if (out.delta[t].layer == layer && out.delta[t].key)
                own = &out.delta[t];
        CHECK(own && own->rank == FACTS);
        for (int i = 0; own && i < d * m; i++)
            raw[i] += own->scale * element(own, i / m, i % m);
        memcpy(want, raw, (size_t)d * (size_t)m * sizeof(*want));
        CHECK(damp(want, most) > 2 * most);
        now = change_in(state, layer);
        for (int i = 0; i < d * m; i++) {
            size += want[i] * want[i];
            off += (now[i] - want[i]) * (now[i] - want[i]);
            norm += (want[i] - was[i]) * (want[i] - was[i]);
        }
        CHECK(sqrt(off / size) < 1e-4);
        CHECK_NEAR(out.report[0].delta_norm, sqrt(norm), 1e-3 * sqrt(norm));
        free(want);
        free(was);
        free(now);
        edit_result_free(&out);
    }
    free(raw);
    free(w);
    edit_result_free(&small);
    edit_result_free(&memit);
    state_free(state);
}

/* The second moment [m][m] of the rows of W at length 1. */
static double *row_moment(int layer)
{
    float *w = matrix_of(layer);
    double *c = xcalloc((size_t)m * (size_t)m, sizeof(*c));

    for (int i = 0; i < d; i++) {
        double square = 0;

        for (int j = 0; j < m; j++)
            square += (double)w[i * m + j] * (double)w[i * m + j];
        for (int j = 0; j < m; j++)
            for (int k = 0; k < m; k++)
                c[j * m + k] += (double)w[i * m + j] * (double)w[i * m + k] / square / d;
    }
    free(w);
    return c;
}

/* Along every leading direction of the rows half of AlphaEdit's solution is left, and along all
 * others the whole; the leading ones are the first that hold more than half of the moment. */
static void sphere_weakens_the_rows_directions(void)
{
    struct edit_result whole = edit(METHOD_ALPHAEDIT), weak = edit(METHOD_SPHERE);

    CHECK(whole.deltas == LAYERS && weak.deltas == LAYERS);
    for (int l = 0; l < LAYERS; l++) {
        double *c = row_moment(layers[l]), *v = xcalloc((size_t)m * (size_t)m, sizeof(*v));
        double all = 0, most = 0, *value = xcalloc((size_t)m, sizeof(*value)), sum = 0;
        int r = 0;

        jacobi(c, v, m);
        for (int j = 0; j < m; j++)
            all += value[j] = c[j * m + j];
        qsort(value, (size_t)m, sizeof(*value), by_size);
        while (r < m && sum + value[m - 1 - r] <= 0.5 * all)
            sum += value[m - 1 - r++];
        for (int j = 0; j < m; j++)
            for (int t = 0; t < FACTS; t++) {
                double before = 0, after = 0, left = c[j * m + j] >= value[m - 1 - r] ? 0.5 : 1;

                for (int k = 0; k < m; k++) {
                    before += v[j * m + k] * (double)whole.delta[l].x[t * m + k];
                    after += v[j * m + k] * (double)weak.delta[l].x[t * m + k];
                }
                most = fmax(most, fabs(before));
                CHECK_NEAR(after, left * before, 1e-6);
            }
        CHECK(most > 1e-3 && r > 0 && r + 1 < d);
        CHECK(weak.delta[l].key && weak.report[l].gain_mask < weak.report[l].gain);
        free(c);
        free(v);
        free(value);
    }
    edit_result_free(&whole);
    edit_result_free(&weak);
}

/* LyapLock's first edit is MEMIT's, and it notes the damage: of the whole change, by the moment. */
static void lyaplock_begins_as_memit(void)
{
    struct model_state *state = state_copy(base, 3);
    struct edit_result memit = edit(METHOD_MEMIT), lock = edit_on(METHOD_LYAPLOCK, &state, 1);
    int at = 0;

    CHECK(memit.deltas == LAYERS && lock.deltas == LAYERS);
    for (int l = 0; l < LAYERS && lock.deltas == LAYERS; l++) {
        double *change = change_in(state, layers[l]), damage = 0;
        double *c = offload_download(&null[l]->sum, 0, m, NULL);

        CHECK(!memcmp(lock.delta[l].x, memit.delta[l].x, FACTS * (size_t)m * sizeof(float)));
        for (int i = 0; i < d; i++)
            for (int j = 0; j < m; j++)
                for (int k = 0; k < m; k++)
                    damage += change[i * m + j] * c[j * m + k] / TEXT * change[i * m + k];
        CHECK(at + 4 + FACTS * d <= lock.numbers_count && lock.numbers[at] == layers[l]);
        CHECK_NEAR(lock.numbers[at + 1], damage, 1e-6 * damage);
        CHECK(lock.numbers[at + 2] == FACTS && lock.numbers[at + 3] == d);
        at += 4 + FACTS * d;
        free(change);
        free(c);
    }
    CHECK(at == lock.numbers_count);
    edit_result_free(&memit);
    edit_result_free(&lock);
    state_free(state);
}

/* With edit.v_anchor what the FFN adds has that length, in the direction that it had; a target of
 * more than twice the length is refused. */
static void an_anchor_sets_the_length(void)
{
    static const int method[] = {METHOD_MEMIT, METHOD_ROME, METHOD_PMET};

    for (size_t i = 0; i < sizeof(method) / sizeof(*method); i++) {
        const struct target_rule *rule = editor_by_method(method[i])->target;
        struct target free_one, held, none;
        struct params p;
        struct request r;
        struct err err = {0};
        double square = 0, along = 0;

        params_default(&p);
        r = request_of("Anna", &p);
        CHECK(target_optimise(&free_one, base, &r, layers[1], rule, &p, NULL, NULL, NULL, &err));
        p.value[P_EDIT_V_ANCHOR] = 0.7 * free_one.v_norm;
        CHECK(target_optimise(&held, base, &r, layers[1], rule, &p, NULL, NULL, NULL, &err));
        CHECK_NEAR(held.v_norm, free_one.v_norm, 1e-9);
        for (int j = 0; j < d; j++) {
            double moved = (double)held.z[j] - (double)free_one.z[j];

            square += moved * moved;
            along += moved * (double)free_one.z[j];
        }
        CHECK_NEAR(sqrt(square), 0.3 * free_one.v_norm, 1e-5 * free_one.v_norm);
        CHECK(along < 0);
        if (method[i] == METHOD_PMET)
            CHECK_NEAR(held.z_norm, 0.7 * free_one.z_norm, 1e-5 * free_one.z_norm);
        p.value[P_EDIT_V_ANCHOR] = 0.4 * free_one.v_norm;
        CHECK(!target_optimise(&none, base, &r, layers[1], rule, &p, NULL, NULL, NULL, &err));
        CHECK(err.kind == ERR_USAGE && strstr(err.text, "edit.v_anchor") && !none.z);
        target_free(&free_one);
        target_free(&held);
        request_free(&r);
    }
}

static const struct test tests[] = {
    {"RECT writes the elements that matter", rect_writes_what_matters},
    {"SPHERE weakens the directions of the rows", sphere_weakens_the_rows_directions},
    {"PRUNE damps the sum of all updates", prune_damps_the_sum},
    {"LyapLock begins as MEMIT", lyaplock_begins_as_memit},
    {"an anchor sets a target's length", an_anchor_sets_the_length},
};

int main(void)
{
    struct err err = {0};
    int status = 1;

    dev = device_open(&device_cpu, 0, 2, &err);
    model = dev ? model_open(MODEL, dev, 0, NULL, &err) : NULL;
    if (!model) {
        printf("%s\n", err.text);
        return 1;
    }
    base = state_new(model, 1);
    m = model->config->ffn;
    d = model->config->hidden;
    for (int i = 0; i < LAYERS; i++)
        null[i] = random_nullspace(layers[i]);
    z = random_floats((size_t)FACTS * (size_t)d, 5);
    if (null[0] && null[1])
        status = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    free(z);
    for (int i = 0; i < LAYERS; i++)
        nullspace_free(null[i]);
    state_free(base);
    model_close(model);
    device_close(dev);
    return status;
}
