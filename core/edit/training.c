/* Losses of new objects and their gradients, block by block. */
#include "core/edit/training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

enum { LABELS_AT_ONCE = 64 }; /* of a text: their logits are made together */

void training_free(struct training *t)
{
    struct mat *all[] = {&t->start, &t->x, &t->dx, &t->lx, &t->dl, &t->logits, &t->losses};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(t->dev, all[i]);
    for (int l = 0; t->saved && l < t->layers; l++)
        saved_free(&t->saved[l], t->dev);
    free(t->saved);
    forward_free(t->f);
    kv_cache_free(t->cache, t->dev);
    batch_free(&t->pass);
    free(t->label_row);
    free(t->label);
    free(t->host_loss);
}

/* The sequences, and where each label is predicted. */
static void training_rows(struct training *t)
{
    int **ids = xcalloc((size_t)t->facts, sizeof(*ids)), at = 0;
    int *count = xcalloc((size_t)t->facts, sizeof(*count));

    for (int i = 0; i < t->facts; i++) {
        const struct request *r = &t->request[i];
        int n = r->row[0].count;

        count[i] = n + (t->rule.forced ? r->targets - !t->rule.whole : 0);
        ids[i] = xcalloc((size_t)count[i], sizeof(int));
        memcpy(ids[i], r->row[0].id, (size_t)n * sizeof(int));
        memcpy(ids[i] + n, r->target, (size_t)(count[i] - n) * sizeof(int));
        t->labels += r->targets;
    }
    t->pass = batch_new((const int *const *)ids, count, NULL, t->facts, 0);
    t->label_row = xcalloc((size_t)t->labels, sizeof(int));
    t->label = xcalloc((size_t)t->labels, sizeof(int));
    for (int i = 0; i < t->facts; i++) {
        const struct request *r = &t->request[i];
        int last = t->pass.seq[i].q0 + r->row[0].count - 1;

        t->pass.asked[i] = last;

        for (int j = 0; j < r->targets; j++, at++) {
            t->label_row[at] = last + (t->rule.forced ? j : 0);
            t->label[at] = r->target[j];
        }
        free(ids[i]);
    }
    free(ids);
    free(count);
}

static void training_allocate(struct training *t)
{
    const struct model *m = t->view->model;
    int d = m->config->hidden, rows = t->pass.rows;
    int asked = t->rule.summed && t->labels > LABELS_AT_ONCE ? LABELS_AT_ONCE : t->labels;

    t->f = forward_new(m, rows);
    t->cache = kv_cache_new(m, rows);
    t->saved = xcalloc((size_t)t->layers, sizeof(*t->saved));
    for (int l = t->first; l < t->layers; l++)
        t->saved[l] = saved_new(m, rows);
    t->start = mat_new(t->dev, DT_F32, rows, d);
    t->x = mat_new(t->dev, DT_F32, rows, d);
    t->dx = mat_new(t->dev, DT_F32, rows, d);
    t->lx = mat_new(t->dev, DT_F32, t->labels, d);
    t->dl = mat_new(t->dev, DT_F32, t->labels, d);
    t->logits = mat_new(t->dev, DT_F32, asked, m->head.rows);
    t->losses = mat_new(t->dev, DT_F32, 1, t->labels);
    t->host_loss = xcalloc((size_t)t->labels, sizeof(float));
}

bool training_begin(struct training *t, struct model_state *view, const struct request *request,
                    int facts, struct training_rule rule, int first, struct job *job,
                    struct err *err)
{
    bool ok;

    *t = (struct training){.view = view,
                           .request = request,
                           .rule = rule,
                           .dev = view->model->dev,
                           .facts = facts,
                           .first = first,
                           .layers = view->model->config->layers};
    training_rows(t);
    if (!batch_fits(&t->pass, view->model, err))
        return false;
    training_allocate(t);
    ok = device_sync(t->dev, err);
    if (ok)
        forward_embed(t->f, &t->pass, t->start);
    for (int l = 0; ok && l < first; l++) {
        ok = !job_cancelled(job, err);
        if (ok)
            forward_block(t->f, view, l, &t->pass, t->cache, t->start, NULL, NULL);
    }
    return ok && device_sync(t->dev, err);
}

