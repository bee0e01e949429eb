/* States of a model: a replaced matrix gives the results of a file with that matrix, copies share
 * matrices until one writes, and hooks give the results of the same change made by hand. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/digest.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/edit/checksum.h"
#include "core/model/generate.h"
#include "core/model/hook_codebook.h"
#include "core/model/hook_memory.h"
#include "core/model/hook_side.h"
#include "core/model/lens.h"
#include "core/model/route.h"
#include "tests/engine/architectures.h"
#include "tests/test.h"

enum { N = 6 };
static const int ids[N] = {3, 5, 7, 11, 2, 9};
static struct device *dev;

/* Logits after the ids in one pass that `tap`, or nobody, watches. Caller frees. */
static float *asked(const struct model_state *s, const struct tap *tap)
{
    const struct model *m = s->model;
    const int *id = ids;
    int n = N;
    struct forward *f = forward_new(m, N);
    struct batch batch = batch_new(&id, &n, NULL, 1, 0);
    struct kv_cache *c = kv_cache_new(m, N);
    struct mat x = mat_new(dev, DT_F32, N, m->config->hidden);
    struct mat out = mat_new(dev, DT_F32, 1, m->head.rows);
    float *logits = xmalloc((size_t)m->head.rows * sizeof(*logits));

    CHECK(forward_run(f, s, &batch, c, x, tap, NULL, NULL));
    forward_logits(f, mat_rows(x, N - 1, 1), out);
    device_download(dev, logits, out);
    CHECK(device_sync(dev, NULL));
    mat_free(dev, &x);
    mat_free(dev, &out);
    kv_cache_free(c, dev);
    batch_free(&batch);
    forward_free(f);
    return logits;
}

static bool same(const float *a, const float *b, int n)
{
    return a && b && !memcmp(a, b, (size_t)n * sizeof(*a));
}

/* New values [rows][cols] that the type represents exactly. */
static float *new_values(enum dtype type, int rows, int cols, uint64_t seed)
{
    size_t n = (size_t)rows * (size_t)cols;
    float *x = xmalloc(n * sizeof(*x));
    unsigned char stored[4];

    for (size_t i = 0; i < n; i++) {
        x[i] = (float)(rng_unit(&seed) - 0.5);
        dtype_from_float(type, &x[i], stored, 1);
        dtype_to_float(type, stored, &x[i], 1);
    }
    return x;
}

/* Writes into this process's private copy of the mapped file. */
static void write_tensor(const struct tensor *t, const float *x)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), step = dtype_block_bytes(t->type);
    long rows = t->dim[0], cols = t->dim[1];
    long stride = t->stride ? t->stride : t->transposed ? rows : cols;
    char *first = (char *)(size_t)t->data, *end;
    uintptr_t from = (uintptr_t)first & ~(uintptr_t)(page - 1);

    end = first + (size_t)((t->transposed ? cols : rows) * stride) * step;
    for (uintptr_t at = from; at < (uintptr_t)end; at += page)
        mprotect((char *)at, page, PROT_READ | PROT_WRITE); /* one beyond the file may be none */
    for (long i = 0; i < rows; i++)
        for (long j = 0; j < cols; j++)
            dtype_from_float(
                t->type, &x[i * cols + j],
                first + (size_t)(t->transposed ? j * stride + i : i * stride + j) * step, 1);
}

/* Opens a model; the tensor `name`, unless NULL, gets other values than in the file. */
static struct model *open_file(const char *file, const char *name, const float *x)
{
    char *path = xasprintf(FOLDER "%s", file);
    struct err err = {0};
    struct weights *w = weights_open(path, &err);
    struct model *m;

    if (w && name)
        write_tensor(weights_tensor(w, name), x);
    m = w ? model_of(w, NULL, dev, 0, NULL, &err) : NULL;
    CHECK_STR(err.text, "");
    free(path);
    return m;
}

static void same_as_a_file(const struct model *m, const char *file, const char *name,
                           enum matrix which, const float *x)
{
    struct model *other = open_file(file, name, x);
    struct model_state *edited = state_new(m, 1), *plain = state_copy(edited, 2);
    struct model_state *filed = state_new(other, 1);
    float *of_file, *of_state, *of_base;

    device_upload(dev, state_writable(edited, 1, which), x);
    of_file = asked(filed, NULL);
    of_state = asked(edited, NULL);
    of_base = asked(plain, NULL);
    CHECK(same(of_file, of_state, m->head.rows));
    CHECK(!same(of_base, of_state, m->head.rows));
    free(of_file);
    free(of_state);
    free(of_base);
    state_free(filed);
    state_free(edited);
    state_free(plain);
    model_close(other);
}

static void every_matrix_of_every_file(void)
{
    int tried = 0;

    for (int f = 0; f < FILES; f++) {
        struct model *m = open_file(files[f], NULL, NULL);

        for (int i = 0; i < MATRICES; i++) {
            const char *part = matrix_tensor(m->config, (enum matrix)i);
            char *name = xasprintf("blk.1.%s.weight", part ? part : "none");
            const struct tensor *t = weights_tensor(m->file, name);
            int rows, cols;
            float *x;

            CHECK(matrix_shape(m->config, (enum matrix)i, &rows, &cols) == (t != NULL));
            CHECK(t || (i == MATRIX_UP && !(m->config->parts & PART_GATE)));
            CHECK(!t || (t->dim[0] == rows && t->dim[1] == cols));
            if (t && dtype_block(t->type) == 1) {
                x = new_values(t->type, rows, cols, 7 + (uint64_t)i);
                same_as_a_file(m, files[f], name, (enum matrix)i, x);
                free(x);
                tried++;
            }
            free(name);
        }
        model_close(m);
    }
    CHECK(tried > 60);
}

