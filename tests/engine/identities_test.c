/* Identities that hold for any weights: sums of neurons, the lens, limits and symmetries of the
 * scores, a naive computation of a few of them, and the gradient against finite differences. */
#include "core/edit/mask.h"
#include "core/model/generate.h"
#include "tests/engine/real.h"

enum { LAYER = 6, SOME = 4 };
static const int some[SOME] = {0, 7, 300, 1535}; /* neurons that are computed one by one */

static struct real real;

static struct attribution *scores(const struct model_state *view, const struct params *p,
                                  bool curves)
{
    struct request r = real_request(&real, 0, p);
    struct err err = {0};
    struct attribute_run *run = attribute_begin(view, &r, 1, p, 1, NULL, &err);
    struct attribution *a = run ? attribute_layer(run, LAYER, curves, NULL, &err) : NULL;

    CHECK_STR(err.text, "");
    CHECK(a != NULL);
    attribute_end(run);
    request_free(&r);
    return a;
}

static struct params with(const char *name, const char *value)
{
    struct params p;

    params_default(&p);
    if (name)
        set(&p, name, value);
    return p;
}

/* What one forward pass over the bare prompt leaves at its last position. */
struct seen {
    int row;
    float *h, *m, *out, *last; /* of LAYER; last: the last block's output */
    float *logits;
};

static void look(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct seen *s = ctx;
    struct mat row = mat_rows(x, s->row, 1);

    if (layer == LAYER && site == TAP_FFN_IN)
        s->h = fetch(real.dev, row);
    else if (layer == LAYER && site == TAP_COEFF)
        s->m = fetch(real.dev, row);
    else if (layer == LAYER && site == TAP_BLOCK_OUT)
        s->out = fetch(real.dev, row);
    if (layer == real.model->config->layers - 1 && site == TAP_BLOCK_OUT)
        s->last = fetch(real.dev, row);
}

static struct seen see(const struct model_state *view)
{
    const struct model *m = view->model;
    struct params p = with(NULL, NULL);
    struct request r = real_request(&real, 0, &p);
    const int *ids = r.row[0].id;
    struct batch batch = batch_new(&ids, &r.row[0].count, NULL, 1, 0);
    struct seen s = {.row = batch.rows - 1};
    struct tap tap = {look, &s};
    struct forward *f = forward_new(m, batch.rows);
    struct kv_cache *cache = kv_cache_new(m, batch.rows);
    struct mat x = mat_new(real.dev, DT_F32, batch.rows, m->config->hidden);
    struct mat logits = mat_new(real.dev, DT_F32, 1, m->head.rows);
    struct err err = {0};

    CHECK(forward_run(f, view, &batch, cache, x, &tap, NULL, &err));
    forward_logits(f, mat_rows(x, s.row, 1), logits);
    s.logits = fetch(real.dev, logits);
    mat_free(real.dev, &logits);
    mat_free(real.dev, &x);
    kv_cache_free(cache, real.dev);
    forward_free(f);
    batch_free(&batch);
    request_free(&r);
    return s;
}

static void seen_free(struct seen *s)
{
    free(s->h);
    free(s->m);
    free(s->out);
    free(s->last);
    free(s->logits);
}

static double mean_square(const float *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum / n;
}

static void neurons_add_up(void)
{
    int d = real.model->config->hidden, m = real.model->config->ffn;
    struct seen s = see(real.base);
    float *down = fetch(real.dev, state_matrix(real.base, LAYER, MATRIX_DOWN));
    float *sum = xcalloc((size_t)d, sizeof(float));
    double off;

    for (int j = 0; j < d; j++) {
        double add = (double)s.h[j];

        for (int i = 0; i < m; i++)
            add += (double)s.m[i] * (double)down[(size_t)j * (size_t)m + (size_t)i];
        sum[j] = (float)add;
    }
    off = relative(s.out, sum, (size_t)d);
    printf("residual + sum of m v against the block's output: %.2e\n", off);
    CHECK(off < 1e-5);
    free(sum);
    free(down);
    seen_free(&s);
}

