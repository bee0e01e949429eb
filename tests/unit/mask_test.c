/* Masks of every mode against numbers of an independent implementation. */
#include <jansson.h>
#include <stdlib.h>

#include "core/base/params.h"
#include "core/base/rng.h"
#include "core/edit/mask.h"
#include "core/edit/scores.h"
#include "core/edit/select.h"
#include "core/model/safetensors.h"
#include "tests/test.h"

static struct params with(const char *text)
{
    struct params p;
    struct err err = {0};

    params_default(&p);
    CHECK(params_parse(&p, text, FROM_COMMAND_LINE, &err));
    CHECK_STR(err.text, "");
    return p;
}

static const float vector[3][8] = {{.9f, -.2f, .1f, 0, .4f, -.5f, .05f, .3f},
                                   {.7f, .2f, -.1f, 0, .5f, -.4f, .10f, .2f},
                                   {.8f, -.3f, .2f, 0, -.1f, .6f, .02f, .25f}};

static struct attribution *of_vector(void)
{
    struct attribution *a = attribution_new(5, 3, 8, false);

    memcpy(a->score, vector, sizeof(vector));
    memcpy(a->activation, vector, sizeof(vector));
    return a;
}

/* Builds the mask of the vector above and returns the weights as "10001101". */
static const char *weights_under(const char *settings)
{
    static char text[9];
    struct params p = with(settings);
    struct attribution *a = of_vector();
    struct mask *mask = mask_build(a, &p);

    for (int i = 0; i < 8; i++)
        text[i] = mask->weight[i] > 0 ? '1' : '0';
    mask_free(mask);
    attribution_unref(a);
    return text;
}

static const char official[] = "select.rule=quantile_ge\nattr.clamp=1e-8\nbeta_sp=.3\n"
                               "ratio.ge.gamma=3\nratio.sp.gamma=2\n";

static const char *official_and(const char *more)
{
    static char text[300];

    snprintf(text, sizeof(text), "%s%s", official, more);
    return text;
}

static void golden_vector(void)
{
    static const float r_general[] = {3, 1, 1, 0, 2, 1, 0, 3};
    static const float r_specific[] = {.9f, .2f, .2f, 0, .5f, .6f, .1f, .3f};
    static const double entropies[] = {5.157e-06, 1.73214e-2, 1.73129e-2};
    struct params p = with(official);
    struct attribution *a = of_vector();
    struct mask *mask = mask_build(a, &p);
    float scratch[8];

    for (int i = 0; i < 8; i++) {
        CHECK_NEAR((double)mask->r_general[i], (double)r_general[i], 0);
        CHECK_NEAR((double)mask->r_specific[i], (double)r_specific[i], 0);
    }
    for (int b = 0; b < 3; b++) /* printed before division by log M */
        CHECK_NEAR(scores_softmax_entropy(vector[b], 8, 30, scratch) * log(8), entropies[b], 2e-7);
    CHECK_NEAR(mask->general.H, 5.55269e-3, 2e-7);
    CHECK_NEAR(mask->specific.H, 0.835742, 1e-6);
    CHECK_NEAR(mask->general.rho, 0.30000002, 1e-8);
    CHECK_NEAR(mask->specific.rho, 0.36984643, 2e-7);
    CHECK_NEAR(mask->general.tau, 1.8999999, 2e-7);
    CHECK_NEAR(mask->specific.tau, 0.3822150, 5e-7);
    CHECK(mask->general.chosen == 3 && mask->specific.chosen == 3);
    CHECK(mask->both == 2 && mask->selected == 4);
    CHECK_NEAR(mask->general.ties, 0, 0);
    CHECK(mask->class_bits[0] == 3 && mask->class_bits[5] == CLASS_SPECIFIC);
    CHECK(mask->class_bits[7] == CLASS_GENERAL);
    mask_free(mask);
    p.value[P_RATIO_INV_TEMP] = 1;
    mask = mask_build(a, &p);
    CHECK_NEAR(mask->general.H, 0.968304, 1e-6);
    mask_free(mask);
    attribution_unref(a);
}

