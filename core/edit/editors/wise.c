/* WISE (editscope-method(7) 7.26): a side matrix beside W_down of one layer, trained so that the
 * fact goes through it and its neighbour does not; the hook "side" (core/model/hook_side.c) sends
 * prompts there.
 *
 *   loss = CE (through W') + hinges of D, the distance between what W and W' say:
 *          D_out - D_b + gamma,   D_out - alpha,   beta - D_b      b: a row of the fact
 *   W' <- W' - lr (gradient + 1e-5 W') on a share of the elements, within 1 of W
 *
 * Facts are written one after the other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/training.h"
#include "core/model/hook_side.h"
#include "core/model/route.h"

static const double decay = 1e-5, bound = 1, steady = 1e-4, enough = 0.02;

/* The neighbour of a fact that names none. */
static const char stranger[] =
    "nq question: who wrote the play romeo and juliet William Shakespeare";

/* Sequences and what enters W_down of the layer. */
struct seen {
    struct batch batch;
    struct mat coeff;     /* [rows, M] */
    struct mat own, said; /* [d, rows] silu(W m); W' m, then what D's gradient is made of */
    struct mat out;       /* [d, rows] */
    struct mat ones;      /* [1, rows] */
    int *rows_of;         /* [batch.seqs] tokens of each */
    double *distance;     /* [batch.seqs] D */
    float *norm;          /* [rows] of each token */
};

/* The training of one fact. */
struct wise {
    struct device *dev;
    const struct params *p;
    const struct request *fact;
    int layer, number, count; /* number: of the side matrix; count: elements that may change */
    int *element;
    double threshold;                    /* of its edits so far */
    float *w, *before, *base, *gradient; /* [d * M] W', before this edit, of the model */
    struct model_state *view;            /* W_down is W' */
    struct request *row;                 /* [fact->rows] */
    struct training t;
    struct mat side, g, grad, base_w; /* [d, M], [rows, d], [d, M], [d, M] */
    struct seen rows, neighbour;
    double near; /* mean D of the rows at the last step */
};

/* ---- what is seen ---- */

static void seen_free(struct seen *s, struct device *dev, bool owns_batch)
{
    mat_free(dev, &s->coeff);
    mat_free(dev, &s->own);
    mat_free(dev, &s->said);
    mat_free(dev, &s->out);
    mat_free(dev, &s->ones);
    if (owns_batch)
        batch_free(&s->batch);
    free(s->rows_of);
    free(s->distance);
    free(s->norm);
}

static void seen_allocate(struct seen *s, const struct model *m)
{
    int rows = s->batch.rows, d = m->config->hidden;

    s->coeff = mat_new(m->dev, DT_F32, rows, m->config->ffn);
    s->own = mat_new(m->dev, DT_F32, d, rows);
    s->said = mat_new(m->dev, DT_F32, d, rows);
    s->out = mat_new(m->dev, DT_F32, d, rows);
    s->ones = mat_new(m->dev, DT_F32, 1, rows);
    device_fill(m->dev, s->ones, 1);
    s->rows_of = xcalloc((size_t)s->batch.seqs, sizeof(int));
    s->distance = xcalloc((size_t)s->batch.seqs, sizeof(double));
    s->norm = xcalloc((size_t)rows, sizeof(float));
    for (int q = 0; q < s->batch.seqs; q++)
        s->rows_of[q] = s->batch.seq[q].n;
}

/* Runs sequences up to the layer, and fills s, which the caller frees in any case. */
static bool seen_read(struct seen *s, const struct model_state *view, const int *const *ids,
                      const int *count, int seqs, int layer, struct job *job, struct err *err)
{
    const struct model *m = view->model;
    struct coeff_reading r = {m->dev, layer, {0}};
    struct tap tap = {coeff_read, &r};

    s->batch = batch_new(ids, count, NULL, seqs, 0);
    seen_allocate(s, m);
    r.coeff = s->coeff;
    return forward_until(view, &s->batch, layer, &tap, job, err);
}

