/* Whole computations on the CUDA device compared with the CPU: attribution and masks, keys, the
 * optimised target, second moments, and edits through the engine, whose bits must be equal. They
 * run on a small model with a byte tokenizer, and on the default model if it is there. */
#include "gpu/cuda.h"
#include "tests/engine/small.h"

#include "core/edit/editor.h"
#include "core/edit/moments_text.h"

/* One model on one device, ready to be asked. */
struct side {
    struct device *dev;
    struct model *model;
    struct model_state *view;
    struct request request;
};

struct both {
    struct side cpu, gpu;
    struct params params;
    int layer[PARAM_MAX_LAYERS], layers;
};

static bool side_open(struct side *s, const struct device_ops *ops, const char *path,
                      const struct params *p)
{
    bool small = path == tiny;
    struct fact fact = {.subject = (char *)(size_t)(small ? "Lily" : "Eiffel Tower"),
                        .prompt = (char *)(size_t)(small ? "One day {} went to the"
                                                         : "The {} is located in the city of"),
                        .target = (char *)(size_t)(small ? "park" : "Rome")};
    struct prefixes before = {0};
    struct err err = {0};
    bool ok;

    *s = (struct side){0};
    s->dev = device_open(ops, 0, 2, &err);
    s->model = s->dev ? model_open(path, s->dev, 0, NULL, &err) : NULL;
    ok = s->model && prefixes_load(&before, prefixes, &err) &&
         request_build(&s->request, &fact, &before, s->model, p, &err);
    if (ok)
        s->view = state_new(s->model, 1);
    CHECK_STR(err.text, "");
    prefixes_free(&before);
    return ok;
}

static void side_close(struct side *s)
{
    request_free(&s->request);
    state_free(s->view);
    model_close(s->model);
    if (s->dev) {
        CHECK(s->dev->in_use == 0);
        device_close(s->dev);
    }
}

static bool both_open(struct both *b, const char *path)
{
    struct err err = {0};

    params_default(&b->params);
    params_set(&b->params, "edit.v_steps", path == tiny ? "4" : "12", FROM_COMMAND_LINE, NULL);
#ifdef EMULATED /* it takes turns: two rows and two steps say what six and four do */
    params_set(&b->params, "attr.prefixes", "1", FROM_COMMAND_LINE, NULL);
    params_set(&b->params, "edit.v_steps", "2", FROM_COMMAND_LINE, NULL);
#endif
    if (!side_open(&b->cpu, &device_cpu, path, &b->params) ||
        !side_open(&b->gpu, &device_cuda, path, &b->params))
        return false;
    CHECK(named_layers(&b->params, b->cpu.model->config, b->layer, &b->layers, &err));
    return true;
}

static void both_close(struct both *b)
{
    side_close(&b->cpu);
    side_close(&b->gpu);
}

/* --- attribution --------------------------------------------------------------------------------
 */

enum { LAYERS = 8 };

static void attributed(struct side *s, const struct both *b, const struct params *p,
                       struct attribution **to)
{
    struct err err = {0};
    struct attribute_run *run = attribute_begin(s->view, &s->request, 1, p, 1, NULL, &err);

    for (int i = 0; i < b->layers && i < LAYERS; i++)
        to[i] = run ? attribute_layer(run, b->layer[i], i == 0, NULL, &err) : NULL;
    attribute_end(run);
    CHECK_STR(err.text, "");
}

static void forget_all(struct attribution **a)
{
    for (int i = 0; i < LAYERS; i++) {
        if (a[i])
            attribution_unref(a[i]);
        a[i] = NULL;
    }
}

struct likeness {
    double score, curve; /* worst difference over the largest, of scores and of slopes */
    long same, neurons;
};

static double off(const float *x, const float *y, int n)
{
    double gap = 0, most = 1e-30;

    for (int i = 0; x && y && i < n; i++) {
        gap = fmax(gap, fabs((double)x[i] - (double)y[i]));
        most = fmax(most, fabs((double)x[i]));
    }
    return gap / most;
}

static void liken(struct likeness *l, struct attribution **want, struct attribution **got,
                  const struct params *p)
{
    for (int i = 0; i < LAYERS && want[i] && got[i]; i++) {
        struct mask *x = mask_build(want[i], p), *y = mask_build(got[i], p);
        int n = want[i]->rows * want[i]->neurons;

        l->score = fmax(l->score, off(want[i]->score, got[i]->score, n));
        l->curve = fmax(l->curve, off(want[i]->slope, got[i]->slope, n));
        for (int k = 0; k < want[i]->neurons; k++)
            l->same += x->class_bits[k] == y->class_bits[k];
        l->neurons += want[i]->neurons;
        mask_free(x);
        mask_free(y);
    }
}