static void golden_vector_modes(void)
{
    CHECK_STR(weights_under(official), "10001101");
    CHECK_STR(weights_under(official_and("mask.mode=general")), "10001001");
    CHECK_STR(weights_under(official_and("mask.mode=specific")), "10001100");
    CHECK_STR(weights_under(official_and("mask.mode=overlap")), "10001000");
    CHECK_STR(weights_under(official_and("mask.mode=nonoverlap")), "00000101");
    CHECK_STR(weights_under(official_and("mask.mode=none")), "11111111");
    CHECK_STR(weights_under(official_and("mask.mode=soft")), "11111111");
    CHECK_STR(weights_under(official_and("mask.mode=union")), "10001101");
    CHECK_STR(weights_under(official_and("mask.mode=complement")), "01110010");
    /* quantile(.3) of the maxima is .12 */
    CHECK_STR(weights_under(official_and("mask.mode=pooled")), "11101101");
    /* tau .75: the levels 3; tau_sp .595 */
    CHECK_STR(weights_under(official_and("mask.mode=fixed")), "10000101");
    /* round(.3006 * 8) = 2 general: 0 and 7; round(.28 * 8) = 2 specific: 0 and 5 */
    CHECK_STR(weights_under(""), "10000101");
}

/* One golden layer: the reference's scores in, its mask, entropies, ratios and counts out. */
static void golden_layer(const struct safetensors *st, const json_t *layers, int fact, int layer,
                         const char *rule, const char *settings)
{
    struct params p = with(settings);
    char name[40];
    const struct st_tensor *score, *want;
    const json_t *numbers;
    struct attribution *a;
    struct mask *mask;
    int wrong = 0;

    snprintf(name, sizeof(name), "fact%d.lps.%d", fact, layer);
    score = safetensors_tensor(st, name);
    snprintf(name, sizeof(name), "fact%d.mask_%s.%d", fact, rule, layer);
    want = safetensors_tensor(st, name);
    snprintf(name, sizeof(name), "%d", layer);
    numbers = json_object_get(json_object_get(layers, name), rule);
    CHECK(score && want && numbers);
    if (!score || !want || !numbers)
        return;
    a = attribution_new(layer, (int)score->dim[0], (int)score->dim[1], false);
    st_tensor_floats(score, a->score);
    mask = mask_build(a, &p);
    for (int i = 0; i < a->neurons; i++)
        wrong += (mask->weight[i] > 0) != (((const unsigned char *)want->data)[i] != 0);
    CHECK(wrong == 0);
    CHECK_NEAR(mask->general.H, json_number_value(json_object_get(numbers, "Hge")), 5e-7);
    CHECK_NEAR(mask->specific.H, json_number_value(json_object_get(numbers, "Hsp")), 5e-7);
    CHECK_NEAR(mask->general.rho, json_number_value(json_object_get(numbers, "rg")), 1e-7);
    CHECK_NEAR(mask->specific.rho, json_number_value(json_object_get(numbers, "rs")), 1e-7);
    CHECK(mask->general.chosen == json_integer_value(json_object_get(numbers, "ge")));
    CHECK(mask->specific.chosen == json_integer_value(json_object_get(numbers, "sp")));
    CHECK(mask->selected == json_integer_value(json_object_get(numbers, "n")));
    mask_free(mask);
    attribution_unref(a);
}

static void golden_facts(void)
{
    struct err err = {0};
    struct safetensors *st = safetensors_open("tests/data/goldens/attribution.safetensors", &err);
    json_t *root = json_load_file("tests/data/goldens/reference.json", 0, NULL);
    const json_t *facts = json_object_get(root, "facts");

    CHECK_STR(err.text, "");
    CHECK(json_array_size(facts) == 3);
    for (int f = 0; st && f < 3; f++) {
        const json_t *layers = json_object_get(json_array_get(facts, (size_t)f), "layers");

        for (int l = 4; l <= 8; l++) {
            golden_layer(st, layers, f, l, "topk", "");
            golden_layer(st, layers, f, l, "quantile", "select.rule=quantile_ge");
            golden_layer(st, layers, f, l, "released",
                         "select.rule=quantile_ge\nbeta_sp=.3\nratio.ge.gamma=3\nratio.sp.gamma=2");
        }
    }
    json_decref(root);
    safetensors_close(st);
}

