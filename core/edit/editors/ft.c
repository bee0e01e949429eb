/* Fine-tuning of one W_down (editscope-method(7) 7.13): Adam on the whole matrix, for the bare
 * prompts alone.
 *
 *   FT-L   loss = mean -log p(token_j | prompt): every token of the new object is asked for right
 *          after the prompt
 *   FT-M   loss = mean -log p(token_j | prompt, tokens before j)
 *
 *   F-learning   FT-M on the old object, subtracted in part, then FT-M on the new one:
 *          W <- W - ft.forget (FT(W, old) - W);  W <- FT(W, new)
 *
 * Only the blocks from the trained layer on run in a step: what enters that layer does not change.
 * The change has full rank, so the result is a dense delta: d M floats that a session keeps. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/training.h"

/* The trained matrix, and what Adam keeps of it. */
struct finetune {
    struct training t;
    const struct params *p;
    struct device *dev;
    int layer;
    struct mat coeff;            /* [rows, M] of the trained block */
    struct mat w, grad;          /* [d, M] */
    struct mat m, v, adam_steps; /* of Adam */
    float *before, *after;       /* [d * M] the matrix, on the host; after the last step */
    double moved;                /* the length of what the steps so far have changed */
};

static void finetune_free(struct finetune *s)
{
    struct mat *all[] = {&s->coeff, &s->grad, &s->m, &s->v, &s->adam_steps};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(s->dev, all[i]);
    training_free(&s->t);
    free(s->before);
    free(s->after);
}

/* Room for the steps, and the matrix as it is. */
static bool finetune_begin(struct finetune *s, const struct edit_context *ctx,
                           struct model_state *scratch, bool forced, struct job *job,
                           struct err *err)
{
    struct training_rule rule = {.forced = forced};
    size_t bytes;

    s->w = state_writable(scratch, s->layer, MATRIX_DOWN);
    if (!training_begin(&s->t, scratch, ctx->request, ctx->count, rule, s->layer, job, err))
        return false;
    s->coeff = mat_new(s->dev, DT_F32, s->t.pass.rows, s->w.cols);
    s->grad = mat_new(s->dev, DT_F32, s->w.rows, s->w.cols);
    s->m = mat_new(s->dev, DT_F32, s->w.rows, s->w.cols);
    s->v = mat_new(s->dev, DT_F32, s->w.rows, s->w.cols);
    s->adam_steps = mat_new(s->dev, DT_F64, 1, 1);
    bytes = (size_t)s->w.rows * (size_t)s->w.cols * sizeof(float);
    s->before = xmalloc(bytes);
    s->after = xmalloc(bytes);
    device_fetch(s->dev, s->before, s->w, "layer %d: the matrix that is trained", s->layer);
    if (!device_sync(s->dev, err))
        return false;
    memcpy(s->after, s->before, bytes);
    return true;
}

static void keep_coeff(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct finetune *s = ctx;

    if (layer == s->layer && site == TAP_COEFF)
        device_copy(s->dev, x, s->coeff);
}

static bool finetune_losses(struct finetune *s, struct target_step *step, struct job *job,
                            struct err *err)
{
    struct tap tap = {keep_coeff, s};

    if (!training_losses(&s->t, &tap, step, job, err))
        return false;
    return isfinite(step->loss) ||
           err_set(err, ERR_FORMAT, "the loss is not finite at step %d; lower ft.lr (%g)",
                   step->step, s->p->value[P_FT_LR]);
}

static bool finetune_gradient(struct finetune *s, struct job *job, struct err *err)
{
    struct training *t = &s->t;

    training_head(t);
    for (int l = t->layers - 1; l > s->layer; l--) {
        if (job_cancelled(job, err))
            return false;
        training_block(t, l);
    }
    backward_down(t->f, t->view, s->layer, &t->pass, &t->saved[s->layer], s->coeff, t->dx, s->grad);
    return true;
}

/* After a step: how far the matrix has moved, into s->moved. With ft.eps no weight leaves its
 * bounds around the one before. */
static bool finetune_measure(struct finetune *s, struct err *err)
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

static bool finetune_steps(struct finetune *s, const struct edit_context *ctx, struct job *job,
                           struct err *err)
{
    int steps = (int)s->p->value[P_FT_STEPS];
    struct adam adam = adam_of(s->w, s->m, s->v, s->adam_steps, s->p->value[P_FT_LR]);

