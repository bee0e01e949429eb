/* The optimisation of a target: Adam on the vector at the subject's last token, with its loss, its
 * gradient, and the rule that stops it (editscope-method(7) 5).
 *
 * Block z is the last edited layer. We look for a vector delta [d] such that the model says the new
 * object when delta is added to the output of block z at the lookup (the subject's last token):
 *
 *   row 0        The Eiffel Tower is in        Ro
 *   row 1  It.   The Eiffel Tower is in        Ro        labels: Ro, me
 *   KL row       The Eiffel Tower
 *                              ^ lookup, + delta
 *
 *   loss = mean -log p(labels)                     the new object is said, after every prefix
 *        + v_kl KL(p_delta || p_0) on the KL row   the subject stays what it is
 *        + v_wd |delta| / |h0|^2                   delta stays small
 *
 * Most of a forward pass does not depend on delta, and is done once by search_begin(): blocks 0 to
 * z for all positions, and in blocks after z the keys and values of the positions before the
 * lookup. What is left for each step is the "new positions": those from the lookup on, in blocks
 * z+1 to the last. With N rows, n label tokens and q positions from the lookup to the end of the
 * prompt that is N (q + n) positions. The head (V x d) is read at
 * the N n label positions and at the KL position only.
 *
 * A step is: backward, Adam and the projection, forward, losses. It reads no number on the host, so
 * a device that can record it (CUDA graphs) launches it as one. The first losses are at delta = 0;
 * their KL row is the reference p_0. */
#include "core/edit/target.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

static const struct target_rule of_block = {P_EDIT_V_CLAMP, P_EDIT_V_WD, false};

/* Everything the steps share. Rows: the request's, then the KL row ("{} is a"). */
struct search {
    const struct model_state *view;
    const struct request *request;
    const struct target_rule *rule;
    struct device *dev;
    int layer, loss_layer, rows, hidden, layers, vocab, targets;
    struct batch pass; /* new positions: from each row's lookup on */
    struct forward *f;
    struct kv_cache *cache;
    struct saved *saved;    /* [layers] blocks after z */
    struct mat start;       /* [pass.rows, d] outputs of block z */
    struct mat x, dx;       /* [pass.rows, d] */
    struct mat mid;         /* the residual that NLL reads when edit.v_loss_layer is not last */
    int *label_row, *label; /* [rows * targets] where labels are predicted, and which */
    int *lookup_row;        /* [rows + 1] first new position of each row */
    struct mat lx, logits, dl, losses;                /* label rows */
    struct mat kx, klogits, kl_reference, kdx, kloss; /* the KL position */
    struct mat delta, m, v, grad;                     /* [1, d] */
    struct mat adam_steps;                            /* steps of Adam */
    /* of the lookups [rows + 1, d]: the stream before the FFN, for a rule of its output too; with a
     * norm behind the FFN, its output before the norm, that plus delta, room for gradients and for
     * what the norm gives */
    struct norm post;
    struct mat stream, sum, moved, room;
    struct adam adam;
    float kl_factor;
    void *graph;                /* search_advance() as the device recorded it; NULL: not yet */
    float *h0, *hdelta, *hloss; /* host */
    double h2;                  /* |h0|^2, of the FFN's part where the rule says so */
};

static void search_free(struct search *s)
{
    struct mat *all[] = {
        &s->start,  &s->x,      &s->dx,    &s->mid,     &s->lx,           &s->logits,
        &s->dl,     &s->losses, &s->kx,    &s->klogits, &s->kl_reference, &s->kdx,
        &s->kloss,  &s->delta,  &s->m,     &s->v,       &s->grad,         &s->adam_steps,
        &s->stream, &s->sum,    &s->moved, &s->room};

    device_graph_free(s->dev, s->graph);
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
    free(s->lookup_row);
    free(s->h0);
    free(s->hdelta);
    free(s->hloss);
}

/* What the tap of the full pass keeps, and where from. */
struct kept_rows {
    struct search *s;
    const struct batch *whole;
    int *pick;        /* rows of the whole pass that the new positions are */
    int *at;          /* [rows + 1] those of the lookups */
    struct mat coeff; /* [rows + 1, M] theirs; data NULL: not wanted */
};

