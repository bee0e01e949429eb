/* Benchmarks of one model: attribution in every precision compared with the product U alone, the
 * masks of each precision compared with those of float32, a whole edit, second moments, and the
 * memory used. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/edit/editor.h"
#include "core/edit/gpu_memory.h"
#include "core/edit/moments_text.h"
#include "tests/gpu/bench.h"

#define NULL_SHARE 0.7 /* of the directions are null: the default of edit.null_frac */

enum { MOST_LAYERS = 64, MOST_REQUESTS = 8 };

struct journey {
    struct bench *b;
    struct model *model;
    struct model_state *view;
    const struct request *request;
    int requests;
    struct params params;
    int layer[PARAM_MAX_LAYERS], layers;
    const char *part;
    size_t weights, free0, least; /* bytes: of the weights; free after loading; least seen free */
};

/* What is free now, if less than ever. Devices without memory of their own count what they gave. */
static void look_at_memory(struct journey *j)
{
    size_t now = !strcmp(j->b->dev->ops->name, "cuda") ? device_free_memory(j->b->dev)
                                                       : SIZE_MAX / 2 - j->b->dev->in_use;

    j->least = now < j->least ? now : j->least;
}

/* --- attribution ------------------------------------------------------------------ */

/* layer[j->layers] of request r's attributions; NULL after a fault. */
static bool attribute(struct journey *j, int r, struct attribution **layer)
{
    struct attribute_run *run =
        attribute_begin(j->view, &j->request[r], 1, &j->params, 1, NULL, &j->b->err);
    bool ok = run != NULL;

    for (int i = 0; i < j->layers; i++) {
        layer[i] = ok ? attribute_layer(run, j->layer[i], false, NULL, &j->b->err) : NULL;
        ok = layer[i] != NULL;
        look_at_memory(j);
    }
    attribute_end(run);
    return ok;
}

static void drop(struct attribution **layer, int n)
{
    for (int i = 0; i < n; i++) {
        if (layer[i])
            attribution_unref(layer[i]);
        layer[i] = NULL;
    }
}

/* Seconds of U alone for all edited layers, by the library, at this precision. */
static double bare(const struct journey *j, enum precision p)
{
    const struct model_config *c = j->model->config;
    double flops = 2.0 * c->vocab * c->ffn * c->hidden * j->layers;
    const double *rate = j->b->u_rate;

    if (p == PRECISION_BF16)
        return flops / rate[RATE_STORED_BF16];
    if (p == PRECISION_SPLIT) /* three products of bfloat16 terms */
        return 3 * flops / rate[RATE_STORED_BF16];
    return flops / rate[p];
}

struct agreement {
    long neurons, same, both, either; /* neurons with the same class; kept by both, by either */
    double worst;                     /* score, relative to the layer's largest */
};

static void compare(struct agreement *a, const struct attribution *want,
                    const struct attribution *got, const struct params *p)
{
    struct mask *x = mask_build(want, p), *y = mask_build(got, p);
    double gap = 0, most = 0;

    for (int i = 0; i < want->rows * want->neurons; i++) {
        gap = fmax(gap, fabs((double)want->score[i] - (double)got->score[i]));
        most = fmax(most, fabs((double)want->score[i]));
    }
    a->worst = fmax(a->worst, most > 0 ? gap / most : 0);
    for (int i = 0; i < want->neurons; i++) {
        bool kx = x->weight[i] > 0, ky = y->weight[i] > 0;

        a->same += x->class_bits[i] == y->class_bits[i];
        a->both += kx && ky;
        a->either += kx || ky;
    }
    a->neurons += want->neurons;
    mask_free(x);
    mask_free(y);
}

/* The scores of all requests, in float32, to hold the others against. */
static bool reference(struct journey *j, struct attribution **want)
{
    bool ok = true;

    j->b->dev->precision = PRECISION_FULL;
    for (int r = 0; ok && r < j->requests; r++)
        ok = attribute(j, r, want + r * j->layers);
    return ok;
}

static void judge(struct journey *j, enum precision p, bool fused, struct attribution **want,
                  double seconds)
{
    struct agreement a = {0};
    struct attribution *got[MOST_LAYERS] = {NULL};
    double share, kept, floor = bare(j, p);
    json_t *verdicts = json_object_get(j->b->json, "precisions");

    for (int r = 0; r < j->requests; r++) {
        if (attribute(j, r, got))
            for (int i = 0; i < j->layers; i++)
                compare(&a, want[r * j->layers + i], got[i], &j->params);
        drop(got, j->layers);
    }
    share = a.neurons ? (double)a.same / (double)a.neurons : 0;
    kept = a.either ? (double)a.both / (double)a.either : 1;
    json_array_append_new(verdicts,
                          json_pack("{s:s, s:s, s:b, s:f, s:f, s:f, s:f, s:f}", "model", j->part,
                                    "precision", precision_names[p], "fused", fused, "seconds",
                                    seconds, "bare_u", floor, "same_class", share, "same_kept",
                                    kept, "worst_score", a.worst));
}