static void same_scores(const char *path)
{
    static const char *const strategies[] = {"lps", "psa"};
    struct both b = {0};
    struct attribution *want[LAYERS] = {NULL}, *got[LAYERS] = {NULL}, *again[LAYERS] = {NULL};

    if (both_open(&b, path))
        for (int s = 0; s < 2; s++) {
            struct params p = b.params;
            struct likeness l = {0};

            CHECK(params_set(&p, "attr.strategy", strategies[s], FROM_COMMAND_LINE, NULL));
            attributed(&b.cpu, &b, &p, want);
            attributed(&b.gpu, &b, &p, got);
            attributed(&b.gpu, &b, &p, again);
            liken(&l, want, got, &p);
            printf("%s: scores off by %.1e of the largest, slopes %.1e; %.3f %% of %ld neurons in "
                   "the same class\n",
                   strategies[s], l.score, l.curve, 100.0 * (double)l.same / (double)l.neurons,
                   l.neurons);
            CHECK(l.neurons > 0 && l.score <= 1e-3 && l.curve <= 1e-2);
            CHECK((double)l.same >= 0.995 * (double)l.neurons);
            for (int i = 0; i < LAYERS && got[i] && again[i]; i++)
                CHECK(!memcmp(got[i]->score, again[i]->score,
                              (size_t)got[i]->rows * (size_t)got[i]->neurons * sizeof(float)));
            forget_all(want);
            forget_all(got);
            forget_all(again);
        }
    both_close(&b);
}

/* How far the faster products take the masks is told, not judged: it depends on the model. What is
 * judged is that split bfloat16, which claims 16 bits, keeps them. */
static void faster_scores(const char *path)
{
    struct both b = {0};
    struct attribution *want[LAYERS] = {NULL}, *got[LAYERS] = {NULL};

    if (both_open(&b, path)) {
        attributed(&b.cpu, &b, &b.params, want);
        for (int p = PRECISION_FULL + 1; p < PRECISION_COUNT; p++) {
            struct likeness l = {0};

            b.gpu.dev->precision = (enum precision)p;
            attributed(&b.gpu, &b, &b.params, got);
            liken(&l, want, got, &b.params);
            printf("%s: scores off by %.1e of the largest; %.3f %% in the same class\n",
                   precision_names[p], l.score, 100.0 * (double)l.same / (double)l.neurons);
            CHECK(l.score < 0.5); /* no nonsense */
            CHECK(p != PRECISION_SPLIT || (double)l.same >= 0.995 * (double)l.neurons);
            forget_all(got);
        }
        forget_all(want);
    }
    both_close(&b);
}

/* --- keys and target -------------------------------------------------------------- */

static void same_keys(const char *path)
{
    struct both b = {0};

    if (both_open(&b, path)) {
        size_t n = (size_t)b.layers * (size_t)b.cpu.model->config->ffn;
        int d = b.cpu.model->config->hidden;
        float *want = xcalloc(n, sizeof(float)), *got = xcalloc(n, sizeof(float));
        float *z = xcalloc((size_t)d, sizeof(float)), *y = xcalloc((size_t)d, sizeof(float));
        struct err err = {0};

        CHECK(edit_read(b.cpu.view, &b.cpu.request, 1, b.layer, b.layers,
                        &(struct edit_reads){.keys = want, .out_z = z}, NULL, &err));
        CHECK(edit_read(b.gpu.view, &b.gpu.request, 1, b.layer, b.layers,
                        &(struct edit_reads){.keys = got, .out_z = y}, NULL, &err));
        CHECK_STR(err.text, "");
        CHECK(relative(got, want, n) <= 1e-4);
        CHECK(relative(y, z, (size_t)d) <= 1e-4);
        free(want);
        free(got);
        free(z);
        free(y);
    }
    both_close(&b);
}

static struct target optimised(struct side *s, const struct both *b)
{
    struct target t = {0};
    struct err err = {0};

    CHECK(target_optimise(&t, s->view, &s->request, b->layer[b->layers - 1], NULL, &b->params, NULL,
                          NULL, NULL, &err));
    CHECK_STR(err.text, "");
    return t;
}

