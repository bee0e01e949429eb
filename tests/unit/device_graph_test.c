/* Recorded operations give the same bits as the same operations called one by one, and forbidden
 * calls while recording are faults. Devices that do not record are skipped. */
#include "tests/unit/device_cases.h"

enum { ROWS = 6, D = 32, V = 70, HEADS = 2, STEPS = 5 };

/* Similar to a step of the target's optimisation: forward, loss, backward, Adam. */
struct walk {
    struct device *dev;
    struct mat w, x, base, h, k, out, att, dh, logits, loss, grad, dw;
    struct adam adam;
    int pick[ROWS], label[ROWS], pos[ROWS];
    struct attn_seq seq;
    float freq[D / HEADS / 2];
};

static struct mat stored_weights(struct device *dev)
{
    size_t bytes = (size_t)V * D * 2;
    unsigned char *raw = xmalloc(bytes);
    struct mat w = {device_alloc(dev, bytes), DT_BF16, V, D, D};

    for (size_t i = 0; i < bytes; i++) /* bfloat16 numbers of about one */
        raw[i] = (unsigned char)(i & 1 ? 0x3f | (i & 2) << 6 : i * 37);
    device_upload(dev, w, raw);
    owned[owned_count++] = w;
    free(raw);
    return w;
}

static struct walk walk_new(struct device *dev)
{
    double *base = noise(ROWS * D), *start = zeros(D);
    struct walk w = {.dev = dev, .seq = {0, ROWS, 0, 0, false}};
    struct mat *square[] = {&w.h, &w.k, &w.out, &w.att, &w.dh};

    for (int i = 0; i < D; i++)
        start[i] = uniform();
    w.w = stored_weights(dev);
    w.base = make(dev, DT_F32, ROWS, D, 0, base);
    w.x = make(dev, DT_F32, 1, D, 0, start);
    for (int i = 0; i < 5; i++)
        *square[i] = make(dev, DT_F32, ROWS, D, 0, NULL);
    w.logits = make(dev, DT_F32, ROWS, V, 0, NULL);
    w.loss = make(dev, DT_F32, 1, ROWS, 0, NULL);
    w.grad = make(dev, DT_F32, 1, D, 0, NULL);
    w.dw = make(dev, DT_F32, ROWS, D, 0, NULL);
    w.adam = (struct adam){.x = w.x,
                           .m = make(dev, DT_F32, 1, D, 0, NULL),
                           .v = make(dev, DT_F32, 1, D, 0, NULL),
                           .steps = make(dev, DT_F64, 1, 1, 0, NULL),
                           .lr = 0.05F,
                           .beta1 = 0.9F,
                           .beta2 = 0.999F,
                           .eps = 1e-8F,
                           .max_norm = 3,
                           .decay = 0.01};
    for (int i = 0; i < ROWS; i++) {
        w.pick[i] = (i * 5 + 1) % ROWS;
        w.label[i] = i * 11 % V;
        w.pos[i] = i;
    }
    for (int i = 0; i < D / HEADS / 2; i++)
        w.freq[i] = 1.0F / (float)(i + 1);
    free(base);
    free(start);
    return w;
}

static void walk_step(struct walk *w)
{
    struct device *dev = w->dev;
    struct attn_shape shape = {
        .heads = HEADS, .kv_heads = HEADS, .head_dim = D / HEADS, .scale = 0.25F};

    device_gather(dev, w->base, w->pick, w->h);
    device_axpy(dev, 1, w->x, w->h);
    device_copy(dev, w->h, w->k);
    device_rope(dev, w->h, w->pos, HEADS, w->freq, false, false);
    device_attention(dev, w->h, w->k, w->base, &w->seq, 1, shape, w->out);
    device_gemm(dev, 1, w->out, false, w->w, true, 0, w->logits);
    device_cross_entropy(dev, w->logits, w->label, 1.0F / ROWS, w->loss, true);
    device_gemm(dev, 1, w->logits, false, w->w, false, 0, w->dh);
    device_attention_grad(dev, w->h, w->k, w->base, &w->seq, 1, shape, w->dh, w->att, w->k, w->dw);
    device_rope(dev, w->att, w->pos, HEADS, w->freq, false, true);
    device_fill(dev, w->grad, 0);
    for (int i = 0; i < ROWS; i++)
        device_axpy(dev, 1, mat_rows(w->att, i, 1), w->grad);
    device_adam(dev, w->grad, w->adam);
}

/* x and the losses after each step: 2 * STEPS * (D + ROWS) numbers. */
static void note(struct walk *w, float *to)
{
    device_download(w->dev, to, w->x);
    device_download(w->dev, to + D, w->loss);
}

