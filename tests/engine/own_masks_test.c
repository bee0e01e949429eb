/* Two facts written together, each with its own mask (mask.share = request): what is solved,
 * written and reported, against the weights that come out of it. */
#include "core/edit/editor.h"
#include "core/model/state.h"
#include "tests/test.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/rng.h"

#define MODEL "tests/data/architectures/llama3"

enum { LAYER = 1, FACTS = 2, TEXT = 2000 };

static struct device *dev;
static struct model *model;
static struct model_state *base;
static struct nullspace *null;
static int m, d; /* neurons, hidden size */
static float *z; /* [FACTS][d] */

/* What an edit left. */
struct job_result {
    struct edit_result result;
    float *keys;  /* [FACTS][m] it was solved for */
    double moved; /* the norm of what changed in the weights */
};

static float *random_floats(size_t n, uint64_t seed)
{
    float *x = xmalloc(n * sizeof(*x));

    for (size_t i = 0; i < n; i++)
        x[i] = (float)rng_unit(&seed) - 0.5F;
    return x;
}

static struct nullspace *random_nullspace(void)
{
    static const int layer[] = {LAYER};
    struct moments_origin origin = {.model = "m", .text = "t", .window = 1};
    struct moments *sums = moments_new(dev, &origin, 1, layer, m, NULL);
    float *x = random_floats((size_t)TEXT * (size_t)m, 3);
    struct mat rows = mat_new(dev, DT_F32, TEXT, m);
    struct nullspace *out;

    device_upload(dev, rows, x);
    moments_add(sums, 0, rows);
    moments_tokens_add(sums, TEXT);
    moments_flush(sums);
    out = nullspace_new(sums, 0, (struct nullspace_rule){.fraction = 0.7}, NULL, NULL);
    mat_free(dev, &rows);
    moments_free(sums);
    free(x);
    return out;
}

static struct mask *mask_of(int every)
{
    struct mask *mask = xcalloc(1, sizeof(*mask));

    *mask = (struct mask){.layer = LAYER, .neurons = m};
    mask->weight = xcalloc((size_t)m, sizeof(float));
    for (int j = 0; j < m; j++) {
        mask->weight[j] = j % every ? 0 : 1;
        mask->selected += j % every == 0;
    }
    return mask;
}

static double change(const struct model_state *s)
{
    struct mat w[2] = {state_matrix(base, LAYER, MATRIX_DOWN), state_matrix(s, LAYER, MATRIX_DOWN)};
    struct mat diff = mat_new(dev, DT_F32, d, m);
    float *host = xmalloc((size_t)d * (size_t)m * sizeof(float));
    double sum = 0;

    device_copy(dev, w[0], diff);
    device_axpy(dev, -1, w[1], diff);
    device_fetch(dev, host, diff, "the difference");
    CHECK(device_sync(dev, NULL));
    for (int i = 0; i < d * m; i++)
        sum += (double)host[i] * (double)host[i];
    mat_free(dev, &diff);
    free(host);
    return sqrt(sum);
}

/* Writes both facts in layer LAYER with these masks: one for both, or one each. `more`: a setting,
 * or NULL. */
static struct job_result edit_with(const char *place, const char *compensate, const char *more,
                                   int first, int second)
{
    static const char *const subject[FACTS] = {"Anna", "Bob Stone"};
    struct mask *mask[FACTS] = {mask_of(first), second ? mask_of(second) : NULL};
    struct edit_context context = {
        .solve = solve_in_null_space, .count = FACTS, .layers = 1, .layer = {LAYER}, .z = z};
    struct model_state *scratch = state_copy(base, 2);
    struct request request[FACTS];
    struct prefixes none = {0};
    struct job_result out = {0};
    struct params p;
    struct err err = {0};

    params_default(&p);
    CHECK(params_set(&p, "mask.place", place, FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&p, "mask.compensate", compensate, FROM_COMMAND_LINE, NULL));
    CHECK(!more || params_assign(&p, more, FROM_COMMAND_LINE, NULL));
    for (int f = 0; f < FACTS; f++) {
        struct fact fact = {.subject = xstrdup(subject[f]),
                            .prompt = xstrdup("{} lives in"),
                            .target = xstrdup("Rome")};

        CHECK(request_build(&request[f], &fact, &none, model, &p, &err));
        fact_free(&fact);
    }
    context.request = request;
    context.params = &p;
    context.mask = mask;
    context.mask_per_request = second != 0;
    context.solver[0] = solver_new(null, 1, &err);
    CHECK(edit_apply(&out.result, scratch, &context, NULL, &err));
    CHECK_STR(err.text, "");
    out.keys = context.reads.keys;
    out.moved = change(scratch);
    solver_free(context.solver[0]);
    free(context.reads.out_z);
    for (int f = 0; f < FACTS; f++) {
        request_free(&request[f]);
        mask_free(mask[f]);
    }
    state_free(scratch);
    return out;
}