static void keep_start(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct kept_rows *k = ctx;

    if (layer != k->s->layer)
        return;
    if (site == TAP_BLOCK_OUT)
        device_gather(k->s->dev, x, k->pick, k->s->start);
    if (site == TAP_FFN_IN && k->s->stream.data)
        device_gather(k->s->dev, x, k->at, k->s->stream);
    if (site == TAP_COEFF && k->coeff.data)
        device_gather(k->s->dev, x, k->at, k->coeff);
}

/* With a norm behind the FFN delta is added to what that norm reads: room for those vectors. */
static void keep_sums(struct search *s, struct kept_rows *k)
{
    const struct model *m = s->view->model;
    int n = s->rows + 1;

    s->post = m->block[s->layer].post_ffn_norm;
    k->at = xcalloc((size_t)n, sizeof(int));
    for (int i = 0; i < n; i++)
        k->at[i] = k->pick[s->lookup_row[i]];
    if (s->post.gain.data || s->rule->of_ffn)
        s->stream = mat_new(s->dev, DT_F32, n, s->hidden);
    if (!s->post.gain.data)
        return;
    k->coeff = mat_new(s->dev, DT_F32, n, m->config->ffn);
    s->sum = mat_new(s->dev, DT_F32, n, s->hidden);
    s->moved = mat_new(s->dev, DT_F32, n, s->hidden);
    s->room = mat_new(s->dev, DT_F32, n, s->hidden);
}

/* Token ids of the rows: the prompt, then all target tokens but the last. The KL row ends at its
 * lookup, where the KL is read. Caller frees ids[i]. */
static void row_ids(const struct search *s, int **ids, int *count)
{
    const struct request *r = s->request;

    for (int i = 0; i < s->rows; i++) {
        count[i] = r->row[i].count + r->targets - 1;
        ids[i] = xcalloc((size_t)count[i], sizeof(int));
        memcpy(ids[i], r->row[i].id, (size_t)r->row[i].count * sizeof(int));
        memcpy(ids[i] + r->row[i].count, r->target, (size_t)(r->targets - 1) * sizeof(int));
    }
    count[s->rows] = r->kl_row.lookup + 1;
    ids[s->rows] = xcalloc((size_t)count[s->rows], sizeof(int));
    memcpy(ids[s->rows], r->kl_row.id, (size_t)count[s->rows] * sizeof(int));
}

/* The one full forward pass: fills the cache, and keeps the outputs of block z from the lookup on.
 */
static bool search_begin(struct search *s, struct job *job, struct err *err)
{
    const struct model *m = s->view->model;
    const struct request *r = s->request;
    int n = s->rows + 1, at = 0;
    int **ids = xcalloc((size_t)n, sizeof(*ids)), *count = xcalloc((size_t)n, sizeof(int));
    int *past = xcalloc((size_t)n, sizeof(int));
    struct batch whole;
    struct kept_rows keep = {.s = s};
    struct tap tap = {keep_start, &keep};
    struct forward *f;
    struct mat x;
    bool ok;

    row_ids(s, ids, count);
    for (int i = 0; i < n; i++)
        past[i] = i < s->rows ? r->row[i].lookup : r->kl_row.lookup;
    whole = batch_new((const int *const *)ids, count, NULL, n, 0);
    s->pass = batch_new((const int *const *)ids, count, past, n, 0);
    s->cache = kv_cache_new(m, whole.rows);
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
    keep_sums(s, &keep);
    f = forward_new(m, whole.rows);
    x = mat_new(s->dev, DT_F32, whole.rows, s->hidden);
    ok = forward_run(f, s->view, &whole, s->cache, x, &tap, job, err);
    if (keep.coeff.data)
        forward_ffn_sum(s->view, s->layer, keep.coeff, s->sum);
    mat_free(s->dev, &keep.coeff);
    mat_free(s->dev, &x);
    forward_free(f);
    batch_free(&whole);
    for (int i = 0; i < n; i++)
        free(ids[i]);
    free(ids);
    free(count);
    free(past);
    free(keep.pick);
    free(keep.at);
    return ok;
}