/* D of each sequence with W' as it is; what W itself says does not change. */
static bool seen_distances(const struct wise *w, struct seen *s, struct err *err)
{
    const struct mat none = {0};
    struct mat norms = mat_new(w->dev, DT_F32, 1, s->coeff.rows);
    bool ok;

    side_sums(w->view->model, w->layer, w->side, s->coeff, s->ones, s->said);
    device_gated(w->dev, ACT_SILU, s->said, none, s->out);
    device_axpy(w->dev, -1, s->own, s->out);
    device_col_norms(w->dev, s->out, norms);
    device_fetch(w->dev, s->norm, norms, "layer %d: distances of the side matrix", w->layer);
    mat_free(w->dev, &norms);
    ok = device_sync(w->dev, err);
    for (int q = 0; ok && q < s->batch.seqs; q++) {
        const struct attn_seq *a = &s->batch.seq[q];

        s->distance[q] = 0;
        for (int i = 0; i < a->n; i++)
            s->distance[q] += (double)s->norm[a->q0 + i] / a->n;
    }
    return ok;
}

/* grad += the gradient of sum_q weight[q] D_q. After seen_distances(). */
static void seen_gradient(const struct wise *w, struct seen *s, const double *weight)
{
    const struct mat none = {0};
    struct mat scale = mat_new(w->dev, DT_F32, 1, s->coeff.rows);
    float *host = xcalloc((size_t)s->coeff.rows, sizeof(*host));

    for (int q = 0; q < s->batch.seqs; q++) {
        const struct attn_seq *a = &s->batch.seq[q];

        for (int i = a->q0; i < a->q0 + a->n; i++)
            host[i] = s->norm[i] > 0 ? (float)(weight[q] / a->n / (double)s->norm[i]) : 0;
    }
    device_upload(w->dev, scale, host);
    device_scale_cols(w->dev, s->out, scale, s->out);
    device_gated_grad(w->dev, ACT_SILU, s->said, none, s->out, s->said, none);
    device_gemm(w->dev, 1, s->said, false, s->coeff, false, 1, w->grad);
    mat_free(w->dev, &scale);
    free(host);
}

/* ---- the beginning ---- */

/* The neighbour's text: wise.loc_prompt, or the fact's own, or one of its own. Caller frees. */
static char *neighbour_text(const struct wise *w)
{
    const struct fact *f = &w->fact->fact;

    if (*params_text(w->p, P_WISE_LOC_PROMPT))
        return xstrdup(params_text(w->p, P_WISE_LOC_PROMPT));
    for (int i = 0; i < f->localities; i++)
        if (f->locality[i].answer && *f->locality[i].answer)
            return xasprintf("%s %s", f->locality[i].prompt, f->locality[i].answer);
    return xstrdup(stranger);
}

static bool neighbour_read(struct wise *w, struct job *job, struct err *err)
{
    char *text = neighbour_text(w);
    struct prompt_tokens tokens = {0};
    bool ok = prompt_tokens_of(&tokens, &w->fact->fact.wording, w->view->model, text, err);

    if (ok) {
        const int *ids = tokens.tokens.ids;
        int most = w->view->model->config->context, all = tokens.tokens.count;
        int count = all < most ? all : most; /* its beginning, in a model of few tokens */

        ok = seen_read(&w->neighbour, w->view, &ids, &count, 1, w->layer, job, err);
        prompt_tokens_free(&tokens);
    }
    free(text);
    return ok || err_in(err, "the neighbour (wise.loc_prompt)");
}

static bool wise_begin(struct wise *w, struct model_state *scratch, struct job *job,
                       struct err *err)
{
    const struct model *m = scratch->model;
    size_t n = (size_t)m->config->hidden * (size_t)m->config->ffn;
    struct tap tap = {coeff_read, NULL};
    struct coeff_reading r = {w->dev, w->layer, {0}};
    struct training_rule rule = {.forced = true};

