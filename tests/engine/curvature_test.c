/* The curvature of a text's loss and CrispEdit. On small models: the gradient against finite
 * differences of the loss, and what an edit adds. With BASELINES=crispedit (or all), on the default
 * model: the independent implementation's factors of 20,400 rows and edits of three facts; minutes.
 * Tolerances are relative, and those that the reference states. */
#include "core/edit/curvature.h"

#include "core/edit/editors/editors.h"
#include "core/edit/mat_f64.h"
#include "core/eval/answer.h"
#include "tests/engine/real.h"

enum { WINDOWS = 4, LONG = 20, FACTS = 3, LAYERS = 5, TOKENS = 20480, WINDOW = 256 };

static struct real real;
static json_t *all;

/* ---- small models ---- */

struct taken {
    struct device *dev;
    float *m, *g; /* [rows][M], [rows][d] of one layer */
};

static void take_rows(void *ctx, int index, struct mat x, bool gradient)
{
    struct taken *t = ctx;

    CHECK(index == 0);
    if (gradient)
        t->g = fetch(t->dev, x);
    else
        t->m = fetch(t->dev, x);
}

static double summed_loss(struct training *t)
{
    double sum = 0;

    CHECK(training_forward(t, NULL, NULL, NULL) && training_summed_head(t, NULL, NULL));
    device_download(t->dev, t->host_loss, t->losses);
    for (int i = 0; i < t->labels; i++)
        sum += (double)t->host_loss[i];
    return sum;
}

/* d loss / d W[r][c] is the sum of g_t[r] m_t[c]; more labels than are taken at once. */
static void gradient_is_a_difference(const char *name)
{
    char path[128];
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct err err = {0};
    struct request r[WINDOWS] = {0};
    struct row row[WINDOWS] = {0};
    int ids[WINDOWS][LONG], layer = 1;
    struct taken got = {.dev = dev};
    struct training t;
    struct model *m;
    struct model_state *view;
    struct mat w;

    snprintf(path, sizeof(path), "tests/data/architectures/%s/model.gguf", name);
    m = model_open(path, dev, 0, NULL, &err);
    CHECK_STR(err.text, "");
    view = state_new(m, 1);
    w = state_writable(view, layer, MATRIX_DOWN);
    for (int s = 0; s < WINDOWS; s++) {
        for (int i = 0; i < LONG; i++)
            ids[s][i] = (7 + 31 * s + 11 * i * i) % m->head.rows;
        row[s] = (struct row){.id = ids[s], .count = 1};
        r[s] =
            (struct request){.row = &row[s], .rows = 1, .target = ids[s] + 1, .targets = LONG - 1};
    }
    CHECK(training_begin(&t, view, r, WINDOWS,
                         (struct training_rule){.forced = true, .summed = true}, layer, NULL,
                         &err));
    CHECK(curvature_pass(&t, &layer, 1, take_rows, &got, NULL, &err));
    CHECK_STR(err.text, "");
    for (int k = 0; k < 6; k++) {
        int at = (k * 37 + 5) % w.rows, to = (k * 53 + 3) % w.cols;
        struct mat one = mat_cols(mat_rows(w, at, 1), to, 1);
        float *before = fetch(dev, one), h = 0.005f;
        double want, sum = 0, side[2];

        for (int row_at = 0; row_at < t.pass.rows; row_at++)
            sum += (double)got.g[row_at * w.rows + at] * (double)got.m[row_at * w.cols + to];
        for (int s = 0; s < 2; s++) {
            device_fill(dev, one, (double)(*before + (s ? h : -h)));
            side[s] = summed_loss(&t);
        }
        device_fill(dev, one, (double)*before);
        free(before);
        want = (side[1] - side[0]) / (2 * (double)h);
        CHECK_NEAR(sum, want, 5e-3 * fabs(want) + 1e-3);
    }
    free(got.m);
    free(got.g);
    training_free(&t);
    state_free(view);
    model_close(m);
    device_close(dev);
}

static void gradients_are_differences(void)
{
    gradient_is_a_difference("llama3");
    gradient_is_a_difference("gpt2");
    gradient_is_a_difference("gemma3"); /* with a norm behind the FFN */
}

