/* Looking inside: the lens at every position, and neurons made to say something else. */
#include "core/base/rng.h"
#include "core/edit/gather.h"
#include "core/edit/trace.h"
#include "core/engine/bus.h"
#include "core/model/generate.h"
#include "core/model/lens.h"
#include "tests/engine/small.h"

static struct device *dev;
static struct model *model;
static struct weights_view *base;

static const int prompt[] = {'O', 'n', 'e', ' ', 'd', 'a', 'y', ' ', 'L', 'i', 'l', 'y'};
enum { N = sizeof(prompt) / sizeof(*prompt) };

/* The lens by the longest way: logits of one block's output at one position. */
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

static void plain_lens(int layer, int position, float *logits)
{
    const int *ids = prompt;
    int n = N;
    struct plain plain = {layer, position, mat_new(dev, DT_F32, 1, model->config->hidden)};
    struct tap tap = {take_row, &plain};
    struct forward *f = forward_new(model, N);
    struct pass p = pass_new(&ids, &n, NULL, 1, 0);
    struct cache *c = cache_new(model, N);
    struct mat x = mat_new(dev, DT_F32, N, model->config->hidden);
    struct mat out = mat_new(dev, DT_F32, 1, model->head.rows);

    CHECK(forward_run(f, base, &p, c, x, &tap, NULL, NULL));
    forward_logits(f, plain.row, out);
    device_download(dev, logits, out);
    CHECK(device_sync(dev, NULL));
    mat_free(dev, &out);
    mat_free(dev, &x);
    mat_free(dev, &plain.row);
    cache_free(c, dev);
    pass_free(&p);
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
    int *last = xcalloc((size_t)(2 * layers), sizeof(int));
    float *p = xcalloc((size_t)cells, sizeof(float));
    float *logits = xcalloc((size_t)vocab, sizeof(float));

    CHECK(lens_cells(base, prompt, N, token, 2, best, p, rank, NULL, NULL));
    CHECK(lens_ranks(base, prompt, N, token, 2, last, NULL, NULL));
    for (int l = 0; l < layers; l++)
        for (int t = 0; t < N; t++) {
            plain_lens(l, t, logits);
            top_k(logits, vocab, 1, &best1);
            CHECK(best[l * N + t] == best1);
            CHECK_NEAR((double)p[l * N + t],
                       exp((double)logits[best1] - log_sum_exp(logits, vocab)), 1e-5);
            for (int k = 0; k < 2; k++) {
                /* products of another size round otherwise: neighbours may change places */
                CHECK(abs(rank[k * cells + l * N + t] - rank_of(logits, token[k])) <= 1);
                CHECK(t < N - 1 || abs(last[k * layers + l] - rank_of(logits, token[k])) <= 1);
            }
        }
    free(best);
    free(rank);
    free(last);
    free(p);
    free(logits);
}

static void one_look_is_all(void)
{
    static const int target[] = {' ', 'w', 'e', 'n', 't'};
    enum { T = sizeof(target) / sizeof(*target) };
    int layers = model->config->layers, token[2], *rank = xcalloc((size_t)(2 * layers), 4);
    struct lens_look look;
    struct generate_options o = {0};
    struct generated g;
    double logp[T];

    CHECK(lens_look(&look, base, prompt, N, target, T, -1, NULL, NULL));
    CHECK(generate(&g, base, prompt, N, &o, NULL, NULL));
    CHECK(continuation_logp(base, prompt, N, target, T, logp, NULL, NULL, NULL));
    top_k(g.logits, model->head.rows, 1, &token[0]);
    token[1] = target[0];
    CHECK(lens_ranks(base, prompt, N, token, 2, rank, NULL, NULL));
    CHECK(look.old == token[0] && look.layers == layers);
    for (int i = 0; i < T; i++)
        CHECK_NEAR(look.logp[i], logp[i], 1e-4);
    for (int j = 0; j < model->head.rows; j++)
        CHECK_NEAR((double)look.logits[j], (double)g.logits[j], 1e-4);
    for (int l = 0; l < layers; l++)
        CHECK(abs(look.rank_old[l] - rank[l]) <= 1 &&
              abs(look.rank_new[l] - rank[layers + l]) <= 1);
    generated_free(&g);
    lens_look_free(&look);
    free(rank);
}

/* --- interventions --------------------------------------------------------------------- */

