/* Fine-tuning of one W_down (editscope-method(7) 7.13): Adam on the whole matrix, for the bare
 * prompts alone.
 *
 *   FT-L   loss = mean -log p(token_j | prompt): every token of the new object is asked for right
 *          after the prompt
 *   FT-M   loss = mean -log p(token_j | prompt, tokens before j)
 *
 * Only the blocks from the trained layer on run in a step: what enters that layer does not change.
 * The change has full rank, so the result is a dense delta: d M floats that a session keeps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/model/forward.h"

/* Everything the steps share. A sequence for each fact. */
struct training {
    struct model_state *view;
    const struct request *request;
    const struct params *p;
    struct device *dev;
    bool forced; /* FT-M */
    int facts, layer, layers, labels;
    struct batch pass;
    struct forward *f;
    struct kv_cache *cache;
    struct saved *saved;         /* [layers] the trained block and those after it */
    struct mat start, x, dx;     /* [pass.rows, d]; start enters the trained block */
    struct mat coeff;            /* [pass.rows, M] of the trained block */
    int *label_row, *label;      /* [labels] where a label is predicted, and which */
    struct mat lx, dl, logits;   /* [labels, ...] */
    struct mat losses;           /* [1, labels] */
    struct mat w, grad;          /* [d, M] */
    struct mat m, v, adam_steps; /* of Adam */
    float *before, *after;       /* [d * M] the matrix, on the host; after the last step */
    float *host_loss;            /* [labels] */
    double moved;                /* the length of what the steps so far have changed */
};

static void training_free(struct training *s)
{
    struct mat *all[] = {&s->start,  &s->x,      &s->dx,   &s->coeff, &s->lx, &s->dl,
                         &s->logits, &s->losses, &s->grad, &s->m,     &s->v,  &s->adam_steps};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(s->dev, all[i]);
    for (int l = 0; s->saved && l < s->layers; l++)
        saved_free(&s->saved[l], s->dev);
    free(s->saved);
    forward_free(s->f);
    kv_cache_free(s->cache, s->dev);
    batch_free(&s->pass);
    free(s->label_row);
    free(s->label);
    free(s->before);
    free(s->after);
    free(s->host_loss);
}

/* The sequences, and where each label is predicted. */
static void training_rows(struct training *s)
{
    int **ids = xcalloc((size_t)s->facts, sizeof(*ids)), at = 0;
    int *count = xcalloc((size_t)s->facts, sizeof(*count));

    for (int t = 0; t < s->facts; t++) {
        const struct request *r = &s->request[t];
        int n = r->row[0].count;

        count[t] = n + (s->forced ? r->targets - 1 : 0);
        ids[t] = xcalloc((size_t)count[t], sizeof(int));
        memcpy(ids[t], r->row[0].id, (size_t)n * sizeof(int));
        memcpy(ids[t] + n, r->target, (size_t)(count[t] - n) * sizeof(int));
        s->labels += r->targets;
    }
    s->pass = batch_new((const int *const *)ids, count, NULL, s->facts, 0);
    s->label_row = xcalloc((size_t)s->labels, sizeof(int));
    s->label = xcalloc((size_t)s->labels, sizeof(int));
    for (int t = 0; t < s->facts; t++) {
        const struct request *r = &s->request[t];
        int last = s->pass.seq[t].q0 + r->row[0].count - 1;

        for (int j = 0; j < r->targets; j++, at++) {
            s->label_row[at] = last + (s->forced ? j : 0);
            s->label[at] = r->target[j];
        }
        free(ids[t]);
    }
    free(ids);
    free(count);
}

static struct mat as_row(struct mat m)
{
    m.cols *= m.rows;
    m.stride = m.cols;
    m.rows = 1;
    return m;
}

