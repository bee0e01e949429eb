#include "core/edit/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* Everything the steps share. Rows: the request's, then the essence row for KL. */
struct search {
    const struct weights_view *view;
    const struct request *request;
    struct device *dev;
    int layer, loss_layer, rows, hidden, layers, vocab, targets;
    struct pass pass; /* new positions: from each row's lookup on */
    struct forward *f;
    struct cache *cache;
    struct saved *saved;    /* [layers] blocks after z */
    struct mat start;       /* [pass.rows, d] outputs of block z */
    struct mat x, dx;       /* [pass.rows, d] */
    struct mat mid;         /* the residual that NLL reads when edit.v_loss_layer is not last */
    int *label_row, *label; /* [rows * targets] where labels are predicted, and which */
    int *lookup_row;        /* [rows + 1] first new position of each row */
    struct mat lx, logits, dl, losses;        /* label rows */
    struct mat kx, klogits, kref, kdx, kloss; /* the KL position */
    struct mat delta, m, v, grad;             /* [1, d] */
    float *h0, *hdelta, *hgrad, *hloss;       /* host */
};

static void search_free(struct search *s)
{
    struct mat *all[] = {&s->start, &s->x,      &s->dx, &s->mid,     &s->lx,   &s->logits,
                         &s->dl,    &s->losses, &s->kx, &s->klogits, &s->kref, &s->kdx,
                         &s->kloss, &s->delta,  &s->m,  &s->v,       &s->grad};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(s->dev, all[i]);
    for (int l = 0; s->saved && l < s->layers; l++)
        saved_free(&s->saved[l], s->dev);
    free(s->saved);
    forward_free(s->f);
    cache_free(s->cache, s->dev);
    pass_free(&s->pass);
    free(s->label_row);
    free(s->label);
    free(s->lookup_row);
    free(s->h0);
    free(s->hdelta);
    free(s->hgrad);
    free(s->hloss);
}

struct keep {
    struct search *s;
    const struct pass *whole;
    int *pick; /* rows of the whole pass that the new positions are */
};

static void keep_start(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct keep *k = ctx;

    if (layer == k->s->layer && site == TAP_BLOCK_OUT)
        device_gather(k->s->dev, x, k->pick, k->s->start);
}

/* ids of the rows: the prompt, then all but the last target token; the essence row ends at its
 * lookup position, where the KL is read. */
static void row_ids(const struct search *s, int **ids, int *count)
{
    const struct request *r = s->request;

    for (int i = 0; i < s->rows; i++) {
        count[i] = r->row[i].count + r->targets - 1;
        ids[i] = xcalloc((size_t)count[i], sizeof(int));
        memcpy(ids[i], r->row[i].id, (size_t)r->row[i].count * sizeof(int));
        memcpy(ids[i] + r->row[i].count, r->target, (size_t)(r->targets - 1) * sizeof(int));
    }
    count[s->rows] = r->essence.lookup + 1;
    ids[s->rows] = xcalloc((size_t)count[s->rows], sizeof(int));
    memcpy(ids[s->rows], r->essence.id, (size_t)count[s->rows] * sizeof(int));
}

