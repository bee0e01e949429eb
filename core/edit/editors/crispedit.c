/* CrispEdit (editscope-method(7) 7.23): fine-tuning of several W_down at once, in the directions in
 * which the loss of a text is flat (core/edit/curvature.h). No target, no subject, no prefixes.
 *
 *   loss = mean -log p(token_j | prompt, tokens before j)
 *   G <- P G;  D <- P Adam(D, G);  W = W before + D        P: the free part of a matrix
 *
 * Adam divides element by element, which leads out of the free directions again; so D is projected,
 * too. The released code projects G alone (baseline.quirks). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/curvature.h"
#include "core/edit/editors/editors.h"
#include "core/edit/mat_f64.h"

/* Layers of Llama 3 8B, of 32, in the paper. */
enum { FIRST = 19, LAST = 23 };

/* A matrix that is trained. */
struct tuned {
    int layer;
    struct mat w, before, d, grad, m, v, steps; /* [d, M]; of Adam; [1, 1] */
    struct mat coeff, g;                        /* [rows, M], [rows, d] of the present step */
    struct free_space free;
    double length[2]; /* of the first gradient and of its free part */
};

struct crispedit {
    struct training t;
    const struct edit_context *ctx;
    struct device *dev;
    struct tuned *tuned; /* [ctx->layers] */
    double moved;        /* the length of all D */
};

static int crispedit_layers(const struct params *p, int layers, int *layer)
{
    int n = 0;

    for (int l = 0; l < layers; l++)
        if (p->layer_count == 1
                ? p->layer[l]
                : l >= editor_layer_at(FIRST, layers) && l <= editor_layer_at(LAST, layers))
            layer[n++] = l;
    return n;
}

static void crispedit_free(struct crispedit *c)
{
    for (int i = 0; i < c->ctx->layers; i++) {
        struct tuned *s = &c->tuned[i];
        struct mat *all[] = {&s->before, &s->d,     &s->grad,  &s->m,
                             &s->v,      &s->steps, &s->coeff, &s->g};

        for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++)
            mat_free(c->dev, all[k]);
        free_space_free(&s->free);
    }
    free(c->tuned);
    training_free(&c->t);
}

static bool tuned_begin(struct tuned *s, struct crispedit *c, int i, struct err *err)
{
    const struct edit_context *ctx = c->ctx;
    struct mat *all[] = {&s->before, &s->d, &s->grad, &s->m, &s->v};

    s->layer = ctx->layer[i];
    s->w = state_writable(c->t.view, s->layer, MATRIX_DOWN);
    for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++)
        *all[k] = mat_new(c->dev, DT_F32, s->w.rows, s->w.cols);
    s->steps = mat_new(c->dev, DT_F64, 1, 1);
    s->coeff = mat_new(c->dev, DT_F32, c->t.pass.rows, s->w.cols);
    s->g = mat_new(c->dev, DT_F32, c->t.pass.rows, s->w.rows);
    device_copy(c->dev, s->w, s->before);
    return free_space_new(&s->free, ctx->curvature[i][0], ctx->curvature[i][1],
                          ctx->params->value[P_CRISPEDIT_GAMMA], c->t.pass.rows, err);
}

static bool crispedit_begin(struct crispedit *c, struct model_state *scratch, struct job *job,
                            struct err *err)
{
    const struct edit_context *ctx = c->ctx;
    struct training_rule rule = {.forced = true, .by_token = true};
    bool ok =
        training_begin(&c->t, scratch, ctx->request, ctx->count, rule, ctx->layer[0], job, err) &&
        curvature_numbers_fit(&c->t, ctx->layers, err);

    for (int i = 0; ok && i < ctx->layers; i++)
        ok = tuned_begin(&c->tuned[i], c, i, err);
    return ok && device_sync(c->dev, err);
}

static void keep_coeff(void *ctx, int layer, enum tap_site site, struct mat x)
{
    const struct crispedit *c = ctx;

    for (int i = 0; site == TAP_COEFF && i < c->ctx->layers; i++)
        if (c->tuned[i].layer == layer)
            device_copy(c->dev, x, c->tuned[i].coeff);
}

/* After the losses: the free part of each matrix's gradient. */
static bool crispedit_gradients(struct crispedit *c, bool first, struct job *job, struct err *err)
{
    struct training *t = &c->t;

    training_head(t);
    for (int l = t->layers - 1, i = c->ctx->layers - 1; i >= 0; l--) {
        struct tuned *s = &c->tuned[i];

        if (job_cancelled(job, err))
            return false;
        if (s->layer == l) {
            training_down_gradient(t, l, s->g);
            if (first && !free_space_lengths(&s->free, s->coeff, s->g, s->length, err))
                return false;
            free_space_gradient(&s->free, s->coeff, s->g, s->grad);
            i--;
        }
        if (i >= 0)
            training_block(t, l);
    }
    return device_sync(c->dev, err);
}