    w->w = side_matrix(scratch, w->layer, &w->number, &w->threshold, err);
    w->base = w->w ? side_base(m, w->layer, err) : NULL;
    if (!w->base)
        return false;
    w->before = memcpy(xmalloc(n * sizeof(float)), w->w, n * sizeof(float));
    w->gradient = xmalloc(n * sizeof(float));
    w->element = side_elements((unsigned)w->p->value[P_SEED] + (unsigned)w->number,
                               w->p->value[P_WISE_SHARE], n, &w->count);
    w->view = state_copy(scratch, scratch->generation);
    side_forget(w->view, w->layer);
    w->side = state_writable(w->view, w->layer, MATRIX_DOWN);
    w->grad = mat_new(w->dev, DT_F32, w->side.rows, w->side.cols);
    w->base_w = mat_new(w->dev, DT_F32, w->side.rows, w->side.cols);
    device_upload(w->dev, w->base_w, w->base);
    device_upload(w->dev, w->side, w->w);
    w->row = training_rows_of(w->fact);
    if (!training_begin(&w->t, w->view, w->row, w->fact->rows, rule, w->layer, job, err))
        return false;
    w->g = mat_new(w->dev, DT_F32, w->t.pass.rows, w->side.rows);
    w->rows.batch = w->t.pass;
    seen_allocate(&w->rows, m);
    r.coeff = w->rows.coeff;
    tap.ctx = &r;
    if (!training_forward(&w->t, &tap, job, err) || !neighbour_read(w, job, err))
        return false;
    for (int k = 0; k < 2; k++) {
        struct seen *s = k ? &w->neighbour : &w->rows;

        side_sums(m, w->layer, w->base_w, s->coeff, s->ones, s->own);
        device_gated(w->dev, ACT_SILU, s->own, (struct mat){0}, s->own);
    }
    return device_sync(w->dev, err);
}

static void wise_free(struct wise *w)
{
    seen_free(&w->rows, w->dev, false);
    seen_free(&w->neighbour, w->dev, true);
    mat_free(w->dev, &w->g);
    mat_free(w->dev, &w->grad);
    mat_free(w->dev, &w->base_w);
    training_free(&w->t);
    state_free(w->view);
    free(w->row);
    free(w->element);
    free(w->w);
    free(w->before);
    free(w->base);
    free(w->gradient);
}

/* ---- steps ---- */

/* The hinges: their sum, and by how much each D counts in it. weight [rows + 1], the neighbour's
 * last. Means are over those that are above 0. */
static double hinges(const struct wise *w, double *weight)
{
    const struct params *p = w->p;
    int rows = w->rows.batch.seqs;
    double out = w->neighbour.distance[0], sum[2] = {0}, loss;
    int above[2] = {0};

    for (int b = 0; b < rows; b++) {
        double hinge[2] = {out - w->rows.distance[b] + p->value[P_WISE_GAMMA],
                           p->value[P_WISE_BETA] - w->rows.distance[b]};

        for (int k = 0; k < 2; k++)
            if (hinge[k] > 0) {
                sum[k] += hinge[k];
                above[k]++;
            }
    }
    for (int b = 0; b < rows; b++) {
        weight[b] = 0;
        if (out - w->rows.distance[b] + p->value[P_WISE_GAMMA] > 0)
            weight[b] -= 1.0 / above[0];
        if (p->value[P_WISE_BETA] - w->rows.distance[b] > 0)
            weight[b] -= 1.0 / above[1];
    }
    weight[rows] = (above[0] > 0) + (out > p->value[P_WISE_ALPHA]);
    loss = fmax(out - p->value[P_WISE_ALPHA], 0);
    for (int k = 0; k < 2; k++)
        loss += above[k] ? sum[k] / above[k] : 0;
    return loss;
}

/* grad = of the whole loss. */
static bool wise_gradient(struct wise *w, const double *weight, struct job *job, struct err *err)
{
    struct training *t = &w->t;

    training_head(t);
    for (int l = t->layers - 1; l > w->layer; l--) {
        if (job_cancelled(job, err))
            return false;
        training_block(t, l);
    }
    training_down_gradient(t, w->layer, w->g);
    device_gemm(w->dev, 1, w->g, true, w->rows.coeff, false, 0, w->grad);
    seen_gradient(w, &w->rows, weight);
    seen_gradient(w, &w->neighbour, weight + w->rows.batch.seqs);
    device_fetch(w->dev, w->gradient, w->grad, "layer %d: the side matrix's gradient", w->layer);
    return device_sync(w->dev, err);
}

static bool wise_move(struct wise *w, struct err *err)
{
    double lr = w->p->value[P_WISE_LR];

    for (int i = 0; i < w->count; i++) {
        int e = w->element[i];
        double to = (double)w->w[e] - lr * ((double)w->gradient[e] + decay * (double)w->w[e]);

        w->w[e] = (float)fmin(fmax(to, (double)w->base[e] - bound), (double)w->base[e] + bound);
    }
    device_upload(w->dev, w->side, w->w);
    return device_sync(w->dev, err);
}

