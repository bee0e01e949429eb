/* FiNE, fine-grained neurons (editscope-method(7) 7.22): the value vectors of the few neurons that
 * say the old object are optimised, nothing else.
 *
 *   chosen: at each position that predicts tau_j, the fine.neurons of largest
 *           m_li <v_li, W_U[y]>, y what the model says there; not in the last layers
 *   v_li += delta_r, delta by Adam on
 *       max_j -log p(tau_j)                             the new object is said
 *     + |delta| / 10                                    little is changed
 *     + fine.kl KL(p_0 || p)                            at the positions before, on average
 *     + fine.repeat max_j -log(1 - p(tau_j | prompt tau_1 ... tau_n))    and said once
 *
 * Several facts are written one after the other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/neuron_changes.h"
#include "core/edit/training.h"
#include "core/model/generate.h"

enum { LAST_LAYERS = 3 };         /* that are left alone, of a model with enough of them */
static const double decay = 0.1;  /* of |delta| */
static const double enough = 0.9; /* p(tau_j) of every j: the end */

/* The layers that neurons are chosen from, of so many: not the last three; in a small model not the
 * last quarter. */
static int layers_of(int layers)
{
    return layers - (layers / 4 < LAST_LAYERS ? layers / 4 : LAST_LAYERS);
}

struct chosen {
    int layer, neuron;
    double score;
};

/* One fact under way. Rows: the prompt, then the new object. */
struct fine {
    struct training t;
    struct model_state *view;
    const struct edit_context *ctx;
    const struct params *p;
    const struct request *request;
    struct device *dev;
    int layers, d, m, n, prompt, rows; /* n: tokens of the new object; prompt: of the prompt */
    int top;                           /* layers that may be chosen from */
    float *coeff;                      /* [top][n][M] at the label positions */
    int *said;                         /* [n] */
    struct chosen *chosen;
    int count;
    struct mat *kept;             /* [layers] coefficients [rows, M] of layers with chosen ones */
    struct mat delta, base, grad; /* [count, d]; base: the value vectors as they were */
    struct mat adam_m, adam_v, steps; /* of Adam */
    struct mat dx, dw;                /* [rows, d], [d, M] */
    struct mat logits, first;         /* [rows, V]; [prompt - 1, V] p_0 less 1 at token 0 */
    struct mat cross;                 /* [prompt - 1, prompt - 1] */
    struct mat loss, again, lse;      /* [1, rows], [1, n], [1, rows] */
    struct mat logit0;                /* [prompt - 1, 1] */
    double *entropy;                  /* [prompt - 1] sum of p_0 log p_0 */
};

static void fine_free(struct fine *s)
{
    struct mat *all[] = {&s->delta, &s->base, &s->grad,  &s->adam_m, &s->adam_v,
                         &s->steps, &s->dx,   &s->dw,    &s->logits, &s->first,
                         &s->cross, &s->loss, &s->again, &s->lse,    &s->logit0};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(s->dev, all[i]);
    for (int l = 0; s->kept && l < s->layers; l++)
        mat_free(s->dev, &s->kept[l]);
    free(s->kept);
    training_free(&s->t);
    free(s->coeff);
    free(s->said);
    free(s->chosen);
    free(s->entropy);
}

static void keep_labels(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct fine *s = ctx;
    size_t size = (size_t)s->n * (size_t)s->m;

    if (site == TAP_COEFF && layer < s->top)
        device_download(s->dev, s->coeff + (size_t)layer * size, mat_rows(x, s->prompt - 1, s->n));
}

/* The coefficients at the label positions, and what the model says there. */
static bool fine_read(struct fine *s, struct job *job, struct err *err)
{
    struct training_rule rule = {.forced = true, .whole = true};
    int vocab = s->view->model->head.rows;
    float *logits = xmalloc((size_t)s->n * (size_t)vocab * sizeof(float));
    struct tap tap = {keep_labels, s};
    bool ok;

    s->coeff = xcalloc((size_t)s->top * (size_t)s->n * (size_t)s->m + 1, sizeof(float));
    s->said = xcalloc((size_t)s->n, sizeof(int));
    ok = training_begin(&s->t, s->view, s->request, 1, rule, 0, job, err) &&
         training_forward(&s->t, &tap, job, err);
    if (ok) {
        device_gather(s->dev, s->t.x, s->t.label_row, s->t.lx);
        forward_logits(s->t.f, s->t.lx, s->t.logits);
        device_fetch(s->dev, logits, s->t.logits, "the logits (a row a token of the object)");
        ok = device_sync(s->dev, err);
    }
    for (int j = 0; ok && j < s->n; j++)
        top_k(logits + (size_t)j * (size_t)vocab, vocab, 1, &s->said[j]);
    training_free(&s->t);
    s->t = (struct training){.dev = s->dev};
    free(logits);
    return ok;
}

