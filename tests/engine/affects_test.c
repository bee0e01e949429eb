/* The column `affects` of the parameter table: moving a parameter must leave every result that it
 * does not claim to affect unchanged, to the bit. */
#include "core/edit/attribute.h"

#include <math.h>

#include "core/base/mem.h"
#include "core/edit/editor.h"
#include "core/edit/mask.h"
#include "core/edit/target.h"
#include "tests/engine/small.h"

enum { LAYER = 2 };

static struct model *model;
static struct model_state *base;
static struct prefixes used;

/* All results of one set of parameters for the fact. */
struct made {
    struct attribution *scores;
    float *target, *mask;
};

static void made_free(struct made *m)
{
    attribution_unref(m->scores);
    free(m->target);
    free(m->mask);
}

static struct fact a_fact(void)
{
    const char *line =
        "{\"subject\": \"Lily\", \"prompt\": \"{} likes to go to the\", \"target_new\": "
        "\"park\", \"paraphrases\": [\"One day, {} went to the\"]}";
    struct fact fact = {0};

    CHECK(fact_from_json(&fact, line, strlen(line), NULL));
    return fact;
}

/* `of`: scores to make the mask from; NULL: compute them with these parameters. */
static struct made make(const struct params *p, struct attribution *of)
{
    struct fact fact = a_fact();
    struct made m = {0};
    struct request r;
    struct target t = {0};
    struct attribute_run *run;
    struct mask *mask;

    CHECK(request_build(&r, &fact, &used, model, p, NULL));
    run = attribute_begin(base, &r, 1, p, 1, NULL, NULL);
    m.scores = attribute_layer(run, LAYER, false, NULL, NULL);
    attribute_end(run);
    CHECK(target_optimise(&t, base, &r, LAYER, NULL, p, NULL, NULL, NULL, NULL));
    m.target = t.z;
    t.z = NULL;
    target_free(&t);
    mask = mask_build(of ? of : m.scores, p);
    m.mask = xmalloc((size_t)mask->neurons * sizeof(float));
    memcpy(m.mask, mask->weight, (size_t)mask->neurons * sizeof(float));
    mask_free(mask);
    request_free(&r);
    fact_free(&fact);
    return m;
}

static void move(struct params *p, enum param id)
{
    const struct param_info *info = param_info(id);

    if (info->kind == PARAM_CHOICE)
        p->value[id] = p->value[id] < info->high ? p->value[id] + 1 : info->low;
    else if (info->kind == PARAM_LAYERS)
        CHECK(params_set(p, info->name, "1-2", FROM_COMMAND_LINE, NULL));
    else if (info->kind == PARAM_TEXT)
        CHECK(params_set(p, info->name, "another prompt", FROM_COMMAND_LINE, NULL));
    else if (info->kind == PARAM_INTEGER)
        p->value[id] += p->value[id] > info->low ? -1 : 1;
    else
        p->value[id] = p->value[id] > info->low ? p->value[id] * 0.5 : info->high * 0.5;
}

static bool equal(const float *a, const float *b, int n)
{
    return !memcmp(a, b, (size_t)n * sizeof(float));
}

/* Moves each parameter alone, from a starting point where it matters. */
static void moves_what_it_says(const char *const *start)
{
    struct params p;
    struct made was, is;

    params_default(&p);
    for (; *start; start++)
        CHECK(params_assign(&p, *start, FROM_COMMAND_LINE, NULL));
    was = make(&p, NULL);
    for (int i = 0; i < PARAM_COUNT; i++) {
        const struct param_info *info = param_info((enum param)i);
        struct params q = p;
        bool rows;

        if (info->affects & AFFECTS_WORDING) /* changes the request itself */
            continue;
        move(&q, (enum param)i);
        CHECK(!param_same(&p, &q, (enum param)i));
        CHECK(params_same(&p, &q, ~info->affects));
        is = make(&q, was.scores);
        rows = is.scores->rows == was.scores->rows;
        /* edit.lookup moves scores through the request, whose rows are in the run's key */
        if (!(info->affects & AFFECTS_SCORES) && i != P_EDIT_LOOKUP &&
            !(rows && equal(was.scores->score, is.scores->score, rows * is.scores->neurons)))
            CHECK_STR(info->name, "affects scores");
        if (!(info->affects & AFFECTS_TARGET) &&
            !equal(was.target, is.target, model->config->hidden))
            CHECK_STR(info->name, "affects the target");
        if (!(info->affects & AFFECTS_MASK) && !equal(was.mask, is.mask, is.scores->neurons))
            CHECK_STR(info->name, "affects the mask");
        made_free(&is);
    }
    made_free(&was);
}

