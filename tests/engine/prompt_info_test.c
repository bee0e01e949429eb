/* The parts of the model that lens, trace, interventions and top activations use, against the same
 * computed step by step. */
#include "core/base/rng.h"
#include "core/edit/moments_text.h"
#include "core/edit/trace.h"
#include "core/model/generate.h"
#include "core/model/lens.h"
#include "tests/doubles/device_far.h"
#include "tests/engine/small.h"

static struct device *dev;
static struct model *model;
static struct model_state *base;

static const int prompt[] = {'O', 'n', 'e', ' ', 'd', 'a', 'y', ' ', 'L', 'i', 'l', 'y'};
enum { N = sizeof(prompt) / sizeof(*prompt) };

/* The lens step by step: logits of one block's output at one position. */
struct plain {
    int layer, position;
    struct mat row; /* [1, d] */
};

static void take_row(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct plain *p = ctx;

    if (site == TAP_BLOCK_OUT && layer == p->layer)
        device_copy(dev, mat_rows(x, p->position, 1), p->row);
}

/* x receives the output of the last block. */
static void one_pass(const int *ids, int n, struct tap *tap, struct mat x)
{
    struct forward *f = forward_new(model, n);
    struct batch batch = batch_new(&ids, &n, NULL, 1, 0);
    struct kv_cache *c = kv_cache_new(model, n);

    CHECK(forward_run(f, base, &batch, c, x, tap, NULL, NULL));
    kv_cache_free(c, dev);
    batch_free(&batch);
    forward_free(f);
}

static void plain_lens(int layer, int position, float *logits)
{
    struct plain plain = {layer, position, mat_new(dev, DT_F32, 1, model->config->hidden)};
    struct tap tap = {take_row, &plain};
    struct forward *f = forward_new(model, 1);
    struct mat x = mat_new(dev, DT_F32, N, model->config->hidden);
    struct mat out = mat_new(dev, DT_F32, 1, model->head.rows);

    one_pass(prompt, N, &tap, x);
    forward_logits(f, plain.row, out);
    device_download(dev, logits, out);
    CHECK(device_sync(dev, NULL));
    mat_free(dev, &out);
    mat_free(dev, &x);
    mat_free(dev, &plain.row);
    forward_free(f);
}

static int rank_of(const float *logits, int token)
{
    int rank = 1;

    for (int j = 0; j < model->head.rows; j++)
        rank += logits[j] > logits[token];
    return rank;
}

static void cells_are_the_lens(void)
{
    int layers = model->config->layers, vocab = model->head.rows, cells = layers * N, best1;
    int token[2] = {'a', 'e'};
    int *best = xcalloc((size_t)cells, sizeof(int));
    int *rank = xcalloc((size_t)(2 * cells), sizeof(int));
    float *p = xcalloc((size_t)cells, sizeof(float));
    float *logits = xcalloc((size_t)vocab, sizeof(float));

    CHECK(lens_cells(base, prompt, N, token, 2, best, p, rank, NULL, NULL));
    for (int l = 0; l < layers; l++)
        for (int t = 0; t < N; t++) {
            plain_lens(l, t, logits);
            top_k(logits, vocab, 1, &best1);
            CHECK(best[l * N + t] == best1);
            CHECK_NEAR((double)p[l * N + t],
                       exp((double)logits[best1] - log_sum_exp(logits, vocab)), 1e-5);
            for (int k = 0; k < 2; k++) {
                /* products of another size round differently: close ranks may swap */
                CHECK(abs(rank[k * cells + l * N + t] - rank_of(logits, token[k])) <= 1);
            }
        }
    free(best);
    free(rank);
    free(p);
    free(logits);
}