/* The length of h0; with a rule of the FFN's output only of what the FFN adds to it. */
static bool measure_start(struct search *s, struct err *err)
{
    float *before = xcalloc((size_t)s->hidden, sizeof(float));

    device_fetch(s->dev, s->h0,
                 s->sum.data ? mat_rows(s->sum, 0, 1) : mat_rows(s->start, s->lookup_row[0], 1),
                 "layer %d: its output at the subject", s->layer);
    if (s->rule->of_ffn && !s->sum.data)
        device_fetch(s->dev, before, mat_rows(s->stream, 0, 1),
                     "layer %d: the stream before the FFN", s->layer);
    if (!device_sync(s->dev, err)) {
        free(before);
        return false;
    }
    for (int j = 0; j < s->hidden; j++)
        s->h2 += (double)(s->h0[j] - before[j]) * (double)(s->h0[j] - before[j]);
    free(before);
    return true;
}

/* Room for the steps, and h0. */
static bool search_allocate(struct search *s, struct err *err)
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
    s->kl_reference = mat_new(dev, DT_F32, 1, s->vocab);
    s->kloss = mat_new(dev, DT_F32, 1, 1);
    s->delta = mat_new(dev, DT_F32, 1, s->hidden);
    s->m = mat_new(dev, DT_F32, 1, s->hidden);
    s->v = mat_new(dev, DT_F32, 1, s->hidden);
    s->grad = mat_new(dev, DT_F32, 1, s->hidden);
    s->adam_steps = mat_new(dev, DT_F64, 1, 1);
    s->h0 = xcalloc((size_t)s->hidden, sizeof(float));
    s->hdelta = xcalloc((size_t)s->hidden, sizeof(float));
    s->hloss = xcalloc((size_t)labels, sizeof(float));
    return measure_start(s, err);
}

/* Delta added at every lookup: to the stream, or to what the norm behind the FFN reads. */
static void add_delta(struct search *s)
{
    struct device *dev = s->dev;

    if (!s->sum.data) {
        for (int i = 0; i <= s->rows; i++)
            device_axpy(dev, 1, s->delta, mat_rows(s->x, s->lookup_row[i], 1));
        return;
    }
    device_copy(dev, s->sum, s->moved);
    device_axpy(dev, 1, s->delta, s->moved);
    device_norm(dev, s->moved, s->post, s->room);
    device_axpy(dev, 1, s->stream, s->room);
    for (int i = 0; i <= s->rows; i++)
        device_copy(dev, mat_rows(s->room, i, 1), mat_rows(s->x, s->lookup_row[i], 1));
}

/* grad += dx summed over the lookups; through the norm behind the FFN, where there is one. */
static void gather_gradient(struct search *s)
{
    struct device *dev = s->dev;

    if (!s->sum.data) {
        for (int i = 0; i <= s->rows; i++)
            device_axpy(dev, 1, mat_rows(s->dx, s->lookup_row[i], 1), s->grad);
        return;
    }
    device_fill(dev, s->room, 0);
    for (int i = 0; i <= s->rows; i++) {
        struct mat one = mat_rows(s->room, i, 1);

        device_norm_grad(dev, mat_rows(s->moved, i, 1), s->post,
                         mat_rows(s->dx, s->lookup_row[i], 1), one);
        device_axpy(dev, 1, one, s->grad);
    }
}

/* Blocks z+1 to the last on the new positions, from what delta makes of block z. */
static bool search_forward(struct search *s, struct job *job, struct err *err)
{
    device_copy(s->dev, s->start, s->x);
    add_delta(s);
    for (int l = s->layer + 1; l < s->layers; l++) {
        if (job_cancelled(job, err))
            return false;
        if (l - 1 == s->loss_layer)
            device_copy(s->dev, s->x, s->mid);
        forward_block(s->f, s->view, l, &s->pass, s->cache, s->x, NULL, &s->saved[l]);
    }
    return true;
}

/* The log softmax at the KL position for delta = 0: the p_0 that p_delta is compared with. */
static bool keep_reference(struct search *s, struct err *err)
{
    float *row = xmalloc((size_t)s->vocab * sizeof(float));
    float lse;
    bool ok;

    device_lse(s->dev, s->klogits, s->kloss);
    device_fetch(s->dev, &lse, s->kloss, "the sum of the KL row");
    device_fetch(s->dev, row, s->klogits, "the logits (a column a token)");
    ok = device_sync(s->dev, err);
    for (int j = 0; ok && j < s->vocab; j++)
        row[j] -= lse;
    device_upload(s->dev, s->kl_reference, row);
    ok = ok && device_sync(s->dev, err);
    free(row);
    return ok;
}