/* The one full forward: fills the cache and keeps block z's outputs from the lookup on. */
static bool begin(struct search *s, struct job *job, struct err *err)
{
    const struct model *m = s->view->model;
    const struct request *r = s->request;
    int n = s->rows + 1, at = 0;
    int **ids = xcalloc((size_t)n, sizeof(*ids)), *count = xcalloc((size_t)n, sizeof(int));
    int *past = xcalloc((size_t)n, sizeof(int));
    struct pass whole;
    struct keep keep = {.s = s};
    struct tap tap = {keep_start, &keep};
    struct forward *f;
    struct mat x;
    bool ok;

    row_ids(s, ids, count);
    for (int i = 0; i < n; i++)
        past[i] = i < s->rows ? r->row[i].lookup : r->essence.lookup;
    whole = pass_new((const int *const *)ids, count, NULL, n, 0);
    s->pass = pass_new((const int *const *)ids, count, past, n, 0);
    s->cache = cache_new(m, whole.rows);
    s->start = mat_new(s->dev, DT_F32, s->pass.rows, s->hidden);
    s->lookup_row = xcalloc((size_t)n, sizeof(int));
    s->label_row = xcalloc((size_t)s->rows * (size_t)s->targets, sizeof(int));
    s->label = xcalloc((size_t)s->rows * (size_t)s->targets, sizeof(int));
    keep.pick = xcalloc((size_t)s->pass.rows, sizeof(int));
    for (int i = 0; i < n; i++) {
        const struct attn_seq *q = &s->pass.seq[i];

        s->lookup_row[i] = q->q0;
        for (int j = 0; j < q->n; j++)
            keep.pick[q->q0 + j] = whole.seq[i].q0 + q->past + j;
        for (int j = 0; i < s->rows && j < s->targets; j++, at++) {
            s->label_row[at] = q->q0 + q->n - s->targets + j;
            s->label[at] = r->target[j];
        }
    }
    f = forward_new(m, whole.rows);
    x = mat_new(s->dev, DT_F32, whole.rows, s->hidden);
    ok = forward_run(f, s->view, &whole, s->cache, x, &tap, job, err);
    mat_free(s->dev, &x);
    forward_free(f);
    pass_free(&whole);
    for (int i = 0; i < n; i++)
        free(ids[i]);
    free(ids);
    free(count);
    free(past);
    free(keep.pick);
    return ok;
}

static bool allocate(struct search *s, struct err *err)
{
    struct device *dev = s->dev;
    const struct model *m = s->view->model;
    int labels = s->rows * s->targets;

    s->f = forward_new(m, s->pass.rows);
    s->saved = xcalloc((size_t)s->layers, sizeof(*s->saved));
    for (int l = s->layer + 1; l < s->layers; l++)
        s->saved[l] = saved_new(m, s->pass.rows);
    s->x = mat_new(dev, DT_F32, s->pass.rows, s->hidden);
    s->dx = mat_new(dev, DT_F32, s->pass.rows, s->hidden);
    s->mid = mat_new(dev, DT_F32, s->pass.rows, s->hidden);
    s->lx = mat_new(dev, DT_F32, labels, s->hidden);
    s->dl = mat_new(dev, DT_F32, labels, s->hidden);
    s->logits = mat_new(dev, DT_F32, labels, s->vocab);
    s->losses = mat_new(dev, DT_F32, 1, labels);
    s->kx = mat_new(dev, DT_F32, 1, s->hidden);
    s->kdx = mat_new(dev, DT_F32, 1, s->hidden);
    s->klogits = mat_new(dev, DT_F32, 1, s->vocab);
    s->kref = mat_new(dev, DT_F32, 1, s->vocab);
    s->kloss = mat_new(dev, DT_F32, 1, 1);
    s->delta = mat_new(dev, DT_F32, 1, s->hidden);
    s->m = mat_new(dev, DT_F32, 1, s->hidden);
    s->v = mat_new(dev, DT_F32, 1, s->hidden);
    s->grad = mat_new(dev, DT_F32, 1, s->hidden);
    s->h0 = xcalloc((size_t)s->hidden, sizeof(float));
    s->hdelta = xcalloc((size_t)s->hidden, sizeof(float));
    s->hgrad = xcalloc((size_t)s->hidden, sizeof(float));
    s->hloss = xcalloc((size_t)labels, sizeof(float));
    device_download(dev, s->h0, mat_rows(s->start, s->lookup_row[0], 1));
    return device_sync(dev, err);
}

/* Blocks z+1 to the last on the new positions, delta added at every lookup. */
static bool forward(struct search *s, struct job *job, struct err *err)
{
    device_copy(s->dev, s->start, s->x);
    for (int i = 0; i <= s->rows; i++)
        device_axpy(s->dev, 1, s->delta, mat_rows(s->x, s->lookup_row[i], 1));
    for (int l = s->layer + 1; l < s->layers; l++) {
        if (job_cancelled(job, err))
            return false;
        if (l - 1 == s->loss_layer)
            device_copy(s->dev, s->x, s->mid);
        forward_block(s->f, s->view, l, &s->pass, s->cache, s->x, NULL, &s->saved[l]);
    }
    return true;
}