/* What a label of fact i counts in the loss. */
static double label_weight(const struct training *t, int i)
{
    return 1.0 / (t->rule.by_token ? t->labels : t->facts * t->request[i].targets);
}

static void read_losses(const struct training *t, struct target_step *step)
{
    int at = 0;

    for (int i = 0; i < t->facts; i++) {
        double sum = 0;

        for (int j = 0; j < t->request[i].targets; j++)
            sum += (double)t->host_loss[at++];
        step->nll += sum * label_weight(t, i);
        step->p_target += exp(-sum) / t->facts;
    }
    step->loss = step->nll;
}

bool training_forward(struct training *t, const struct tap *tap, struct job *job, struct err *err)
{
    device_copy(t->dev, t->start, t->x);
    for (int l = t->first; l < t->layers; l++) {
        if (job_cancelled(job, err))
            return false;
        forward_block(t->f, t->view, l, &t->pass, t->cache, t->x, tap, &t->saved[l]);
    }
    return true;
}

bool training_losses(struct training *t, const struct tap *tap, struct target_step *step,
                     struct job *job, struct err *err)
{
    int at = 0;

    if (!training_forward(t, tap, job, err))
        return false;
    device_gather(t->dev, t->x, t->label_row, t->lx);
    forward_logits(t->f, t->lx, t->logits);
    for (int i = 0; i < t->facts; at += t->request[i].targets, i++) {
        int n = t->request[i].targets;

        device_cross_entropy(t->dev, mat_rows(t->logits, at, n), t->label + at,
                             (float)label_weight(t, i), mat_cols(t->losses, at, n), true);
    }
    device_download(t->dev, t->host_loss, t->losses);
    if (!device_sync(t->dev, err))
        return false;
    read_losses(t, step);
    return true;
}

void training_head(struct training *t)
{
    device_fill(t->dev, t->dx, 0);
    device_fill(t->dev, t->dl, 0);
    backward_logits(t->f, t->lx, t->logits, t->dl);
    device_scatter_add(t->dev, t->dl, t->label_row, t->dx);
}

bool training_summed_head(struct training *t, struct job *job, struct err *err)
{
    device_fill(t->dev, t->dx, 0);
    device_fill(t->dev, t->dl, 0);
    device_gather(t->dev, t->x, t->label_row, t->lx);
    for (int at = 0, n; at < t->labels; at += n) {
        n = t->labels - at < t->logits.rows ? t->labels - at : t->logits.rows;
        struct mat x = mat_rows(t->lx, at, n), logits = mat_rows(t->logits, 0, n);

        if (job_cancelled(job, err))
            return false;
        forward_logits(t->f, x, logits);
        device_cross_entropy(t->dev, logits, t->label + at, 1, mat_cols(t->losses, at, n), true);
        backward_logits(t->f, x, logits, mat_rows(t->dl, at, n));
    }
    device_scatter_add(t->dev, t->dl, t->label_row, t->dx);
    return device_sync(t->dev, err);
}

void training_down_gradient(struct training *t, int layer, struct mat g)
{
    backward_sum(t->f, t->view, layer, &t->pass, &t->saved[layer], t->dx, g);
}

void training_block(struct training *t, int layer)
{
    backward_block(t->f, t->view, layer, &t->pass, t->cache, &t->saved[layer], t->dx);
}

struct request *training_rows_of(const struct request *fact)
{
    struct request *row = xcalloc((size_t)fact->rows, sizeof(*row));

    for (int i = 0; i < fact->rows; i++) {
        row[i] = *fact;
        row[i].row = &fact->row[i];
        row[i].rows = 1;
    }
    return row;
}

void coeff_read(void *ctx, int layer, enum tap_site site, struct mat x)
{
    const struct coeff_reading *r = ctx;

    if (layer == r->layer && site == TAP_COEFF)
        device_copy(r->dev, x, r->coeff);
}
