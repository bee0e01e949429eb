/* Every architecture, from safetensors and from GGUF, against what transformers computes on the
 * same tiny weights (tests/data/architectures, made by tests/reference/architectures.py): logits,
 * residual streams, coefficients, decoding with the cache, gradients, scores, an edited matrix.
 *
 * On the CPU, on device_far and on a GPU where there is one; tests/emulate/ runs the same on the
 * CUDA sources without one. */
#include <float.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/edit/attribute.h"
#include "core/model/generate.h"
#include "core/model/lens.h"
#include "core/model/safetensors.h"
#include "tests/doubles/device_far.h"
#include "tests/engine/architectures.h"
#include "tests/test.h"

#ifndef ARCHITECTURES_DEVICES
#if HAVE_CUDA
#include "gpu/cuda.h"
#define ARCHITECTURES_DEVICES &device_cpu, &device_far, &device_cuda
#else
#define ARCHITECTURES_DEVICES &device_cpu, &device_far
#endif
#endif

enum { PAST = 12, ALL = 16 }; /* tokens of the prompt, and with those decoded after it */

static const struct device_ops *const devices[] = {ARCHITECTURES_DEVICES};

/* One model on one device, and its golden numbers. */
struct bench {
    const char *file;
    struct device *dev;
    struct model *model;
    struct model_state *base;
    struct safetensors *golden;
    const struct model_config *c;
    struct err err;
    int wrong;       /* comparisons that failed */
    double farthest; /* the largest difference of all */
    char first[200]; /* the first that failed */
};

static bool bench_open(struct bench *b, const char *file, const struct device_ops *ops,
                       long long memory)
{
    char path[160];
    int folder = (int)strcspn(file, "/");

    *b = (struct bench){.file = file};
    snprintf(path, sizeof(path), FOLDER "%.*s/golden.safetensors", folder, file);
    b->golden = safetensors_open(path, &b->err);
    CHECK_STR(b->err.text, "");
    b->dev = device_open(ops, 0, 2, &b->err);
    CHECK_STR(b->err.text, "");
    snprintf(path, sizeof(path), FOLDER "%s", file);
    b->model = b->dev ? model_open(path, b->dev, memory, NULL, &b->err) : NULL;
    if (!b->model)
        return false;
    b->base = state_new(b->model, 1);
    b->c = b->model->config;
    return b->golden != NULL;
}

static void bench_close(struct bench *b)
{
    state_free(b->base);
    model_close(b->model);
    device_close(b->dev);
    safetensors_close(b->golden);
}

/* --- comparing -------------------------------------------------------------------------- */

static void wrong(struct bench *b, const char *what, int layer, double got, double most)
{
    if (!b->wrong++)
        snprintf(b->first, sizeof(b->first), "%.100s%s%.0d: %.2e apart, at most %.0e", what,
                 layer > 0 ? " " : "", layer, got, most);
}

/* A golden tensor of n numbers. Caller frees; NULL: it has another size. */
static float *golden(struct bench *b, const char *name, size_t n)
{
    const struct st_tensor *t = safetensors_tensor(b->golden, name);
    float *x;

    if (!t || (size_t)st_tensor_elements(t) != n) {
        wrong(b, name, 0, t ? (double)st_tensor_elements(t) : 0, (double)n);
        return NULL;
    }
    x = xmalloc(n * sizeof(*x));
    st_tensor_floats(t, x);
    return x;
}

static double worst(const float *got, const float *want, size_t n)
{
    double most = 0;

    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)got[i] - (double)want[i]);

        most = d > most || isnan(d) ? d : most;
    }
    return isnan(most) ? HUGE_VAL : most;
}