static bool wise_steps(struct wise *w, const struct edit_context *ctx, struct job *job,
                       struct err *err)
{
    int steps = (int)w->p->value[P_WISE_STEPS], rows = w->rows.batch.seqs;
    double *weight = xcalloc((size_t)rows + 1, sizeof(*weight)), last = (double)INFINITY;
    bool ok = true, over = false;

    for (int step = 0; ok && !over && step < steps; step++) {
        struct target_step s = {.step = step};

        job_progress(job, "training a side matrix", step, steps);
        ok = training_losses(&w->t, NULL, &s, job, err) && seen_distances(w, &w->rows, err) &&
             seen_distances(w, &w->neighbour, err);
        if (!ok)
            break;
        w->near = 0;
        for (int b = 0; b < rows; b++)
            w->near += w->rows.distance[b] / rows;
        s.loss += hinges(w, weight);
        ok = isfinite(s.loss) ||
             err_set(err, ERR_FORMAT, "the loss is not finite at step %d; lower wise.lr (%g)", step,
                     w->p->value[P_WISE_LR]);
        if (ok && ctx->on_step)
            ctx->on_step(ctx->on_step_ctx, &s);
        over = fabs(s.loss - last) <= steady && s.loss <= enough;
        last = s.loss;
        ok = ok && (over || (wise_gradient(w, weight, job, err) && wise_move(w, err)));
    }
    free(weight);
    return ok;
}

/* ---- the end ---- */

static bool wise_store(struct wise *w, struct edit_result *out, struct model_state *scratch,
                       struct err *err)
{
    struct hook_data entry;
    float *change;

    if (!(w->near > 0))
        return err_set(err, ERR_USAGE,
                       "layer %d: the side matrix says the same as W: raise wise.lr or wise.share",
                       w->layer);
    change = xmalloc((size_t)w->count * sizeof(*change) + 1);
    for (int i = 0; i < w->count; i++)
        change[i] = w->w[w->element[i]] - w->before[w->element[i]];
    entry = side_entry(w->layer, w->number, (unsigned)w->p->value[P_SEED] + (unsigned)w->number,
                       w->p->value[P_WISE_SHARE], w->p->value[P_WISE_RATIO] * w->near, change,
                       w->count);
    free(change);
    return edit_add_hook(out, scratch, entry, err);
}

/* Asks the state with the edit in it how far the fact and its neighbour are, for users. */
static bool wise_report(const struct wise *w, struct edit_result *out,
                        const struct model_state *scratch, struct job *job, struct err *err)
{
    const int *ids[2] = {w->fact->row[0].id, w->neighbour.batch.id};
    int count[2] = {w->fact->row[0].count, w->neighbour.batch.rows};
    struct hook_route r[2];

    if (!state_routes(scratch, w->layer, ids, count, 2, r, job, err))
        return false;
    snprintf(out->beside, sizeof(out->beside),
             "side matrix at L%d from a distance of %.3g: the fact %.3g%s, another %.3g%s",
             w->layer, r[0].limit, r[0].value, r[0].routed ? "" : " (not routed)", r[1].value,
             r[1].routed ? " (routed)" : "");
    return true;
}

static bool wise_fact(struct edit_result *out, struct model_state *scratch,
                      const struct edit_context *ctx, const struct request *fact, struct job *job,
                      struct err *err)
{
    struct wise w = {.dev = scratch->model->dev,
                     .p = ctx->params,
                     .fact = fact,
                     .layer = ctx->layer[0],
                     .t.dev = scratch->model->dev};
    bool ok = wise_begin(&w, scratch, job, err) && wise_steps(&w, ctx, job, err) &&
              wise_store(&w, out, scratch, err) && wise_report(&w, out, scratch, job, err);

    wise_free(&w);
    return ok;
}

static bool wise_edit(struct edit_result *out, struct model_state *scratch,
                      struct edit_context *ctx, struct job *job, struct err *err)
{
    return edit_each_fact(out, scratch, ctx, wise_fact, job, err);
}

/* Layer 23 of the default model's 30. */
#define WISE_DEPTH (23.0 / 30)

extern const struct editor_ops editor_wise;
const struct editor_ops editor_wise = {
    .name = "wise",
    .title = "WISE",
    .paper = "Wang et al. 2024",
    .keeps = "a side matrix",
    .edit = wise_edit,
    .layer = P_WISE_LAYER,
    .depth = WISE_DEPTH,
};
