/* GRACE (editscope-method(7) 7.18): a codebook beside the weights. The key is what the neurons of
 * one layer say at the prompt's last token, the value what the FFN adds there instead; the hook
 * "codebook" (core/model/hook_codebook.c) finds the key again.
 *
 *   V = the FFN's own output, or the value that the same object has there already
 *   steps times:  V <- Adam(V, d loss / d V)        loss = mean -log p(token_j | tokens before j)
 *
 * Facts are written one after the other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"
#include "core/edit/training.h"
#include "core/model/hook_codebook.h"

/* The training of one value. */
struct grace {
    struct training t;
    struct device *dev;
    const struct params *p;
    int layer, row;      /* of the prompt's last token */
    bool trains;         /* the value is in the pass; else the pass only shows the key */
    struct mat h, value; /* [1, d] */
    struct mat coeff;    /* [1, M] */
    struct mat m, v, adam_steps;
    float *key, *host_value; /* [M], [d] */
};

static void grace_free(struct grace *g)
{
    struct mat *all[] = {&g->h, &g->value, &g->coeff, &g->m, &g->v, &g->adam_steps};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(g->dev, all[i]);
    training_free(&g->t);
    free(g->key);
    free(g->host_value);
}

static void grace_tap(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct grace *g = ctx;
    struct mat row;

    if (layer != g->layer || site == TAP_BLOCK_IN)
        return;
    row = mat_rows(x, g->row, 1);
    if (site == TAP_FFN_IN) {
        device_copy(g->dev, row, g->h);
    } else if (site == TAP_COEFF) {
        device_copy(g->dev, row, g->coeff);
    } else if (g->trains) {
        device_copy(g->dev, g->h, row);
        device_axpy(g->dev, 1, g->value, row);
    }
}

/* What the FFN adds by its weights alone, whatever a codebook says. */
static void own_output(struct grace *g)
{
    const struct norm post = g->t.view->model->block[g->layer].post_ffn_norm;

    forward_ffn_sum(g->t.view, g->layer, g->coeff, g->value);
    if (post.gain.data)
        device_norm(g->dev, g->value, post, g->value);
}

/* Memory, and the key. */
static bool grace_begin(struct grace *g, struct model_state *scratch, const struct request *r,
                        struct job *job, struct err *err)
{
    const struct model_config *c = scratch->model->config;
    struct tap tap = {grace_tap, g};

    if (!training_begin(&g->t, scratch, r, 1, (struct training_rule){.forced = true}, g->layer, job,
                        err))
        return false;
    g->row = g->t.label_row[0];
    g->h = mat_new(g->dev, DT_F32, 1, c->hidden);
    g->value = mat_new(g->dev, DT_F32, 1, c->hidden);
    g->m = mat_new(g->dev, DT_F32, 1, c->hidden);
    g->v = mat_new(g->dev, DT_F32, 1, c->hidden);
    g->coeff = mat_new(g->dev, DT_F32, 1, c->ffn);
    g->adam_steps = mat_new(g->dev, DT_F64, 1, 1);
    g->key = xcalloc((size_t)c->ffn, sizeof(float));
    g->host_value = xcalloc((size_t)c->hidden, sizeof(float));
    if (!training_forward(&g->t, &tap, job, err))
        return false;
    own_output(g);
    device_fetch(g->dev, g->key, g->coeff, "layer %d: the key (a column a neuron)", g->layer);
    return device_sync(g->dev, err);
}

static bool grace_steps(struct grace *g, const struct edit_context *ctx, struct job *job,
                        struct err *err)
{
    int steps = (int)g->p->value[P_GRACE_STEPS];
    struct tap tap = {grace_tap, g};
    struct adam adam = adam_of(g->value, g->m, g->v, g->adam_steps, g->p->value[P_GRACE_LR]);

    g->trains = true;
    for (int step = 0; step < steps; step++) {
        struct target_step s = {.step = step};

        job_progress(job, "training a value", step, steps);
        if (!training_losses(&g->t, &tap, &s, job, err))
            return false;
        if (!isfinite(s.loss))
            return err_set(err, ERR_FORMAT,
                           "the loss is not finite at step %d; lower grace.lr (%g)", step,
                           g->p->value[P_GRACE_LR]);
        if (ctx->on_step)
            ctx->on_step(ctx->on_step_ctx, &s);
        training_head(&g->t);
        for (int l = g->t.layers - 1; l > g->layer; l--) {
            if (job_cancelled(job, err))
                return false;
            training_block(&g->t, l);
        }
        device_adam(g->dev, mat_rows(g->t.dx, g->row, 1), adam);
    }
    device_fetch(g->dev, g->host_value, g->value, "layer %d: the value", g->layer);
    return device_sync(g->dev, err);
}

/* What the edit does beside the weights, for users. near NULL: it is the first key; same: that key
 * has the same object. */
static void grace_words(const struct grace *g, const struct codebook_match *near, bool same,
                        char *out, size_t size)
{
    double radius = g->p->value[P_GRACE_EPS];

    if (!near)
        snprintf(out, size, "the first key at L%d, radius %.3g", g->layer, radius);
    else if (near->distance > radius + near->radius)
        snprintf(out, size, "a key at L%d, radius %.3g; the nearest other is %.3g away", g->layer,
                 radius, near->distance);
    else if (same)
        snprintf(out, size, "a new value for the key of L%d that is %.3g away", g->layer,
                 near->distance);
    else
        snprintf(out, size,
                 "a key at L%d, radius %.3g: the nearest other, of another object, is %.3g away",
                 g->layer, near->distance / 2, near->distance);
}

/* Trains one value and adds it to the scratch state. */
static bool grace_fact(struct edit_result *out, struct model_state *scratch,
                       const struct edit_context *ctx, const struct request *r, struct job *job,
                       struct err *err)
{
    struct grace g = {.dev = scratch->model->dev, .p = ctx->params, .layer = ctx->layer[0]};
    double radius = ctx->params->value[P_GRACE_EPS];
    struct codebook_match near;
    bool ok = grace_begin(&g, scratch, r, job, err);

    if (ok) {
        bool any = codebook_nearest(scratch, g.layer, g.key, &near);
        bool same = any && near.labels == r->targets &&
                    !memcmp(near.label, r->target, (size_t)r->targets * sizeof(int));

        grace_words(&g, any ? &near : NULL, same, out->beside, sizeof(out->beside));
        if (same && near.distance <= near.radius)
            device_upload(g.dev, g.value, near.value);
    }
    ok = ok && grace_steps(&g, ctx, job, err);
    ok = ok && edit_add_hook(out, scratch,
                             codebook_entry(scratch->model, g.layer, radius, r->target, r->targets,
                                            g.key, g.host_value),
                             err);
    grace_free(&g);
    return ok;
}

static bool grace_edit(struct edit_result *out, struct model_state *scratch,
                       struct edit_context *ctx, struct job *job, struct err *err)
{
    return edit_each_fact(out, scratch, ctx, grace_fact, job, err);
}

/* Layer 27 of the 32 of Llama 3 8B in EasyEdit's settings. */
#define GRACE_DEPTH (27.0 / 32)

extern const struct editor_ops editor_grace;
const struct editor_ops editor_grace = {
    .name = "grace",
    .title = "GRACE",
    .paper = "Hartvigsen et al. 2023",
    .keeps = "a codebook",
    .edit = grace_edit,
    .layer = P_GRACE_LAYER,
    .depth = GRACE_DEPTH,
};
