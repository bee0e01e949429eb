/* Second moments, null spaces and whole edits against the independent implementation. */
#include "core/edit/editor.h"
#include "core/edit/moments_text.h"
#include "core/model/generate.h"
#include "tests/engine/real.h"

enum { LAYERS = 5, FACTS = 3 };
static const int edited[LAYERS] = {4, 5, 6, 7, 8};

static struct real real;
static struct nullspace *space[LAYERS];
static struct safetensors *file;
static json_t *all; /* reference.json */

static double off(double got, double want)
{
    return fabs(got - want) / fabs(want);
}

/* Sums of the reference's tokens; NULL on a fault. */
static struct moments *sums(long tokens, int window)
{
    struct moments_origin origin = {.window = window};
    struct err err = {0};
    struct tokens t = {0};
    size_t len;
    char *text = file_read("samples/text/wikitext2-test.txt", 1 << 24, &len, &err);
    struct moments *m = moments_new(real.dev, &origin, LAYERS, edited, 1536, &err);
    struct moments_text *g;

    CHECK(text && tokenizer_encode(real.model->tokenizer, text, len, 0, &t, &err));
    g = moments_text_new(real.base, m, t.ids, tokens);
    while (m->tokens < tokens || !moments_text_idle(g))
        if (!moments_text_step(g, tokens, &err))
            break;
    CHECK_STR(err.text, "");
    CHECK(m->tokens == tokens);
    moments_text_free(g);
    tokens_free(&t);
    free(text);
    return m;
}

static void moments_agree(void)
{
    json_t *o = json_object_get(all, "moments"), *layers = json_object_get(o, "layers");
    struct moments *m = sums(json_integer_value(json_object_get(o, "tokens")),
                             (int)json_integer_value(json_object_get(o, "window")));
    struct nullspace_rule rule = {.fraction = number_of(o, "null_fraction")};
    double worst = 0;

    for (int i = 0; i < LAYERS; i++) {
        struct err err = {0};
        struct nullspace *s = space[i] = nullspace_new(m, i, rule, NULL, &err);
        char name[16];
        json_t *want, *top;

        CHECK_STR(err.text, "");
        if (!s)
            continue;
        snprintf(name, sizeof(name), "%d", edited[i]);
        want = json_object_get(layers, name);
        top = json_object_get(want, "top");
        worst = fmax(worst, off(s->trace, number_of(want, "trace")));
        worst = fmax(worst, off(s->threshold, number_of(want, "threshold")));
        for (int k = 0; k < 5; k++)
            worst = fmax(worst, off(s->value[s->rank - 5 + k],
                                    json_number_value(json_array_get(top, (size_t)k))));
        CHECK_NEAR(s->null_fraction, rule.fraction, 1e-3);
    }
    printf("moments: worst relative difference %.2e\n", worst);
    CHECK(worst < 1e-3);
    moments_free(m);
}

/* Scores of the edited layers, for masks of the right form. Which neurons they take is compared in
 * attribution_test. */
static void scores_of(const struct request *r, const struct params *p, struct attribution **a)
{
    struct err err = {0};
    struct attribute_run *run = attribute_begin(real.base, r, 1, p, 1, NULL, &err);

    CHECK(run != NULL);
    for (int i = 0; run && i < LAYERS; i++)
        a[i] = attribute_layer(run, edited[i], false, NULL, &err);
    CHECK_STR(err.text, "");
    attribute_end(run);
}

/* The reference's masks: a single neuron moves the gain by more than what is compared. */
static void masks_of(int fact, const char *rule, struct attribution *const *a,
                     const struct params *p, struct mask **mask)
{
    for (int i = 0; i < LAYERS; i++) {
        char name[64];
        size_t n = 0;
        float *want;

        snprintf(name, sizeof(name), "fact%d.mask_%s.%d", fact, rule, edited[i]);
        want = tensor_floats(file, name, &n);
        mask[i] = a[i] ? mask_build(a[i], p) : NULL;
        for (size_t j = 0; mask[i] && j < n; j++)
            mask[i]->weight[j] = want[j] > 0 ? 1 : 0;
        free(want);
    }
}

static double layers_differ(const struct edit_result *r, json_t *want)
{
    static const char *const key[] = {"q",        "gain",      "gain_mask", "leak", "leak_unmasked",
                                      "residual", "delta_norm"};
    double worst = 0;

    for (int i = 0; i < LAYERS; i++) {
        const struct layer_report *l = &r->report[i];
        double got[] = {l->q,        l->gain,      l->gain_mask, l->leak, l->leak_unmasked,
                        l->residual, l->delta_norm};
        char name[16];
        json_t *o;

        snprintf(name, sizeof(name), "%d", edited[i]);
        o = json_object_get(want, name);
        for (size_t k = 0; k < sizeof(key) / sizeof(*key); k++) {
            double d = off(got[k], number_of(o, key[k]));

            if (!(d < 1e-3))
                printf("layer %d %s: %.9g, reference %.9g\n", edited[i], key[k], got[k],
                       number_of(o, key[k]));
            worst = fmax(worst, d);
        }
    }
    return worst;
}