struct silence {
    int layer, neuron;
    float factor;
};

static void scale_one(void *ctx, int layer, enum tap_site site, struct mat x)
{
    const struct silence *s = ctx;
    struct mat factor;

    if (site != TAP_COEFF || layer != s->layer)
        return;
    factor = mat_new(dev, DT_F32, 1, 1);
    device_upload(dev, factor, &s->factor);
    device_scale_cols(dev, mat_cols(x, s->neuron, 1), factor, mat_cols(x, s->neuron, 1));
    mat_free(dev, &factor);
}

static struct generated ask(const struct weights_view *view, const struct tap *tap)
{
    struct generate_options o = {.tokens = 12, .past_end = true, .tap = tap};
    struct generated g;

    CHECK(generate(&g, view, prompt, N, &o, NULL, NULL));
    CHECK(g.count == 12);
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

static void a_tap_is_zeroing_a_column(void)
{
    int layer = 2, neuron = 7, d = model->config->hidden;
    struct silence one = {layer, neuron, 1}, none = {layer, neuron, 0};
    struct tap keep = {scale_one, &one}, silence = {scale_one, &none};
    struct weights_view *without = view_copy(base, 2);
    struct generated plain = ask(base, NULL), kept = ask(base, &keep), quiet = ask(base, &silence);
    struct generated again = ask(base, NULL), zeroed;
    float *zeros = xcalloc((size_t)d, sizeof(float));

    device_upload(dev, mat_cols(view_own_down(without, layer), neuron, 1), zeros);
    zeroed = ask(without, NULL);
    CHECK(same(&plain, &kept, 0));   /* a factor of 1 changes no bit, */
    CHECK(same(&plain, &again, 0));  /* and nothing is left behind; */
    CHECK(!same(&plain, &quiet, 0)); /* 0 does what the column's zeros do */
    CHECK(same(&zeroed, &quiet, 1e-6));
    generated_free(&plain);
    generated_free(&kept);
    generated_free(&quiet);
    generated_free(&again);
    generated_free(&zeroed);
    view_free(without);
    free(zeros);
}

/* --- the causal trace ------------------------------------------------------------------ */

/* One draw by the longest way: all tokens through all blocks, noise added by hand, one state put
 * back as it goes by. */
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
    struct pass pass = pass_new(&ids, &n, NULL, 1, 0);
    struct cache *c = cache_new(model, N);
    struct mat x = mat_new(dev, DT_F32, N, d), add = mat_new(dev, DT_F32, N, d);
    struct mat out = mat_new(dev, DT_F32, 1, vocab);
    float *logits = xcalloc((size_t)vocab, sizeof(float));

    forward_embed(f, &pass, x);
    if (noise) {
        device_upload(dev, add, noise);
        device_axpy(dev, 1, add, x);
    }
    for (int l = 0; l < model->config->layers; l++)
        forward_block(f, base, l, &pass, c, x, &tap, NULL);
    forward_logits(f, mat_rows(x, N - 1, 1), out);
    device_download(dev, logits, out);
    CHECK(device_sync(dev, NULL));
    for (int j = 0; j < vocab; j++)
        p[j] = exp((double)logits[j] - log_sum_exp(logits, vocab));
    free(logits);
    mat_free(dev, &out);
    mat_free(dev, &add);
    mat_free(dev, &x);
    cache_free(c, dev);
    pass_free(&pass);
    forward_free(f);
}

/* The draws trace.h promises: sample, token, component. */
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

static void the_trace_is_the_long_way(void)
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
            CHECK(t >= FIRST || effect[t] == 0); /* what was never corrupted restores nothing */
            most = fmax(most, fabs((double)effect[t]));
        }
    }
    CHECK_NEAR((double)effect[N - 1], clean - corrupted, 1e-6);
    trace_end(run);
    run = trace_begin(base, prompt, N, corrupt, 1, 0, 7, NULL, NULL);
    CHECK_NEAR(trace_base(run)->noise, 0.92381433, 1e-6); /* of the embeddings, by Python */
    CHECK(most > 0.01);                                   /* and it is not all zeros that agree */
    trace_end(run);
    mat_free(dev, &r.clean);
    free(noise);
    free(p);
}

/* --- contexts of neurons --------------------------------------------------------------- */

