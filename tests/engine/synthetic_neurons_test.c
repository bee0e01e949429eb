/* A model whose neurons are known because they were put there: one that writes the target whatever
 * the row, one that does for a single row, one that is loud and says nothing. */
#include "core/base/rng.h"
#include "core/edit/mask.h"
#include "tests/engine/golden.h"

enum { HIDDEN = 16, NEURONS = 64, VOCAB = 16, ROWS = 6, TARGET = 15, ROW_OF_ONE = 2 };
/* dimensions: one for each row's token, one they share, the target's, one nobody reads */
enum { SHARED = 6, SAYS_TARGET = 7, UNREAD = 8 };
enum { EVERY = 11, ONE = 29, DECOY = 47 }; /* the planted neurons */

static struct device *dev;
static struct model_config config = {.arch = "llama",
                                     .name = "planted",
                                     .layers = 1,
                                     .hidden = HIDDEN,
                                     .ffn = NEURONS,
                                     .heads = 1,
                                     .kv_heads = 1,
                                     .head_dim = HIDDEN,
                                     .vocab = VOCAB,
                                     .context = 64,
                                     .norm_eps = 1e-6F,
                                     .rope_theta = 10000};
static struct block block;
static struct model model;
static struct model_state *view;

static struct mat matrix(int rows, int cols, const float *host)
{
    struct mat m = mat_new(dev, DT_F32, rows, cols);

    if (host)
        device_upload(dev, m, host);
    return m;
}

static struct norm norm(const float *gain)
{
    return (struct norm){.gain = matrix(1, HIDDEN, gain), .eps = config.norm_eps};
}

static float noise(uint64_t *state, double scale)
{
    return (float)(scale * (2 * rng_unit(state) - 1));
}

/* Attention adds nothing: what a row is, is its last token. */
static void plant(void)
{
    uint64_t rng = 5;
    float gate[NEURONS][HIDDEN], up[NEURONS][HIDDEN], down[HIDDEN][NEURONS];
    float embed[VOCAB][HIDDEN] = {{0}}, head[VOCAB][HIDDEN] = {{0}}, one[HIDDEN];
    static float freq[HIDDEN / 2];

    for (int i = 0; i < NEURONS; i++)
        for (int j = 0; j < HIDDEN; j++) {
            bool planted = i == EVERY || i == ONE || i == DECOY;

            gate[i][j] = planted ? 0 : noise(&rng, 0.1);
            up[i][j] = planted ? 0 : noise(&rng, 0.1);
            down[j][i] = planted ? 0 : noise(&rng, 1e-5);
        }
    gate[EVERY][SHARED] = up[EVERY][SHARED] = 1;
    down[SAYS_TARGET][EVERY] = 8e-4F;
    gate[ONE][ROW_OF_ONE] = up[ONE][ROW_OF_ONE] = 1;
    down[SAYS_TARGET][ONE] = 16e-4F;
    gate[DECOY][SHARED] = up[DECOY][SHARED] = 2;
    down[UNREAD][DECOY] = 0.01F;
    for (int t = 0; t < VOCAB; t++) {
        embed[t][SHARED] = 1;
        embed[t][t % ROWS] = 1;
        for (int j = 0; j < SAYS_TARGET && t != TARGET; j++)
            head[t][j] = noise(&rng, 0.5);
    }
    head[TARGET][SAYS_TARGET] = 2;
    for (int j = 0; j < HIDDEN; j++)
        one[j] = 1;
    block = (struct block){.attn_norm = norm(one),
                           .ffn_norm = norm(one),
                           .w[MATRIX_Q] = matrix(HIDDEN, HIDDEN, NULL),
                           .w[MATRIX_K] = matrix(HIDDEN, HIDDEN, NULL),
                           .w[MATRIX_V] = matrix(HIDDEN, HIDDEN, NULL),
                           .w[MATRIX_O] = matrix(HIDDEN, HIDDEN, NULL),
                           .w[MATRIX_GATE] = matrix(NEURONS, HIDDEN, *gate),
                           .w[MATRIX_UP] = matrix(NEURONS, HIDDEN, *up),
                           .w[MATRIX_DOWN] = matrix(HIDDEN, NEURONS, *down),
                           .shape = {.heads = 1, .kv_heads = 1, .head_dim = HIDDEN, .scale = 0.25F},
                           .freq = freq};
    model = (struct model){.config = &config,
                           .dev = dev,
                           .block = &block,
                           .embed = matrix(VOCAB, HIDDEN, *embed),
                           .head = matrix(VOCAB, HIDDEN, *head),
                           .final_norm = norm(one)};
    view = state_new(&model, 1);
}

static void uproot(void)
{
    struct mat *all[] = {&block.attn_norm.gain, &block.ffn_norm.gain, &block.w[MATRIX_Q],
                         &block.w[MATRIX_K],    &block.w[MATRIX_V],   &block.w[MATRIX_O],
                         &block.w[MATRIX_GATE], &block.w[MATRIX_UP],  &block.w[MATRIX_DOWN],
                         &model.embed,          &model.head,          &model.final_norm.gain};

    state_free(view);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(dev, all[i]);
}

static struct attribution *attribute(const struct params *p)
{
    int ids[ROWS][2], target = TARGET;
    struct row row[ROWS];
    struct request r = {.row = row,
                        .rows = ROWS,
                        .scored = row,
                        .scored_count = ROWS,
                        .target = &target,
                        .targets = 1,
                        .old = -1};
    struct attribute_run *run;
    struct attribution *a;
    struct err err = {0};