/* Puts a neuron among the best `most` of a position, if it is one. */
static void rank_neuron(struct chosen *best, int most, int *have, struct chosen c)
{
    int at;

    if (*have == most && !(c.score > best[most - 1].score))
        return;
    *have += *have < most;
    for (at = *have - 1; at > 0 && best[at - 1].score < c.score; at--)
        best[at] = best[at - 1];
    best[at] = c;
}

static int by_place(const void *a, const void *b)
{
    const struct chosen *x = a, *y = b;

    return x->layer != y->layer ? x->layer - y->layer : x->neuron - y->neuron;
}

/* s->chosen: the best of each position, in the order of layers. One that is best at two positions
 * is there twice. */
static bool fine_choose(struct fine *s, struct job *job, struct err *err)
{
    const struct model *m = s->view->model;
    int most = (int)s->p->value[P_FINE_NEURONS];
    struct mat rows = mat_new(s->dev, DT_F32, s->n, s->d);
    struct mat along = mat_new(s->dev, DT_F32, s->n, s->m);
    float *host = xmalloc((size_t)s->n * (size_t)s->m * sizeof(float));
    int *have = xcalloc((size_t)s->n, sizeof(int));
    bool ok = true;

    s->chosen = xcalloc((size_t)s->n * (size_t)most, sizeof(*s->chosen));
    device_gather(s->dev, m->head, s->said, rows);
    for (int l = 0; ok && l < s->top; l++) {
        const float *c = s->coeff + (size_t)l * (size_t)s->n * (size_t)s->m;

        device_gemm(s->dev, 1, rows, false, state_matrix(s->view, l, MATRIX_DOWN), false, 0, along);
        device_fetch(s->dev, host, along, "layer %d: the value vectors along what is said", l);
        ok = !job_cancelled(job, err) && device_sync(s->dev, err);
        for (int i = 0; ok && i < s->n * s->m; i++) {
            struct chosen one = {l, i % s->m, (double)c[i] * (double)host[i]};

            rank_neuron(s->chosen + i / s->m * most, most, &have[i / s->m], one);
        }
    }
    for (int j = 0; j < s->n; j++)
        for (int k = 0; k < have[j]; k++)
            s->chosen[s->count++] = s->chosen[j * most + k];
    qsort(s->chosen, (size_t)s->count, sizeof(*s->chosen), by_place);
    mat_free(s->dev, &rows);
    mat_free(s->dev, &along);
    free(host);
    free(have);
    return ok;
}

/* Row r of x [count, d] as a column. */
static struct mat as_column(struct mat x, int r)
{
    struct mat c = {x.data, x.type, x.rows * x.cols, 1, 1};

    return mat_rows(c, r * x.cols, x.cols);
}

static struct mat value_vector(const struct fine *s, int r)
{
    return mat_cols(state_matrix(s->view, s->chosen[r].layer, MATRIX_DOWN), s->chosen[r].neuron, 1);
}