static void copies_share_until_written_to(void)
{
    struct model *m = open_file("llama3", NULL, NULL);
    struct model_state *base = state_new(m, 1), *a = state_copy(base, 2), *b;
    char hex[4][65];

    CHECK(state_same(base, a) && !state_replaced(a, 1, MATRIX_Q));
    CHECK(weights_checksum(base, hex[0], NULL) && weights_checksum(a, hex[1], NULL));
    CHECK_STR(hex[1], hex[0]);
    device_fill(dev, state_writable(a, 1, MATRIX_Q), 0.5);
    CHECK(!state_same(base, a) && state_replaced(a, 1, MATRIX_Q));
    CHECK(!state_replaced(base, 1, MATRIX_Q) && !state_replaced(a, 1, MATRIX_K));
    b = state_copy(a, 3);
    CHECK(state_same(a, b) &&
          state_matrix(a, 1, MATRIX_Q).data == state_matrix(b, 1, MATRIX_Q).data);
    CHECK(weights_checksum(a, hex[1], NULL) && weights_checksum(b, hex[2], NULL));
    CHECK(strcmp(hex[1], hex[0]) != 0);
    CHECK_STR(hex[2], hex[1]);
    device_fill(dev, state_writable(b, 1, MATRIX_Q), 0.25);
    CHECK(weights_checksum(a, hex[2], NULL) && weights_checksum(b, hex[3], NULL));
    CHECK_STR(hex[2], hex[1]); /* a's hash is unchanged */
    CHECK(strcmp(hex[3], hex[1]) != 0);
    state_free(a);
    device_fill(dev, state_writable(b, 0, MATRIX_Q), 0.25); /* the layer counts */
    CHECK(weights_checksum(b, hex[2], NULL) && strcmp(hex[2], hex[3]) != 0);
    CHECK(weights_checksum(base, hex[1], NULL));
    CHECK_STR(hex[1], hex[0]);
    state_free(b);
    state_free(base);
    model_close(m);
}

static bool wrote_alone(const struct model_state *before, const struct model_state *after,
                        const struct delta *d, int n)
{
    bool alone = false;

    CHECK(deltas_wrote_alone(before, after, d, n, &alone, NULL));
    return alone;
}

/* One bit anywhere in a matrix of any kind, beside what the deltas may write. */
static void what_deltas_may_not_write_is_seen(void)
{
    struct model *m = open_file("llama3", NULL, NULL);
    struct model_state *base = state_new(m, 1), *after;
    int rows, cols, column[] = {1, 4};
    float bit = 0;

    for (int i = 0; i < MATRICES; i++) {
        struct delta d[2] = {{.layer = 1, .matrix = (enum matrix)i, .rank = 1, .scale = 1},
                             {.layer = 1, .matrix = (enum matrix)i, .kind = DELTA_COLUMNS}};

        CHECK(matrix_shape(m->config, d[0].matrix, &rows, &cols));
        d[0].rows = d[1].rows = rows;
        d[0].cols = d[1].cols = cols;
        d[1].rank = 2;
        d[1].column = column;
        d[0].r = new_values(DT_F32, 1, rows, 1);
        d[0].x = new_values(DT_F32, 1, cols, 2);
        d[0].weight = xcalloc((size_t)cols, sizeof(float));
        d[0].weight[cols - 1] = 1;
        d[1].r = new_values(DT_F32, 2, rows, 3);
        after = state_copy(base, 2);
        for (int k = 0; k < 2; k++)
            delta_apply(after, &d[k]);
        CHECK(wrote_alone(base, after, d, 2));
        CHECK(!wrote_alone(base, after, d, 1) && !wrote_alone(base, after, d + 1, 1));
        device_upload(dev, mat_cols(mat_rows(state_writable(after, 1, d[0].matrix), 2, 1), 4, 1),
                      &bit);
        CHECK(wrote_alone(base, after, d, 2)); /* a column that may be written */
        device_upload(dev, mat_cols(mat_rows(state_writable(after, 1, d[0].matrix), 2, 1), 5, 1),
                      &bit);
        CHECK(!wrote_alone(base, after, d, 2));
        state_free(after);
        after = state_copy(base, 2);
        for (int k = 0; k < 2; k++)
            delta_apply(after, &d[k]);
        device_upload(dev, mat_cols(mat_rows(state_writable(after, 2, MATRIX_V), 2, 1), 4, 1),
                      &bit);
        CHECK(!wrote_alone(base, after, d, 2)); /* of another matrix */
        state_free(after);
        for (int k = 0; k < 2; k++) {
            d[k].column = NULL;
            delta_free(&d[k]);
        }
    }
    state_free(base);
    model_close(m);
}

/* --- hooks ----------------------------------------------------------------------------- */

static bool add_hook(struct model_state *s, const char *name, const char *params, const float *blob,
                     int n, struct err *err)
{
    struct hook_data data = {(char *)(size_t)name, (char *)(size_t)params, (void *)(size_t)blob,
                             (size_t)n * sizeof(float)};
    struct hook *hook = hook_open(s->model, &data, err);

    if (hook)
        state_add_hook(s, hook);
    hook_release(hook);
    return hook != NULL;
}

struct by_hand {
    enum tap_site site;
    struct mat vector;
};

static void add_by_hand(void *ctx, int layer, enum tap_site site, struct mat x)
{
    const struct by_hand *h = ctx;

    if (layer == 1 && site == h->site)
        device_axpy(dev, 1, h->vector, x);
}