/* W_U diag(g) x in double: [V]. */
static double *project(const float *x)
{
    int d = real.model->config->hidden, v = real.model->head.rows;
    float *head = fetch(real.dev, real.model->head),
          *g = fetch(real.dev, real.model->final_norm.gain);
    double *out = xcalloc((size_t)v, sizeof(*out));

    for (int j = 0; j < v; j++)
        for (int k = 0; k < d; k++)
            out[j] += (double)head[(size_t)j * (size_t)d + (size_t)k] * (double)g[k] * (double)x[k];
    free(head);
    free(g);
    return out;
}

static void lens_of_last_residual(void)
{
    int d = real.model->config->hidden, v = real.model->head.rows;
    struct seen s = see(real.base);
    double inv = 1 / sqrt(mean_square(s.last, d) + (double)real.model->config->norm_eps);
    double *lens = project(s.last), worst = 0;

    for (int j = 0; j < v; j++)
        worst = fmax(worst, fabs(lens[j] * inv - (double)s.logits[j]));
    printf("lens of the last residual against the logits: %.2e\n", worst);
    CHECK(worst < 1e-3);
    free(lens);
    seen_free(&s);
}

static void psa_from_lps(void)
{
    struct params pl = with("attr.strategy", "lps"), pp = with("attr.strategy", "psa");
    struct attribution *l = scores(real.base, &pl, false), *p = scores(real.base, &pp, false);
    double worst = 0;

    for (int b = 0; l && p && b < l->rows; b++)
        for (int i = 0; i < l->neurons; i++) {
            int at = b * l->neurons + i;
            double want = exp(l->base_logp[b]) * expm1((double)l->score[at]);

            worst = fmax(worst, fabs((double)p->score[at] - want) / (fabs(want) + 1e-6));
        }
    printf("PSA against p0 (e^LPS - 1): %.2e\n", worst);
    CHECK(worst < 1e-4);
    attribution_unref(l);
    attribution_unref(p);
}

static double log_p(const double *base, const double *u, double c, double scale, int target)
{
    double max = -HUGE_VAL, sum = 0;

    for (int j = 0; j < real.model->head.rows; j++)
        max = fmax(max, scale * base[j] + c * u[j]);
    for (int j = 0; j < real.model->head.rows; j++)
        sum += exp(scale * base[j] + c * u[j] - max);
    return scale * base[target] + c * u[target] - max - log(sum);
}

/* The definitions as they stand, for some neurons at the bare prompt, both norms, and the slope
 * at an amplification of nearly 0: m (U_y - E U) / rms. */
struct naive {
    double fixed[SOME], own[SOME], slope[SOME];
};

static struct naive naive_scores(double amplify, int target)
{
    int d = real.model->config->hidden, m = real.model->config->ffn;
    struct seen s = see(real.base);
    float *down = fetch(real.dev, state_matrix(real.base, LAYER, MATRIX_DOWN));
    float *v = xcalloc((size_t)d, sizeof(float)), *moved = xcalloc((size_t)d, sizeof(float));
    double eps = (double)real.model->config->norm_eps, *base = project(s.h);
    double inv = 1 / sqrt(mean_square(s.last, d) + eps);
    double h_inv = 1 / sqrt(mean_square(s.h, d) + eps);
    double *u = NULL;
    struct naive n;

    for (int k = 0; k < SOME; k++) {
        double c = amplify * (double)s.m[some[k]], own, eu = 0, z;

        for (int j = 0; j < d; j++) {
            v[j] = down[(size_t)j * (size_t)m + (size_t)some[k]];
            moved[j] = s.h[j] + (float)(c * (double)v[j]);
        }
        u = project(v);
        own = 1 / sqrt(mean_square(moved, d) + eps);
        z = log_p(base, u, 0, inv, target);
        n.fixed[k] = log_p(base, u, c * inv, inv, target) - z;
        n.own[k] = log_p(base, u, c * own, own, target) - log_p(base, u, 0, h_inv, target);
        z = inv * base[target] - z; /* log of the sum */
        for (int j = 0; j < real.model->head.rows; j++)
            eu += exp(inv * base[j] - z) * u[j];
        n.slope[k] = (double)s.m[some[k]] * (u[target] - eu) * inv;
        free(u);
    }
    free(base);
    free(v);
    free(moved);
    free(down);
    seen_free(&s);
    return n;
}