/* Room for the steps. */
static bool fine_begin(struct fine *s, struct job *job, struct err *err)
{
    struct training_rule rule = {.forced = true, .whole = true};
    int vocab = s->view->model->head.rows, before = s->prompt - 1;

    if (!training_begin(&s->t, s->view, s->request, 1, rule, s->chosen[0].layer, job, err))
        return false;
    s->kept = xcalloc((size_t)s->layers, sizeof(*s->kept));
    s->delta = mat_new(s->dev, DT_F32, s->count, s->d);
    s->base = mat_new(s->dev, DT_F32, s->count, s->d);
    s->grad = mat_new(s->dev, DT_F32, s->count, s->d);
    s->adam_m = mat_new(s->dev, DT_F32, s->count, s->d);
    s->adam_v = mat_new(s->dev, DT_F32, s->count, s->d);
    s->steps = mat_new(s->dev, DT_F64, 1, 1);
    s->dx = mat_new(s->dev, DT_F32, s->rows, s->d);
    s->dw = mat_new(s->dev, DT_F32, s->d, s->m);
    s->logits = mat_new(s->dev, DT_F32, s->rows, vocab);
    s->loss = mat_new(s->dev, DT_F32, 1, s->rows);
    s->again = mat_new(s->dev, DT_F32, 1, s->n);
    s->lse = mat_new(s->dev, DT_F32, 1, s->rows);
    if (before) {
        s->first = mat_new(s->dev, DT_F32, before, vocab);
        s->cross = mat_new(s->dev, DT_F32, before, before);
        s->logit0 = mat_new(s->dev, DT_F32, before, 1);
    }
    s->entropy = xcalloc((size_t)s->prompt, sizeof(double));
    for (int r = 0; r < s->count; r++) {
        int l = s->chosen[r].layer;

        if (!s->kept[l].data)
            s->kept[l] = mat_new(s->dev, DT_F32, s->rows, s->m);
        state_writable(s->view, l, MATRIX_DOWN);
    }
    for (int r = 0; r < s->count; r++)
        device_copy(s->dev, value_vector(s, r), as_column(s->base, r));
    return device_sync(s->dev, err);
}

/* The chosen value vectors = base + delta. */
static void set_values(struct fine *s)
{
    for (int r = 0; r < s->count; r++)
        device_copy(s->dev, as_column(s->base, r), value_vector(s, r));
    for (int r = 0; r < s->count; r++)
        device_axpy(s->dev, 1, as_column(s->delta, r), value_vector(s, r));
}

static void keep_coeff(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct fine *s = ctx;

    if (site == TAP_COEFF && s->kept[layer].data)
        device_copy(s->dev, x, s->kept[layer]);
}

/* The parts of the loss at a step, and which labels the two maxima are of. */
struct fine_loss {
    int worst, again;
    double nll, kl, repeated, p_again; /* the largest -log p; KL; the largest -log(1 - p), its p */
};

/* Sums of p_0 times the logits of each row, by which KL is known: those of `first`, which lacks 1
 * at token 0, on the diagonal of `cross`, and the logits of token 0. */
static void start_distance(struct fine *s, bool is_first)
{
    int before = s->prompt - 1;
    struct mat x = mat_rows(s->logits, 0, before);

    if (!before)
        return;
    if (is_first) {
        int *zero = xcalloc((size_t)before, sizeof(int));

        device_copy(s->dev, x, s->first);
        device_cross_entropy(s->dev, s->first, zero, 1, mat_cols(s->loss, 0, before), true);
        free(zero);
    }
    device_gemm(s->dev, 1, s->first, false, x, true, 0, s->cross);
    device_copy(s->dev, mat_cols(x, 0, 1), s->logit0);
    device_lse(s->dev, x, mat_cols(s->lse, 0, before));
}

static double distance(struct fine *s, bool is_first, const float *cross, const float *logit0,
                       const float *lse)
{
    int before = s->prompt - 1;
    double sum = 0;

    for (int i = 0; i < before; i++) {
        double log_p = (double)cross[(size_t)i * (size_t)before + (size_t)i] + (double)logit0[i] -
                       (double)lse[i];

        if (is_first)
            s->entropy[i] = log_p;
        sum += s->entropy[i] - log_p;
    }
    return before ? sum / before : 0;
}

/* A pass forwards, and all parts of the loss. */
static bool fine_losses(struct fine *s, int step, struct fine_loss *loss, struct job *job,
                        struct err *err)
{
    int before = s->prompt - 1, last = s->rows - 1;
    size_t square = (size_t)before * (size_t)before;
    float *cross = xcalloc(square + 1, sizeof(float)), *nll = xcalloc((size_t)s->n, sizeof(float));
    float *logit0 = xcalloc((size_t)before + 1, sizeof(float));
    float *lse = xcalloc((size_t)before + 1, sizeof(float));
    float *again = xcalloc((size_t)s->n, sizeof(float));
    struct tap tap = {keep_coeff, s};
    bool ok = training_forward(&s->t, &tap, job, err);