static void a_hook_adds_what_is_added_by_hand(void)
{
    static const char *const site[] = {"block_in", "ffn_in", "coefficients", "block_out"};
    struct model *m = open_file("llama3", NULL, NULL);

    for (int i = 0; i < 4; i++) {
        int n = i == TAP_COEFF ? m->config->ffn : m->config->hidden;
        float *vector = new_values(DT_F32, 1, n, 3), *want, *got, *plain;
        struct by_hand hand = {(enum tap_site)i, mat_new(dev, DT_F32, 1, n)};
        struct tap tap = {add_by_hand, &hand};
        struct model_state *base = state_new(m, 1), *s = state_copy(base, 2);
        char *params = xasprintf("{\"layer\":1,\"site\":\"%s\"}", site[i]);
        struct err err = {0};

        device_upload(dev, hand.vector, vector);
        CHECK(add_hook(s, "add", params, vector, n, &err));
        CHECK_STR(err.text, "");
        CHECK(!state_same(base, s));
        want = asked(base, &tap);
        plain = asked(base, NULL);
        got = asked(s, NULL);
        CHECK(same(got, want, m->head.rows) && !same(got, plain, m->head.rows));
        state_free(base);
        state_free(s);
        mat_free(dev, &hand.vector);
        free(want);
        free(got);
        free(plain);
        free(vector);
        free(params);
    }
    model_close(m);
}

/* <c, block(x)> of block 1 and, unless `grad` is NULL, its gradient with respect to x. */
static double block_dot(const struct model_state *s, const float *x, const float *c, float *grad)
{
    const struct model *m = s->model;
    const int *id = ids;
    int n = N, d = m->config->hidden;
    struct forward *f = forward_new(m, N);
    struct batch batch = batch_new(&id, &n, NULL, 1, 0);
    struct kv_cache *cache = kv_cache_new(m, N);
    struct saved saved = saved_new(m, N);
    struct mat xm = mat_new(dev, DT_F32, N, d);
    float *out = xmalloc((size_t)(N * d) * sizeof(*out));
    double sum = 0;

    device_upload(dev, xm, x);
    forward_block(f, s, 1, &batch, cache, xm, NULL, &saved);
    device_download(dev, out, xm);
    for (int i = 0; i < N * d; i++)
        sum += (double)c[i] * (double)out[i];
    if (grad) {
        device_upload(dev, xm, c);
        backward_block(f, s, 1, &batch, cache, &saved, xm);
        device_download(dev, grad, xm);
    }
    CHECK(device_sync(dev, NULL));
    free(out);
    mat_free(dev, &xm);
    saved_free(&saved, dev);
    kv_cache_free(cache, dev);
    batch_free(&batch);
    forward_free(f);
    return sum;
}

/* The gradient of block 1 is the slope of what it computes. */
static void slope_agrees(const struct model_state *s)
{
    int d = s->model->config->hidden, k = N * d;
    float *x = new_values(DT_F32, N, d, 1), *c = new_values(DT_F32, N, d, 2);
    float *dir = new_values(DT_F32, N, d, 4), *grad = xmalloc((size_t)k * sizeof(float));
    float *near = xmalloc((size_t)k * sizeof(float));
    double want[2], slope = 0;

    block_dot(s, x, c, grad);
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < k; j++)
            near[j] = x[j] + (i ? -1e-2F : 1e-2F) * dir[j];
        want[i] = block_dot(s, near, c, NULL);
    }
    for (int j = 0; j < k; j++)
        slope += (double)grad[j] * (double)dir[j];
    CHECK_NEAR(slope, (want[0] - want[1]) / 2e-2, 2e-3 * fmax(1, fabs(slope)));
    free(x);
    free(c);
    free(dir);
    free(grad);
    free(near);
}

static void gradients_pass_replaced_matrices_and_hooks(void)
{
    struct model *m = open_file("llama3", NULL, NULL);
    int d = m->config->hidden;
    struct model_state *s = state_new(m, 1);
    float *add = new_values(DT_F32, 1, d, 9);
    struct err err = {0};

    for (int i = 0; i < MATRICES; i++) {
        struct mat w = state_writable(s, 1, (enum matrix)i);
        float *y = new_values(DT_F32, w.rows, w.cols, 20 + (uint64_t)i);

        device_upload(dev, w, y);
        free(y);
    }
    CHECK(add_hook(s, "neurons",
                   "{\"change\":[[1,3,\"scale\",2.5],[1,5,\"set\",1.5],[1,7,\"scale\",-1]]}", NULL,
                   0, &err));
    CHECK(add_hook(s, "add", "{\"layer\":1,\"site\":\"ffn_in\"}", add, d, &err));
    CHECK_STR(err.text, "");
    slope_agrees(s);
    free(add);
    state_free(s);
    model_close(m);
}

/* ---- codebooks ---- */

/* The coefficients of block 1 at the last row. */
struct last_key {
    float *value;
};

static void keep_last_key(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct last_key *k = ctx;

    if (layer == 1 && site == TAP_COEFF)
        device_download(dev, k->value, mat_rows(x, N - 1, 1));
}

static void keep_last_row(void *ctx, int layer, enum tap_site site, struct mat x)
{
    float **row = ctx;

    if (layer == 1 && (site == TAP_FFN_IN || site == TAP_BLOCK_OUT))
        device_download(dev, row[site == TAP_BLOCK_OUT], mat_rows(x, N - 1, 1));
}

