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
 * Most of a forward pass does not depend on delta, and is done once by target_start.c: blocks 0 to
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
#include "core/edit/target_internal.h"

static const struct target_rule of_block = {.clamp = P_EDIT_V_CLAMP, .wd = P_EDIT_V_WD};

/* The losses of a step, to the host (editscope-method(7) 5.2). */
static bool read_losses(struct target_search *s, const struct params *p, struct target_step *t,
                        struct err *err)
{
    struct device *dev = s->dev;
    double wd = p->value[s->rule->wd];
    int labels = s->rows * s->targets;
    float kl = 0;

    device_download(dev, s->hloss, s->losses);
    device_download(dev, &kl, s->kloss);
    for (int i = 0; i < s->moves; i++)
        device_download(dev, s->move[i].moved, s->move[i].delta);
    if (!device_sync(dev, err))
        return false;
    for (int i = 0; i < s->rows; i++) {
        double row = 0;

        for (int j = 0; j < s->targets; j++)
            row += (double)s->hloss[i * s->targets + j];
        t->nll += (double)s->nll_factor * row / labels;
        t->p_target += exp(-row) / s->rows;
    }
    for (int i = 0; i < s->moves; i++) {
        const struct target_move *v = &s->move[i];
        double square = 0;

        for (int j = 0; j < s->hidden; j++)
            square += (double)v->moved[j] * (double)v->moved[j];
        t->wd += wd * (v->adam.square ? square : sqrt(square)) / v->h2;
        if (!i)
            t->delta_norm = sqrt(square);
    }
    t->kl = p->value[P_EDIT_V_KL] * (double)kl;
    t->loss = t->nll + t->kl + t->wd;
    if (!isfinite(t->loss))
        return err_set(err, ERR_FORMAT,
                       "the optimisation's loss is not finite at step %d; lower edit.v_lr (%g)",
                       t->step, (double)s->move[0].adam.lr);
    return true;
}

/* edit.v_lr = auto and edit.v_clamp = auto (editscope-method(7) 5.5). */
static const double first_clamp = 0.75, last_clamp = 6;  /* in units of |h0| */
static const double first_share = 0.1, last_share = 0.4; /* of the clamp that delta moves a step */
static const double likely = 0.5, sure = 0.9; /* p(new object): the step, the clamp grow */
enum { SHARE_STEPS = 5, CLAMP_STEPS = 6 };    /* after so many steps below it */
static const double learned = 0.1; /* of edit.v_stop: the object's part of the loss is that small */

/* How the automatic step and clamp stand. */
struct pace {
    double share;
    int stuck; /* steps in a row with delta on its clamp */
};

/* The step that the device recorded has numbers that have changed. */
static void graph_outdated(struct target_search *s)
{
    device_graph_free(s->dev, s->graph);
    s->graph = NULL;
}

/* Adam moves each of d coordinates by about the rate, and so delta by rate sqrt(d) a step. */
static void pace_set(struct target_search *s, struct target *out, const struct params *p,
                     double share, double clamp)
{
    out->clamp = clamp;
    for (int i = 0; i < s->moves; i++) {
        struct target_move *v = &s->move[i];
        double rate = p->value[P_EDIT_V_LR];

        if (param_is_auto(p, P_EDIT_V_LR))
            rate = share * clamp * sqrt(v->h2) / sqrt(s->hidden);
        v->adam.lr = (float)rate;
        v->adam.max_norm = (float)(clamp * sqrt(v->h2));
        if (!i)
            out->rate = rate;
    }
    graph_outdated(s);
}

/* After a step: larger steps where the object is not likely yet, and a wider clamp where delta has
 * been on it for a while. */
static void pace_change(struct target_search *s, struct target *out, const struct params *p,
                        struct pace *pace)
{
    const struct target_step *t = &out->trace[out->steps - 1];
    double clamp = out->clamp, share = pace->share;
    bool on_clamp = t->delta_norm > 0.99 * (double)s->move[0].adam.max_norm;

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

/* The KL of the loss below which PMET stops, and what the labels count once all are said. */
static const double small_kl = 0.01;
static const float said_factor = 0.1F;

/* Whether the rule ends the steps here; or how much the labels count in the next one. */
static bool stop_asked(struct target_search *s, const struct params *p, const struct target_step *t,
                       bool *stop, struct err *err)
{
    bool said, prefixed = s->rule->stop == STOP_BY_COUNT && s->rows > 1;
    float factor;

    *stop = false;
    if (s->rule->stop == STOP_BY_LOSS)
        return true;
    if (!target_labels_said(s, prefixed, &said, err))
        return false;
    if (s->rule->stop == STOP_BY_COUNT) {
        s->said += said;
        *stop = s->said >= p->value[s->rule->count];
        return true;
    }
    *stop = said && t->kl <= small_kl;
    factor = said ? said_factor : 1;
    if (factor < s->nll_factor || factor > s->nll_factor) {
        s->nll_factor = factor;
        graph_outdated(s);
    }
    return true;
}

/* By the loss; with an automatic step also once the object is learned. What is left then is KL and
 * decay, which half of all steps lower by a few hundredths. */
static bool search_over(const struct target_search *s, const struct params *p,
                        const struct target_step *t)
{
    double stop = p->value[P_EDIT_V_STOP];

    return t->loss < stop || (s->rule->stop == STOP_BY_LOSS && param_is_auto(p, P_EDIT_V_LR) &&
                              t->nll < learned * stop);
}

/* What does not change from step to step. */
static void adam_begin(struct target_move *v, const struct target_rule *rule,
                       const struct params *p)
{
    v->adam = adam_of(v->delta, v->m, v->v, v->adam_steps, 0); /* the rate follows */
    v->adam.decay = p->value[rule->wd] / v->h2;
    v->adam.square = p->value[P_EDIT_WD_POWER] > 1.5;
}

/* All steps. out->trace has one entry a step; delta ends where it was evaluated last. */
static bool search_iterate(struct target_search *s, struct target *out, const struct params *p,
                           void (*on_step)(void *, const struct target_step *), void *ctx,
                           struct job *job, struct err *err)
{
    int steps = (int)p->value[P_EDIT_V_STEPS];
    bool widen = param_is_auto(p, s->rule->clamp), stop = false;
    struct pace pace = {first_share, 0};