/* Room for the steps, and what enters the trained block. */
static bool training_begin(struct training *s, struct job *job, struct err *err)
{
    const struct model *m = s->view->model;
    struct device *dev = s->dev;
    int d = m->config->hidden, rows;
    bool ok;

    training_rows(s);
    rows = s->pass.rows;
    if (!batch_fits(&s->pass, m, err))
        return false;
    s->w = state_writable(s->view, s->layer, MATRIX_DOWN);
    s->f = forward_new(m, rows);
    s->cache = kv_cache_new(m, rows);
    s->saved = xcalloc((size_t)s->layers, sizeof(*s->saved));
    for (int l = s->layer; l < s->layers; l++)
        s->saved[l] = saved_new(m, rows);
    s->start = mat_new(dev, DT_F32, rows, d);
    s->x = mat_new(dev, DT_F32, rows, d);
    s->dx = mat_new(dev, DT_F32, rows, d);
    s->coeff = mat_new(dev, DT_F32, rows, m->config->ffn);
    s->lx = mat_new(dev, DT_F32, s->labels, d);
    s->dl = mat_new(dev, DT_F32, s->labels, d);
    s->logits = mat_new(dev, DT_F32, s->labels, m->head.rows);
    s->losses = mat_new(dev, DT_F32, 1, s->labels);
    s->grad = mat_new(dev, DT_F32, s->w.rows, s->w.cols);
    s->m = mat_new(dev, DT_F32, s->w.rows, s->w.cols);
    s->v = mat_new(dev, DT_F32, s->w.rows, s->w.cols);
    s->adam_steps = mat_new(dev, DT_F64, 1, 1);
    s->before = xmalloc((size_t)s->w.rows * (size_t)s->w.cols * sizeof(float));
    s->after = xmalloc((size_t)s->w.rows * (size_t)s->w.cols * sizeof(float));
    s->host_loss = xcalloc((size_t)s->labels, sizeof(float));
    device_fetch(dev, s->before, s->w, "layer %d: the matrix that is trained", s->layer);
    ok = device_sync(dev, err);
    if (ok) {
        memcpy(s->after, s->before, (size_t)s->w.rows * (size_t)s->w.cols * sizeof(float));
        forward_embed(s->f, &s->pass, s->start);
    }
    for (int l = 0; ok && l < s->layer; l++) {
        ok = !job_cancelled(job, err);
        if (ok)
            forward_block(s->f, s->view, l, &s->pass, s->cache, s->start, NULL, NULL);
    }
    return ok && device_sync(dev, err);
}

static void keep_coeff(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct training *s = ctx;

    if (layer == s->layer && site == TAP_COEFF)
        device_copy(s->dev, x, s->coeff);
}

/* The losses, to the host; the logits become their gradient. Each fact has the same weight. */
static bool training_losses(struct training *s, struct target_step *t, struct job *job,
                            struct err *err)
{
    struct tap tap = {keep_coeff, s};
    int at = 0;

    device_copy(s->dev, s->start, s->x);
    for (int l = s->layer; l < s->layers; l++) {
        if (job_cancelled(job, err))
            return false;
        forward_block(s->f, s->view, l, &s->pass, s->cache, s->x, &tap, &s->saved[l]);
    }
    device_gather(s->dev, s->x, s->label_row, s->lx);
    forward_logits(s->f, s->lx, s->logits);
    for (int i = 0; i < s->facts; at += s->request[i].targets, i++) {
        int n = s->request[i].targets;

        device_cross_entropy(s->dev, mat_rows(s->logits, at, n), s->label + at,
                             1.0F / (float)(s->facts * n), mat_cols(s->losses, at, n), true);
    }
    device_download(s->dev, s->host_loss, s->losses);
    if (!device_sync(s->dev, err))
        return false;
    at = 0;
    for (int i = 0; i < s->facts; i++) {
        int n = s->request[i].targets;
        double sum = 0;

        for (int j = 0; j < n; j++)
            sum += (double)s->host_loss[at++];
        t->nll += sum / n / s->facts;
        t->p_target += exp(-sum) / s->facts;
    }
    t->loss = t->nll;
    return isfinite(t->loss) ||
           err_set(err, ERR_FORMAT, "the loss is not finite at step %d; lower ft.lr (%g)", t->step,
                   s->p->value[P_FT_LR]);
}

static bool training_gradient(struct training *s, struct job *job, struct err *err)
{
    device_fill(s->dev, s->dx, 0);
    device_fill(s->dev, s->dl, 0);
    backward_logits(s->f, s->lx, s->logits, s->dl);
    device_scatter_add(s->dev, s->dl, s->label_row, s->dx);
    for (int l = s->layers - 1; l > s->layer; l--) {
        if (job_cancelled(job, err))
            return false;
        backward_block(s->f, s->view, l, &s->pass, s->cache, &s->saved[l], s->dx);
    }
    backward_down(s->f, s->view, s->layer, &s->pass, &s->saved[s->layer], s->coeff, s->dx, s->grad);
    return true;
}

/* After a step: how far the matrix has moved, into s->moved. With ft.eps no weight leaves its
 * bounds around the one before. */
