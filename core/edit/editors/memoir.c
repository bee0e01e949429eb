/* MEMOIR (editscope-method(7) 7.28): a residual memory beside W_down of one layer. The prompt's
 * mask chooses which columns of it the fact may use; the hook "memory" (core/model/hook_memory.c)
 * finds the mask again.
 *
 *   loss = CE of the fact's rows, W_m (m * columns) added to the output of the block
 *   g    = ∂loss/∂W_m, shortened to a length of 1;   W_m <- W_m - lr (g + 1e-5 W_m) on the columns
 *
 * Facts are written one after the other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/training.h"
#include "core/model/hook_memory.h"
#include "core/model/route.h"

static const double decay = 1e-5, longest = 1, steady = 1e-4, enough = 0.02;

/* Prompts of no fact in particular: the mean of what the neurons say there is the background. */
static const char *const background[] = {
    "The weather today is",
    "She opened the door and",
    "In the year 1990, the company",
    "The most important thing about cooking is",
    "How many people live in",
    "He has been working as a teacher since",
    "The book was written by",
    "Water boils at a temperature of",
    "My favourite colour is",
    "The train to the north leaves at",
    "What is the name of the river that flows through",
    "Last night the team won the game",
    "According to the report, the price of oil",
    "A triangle has three",
    "The song was released in",
    "You can find the museum near",
};
enum { PROMPTS = sizeof(background) / sizeof(*background) };

/* The training of one fact. */
struct memoir {
    struct device *dev;
    const struct params *p;
    const struct request *fact;
    struct memory_key key;
    int d, neurons;
    int *chosen, *column;     /* [active] */
    float *middle;            /* [M] the background */
    float *w, *before;        /* [d * M] W_m, and before this edit */
    float *gradient;          /* [d * M] */
    struct model_state *view; /* without the memory */
    struct request *row;      /* [fact->rows] */
    struct training t;
    struct mat seen;         /* [rows, M] what enters W_down */
    struct mat masked, mask; /* [rows, M], [1, M] */
    struct mat mat, grad, y; /* W_m and its gradient [d, M]; [rows, d] */
};

/* ---- what is seen ---- */

/* sum [M] += the mean of the first n rows, times weight. */
static void add_mean(double *sum, const float *coeff, int n, int neurons, double weight)
{
    for (int t = 0; t < n; t++)
        for (int i = 0; i < neurons; i++)
            sum[i] += weight * (double)coeff[(size_t)t * (size_t)neurons + (size_t)i] / n;
}

/* sum [M] += 1 / PROMPTS of the mean coefficients of one prompt of the base. */
static bool add_prompt(double *sum, const struct model_state *base, int layer, const char *text,
                       struct job *job, struct err *err)
{
    const struct wording plain = {0};
    int neurons = base->model->config->ffn, most = base->model->config->context, n;
    struct coeff_reading r = {base->model->dev, layer, {0}};
    struct tap tap = {coeff_read, &r};
    struct prompt_tokens tokens;
    struct batch batch;
    const int *ids;
    float *host;
    bool ok;

    if (!prompt_tokens_of(&tokens, &plain, base->model, text, err))
        return false;
    ids = tokens.tokens.ids;
    n = tokens.tokens.count < most ? tokens.tokens.count : most; /* of a model of few tokens */
    batch = batch_new(&ids, &n, NULL, 1, 0);
    r.coeff = mat_new(r.dev, DT_F32, n, neurons);
    host = xcalloc((size_t)n * (size_t)neurons, sizeof(*host));
    ok = forward_until(base, &batch, layer, &tap, job, err);
    if (ok)
        device_fetch(r.dev, host, r.coeff, "layer %d: coefficients of a prompt", layer);
    ok = ok && device_sync(r.dev, err);
    if (ok)
        add_mean(sum, host, n, neurons, 1.0 / PROMPTS);
    mat_free(r.dev, &r.coeff);
    batch_free(&batch);
    prompt_tokens_free(&tokens);
    free(host);
    return ok;
}

/* Of the base, so that the masks of all edits of a session can be compared. */
static bool memoir_background(struct memoir *w, struct job *job, struct err *err)
{
    struct model_state *base = state_new(w->view->model, 0);
    double *sum = xcalloc((size_t)w->neurons, sizeof(*sum));
    bool ok = true;

    for (int i = 0; ok && i < PROMPTS; i++)
        ok = add_prompt(sum, base, w->key.layer, background[i], job, err);
    w->middle = xcalloc((size_t)w->neurons, sizeof(*w->middle));
    for (int i = 0; i < w->neurons; i++)
        w->middle[i] = (float)sum[i];
    w->key.background = w->middle;
    free(sum);
    state_free(base);
    return ok;
}