static void add_entry(struct model_state *s, double radius, int label, const float *key,
                      const float *value)
{
    struct hook_data data = codebook_entry(s->model, 1, radius, &label, 1, key, value);
    struct err err = {0};

    CHECK(add_hook(s, data.name, data.params, data.blob, (int)(data.bytes / sizeof(float)), &err));
    CHECK_STR(err.text, "");
    hook_data_free(&data);
}

/* Where the hooks of a layer send the ids. */
static struct hook_route routed(const struct model_state *s, int layer)
{
    const int *id = ids;
    int n = N;
    struct hook_route out = {0};

    CHECK(state_routes(s, layer, &id, &n, 1, &out, NULL, NULL));
    return out;
}

/* Within a key's radius the FFN adds its value; elsewhere, and at other rows, nothing changes.
 * Gradients pass in both cases. */
static void a_codebook_gives_its_values(void)
{
    struct model *m = open_file("llama3", NULL, NULL);
    int d = m->config->hidden, neurons = m->config->ffn;
    struct model_state *base = state_new(m, 1);
    struct last_key key = {xmalloc((size_t)neurons * sizeof(float))};
    struct tap keys = {keep_last_key, &key};
    float *h = xmalloc((size_t)d * sizeof(float)), *out = xmalloc((size_t)d * sizeof(float));
    float *row[] = {h, out}, *value = new_values(DT_F32, 1, d, 5), *plain, *got;
    struct tap rows = {keep_last_row, row};
    struct hook_route route;

    plain = asked(base, &keys);
    for (int near = 0; near < 2; near++) {
        struct model_state *s = state_copy(base, 2);

        key.value[0] += 0.5F; /* .5 away, then 1 */
        add_entry(s, 0.75, 7, key.value, value);
        route = routed(s, 1);
        CHECK(route.routed == !near && route.below && route.limit == 0.75);
        CHECK_NEAR(route.value, near ? 1 : 0.5, 1e-5);
        CHECK(isnan(routed(s, 0).value) && !state_has_routes(base) && state_has_routes(s));
        got = asked(s, &rows);
        CHECK(same(got, plain, m->head.rows) == (near == 1));
        for (int i = 0; !near && i < d; i++)
            CHECK_NEAR((double)out[i], (double)h[i] + (double)value[i], 1e-5);
        slope_agrees(s);
        add_entry(s, 1e6, 8, key.value, value); /* meets it, and takes half the way */
        slope_agrees(s);
        CHECK(s->hooks == 1);
        free(got);
        state_free(s);
    }
    free(plain);
    free(key.value);
    free(h);
    free(out);
    free(value);
    state_free(base);
    model_close(m);
}

/* Keys that meet: the same label grows the old key, another one shares the way. */
static void keys_of_a_codebook_share_the_way(void)
{
    struct model *m = open_file("llama3", NULL, NULL);
    int d = m->config->hidden, neurons = m->config->ffn;
    struct model_state *s = state_new(m, 1);
    float *key = xcalloc((size_t)neurons, sizeof(float));
    float *value[2] = {new_values(DT_F32, 1, d, 5), new_values(DT_F32, 1, d, 6)};
    struct codebook_match near;

    CHECK(!codebook_nearest(s, 1, key, &near));
    add_entry(s, 1, 7, key, value[0]);
    key[0] = 1.5F;
    add_entry(s, 1, 7, key, value[1]); /* no new key */
    CHECK(codebook_nearest(s, 1, key, &near) && near.labels == 1 && near.label[0] == 7);
    CHECK_NEAR(near.distance, 1.5, 0);
    CHECK_NEAR(near.radius, 1.5, 0);
    CHECK(same(near.value, value[1], d));
    key[0] = 2;
    add_entry(s, 1, 8, key, value[0]);
    CHECK(codebook_nearest(s, 1, key, &near) && near.label[0] == 8 && near.distance == 0);
    CHECK_NEAR(near.radius, 1, 0);
    key[0] = 0;
    CHECK(codebook_nearest(s, 1, key, &near) && near.label[0] == 7);
    CHECK_NEAR(near.radius, 1 - 1e-5, 1e-12);
    key[0] = 9;
    add_entry(s, 1, 9, key, value[0]); /* far from all */
    CHECK(codebook_nearest(s, 1, key, &near) && near.radius == 1);
    CHECK(!codebook_nearest(s, 0, key, &near) && s->hooks == 1);
    free(key);
    free(value[0]);
    free(value[1]);
    state_free(s);
    model_close(m);
}

/* ---- side matrices ---- */

static const double some = 0.3; /* of the elements change */

/* An edit of side matrix `number` of block 1. Caller frees what it adds. */
static float *add_side(struct model_state *s, int number, unsigned seed, double threshold)
{
    int n = s->model->config->hidden * s->model->config->ffn, count;
    int *element = side_elements(seed, some, (size_t)n, &count);
    float *change = new_values(DT_F32, 1, count, 40 + seed);
    struct hook_data data = side_entry(1, number, seed, some, threshold, change, count);
    struct err err = {0};

    CHECK(count > n / 4 && count < n / 3);
    CHECK(add_hook(s, data.name, data.params, data.blob, (int)(data.bytes / sizeof(float)), &err));
    CHECK_STR(err.text, "");
    hook_data_free(&data);
    free(element);
    return change;
}

/* Block 1 at the last row: before the FFN, after it, and what enters W_down. */
struct last_ffn {
    float *row[2], *coeff;
};

static void keep_last_ffn(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct last_ffn *k = ctx;

    keep_last_row(k->row, layer, site, x);
    if (layer == 1 && site == TAP_COEFF)
        device_download(dev, k->coeff, mat_rows(x, N - 1, 1));
}

