/* One step of a target's optimisation: backward, Adam and the projection, forward, losses
 * (editscope-method(7) 5.2, 5.3). */
#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/edit/target_internal.h"

/* s->room = block z's output at the lookups, from its FFN on, with both vectors: what attention
 * adds is moved before the FFN reads it, what the FFN gives behind it. */
static void move_both(struct target_search *s)
{
    struct device *dev = s->dev;
    struct saved *save = &s->saved[s->layer];

    device_copy(dev, s->stream, s->room);
    device_axpy(dev, 1, s->move[1].delta, s->room);
    forward_ffn(s->f, s->view, s->layer, &s->lookups, s->room, NULL, save);
    if (!s->sum.data) {
        device_axpy(dev, 1, s->move[0].delta, s->room);
        return;
    }
    device_axpy(dev, 1, s->move[0].delta, save->ffn_sum);
    device_norm(dev, save->ffn_sum, s->post, s->room);
    device_axpy(dev, 1, save->h, s->room);
}

/* Delta added at every lookup: to the stream, or to what the norm behind the FFN reads. */
static void add_delta(struct target_search *s)
{
    struct device *dev = s->dev;

    if (!s->sum.data && !s->rule->attention) {
        for (int i = 0; i <= s->rows; i++)
            device_axpy(dev, 1, s->move[0].delta, mat_rows(s->x, s->lookup_row[i], 1));
        return;
    }
    if (s->rule->attention) {
        move_both(s);
    } else {
        device_copy(dev, s->sum, s->moved);
        device_axpy(dev, 1, s->move[0].delta, s->moved);
        device_norm(dev, s->moved, s->post, s->room);
        device_axpy(dev, 1, s->stream, s->room);
    }
    for (int i = 0; i <= s->rows; i++)
        device_copy(dev, mat_rows(s->room, i, 1), mat_rows(s->x, s->lookup_row[i], 1));
}

/* Of both vectors: dx at the lookups is z's gradient, through the norm behind the FFN where there
 * is one, and taken back through the FFN that of the vector before it. */
static void gather_both(struct target_search *s)
{
    struct device *dev = s->dev;
    struct saved *save = &s->saved[s->layer];

    device_gather(dev, s->dx, s->lookup_row, s->room);
    if (s->sum.data) {
        device_fill(dev, s->moved, 0);
        device_norm_grad(dev, save->ffn_sum, s->post, s->room, s->moved);
    }
    for (int i = 0; i <= s->rows; i++)
        device_axpy(dev, 1, mat_rows(s->sum.data ? s->moved : s->room, i, 1), s->move[0].grad);
    backward_ffn(s->f, s->view, s->layer, &s->lookups, save, s->room);
    for (int i = 0; i <= s->rows; i++)
        device_axpy(dev, 1, mat_rows(s->room, i, 1), s->move[1].grad);
}

/* grad += dx summed over the lookups; through the norm behind the FFN, where there is one. */
static void gather_gradient(struct target_search *s)
{
    struct device *dev = s->dev;

    if (!s->sum.data) {
        for (int i = 0; i <= s->rows; i++)
            device_axpy(dev, 1, mat_rows(s->dx, s->lookup_row[i], 1), s->move[0].grad);
        return;
    }
    device_fill(dev, s->room, 0);
    for (int i = 0; i <= s->rows; i++) {
        struct mat one = mat_rows(s->room, i, 1);

        device_norm_grad(dev, mat_rows(s->moved, i, 1), s->post,
                         mat_rows(s->dx, s->lookup_row[i], 1), one);
        device_axpy(dev, 1, one, s->move[0].grad);
    }
}

/* Blocks z+1 to the last on the new positions, from what delta makes of block z. */
static bool search_forward(struct target_search *s, struct job *job, struct err *err)
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
static bool keep_reference(struct target_search *s, struct err *err)
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

/* What each label counts in the loss. */
static float label_weight(const struct target_search *s)
{
    return s->nll_factor / (float)(s->rows * s->targets);
}

/* Logits and losses at the label positions, and logits at the KL position. The label logits are
 * replaced by their gradient. */
static void search_logits(struct target_search *s)
{
    struct mat from = s->loss_layer < s->layers - 1 ? s->mid : s->x;

    device_gather(s->dev, from, s->label_row, s->lx);
    forward_logits(s->f, s->lx, s->logits);
    device_cross_entropy(s->dev, s->logits, s->label, label_weight(s), s->losses, true);
    device_gather(s->dev, s->x, &s->lookup_row[s->rows], s->kx);
    forward_logits(s->f, s->kx, s->klogits);
}

/* The first losses, at delta = 0. */
bool target_first_losses(struct target_search *s, struct job *job, struct err *err)
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
static bool search_backward(struct target_search *s, struct job *job, struct err *err)
{
    struct device *dev = s->dev;
    bool late = s->loss_layer >= s->layers - 1;

    device_fill(dev, s->dx, 0);
    device_fill(dev, s->head_dx, 0);
    for (int i = 0; i < s->moves; i++)
        device_fill(dev, s->move[i].grad, 0);
    backward_logits(s->f, s->head_x, s->head_logits, s->head_dx);
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
    if (s->rule->attention)
        gather_both(s);
    else
        gather_gradient(s);
    return true;
}

/* From the losses of one step to those of the next. It reads nothing on the host and does not
 * depend on the number of the step, so that a device can record it. */
static bool search_advance(struct target_search *s, struct job *job, struct err *err)
{
    if (!search_backward(s, job, err))
        return false;
    for (int i = 0; i < s->moves; i++)
        device_adam(s->dev, s->move[i].grad, s->move[i].adam);
    if (!search_forward(s, job, err))
        return false;
    search_logits(s);
    device_kl(s->dev, s->klogits, s->kl_reference, s->kl_factor, s->kloss, true);
    return true;
}

/* The same as one launch, where the device records. Step 1 runs it plainly, so that all memory is
 * allocated; step 2 records it. A cancel is seen between launches. */
bool target_advance(struct target_search *s, int step, struct job *job, struct err *err)
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

/* Whether the label of one row has the largest p. The row holds weight (p - onehot). A p above one
 * half is the largest. */
static bool label_said(struct target_search *s, int row, float *host, bool *said, struct err *err)
{
    double own = exp(-(double)s->hloss[row]), weight = (double)label_weight(s);

    *said = true;
    if (own > 0.5)
        return true;
    device_download(s->dev, host, mat_rows(s->logits, row, 1));
    if (!device_sync(s->dev, err))
        return false;
    for (int j = 0; *said && j < s->vocab; j++)
        *said = j == s->label[row] || (double)host[j] / weight <= own;
    return true;
}

bool target_labels_said(struct target_search *s, int first, bool *said, struct err *err)
{
    float *host = xmalloc((size_t)s->vocab * sizeof(float));
    bool ok = true;

    *said = true;
    for (int i = first * s->targets; ok && *said && i < s->rows * s->targets; i++)
        ok = label_said(s, i, host, said, err);
    free(host);
    return ok;
}