/* log softmax of the KL position at delta = 0: the reference that is to stay. */
static bool keep_reference(struct search *s, struct err *err)
{
    float *row = xmalloc((size_t)s->vocab * sizeof(float));
    float lse;
    bool ok;

    device_lse(s->dev, s->klogits, s->kloss);
    device_download(s->dev, &lse, s->kloss);
    device_download(s->dev, row, s->klogits);
    ok = device_sync(s->dev, err);
    for (int j = 0; ok && j < s->vocab; j++)
        row[j] -= lse;
    device_upload(s->dev, s->kref, row);
    ok = ok && device_sync(s->dev, err);
    free(row);
    return ok;
}

/* Loss and, in dx, its gradient with respect to the residuals NLL and KL are read from. */
static bool losses(struct search *s, const struct params *p, struct target_step *t, struct err *err)
{
    struct device *dev = s->dev;
    struct mat from = s->loss_layer < s->layers - 1 ? s->mid : s->x;
    double norm = 0, h2 = 0, kl_factor = p->value[P_EDIT_V_KL], wd = p->value[P_EDIT_V_WD];
    int labels = s->rows * s->targets;
    float kl;

    device_gather(dev, from, s->label_row, s->lx);
    forward_logits(s->f, s->lx, s->logits);
    device_cross_entropy(dev, s->logits, s->label, 1.0F / (float)labels, s->losses, true);
    device_gather(dev, s->x, &s->lookup_row[s->rows], s->kx);
    forward_logits(s->f, s->kx, s->klogits);
    if (t->step == 0 && !keep_reference(s, err))
        return false;
    device_kl(dev, s->klogits, s->kref, (float)kl_factor, s->kloss, true);
    device_download(dev, s->hloss, s->losses);
    device_download(dev, &kl, s->kloss);
    device_download(dev, s->hdelta, s->delta);
    if (!device_sync(dev, err))
        return false;
    for (int i = 0; i < s->rows; i++) {
        double row = 0;

        for (int j = 0; j < s->targets; j++)
            row += (double)s->hloss[i * s->targets + j];
        t->nll += row / labels;
        t->p_target += exp(-row) / s->rows;
    }
    for (int j = 0; j < s->hidden; j++) {
        norm += (double)s->hdelta[j] * (double)s->hdelta[j];
        h2 += (double)s->h0[j] * (double)s->h0[j];
    }
    t->delta_norm = sqrt(norm);
    t->kl = kl_factor * (double)kl;
    t->wd = wd * (p->value[P_EDIT_WD_POWER] > 1.5 ? norm : t->delta_norm) / h2;
    t->loss = t->nll + t->kl + t->wd;
    if (!isfinite(t->loss))
        return err_set(err, ERR_FORMAT,
                       "the optimisation's loss is not finite at step %d; lower edit.v_lr (%g)",
                       t->step, p->value[P_EDIT_V_LR]);
    return true;
}

/* d loss / d delta: back through the blocks, summed over lookups, plus the decay's. */
static bool backward(struct search *s, const struct params *p, const struct target_step *t,
                     struct job *job, struct err *err)
{
    struct device *dev = s->dev;
    bool late = s->loss_layer >= s->layers - 1;
    double h2 = 0, wd = p->value[P_EDIT_V_WD], factor = 0;