static void naive_agrees(void)
{
    struct params pf = with(NULL, NULL), po = with("attr.norm", "own");
    struct params small = with("attr.amplify", "0.01");
    struct attribution *f = scores(real.base, &pf, false), *o = scores(real.base, &po, false);
    struct attribution *s = scores(real.base, &small, true);
    struct naive n = naive_scores(30, f->target[0]);

    for (int k = 0; k < SOME; k++) {
        int i = some[k];

        printf("neuron %4d: fixed %.3e (%.3e), own %.3e (%.3e), slope %.3e (%.3e), %.3e\n", i,
               (double)f->score[i], n.fixed[k], (double)o->score[i], n.own[k], (double)s->slope[i],
               n.slope[k], (double)s->score[i] / 0.01);
        CHECK_NEAR((double)f->score[i], n.fixed[k], 2e-5 + 1e-4 * fabs(n.fixed[k]));
        CHECK_NEAR((double)o->score[i], n.own[k], 2e-5 + 1e-4 * fabs(n.own[k]));
        CHECK_NEAR((double)s->slope[i], n.slope[k], 1e-6 + 1e-3 * fabs(n.slope[k]));
    }
    attribution_unref(f);
    attribution_unref(o);
    attribution_unref(s);
}

/* LPS / amplify tends to the slope; between two amplifications the mean slope is the quotient. */
static void slope_is_the_limit(void)
{
    struct params pa = with("attr.amplify", "0.5"), pb = with("attr.amplify", "1.5");
    struct params pm = with("attr.amplify", "1");
    struct attribution *a = scores(real.base, &pa, false), *b = scores(real.base, &pb, false);
    struct attribution *m = scores(real.base, &pm, true);
    size_t n = (size_t)m->rows * (size_t)m->neurons;
    float *got = xmalloc(n * sizeof(float)), *limit = xmalloc(n * sizeof(float));
    double central, first;

    for (size_t i = 0; i < n; i++) {
        got[i] = (float)((double)b->score[i] - (double)a->score[i]);
        limit[i] = (float)((double)m->slope[i] - (double)m->curve[i] / 2);
    }
    central = relative(got, m->slope, n);
    first = relative(m->score, limit, n);
    printf("slope against differences %.2e, LPS / amplify against slope - curve/2 %.2e\n", central,
           first);
    CHECK(central < 2e-3);
    CHECK(first < 2e-3);
    free(got);
    free(limit);
    attribution_unref(a);
    attribution_unref(b);
    attribution_unref(m);
}

/* Where the derivatives are not those that are computed there are none: no slope, no false one. */
static void no_false_slopes(void)
{
    static const char *const settings[][2] = {
        {"attr.norm", "own"}, {"attr.amplify", "0"}, {"attr.strategy", "psa"}};
    struct model_config config = *real.model->config;
    struct model model = *real.model;
    struct model_state *bent;

    for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
        struct params p = with(settings[i][0], settings[i][1]);
        struct attribution *a = scores(real.base, &p, true);

        CHECK(!a->slope && !a->curve);
        attribution_unref(a);
    }
    config.logit_softcap = 30;
    model.config = &config;
    bent = state_new(&model, 1);
    for (int cap = 0; cap < 2; cap++) {
        struct params p = with(NULL, NULL);
        struct attribution *a = scores(cap ? bent : real.base, &p, true);

        CHECK((a->slope == NULL) == cap && (a->curve == NULL) == cap);
        attribution_unref(a);
    }
    state_free(bent);
}

/* A model whose layer LAYER is changed: the rest is the real one's. */
struct changed {
    struct model model;
    struct model_state *view;
    struct mat mat[3];
};

/* gate and up rows and down columns in the order order[], up by `up`, down by `down`. */
static struct changed change(const int *order, float up, float down)
{
    struct changed c = {.model = *real.model};
    int layers = c.model.config->layers, d = c.model.config->hidden, m = c.model.config->ffn;
    struct mat *part[3];