static double largest(const float *x, size_t n)
{
    double most = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

/* Every number within `most` of the golden one, absolutely, or relative to the largest. */
static void agree(struct bench *b, const char *what, int layer, const float *got, const float *want,
                  size_t n, double most, bool relative)
{
    double d = want ? worst(got, want, n) / (relative ? largest(want, n) : 1) : 0;

    b->farthest = fmax(b->farthest, d);
    if (!(d <= most))
        wrong(b, what, layer, d, most);
}

/* Token ids of the golden file: ALL of "ids", 9 of "other". */
static void golden_ids(struct bench *b, const char *name, int *ids, int n)
{
    float *x = golden(b, name, (size_t)n);

    for (int i = 0; x && i < n; i++)
        ids[i] = (int)x[i];
    free(x);
}

static float *fetch(struct bench *b, struct mat x)
{
    float *host = xcalloc((size_t)x.rows * (size_t)x.cols, sizeof(float));

    device_download(b->dev, host, x);
    if (!device_sync(b->dev, &b->err))
        wrong(b, b->err.text, 0, 0, 0);
    return host;
}

/* --- the forward pass ------------------------------------------------------------------- */

/* A pass over ids[from..to), appended to the cache. */
struct step {
    struct forward *f;
    struct kv_cache *cache;
    struct mat x;
};

static struct step step_new(struct bench *b)
{
    return (struct step){forward_new(b->model, ALL), kv_cache_new(b->model, ALL),
                         mat_new(b->dev, DT_F32, ALL, b->c->hidden)};
}

static void step_free(struct bench *b, struct step *s)
{
    mat_free(b->dev, &s->x);
    kv_cache_free(s->cache, b->dev);
    forward_free(s->f);
}

/* Logits [to - from][V] of a view. Caller frees. */
static float *step_run(struct bench *b, struct step *s, const struct model_state *view,
                       const int *ids, int from, int to, const struct tap *tap)
{
    struct batch batch = batch_new(&ids, &to, &from, 1, 0);
    struct mat logits = mat_new(b->dev, DT_F32, to - from, b->model->head.rows);
    struct mat x = mat_rows(s->x, 0, to - from);
    float *host;

    if (!forward_run(s->f, view, &batch, s->cache, x, tap, NULL, &b->err))
        wrong(b, b->err.text, 0, 0, 0);
    forward_logits(s->f, x, logits);
    host = fetch(b, logits);
    mat_free(b->dev, &logits);
    batch_free(&batch);
    return host;
}

struct inside {
    struct bench *b;
    float *residual, *ffn_in, *coeff;
};

static void look_inside(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct inside *in = ctx;
    struct bench *b = in->b;
    size_t n = (size_t)x.rows * (size_t)x.cols;
    float *got = fetch(b, x);
    const char *what = site == TAP_COEFF ? "coeff" : site == TAP_FFN_IN ? "ffn_in" : "residual";
    const float *want = NULL;

    if (site == TAP_BLOCK_IN && !layer && in->residual)
        want = in->residual;
    if (site == TAP_BLOCK_OUT && in->residual)
        want = in->residual + (size_t)(layer + 1) * n;
    if (site == TAP_FFN_IN && in->ffn_in)
        want = in->ffn_in + (size_t)layer * n;
    if (site == TAP_COEFF && in->coeff)
        agree(b, what, layer, got + n - (size_t)x.cols, in->coeff + (size_t)(layer * x.cols),
              (size_t)x.cols, 1e-4, true);
    if (want)
        agree(b, what, layer, got, want, n, 1e-4, true);
    free(got);
}

static void forward_agrees(struct bench *b)
{
    size_t layers = (size_t)b->c->layers, d = ALL * (size_t)b->c->hidden;
    size_t v = (size_t)b->model->head.rows;
    struct inside in = {b, golden(b, "residual", (layers + 1) * d), golden(b, "ffn_in", layers * d),
                        golden(b, "coeff", layers * (size_t)b->c->ffn)};
    struct tap tap = {look_inside, &in};
    struct step s = step_new(b);
    float *want = golden(b, "logits", ALL * v), *got;
    int ids[ALL] = {0};

    golden_ids(b, "ids", ids, ALL);
    got = step_run(b, &s, b->base, ids, 0, ALL, &tap);
    agree(b, "logits", 0, got, want, ALL * v, 1e-4, false);
    free(got);
    free(want);
    free(in.residual);
    free(in.ffn_in);
    free(in.coeff);
    step_free(b, &s);
}

static void decoding_agrees(struct bench *b)
{
    size_t v = (size_t)b->model->head.rows;
    float *want = golden(b, "logits", ALL * v);
    struct step s = step_new(b);
    int ids[ALL] = {0};

    golden_ids(b, "ids", ids, ALL);
    for (int from = 0, to = PAST; want && from < ALL; from = to++) {
        float *got = step_run(b, &s, b->base, ids, from, to, NULL);

        agree(b, "decoded logits", from, got, want + (size_t)from * v, (size_t)(to - from) * v,
              1e-4, false);
        free(got);
    }
    free(want);
    step_free(b, &s);
}

/* W_down of layer 1 with a rank-1 update. */
static void edited_agrees(struct bench *b)
{
    size_t v = (size_t)b->model->head.rows;
    int d = b->c->hidden, m = b->c->ffn, ids[ALL] = {0};
    float *r = golden(b, "edit_r", (size_t)d), *x = golden(b, "edit_x", (size_t)m);
    float *want = golden(b, "edited", (ALL - PAST) * v), *got;
    struct model_state *view = state_copy(b->base, 2);
    struct step s = step_new(b);
    struct mat rm = mat_new(b->dev, DT_F32, 1, d), xm = mat_new(b->dev, DT_F32, 1, m);

    golden_ids(b, "ids", ids, ALL);
    if (r && x) {
        device_upload(b->dev, rm, r);
        device_upload(b->dev, xm, x);
        device_delta_apply(b->dev, rm, xm, state_writable(view, 1, MATRIX_DOWN));
    }
    got = step_run(b, &s, view, ids, 0, ALL, NULL);
    agree(b, "edited logits", 0, got + PAST * v, want, (ALL - PAST) * v, 1e-4, false);
    free(got);
    free(want);
    free(r);
    free(x);
    mat_free(b->dev, &rm);
    mat_free(b->dev, &xm);
    step_free(b, &s);
    state_free(view);
}

/* --- the gradient ----------------------------------------------------------------------- */

/* d(-log p(label)) at the last position with respect to the stream before the final norm: the last
 * row of dx; the others stay zero. */
static void head_gradient(struct bench *b, struct step *s, struct mat dx)
{
    struct mat logits = mat_new(b->dev, DT_F32, 1, b->model->head.rows);
    struct mat loss = mat_new(b->dev, DT_F32, 1, 1), last = mat_rows(s->x, ALL - 1, 1);
    int label = 0;

    golden_ids(b, "label", &label, 1);
    forward_logits(s->f, last, logits);
    device_cross_entropy(b->dev, logits, &label, 1, loss, true);
    backward_logits(s->f, last, logits, mat_rows(dx, ALL - 1, 1));
    mat_free(b->dev, &logits);
    mat_free(b->dev, &loss);
}

static void gradient_agrees(struct bench *b)
{
    int layers = b->c->layers, ids[ALL] = {0}, n = ALL;
    size_t d = ALL * (size_t)b->c->hidden;
    const int *row = ids;
    float *want = golden(b, "grad", (size_t)(layers + 1) * d);
    struct step s = step_new(b);
    struct saved *saved = xcalloc((size_t)layers, sizeof(*saved));
    struct mat dx = mat_new(b->dev, DT_F32, ALL, b->c->hidden);
    struct batch batch;

    golden_ids(b, "ids", ids, ALL);
    batch = batch_new(&row, &n, NULL, 1, 0);
    forward_embed(s.f, &batch, s.x);
    for (int l = 0; l < layers; l++) {
        saved[l] = saved_new(b->model, ALL);
        forward_block(s.f, b->base, l, &batch, s.cache, s.x, NULL, &saved[l]);
    }
    head_gradient(b, &s, dx);
    for (int l = layers; want && l >= 0; l--) {
        float *got = fetch(b, dx);

        agree(b, "gradient", l, got, want + (size_t)l * d, d, 1e-4, true);
        free(got);
        if (l)
            backward_block(s.f, b->base, l - 1, &batch, s.cache, &saved[l - 1], dx);
    }
    for (int l = 0; l < layers; l++)
        saved_free(&saved[l], b->dev);
    free(saved);
    free(want);
    mat_free(b->dev, &dx);
    batch_free(&batch);
    step_free(b, &s);
}

/* --- scores ----------------------------------------------------------------------------- */

static const struct {
    const char *strategy, *norm, *position, *golden, *target;
} kinds[] = {
    {"lps", "fixed_final", "last", "lps", "target"},
    {"lps", "own", "last", "lps_own", "target"},
    {"psa", "fixed_final", "last", "psa", "target"},
    {"mpc", "fixed_final", "last", "mpc", "target"},
    {"lps", "fixed_final", "padded_last", "lps_padded", "target_padded"}, /* no windows */
};

static void layer_agrees(struct bench *b, struct attribute_run *run, int layer, const char *name,
                         const float *want, const float *base)
{
    struct attribution *a = attribute_layer(run, layer, false, NULL, &b->err);
    size_t n = (size_t)(2 * b->c->ffn);

    if (!a) {
        wrong(b, b->err.text, 0, 0, 0);
        return;
    }
    agree(b, name, layer, a->score, want, n, 1e-3, true);
    for (int i = 0; base && i < 2; i++)
        if (fabs(a->base_logp[i] - (double)base[i]) > 1e-3)
            wrong(b, "base_logp", layer, fabs(a->base_logp[i] - (double)base[i]), 1e-3);
    attribution_unref(a);
}

static void kind_agrees(struct bench *b, const struct request *r, int kind)
{
    size_t n = (size_t)(2 * b->c->ffn), layers = (size_t)b->c->layers;
    float *want = golden(b, kinds[kind].golden, layers * n), *base = NULL;
    struct attribute_run *run;
    struct params p;
    int target[2] = {0};

    params_default(&p);
    CHECK(params_set(&p, "attr.strategy", kinds[kind].strategy, FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&p, "attr.norm", kinds[kind].norm, FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&p, "attr.target", "pred", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&p, "attr.position", kinds[kind].position, FROM_COMMAND_LINE, NULL));
    golden_ids(b, kinds[kind].target, target, 2);
    if (kind == 0)
        base = golden(b, "base_logp", layers * 2);
    run = attribute_begin(b->base, r, 1, &p, 1, NULL, &b->err);
    if (!run) {
        wrong(b, b->err.text, 0, 0, 0);
    } else {
        for (int i = 0; i < 2; i++)
            if (attribute_targets(run)[i] != target[i])
                wrong(b, "target", 0, attribute_targets(run)[i], target[i]);
        for (size_t l = 0; want && l < layers; l++)
            layer_agrees(b, run, (int)l, kinds[kind].golden, want + l * n,
                         base ? base + 2 * l : NULL);
    }
    attribute_end(run);
    free(want);
    free(base);
}

static void scores_agree(struct bench *b)
{
    int ids[ALL] = {0}, other[9] = {0};
    struct row rows[2] = {{.id = ids, .count = PAST, .lookup = PAST - 1},
                          {.id = other, .count = 9, .lookup = 8}};
    struct request r = {.row = rows, .rows = 2, .scored = rows, .scored_count = 2, .old = -1};

    golden_ids(b, "ids", ids, ALL);
    golden_ids(b, "other", other, 9);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (strcmp(kinds[i].golden, "lps_padded") || safetensors_tensor(b->golden, kinds[i].golden))
            kind_agrees(b, &r, (int)i);
}

/* --- reading out ------------------------------------------------------------------------ */

static void lens_agrees(struct bench *b)
{
    size_t n = (size_t)b->c->layers * ALL;
    float *best = golden(b, "lens_best", n), *p = golden(b, "lens_p", n);
    float *got_p = xcalloc(n, sizeof(*got_p));
    int *got = xcalloc(n, sizeof(*got)), ids[ALL] = {0};

    golden_ids(b, "ids", ids, ALL);
    if (!lens_cells(b->base, ids, ALL, NULL, 0, got, got_p, NULL, NULL, &b->err))
        wrong(b, b->err.text, 0, 0, 0);
    for (size_t i = 0; best && i < n; i++)
        if (got[i] != (int)best[i])
            wrong(b, "lens token", (int)(i / ALL), got[i], (double)best[i]);
    agree(b, "lens p", 0, got_p, p, n, 1e-4, false);
    free(best);
    free(p);
    free(got_p);
    free(got);
}

static void greedy_agrees(struct bench *b)
{
    const struct st_tensor *t = safetensors_tensor(b->golden, "greedy");
    struct generate_options o = {.tokens = t ? (int)t->dim[0] : 0};
    int ids[ALL] = {0}, want[ALL - PAST] = {0};
    struct generated g;

    golden_ids(b, "ids", ids, ALL);
    golden_ids(b, "greedy", want, o.tokens);
    if (!generate(&g, b->base, ids, PAST, &o, NULL, &b->err)) {
        wrong(b, b->err.text, 0, 0, 0);
        return;
    }
    for (int i = 0; i < o.tokens; i++) /* EOS is not part of the result */
        if (i < g.count ? g.id[i] != want[i] : want[i] != tokenizer_eos(b->model->tokenizer))
            wrong(b, "greedy token", i, i < g.count ? g.id[i] : -1, want[i]);
    generated_free(&g);
}

/* --- the tests -------------------------------------------------------------------------- */

/* Runs a check on every file and device. */
static void on_all(const char *what, void (*check)(struct bench *b))
{
    double farthest = 0;

    for (int i = 0; i < FILES; i++)
        for (size_t d = 0; d < sizeof(devices) / sizeof(*devices); d++) {
            struct bench b;
            bool ok;

            if (!devices[d]->count())
                continue;
            ok = bench_open(&b, files[i], devices[d], 0);
            if (ok)
                check(&b);
            if (!ok || b.wrong)
                printf("%s on %s: %s: %s\n", files[i], devices[d]->name, what,
                       b.wrong ? b.first : b.err.text);
            CHECK(ok && !b.wrong);
            farthest = fmax(farthest, b.farthest);
            bench_close(&b);
        }
    printf("%s: at most %.1e apart\n", what, farthest);
}

static void logits_and_residuals(void)
{
    on_all("forward", forward_agrees);
}

static void decoding(void)
{
    on_all("decoding", decoding_agrees);
}

static void lens(void)
{
    on_all("lens", lens_agrees);
}

static void greedy(void)
{
    on_all("greedy", greedy_agrees);
}

static void edited_weights(void)
{
    on_all("edited", edited_agrees);
}

static void gradients(void)
{
    on_all("gradient", gradient_agrees);
}

static void neuron_scores(void)
{
    on_all("scores", scores_agree);
}

/* Weights that stay in their stored type, because memory is short, give the same bits. */
static void little_memory(void)
{
    for (int i = 0; i < FILES; i++) {
        float *logits[2] = {NULL, NULL};
        size_t n = 0;

        for (int little = 0; little < 2; little++) {
            struct bench b;
            struct step s;
            int ids[ALL] = {0};

            if (bench_open(&b, files[i], devices[0], little)) {
                n = ALL * (size_t)b.model->head.rows * sizeof(float);
                s = step_new(&b);
                golden_ids(&b, "ids", ids, ALL);
                logits[little] = step_run(&b, &s, b.base, ids, 0, ALL, NULL);
                step_free(&b, &s);
            }
            bench_close(&b);
        }
        if (logits[0] && logits[1] && memcmp(logits[0], logits[1], n)) {
            printf("%s: other bits with little memory\n", files[i]);
            CHECK(!"the same bits");
        }
        CHECK(logits[0] && logits[1]);
        free(logits[0]);
        free(logits[1]);
    }
}

static const struct test tests[] = {
    {"logits, residual streams, coefficients", logits_and_residuals},
    {"decoding with the cache", decoding},
    {"the lens", lens},
    {"greedy continuations", greedy},
    {"an edited matrix", edited_weights},
    {"gradients", gradients},
    {"scores of neurons", neuron_scores},
    {"the same bits with little memory", little_memory},
};

TEST_MAIN(tests)