/* Coefficients of layer 1 by an own pass over one window. */
static void take_coefficients(void *ctx, int layer, enum tap_site site, struct mat x)
{
    if (site == TAP_COEFF && layer == 1)
        device_download(dev, ctx, x);
}

static void contexts_are_the_loudest(void)
{
    enum { W = 16, WINDOWS = 6 };
    static const int layer[] = {1};
    struct moments_origin origin = {"m", "t", W};
    int m = model->config->ffn, ids[W * WINDOWS];
    struct moments *sums = moments_new(dev, &origin, 1, layer, m, NULL);
    struct moments *count = moments_count(sums);
    struct contexts *a = contexts_new(sums), *b = contexts_new(sums);
    struct gather *with = gather_new(base, sums, ids, W * WINDOWS);
    struct gather *alone = gather_new(base, count, ids, W * WINDOWS);
    float *all = xcalloc((size_t)(W * WINDOWS * m), sizeof(float));

    for (int i = 0; i < W * WINDOWS; i++)
        ids[i] = 'a' + (i * i * 7 + i / 5) % 26;
    for (int w = 0; w < WINDOWS; w++) {
        struct generate_options o = {0};
        struct tap tap = {take_coefficients, all + w * W * m};
        struct generated g;

        o.tap = &tap;
        CHECK(generate(&g, base, ids + w * W, W, &o, NULL, NULL));
        generated_free(&g);
    }
    gather_hear(with, a);
    gather_hear(alone, b);
    while (sums->tokens < W * WINDOWS)
        CHECK(gather_step(with, W * WINDOWS, NULL));
    while (count->tokens < W * WINDOWS)
        CHECK(gather_step(alone, W * WINDOWS, NULL));
    CHECK(a->tokens == W * WINDOWS && b->tokens == W * WINDOWS);
    CHECK(!memcmp(a->at, b->at, (size_t)m * CONTEXTS_KEPT * sizeof(int)));
    for (int i = 0; i < m; i++) {
        float most = 0, value = a->value[i * CONTEXTS_KEPT];

        for (int t = 0; t < W * WINDOWS; t++)
            most = fmaxf(most, fabsf(all[t * m + i]));
        CHECK_NEAR((double)fabsf(value), (double)most, 1e-5);
        CHECK_NEAR((double)value, (double)all[a->at[i * CONTEXTS_KEPT] * m + i], 1e-5);
    }
    gather_free(with);
    gather_free(alone);
    contexts_free(a);
    contexts_free(b);
    moments_free(sums);
    moments_free(count);
    free(all);
}

/* --- through the door ------------------------------------------------------------------ */

/* Runs a command and keeps the last event of a kind; the job's end. */
static enum event_kind keep(struct engine *e, struct command c, enum event_kind kind,
                            struct event *kept, struct err *err)
{
    struct pollfd fd = {.fd = engine_fd(e), .events = POLLIN};
    unsigned job = engine_post(e, &c);
    struct event ev;

    CHECK(job != 0);
    while (poll(&fd, 1, 120000) > 0)
        while (engine_next(e, &ev)) {
            enum event_kind got = ev.kind;
            bool mine = ev.job == job;

            if (mine && got == EV_FAILED && err)
                *err = ev.err;
            if (mine && got == kind && !(kind == EV_ANSWER && ev.answer->partial)) {
                event_free(kept);
                *kept = ev;
            } else {
                event_free(&ev);
            }
            if (mine && (got == EV_DONE || got == EV_FAILED))
                return got;
        }
    return EV_NONE;
}