    c.model.block = xcalloc((size_t)layers, sizeof(*c.model.block));
    memcpy(c.model.block, real.model->block, (size_t)layers * sizeof(*c.model.block));
    part[0] = &c.model.block[LAYER].w[MATRIX_GATE];
    part[1] = &c.model.block[LAYER].w[MATRIX_UP];
    part[2] = &c.model.block[LAYER].w[MATRIX_DOWN];
    for (int k = 0; k < 3; k++) {
        float *from = fetch(real.dev, *part[k]), by = k == 1 ? up : k == 2 ? down : 1;
        float *to = xmalloc((size_t)m * (size_t)d * sizeof(float));

        for (int i = 0; i < m; i++)
            for (int j = 0; j < d; j++) {
                int at = k < 2 ? i * d + j : j * m + i;

                to[at] = by * from[k < 2 ? order[i] * d + j : j * m + order[i]];
            }
        c.mat[k] = mat_new(real.dev, DT_F32, part[k]->rows, part[k]->cols);
        device_upload(real.dev, c.mat[k], to);
        *part[k] = c.mat[k];
        free(from);
        free(to);
    }
    return c;
}

static void changed_free(struct changed *c)
{
    state_free(c->view);
    for (int k = 0; k < 3; k++)
        mat_free(real.dev, &c->mat[k]);
    free(c->model.block);
}

static int *order_of(int by)
{
    int m = real.model->config->ffn, *order = xcalloc((size_t)m, sizeof(int));

    for (int i = 0; i < m; i++)
        order[i] = (int)((long)i * by % m);
    return order;
}

static void permuted_neurons(void)
{
    int m = real.model->config->ffn, *order = order_of(5), same = 0, classes = 0;
    struct changed c = change(order, 1, 1);
    struct params p = with(NULL, NULL);
    struct attribution *a = scores(real.base, &p, false), *b;
    struct mask *ma, *mb;
    float *want = xmalloc((size_t)a->rows * (size_t)m * sizeof(float));
    double off;

    c.view = state_new(&c.model, 7);
    b = scores(c.view, &p, false);
    ma = mask_build(a, &p);
    mb = mask_build(b, &p);
    for (int r = 0; r < a->rows; r++)
        for (int i = 0; i < m; i++)
            want[r * m + i] = a->score[r * m + order[i]];
    for (int i = 0; i < m; i++) {
        same += (ma->weight[order[i]] > 0) == (mb->weight[i] > 0);
        classes += ma->class_bits[order[i]] == mb->class_bits[i];
    }
    off = relative(b->score, want, (size_t)a->rows * (size_t)m);
    printf("permuted: scores %.2e, masks %d, classes %d of %d\n", off, same, classes, m);
    CHECK(off < 1e-4);
    CHECK(same >= m - 4);
    CHECK(classes >= m - 4);
    CHECK(abs(ma->selected - mb->selected) <= 4);
    free(want);
    free(order);
    mask_free(ma);
    mask_free(mb);
    attribution_unref(a);
    attribution_unref(b);
    changed_free(&c);
}

static void scaled_neurons(void)
{
    int *order = order_of(1);
    float s = 3;
    struct changed c = change(order, 1 / s, s);
    struct params p = with(NULL, NULL), q = with("attr.strategy", "mpc");
    struct attribution *a = scores(real.base, &p, false), *b, *ma, *mb;
    struct seen before = see(real.base), after;
    size_t n = (size_t)a->rows * (size_t)a->neurons;
    double logits, lps, mpc;

    c.view = state_new(&c.model, 8);
    after = see(c.view);
    b = scores(c.view, &p, false);
    ma = scores(real.base, &q, false);
    mb = scores(c.view, &q, false);
    for (size_t i = 0; i < n; i++)
        mb->score[i] *= s;
    logits = relative(after.logits, before.logits, (size_t)real.model->head.rows);
    lps = relative(b->score, a->score, n);
    mpc = relative(mb->score, ma->score, n);
    printf("up / s, v s: logits %.2e, LPS %.2e, s MPC %.2e\n", logits, lps, mpc);
    CHECK(logits < 1e-5);
    CHECK(lps < 1e-4);
    CHECK(mpc < 1e-5);
    seen_free(&before);
    seen_free(&after);
    free(order);
    attribution_unref(a);
    attribution_unref(b);
    attribution_unref(ma);
    attribution_unref(mb);
    changed_free(&c);
}