    if (ok) {
        forward_logits(s->t.f, s->t.x, s->logits);
        start_distance(s, step == 0);
        device_cross_entropy(s->dev, mat_rows(s->logits, before, s->n), s->request->target, 1,
                             mat_cols(s->loss, before, s->n), false);
        for (int j = 0; j < s->n; j++)
            device_cross_entropy(s->dev, mat_rows(s->logits, last, 1), &s->request->target[j], 1,
                                 mat_cols(s->again, j, 1), false);
        if (before) {
            device_download(s->dev, cross, s->cross);
            device_download(s->dev, logit0, s->logit0);
            device_download(s->dev, lse, mat_cols(s->lse, 0, before));
        }
        device_download(s->dev, nll, mat_cols(s->loss, before, s->n));
        device_download(s->dev, again, s->again);
        ok = device_sync(s->dev, err);
    }
    *loss = (struct fine_loss){.kl = ok ? distance(s, step == 0, cross, logit0, lse) : 0};
    for (int j = 1; j < s->n; j++) {
        loss->worst = nll[j] > nll[loss->worst] ? j : loss->worst;
        loss->again = again[j] < again[loss->again] ? j : loss->again;
    }
    loss->nll = (double)nll[loss->worst];
    loss->p_again = exp(-(double)again[loss->again]);
    loss->repeated = -log1p(-fmin(loss->p_again, 1 - 1e-7));
    free(cross);
    free(logit0);
    free(lse);
    free(nll);
    free(again);
    return ok;
}

/* The logits become the gradient of the loss, but for |delta|. */
static void logits_gradient(struct fine *s, const struct fine_loss *loss)
{
    int before = s->prompt - 1, last = s->rows - 1;
    double kl = before ? s->p->value[P_FINE_KL] / before : 0;
    double odds = fmin(loss->p_again, 1 - 1e-7) / (1 - fmin(loss->p_again, 1 - 1e-7));
    int *zero = xcalloc((size_t)before + 1, sizeof(int));

    if (before) {
        struct mat x = mat_rows(s->logits, 0, before);

        device_cross_entropy(s->dev, x, zero, (float)kl, mat_cols(s->loss, 0, before), true);
        device_axpy(s->dev, (float)-kl, s->first, x);
    }
    for (int j = 0; j < s->n; j++) {
        struct mat x = mat_rows(s->logits, before + j, 1);

        if (j == loss->worst)
            device_cross_entropy(s->dev, x, &s->request->target[j], 1, mat_cols(s->loss, 0, 1),
                                 true);
        else
            device_fill(s->dev, x, 0);
    }
    device_cross_entropy(s->dev, mat_rows(s->logits, last, 1), &s->request->target[loss->again],
                         (float)(-s->p->value[P_FINE_REPEAT] * odds), mat_cols(s->loss, 0, 1),
                         true);
    free(zero);
}

/* s->grad = the gradient by delta, but for |delta|. */
static bool fine_gradient(struct fine *s, const struct fine_loss *loss, struct job *job,
                          struct err *err)
{
    struct training *t = &s->t;

    logits_gradient(s, loss);
    device_fill(s->dev, t->dx, 0);
    backward_logits(t->f, t->x, s->logits, t->dx);
    for (int l = t->layers - 1; l >= t->first; l--) {
        if (job_cancelled(job, err))
            return false;
        if (s->kept[l].data) {
            device_copy(s->dev, t->dx, s->dx);
            backward_down(t->f, t->view, l, &t->pass, &t->saved[l], s->kept[l], s->dx, s->dw);
        }
        for (int r = 0; r < s->count; r++)
            if (s->chosen[r].layer == l)
                device_copy(s->dev, mat_cols(s->dw, s->chosen[r].neuron, 1), as_column(s->grad, r));
        if (l > t->first)
            training_block(t, l);
    }
    return true;
}

static double delta_length(struct fine *s, struct err *err)
{
    size_t n = (size_t)s->count * (size_t)s->d;
    float *host = xmalloc(n * sizeof(float));
    double sum = 0;

    device_fetch(s->dev, host, s->delta, "the changes of the value vectors");
    if (device_sync(s->dev, err))
        for (size_t i = 0; i < n; i++)
            sum += (double)host[i] * (double)host[i];
    free(host);
    return sqrt(sum);
}