    for (int step = 0; step < steps; step++) {
        struct target_step t = {.step = step, .delta_norm = s->moved};

        job_progress(job, "fine-tuning", step, steps);
        if (!finetune_losses(s, &t, job, err))
            return false;
        if (ctx->on_step)
            ctx->on_step(ctx->on_step_ctx, &t);
        if (t.loss < s->p->value[P_FT_STOP])
            break;
        if (!finetune_gradient(s, job, err))
            return false;
        device_adam(s->dev, mat_as_row(s->grad), adam);
        if (!finetune_measure(s, err))
            return false;
    }
    return true;
}

/* What the training changed, as the delta that undo and redo apply; the state gets exactly that. */
static bool finetune_finish(struct finetune *s, struct edit_result *out, struct err *err)
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
    *d = delta_dense(s->layer, MATRIX_DOWN, s->w.rows, s->w.cols, s->after);
    s->after = NULL;
    device_upload(s->dev, s->w, s->before);
    delta_apply(s->t.view, d);
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
    struct device *dev = scratch->model->dev;
    struct finetune s = {.t.dev = dev, .p = ctx->params, .dev = dev, .layer = ctx->layer[0]};
    bool ok;

    *out = (struct edit_result){0};
    ok = finetune_begin(&s, ctx, scratch, forced, job, err) && finetune_steps(&s, ctx, job, err) &&
         finetune_finish(&s, out, err);
    if (!ok)
        edit_result_free(out);
    finetune_free(&s);
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

/* The facts with their old objects in the place of the new ones, which the copies borrow. NULL: one
 * has none. Caller frees the array. */
static struct request *old_requests(const struct edit_context *ctx, struct err *err)
{
    struct request *old = xcalloc((size_t)ctx->count, sizeof(*old));

    for (int i = 0; i < ctx->count; i++) {
        old[i] = ctx->request[i];
        if (!request_names_old(&old[i], "f-learning forgets", err)) {
            free(old);
            return NULL;
        }
        old[i].target = old[i].olds;
        old[i].targets = old[i].old_count;
    }
    return old;
}

/* Takes ft.forget of what tuning on the old objects adds out of the scratch state: out's delta. */
static bool forget_old(struct edit_result *out, struct model_state *scratch,
                       const struct edit_context *ctx, struct job *job, struct err *err)
{
    struct request *old = old_requests(ctx, err);
    struct model_state *copy;
    struct edit_context of = *ctx;
    float part = -(float)ctx->params->value[P_FT_FORGET];
    bool ok;

    if (!old)
        return false;
    copy = state_copy(scratch, scratch->generation);
    of.request = old;
    ok = fine_tune(out, copy, &of, true, job, err);
    state_free(copy);
    free(old);
    for (size_t i = 0; ok && i < delta_values(&out->delta[0]); i++)
        out->delta[0].r[i] *= part;
    if (ok)
        delta_apply(scratch, &out->delta[0]);
    return ok;
}

/* The length of both changes together. */
static double joined_norm(const struct delta *a, const struct delta *b)
{
    double sum = 0;

    for (size_t i = 0; i < delta_values(a); i++)
        sum += ((double)a->r[i] + (double)b->r[i]) * ((double)a->r[i] + (double)b->r[i]);
    return sqrt(sum);
}

static bool f_learning_edit(struct edit_result *out, struct model_state *scratch,
                            struct edit_context *ctx, struct job *job, struct err *err)
{
    struct edit_result learnt;

    *out = (struct edit_result){0};
    if (!forget_old(out, scratch, ctx, job, err))
        return false;
    if (!fine_tune(&learnt, scratch, ctx, true, job, err)) {
        edit_result_free(out);
        return false;
    }
    out->delta = xrealloc(out->delta, 2 * sizeof(*out->delta));
    out->delta[out->deltas++] = learnt.delta[0];
    out->report[0].delta_norm = joined_norm(&out->delta[0], &out->delta[1]);
    free(learnt.delta); /* what it held is out's */
    return true;
}

/* Layer 21 of the 32 of Llama 3 8B in EasyEdit's settings. */
#define FT_DEPTH (21.0 / 32)

extern const struct editor_ops editor_ft_l, editor_ft_m, editor_f_learning;
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
const struct editor_ops editor_f_learning = {
    .name = "f-learning",
    .title = "F-learning",
    .paper = "Ni et al. 2024",
    .needs = NEEDS_OLD,
    .edit = f_learning_edit,
    .layer = P_FT_LAYER,
    .depth = FT_DEPTH,
};