/* The released code's own scores and masks. */
static void golden_official(void)
{
    static const double rho[][2] = {
        {.3007, .3774}, {.3, .3761}, {.3, .3768}, {.3, .3787}, {.3, .3767}};
    static const int kept[] = {827, 832, 849, 789, 881};
    struct safetensors *st = safetensors_open("tests/data/goldens/official.safetensors", NULL);
    struct params p;

    params_default(&p);
    params_official(&p, FROM_COMMAND_LINE);
    for (int l = 4; st && l <= 8; l++) {
        char name[20];
        struct attribution *a = attribution_new(l, 6, 1536, false);
        struct mask *mask;
        const unsigned char *want;
        int wrong = 0;

        snprintf(name, sizeof(name), "scores.%d", l);
        st_tensor_floats(safetensors_tensor(st, name), a->score);
        snprintf(name, sizeof(name), "mask.%d", l);
        want = safetensors_tensor(st, name)->data;
        mask = mask_build(a, &p);
        for (int i = 0; i < a->neurons; i++)
            wrong += (mask->weight[i] > 0) != (want[i] != 0);
        CHECK(wrong <= 1); /* of 1536: 99.9 % */
        CHECK_NEAR(mask->selected, kept[l - 4], 1);
        CHECK_NEAR(mask->general.rho, rho[l - 4][0], 6e-5);
        CHECK_NEAR(mask->specific.rho, rho[l - 4][1], 6e-5);
        mask_free(mask);
        attribution_unref(a);
    }
    CHECK(st != NULL);
    safetensors_close(st);
}

static const float *sort_score, *sort_tie;

static int by_score_tie_index(const void *left, const void *right)
{
    int a = *(const int *)left, b = *(const int *)right;

    if (sort_score[a] > sort_score[b] || sort_score[a] < sort_score[b])
        return sort_score[a] > sort_score[b] ? -1 : 1;
    if (sort_tie && (sort_tie[a] > sort_tie[b] || sort_tie[a] < sort_tie[b]))
        return sort_tie[a] > sort_tie[b] ? -1 : 1;
    return a < b ? -1 : 1;
}

/* Against a plain sort, over sizes with every remainder and scores full of ties. */
static void topk_is_a_sort(void)
{
    enum { MOST = 700 };
    float score[MOST], tie[MOST];
    uint32_t work[3 * MOST];
    uint64_t seed = 1;

    for (int n = 1; n < MOST; n = n * 5 / 4 + 1) {
        for (int k = 0; k <= n; k += 1 + n / 7) {
            uint8_t bits[MOST] = {0};
            int order[MOST], wrong = 0;
            struct selection s;

            for (int i = 0; i < n; i++) {
                order[i] = i;
                score[i] = (float)rng_below(&seed, 7) - 3.5f;
                score[i] = rng_below(&seed, 3) ? score[i] : -0.0f * score[i];
                tie[i] = (float)rng_below(&seed, 20);
            }
            s = select_topk(score, tie, n, (double)k / n, work, bits, 2);
            sort_score = score;
            sort_tie = tie;
            qsort(order, (size_t)n, sizeof(*order), by_score_tie_index);
            for (int i = 0; i < n; i++)
                wrong += bits[order[i]] != (i < k ? 2 : 0);
            CHECK(wrong == 0);
            CHECK(s.chosen == k);
            if (k)
                CHECK_NEAR(s.threshold, (double)score[order[k - 1]], 0);
        }
    }
}

static void hash_breaks_ties_otherwise(void)
{
    float score[100] = {0};
    uint8_t bits[100] = {0}, again[100] = {0};
    uint32_t work[300];
    int count = 0, low = 0;
    struct selection s = select_topk(score, NULL, 100, 0.5, work, bits, 1);

    select_topk(score, NULL, 100, 0.5, work, again, 1);
    for (int i = 0; i < 100; i++) {
        count += bits[i];
        low += i < 50 ? bits[i] : 0;
    }
    CHECK(count == 50 && s.chosen == 50);
    CHECK(low > 10 && low < 40);
    CHECK(!memcmp(bits, again, sizeof(bits)));
    CHECK_NEAR(s.ties, 1, 0);
}

static int chosen_at(const float *score, int n, double ratio)
{
    uint8_t bits[64] = {0};
    uint32_t work[192];

    return select_quantile(score, n, ratio, work, bits, 1).chosen;
}

static void quantile_names_its_next_values(void)
{
    static const float score[] = {0, 0, 1, 1, 1, 2, 3, 3, 5, 5, 5, 5, 6};
    enum { N = sizeof(score) / sizeof(*score) };
    uint8_t bits[N] = {0};
    uint32_t work[3 * N];

    for (double ratio = 0.02; ratio < 1; ratio += 0.05) {
        struct selection s = select_quantile(score, N, ratio, work, bits, 1);

        CHECK(s.chosen == chosen_at(score, N, ratio));
        if (!isnan(s.next_up)) {
            CHECK(s.next_up > ratio && s.next_up <= 1);
            CHECK(chosen_at(score, N, s.next_up) > s.chosen);
            CHECK(chosen_at(score, N, fmax(ratio, s.next_up - 0.5 / (N - 1))) == s.chosen);
        } else {
            CHECK(s.chosen == N);
        }
        if (!isnan(s.next_down)) {
            CHECK(s.next_down < ratio);
            CHECK(chosen_at(score, N, s.next_down) < s.chosen);
            CHECK(chosen_at(score, N, fmin(ratio, s.next_down + 0.5 / (N - 1))) == s.chosen);
        } else {
            CHECK(s.chosen == 1);
        }
    }
}