static struct job_result edit(const char *place, const char *compensate, int first, int second)
{
    return edit_with(place, compensate, NULL, first, second);
}

static void outcome_free(struct job_result *o)
{
    edit_result_free(&o->result);
    free(o->keys);
}

/* gain_mask and delta_norm as the deltas and the weights have them. */
static void check_report(const struct job_result *o)
{
    const struct layer_report *r = &o->result.report[0];
    double gain = 0;

    CHECK(o->result.deltas == FACTS);
    for (int f = 0; f < o->result.deltas; f++) {
        float *xm = delta_masked_x(&o->result.delta[f]);

        for (int j = 0; j < m; j++)
            gain += (double)o->keys[f * m + j] * (double)xm[j] / FACTS;
        free(xm);
    }
    CHECK_NEAR(r->gain_mask, gain, 1e-6 * fabs(gain));
    CHECK_NEAR(r->delta_norm, o->moved, 1e-4 * o->moved);
    CHECK(r->kept == (int)lround(((m + 1) / 2 + (m + 2) / 3) / 2.0));
}

static void reports_are_of_all_masks(void)
{
    static const char *const ways[][2] = {{"post", "none"}, {"post", "gain"}, {"pre", "none"}};

    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        struct job_result o = edit(ways[i][0], ways[i][1], 2, 3);

        check_report(&o);
        if (i == 1) /* what the masks took is given back */
            CHECK_NEAR(o.result.report[0].gain_mask, o.result.report[0].gain, 1e-9);
        outcome_free(&o);
    }
}

/* auto compensates as gain does where a mask leaves little, and leaves another alone; one that
 * leaves almost nothing, which gain refuses, it does not refuse. */
static void a_compensation_can_be_automatic(void)
{
    for (int i = 0; i < 2; i++) {
        int every = i ? 3 : 1; /* a third of the neurons, or all of them */
        struct job_result o = edit("post", "auto", every, 0);
        struct job_result same = edit("post", i ? "gain" : "none", every, 0);

        CHECK((o.result.report[0].scale > 1.5) == (i == 1));
        CHECK(o.result.deltas == 1 && same.result.deltas == 1);
        CHECK_NEAR(o.result.delta[0].scale, same.result.delta[0].scale, 0);
        CHECK_NEAR(o.result.report[0].gain_mask, same.result.report[0].gain_mask, 0);
        outcome_free(&o);
        outcome_free(&same);
    }
    {
        struct job_result o = edit("post", "auto", 2 * m, 0); /* one neuron */

        CHECK(o.result.deltas == 1);
        CHECK_NEAR(o.result.report[0].scale, 1, 0);
        outcome_free(&o);
    }
}

/* mask.place = pre: a fact's solution is its row of the solve within its own mask. */
static void solved_within_the_own_mask(void)
{
    struct job_result own = edit("pre", "none", 2, 3);
    struct job_result alone[FACTS] = {edit("pre", "none", 2, 0), edit("pre", "none", 3, 0)};

    for (int f = 0; f < FACTS && own.result.deltas == FACTS; f++)
        CHECK(!memcmp(own.result.delta[f].x, alone[f].result.delta[0].x + f * m,
                      (size_t)m * sizeof(float)));
    outcome_free(&own);
    outcome_free(&alone[0]);
    outcome_free(&alone[1]);
}