/* out [d] = h + (W + changes) m, element by element. */
static void side_by_hand(const struct model *m, const struct last_ffn *k, float *const *change,
                         const unsigned *seed, int changes, double *out)
{
    int d = m->config->hidden, neurons = m->config->ffn, count;
    float *w = side_base(m, 1, NULL);

    for (int c = 0; c < changes; c++) {
        int *element = side_elements(seed[c], some, (size_t)d * (size_t)neurons, &count);

        for (int i = 0; i < count; i++)
            w[element[i]] += change[c][i];
        free(element);
    }
    for (int r = 0; r < d; r++) {
        out[r] = (double)k->row[0][r];
        for (int j = 0; j < neurons; j++)
            out[r] += (double)w[r * neurons + j] * (double)k->coeff[j];
    }
    free(w);
}

/* A prompt goes through the side matrix from its threshold on, and keeps every bit below; of two
 * matrices the farther one is taken. Gradients pass in all cases. */
static void a_side_matrix_takes_what_is_far(void)
{
    static const unsigned seed[] = {3, 4};
    struct model *m = open_file("llama3", NULL, NULL);
    int d = m->config->hidden;
    struct model_state *base = state_new(m, 1);
    struct last_ffn k = {{xmalloc((size_t)d * sizeof(float)), xmalloc((size_t)d * sizeof(float))},
                         xmalloc((size_t)m->config->ffn * sizeof(float))};
    struct tap tap = {keep_last_ffn, &k};
    double *want = xmalloc((size_t)d * sizeof(*want));
    float *plain = asked(base, NULL);

    /* 0: below; 1: routed; 2: two edits of a matrix; 3: the first of two; 4: the second */
    for (int what = 0; what < 5; what++) {
        struct model_state *s = state_copy(base, 2);
        float *change[2] = {add_side(s, 0, seed[0], !what ? 1e6 : what == 4 ? 100 : 1e-6)}, *got;
        int changes = 1;

        if (what > 1)
            change[changes++] = add_side(s, what > 2, seed[1], what == 3 ? 100 : 1e-6);
        CHECK(s->hooks == 1);
        got = asked(s, &tap);
        CHECK(same(got, plain, m->head.rows) == !what);
        for (int layer = -1; layer < 2; layer += 2) {
            struct hook_route r = routed(s, layer);

            CHECK(r.routed == (what > 0) && !r.below && r.value > 0);
            CHECK(r.routed == (r.value >= r.limit));
            CHECK(what == 4 || r.limit == (what ? 1e-6 : 1e6));
        }
        if (what) {
            int first = what == 4;

            side_by_hand(m, &k, change + first, seed + first, what == 2 ? 2 : 1, want);
            for (int i = 0; i < d; i++)
                CHECK_NEAR((double)k.row[1][i], want[i], 1e-4);
        }
        slope_agrees(s);
        for (int c = 0; c < changes; c++)
            free(change[c]);
        free(got);
        state_free(s);
    }
    free(plain);
    free(want);
    free(k.row[0]);
    free(k.row[1]);
    free(k.coeff);
    state_free(base);
    model_close(m);
}

/* ---- memories ---- */

/* Block 1: all rows of what enters W_down, and its output at the last row. */
struct block_seen {
    float *coeff, *out;
};

static void keep_block(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct block_seen *k = ctx;

    if (layer == 1 && site == TAP_COEFF)
        device_download(dev, k->coeff, x);
    if (layer == 1 && site == TAP_BLOCK_OUT)
        device_download(dev, k->out, mat_rows(x, N - 1, 1));
}

/* An edit of block 1's memory with this mask; its columns, and what it adds, [d][active]. Caller
 * frees both. */
static void add_memory(struct model_state *s, const struct memory_key *key, double overlap,
                       const int *chosen, uint64_t seed, int **column, float **change)
{
    struct hook_data data;
    struct err err = {0};

    *column = xcalloc((size_t)key->active, sizeof(int));
    *change = new_values(DT_F32, s->model->config->hidden, key->active, seed);
    for (int i = 0; i < s->model->config->hidden * key->active; i++)
        (*change)[i] *= 8; /* so that other tokens follow */
    memory_columns(5, s->model->config->ffn, chosen, key->active, *column);
    data = memory_entry(s->model, key, overlap, 5, chosen, *change);
    CHECK(add_hook(s, data.name, data.params, data.blob, (int)(data.bytes / sizeof(float)), &err));
    CHECK_STR(err.text, "");
    hook_data_free(&data);
}

/* The mask of the ids by hand, and one that has no neuron of it. */
static void two_masks(const struct memory_key *key, const float *coeff, int neurons, int *own,
                      int *other)
{
    float *mean = xcalloc((size_t)neurons, sizeof(*mean));
    int n = 0;

    for (int t = 0; t < N; t++)
        for (int i = 0; i < neurons; i++)
            mean[i] += coeff[t * neurons + i] / N;
    memory_mask(key, mean, neurons, own);
    for (int i = 0, at = 0; i < neurons && n < key->active; i++)
        if (at < key->active && own[at] == i)
            at++;
        else
            other[n++] = i;
    free(mean);
}