static bool training_measure(struct training *s, struct err *err)
{
    float eps = (float)s->p->value[P_FT_EPS];
    size_t n = (size_t)s->w.rows * (size_t)s->w.cols;
    double sum = 0;

    device_fetch(s->dev, s->after, s->w, "layer %d: the trained matrix", s->layer);
    if (!device_sync(s->dev, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (eps > 0)
            s->after[i] = fminf(fmaxf(s->after[i], s->before[i] - eps), s->before[i] + eps);
        sum += (double)(s->after[i] - s->before[i]) * (double)(s->after[i] - s->before[i]);
    }
    s->moved = sqrt(sum);
    if (eps > 0)
        device_upload(s->dev, s->w, s->after);
    return device_sync(s->dev, err);
}

static bool training_steps(struct training *s, const struct edit_context *ctx, struct job *job,
                           struct err *err)
{
    int steps = (int)s->p->value[P_FT_STEPS];
    /* the moments' decay and eps of Kingma and Ba 2015, which the released code leaves as they are
     */
    struct adam adam = {.x = as_row(s->w),
                        .m = as_row(s->m),
                        .v = as_row(s->v),
                        .steps = s->adam_steps,
                        .lr = (float)s->p->value[P_FT_LR],
                        .beta1 = 0.9F,
                        .beta2 = 0.999F,
                        .eps = 1e-8F,
                        .square = true};

    for (int step = 0; step < steps; step++) {
        struct target_step t = {.step = step, .delta_norm = s->moved};

        job_progress(job, "fine-tuning", step, steps);
        if (!training_losses(s, &t, job, err))
            return false;
        if (ctx->on_step)
            ctx->on_step(ctx->on_step_ctx, &t);
        if (t.loss < s->p->value[P_FT_STOP])
            break;
        if (!training_gradient(s, job, err))
            return false;
        device_adam(s->dev, as_row(s->grad), adam);
        if (!training_measure(s, err))
            return false;
    }
    return true;
}

/* What the training changed, as the delta that undo and redo apply; the state gets exactly that. */
static bool training_finish(struct training *s, struct edit_result *out, struct err *err)
{
    struct layer_report *report = &out->report[0];
    size_t n = (size_t)s->w.rows * (size_t)s->w.cols;
    struct delta *d;
    double weight = 0;

    for (size_t i = 0; i < n; i++) {
        s->after[i] -= s->before[i];
        weight += (double)s->before[i] * (double)s->before[i];
    }
    out->delta = d = xcalloc(1, sizeof(*d));
    out->deltas = 1;
    *d = (struct delta){.layer = s->layer,
                        .matrix = MATRIX_DOWN,
                        .kind = DELTA_DENSE,
                        .rows = s->w.rows,
                        .cols = s->w.cols,
                        .r = s->after,
                        .scale = 1};
    s->after = NULL;
    device_upload(s->dev, s->w, s->before);
    delta_apply(s->view, d);
    out->layers = 1;
    out->z_error = (double)NAN;
    *report = layer_report_keyless(s->layer, s->w.cols);
    report->delta_norm = s->moved;
    report->weight_norm = sqrt(weight);
    return device_sync(s->dev, err);
}

static bool fine_tune(struct edit_result *out, struct model_state *scratch,
                      const struct edit_context *ctx, bool forced, struct job *job, struct err *err)
{
    struct training s = {.view = scratch,
                         .request = ctx->request,
                         .p = ctx->params,
                         .dev = scratch->model->dev,
                         .forced = forced,
                         .facts = ctx->count,
                         .layer = ctx->layer[0],
                         .layers = scratch->model->config->layers};
    bool ok;

    *out = (struct edit_result){0};
    ok = training_begin(&s, job, err) && training_steps(&s, ctx, job, err) &&
         training_finish(&s, out, err);
    if (!ok)
        edit_result_free(out);
    training_free(&s);
    return ok;
}

static bool ft_l_edit(struct edit_result *out, struct model_state *scratch,
                      struct edit_context *ctx, struct job *job, struct err *err)
{
    return fine_tune(out, scratch, ctx, false, job, err);
}

static bool ft_m_edit(struct edit_result *out, struct model_state *scratch,
                      struct edit_context *ctx, struct job *job, struct err *err)
{
    return fine_tune(out, scratch, ctx, true, job, err);
}

/* Layer 21 of the 32 of Llama 3 8B in EasyEdit's settings. */
#define FT_DEPTH (21.0 / 32)

extern const struct editor_ops editor_ft_l, editor_ft_m;
const struct editor_ops editor_ft_l = {
    .name = "ft-l",
    .title = "FT-L",
    .paper = "Zhu et al. 2020",
    .edit = ft_l_edit,
    .layer = P_FT_LAYER,
    .depth = FT_DEPTH,
};
const struct editor_ops editor_ft_m = {
    .name = "ft-m",
    .title = "FT-M",
    .paper = "Zhang et al. 2024",
    .edit = ft_m_edit,
    .layer = P_FT_LAYER,
    .depth = FT_DEPTH,
};