/* Logits and losses at the label positions, and logits at the KL position. The label logits are
 * replaced by their gradient. */
static void search_logits(struct search *s)
{
    struct mat from = s->loss_layer < s->layers - 1 ? s->mid : s->x;

    device_gather(s->dev, from, s->label_row, s->lx);
    forward_logits(s->f, s->lx, s->logits);
    device_cross_entropy(s->dev, s->logits, s->label, 1.0F / (float)(s->rows * s->targets),
                         s->losses, true);
    device_gather(s->dev, s->x, &s->lookup_row[s->rows], s->kx);
    forward_logits(s->f, s->kx, s->klogits);
}

/* The first losses, at delta = 0. */
static bool first_losses(struct search *s, struct job *job, struct err *err)
{
    if (!search_forward(s, job, err))
        return false;
    search_logits(s);
    if (!keep_reference(s, err))
        return false;
    device_kl(s->dev, s->klogits, s->kl_reference, s->kl_factor, s->kloss, true);
    return true;
}

/* The gradient of NLL + KL in delta: back through the blocks, summed over the lookups. Adam adds
 * that of the decay. */
static bool search_backward(struct search *s, struct job *job, struct err *err)
{
    struct device *dev = s->dev;
    bool late = s->loss_layer >= s->layers - 1;

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
    gather_gradient(s);
    return true;
}

/* From the losses of one step to those of the next. It reads nothing on the host and does not
 * depend on the number of the step, so that a device can record it. */
static bool search_advance(struct search *s, struct job *job, struct err *err)
{
    if (!search_backward(s, job, err))
        return false;
    device_adam(s->dev, s->grad, s->adam);
    if (!search_forward(s, job, err))
        return false;
    search_logits(s);
    device_kl(s->dev, s->klogits, s->kl_reference, s->kl_factor, s->kloss, true);
    return true;
}

/* The same as one launch, where the device records. Step 1 runs it plainly, so that all memory is
 * allocated; step 2 records it. A cancel is seen between launches. */
static bool advance_recorded(struct search *s, int step, struct job *job, struct err *err)
{
    struct device *dev = s->dev;

    if (!dev->ops->graphs || step < 2)
        return search_advance(s, job, err);
    if (job_cancelled(job, err))
        return false;
    if (!s->graph) {
        device_graph_begin(dev);
        search_advance(s, NULL, NULL);
        s->graph = device_graph_end(dev);
        if (!s->graph)
            return device_sync(dev, err) && search_advance(s, job, err);
    }
    device_graph_launch(dev, s->graph);
    return true;
}

/* The losses of a step, to the host (editscope-method(7) 5.2). */
static bool read_losses(struct search *s, const struct params *p, struct target_step *t,
                        struct err *err)
{
    struct device *dev = s->dev;
    double norm = 0, wd = p->value[s->rule->wd];
    int labels = s->rows * s->targets;
    float kl = 0;

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
    for (int j = 0; j < s->hidden; j++)
        norm += (double)s->hdelta[j] * (double)s->hdelta[j];
    t->delta_norm = sqrt(norm);
    t->kl = p->value[P_EDIT_V_KL] * (double)kl;
    t->wd = wd * (s->adam.square ? norm : t->delta_norm) / s->h2;
    t->loss = t->nll + t->kl + t->wd;
    if (!isfinite(t->loss))
        return err_set(err, ERR_FORMAT,
                       "the optimisation's loss is not finite at step %d; lower edit.v_lr (%g)",
                       t->step, (double)s->adam.lr);
    return true;
}

/* edit.v_lr = auto and edit.v_clamp = auto (editscope-method(7) 5.5). */
static const double first_clamp = 0.75, last_clamp = 6;  /* in units of |h0| */
static const double first_share = 0.1, last_share = 0.4; /* of the clamp that delta moves a step */
static const double likely = 0.5, sure = 0.9; /* p(new object): the step, the clamp grow */
enum { SHARE_STEPS = 5, CLAMP_STEPS = 6 };    /* after so many steps below it */