/* A loss through the last two blocks and the head, as the target optimisation has it. */
struct loss {
    struct forward *f;
    struct kv_cache *cache;
    struct batch batch;
    struct saved saved[2];
    struct mat start, x, logits, dl, dx, nll;
    int first, last, label;
};

static void keep_start(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct loss *l = ctx;

    if (layer == l->first && site == TAP_BLOCK_IN)
        device_copy(real.dev, x, l->start);
}

static double loss_at(struct loss *l, struct mat start)
{
    float *row;
    double loss;

    device_copy(real.dev, start, l->x);
    for (int k = 0; k < 2; k++)
        forward_block(l->f, real.base, l->first + k, &l->batch, l->cache, l->x, NULL, &l->saved[k]);
    forward_logits(l->f, mat_rows(l->x, l->last, 1), l->logits);
    row = fetch(real.dev, l->logits);
    loss = log_sum_exp(row, real.model->head.rows) - (double)row[l->label];
    free(row);
    return loss;
}

static struct loss loss_new(const struct request *r)
{
    const struct model *m = real.model;
    const int *ids = r->row[0].id;
    int n = r->row[0].count, d = m->config->hidden;
    struct loss l = {.batch = batch_new(&ids, &n, NULL, 1, 0),
                     .f = forward_new(m, n),
                     .cache = kv_cache_new(m, n),
                     .first = m->config->layers - 2,
                     .last = n - 1,
                     .label = r->target[0]};
    struct tap tap = {keep_start, &l};
    struct err err = {0};

    l.saved[0] = saved_new(m, n);
    l.saved[1] = saved_new(m, n);
    l.start = mat_new(real.dev, DT_F32, n, d);
    l.x = mat_new(real.dev, DT_F32, n, d);
    l.dx = mat_new(real.dev, DT_F32, n, d);
    l.logits = mat_new(real.dev, DT_F32, 1, m->head.rows);
    l.dl = mat_new(real.dev, DT_F32, 1, d);
    l.nll = mat_new(real.dev, DT_F32, 1, 1);
    CHECK(forward_run(l.f, real.base, &l.batch, l.cache, l.x, &tap, NULL, &err));
    return l;
}

static void loss_free(struct loss *l)
{
    struct mat *all[] = {&l->start, &l->x, &l->logits, &l->dl, &l->dx, &l->nll};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(real.dev, all[i]);
    saved_free(&l->saved[0], real.dev);
    saved_free(&l->saved[1], real.dev);
    forward_free(l->f);
    kv_cache_free(l->cache, real.dev);
    batch_free(&l->batch);
}

/* Slope of the loss along a direction [rows][d] of length 1, by central differences. */
static double slope_along(struct loss *l, const float *direction, float step)
{
    struct mat way = mat_new(real.dev, DT_F32, l->start.rows, l->start.cols);
    struct mat moved = mat_new(real.dev, DT_F32, l->start.rows, l->start.cols);
    double side[2];

    device_upload(real.dev, way, direction);
    for (int k = 0; k < 2; k++) {
        device_copy(real.dev, l->start, moved);
        device_axpy(real.dev, k ? step : -step, way, moved);
        side[k] = loss_at(l, moved);
    }
    mat_free(real.dev, &way);
    mat_free(real.dev, &moved);
    return (side[1] - side[0]) / (2 * (double)step);
}