/* The losses of every step within 1 %, and the recorded steps the bits of those called one by one.
 */
static void same_target(const char *path)
{
    struct both b = {0};

    if (both_open(&b, path)) {
        const struct device_ops *own = b.gpu.dev->ops;
        struct device_ops direct = *own;
        struct target cpu = optimised(&b.cpu, &b), gpu = optimised(&b.gpu, &b), called;
        size_t d = (size_t)b.cpu.model->config->hidden;
        double worst = 0;

        direct.graphs = false;
        b.gpu.dev->ops = &direct;
        called = optimised(&b.gpu, &b);
        b.gpu.dev->ops = own;
        CHECK(cpu.steps == gpu.steps && gpu.steps == called.steps);
        for (int i = 0; i < cpu.steps && i < gpu.steps; i++)
            worst = fmax(worst, fabs(gpu.trace[i].loss - cpu.trace[i].loss) /
                                    fmax(fabs(cpu.trace[i].loss), 1e-3));
        printf("losses of %d steps off by %.1e, z by %.1e\n", cpu.steps, worst,
               cpu.z && gpu.z ? relative(gpu.z, cpu.z, d) : -1);
        CHECK(worst <= 1e-2);
        CHECK(cpu.z && gpu.z && relative(gpu.z, cpu.z, d) <= 1e-2);
        CHECK(gpu.z && called.z && !memcmp(gpu.z, called.z, d * sizeof(float)));
        target_free(&cpu);
        target_free(&gpu);
        target_free(&called);
    }
    both_close(&b);
}

/* --- second moments --------------------------------------------------------------- */

static double *summed(struct side *s, const struct both *b, int tokens)
{
    struct moments_origin origin = {.model = "model", .text = "text", .window = tokens / 2};
    struct err err = {0};
    int m = s->model->config->ffn;
    double *sum = NULL;
    int *ids = xcalloc((size_t)tokens, sizeof(*ids));
    struct moments *moments = moments_new(s->dev, &origin, 1, b->layer, m, &err);
    struct moments_text *g;

    for (int i = 0; i < tokens; i++)
        ids[i] = (i * 31 + 7) % s->model->config->vocab;
    g = moments ? moments_text_new(s->view, moments, ids, tokens) : NULL;
    while (g && moments->tokens < tokens && moments_text_step(g, tokens, &err))
        continue;
    if (moments) {
        moments_flush(moments);
        sum = offload_download(&moments->sum[0], 0, m, &err);
    }
    CHECK(device_sync(s->dev, &err));
    CHECK_STR(err.text, "");
    moments_text_free(g);
    moments_free(moments);
    free(ids);
    return sum;
}

static void same_moments(const char *path)
{
    struct both b = {0};

    if (both_open(&b, path)) {
        int tokens = path == tiny ? 32 : 512, m = b.cpu.model->config->ffn;
        size_t n = (size_t)m * (size_t)m;
        double *cpu = summed(&b.cpu, &b, tokens), *gpu = summed(&b.gpu, &b, tokens);
        double *again = summed(&b.gpu, &b, tokens), gap = 0, size = 0;

        for (size_t i = 0; i < n && cpu && gpu; i++) {
            gap += (gpu[i] - cpu[i]) * (gpu[i] - cpu[i]);
            size += cpu[i] * cpu[i];
        }
        printf("second moments of %d tokens off by %.1e\n", tokens, sqrt(gap / size));
        CHECK(size > 0 && sqrt(gap) <= 1e-4 * sqrt(size));
        CHECK(gpu && again && !memcmp(gpu, again, n * sizeof(*gpu)));
        free(cpu);
        free(gpu);
        free(again);
    }
    both_close(&b);
}

/* --- edits ------------------------------------------------------------------------ */

#ifndef EMULATED
/* Made on either device, opened on the other: the same checksum, and undo gives back the very bits
 * of the base. On the device under test the same edit twice gives the same bits. */