/* How the automatic step and clamp stand. */
struct pace {
    double share;
    int stuck; /* steps in a row with delta on its clamp */
};

/* Adam moves each of d coordinates by about the rate, and so delta by rate sqrt(d) a step. */
static void pace_set(struct search *s, struct target *out, const struct params *p, double share,
                     double clamp)
{
    out->clamp = clamp;
    out->rate = p->value[P_EDIT_V_LR];
    if (param_is_auto(p, P_EDIT_V_LR))
        out->rate = share * clamp * out->h0_norm / sqrt(s->hidden);
    s->adam.lr = (float)out->rate;
    s->adam.max_norm = (float)(clamp * out->h0_norm);
    device_graph_free(s->dev, s->graph); /* it has the former ones */
    s->graph = NULL;
}

/* After a step: larger steps where the object is not likely yet, and a wider clamp where delta has
 * been on it for a while. */
static void pace_change(struct search *s, struct target *out, const struct params *p,
                        struct pace *pace)
{
    const struct target_step *t = &out->trace[out->steps - 1];
    double clamp = out->clamp, share = pace->share;
    bool on_clamp = t->delta_norm > 0.99 * (double)s->adam.max_norm;

    pace->stuck = on_clamp && t->p_target < sure ? pace->stuck + 1 : 0;
    if (param_is_auto(p, P_EDIT_V_LR) && !(out->steps % SHARE_STEPS) && t->p_target < likely)
        share = fmin(2 * share, last_share);
    if (param_is_auto(p, s->rule->clamp) && pace->stuck >= CLAMP_STEPS) {
        clamp = fmin(2 * clamp, last_clamp);
        pace->stuck = 0;
    }
    if (share > pace->share || clamp > out->clamp)
        pace_set(s, out, p, share, clamp);
    pace->share = share;
}

/* All steps. out->trace has one entry a step; delta ends where it was evaluated last. */
static bool search_iterate(struct search *s, struct target *out, const struct params *p,
                           void (*on_step)(void *, const struct target_step *), void *ctx,
                           struct job *job, struct err *err)
{
    int steps = (int)p->value[P_EDIT_V_STEPS];
    bool widen = param_is_auto(p, s->rule->clamp);
    struct pace pace = {first_share, 0};

    out->h0_norm = sqrt(s->h2);
    out->trace = xcalloc((size_t)steps, sizeof(*out->trace));
    s->kl_factor = (float)p->value[P_EDIT_V_KL];
    s->adam = (struct adam){.x = s->delta,
                            .m = s->m,
                            .v = s->v,
                            .steps = s->adam_steps,
                            .beta1 = 0.9F,
                            .beta2 = 0.999F,
                            .eps = 1e-8F,
                            .decay = p->value[s->rule->wd] / s->h2,
                            .square = p->value[P_EDIT_WD_POWER] > 1.5};
    pace_set(s, out, p, first_share, widen ? first_clamp : p->value[s->rule->clamp]);
    for (int it = 0; it < steps; it++) {
        struct target_step *t = &out->trace[it];

        t->step = it;
        if (!(it ? advance_recorded(s, it, job, err) : first_losses(s, job, err)) ||
            !read_losses(s, p, t, err))
            return false;
        out->steps = it + 1;
        if (on_step)
            on_step(ctx, t);
        if (t->loss < p->value[P_EDIT_V_STOP])
            break;
        pace_change(s, out, p, &pace);
    }
    return true;
}

bool target_optimise(struct target *out, const struct model_state *view,
                     const struct request *request, int layer, const struct target_rule *rule,
                     const struct params *p, void (*step)(void *ctx, const struct target_step *s),
                     void *ctx, struct job *job, struct err *err)
{
    const struct model *m = view->model;
    int loss_layer = (int)p->value[P_EDIT_V_LOSS_LAYER], last = m->config->layers - 1;
    struct search s = {.view = view,
                       .request = request,
                       .rule = rule ? rule : &of_block,
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
    ok = search_begin(&s, job, err) && search_allocate(&s, err) &&
         search_iterate(&s, out, p, step, ctx, job, err);
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