static void one_pass_is_enough(void)
{
    static const int target[] = {' ', 'w', 'e', 'n', 't'};
    enum { T = sizeof(target) / sizeof(*target) };
    int layers = model->config->layers, token[2];
    int *best = xcalloc((size_t)(3 * layers * N), sizeof(int)), *rank = best + layers * N;
    struct lens_readout look;
    struct generate_options o = {0}, judged = {.target = target, .targets = T};
    struct generated g, with;

    CHECK(lens_readout(&look, base, prompt, N, target, T, -1, NULL, NULL));
    CHECK(generate(&g, base, prompt, N, &o, NULL, NULL));
    CHECK(generate(&with, base, prompt, N, &judged, NULL, NULL));
    top_k(g.logits, model->head.rows, 1, &token[0]);
    token[1] = target[0];
    CHECK(lens_cells(base, prompt, N, token, 2, best, NULL, rank, NULL, NULL));
    CHECK(look.old == token[0] && look.layers == layers);
    for (int i = 0; i < T; i++)
        CHECK_NEAR(look.logp[i], with.logp[i], 1e-4);
    for (int j = 0; j < model->head.rows; j++)
        CHECK_NEAR((double)look.logits[j], (double)g.logits[j], 1e-4);
    for (int l = 0; l < layers; l++)
        CHECK(abs(look.rank_old[l] - rank[l * N + N - 1]) <= 1 &&
              abs(look.rank_new[l] - rank[(layers + l) * N + N - 1]) <= 1);
    generated_free(&g);
    generated_free(&with);
    lens_readout_free(&look);
    free(best);
}

/* --- interventions --------------------------------------------------------------------- */

static struct generated ask(const struct model_state *view)
{
    struct generate_options o = {.tokens = 12, .ignore_eos = true};
    struct generated g;

    CHECK(generate(&g, view, prompt, N, &o, NULL, NULL));
    CHECK(g.count == 12);
    return g;
}

/* The same with a neuron's coefficient multiplied. */
static struct generated ask_scaled(int layer, int neuron, double factor)
{
    char name[] = "neurons", params[80];
    struct hook_data data = {.name = name, .params = params};
    struct model_state *state = state_copy(base, 3);
    struct err err = {0};
    struct hook *hook;
    struct generated g;

    snprintf(params, sizeof(params), "{\"change\":[[%d,%d,\"scale\",%g]]}", layer, neuron, factor);
    hook = hook_open(model, &data, &err);
    CHECK_STR(err.text, "");
    state_add_hook(state, hook);
    hook_release(hook);
    g = ask(state);
    state_free(state);
    return g;
}

static bool same(const struct generated *a, const struct generated *b, double tol)
{
    bool ok = a->count == b->count;

    for (int i = 0; ok && i < a->count; i++)
        ok = a->id[i] == b->id[i];
    for (int j = 0; ok && j < model->head.rows; j++)
        ok = fabs((double)a->logits[j] - (double)b->logits[j]) <= tol;
    return ok;
}

static void a_silenced_neuron_is_a_zero_column(void)
{
    int layer = 2, neuron = 7, d = model->config->hidden;
    struct model_state *without = state_copy(base, 2);
    struct generated plain = ask(base), kept = ask_scaled(layer, neuron, 1);
    struct generated quiet = ask_scaled(layer, neuron, 0), again = ask(base), zeroed;
    float *zeros = xcalloc((size_t)d, sizeof(float));

    device_upload(dev, mat_cols(state_writable(without, layer, MATRIX_DOWN), neuron, 1), zeros);
    zeroed = ask(without);
    CHECK(same(&plain, &kept, 0));   /* a factor of 1 changes no bit, */
    CHECK(same(&plain, &again, 0));  /* the next query is unchanged; */
    CHECK(!same(&plain, &quiet, 0)); /* 0 equals zeros in the column */
    CHECK(same(&zeroed, &quiet, 1e-6));
    generated_free(&plain);
    generated_free(&kept);
    generated_free(&quiet);
    generated_free(&again);
    generated_free(&zeroed);
    state_free(without);
    free(zeros);
}

/* --- the causal trace ------------------------------------------------------------------ */

/* One noise draw step by step: all tokens through all blocks, noise added by hand, one state
 * restored on the way. */
struct restored {
    int layer, token;
    struct mat clean; /* [layers * N, d] */
};

static void keep_clean(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct restored *r = ctx;

    if (site == TAP_BLOCK_OUT)
        device_copy(dev, x, mat_rows(r->clean, layer * N, N));
}

static void put_back(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct restored *r = ctx;

    if (site == TAP_BLOCK_OUT && layer == r->layer)
        device_copy(dev, mat_rows(r->clean, layer * N + r->token, 1), mat_rows(x, r->token, 1));
}