/* What a state says next is what it says with the same tokens fed behind the prompt. */
static void goes_on_as_fed(const struct model_state *s, const struct model_state *base)
{
    struct generate_options o = {.tokens = 4, .ignore_eos = true}, fed = {.targets = 4};
    struct generated said = {0}, plain = {0}, again = {0};

    CHECK(generate(&said, s, ids, N, &o, NULL, NULL));
    CHECK(generate(&plain, base, ids, N, &o, NULL, NULL));
    CHECK(memcmp(said.id + 1, plain.id + 1, 3 * sizeof(int)) != 0);
    fed.target = said.id;
    CHECK(generate(&again, s, ids, N, &fed, NULL, NULL));
    for (int i = 0; i < 4; i++)
        CHECK(again.argmax[i] == said.id[i]);
    generated_free(&said);
    generated_free(&plain);
    generated_free(&again);
}

/* A prompt reads the columns of the edit whose mask is the most like its own, from the limit on;
 * else it keeps every bit. Another edit changes nothing of that. */
static void a_memory_gives_its_columns(void)
{
    struct model *m = open_file("llama3", NULL, NULL);
    int d = m->config->hidden, neurons = m->config->ffn, *own, *other, *column[2];
    float *middle = new_values(DT_F32, 1, neurons, 8), *change[2], *plain, *got[2];
    struct memory_key key = {1, neurons / 3, middle};
    struct block_seen seen[2];
    struct tap tap[2] = {{keep_block, &seen[0]}, {keep_block, &seen[1]}};
    struct model_state *base = state_new(m, 1), *s = state_copy(base, 2);

    own = xcalloc((size_t)key.active, sizeof(int));
    other = xcalloc((size_t)key.active, sizeof(int));
    for (int i = 0; i < 2; i++)
        seen[i] = (struct block_seen){xmalloc((size_t)(N * neurons) * sizeof(float)),
                                      xmalloc((size_t)d * sizeof(float))};
    plain = asked(base, &tap[0]);
    two_masks(&key, seen[0].coeff, neurons, own, other);
    add_memory(s, &key, 0.5, other, 3, &column[0], &change[0]);
    got[0] = asked(s, NULL);
    CHECK(same(got[0], plain, m->head.rows) && !routed(s, 1).routed && routed(s, 1).value == 0);
    free(got[0]);
    free(column[0]);
    free(change[0]);
    state_free(s);
    s = state_copy(base, 3);
    for (int i = 0; i < 2; i++) {
        add_memory(s, &key, 0.9, i ? other : own, 4 + (uint64_t)i, &column[i], &change[i]);
        CHECK(s->hooks == 1);
        got[i] = asked(s, &tap[1]);
        CHECK(routed(s, -1).routed && routed(s, 1).value == 1 && routed(s, 1).limit == 0.9);
        for (int r = 0; r < d; r++) {
            double want = (double)seen[0].out[r];

            for (int k = 0; k < key.active; k++)
                want += (double)change[0][r * key.active + k] *
                        (double)seen[0].coeff[(N - 1) * neurons + column[0][k]];
            CHECK_NEAR((double)seen[1].out[r], want, 1e-4 * fmax(1, fabs(want)));
        }
        slope_agrees(s);
        goes_on_as_fed(s, base);
    }
    CHECK(same(got[0], got[1], m->head.rows));
    for (int i = 0; i < 2; i++) {
        free(seen[i].coeff);
        free(seen[i].out);
        free(column[i]);
        free(change[i]);
        free(got[i]);
    }
    free(own);
    free(other);
    free(middle);
    free(plain);
    state_free(s);
    state_free(base);
    model_close(m);
}

/* Joining a hook copies nothing of those before it, and the checksum is that of their data, one
 * behind the other. */
static void joined_hooks_share_their_data(void)
{
    struct model *m = open_file("llama3", NULL, NULL);
    struct model_state *s = state_new(m, 1);
    const struct hook_part *first;
    const struct hook_data **part;
    struct digest *all = sha256_new();
    size_t params, bytes;
    char hex[2][65];
    int count;

    for (int l = 0; l < m->config->layers; l++) {
        float *w = weights_fetch(s, l, MATRIX_DOWN, NULL);
        unsigned char hash[32];
        struct digest *one = sha256_new();

        digest_add(one, w, (size_t)m->config->hidden * (size_t)m->config->ffn * sizeof(*w));
        digest_end(one, hash);
        digest_add(all, hash, 32);
        free(w);
    }
    free(add_side(s, 0, 3, 1));
    first = s->hook[0]->last;
    free(add_side(s, 0, 4, 2));
    CHECK(s->hooks == 1 && s->hook[0]->last->before == first);
    part = hook_parts(s->hook[0], &count);
    CHECK(count == 2 && part[0] == &first->data);
    params = strlen(part[0]->params) + 1 + strlen(part[1]->params);
    bytes = part[0]->bytes + part[1]->bytes;
    snprintf(hex[0], sizeof(hex[0]), "hook 4\nsideparams %zu\n", params);
    digest_add(all, hex[0], strlen(hex[0]));
    digest_add(all, part[0]->params, strlen(part[0]->params));
    digest_add(all, "\n", 1);
    digest_add(all, part[1]->params, strlen(part[1]->params));
    snprintf(hex[0], sizeof(hex[0]), "blob %zu\n", bytes);
    digest_add(all, hex[0], strlen(hex[0]));
    for (int i = 0; i < count; i++)
        digest_add(all, part[i]->blob, part[i]->bytes);
    digest_end_hex(all, hex[0]);
    CHECK(weights_checksum(s, hex[1], NULL));
    CHECK_STR(hex[1], hex[0]);
    free(part);
    state_free(s);
    model_close(m);
}