/* ---- the default model ---- */

static double off(double got, double want)
{
    return fabs(got - want) / fabs(want);
}

/* The factors of the reference's layers over its text. */
static bool text_curvature(struct curvature *c, const int *layer, struct err *err)
{
    struct moments_origin origin = {.model = "goldens", .text = "wikitext-2", .window = WINDOW};
    struct tokens t = {0};
    size_t len;
    char *text = file_read("samples/text/wikitext2-test.txt", 1 << 24, &len, err);
    bool ok = text && tokenizer_encode(real.model->tokenizer, text, len, 0, &t, err) &&
              curvature_new(c, real.dev, &origin, real.model->config, layer, LAYERS, err) &&
              curvature_load(c, curvature_rows(c, TOKENS), NULL, err);

    while (ok && c->in->tokens < curvature_rows(c, TOKENS))
        ok = curvature_step(c, real.base, t.ids, TOKENS, curvature_rows(c, TOKENS), NULL, err);
    ok = ok && curvature_save(c, err);
    tokens_free(&t);
    free(text);
    return ok;
}

struct made {
    struct losses losses;
    struct edit_result result;
    struct score before, after;
};

/* How much of a change lies outside of the free directions. */
static double outside(const struct delta *d, const struct nullspace *const space[2], double gamma)
{
    struct free_space f;
    struct mat x = mat_new(real.dev, DT_F32, d->rows, d->cols);
    struct mat inside = mat_new(real.dev, DT_F32, d->rows, d->cols);
    double length = (double)NAN;

    device_upload(real.dev, x, d->r);
    device_copy(real.dev, x, inside);
    if (free_space_new(&f, space[0], space[1], gamma, 1, NULL)) {
        free_space_project(&f, inside);
        device_axpy(real.dev, -1, inside, x);
        CHECK(mat_length(real.dev, x, "outside", &length, NULL));
    }
    free_space_free(&f);
    mat_free(real.dev, &x);
    mat_free(real.dev, &inside);
    return length;
}

static json_t *of_layer(json_t *o, const char *name, int layer)
{
    char key[8];

    snprintf(key, sizeof(key), "%d", layer);
    return json_object_get(json_object_get(o, name), key);
}

static void edit_agrees(struct edit_context *ctx, json_t *want, int fact, bool released)
{
    struct request r = real_request(&real, fact, ctx->params);
    const struct continuation asked = continuation_of_request(&r);
    struct model_state *scratch = state_copy(real.base, 2);
    struct made *m = xcalloc(1, sizeof(*m));
    json_t *hist = json_object_get(want, "hist");
    double gamma = ctx->params->value[P_CRISPEDIT_GAMMA], loss = 0, share = 0, update = 0, out = 0;
    struct err err = {0};

    ctx->request = &r;
    ctx->count = 1;
    ctx->on_step = losses_add;
    ctx->on_step_ctx = &m->losses;
    CHECK(editor_of(ctx->params)->edit(&m->result, scratch, ctx, NULL, &err) &&
          answer_score(&m->before, real.base, &asked, NULL, &err) &&
          answer_score(&m->after, scratch, &asked, NULL, &err));
    CHECK_STR(err.text, "");
    CHECK(m->losses.steps == (int)json_array_size(hist) && m->result.deltas == LAYERS);
    for (int i = 0; i < m->losses.steps; i++) {
        double d = off(m->losses.loss[i], json_number_value(json_array_get(hist, (size_t)i)));

        CHECK(i || d < 1e-3);
        loss = fmax(loss, d);
    }
    for (int i = 0; i < m->result.deltas; i++) {
        const struct layer_report *l = &m->result.report[i];
        json_t *o = of_layer(want, "layers", l->layer);
        double left = outside(&m->result.delta[i], ctx->curvature[i], gamma);

        update = fmax(update, off(l->delta_norm, number_of(o, "dW")));
        share = fmax(share,
                     off(l->gradient_share, json_number_value(of_layer(want, "share", l->layer))));
        out = fmax(out, released ? off(left, number_of(o, "outside")) : left / l->delta_norm);
    }
    printf("%s fact %d: losses %.1e, share %.1e, update %.1e, outside %.1e; p %.4g, reference "
           "%.4g\n",
           released ? "released" : "fixed", fact, loss, share, update, out, m->after.p_first,
           number_of(json_object_get(want, "after"), "first"));
    CHECK(loss < 1e-2 && share < 1e-2 && update < 1e-2);
    CHECK(out < (released ? 1e-2 : 2e-5));
    CHECK(off(m->before.p_first, number_of(json_object_get(want, "before"), "first")) < 1e-3);
    CHECK(off(m->after.p_first, number_of(json_object_get(want, "after"), "first")) < 1e-2);
    CHECK(off(pow(m->after.p, 1.0 / r.targets), number_of(json_object_get(want, "after"), "seq")) <
          1e-2);
    edit_result_free(&m->result);
    free(m);
    state_free(scratch);
    request_free(&r);
}