/* p [V] after the prompt; noise [N][d] is added to the embeddings. */
static void plain_run(const float *noise, struct restored *r, bool clean, double *p)
{
    const int *ids = prompt;
    int n = N, d = model->config->hidden, vocab = model->head.rows;
    struct tap tap = {clean ? keep_clean : put_back, r};
    struct forward *f = forward_new(model, N);
    struct batch batch = batch_new(&ids, &n, NULL, 1, 0);
    struct kv_cache *c = kv_cache_new(model, N);
    struct mat x = mat_new(dev, DT_F32, N, d), add = mat_new(dev, DT_F32, N, d);
    struct mat out = mat_new(dev, DT_F32, 1, vocab);
    float *logits = xcalloc((size_t)vocab, sizeof(float));

    forward_embed(f, &batch, x);
    if (noise) {
        device_upload(dev, add, noise);
        device_axpy(dev, 1, add, x);
    }
    for (int l = 0; l < model->config->layers; l++)
        forward_block(f, base, l, &batch, c, x, &tap, NULL);
    forward_logits(f, mat_rows(x, N - 1, 1), out);
    device_download(dev, logits, out);
    CHECK(device_sync(dev, NULL));
    for (int j = 0; j < vocab; j++)
        p[j] = exp((double)logits[j] - log_sum_exp(logits, vocab));
    free(logits);
    mat_free(dev, &out);
    mat_free(dev, &add);
    mat_free(dev, &x);
    kv_cache_free(c, dev);
    batch_free(&batch);
    forward_free(f);
}

/* The noise in the order that trace.h promises: sample, token, component. */
static float *drawn(int samples, int first, int last, double sigma, uint64_t seed)
{
    int d = model->config->hidden;
    float *noise = xcalloc((size_t)(samples * N * d), sizeof(float));
    uint64_t rng = seed;

    for (int s = 0; s < samples; s++)
        for (int t = first; t <= last; t++)
            for (int j = 0; j < d; j += 2) {
                double radius = sqrt(-2 * log(1 - rng_unit(&rng)));
                double angle = 2 * 3.14159265358979323846 * rng_unit(&rng);
                float *at = noise + (size_t)((s * N + t) * d + j);

                at[0] = (float)(sigma * radius * cos(angle));
                at[1] = (float)(sigma * radius * sin(angle));
            }
    return noise;
}

static void trace_equals_its_steps(void)
{
    enum { S = 3, FIRST = 8, LAST = 11 };
    int layers = model->config->layers, d = model->config->hidden, vocab = model->head.rows;
    bool corrupt[N] = {[8] = true, [9] = true, [10] = true, [11] = true};
    struct restored r = {-1, 0, mat_new(dev, DT_F32, layers * N, d)};
    double *p = xcalloc((size_t)vocab, sizeof(double)), clean, corrupted = 0;
    struct trace_run *run = trace_begin(base, prompt, N, corrupt, S, 0.3, 7, NULL, NULL);
    const struct trace_base *b = trace_base(run);
    float *noise = drawn(S, FIRST, LAST, 0.3, 7), effect[N];
    double most = 0;

    plain_run(NULL, &r, true, p);
    clean = p[b->answer];
    CHECK_NEAR(b->p_clean, clean, 1e-6);
    for (int j = 0; j < vocab; j++)
        CHECK(p[j] <= clean);
    for (int s = 0; s < S; s++) {
        plain_run(noise + s * N * d, &r, false, p);
        corrupted += p[b->answer] / S;
    }
    CHECK_NEAR(b->p_corrupt, corrupted, 1e-6);
    for (int l = 0; l < layers; l++) {
        CHECK(trace_layer(run, l, effect, NULL, NULL));
        for (int t = 0; t < N; t++) {
            double mean = 0;

            for (int s = 0; s < S; s++) {
                r.layer = l;
                r.token = t;
                plain_run(noise + s * N * d, &r, false, p);
                mean += p[b->answer] / S;
            }
            CHECK_NEAR((double)effect[t], mean - corrupted, 2e-6);
            CHECK(t >= FIRST || effect[t] == 0); /* tokens that were not corrupted have no effect */
            most = fmax(most, fabs((double)effect[t]));
        }
    }
    CHECK_NEAR((double)effect[N - 1], clean - corrupted, 1e-6);
    trace_end(run);
    run = trace_begin(base, prompt, N, corrupt, 1, 0, 7, NULL, NULL);
    CHECK_NEAR(trace_base(run)->noise, 0.92381433,
               1e-6);   /* computed from the embeddings in Python */
    CHECK(most > 0.01); /* not all are zero */
    trace_end(run);
    mat_free(dev, &r.clean);
    free(noise);
    free(p);
}