static double keys_differ(const struct edit_result *r, int fact)
{
    double worst = 0;

    CHECK(r->deltas == LAYERS);
    for (int i = 0; i < r->deltas; i++) {
        const struct delta *d = &r->delta[i];
        char name[64];
        size_t n = 0;
        float *want;

        snprintf(name, sizeof(name), "fact%d.key.%d", fact, d->layer);
        want = tensor_floats(file, name, &n);
        if (want && d->key)
            worst = fmax(worst, relative(d->key, want, n));
        free(want);
        snprintf(name, sizeof(name), "fact%d.x.%d", fact, d->layer);
        want = tensor_floats(file, name, &n);
        if (want)
            worst = fmax(worst, relative(d->x, want, n));
        free(want);
    }
    return worst;
}

/* What the edited model says: top ten with logits, p of the new object, the greedy answer. */
static double answers_differ(const struct model_state *view, const struct request *r, json_t *want)
{
    struct generate_options o = {.tokens = 8, .ignore_eos = true};
    struct generated g;
    struct err err = {0};
    struct buf text = {0};
    double worst = 0, lse;
    int best[10];

    CHECK(generate(&g, view, r->row[0].id, r->row[0].count, &o, NULL, &err));
    CHECK_STR(err.text, "");
    top_k(g.logits, real.model->head.rows, 10, best);
    for (size_t j = 0; j < 10; j++) {
        CHECK(best[j] == json_integer_value(json_array_get(json_object_get(want, "top_ids"), j)));
        worst = fmax(
            worst, fabs((double)g.logits[best[j]] -
                        json_number_value(json_array_get(json_object_get(want, "top_logits"), j))));
    }
    lse = log_sum_exp(g.logits, real.model->head.rows);
    CHECK_NEAR(exp((double)g.logits[r->target[0]] - lse), number_of(want, "p_first"), 1e-3);
    tokenizer_decode(real.model->tokenizer, g.id, g.count, 0, &text);
    CHECK_STR(text.data, json_string_value(json_object_get(want, "generated")));
    buf_free(&text);
    generated_free(&g);
    return worst;
}

static void edit_agrees(int fact, const char *mask_name, struct attribution *const *scores)
{
    json_t *want = json_object_get(
        json_object_get(json_array_get(json_object_get(all, "facts"), (size_t)fact), "solve"),
        mask_name);
    bool masked = strcmp(mask_name, "none") != 0;
    struct mask *mask[LAYERS] = {0};
    struct model_state *scratch = state_copy(real.base, 2);
    struct edit_context plan = {
        .solve = solve_in_null_space, .count = 1, .layers = LAYERS, .mask = masked ? mask : NULL};
    struct edit_result result;
    struct params p;
    struct request r;
    struct err err = {0};
    char name[64];
    size_t n;
    float *z;
    double layers = 1, keys = 0, logits = 1;

    params_default(&p);
    if (!strcmp(mask_name, "quantile"))
        set(&p, "select.rule", "quantile_ge");
    r = real_request(&real, fact, &p);
    if (masked)
        masks_of(fact, mask_name, scores, &p, mask);
    plan.request = &r;
    plan.params = &p;
    snprintf(name, sizeof(name), "fact%d.z", fact);
    plan.z = z = tensor_floats(file, name, &n);
    for (int i = 0; i < LAYERS; i++) {
        plan.layer[i] = edited[i];
        plan.solver[i] = solver_new(space[i], 1, &err);
    }
    if (edit_apply(&result, scratch, &plan, NULL, &err)) {
        layers = layers_differ(&result, json_object_get(want, "layers"));
        keys = masked ? 0 : keys_differ(&result, fact);
        logits = answers_differ(scratch, &r, want);
        edit_result_free(&result);
    }
    CHECK_STR(err.text, "");
    printf("fact %d, %-8s: layers %.2e, keys and solutions %.2e relative; logits %.2e\n", fact,
           mask_name, layers, keys, logits);
    CHECK(layers < 1e-3);
    CHECK(keys < 1e-3);
    CHECK(logits < 5e-3);
    for (int i = 0; i < LAYERS; i++) {
        solver_free(plan.solver[i]);
        mask_free(mask[i]);
    }
    plan.mask = NULL;
    edit_context_free(&plan);
    free(z);
    state_free(scratch);
    request_free(&r);
}

static void edits_agree(void)
{
    static const char *const masks[] = {"none", "topk", "quantile"};

    for (int i = 0; i < LAYERS; i++)
        if (!space[i]) {
            CHECK(space[i] != NULL);
            return;
        }
    for (int fact = 0; fact < FACTS; fact++) {
        struct attribution *scores[LAYERS] = {0};
        struct params p;
        struct request r;

        params_default(&p);
        set(&p, "attr.strategy", "mpc");
        r = real_request(&real, fact, &p);
        scores_of(&r, &p, scores);
        for (size_t m = 0; m < 3; m++)
            edit_agrees(fact, masks[m], scores);
        for (int i = 0; i < LAYERS; i++)
            attribution_unref(scores[i]);
        request_free(&r);
    }
}

static const struct test tests[] = {
    {"second moments and null spaces", moments_agree},
    {"edits: solve, masks, weights, answers", edits_agree},
};

int main(void)
{
    struct err err = {0};
    int status;

    all = golden_json("reference.json");
    file = safetensors_open("tests/data/goldens/attribution.safetensors", &err);
    if (!real_open(&real))
        return 1;
    status = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    for (int i = 0; i < LAYERS; i++)
        nullspace_free(space[i]);
    safetensors_close(file);
    json_decref(all);
    real_close(&real);
    return status;
}