static void gradient_by_differences(void)
{
    struct params p = with(NULL, NULL);
    struct request r = real_request(&real, 0, &p);
    struct loss l = loss_new(&r);
    int n = l.start.rows, d = l.start.cols;
    float *grad, *way = xcalloc((size_t)n * (size_t)d, sizeof(float));

    loss_at(&l, l.start);
    device_cross_entropy(real.dev, l.logits, &l.label, 1, l.nll, true);
    backward_logits(l.f, mat_rows(l.x, l.last, 1), l.logits, l.dl);
    device_scatter_add(real.dev, l.dl, &l.last, l.dx);
    for (int k = 1; k >= 0; k--)
        backward_block(l.f, real.base, l.first + k, &l.batch, l.cache, &l.saved[k], l.dx);
    grad = fetch(real.dev, l.dx);
    for (int row = 0; row < n; row++) { /* each position by itself: attention carries it on */
        double norm = sqrt(mean_square(grad + row * d, d) * d), got;

        if (norm < 1e-4) /* too flat for differences in float32 */
            continue;
        memset(way, 0, (size_t)n * (size_t)d * sizeof(float));
        for (int j = 0; j < d; j++)
            way[row * d + j] = (float)((double)grad[row * d + j] / norm);
        got = slope_along(&l, way, norm < 0.01 ? 1 : 0.2F);
        printf("position %d: |gradient| %.5f, differences %.5f\n", row, norm, got);
        CHECK_NEAR(got, norm, 0.01 * norm + 5e-6);
    }
    CHECK(sqrt(mean_square(grad + l.last * d, d) * d) > 1e-3);
    free(grad);
    free(way);
    loss_free(&l);
    request_free(&r);
}

/* Drawn words: the reference p is still that of the whole vocabulary, an explained token is always
 * drawn, and nothing is drawn where that is refused or would leave none out. */
static void drawn_words(void)
{
    static const char *const refused[] = {"attr.norm=own", "attr.strategy=mpc"};
    struct params p = with(NULL, NULL);
    struct attribution *exact = scores(real.base, &p, true), *few;
    double off = 0, all = 0;

    set(&p, "attr.words", "2000");
    few = scores(real.base, &p, true);
    CHECK(exact->words == 0 && few->words == 2000);
    for (int b = 0; b < exact->rows; b++) {
        CHECK(few->target[b] == exact->target[b]);
        CHECK_NEAR(few->base_logp[b], exact->base_logp[b], 1e-6);
    }
    for (int i = 0; i < exact->rows * exact->neurons; i++) {
        double d = (double)few->slope[i] - (double)exact->slope[i];

        off += d * d;
        all += (double)exact->slope[i] * (double)exact->slope[i];
    }
    printf("drawn words: slopes off by %.4f of their size\n", sqrt(off / all));
    CHECK(off < 0.01 * all);
    attribution_unref(few);
    set(&p, "attr.words", "1000000");
    few = scores(real.base, &p, true);
    CHECK(few->words == 0);
    CHECK(!memcmp(few->score, exact->score, (size_t)few->neurons * sizeof(float)));
    attribution_unref(few);
    for (int k = 0; k < 2; k++) {
        char name[40];
        const char *equals = strchr(refused[k], '=');

        p = with("attr.words", "2000");
        snprintf(name, sizeof(name), "%.*s", (int)(equals - refused[k]), refused[k]);
        set(&p, name, equals + 1);
        few = scores(real.base, &p, false);
        CHECK(few->words == 0);
        attribution_unref(few);
    }
    attribution_unref(exact);
}

static const struct test tests[] = {
    {"sums of drawn words", drawn_words},
    {"residual + sum of m v = the block's output", neurons_add_up},
    {"lens of the last residual = logits", lens_of_last_residual},
    {"PSA = p0 (e^LPS - 1)", psa_from_lps},
    {"LPS by its definition, both norms, and its slope", naive_agrees},
    {"LPS / amplify tends to the slope", slope_is_the_limit},
    {"no slope where it would be false", no_false_slopes},
    {"permuted neurons: permuted scores and masks", permuted_neurons},
    {"rescaled neurons: LPS stays, MPC does not", scaled_neurons},
    {"gradient of the target's loss by differences", gradient_by_differences},
};

int main(void)
{
    return real_main(&real, tests, (int)(sizeof(tests) / sizeof(*tests)));
}