static void a_lens_through_the_door(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command c = command(CMD_LENS, "Lily", "park");
    struct event ev = {0};
    const struct lens_grid *g;

    opened(e);
    c.states = STATE_EDITED;
    CHECK(keep(e, c, EV_LENS, &ev, NULL) == EV_DONE && ev.kind == EV_LENS);
    g = ev.lens;
    CHECK(g->state == STATE_EDITED && g->layers == 5 && g->tokens == 24);
    CHECK(g->rank_old && g->rank_new);
    CHECK(!g->token[7].subject && g->token[8].subject && g->token[11].subject);
    /* the base model's answer is the old object: it comes first at the end */
    CHECK(g->rank_old && g->rank_old[4 * 24 + 23] == 1);
    event_free(&ev);
    c = command(CMD_LENS, "Lily", "park"); /* base and edited: without edits the same twice */
    CHECK(keep(e, c, EV_LENS, &ev, NULL) == EV_DONE && ev.kind == EV_LENS);
    CHECK(ev.lens->state == STATE_BASE && ev.lens->rank_new);
    event_free(&ev);
    c = command(CMD_LENS, "Lily", "");
    CHECK(keep(e, c, EV_LENS, &ev, NULL) == EV_DONE && ev.kind == EV_LENS);
    CHECK(ev.lens->rank_old && !ev.lens->rank_new); /* no new object yet */
    event_free(&ev);
    c = command(CMD_LENS, NULL, NULL);
    c.text = xstrdup("Tom");
    CHECK(keep(e, c, EV_LENS, &ev, NULL) == EV_DONE && ev.kind == EV_LENS);
    CHECK(ev.lens->tokens == 3 && !ev.lens->rank_old && !ev.lens->rank_new);
    event_free(&ev);
    CHECK(keep(e, command(CMD_LENS, NULL, NULL), EV_LENS, &ev, NULL) == EV_FAILED);
    engine_stop(e);
}

static void a_trace_through_the_door(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct event ev = {0};
    const struct trace *t;

    opened(e);
    CHECK(keep(e, command(CMD_TRACE, "Lily", ""), EV_TRACE, &ev, NULL) == EV_DONE);
    CHECK(ev.kind == EV_TRACE);
    if (ev.kind != EV_TRACE)
        return;
    t = ev.trace;
    CHECK(t->done == 5 && t->layers == 5 && t->tokens == 24 && t->samples == 10);
    CHECK(t->noise > 0 && t->answer.p == t->p_clean);
    for (int i = 0; i < 5 * 24; i++)
        CHECK(isfinite((double)t->effect[i]));
    CHECK_NEAR((double)t->effect[5 * 24 - 1], t->p_clean - t->p_corrupt, 1e-6);
    event_free(&ev);
    engine_stop(e);
}

static void a_trace_is_cancelled(void)
{
    struct engine *e;
    struct command c = command(CMD_TRACE, NULL, NULL);
    struct heard h = {0};
    unsigned job;
    double began;

    if (!real)
        SKIP("the default model is missing: run `make model`");
    c.facts = xcalloc(1, sizeof(*c.facts));
    c.facts[0] = golden_fact(0);
    c.count = 1;
    e = start(real, &device_cpu, NULL, false);
    opened(e);
    job = engine_post(e, &c);
    CHECK(listen(e, EV_TRACE, job, &h) == EV_TRACE);
    began = now();
    engine_cancel(e, job);
    CHECK(listen(e, EV_DONE, job, &h) == EV_FAILED);
    printf("cancelled after %.0f ms: %s\n", (now() - began) * 1e3, h.err.text);
    CHECK(h.err.kind == ERR_CANCELLED);
    engine_stop(e);
}

static struct command neuron(int layer, int number)
{
    struct command c = command(CMD_NEURON, NULL, NULL);

    c.layer = layer;
    c.neuron = number;
    return c;
}

static void contexts_through_the_door(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct event ev = {0}, again = {0};

    opened(e);
    run(e, command(CMD_MOMENTS, NULL, NULL));
    CHECK(keep(e, neuron(1, 7), EV_NEURON, &ev, NULL) == EV_DONE && ev.kind == EV_NEURON);
    CHECK(ev.neuron->contexts == 3 && *ev.neuron->context[0].text);
    CHECK(fabs((double)ev.neuron->context[0].coefficient) >=
          fabs((double)ev.neuron->context[1].coefficient));
    engine_stop(e);
    e = start(tiny, &device_cpu, NULL, false); /* sums and contexts are in the cache now */
    opened(e);
    run(e, command(CMD_MOMENTS, NULL, NULL));
    CHECK(keep(e, neuron(1, 7), EV_NEURON, &again, NULL) == EV_DONE && again.kind == EV_NEURON);
    CHECK(!memcmp(ev.neuron, again.neuron, sizeof(*ev.neuron)));
    CHECK(keep(e, neuron(4, 7), EV_NEURON, &again, NULL) == EV_DONE);
    CHECK(again.neuron->contexts == 0); /* of a layer that is not edited */
    event_free(&ev);
    event_free(&again);
    engine_stop(e);
}