static bool fine_steps(struct fine *s, struct job *job, struct err *err)
{
    int steps = (int)s->p->value[P_FINE_STEPS];
    struct adam adam = adam_of(s->delta, s->adam_m, s->adam_v, s->steps, s->p->value[P_FINE_LR]);
    struct err why = {0};

    adam.decay = decay;
    adam.square = false; /* decay |delta|, not its square */
    for (int step = 0; step < steps; step++) {
        struct target_step told = {.step = step};
        struct fine_loss loss;

        job_progress(job, "optimising value vectors", step, steps);
        if (!fine_losses(s, step, &loss, job, err))
            return false;
        told.delta_norm = delta_length(s, &why);
        told.nll = loss.nll;
        told.kl = s->p->value[P_FINE_KL] * loss.kl;
        told.wd = decay * told.delta_norm;
        told.loss = told.nll + told.kl + told.wd + s->p->value[P_FINE_REPEAT] * loss.repeated;
        told.p_target = exp(-loss.nll);
        if (why.kind)
            return err_pass(err, &why);
        if (s->ctx->on_step)
            s->ctx->on_step(s->ctx->on_step_ctx, &told);
        if (!isfinite(told.loss))
            return err_set(err, ERR_FORMAT, "the loss is not finite at step %d; lower fine.lr (%g)",
                           step, s->p->value[P_FINE_LR]);
        if (loss.nll < -log(enough))
            break;
        if (!fine_gradient(s, &loss, job, err))
            return false;
        device_adam(s->dev, mat_as_row(s->grad), adam);
        set_values(s);
    }
    return true;
}

/* The changes into result and state, from the values as they were. */
static bool fine_write(struct fine *s, struct edit_result *out, struct err *err)
{
    size_t d = (size_t)s->d;
    float *host = xmalloc((size_t)s->count * d * sizeof(float));
    struct neuron_change *change = xcalloc((size_t)s->count, sizeof(*change));
    bool ok;

    device_fetch(s->dev, host, s->delta, "the changes of the value vectors");
    for (int r = 0; r < s->count; r++) {
        device_copy(s->dev, as_column(s->base, r), value_vector(s, r));
        change[r] = (struct neuron_change){s->chosen[r].layer, s->chosen[r].neuron, host + r * d};
    }
    ok = device_sync(s->dev, err);
    if (ok)
        neuron_changes_write(out, s->view, change, s->count);
    free(change);
    free(host);
    return ok && device_sync(s->dev, err);
}

static bool fine_fact(struct edit_result *out, struct model_state *scratch,
                      const struct edit_context *ctx, const struct request *r, struct job *job,
                      struct err *err)
{
    const struct model_config *c = scratch->model->config;
    struct fine s = {.t.dev = scratch->model->dev,
                     .view = scratch,
                     .ctx = ctx,
                     .p = ctx->params,
                     .request = r,
                     .dev = scratch->model->dev,
                     .layers = c->layers,
                     .d = c->hidden,
                     .m = c->ffn,
                     .n = r->targets,
                     .prompt = r->row[0].count,
                     .rows = r->row[0].count + r->targets,
                     .top = layers_of(c->layers)};
    bool ok = fine_read(&s, job, err) && fine_choose(&s, job, err) && fine_begin(&s, job, err) &&
              fine_steps(&s, job, err) && fine_write(&s, out, err);

    fine_free(&s);
    return ok;
}

static bool fine_edit(struct edit_result *out, struct model_state *scratch,
                      struct edit_context *ctx, struct job *job, struct err *err)
{
    return neuron_changes_edit(out, scratch, ctx, fine_fact, job, err);
}

static int fine_layers(const struct params *p, int layers, int *layer)
{
    int n = 0;

    (void)p;
    while (n < layers_of(layers)) {
        layer[n] = n;
        n++;
    }
    return n;
}

extern const struct editor_ops editor_fine;
const struct editor_ops editor_fine = {
    .name = "fine",
    .title = "FiNE",
    .paper = "Pan et al. 2025",
    .edit = fine_edit,
    .layers = fine_layers,
    .chooses = true,
};