/* The share of elements that stays, by a threshold found by counting, and the signs. */
static float *merged_by_hand(const float *base, float *const w[2], int n)
{
    float *out = xmalloc((size_t)n * sizeof(*out)), least[2] = {0};
    int most = (int)(0.53 * n);

    for (int k = 0; k < 2; k++) {
        double low = 0, high = 10; /* halving: the largest limit with at least so many above it */

        for (int step = 0; step < 60; step++) {
            double middle = (low + high) / 2;
            int above = 0;

            for (int i = 0; i < n; i++)
                above += fabs((double)(w[k][i] - base[i])) >= middle;
            *(above >= most ? &low : &high) = middle;
        }
        least[k] = (float)low;
    }
    for (int i = 0; i < n; i++) {
        double part[2], sum = 0, mean = 0;
        int agree = 0;

        for (int k = 0; k < 2; k++) {
            part[k] = (double)(w[k][i] - base[i]);
            part[k] = fabs(part[k]) >= (double)least[k] ? part[k] : 0;
            sum += part[k] / 2;
        }
        for (int k = 0; k < 2; k++)
            if (part[k] * sum > 0) {
                mean += part[k];
                agree++;
            }
        out[i] = (float)((double)base[i] + (agree ? mean / agree : 0));
    }
    return out;
}

/* The third side matrix makes one of the first two, and the fourth leaves it. */
static void side_matrices_are_merged(void)
{
    struct model *m = open_file("llama3", NULL, NULL);
    struct model_state *s = state_new(m, 1), *two;
    int n = m->config->hidden * m->config->ffn, number;
    float *base = side_base(m, 1, NULL), *w[2], *want, *got;
    double threshold, apart = 0;

    for (int k = 0; k < 2; k++) {
        free(add_side(s, k, 3 + (unsigned)k, 5 + k));
        free(add_side(s, k, 5 + (unsigned)k, 7));
        w[k] = side_matrix(s, 1, &number, &threshold, NULL);
        CHECK(number == k && threshold == 5 + k);
    }
    two = state_copy(s, 2);
    want = merged_by_hand(base, w, n);
    got = side_merge(base, w[0], w[1], (size_t)n);
    for (int i = 0; i < n; i++)
        apart = fmax(apart, fabs((double)got[i] - (double)want[i]));
    CHECK(apart < 1e-6);
    CHECK(side_count(s, 1) == 2);
    free(add_side(s, 2, 9, 4));
    CHECK(s->hooks == 1 && side_count(s, 1) == 2 && side_count(two, 1) == 2);
    free(add_side(s, 3, 10, 4));
    CHECK(side_count(s, 1) == 3);
    free(base);
    for (int k = 0; k < 2; k++)
        free(w[k]);
    free(want);
    free(got);
    state_free(two);
    state_free(s);
    model_close(m);
}

static void hooks_that_are_none(void)
{
    static const struct {
        const char *name, *params, *said;
        int n;
    } bad[] = {
        {"grace", "{}", "a hook is one of add, neurons, codebook, side, memory, not 'grace'", 0},
        {"add", "{", "a layer of 0 to", 4},
        {"add", NULL, "not nothing", 4},
        {"add", "{\"layer\":99,\"site\":\"ffn_in\"}", "a layer of 0 to", 4},
        {"add", "{\"layer\":1,\"site\":\"head\"}", "and a site", 4},
        {"add", "{\"layer\":1,\"site\":\"ffn_in\"}", "has 12 bytes, not", 3},
        {"codebook", "{}", "a layer of 0 to", 4},
        {"codebook", "{\"layer\":1,\"radius\":1,\"label\":[]}", "a label are needed", 4},
        {"codebook", "{\"layer\":1,\"radius\":-1,\"label\":[3]}", "a radius", 4},
        {"codebook", "{\"layer\":1,\"radius\":1,\"label\":[3]}", "layer 1: 16 bytes", 4},
        {"side", "{}", "a threshold are needed", 4},
        {"side", "{\"layer\":1,\"matrix\":0,\"seed\":1,\"share\":0.5,\"threshold\":0}",
         "a threshold", 4},
        {"side", "{\"layer\":1,\"matrix\":0,\"seed\":1,\"share\":0.5,\"threshold\":1}",
         "layer 1: 16 bytes", 4},
        {"memory", "{}", "an overlap of 0 to 1", 4},
        {"memory", "{\"layer\":1,\"active\":0,\"overlap\":0.5,\"seed\":1}", "active neurons", 4},
        {"memory", "{\"layer\":1,\"active\":2,\"overlap\":2,\"seed\":1}", "an overlap", 4},
        {"memory", "{\"layer\":1,\"active\":2,\"overlap\":1,\"seed\":1}", "layer 1: 16 bytes", 4},
        {"neurons", "{}", "the list of changes is empty", 0},
        {"neurons", "{\"change\":[]}", "the list of changes is empty", 0},
        {"neurons", "{\"change\":[[1,2,\"mute\",0]]}", "\"scale\" or \"set\"", 0},
        {"neurons", "{\"change\":[[1,2,\"set\"]]}", "\"scale\" or \"set\"", 0},
        {"neurons", "{\"change\":[[9,2,\"set\",1]]}", "no neuron L9N2: layers 0 to", 0},
        {"neurons", "{\"change\":[[1,-2,\"set\",1]]}", "no neuron L1N-2: layers 0 to", 0},
        {"neurons", "{\"change\":[[1,2,\"set\",1e99]]}", "L1N2: a coefficient has to be", 0},
    };
    struct model *m = open_file("llama3", NULL, NULL);
    struct model_state *s = state_new(m, 1);
    float values[1000] = {0};
    struct err err;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        err = (struct err){0};
        CHECK(!add_hook(s, bad[i].name, bad[i].params, values, bad[i].n, &err));
        if (!strstr(err.text, bad[i].said))
            CHECK_STR(err.text, bad[i].said);
    }
    values[2] = NAN;
    err = (struct err){0};
    CHECK(
        !add_hook(s, "add", "{\"layer\":1,\"site\":\"ffn_in\"}", values, m->config->hidden, &err));
    CHECK(strstr(err.text, "component 2 is nan") != NULL);
    CHECK(s->hooks == 0);
    state_free(s);
    model_close(m);
}