static void factors_agree(const struct edit_context *ctx)
{
    json_t *layers = json_object_get(all, "stats");
    double trace = 0, cut = 0;

    for (int i = 0; i < LAYERS; i++) {
        const struct nullspace *a = ctx->curvature[i][0], *b = ctx->curvature[i][1];
        json_t *o = of_layer(layers, "layers", ctx->layer[i]);
        struct free_space f;

        CHECK(a->tokens == (long)number_of(layers, "tokens") && b->tokens == a->tokens);
        trace = fmax(trace, off(a->trace, number_of(o, "trace_a")));
        trace = fmax(trace, off(b->trace, number_of(o, "trace_b")));
        trace = fmax(trace, off(a->value[a->rank - 1], number_of(o, "largest_a")));
        trace = fmax(trace, off(b->value[b->rank - 1], number_of(o, "largest_b")));
        CHECK(free_space_new(&f, a, b, 0.99, 1, NULL));
        cut = fmax(cut, off(f.rank, number_of(o, "rank")));
        cut = fmax(cut, off(f.tau, number_of(o, "tau")));
        free_space_free(&f);
    }
    printf("traces and largest eigenvalues %.1e, rank and tau %.1e\n", trace, cut);
    CHECK(trace < 1e-4 && cut < 1e-3);
}

static void edits_are_as_the_reference(void)
{
    const char *wanted = getenv("BASELINES");
    const struct nullspace_rule rule = {.none = true};
    struct params fixed = real_settings("crispedit"), released = real_settings("crispedit_ee");
    struct edit_context ctx = {.params = &fixed};
    struct curvature c = {0};
    struct err err = {0};
    int layer[PARAM_MAX_LAYERS];

    CHECK(all && editor_layers(&fixed, real.model->config, layer, &ctx.layers, &err));
    CHECK(ctx.layers == LAYERS && layer[0] == 18 && layer[4] == 22);
    if (!wanted || (strcmp(wanted, "all") != 0 && strcmp(wanted, "crispedit") != 0))
        return;
    memcpy(ctx.layer, layer, sizeof(int) * LAYERS);
    CHECK(text_curvature(&c, layer, &err));
    for (int i = 0; i < LAYERS; i++)
        for (int k = 0; k < 2; k++)
            ctx.curvature[i][k] = nullspace_cached(k ? c.out : c.in, i, rule, NULL, NULL, &err);
    CHECK_STR(err.text, "");
    factors_agree(&ctx);
    for (int fact = 0; fact < FACTS; fact++)
        for (int k = 0; k < 2; k++) {
            ctx.params = k ? &released : &fixed;
            edit_agrees(
                &ctx, json_array_get(json_object_get(all, k ? "released" : "fixed"), (size_t)fact),
                fact, k);
        }
    for (int i = 0; i < LAYERS; i++)
        for (int k = 0; k < 2; k++)
            nullspace_free((struct nullspace *)(size_t)ctx.curvature[i][k]);
    curvature_free(&c);
}

static const struct test tests[] = {
    {"the gradient at W_down is that of differences", gradients_are_differences},
    {"CrispEdit is as the reference", edits_are_as_the_reference},
};

int main(void)
{
    int status;

    all = golden_json("baselines/crispedit.json");
    status = real_main(&real, tests, sizeof(tests) / sizeof(*tests));
    json_decref(all);
    return status;
}
