/* --official against the authors' released code on the default model: scores, masks, ratios and
 * the optimised target of one first edit, quirks and all. */
#include "core/edit/mask.h"
#include "core/edit/target.h"
#include "tests/engine/real.h"

enum { LAYERS = 5 };
static const int edited[LAYERS] = {4, 5, 6, 7, 8};

static struct real real;
static struct safetensors *file;
static json_t *all; /* official.json */

/* The released code's fact; its templates are prefixes with {} behind them. */
static struct request official_request(const struct params *p)
{
    json_t *f = json_object_get(all, "fact"), *t;
    struct fact fact = {
        .subject = xstrdup(json_string_value(json_object_get(f, "subject"))),
        .prompt = xstrdup(json_string_value(json_object_get(f, "prompt"))),
        .target = xstrdup(json_string_value(json_object_get(f, "target_new"))),
    };
    struct prefixes prefixes = {0};
    struct buf lines = {0};
    struct request r;
    struct err err = {0};
    size_t i;

    json_array_foreach(json_object_get(all, "templates"), i, t)
        buf_printf(&lines, "%.*s\n", (int)strcspn(json_string_value(t), "{"), json_string_value(t));
    CHECK(prefixes_parse(&prefixes, lines.data, &err));
    CHECK(prefixes.count == 5);
    CHECK(request_build(&r, &fact, &prefixes, real.model, p, &err));
    CHECK_STR(err.text, "");
    prefixes_free(&prefixes);
    buf_free(&lines);
    fact_free(&fact);
    return r;
}

static void check_layer(const struct attribution *a, int i, const struct params *p, double *worst,
                        int *same)
{
    json_t *ratio = json_array_get(json_object_get(all, "ratios"), (size_t)i);
    json_t *kept = json_array_get(json_object_get(all, "kept"), (size_t)i);
    struct mask *mask = mask_build(a, p);
    char name[64];
    size_t n = 0;
    float *want;
    double d;
    int equal = 0;

    snprintf(name, sizeof(name), "scores.%d", edited[i]);
    want = tensor_floats(file, name, &n);
    d = want ? relative(a->score, want, n) : 1;
    free(want);
    snprintf(name, sizeof(name), "mask.%d", edited[i]);
    want = tensor_floats(file, name, &n);
    for (size_t j = 0; want && j < n; j++)
        equal += (mask->weight[j] > 0) == (want[j] > 0);
    free(want);
    printf("layer %d: scores %.2e, rho %.4f %.4f (%.4f %.4f), kept %d (%d), equal %d of 1536\n",
           edited[i], d, mask->general.rho, mask->specific.rho,
           json_number_value(json_array_get(ratio, 0)), json_number_value(json_array_get(ratio, 1)),
           mask->selected, (int)json_integer_value(kept), equal);
    CHECK_NEAR(mask->general.rho, json_number_value(json_array_get(ratio, 0)), 1e-4);
    CHECK_NEAR(mask->specific.rho, json_number_value(json_array_get(ratio, 1)), 1e-4);
    CHECK_NEAR(mask->selected, (double)json_integer_value(kept), 3);
    *worst = fmax(*worst, d);
    *same += equal;
    mask_free(mask);
}

static void scores_and_masks_agree(void)
{
    struct params p;
    struct request r;
    struct attribute_run *run;
    struct err err = {0};
    double worst = 0;
    int same = 0;

    params_default(&p);
    params_official(&p, FROM_PRESET);
    r = official_request(&p);
    run = attribute_begin(real.base, &r, 1, &p, 1, NULL, &err);
    CHECK(run != NULL);
    for (int i = 0; run && i < LAYERS; i++) {
        struct attribution *a = attribute_layer(run, edited[i], false, NULL, &err);

        CHECK_STR(err.text, "");
        if (a)
            check_layer(a, i, &p, &worst, &same);
        attribution_unref(a);
    }
    CHECK(worst < 1e-3);
    CHECK(same >= 0.999 * LAYERS * 1536);
    attribute_end(run);
    request_free(&r);
}

static void target_agrees(void)
{
    json_t *h = json_object_get(all, "hparams");
    double want = number_of(all, "z_norm"), norm = 0;
    struct params p;
    struct request r;
    struct target t;
    struct err err = {0};
    size_t n = 0;
    float *z = tensor_floats(file, "z", &n);
    char clamp[32];

    params_default(&p);
    params_official(&p, FROM_PRESET);
    snprintf(clamp, sizeof(clamp), "%g", number_of(h, "clamp"));
    set(&p, "edit.v_clamp", clamp);
    r = official_request(&p);
    if (target_optimise(&t, real.base, &r, edited[LAYERS - 1], NULL, &p, NULL, NULL, NULL, &err)) {
        printf("target: %d steps, |z| %.3f (%.3f), z itself %.2e apart, first loss %.4f\n", t.steps,
               t.z_norm, want, relative(t.z, z, n), t.trace[0].loss);
        CHECK(t.steps == (int)number_of(json_object_get(all, "edit0"), "z_forwards"));
        CHECK_NEAR(t.z_norm, want, 1e-3 * want);
        CHECK(relative(t.z, z, n) < 0.01);
        target_free(&t);
    }
    CHECK_STR(err.text, "");
    for (size_t j = 0; j < n; j++)
        norm += (double)z[j] * (double)z[j];
    CHECK_NEAR(sqrt(norm), want, 1e-3 * want);
    free(z);
    request_free(&r);
}

static const struct test tests[] = {
    {"scores, ratios and masks of the released code", scores_and_masks_agree},
    {"target of the released code", target_agrees},
};

int main(void)
{
    struct err err = {0};
    int status;

    all = golden_json("official.json");
    file = safetensors_open("tests/data/goldens/official.safetensors", &err);
    status = real_main(&real, tests, (int)(sizeof(tests) / sizeof(*tests)));
    safetensors_close(file);
    json_decref(all);
    return status;
}