/* All edited layers in one precision and one way, timed and judged. */
static void attribution(struct journey *j, enum precision p, bool fused, struct attribution **want)
{
    const struct model_config *c = j->model->config;
    struct attribution *got[MOST_LAYERS] = {NULL};
    double u = 2.0 * c->vocab * c->ffn * c->hidden * j->layers, seconds[64], first = 0;
    struct line *l;

    for (int i = -1; i < j->b->repeats; i++) {
        double start = clock_seconds();

        attribute(j, 0, got);
        *(i < 0 ? &first : &seconds[i]) = clock_seconds() - start;
        drop(got, j->layers);
    }
    l = bench_note(
        j->b, j->part,
        bench_shape("attribution, %d layers, %s%s", j->layers, precision_names[p],
                    fused ? ", fused" : ""),
        bench_shape("%dx%dx%d, %d rows", c->vocab, c->ffn, c->hidden, j->request->scored_count),
        (struct cost){u, 0, (enum rate)p}, first, seconds, j->b->repeats);
    l->floor = bare(j, p);
    snprintf(l->note, sizeof(l->note), "floor: U alone by the library");
    judge(j, p, fused, want, l->far);
}

static void attributions(struct journey *j)
{
    bool cuda = !strcmp(j->b->dev->ops->name, "cuda");
    struct attribution *want[MOST_REQUESTS * MOST_LAYERS] = {NULL};

    if (reference(j, want))
        for (int p = 0; p < (cuda ? PRECISION_COUNT : 1); p++)
            for (int fused = 0; fused < 2 && !j->b->err.kind; fused++) {
                j->b->dev->precision = (enum precision)p;
                if (bench_fuse(j->b, (enum precision)p, fused))
                    attribution(j, (enum precision)p, fused, want);
            }
    bench_fuse(j->b, PRECISION_FULL, false);
    j->b->dev->precision = PRECISION_FULL;
    drop(want, j->requests * j->layers);
}

/* --- an edit ---------------------------------------------------------------------- */

/* A null space without an eigendecomposition: kept directions that do not overlap, each on a few
 * neurons of its own, so that they are orthonormal as they stand. */
static struct nullspace *made_up_space(struct device *dev, int layer, int neurons)
{
    struct nullspace *n = xcalloc(1, sizeof(*n));
    int kept = (int)((1 - NULL_SHARE) * neurons), each = kept ? neurons / kept : 0;
    double *row = xcalloc((size_t)neurons, sizeof(*row));
    bool there;

    *n = (struct nullspace){.dev = dev,
                            .layer = layer,
                            .neurons = neurons,
                            .rank = kept,
                            .tokens = 1,
                            .threshold = 0.5,
                            .null_fraction = 1 - (double)kept / neurons};
    n->value = xcalloc((size_t)kept + 1, sizeof(*n->value));
    there = offload_new(&n->vectors, dev, kept, neurons, dev->spaces_on_host, NULL);
    for (int i = 0; there && i < kept; i++) {
        for (int k = 0; k < each; k++)
            row[i * each + k] = (k & 1 ? -1 : 1) / sqrt(each);
        n->value[i] = 1 + i * 1e-3;
        offload_upload(&n->vectors, i, 1, row);
        for (int k = 0; k < each; k++)
            row[i * each + k] = 0;
    }
    /* tokens * C = tokens U^T diag(value) U, row by row: the blocks of U do not overlap */
    there = offload_new(&n->sum, dev, neurons, neurons, dev->spaces_on_host, NULL);
    for (int at = 0; there && at < neurons; at++) {
        int i = at / each;
        double a = i < kept ? (double)n->tokens * n->value[i] / each * (at % each & 1 ? -1 : 1) : 0;

        for (int k = 0; k < each && i < kept; k++)
            row[i * each + k] = a * (k & 1 ? -1 : 1);
        offload_upload(&n->sum, at, 1, row);
        for (int k = 0; k < each && i < kept; k++)
            row[i * each + k] = 0;
    }
    free(row);
    return n;
}

struct times {
    double attribution, target, apply, all;
    int steps;
};