/* --- top activations ------------------------------------------------------------------- */

/* Coefficients of layer 1 by a separate pass over one window. */
static void take_coefficients(void *ctx, int layer, enum tap_site site, struct mat x)
{
    if (site == TAP_COEFF && layer == 1)
        device_download(dev, ctx, x);
}

static void top_activations_are_the_largest(void)
{
    enum { W = 16, WINDOWS = 6 };
    static const int layer[] = {1};
    struct moments_origin origin = {.model = "m", .text = "t", .window = W};
    int m = model->config->ffn, ids[W * WINDOWS];
    struct moments *sums = moments_new(dev, &origin, 1, layer, m, NULL);
    struct moments *count = moments_count(sums);
    struct top_activations *a = top_activations_new(sums), *b = top_activations_new(sums);
    struct moments_text *with = moments_text_new(base, sums, ids, W * WINDOWS);
    struct moments_text *alone = moments_text_new(base, count, ids, W * WINDOWS);
    float *all = xcalloc((size_t)(W * WINDOWS * m), sizeof(float));

    for (int i = 0; i < W * WINDOWS; i++)
        ids[i] = 'a' + (i * i * 7 + i / 5) % 26;
    for (int w = 0; w < WINDOWS; w++) {
        struct tap tap = {take_coefficients, all + w * W * m};
        struct mat x = mat_new(dev, DT_F32, W, model->config->hidden);

        one_pass(ids + w * W, W, &tap, x);
        mat_free(dev, &x);
    }
    moments_text_collect(with, a);
    moments_text_collect(alone, b);
    while (sums->tokens < W * WINDOWS)
        CHECK(moments_text_step(with, W * WINDOWS, NULL));
    while (count->tokens < W * WINDOWS)
        CHECK(moments_text_step(alone, W * WINDOWS, NULL));
    CHECK(a->tokens == W * WINDOWS && b->tokens == W * WINDOWS);
    CHECK(!memcmp(a->at, b->at, (size_t)m * TOP_ACTIVATIONS_KEPT * sizeof(int)));
    for (int i = 0; i < m; i++) {
        float most = 0, value = a->value[i * TOP_ACTIVATIONS_KEPT];

        for (int t = 0; t < W * WINDOWS; t++)
            most = fmaxf(most, fabsf(all[t * m + i]));
        CHECK_NEAR((double)fabsf(value), (double)most, 1e-5);
        CHECK_NEAR((double)value, (double)all[a->at[i * TOP_ACTIVATIONS_KEPT] * m + i], 1e-5);
    }
    moments_text_free(with);
    moments_text_free(alone);
    top_activations_free(a);
    top_activations_free(b);
    moments_free(sums);
    moments_free(count);
    free(all);
}

static void open_model(void)
{
    struct err err = {0};

    dev = device_open(&device_far, 0, 2, &err);
    model = dev ? model_open(tiny, dev, 0, NULL, &err) : NULL;
    CHECK_STR(err.text, "");
    base = model ? state_new(model, 1) : NULL;
}

static void close_model(void)
{
    state_free(base);
    model_close(model);
    device_close(dev);
}

static const struct test tests[] = {
    {"a small model opens", open_model},
    {"every cell is the lens of its block and position", cells_are_the_lens},
    {"one pass gives logits, probabilities and ranks of a prompt", one_pass_is_enough},
    {"silencing a neuron is zeroing its column, at every new token",
     a_silenced_neuron_is_a_zero_column},
    {"a causal trace equals the same step by step", trace_equals_its_steps},
    {"top activations are where a neuron is most active", top_activations_are_the_largest},
    {"and closes", close_model},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