    out->h0_norm = sqrt(s->move[0].h2);
    out->trace = xcalloc((size_t)steps, sizeof(*out->trace));
    s->kl_factor = (float)p->value[P_EDIT_V_KL];
    s->nll_factor = 1;
    for (int i = 0; i < s->moves; i++)
        adam_begin(&s->move[i], s->rule, p);
    pace_set(s, out, p, first_share, widen ? first_clamp : p->value[s->rule->clamp]);
    for (int it = 0; it < steps && !stop; it++) {
        struct target_step *t = &out->trace[it];

        t->step = it;
        if (!(it ? target_advance(s, it, job, err) : target_first_losses(s, job, err)) ||
            !read_losses(s, p, t, err))
            return false;
        out->steps = it + 1;
        if (on_step)
            on_step(ctx, t);
        if (search_over(s, p, t))
            break;
        pace_change(s, out, p, &pace);
        if (!stop_asked(s, p, t, &stop, err))
            return false;
    }
    return true;
}

/* [d] where a vector ends. Caller frees. */
static float *move_end(const struct target_move *v, int hidden, double *length)
{
    float *end = xmalloc((size_t)hidden * sizeof(float));
    double square = 0;

    for (int j = 0; j < hidden; j++) {
        end[j] = v->start[j] + v->moved[j];
        square += (double)end[j] * (double)end[j];
    }
    *length = sqrt(square);
    return end;
}

/* NAS leaves a fact alone whose target asks the FFN for more than so many times the anchor. */
static const double most_anchors = 2;

/* out->v_norm, and edit.v_anchor: z such that what the FFN adds to make it has that length. */
static bool anchor_target(const struct target_search *s, struct target *out, const struct params *p,
                          struct err *err)
{
    double anchor = p->value[P_EDIT_V_ANCHOR], square = 0;

    for (int j = 0; j < s->hidden; j++) {
        double v = (double)s->ffn[j] + (double)s->move[0].moved[j];

        square += v * v;
    }
    out->v_norm = sqrt(square);
    if (anchor <= 0)
        return true;
    if (out->v_norm > most_anchors * anchor)
        return err_set(err, ERR_USAGE,
                       "layer %d: the target asks the FFN for a vector of length %.4g, more than "
                       "%g times edit.v_anchor (%g); such a fact is not written",
                       s->layer, out->v_norm, most_anchors, anchor);
    square = 0;
    for (int j = 0; j < s->hidden; j++) {
        double v = (double)s->ffn[j] + (double)s->move[0].moved[j];

        out->z[j] += (float)(v * (anchor / out->v_norm - 1));
        square += (double)out->z[j] * (double)out->z[j];
    }
    out->z_norm = sqrt(square);
    return true;
}

bool target_optimise(struct target *out, const struct model_state *view,
                     const struct request *request, int layer, const struct target_rule *rule,
                     const struct params *p, void (*step)(void *ctx, const struct target_step *s),
                     void *ctx, struct job *job, struct err *err)
{
    const struct model *m = view->model;
    int loss_layer = (int)p->value[P_EDIT_V_LOSS_LAYER], last = m->config->layers - 1;
    struct target_search s = {.view = view,
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
    ok = target_search_begin(&s, job, err) && search_iterate(&s, out, p, step, ctx, job, err);
    if (ok) {
        double length;

        out->z = move_end(&s.move[0], s.hidden, &out->z_norm);
        if (s.moves > 1)
            out->attention = move_end(&s.move[1], s.hidden, &length);
        ok = anchor_target(&s, out, p, err);
    }
    if (!ok)
        target_free(out);
    target_search_free(&s);
    return ok;
}

void target_free(struct target *t)
{
    free(t->z);
    free(t->attention);
    free(t->trace);
    *t = (struct target){0};
}