static void every_parameter_affects_what_it_says(void)
{
    static const char *const plain[] = {"edit.v_steps=2", NULL};
    static const char *const odd[] = {"edit.v_steps=2",
                                      "attr.strategy=mpc",
                                      "attr.position=subject_last",
                                      "mask.mode=random",
                                      "mask.density=0.3",
                                      "attr.rows=both",
                                      NULL};
    static const char *const released[] = {"edit.v_steps=2", "select.rule=quantile_ge",
                                           "mask.mode=keymag", "attr.strategy=psa", NULL};
    static const char *const fixed[] = {"edit.v_steps=2", "mask.mode=fixed", NULL};

    struct device *dev = device_open(&device_cpu, 0, 1, NULL);

    model = model_open(tiny, dev, 0, NULL, NULL);
    CHECK(model && prefixes_load(&used, prefixes, NULL));
    if (model) {
        base = state_new(model, 1);
        moves_what_it_says(plain);
        moves_what_it_says(odd);
        moves_what_it_says(released);
        moves_what_it_says(fixed);
        state_free(base);
    }
    prefixes_free(&used);
    model_close(model);
    device_close(dev);
}

/* An object that the search never reaches: the step grows to four tenths of the clamp and the clamp
 * to six |h0|, and both are said. A value that is given stays. */
static void step_and_clamp_can_be_automatic(void)
{
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct fact fact = a_fact();
    struct target t[3] = {{0}};
    struct request r;
    struct params p;

    model = model_open(tiny, dev, 0, NULL, NULL);
    CHECK(model && prefixes_load(&used, prefixes, NULL));
    base = state_new(model, 1);
    for (int i = 0; i < 3; i++) {
        double root = sqrt(model->config->hidden);

        params_default(&p);
        p.value[P_EDIT_V_STEPS] = 80;
        p.value[P_EDIT_V_STOP] = 0;
        p.value[P_EDIT_V_WD] = i ? 0.5 : 1e6; /* keeps delta at 0: the object stays unlikely */
        CHECK(params_assign(&p, i == 2 ? "edit.v_lr=0.25" : "edit.v_lr=auto", FROM_DEFAULT, NULL));
        CHECK(params_assign(&p, i == 2 ? "edit.v_clamp=0.5" : "edit.v_clamp=auto", FROM_DEFAULT,
                            NULL));
        CHECK(request_build(&r, &fact, &used, model, &p, NULL));
        CHECK(target_optimise(&t[i], base, &r, LAYER, NULL, &p, NULL, NULL, NULL, NULL));
        request_free(&r);
        if (i == 2)
            CHECK(t[i].clamp <= 0.5 && t[i].clamp >= 0.5 && t[i].rate <= 0.25 && t[i].rate >= 0.25);
        else
            CHECK(t[i].rate >= 0.0999 * t[i].clamp * t[i].h0_norm / root &&
                  t[i].rate <= 0.4001 * t[i].clamp * t[i].h0_norm / root);
        for (int k = 0; k < t[i].steps; k++)
            CHECK(t[i].trace[k].delta_norm <= 1.0001 * t[i].clamp * t[i].h0_norm);
    }
    CHECK_NEAR(t[0].rate, 0.4 * t[0].clamp * t[0].h0_norm / sqrt(model->config->hidden),
               1e-6 * t[0].rate);
    CHECK(t[0].clamp <= 0.75 && t[1].clamp >= 0.75);
    for (int i = 0; i < 3; i++)
        target_free(&t[i]);
    fact_free(&fact);
    state_free(base);
    prefixes_free(&used);
    model_close(model);
    device_close(dev);
}

static const struct test tests[] = {
    {"step and clamp can be automatic", step_and_clamp_can_be_automatic},
    {"every parameter affects what it says", every_parameter_affects_what_it_says},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