/* The layers an attribution tells, in their order. */
static int told_layers(struct engine *e, const char *strategy, const char *kind,
                       struct attribution **out, int most)
{
    struct command c = command(CMD_ATTRIBUTE, "Lily", "park");
    struct pollfd fd = {.fd = engine_fd(e), .events = POLLIN};
    struct event ev;
    int n = 0;

    CHECK(params_set(&c.params, "attr.strategy", strategy, FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "mpc.kind", kind, FROM_COMMAND_LINE, NULL));
    c.all_layers = true;
    CHECK(engine_post(e, &c));
    while (poll(&fd, 1, 120000) > 0)
        while (engine_next(e, &ev)) {
            enum event_kind got = ev.kind;

            if (got == EV_LAYER && n < most)
                out[n++] = attribution_ref(ev.attribution);
            event_free(&ev);
            if (got == EV_DONE || got == EV_FAILED)
                return n;
        }
    return n;
}

static void the_rough_map_comes_first(void)
{
    static const char *const kind[] = {"coeff", "coeff_norm", "coeff_proj"};

    for (int k = 0; k < 3; k++) {
        struct engine *e = start(tiny, &device_far, NULL, false);
        struct attribution *a[16] = {0}, *mpc[16] = {0}, *again[16] = {0};

        opened(e);
        CHECK(told_layers(e, "lps", kind[k], a, 16) == 10);
        CHECK(told_layers(e, "lps", kind[k], again, 16) == 5); /* kept scores need none */
        CHECK(told_layers(e, "mpc", kind[k], mpc, 16) == 5);
        for (int i = 0; i < 5; i++) {
            CHECK(a[i] && a[i]->strategy == STRATEGY_MPC);
            CHECK(a[i + 5] && a[i + 5]->strategy == STRATEGY_LPS);
            CHECK(again[i] == a[i + 5]);
            if (!a[i] || !mpc[i])
                continue;
            CHECK(a[i]->layer == mpc[i]->layer && a[i]->rows == mpc[i]->rows);
            for (int j = 0; j < a[i]->rows * a[i]->neurons; j++)
                CHECK(a[i]->score[j] == mpc[i]->score[j] &&
                      a[i]->activation[j] == mpc[i]->activation[j]);
        }
        for (int i = 0; i < 16; i++) {
            attribution_unref(a[i]);
            attribution_unref(mpc[i]);
            attribution_unref(again[i]);
        }
        engine_stop(e);
    }
}

static struct command question(int layer, int neuron, bool scale, float value)
{
    struct command c = command(CMD_QUERY, NULL, NULL);

    c.text = xstrdup("One day Lily");
    c.states = STATE_BASE;
    c.tokens = 8;
    c.changes = xcalloc(1, sizeof(*c.changes));
    c.changes[0] = (struct intervention){layer, neuron, scale, value};
    c.change_count = layer == -2 ? 0 : 1;
    return c;
}

static void neurons_through_the_door(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct event ev[3] = {{0}};
    struct err err = {0};
    char before[65], *after;

    memcpy(before, opened(e).checksum, sizeof(before));
    CHECK(keep(e, question(-2, 0, false, 0), EV_ANSWER, &ev[0], NULL) == EV_DONE);
    CHECK(keep(e, question(2, 7, true, 1), EV_ANSWER, &ev[1], NULL) == EV_DONE);
    CHECK(keep(e, question(2, 7, false, 9), EV_ANSWER, &ev[2], NULL) == EV_DONE);
    if (ev[0].kind == EV_ANSWER && ev[1].kind == EV_ANSWER && ev[2].kind == EV_ANSWER) {
        CHECK(ev[0].answer->changed == 0 && ev[1].answer->changed == 1);
        CHECK_STR(ev[1].answer->completion, ev[0].answer->completion);
        CHECK(ev[1].answer->next[0].logit == ev[0].answer->next[0].logit);
        CHECK(ev[2].answer->next[0].logit != ev[0].answer->next[0].logit);
    }
    CHECK(keep(e, question(2, 172, false, 0), EV_ANSWER, &ev[2], &err) == EV_FAILED);
    CHECK_STR(err.text, "no neuron L2N172: layers 0 to 4, neurons 0 to 171");
    CHECK(keep(e, question(5, 0, true, 0), EV_ANSWER, &ev[2], &err) == EV_FAILED);
    CHECK(keep(e, question(1, 0, true, NAN), EV_ANSWER, &ev[2], &err) == EV_FAILED);
    after = xstrdup(run(e, command(CMD_VERIFY, NULL, NULL)).checksum);
    CHECK_STR(after, before);
    free(after);
    for (int i = 0; i < 3; i++)
        event_free(&ev[i]);
    engine_stop(e);
}