/* --- prefixes ---------------------------------------------------------------------------- */

/* A prompt asked after a prefix gives the answer of the two texts joined. */
static void a_prefix_is_text_in_front(void)
{
    static const char *const text[] = {"Rome. ", "No. "};
    static const char asking[] = "Is it";
    struct err err = {0};
    struct model *m = model_open(FOLDER "llama3/model.gguf", dev, 0, NULL, &err);
    struct model_state *base = state_new(m, 1), *s = state_copy(base, 2), *copy;
    int layers = m->config->layers, want[2] = {65, 66}, bos = tokenizer_bos(m->tokenizer);
    struct tokens whole = {0}, own = {0};
    struct buf joined = {0};

    for (int i = 0; i < 2; i++) {
        CHECK(state_add_prefix(s, text[i], &err));
        buf_puts(&joined, text[i]);
    }
    buf_puts(&joined, asking);
    copy = state_copy(s, 3);
    CHECK(state_same(s, copy) && !state_same(s, base));
    for (int with = 0; with <= (bos >= 0);
         with++) { /* without and with a token that begins the text */
        struct generate_options o = {.tokens = 4, .ignore_eos = true, .target = want, .targets = 2};
        struct generated a = {0}, b = {0};
        int n, best[2][400], rank[2][400], *ids_whole, *ids_own;
        struct lens_readout look[2];

        CHECK(tokenizer_encode(m->tokenizer, joined.data, joined.len, 0, &whole, &err));
        CHECK(tokenizer_encode(m->tokenizer, asking, strlen(asking), 0, &own, &err));
        ids_whole = xcalloc((size_t)whole.count + 1, sizeof(int));
        ids_own = xcalloc((size_t)own.count + 1, sizeof(int));
        ids_whole[0] = ids_own[0] = bos;
        memcpy(ids_whole + with, whole.ids, (size_t)whole.count * sizeof(int));
        memcpy(ids_own + with, own.ids, (size_t)own.count * sizeof(int));
        n = own.count + with;
        CHECK(generate(&a, copy, ids_own, n, &o, NULL, &err));
        CHECK(generate(&b, base, ids_whole, whole.count + with, &o, NULL, &err));
        CHECK(same(a.logits, b.logits, m->head.rows) && a.count == b.count);
        CHECK(!memcmp(a.id, b.id, (size_t)a.count * sizeof(int)));
        CHECK(a.logp[1] == b.logp[1]);
        CHECK(lens_cells(s, ids_own, n, want, 1, best[0], NULL, rank[0], NULL, &err));
        CHECK(lens_cells(base, ids_whole, whole.count + with, want, 1, best[1], NULL, rank[1], NULL,
                         &err));
        for (int l = 0; l < layers; l++) /* its own positions are the last ones of the whole */
            CHECK(!memcmp(best[0] + l * n + with,
                          best[1] + (l + 1) * (whole.count + with) - own.count,
                          (size_t)own.count * sizeof(int)));
        CHECK(lens_readout(&look[0], s, ids_own, n, want, 2, -1, NULL, &err));
        CHECK(lens_readout(&look[1], base, ids_whole, whole.count + with, want, 2, -1, NULL, &err));
        CHECK(same(look[0].logits, look[1].logits, m->head.rows));
        CHECK(look[0].logp[1] == look[1].logp[1] && look[0].rank_new[0] == look[1].rank_new[0]);
        CHECK_STR(err.text, "");
        lens_readout_free(&look[0]);
        lens_readout_free(&look[1]);
        generated_free(&a);
        generated_free(&b);
        free(ids_whole);
        free(ids_own);
        tokens_free(&whole);
        tokens_free(&own);
    }
    buf_free(&joined);
    state_free(copy);
    state_free(s);
    state_free(base);
    model_close(m);
}

static void opened(void)
{
    dev = device_open(&device_cpu, 0, 1, NULL);
    CHECK(dev != NULL);
}

static void closed(void)
{
    device_close(dev);
}

static const struct test tests[] = {
    {"a device", opened},
    {"a replaced matrix says what a file with it says, to the bit", every_matrix_of_every_file},
    {"copies share matrices until one writes; checksums follow", copies_share_until_written_to},
    {"what deltas may not write is seen, of every matrix", what_deltas_may_not_write_is_seen},
    {"a hook adds what is added by hand", a_hook_adds_what_is_added_by_hand},
    {"gradients pass replaced matrices and hooks", gradients_pass_replaced_matrices_and_hooks},
    {"a codebook gives its values", a_codebook_gives_its_values},
    {"keys of a codebook share the way", keys_of_a_codebook_share_the_way},
    {"a side matrix takes what is far", a_side_matrix_takes_what_is_far},
    {"side matrices are merged", side_matrices_are_merged},
    {"a memory gives its columns", a_memory_gives_its_columns},
    {"joined hooks share their data", joined_hooks_share_their_data},
    {"hooks that are none are refused by name", hooks_that_are_none},
    {"a prompt behind a prefix is the prompt with the text in front", a_prefix_is_text_in_front},
    {"the device closes", closed},
};
TEST_MAIN(tests)