/* One step of each matrix, in its free directions. */
static bool crispedit_move(struct crispedit *c, struct job *job, struct err *err)
{
    const struct params *p = c->ctx->params;
    double square = 0, length;

    for (int i = 0; i < c->ctx->layers; i++) {
        struct tuned *s = &c->tuned[i];

        if (job_cancelled(job, err))
            return false;
        device_adam(c->dev, mat_as_row(s->grad),
                    adam_of(s->d, s->m, s->v, s->steps, p->value[P_CRISPEDIT_LR]));
        if (!params_choice(p, P_BASELINE_QUIRKS))
            free_space_project(&s->free, s->d);
        device_copy(c->dev, s->before, s->w);
        device_axpy(c->dev, 1, s->d, s->w);
        if (!mat_length(c->dev, s->d, "the update", &length, err))
            return false;
        square += length * length;
    }
    c->moved = sqrt(square);
    return true;
}

static bool crispedit_steps(struct crispedit *c, struct job *job, struct err *err)
{
    const struct params *p = c->ctx->params;
    int steps = (int)p->value[P_CRISPEDIT_STEPS];
    struct tap tap = {keep_coeff, c};

    for (int step = 0; step < steps; step++) {
        struct target_step t = {.step = step, .delta_norm = c->moved};

        job_progress(job, "fine-tuning", step, steps);
        if (!training_losses(&c->t, &tap, &t, job, err))
            return false;
        if (!isfinite(t.loss))
            return err_set(err, ERR_FORMAT,
                           "the loss is not finite at step %d; lower crispedit.lr (%g)", step,
                           p->value[P_CRISPEDIT_LR]);
        if (c->ctx->on_step)
            c->ctx->on_step(c->ctx->on_step_ctx, &t);
        if (t.loss < p->value[P_CRISPEDIT_STOP])
            break;
        if (!crispedit_gradients(c, step == 0, job, err) || !crispedit_move(c, job, err))
            return false;
    }
    return true;
}

/* The change of a matrix as the delta that undo and redo apply; the state gets exactly that. */
static bool tuned_finish(struct crispedit *c, struct tuned *s, struct edit_result *out,
                         struct err *err)
{
    size_t n = (size_t)s->w.rows * (size_t)s->w.cols;
    struct layer_report *report = &out->report[out->layers++];
    struct delta *d = &out->delta[out->deltas++];

    *d = delta_dense(s->layer, MATRIX_DOWN, s->w.rows, s->w.cols, xmalloc(n * sizeof(float)));
    *report = layer_report_keyless(s->layer, s->w.cols);
    report->rank = s->free.rank;
    report->gradient_share = s->length[0] > 0 ? s->length[1] / s->length[0] : (double)NAN;
    device_fetch(c->dev, d->r, s->d, "layer %d: the update", s->layer);
    if (!device_sync(c->dev, err) ||
        !mat_length(c->dev, s->d, "the update", &report->delta_norm, err) ||
        !mat_length(c->dev, s->before, "the matrix", &report->weight_norm, err))
        return false;
    device_copy(c->dev, s->before, s->w);
    delta_apply(c->t.view, d);
    return device_sync(c->dev, err);
}

/* How much is kept for the text, for users. */
static void crispedit_words(struct edit_result *out, double all)
{
    double rank = 0, low = 1, high = 0;

    for (int i = 0; i < out->layers; i++) {
        rank += out->report[i].rank / all / out->layers;
        low = fmin(low, out->report[i].gradient_share);
        high = fmax(high, out->report[i].gradient_share);
    }
    snprintf(out->beside, sizeof(out->beside),
             "%.3g %% of the directions are kept for the text, which leaves %.2g to %.2g %% of the "
             "gradient",
             100 * rank, 100 * low, 100 * high);
}

static bool crispedit_finish(struct crispedit *c, struct edit_result *out, struct job *job,
                             struct err *err)
{
    const struct edit_context *ctx = c->ctx;

    out->delta = xcalloc((size_t)ctx->layers, sizeof(*out->delta));
    for (int i = 0; i < ctx->layers; i++)
        if (!tuned_finish(c, &c->tuned[i], out, err))
            return false;
    crispedit_words(out, (double)c->tuned[0].w.rows * c->tuned[0].w.cols);
    out->numbers = curvature_numbers(c->t.view, ctx->request, ctx->count, ctx->layer, ctx->layers,
                                     &out->numbers_count, job, err);
    return out->numbers != NULL;
}

static bool crispedit_edit(struct edit_result *out, struct model_state *scratch,
                           struct edit_context *ctx, struct job *job, struct err *err)
{
    struct crispedit c = {.ctx = ctx, .dev = scratch->model->dev, .t.dev = scratch->model->dev};
    bool ok;

    *out = (struct edit_result){.z_error = (double)NAN};
    c.tuned = xcalloc((size_t)ctx->layers, sizeof(*c.tuned));
    for (int i = 0; i < ctx->layers; i++)
        c.tuned[i].free.dev = c.dev;
    ok = crispedit_begin(&c, scratch, job, err) && crispedit_steps(&c, job, err) &&
         crispedit_finish(&c, out, job, err);
    if (!ok)
        edit_result_free(out);
    crispedit_free(&c);
    return ok;
}

extern const struct editor_ops editor_crispedit;
const struct editor_ops editor_crispedit = {
    .name = "crispedit",
    .title = "CrispEdit",
    .paper = "Ikram et al. 2026",
    .needs = NEEDS_CURVATURE,
    .edit = crispedit_edit,
    .layers = crispedit_layers,
};