    device_fill(dev, s->dx, 0);
    device_fill(dev, s->dl, 0);
    device_fill(dev, s->kdx, 0);
    device_fill(dev, s->grad, 0);
    backward_logits(s->f, s->lx, s->logits, s->dl);
    backward_logits(s->f, s->kx, s->klogits, s->kdx);
    device_scatter_add(dev, s->kdx, &s->lookup_row[s->rows], s->dx);
    if (late)
        device_scatter_add(dev, s->dl, s->label_row, s->dx);
    for (int l = s->layers - 1; l > s->layer; l--) {
        if (job_cancelled(job, err))
            return false;
        backward_block(s->f, s->view, l, &s->pass, s->cache, &s->saved[l], s->dx);
        if (!late && l - 1 == s->loss_layer)
            device_scatter_add(dev, s->dl, s->label_row, s->dx);
    }
    for (int i = 0; i <= s->rows; i++)
        device_axpy(dev, 1, mat_rows(s->dx, s->lookup_row[i], 1), s->grad);
    for (int j = 0; j < s->hidden; j++)
        h2 += (double)s->h0[j] * (double)s->h0[j];
    if (p->value[P_EDIT_WD_POWER] > 1.5)
        factor = 2 * wd / h2;
    else if (t->delta_norm > 0) /* the norm has no derivative at 0: taken as 0 */
        factor = wd / (h2 * t->delta_norm);
    device_axpy(dev, (float)factor, s->delta, s->grad);
    return device_sync(dev, err);
}

static bool iterate(struct search *s, struct target *out, const struct params *p,
                    void (*hear)(void *, const struct target_step *), void *ctx, struct job *job,
                    struct err *err)
{
    int steps = (int)p->value[P_EDIT_V_STEPS];
    double h2 = 0;

    for (int j = 0; j < s->hidden; j++)
        h2 += (double)s->h0[j] * (double)s->h0[j];
    out->h0_norm = sqrt(h2);
    out->trace = xcalloc((size_t)steps, sizeof(*out->trace));
    for (int it = 0; it < steps; it++) {
        struct target_step *t = &out->trace[it];
        struct adam adam = {.x = s->delta,
                            .m = s->m,
                            .v = s->v,
                            .beta1 = 0.9F,
                            .beta2 = 0.999F,
                            .eps = 1e-8F,
                            .lr = (float)p->value[P_EDIT_V_LR],
                            .step = it + 1,
                            .max_norm = (float)(p->value[P_EDIT_V_CLAMP] * out->h0_norm)};

        t->step = it;
        if (!forward(s, job, err) || !losses(s, p, t, err))
            return false;
        out->steps = it + 1;
        if (hear)
            hear(ctx, t);
        if (t->loss < p->value[P_EDIT_V_STOP] || it == steps - 1)
            break;
        if (!backward(s, p, t, job, err))
            return false;
        device_adam(s->dev, s->grad, adam);
    }
    device_download(s->dev, s->hdelta, s->delta);
    return device_sync(s->dev, err);
}

bool target_optimise(struct target *out, const struct weights_view *view,
                     const struct request *request, int layer, const struct params *p,
                     void (*step)(void *ctx, const struct target_step *s), void *ctx,
                     struct job *job, struct err *err)
{
    const struct model *m = view->model;
    int loss_layer = (int)p->value[P_EDIT_V_LOSS_LAYER], last = m->config->layers - 1;
    struct search s = {.view = view,
                       .request = request,
                       .dev = m->dev,
                       .layer = layer,
                       .rows = request->rows,
                       .hidden = m->config->hidden,
                       .layers = m->config->layers,
                       .vocab = m->head.rows,
                       .targets = request->targets};
    bool ok;

    *out = (struct target){0};
    s.loss_layer = loss_layer < 0 || loss_layer > last ? last : loss_layer;
    if (s.loss_layer < layer)
        s.loss_layer = layer;
    ok = begin(&s, job, err) && allocate(&s, err) && iterate(&s, out, p, step, ctx, job, err);
    if (ok) {
        double z2 = 0;

        out->z = xmalloc((size_t)s.hidden * sizeof(float));
        for (int j = 0; j < s.hidden; j++) {
            out->z[j] = s.h0[j] + s.hdelta[j];
            z2 += (double)out->z[j] * (double)out->z[j];
        }
        out->z_norm = sqrt(z2);
    } else {
        target_free(out);
    }
    search_free(&s);
    return ok;
}

void target_free(struct target *t)
{
    free(t->z);
    free(t->trace);
    *t = (struct target){0};
}