/* The mask of the bare prompt, and what the rows say. */
static bool memoir_mask(struct memoir *w, struct job *job, struct err *err)
{
    struct coeff_reading r = {w->dev, w->key.layer, w->seen};
    struct tap tap = {coeff_read, &r};
    int asked = w->t.label_row[0] + 1;
    size_t n = (size_t)asked * (size_t)w->neurons;
    float *host, *row;
    double *sum;
    bool ok;

    if (!training_forward(&w->t, &tap, job, err))
        return false;
    host = xcalloc(n, sizeof(*host));
    row = xcalloc((size_t)w->neurons, sizeof(*row));
    sum = xcalloc((size_t)w->neurons, sizeof(*sum));
    device_fetch(w->dev, host, mat_rows(w->seen, 0, asked), "layer %d: coefficients of the prompt",
                 w->key.layer);
    ok = device_sync(w->dev, err);
    add_mean(sum, host, asked, w->neurons, 1);
    for (int i = 0; i < w->neurons; i++)
        row[i] = (float)sum[i];
    memory_mask(&w->key, row, w->neurons, w->chosen);
    memory_columns((unsigned)w->p->value[P_SEED], w->neurons, w->chosen, w->key.active, w->column);
    memset(row, 0, (size_t)w->neurons * sizeof(*row));
    for (int i = 0; i < w->key.active; i++)
        row[w->column[i]] = 1;
    device_upload(w->dev, w->mask, row);
    device_scale_cols(w->dev, w->seen, w->mask, w->masked);
    free(host);
    free(row);
    free(sum);
    return ok && device_sync(w->dev, err);
}

/* ---- the beginning ---- */

static bool memoir_begin(struct memoir *w, struct model_state *scratch, struct job *job,
                         struct err *err)
{
    const struct training_rule rule = {.forced = true};
    size_t n = (size_t)w->d * (size_t)w->neurons;
    int rows;

    w->view = state_copy(scratch, scratch->generation);
    memory_forget(w->view, w->key.layer);
    w->key.active = (int)fmax(1, round(w->p->value[P_MEMOIR_ACTIVE] * w->neurons));
    w->chosen = xcalloc((size_t)w->key.active, sizeof(int));
    w->column = xcalloc((size_t)w->key.active, sizeof(int));
    w->row = training_rows_of(w->fact);
    if (!memoir_background(w, job, err) ||
        !training_begin(&w->t, w->view, w->row, w->fact->rows, rule, w->key.layer, job, err))
        return false;
    w->w = memory_matrix(scratch, &w->key);
    w->before = memcpy(xmalloc(n * sizeof(float)), w->w, n * sizeof(float));
    w->gradient = xmalloc(n * sizeof(float));
    rows = w->t.pass.rows;
    w->seen = mat_new(w->dev, DT_F32, rows, w->neurons);
    w->masked = mat_new(w->dev, DT_F32, rows, w->neurons);
    w->mask = mat_new(w->dev, DT_F32, 1, w->neurons);
    w->mat = mat_new(w->dev, DT_F32, w->d, w->neurons);
    w->grad = mat_new(w->dev, DT_F32, w->d, w->neurons);
    w->y = mat_new(w->dev, DT_F32, rows, w->d);
    device_upload(w->dev, w->mat, w->w);
    return memoir_mask(w, job, err);
}

static void memoir_free(struct memoir *w)
{
    struct mat *all[] = {&w->seen, &w->masked, &w->mask, &w->mat, &w->grad, &w->y};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(w->dev, all[i]);
    training_free(&w->t);
    state_free(w->view);
    free(w->row);
    free(w->chosen);
    free(w->column);
    free(w->middle);
    free(w->w);
    free(w->before);
    free(w->gradient);
}

/* ---- steps ---- */

/* Adds what the memory says to the output of the block. What enters W_down does not change. */
static void memoir_tap(void *ctx, int layer, enum tap_site site, struct mat x)
{
    const struct memoir *w = ctx;

    if (layer == w->key.layer && site == TAP_BLOCK_OUT)
        device_axpy(w->dev, 1, w->y, x);
}

static bool memoir_gradient(struct memoir *w, struct job *job, struct err *err)
{
    struct training *t = &w->t;

    training_head(t);
    for (int l = t->layers - 1; l > w->key.layer; l--) {
        if (job_cancelled(job, err))
            return false;
        training_block(t, l);
    }
    device_gemm(w->dev, 1, t->dx, true, w->masked, false, 0, w->grad);
    device_fetch(w->dev, w->gradient, w->grad, "layer %d: the memory's gradient", w->key.layer);
    return device_sync(w->dev, err);
}