static void same_edits(const char *path)
{
    const struct device_ops *device[] = {&device_cuda, &device_cpu};
    char base[65] = "", *session, twice[2][65] = {"", ""};

    for (int i = 0; i < 3; i++) {
        const struct device_ops *here = device[i == 2], *there = device[i != 2];
        struct engine *e;
        struct job_result h;

        session = xasprintf("%s/%s-%d.es", home, path == tiny ? "tiny" : "real", i);
        e = start(path, here, session, false);
        h = wait_until_open(e);
        if (!*base)
            memcpy(base, h.checksum, sizeof(base));
        CHECK_STR(h.checksum, base); /* the CPU's and the GPU's hash of the base */
        h = run_command(e, command(CMD_COMMIT, "Lily", "park"));
        CHECK(h.edits == 1 && h.unmasked_unchanged && strcmp(h.checksum, base) != 0);
        if (i < 2)
            memcpy(twice[i], h.checksum, sizeof(twice[i]));
        engine_stop(e);
        e = start(path, there, session, false);
        CHECK_STR(wait_until_open(e).checksum, h.checksum);
        CHECK(run_command(e, command(CMD_VERIFY, NULL, NULL)).verified);
        CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, base);
        CHECK_STR(run_command(e, command(CMD_REDO, NULL, NULL)).checksum, h.checksum);
        engine_stop(e);
        free(session);
    }
    CHECK_STR(twice[1], twice[0]);
}

/* --- too little memory ------------------------------------------------------------ */

/* With nearly everything taken a model is refused in words; once there is room it opens. */
static void no_room(void)
{
    struct err err = {0};
    struct device *dev = device_open(&device_cuda, 0, 1, &err), *other;
    size_t keep = (size_t)48 << 20, bytes, step = (size_t)1 << 30;
    void *ignored_tensors[512] = {NULL};
    size_t size[512];
    struct model *m;
    int n = 0;

    CHECK(dev != NULL);
    if (!dev)
        return;
    other = device_open(&device_cuda, 0, 1, &err); /* before the room is gone */
    while (n < 512 && step >= (size_t)16 << 20) {
        bytes = device_free_memory(dev);
        if (bytes < keep + step || !(ignored_tensors[n] = device_alloc(dev, step))) {
            device_sync(dev, NULL);
            step /= 2;
            continue;
        }
        size[n++] = step;
    }
    m = other ? model_open(real ? real : tiny, other, 0, NULL, &err) : NULL;
    if (real) {
        CHECK(m == NULL);
        CHECK(err.kind == ERR_LIMIT || err.kind == ERR_DEVICE);
        CHECK(err.text[0] && !strchr(err.text, '\n'));
        printf("refused with: %s\n", err.text);
    }
    model_close(m);
    while (n--)
        device_release(dev, ignored_tensors[n], size[n]);
    CHECK(device_sync(dev, NULL));
    err = (struct err){0};
    if (other) {
        device_sync(other, NULL);
        m = model_open(real ? real : tiny, other, 0, NULL, &err);
        CHECK(m != NULL);
        CHECK_STR(err.text, "");
        model_close(m);
        device_close(other);
    }
    device_close(dev);
}
#endif

/* --- the list --------------------------------------------------------------------- */

#define ON_SMALL(name)             \
    static void small_##name(void) \
    {                              \
        name(tiny);                \
    }
#ifdef EMULATED
#define ON(name) ON_SMALL(name)
#else
#define ON(name)                                                              \
    ON_SMALL(name)                                                            \
    static void default_##name(void)                                          \
    {                                                                         \
        if (!real)                                                            \
            SKIP("the default model is not here; EDITSCOPE_MODEL names one"); \
        name(real);                                                           \
    }
#endif
ON(same_scores)
ON(faster_scores)
ON(same_keys)
ON(same_target)
ON(same_moments)
#ifndef EMULATED /* there it is tests/engine/cuda_edit_test.c that edits */
ON(same_edits)
#endif

static const struct test tests[] = {
    {"scores, small model", small_same_scores},
    {"faster scores, small model", small_faster_scores},
    {"keys, small model", small_same_keys},
    {"target, small model", small_same_target},
    {"second moments, small model", small_same_moments},
#ifndef EMULATED
    {"edits, small model", small_same_edits},
    {"scores, default model", default_same_scores},
    {"faster scores, default model", default_faster_scores},
    {"keys, default model", default_same_keys},
    {"target, default model", default_same_target},
    {"second moments, default model", default_same_moments},
    {"edits, default model", default_same_edits},
    {"too little memory", no_room},
#endif
};

int main(void)
{
    struct err err = {0};

    if (device_cuda.count() > 0)
        return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    device_cuda.check(0, &err);
    printf("skip all: %s\n0 passed, 0 failed, %d skipped\n", err.text,
           (int)(sizeof(tests) / sizeof(*tests)));
    return 0;
}