    for (int i = 0; i < ROWS; i++) {
        ids[i][0] = 9;
        ids[i][1] = i;
        row[i] = (struct row){.id = ids[i], .count = 2};
    }
    run = attribute_begin(view, &r, 1, p, 1, NULL, &err);
    a = run ? attribute_layer(run, 0, false, NULL, &err) : NULL;
    CHECK_STR(err.text, "");
    CHECK(a != NULL);
    attribute_end(run);
    return a;
}

static struct params ratios(const char *strategy, int general, int specific)
{
    struct params p;
    char text[32];

    params_default(&p);
    CHECK(params_set(&p, "attr.strategy", strategy, FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&p, "attr.target", "new", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&p, "alpha", "0", FROM_COMMAND_LINE, NULL));
    snprintf(text, sizeof(text), "%.9f", (double)general / NEURONS);
    CHECK(params_set(&p, "beta_ge", text, FROM_COMMAND_LINE, NULL));
    snprintf(text, sizeof(text), "%.9f", (double)specific / NEURONS);
    CHECK(params_set(&p, "beta_sp", text, FROM_COMMAND_LINE, NULL));
    return p;
}

/* Every neuron's class is 0 but these three's. */
static void check_classes(const struct attribution *a, const struct params *p, int every, int one,
                          int decoy)
{
    struct mask *m = mask_build(a, p);
    int kept = (every != 0) + (one != 0) + (decoy != 0);

    for (int i = 0; i < NEURONS; i++) {
        int want = i == EVERY ? every : i == ONE ? one : i == DECOY ? decoy : 0;

        CHECK(m->class_bits[i] == want);
        CHECK((m->weight[i] > 0) == (want != 0));
    }
    CHECK(m->selected == kept);
    mask_free(m);
}

static void scores_by_hand(void)
{
    struct params p = ratios("lps", 1, 1);
    struct attribution *a = attribute(&p);
    double n = sqrt(8), m = n / (1 + exp(-n)) * n; /* x has two ones among 16: n = 1 / rms */

    for (int b = 0; a && b < ROWS; b++) {
        const float *s = a->score + b * NEURONS;

        CHECK(a->target[b] == TARGET);
        CHECK_NEAR((double)a->activation[b * NEURONS + EVERY], m, 1e-4);
        CHECK_NEAR((double)a->activation[b * NEURONS + ONE], b == ROW_OF_ONE ? m : 0, 1e-4);
        CHECK((double)s[EVERY] > 0.3);
        CHECK_NEAR((double)s[DECOY], 0, 1e-6);
        if (b == ROW_OF_ONE)
            CHECK(s[ONE] > 1.5F * s[EVERY]);
        else
            CHECK_NEAR((double)s[ONE], 0, 1e-6);
    }
    attribution_unref(a);
}

static void classes_by_lps(void)
{
    struct params p = ratios("lps", 1, 1);
    struct attribution *a = attribute(&p);
    struct mask *m;

    if (!a)
        return;
    check_classes(a, &p, CLASS_GENERAL, CLASS_SPECIFIC, 0);
    p = ratios("lps", 1, 2);
    check_classes(a, &p, CLASS_GENERAL | CLASS_SPECIFIC, CLASS_SPECIFIC, 0);
    p = ratios("lps", 2, 2);
    check_classes(a, &p, CLASS_GENERAL | CLASS_SPECIFIC, CLASS_GENERAL | CLASS_SPECIFIC, 0);
    m = mask_build(a, &p);
    CHECK_NEAR((double)m->r_general[EVERY], ROWS, 0);
    CHECK_NEAR((double)m->r_general[ONE], 1, 0);
    CHECK_NEAR((double)m->r_general[DECOY], 0, 0);
    CHECK(m->both == 2);
    mask_free(m);
    attribution_unref(a);
}

/* Probability shifts find the same; coefficients fall for the decoy. */
static void classes_by_others(void)
{
    struct params psa = ratios("psa", 1, 1), mpc = ratios("mpc", 1, 1);
    struct attribution *a = attribute(&psa), *c = attribute(&mpc);

    if (a)
        check_classes(a, &psa, CLASS_GENERAL, CLASS_SPECIFIC, 0);
    if (c)
        check_classes(c, &mpc, 0, 0, CLASS_GENERAL | CLASS_SPECIFIC);
    attribution_unref(a);
    attribution_unref(c);
}

static const struct test tests[] = {
    {"planted neurons have the scores they must have", scores_by_hand},
    {"planted neurons have their classes", classes_by_lps},
    {"PSA agrees, MPC falls for the decoy", classes_by_others},
};

int main(void)
{
    struct err err = {0};
    int status;

    dev = device_open(&device_cpu, 0, 2, &err);
    if (!dev)
        return 1;
    plant();
    model.tokenizer = tokenizer_from_json("tests/data/tokenizer/smollm.json", &err);
    if (!model.tokenizer)
        printf("%s\n", err.text);
    status = model.tokenizer ? test_main(tests, (int)(sizeof(tests) / sizeof(*tests))) : 1;
    tokenizer_free(model.tokenizer);
    uproot();
    device_close(dev);
    return status;
}