static void step_heard(void *ctx, const struct target_step *s)
{
    (void)s;
    look_at_memory(ctx);
}

/* Attribution, masks, target, keys, solve and the new weights in a view; neither the journal nor
 * the checksum, which are the disk's and the CPU's. */
static bool edit(struct journey *j, struct solver **solver, struct times *t)
{
    struct attribution *layer[MOST_LAYERS] = {NULL};
    struct mask *mask[EDIT_MAX_LAYERS] = {NULL};
    struct model_state *scratch = state_copy(j->view, 2);
    struct target target = {0};
    struct edit_result result = {0};
    struct edit_context plan = {.solve = solve_in_null_space,
                                .request = j->request,
                                .count = 1,
                                .params = &j->params,
                                .layers = j->layers,
                                .mask = mask};
    double start = clock_seconds(), at = start;
    bool ok = attribute(j, 0, layer);

    for (int i = 0; i < j->layers; i++) {
        plan.layer[i] = j->layer[i];
        plan.solver[i] = solver[i];
        mask[i] = ok ? mask_build(layer[i], &j->params) : NULL;
    }
    t->attribution = clock_seconds() - at;
    at = clock_seconds();
    ok = ok && target_optimise(&target, j->view, j->request, j->layer[j->layers - 1], NULL,
                               &j->params, step_heard, j, NULL, &j->b->err);
    t->target = clock_seconds() - at;
    t->steps = target.steps;
    at = clock_seconds();
    plan.z = target.z;
    ok = ok && edit_apply(&result, scratch, &plan, NULL, &j->b->err);
    look_at_memory(j);
    t->apply = clock_seconds() - at;
    t->all = clock_seconds() - start;
    edit_result_free(&result);
    target_free(&target);
    for (int i = 0; i < j->layers; i++)
        mask_free(mask[i]);
    plan.mask = NULL;
    edit_context_free(&plan);
    drop(layer, j->layers);
    state_free(scratch);
    return ok;
}

/* With the steps of the optimisation recorded or called one by one. */
static void time_edits(struct journey *j, struct solver **solver, bool recorded)
{
    const struct device_ops *own = j->b->dev->ops;
    struct device_ops direct = *own;
    const char *how = recorded ? "recorded" : "direct";
    double part[4][64], first[4] = {0};
    const char *what[] = {"edit, whole", "  attribution and masks", "  target",
                          "  keys to weights"};
    struct times t = {0};

    direct.graphs = false;
    if (!recorded)
        j->b->dev->ops = &direct;
    for (int i = -1; i < j->b->repeats && !j->b->err.kind; i++) {
        double *to[4];

        edit(j, solver, &t);
        for (int k = 0; k < 4; k++)
            to[k] = i < 0 ? &first[k] : &part[k][i];
        *to[0] = t.all;
        *to[1] = t.attribution;
        *to[2] = t.target;
        *to[3] = t.apply;
    }
    j->b->dev->ops = own;
    for (int k = 0; k < 4 && !j->b->err.kind; k++) {
        struct line *l = bench_note(
            j->b, j->part,
            bench_shape("%s, %s, %s", what[k], precision_names[j->b->dev->precision], how),
            k == 2 ? bench_shape("%d steps", t.steps) : "", (struct cost){0}, first[k], part[k],
            j->b->repeats);

        if (!k)
            snprintf(l->note, sizeof(l->note), "%d layers; null spaces on the %s; no journal",
                     j->layers, j->b->dev->spaces_on_host ? "host" : "device");
    }
}

static void edits(struct journey *j)
{
    struct nullspace *space[EDIT_MAX_LAYERS] = {NULL};
    struct solver *solver[EDIT_MAX_LAYERS] = {NULL};
    bool ok = true, cuda = !strcmp(j->b->dev->ops->name, "cuda");

    for (int i = 0; ok && i < j->layers; i++) {
        space[i] = made_up_space(j->b->dev, j->layer[i], j->model->config->ffn);
        solver[i] = solver_new(space[i], j->params.value[P_EDIT_LAMBDA], &j->b->err);
        ok = solver[i] && device_sync(j->b->dev, &j->b->err);
    }
    for (int p = 0; ok && p < (cuda && !j->b->small ? PRECISION_COUNT : 1); p++) {
        j->b->dev->precision = (enum precision)p;
        for (int recorded = j->b->dev->ops->graphs; recorded >= 0; recorded--)
            time_edits(j, solver, recorded);
    }
    j->b->dev->precision = PRECISION_FULL;
    for (int i = 0; i < j->layers; i++) {
        solver_free(solver[i]);
        nullspace_free(space[i]);
    }
}