/* editscope-method(7) 4.6: scores that are 0 everywhere keep all neurons only where the scores are
 * clamped. */
static void degenerate_layer(void)
{
    struct attribution *a = attribution_new(0, 6, 1000, false);
    struct params p = with("select.rule=quantile_ge");
    struct mask *mask = mask_build(a, &p);

    CHECK_NEAR(mask->general.H, 1, 2e-6);
    CHECK_NEAR(mask->specific.H, 0, 0);
    CHECK(mask->general.chosen == 400 && mask->specific.chosen == 200);
    mask_free(mask);
    p.value[P_ATTR_CLAMP] = 1e-8;
    mask = mask_build(a, &p);
    CHECK(mask->general.chosen == 1000 && mask->specific.chosen == 1000 && mask->selected == 1000);
    CHECK_NEAR(mask->general.ties, 1, 0);
    mask_free(mask);
    attribution_unref(a);
}

static void scores_that_are_no_numbers_count_as_none(void)
{
    struct attribution *a = of_vector(), *b = of_vector();
    struct params p = with("");
    struct mask *x, *y;

    a->score[3] = NAN;
    a->score[11] = INFINITY;
    a->score[19] = -INFINITY;
    x = mask_build(a, &p);
    y = mask_build(b, &p); /* neuron 3 is 0 there */
    CHECK(!memcmp(x->weight, y->weight, 8 * sizeof(float)));
    CHECK_NEAR(x->general.H, y->general.H, 0);
    mask_free(x);
    mask_free(y);
    attribution_unref(a);
    attribution_unref(b);
}

static void random_masks(void)
{
    struct attribution *a = of_vector();
    struct params p = with("mask.mode=random\nmask.density=.5\nseed=3");
    struct mask *x = mask_build(a, &p), *y = mask_build(a, &p);
    int same = 0;

    CHECK(x->selected == 4);
    CHECK(!memcmp(x->weight, y->weight, 8 * sizeof(float)));
    mask_free(y);
    for (int seed = 0; seed < 20; seed++) {
        p.value[P_SEED] = seed;
        y = mask_build(a, &p);
        same += !memcmp(x->weight, y->weight, 8 * sizeof(float));
        CHECK(y->selected == 4);
        mask_free(y);
    }
    CHECK(same >= 1 && same < 5);
    mask_free(x);
    p.value[P_MASK_DENSITY] = 0; /* the union of the default rule has three neurons */
    x = mask_build(a, &p);
    CHECK(x->selected == 3);
    mask_free(x);
    attribution_unref(a);
}

/* redrawn: as random, and another draw for another fact; previous says nothing of these neurons. */
static void masks_by_the_fact(void)
{
    struct attribution *a = of_vector();
    struct params p = with("mask.mode=redrawn\nmask.density=.5\nseed=3");
    struct mask *first = mask_build(a, &p), *again;
    int same = 0;

    for (unsigned fact = 0; fact < 20; fact++) {
        a->draw = fact * 2654435761U;
        again = mask_build(a, &p);
        CHECK(again->selected == 4 && !again->elsewhere);
        same += !memcmp(first->weight, again->weight, 8 * sizeof(float));
        mask_free(again);
    }
    CHECK(same >= 1 && same < 5);
    mask_free(first);
    p = with("mask.mode=previous");
    first = mask_build(a, &p);
    CHECK(first->elsewhere && first->selected == 0 && first->general.chosen > 0);
    for (int i = 0; i < 8; i++)
        CHECK(isnan(first->weight[i]));
    mask_free(first);
    attribution_unref(a);
}