/* update.scale: the same solution, so many times; the report is of what is written. */
static void an_update_is_scaled(void)
{
    struct job_result once = edit("post", "gain", 2, 0);
    struct job_result half = edit_with("post", "gain", "update.scale=0.5", 2, 0);
    const struct layer_report *a = &once.result.report[0], *b = &half.result.report[0];

    CHECK(once.result.deltas == 1 && half.result.deltas == 1);
    CHECK(!memcmp(once.result.delta[0].x, half.result.delta[0].x, 2 * (size_t)m * sizeof(float)));
    CHECK_NEAR(half.result.delta[0].scale, once.result.delta[0].scale / 2, 1e-12);
    CHECK_NEAR(half.moved, once.moved / 2, 1e-4 * once.moved);
    CHECK_NEAR(b->delta_norm, half.moved, 1e-4 * half.moved);
    CHECK_NEAR(b->gain, a->gain, 0);
    CHECK_NEAR(b->gain_mask, a->gain_mask / 2, 1e-9);
    CHECK_NEAR(b->leak, a->leak / 4, 1e-9 * a->leak);
    CHECK_NEAR(b->leak_ratio, a->leak_ratio, 1e-9);
    outcome_free(&once);
    outcome_free(&half);
}

/* update.like: no column is left out, and gain, or length, are what the mask leaves. */
static void an_update_is_as_strong_as_a_masked_one(void)
{
    struct job_result masked = edit("post", "none", 3, 0), whole = edit("post", "none", 1, 0);
    struct job_result gain = edit_with("post", "gain", "update.like=gain", 3, 0);
    struct job_result norm = edit_with("post", "none", "update.like=norm", 3, 0);
    const struct layer_report *a = &masked.result.report[0], *g = &gain.result.report[0];
    double square[2] = {0};

    CHECK(masked.result.deltas == 1 && !gain.result.delta[0].weight && g->kept == m);
    CHECK_NEAR(g->gain_mask, a->gain_mask, 1e-9);
    CHECK_NEAR(g->leak_ratio, 1, 0);
    CHECK_NEAR(g->leak, a->leak_unmasked * pow(a->gain_mask / a->gain, 2), 1e-9 * a->leak_unmasked);
    CHECK_NEAR(gain.moved, whole.moved * a->gain_mask / a->gain, 1e-4 * whole.moved);
    for (int j = 0; j < FACTS * m; j++) {
        double x = (double)whole.result.delta[0].x[j];

        square[0] += x * x;
        square[1] += j % m % 3 ? 0 : x * x;
    }
    CHECK_NEAR(norm.result.delta[0].scale, sqrt(square[1] / square[0]), 1e-6);
    CHECK_NEAR(norm.moved, whole.moved * sqrt(square[1] / square[0]), 1e-4 * whole.moved);
    outcome_free(&masked);
    outcome_free(&whole);
    outcome_free(&gain);
    outcome_free(&norm);
}

static const struct test tests[] = {
    {"an update is scaled", an_update_is_scaled},
    {"an update is as strong as a masked one", an_update_is_as_strong_as_a_masked_one},
    {"reports and compensation are of all masks", reports_are_of_all_masks},
    {"a compensation can be automatic", a_compensation_can_be_automatic},
    {"solved within the own mask", solved_within_the_own_mask},
};

int main(void)
{
    struct err err = {0};
    int status = 1;

    dev = device_open(&device_cpu, 0, 2, &err);
    model = dev ? model_open(MODEL, dev, 0, NULL, &err) : NULL;
    if (!model) {
        printf("%s\n", err.text);
        return 1;
    }
    base = state_new(model, 1);
    m = model->config->ffn;
    d = model->config->hidden;
    null = random_nullspace();
    z = random_floats((size_t)FACTS * (size_t)d, 5);
    if (null)
        status = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    free(z);
    nullspace_free(null);
    state_free(base);
    model_close(model);
    device_close(dev);
    return status;
}