static bool records(const struct device *dev)
{
    return dev->ops->graphs;
}

/* Something that needs more scratch than the walk: what a graph uses must stay where it is. */
static void grow_scratch(struct device *dev)
{
    enum { N = 300 };
    struct mat x = make(dev, DT_F32, 2, N, 0, NULL), y = make(dev, DT_F32, 2, N, 0, NULL);
    unsigned char *raw = xcalloc((size_t)N * N, 2);
    struct mat w = {device_alloc(dev, (size_t)N * N * 2), DT_F16, N, N, N};

    device_upload(dev, w, raw);
    device_gemm(dev, 1, x, false, w, true, 0, y);
    device_release(dev, w.data, (size_t)N * N * 2);
    free(raw);
}

static void replayed(struct device *dev, float *got)
{
    struct walk w = walk_new(dev);
    void *graph;

    walk_step(&w);
    note(&w, got);
    device_graph_begin(dev);
    walk_step(&w);
    graph = device_graph_end(dev);
    CHECK(graph != NULL);
    for (int i = 0; i < ROWS; i++) /* it was read when it was recorded */
        w.pick[i] = w.label[i] = w.pos[i] = 0;
    w.seq.n = 1;
    for (int t = 1; t < STEPS && graph; t++) {
        device_graph_launch(dev, graph);
        note(&w, got + (D + ROWS) * t);
        if (t == 2)
            grow_scratch(dev);
    }
    device_graph_free(dev, graph);
    finish(dev);
}

static void test_replay(void)
{
    float want[STEPS * (D + ROWS)], got[STEPS * (D + ROWS)];
    struct device *dev;
    bool any = false;

    for (int d = 0; (dev = device_at(d, 1)); d++) {
        uint64_t seed = random_state;
        struct walk w;

        if (!records(dev)) {
            device_close(dev);
            continue;
        }
        any = true;
        w = walk_new(dev);
        for (int t = 0; t < STEPS; t++) {
            walk_step(&w);
            note(&w, want + (D + ROWS) * t);
        }
        CHECK(memcmp(want, want + D + ROWS, D * sizeof(float)) != 0);
        finish(dev);
        random_state = seed;
        replayed(device_at(d, 1), got);
        CHECK(!memcmp(want, got, sizeof(want)));
    }
    if (!any)
        SKIP("no device here records");
}

/* What CUDA would lose a recording for is a fault with words, and the device lives on. */
static void test_refusals(void)
{
    struct device *dev;
    bool any = false;

    for (int d = 0; (dev = device_at(d, 1)); d++) {
        for (int kind = 0; records(dev) && kind < 6; kind++) {
            struct mat x = make(dev, DT_F32, 2, 3, 0, NULL);
            struct err err = {0};
            float host[6] = {0};
            void *graph;

            any = true;
            device_graph_begin(dev);
            device_fill(dev, x, 2);
            if (kind == 0)
                CHECK(device_alloc(dev, 64) == NULL);
            else if (kind == 1)
                device_download(dev, host, x);
            else if (kind == 2)
                device_upload(dev, x, host);
            else if (kind == 3)
                device_graph_begin(dev);
            else if (kind == 4)
                device_gemm(dev, 1, x, false, x, false, 0, x); /* any other fault */
            else
                CHECK(!device_sync(dev, &err));
            graph = device_graph_end(dev);
            CHECK(graph == NULL);
            CHECK(kind == 5 || !device_sync(dev, &err));
            CHECK(strstr(err.text, kind == 4 ? "gemm" : "while a CUDA graph is captured"));
            device_fill(dev, x, 3);
            check_mat(dev, "after a refusal", x, (double[6]){3, 3, 3, 3, 3, 3}, 0);
            while (owned_count)
                mat_free(dev, &owned[--owned_count]);
        }
        finish(dev);
    }
    if (!any)
        SKIP("no device here records");
}

/* Waiting behind a bounded queue changes nothing but the time. */
static void test_pace(void)
{
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 1)); d++) {
        struct mat x = make(dev, DT_F32, 1, 4, 0, NULL), one = make(dev, DT_F32, 1, 4, 0, NULL);

        device_fill(dev, one, 1);
        for (int i = 0; i < 40; i++) {
            device_axpy(dev, 1, one, x);
            device_throttle(dev, i % 18);
        }
        check_mat(dev, "paced", x, (double[4]){40, 40, 40, 40}, 0);
        finish(dev);
    }
}

int main(void)
{
    static const struct test tests[] = {
        {"replay", test_replay},
        {"refusals", test_refusals},
        {"pace", test_pace},
    };

    return test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