/* A token is a byte here: "th" goes on with "e", until it is edited to go on with " zoo". */
static struct command th_zoo(enum command_kind kind)
{
    struct command c = command(kind, "Lily", "zoo");

    free(c.facts[0].prompt);
    c.facts[0].prompt = xstrdup("One day {} went to th");
    c.params.value[P_EDIT_V_STEPS] = 25;
    CHECK(params_set(&c.params, "edit.method", "memit", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "edit.v_clamp", "20", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "edit.lambda", "0.01", FROM_COMMAND_LINE, NULL));
    return c;
}

/* Once an edit stands, what the model says is no longer the old object. */
static void the_old_object_stays(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct event before = {0}, after = {0};

    opened(e);
    CHECK(keep(e, th_zoo(CMD_LOOK), EV_LOOK, &before, NULL) == EV_DONE);
    run(e, th_zoo(CMD_COMMIT));
    CHECK(keep(e, th_zoo(CMD_LOOK), EV_LOOK, &after, NULL) == EV_DONE);
    if (before.kind == EV_LOOK && after.kind == EV_LOOK) {
        CHECK(after.look->next[0].id != before.look->next[0].id); /* else nothing is tested */
        CHECK(after.look->old.id == before.look->old.id);
    }
    event_free(&before);
    event_free(&after);
    engine_stop(e);
}

static void no_chat_form(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command c = question(-2, 0, false, 0);
    struct event ev = {0};
    struct err err = {0};

    opened(e);
    c.chat = true;
    CHECK(keep(e, c, EV_ANSWER, &ev, &err) == EV_FAILED && err.kind == ERR_MODEL);
    CHECK(strstr(err.text, "ChatML, Llama 3, Gemma, Mistral"));
    engine_stop(e);
}

static void a_chat_answer(void)
{
    struct engine *e;
    struct command c = question(-2, 0, false, 0);
    struct event ev = {0};

    if (!real) {
        command_free(&c);
        SKIP("the default model is missing: run `make model`");
    }
    e = start(real, &device_cpu, NULL, false);
    opened(e);
    c.chat = true;
    c.tokens = 24;
    free(c.text);
    c.text = xstrdup("What is the capital of France?");
    CHECK(keep(e, c, EV_ANSWER, &ev, NULL) == EV_DONE && ev.kind == EV_ANSWER);
    if (ev.kind == EV_ANSWER) { /* and it ends with its turn */
        CHECK_STR(ev.answer->completion, "The capital of France is Paris.");
        CHECK(ev.answer->chat && ev.answer->count == 7);
    }
    event_free(&ev);
    engine_stop(e);
}

static void open_model(void)
{
    struct err err = {0};

    dev = device_open(&device_far, 0, 2, &err);
    model = dev ? model_open(tiny, dev, 0, NULL, &err) : NULL;
    CHECK_STR(err.text, "");
    base = model ? view_new(model, 1) : NULL;
}

static void close_model(void)
{
    view_free(base);
    model_close(model);
    device_close(dev);
}

static const struct test tests[] = {
    {"a small model opens", open_model},
    {"every cell is the lens of its block and position", cells_are_the_lens},
    {"one pass gives a look's logits, probabilities and ranks", one_look_is_all},
    {"silencing a neuron is zeroing its column, at every new token", a_tap_is_zeroing_a_column},
    {"a causal trace is what the longest way gives", the_trace_is_the_long_way},
    {"contexts are where a neuron is loudest", contexts_are_the_loudest},
    {"and closes", close_model},
    {"a lens through the door", a_lens_through_the_door},
    {"a trace through the door", a_trace_through_the_door},
    {"a trace is cancelled", a_trace_is_cancelled},
    {"contexts through the door", contexts_through_the_door},
    {"the rough map comes before the scores", the_rough_map_comes_first},
    {"neurons that say something else, through the door", neurons_through_the_door},
    {"the old object is the base's answer, also after an edit", the_old_object_stays},
    {"a model without a chat form", no_chat_form},
    {"an answer in chat form", a_chat_answer},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