static void key_magnitude(void)
{
    static const float key[] = {4, -3, 1, 0, 1, 1, 0, 0};
    struct attribution *a = of_vector();
    struct params p = with("mask.mode=keymag\nmask.mass=.7");
    struct mask *mask;

    attribution_set_keys(a, key, 1);
    mask = mask_build(a, &p);
    CHECK(mask->selected == 2 && mask->weight[0] > 0 && mask->weight[1] > 0);
    mask_free(mask);
    p.value[P_MASK_MASS] = 0.75;
    mask = mask_build(a, &p);
    CHECK(mask->selected == 3 && mask->weight[2] > 0);
    mask_free(mask);
    p.value[P_MASK_MASS] = 1;
    mask = mask_build(a, &p);
    CHECK(mask->selected == 5 && !(mask->weight[3] > 0));
    mask_free(mask);
    p.value[P_MASK_MASS] = 0; /* as many as the default union: three, the largest */
    mask = mask_build(a, &p);
    CHECK(mask->selected == 3 && mask->weight[0] > 0 && mask->weight[1] > 0 && mask->weight[2] > 0);
    mask_free(mask);
    attribution_set_keys(a, NULL, 0);
    p.value[P_MASK_MASS] = 0.2; /* without a key: mean |activation|, of which .8 is the most */
    mask = mask_build(a, &p);
    CHECK(mask->selected == 1 && mask->weight[0] > 0);
    mask_free(mask);
    attribution_unref(a);
}

static void soft_weights(void)
{
    struct params p = with("mask.mode=soft");
    struct attribution *a = of_vector();
    struct mask *mask = mask_build(a, &p);

    /* maxima .9 .2 .2 0 .5 .6 .1 .3: mean .35, unbiased standard deviation .2976095 */
    CHECK_NEAR((double)mask->weight[0], 1 / (1 + exp(-.55 / .2976105)), 1e-6);
    CHECK_NEAR((double)mask->weight[3], 1 / (1 + exp(.35 / .2976105)), 1e-6);
    CHECK(mask->selected == 8);
    mask_free(mask);
    attribution_unref(a);
}

/* Entropies for sizes with every remainder of a vector, against the formula in double. */
static void entropies_are_the_formula(void)
{
    enum { MOST = 300 };
    static const float sharp[] = {0.01f, 1, 30, 1000};
    uint64_t seed = 7;

    for (int n = 2; n < MOST; n = n * 4 / 3 + 1) {
        for (int k = 0; k < 4; k++) {
            float x[MOST], scratch[MOST];
            double top = -9, sum = 0, h = 0, share = 0, positive = 0;

            for (int i = 0; i < n; i++) {
                x[i] = (float)(4 * rng_unit(&seed) - 2);
                top = fmax(top, (double)x[i]);
                positive += fmax((double)x[i], 0);
            }
            for (int i = 0; i < n; i++)
                sum += exp((double)sharp[k] * ((double)x[i] - top));
            for (int i = 0; i < n; i++) {
                double p = exp((double)sharp[k] * ((double)x[i] - top)) / sum;
                double q = fmax((double)x[i], 0) / (positive + 1e-8);

                h -= p * log(p + 1e-8);
                share -= q * log(q + 1e-8);
            }
            CHECK_NEAR(scores_softmax_entropy(x, n, sharp[k], scratch), h / log(n), 1e-6);
            CHECK_NEAR(scores_share_entropy(x, n, scratch), share / log(n), 1e-6);
        }
    }
}

static void a_layer_of_one_neuron(void)
{
    static const char *const rules[] = {"select.rule=topk", "select.rule=quantile_ge",
                                        "select.rule=topk_hash"};
    struct attribution *a = attribution_new(0, 1, 1, false);

    a->score[0] = 2;
    for (int r = 0; r < 3; r++) {
        struct params p = with(rules[r]);
        struct mask *mask = mask_build(a, &p);

        CHECK_NEAR(mask->general.H, 0, 0);
        CHECK(mask->selected <= 1);
        mask_free(mask);
    }
    attribution_unref(a);
    mask_free(NULL);
}

static const struct test all[] = {
    {"golden vector", golden_vector},
    {"golden vector, every mode", golden_vector_modes},
    {"golden facts", golden_facts},
    {"the released code's masks", golden_official},
    {"topk is a sort", topk_is_a_sort},
    {"topk_hash", hash_breaks_ties_otherwise},
    {"quantile_ge names its next values", quantile_names_its_next_values},
    {"a degenerate layer", degenerate_layer},
    {"scores that are no numbers", scores_that_are_no_numbers_count_as_none},
    {"random masks", random_masks},
    {"masks by the fact", masks_by_the_fact},
    {"key magnitude", key_magnitude},
    {"soft weights", soft_weights},
    {"entropies are the formula", entropies_are_the_formula},
    {"a layer of one neuron", a_layer_of_one_neuron},
};

TEST_MAIN(all)