/* --- second moments --------------------------------------------------------------- */

static bool sum_to(struct journey *j, struct moments_text *g, const struct moments *m, long until)
{
    while (m->tokens < until)
        if (!moments_text_step(g, until, &j->b->err))
            return false;
    return device_sync(j->b->dev, &j->b->err);
}

static void moments(struct journey *j)
{
    const struct model_config *c = j->model->config;
    int window = j->b->small ? 16 : 512, tokens = 8 * window;
    struct moments_origin origin = {.model = "model", .text = "noise", .window = window};
    struct moments *m = moments_new(j->b->dev, &origin, 1, j->layer, c->ffn, &j->b->err);
    int *ids = xcalloc((size_t)tokens, sizeof(*ids));
    struct moments_text *g = m ? moments_text_new(j->view, m, ids, tokens) : NULL;
    double start, seconds;

    for (int i = 0; i < tokens; i++)
        ids[i] = (int)(i * 7919L % c->vocab);
    if (g && sum_to(j, g, m, window)) { /* warms up */
        start = clock_seconds();
        if (sum_to(j, g, m, tokens)) {
            struct line *l;

            seconds = clock_seconds() - start;
            tokens -= window;
            l = bench_note(j->b, j->part, "second moments of 1 layer",
                           bench_shape("%d tokens, layer %d", tokens, j->layer[0]),
                           (struct cost){2.0 * tokens * c->ffn * c->ffn, 0, RATE_F64}, seconds,
                           &seconds, 1);
            snprintf(l->note, sizeof(l->note), "%.0f tokens/s through %d blocks; floor: the sum",
                     tokens / seconds, j->layer[0] + 1);
        }
    }
    moments_text_free(g);
    moments_free(m);
    free(ids);
}

/* --- placing the weights ---------------------------------------------------------------- */

struct model *bench_place(struct bench *b, struct weights *file, struct tokenizer *tokenizer)
{
    const struct model_config *c = weights_config(file);
    struct memory_request r = {.config = c, .free = (double)device_free_memory(b->dev)};
    struct memory_plan plan;
    struct params params;
    int layer[PARAM_MAX_LAYERS];
    long long floats = tokenizer ? 0 : 1; /* synthetic weights stay as stored: a byte for more */

    params_default(&params);
    r.rows = 1 + (int)params.value[P_ATTR_PREFIXES];
    if (named_layers(&params, c, layer, &r.edited, NULL) && r.edited)
        r.above = c->layers - 1 - layer[r.edited - 1];
    gpu_memory_weights(file, PRECISION_BF16, &r.weights, &r.wider);
    if (!tokenizer)
        r.wider = 0;
    if (b->dev->ops->own_memory) {
        if (!gpu_memory_plan(&plan, &r, &b->err)) {
            tokenizer_free(tokenizer);
            weights_close(file);
            return NULL;
        }
        b->dev->moments_on_host = plan.moments_on_host;
        b->dev->spaces_on_host = plan.spaces_on_host;
        floats = plan.part[MEMORY_FLOATS] >= 1 ? (long long)plan.part[MEMORY_FLOATS] : 1;
    }
    return model_of(file, tokenizer, b->dev, floats, NULL, &b->err);
}

/* --- all of it -------------------------------------------------------------------- */

void bench_model(struct bench *b, struct model *model, const char *name,
                 const struct request *request, int requests)
{
    struct journey j = {.b = b,
                        .model = model,
                        .request = request,
                        .requests = requests < MOST_REQUESTS ? requests : MOST_REQUESTS,
                        .part = name,
                        .weights = b->dev->in_use,
                        .least = SIZE_MAX};
    double load = model->load_seconds, took;

    params_default(&j.params);
    if (b->small)
        params_set(&j.params, "edit.v_steps", "3", FROM_COMMAND_LINE, NULL);
    j.view = state_new(model, 1);
    look_at_memory(&j);
    j.free0 = j.least;
    bench_note(b, name, "load", bench_shape("%.2f GB on the device", 1e-9 * (double)j.weights),
               (struct cost){0, (double)j.weights, 0}, load, &load, 1)
        ->floor = 0;
    if (named_layers(&j.params, model->config, j.layer, &j.layers, &b->err)) {
        attributions(&j);
        edits(&j);
        took = (double)(j.free0 - j.least);
        json_array_append_new(json_object_get(b->json, "memory"),
                              json_pack("{s:s, s:f, s:f}", "model", name, "weights",
                                        (double)j.weights, "more", took));
        moments(&j);
    }
    state_free(j.view);
}