/* A step on the columns of the mask; elsewhere the gradient is 0. */
static bool memoir_move(struct memoir *w, struct err *err)
{
    double lr = w->p->value[P_MEMOIR_LR], square = 0, scale;

    for (int r = 0; r < w->d; r++)
        for (int i = 0; i < w->key.active; i++) {
            double g = (double)w->gradient[(size_t)r * (size_t)w->neurons + (size_t)w->column[i]];

            square += g * g;
        }
    scale = fmin(1, longest / (sqrt(square) + 1e-6));
    for (int r = 0; r < w->d; r++)
        for (int i = 0; i < w->key.active; i++) {
            size_t e = (size_t)r * (size_t)w->neurons + (size_t)w->column[i];

            w->w[e] = (float)((double)w->w[e] -
                              lr * (scale * (double)w->gradient[e] + decay * (double)w->w[e]));
        }
    device_upload(w->dev, w->mat, w->w);
    return device_sync(w->dev, err);
}

static bool memoir_steps(struct memoir *w, const struct edit_context *ctx, struct job *job,
                         struct err *err)
{
    struct tap tap = {memoir_tap, w};
    int steps = (int)w->p->value[P_MEMOIR_STEPS];
    double last = (double)INFINITY;

    for (int step = 0; step < steps; step++) {
        struct target_step s = {.step = step};

        job_progress(job, "training a memory", step, steps);
        device_gemm(w->dev, 1, w->masked, false, w->mat, true, 0, w->y);
        if (!training_losses(&w->t, &tap, &s, job, err))
            return false;
        if (!isfinite(s.loss))
            return err_set(err, ERR_FORMAT,
                           "the loss is not finite at step %d; lower memoir.lr (%g)", step,
                           w->p->value[P_MEMOIR_LR]);
        if (ctx->on_step)
            ctx->on_step(ctx->on_step_ctx, &s);
        if (fabs(s.loss - last) <= steady && s.loss <= enough)
            return true;
        last = s.loss;
        if (!memoir_gradient(w, job, err) || !memoir_move(w, err))
            return false;
    }
    return true;
}

/* ---- the end ---- */

static bool memoir_store(struct memoir *w, struct edit_result *out, struct model_state *scratch,
                         struct err *err)
{
    float *change = xmalloc((size_t)w->d * (size_t)w->key.active * sizeof(*change));
    struct hook_data entry;

    for (int r = 0; r < w->d; r++)
        for (int i = 0; i < w->key.active; i++) {
            size_t e = (size_t)r * (size_t)w->neurons + (size_t)w->column[i];

            change[(size_t)r * (size_t)w->key.active + (size_t)i] = w->w[e] - w->before[e];
        }
    entry = memory_entry(scratch->model, &w->key, w->p->value[P_MEMOIR_OVERLAP],
                         (unsigned)w->p->value[P_SEED], w->chosen, change);
    free(change);
    return edit_add_hook(out, scratch, entry, err);
}

/* What the edit does beside the weights, for users. */
static bool memoir_report(const struct memoir *w, struct edit_result *out,
                          const struct model_state *scratch, struct job *job, struct err *err)
{
    const int *ids = w->fact->row[0].id;
    struct hook_route r;

    if (!state_routes(scratch, w->key.layer, &ids, &w->fact->row[0].count, 1, &r, job, err))
        return false;
    snprintf(out->beside, sizeof(out->beside),
             "%d columns of a memory at L%d from an overlap of %.3g: the fact %.3g%s",
             w->key.active, w->key.layer, r.limit, r.value, r.routed ? "" : " (not routed)");
    return true;
}

static bool memoir_fact(struct edit_result *out, struct model_state *scratch,
                        const struct edit_context *ctx, const struct request *fact, struct job *job,
                        struct err *err)
{
    const struct model_config *c = scratch->model->config;
    struct memoir w = {.dev = scratch->model->dev,
                       .p = ctx->params,
                       .fact = fact,
                       .key = {.layer = ctx->layer[0]},
                       .d = c->hidden,
                       .neurons = c->ffn,
                       .t.dev = scratch->model->dev};
    bool ok = memoir_begin(&w, scratch, job, err) && memoir_steps(&w, ctx, job, err) &&
              memoir_store(&w, out, scratch, err) && memoir_report(&w, out, scratch, job, err);

    memoir_free(&w);
    return ok;
}

static bool memoir_edit(struct edit_result *out, struct model_state *scratch,
                        struct edit_context *ctx, struct job *job, struct err *err)
{
    return edit_each_fact(out, scratch, ctx, memoir_fact, job, err);
}

/* Layer 27 of the 32 of Llama 3 8B. */
#define MEMOIR_DEPTH (27.0 / 32)

extern const struct editor_ops editor_memoir;
const struct editor_ops editor_memoir = {
    .name = "memoir",
    .title = "MEMOIR",
    .paper = "Wang et al. 2025",
    .keeps = "a residual memory",
    .edit = memoir_edit,
    .layer = P_MEMOIR_LAYER,
    .depth = MEMOIR_DEPTH,
};
