/* Scores, ratios and thresholds to classes and weights of neurons, one function a mask.mode. */
#include "core/edit/mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/base/params.h"
#include "core/edit/scores.h"
#include "core/edit/select.h"

/* The older variant's share of neurons (mask.mode = pooled). */
static const double pooled_ratio = 0.7;

const char *class_name(unsigned bits)
{
    static const char *const name[] = {"none", "general", "specific", "both"};

    return name[bits & (CLASS_GENERAL | CLASS_SPECIFIC)];
}

/* What one call works with; `score` is the attribution's own unless it had to be cleaned. */
struct work {
    const struct params *p;
    const float *score;
    float *cleaned;  /* [N][M] or NULL */
    float *mean_z;   /* [M] */
    float *scratch;  /* [M] */
    uint32_t *order; /* [3M] */
};

static struct work work_new(const struct attribution *a, const struct params *p)
{
    size_t m = (size_t)a->neurons, n = (size_t)a->rows * m;
    struct work w = {.p = p, .score = a->score};

    w.mean_z = xmalloc(m * sizeof(float));
    w.scratch = xmalloc(m * sizeof(float));
    w.order = xmalloc(3 * m * sizeof(uint32_t));
    if (!scores_finite(a->score, n)) { /* a score that could not be had counts as none */
        w.cleaned = xmalloc(n * sizeof(float));
        for (size_t i = 0; i < n; i++)
            w.cleaned[i] = isfinite(a->score[i]) ? a->score[i] : 0;
        w.score = w.cleaned;
    }
    return w;
}

static void work_free(struct work *w)
{
    free(w->cleaned);
    free(w->mean_z);
    free(w->scratch);
    free(w->order);
}

/* inv_temp, with ratio.scale = unit in units of the largest |x|. */
static float sharpness(const struct params *p, const float *x, int n)
{
    float k = (float)p->value[P_RATIO_INV_TEMP];
    float top = 1;

    if (params_choice(p, P_RATIO_SCALE) == SCALE_UNIT)
        top = scores_max_abs(x, n);
    return top > 0 ? k / top : k;
}

/* Eq. 6: mean over rows of the entropy of the softmaxed scores. */
static double general_entropy(const struct work *w, int rows, int neurons)
{
    double h = 0;

    for (int b = 0; b < rows; b++) {
        const float *row = w->score + (size_t)b * (size_t)neurons;

        h += scores_softmax_entropy(row, neurons, sharpness(w->p, row, neurons), w->scratch);
    }
    return rows ? h / rows : 0;
}

/* Eq. 7: entropy of the maxima. */
static double specific_entropy(const struct work *w, const float *maxima, int neurons)
{
    if (params_choice(w->p, P_RATIO_SP_DIST) == DIST_L1)
        return scores_share_entropy(maxima, neurons, w->scratch);
    return scores_softmax_entropy(maxima, neurons, sharpness(w->p, maxima, neurons), w->scratch);
}

static double ratio(const struct params *p, double h, enum param a, enum param b, enum param gamma)
{
    return clamped(p->value[b] + p->value[a] * pow(h, p->value[gamma]), 0, 1);
}

static void set_ratios(struct mask *mask, const struct work *w, int rows)
{
    const struct params *p = w->p;
    int mode = params_choice(p, P_MASK_MODE);

    mask->general.H = clamped(general_entropy(w, rows, mask->neurons), 0, 1);
    mask->specific.H = clamped(specific_entropy(w, mask->r_specific, mask->neurons), 0, 1);
    mask->general.rho = ratio(p, mask->general.H, P_RATIO_GE_A, P_RATIO_GE_B, P_RATIO_GE_GAMMA);
    mask->specific.rho = ratio(p, mask->specific.H, P_RATIO_SP_A, P_RATIO_SP_B, P_RATIO_SP_GAMMA);
    if (mode == MODE_FIXED) {
        mask->general.rho = p->value[P_MASK_FIXED_GE];
        mask->specific.rho = p->value[P_MASK_FIXED_SP];
    } else if (mode == MODE_POOLED) {
        mask->specific.rho = pooled_ratio;
    }
}

static bool all_equal(const float *x, int n)
{
    for (int i = 1; i < n; i++)
        if (x[i] < x[0] || x[i] > x[0])
            return false;
    return true;
}

static void choose_side(struct mask *mask, struct mask_side *side, const float *score, uint8_t bit,
                        const struct work *w)
{
    int rule = params_choice(w->p, P_SELECT_RULE), n = mask->neurons;
    struct selection s;

    /* Where every score is the same, the quantile keeps every neuron without a word. The released
     * code does that (it clamps, which is how it comes about); otherwise ρ is kept to. */
    if (rule == RULE_QUANTILE_GE && !(w->p->value[P_ATTR_CLAMP] > 0) && all_equal(score, n))
        rule = RULE_TOPK;
    if (rule == RULE_QUANTILE_GE)
        s = select_quantile(score, n, side->rho, w->order, mask->class_bits, bit);
    else
        s = select_topk(score, rule == RULE_TOPK ? w->mean_z : NULL, n, side->rho, w->order,
                        mask->class_bits, bit);
    side->tau = s.threshold;
    side->chosen = s.chosen;
    side->ties = s.ties;
    side->next_up = s.next_up;
    side->next_down = s.next_down;
}

/* Sigmoid of the z-scores of Eq. 5's maxima: real weights, all above 0. */
static void weigh_softly(struct mask *mask)
{
    int n = mask->neurons;
    double sum = 0, squares = 0, mean, std;

    for (int i = 0; i < n; i++)
        sum += (double)mask->r_specific[i];
    mean = sum / n;
    for (int i = 0; i < n; i++) {
        double d = (double)mask->r_specific[i] - mean;

        squares += d * d;
    }
    std = n > 1 ? sqrt(squares / (n - 1)) : 0;
    for (int i = 0; i < n; i++) {
        float z = (float)(((double)mask->r_specific[i] - mean) / (std + 1e-6));

        mask->weight[i] = 1 / (1 + expf(-z));
    }
}

static int union_size(const struct mask *mask)
{
    return mask->general.chosen + mask->specific.chosen - mask->both;
}

/* As many neurons as the union, those of the largest |key|: equal size, another choice. */
static void weigh_largest(struct mask *mask, const float *key, const struct work *w)
{
    int n = mask->neurons;
    uint8_t *in = xcalloc((size_t)n, 1);

    for (int i = 0; i < n; i++)
        w->scratch[i] = fabsf(key[i]);
    select_topk(w->scratch, NULL, n, (double)union_size(mask) / n, w->order, in, 1);
    for (int i = 0; i < n; i++)
        mask->weight[i] = in[i];
    free(in);
}

static void weigh_by_key(struct mask *mask, const struct attribution *a, const struct work *w)
{
    const float *key = a->keys ? a->key : NULL;
    int n = mask->neurons;

    if (!key) {
        memset(w->scratch, 0, (size_t)n * sizeof(float));
        for (int b = 0; a->activation && b < a->rows; b++)
            for (int i = 0; i < n; i++)
                w->scratch[i] += fabsf(a->activation[(size_t)b * (size_t)n + (size_t)i]);
        key = w->scratch;
    }
    if (w->p->value[P_MASK_MASS] > 0)
        select_mass(key, n, w->p->value[P_MASK_MASS], w->order, mask->weight);
    else
        weigh_largest(mask, key, w);
}

static void weigh_at_random(struct mask *mask, const struct work *w)
{
    double density = w->p->value[P_MASK_DENSITY];
    uint64_t seed = (uint64_t)w->p->value[P_SEED] << 16 | (uint64_t)mask->layer;
    int count = density > 0 ? (int)lround(density * mask->neurons) : union_size(mask);

    select_random(mask->neurons, count, seed, w->order, mask->weight);
}

/* Class bits (0 to 3) to weights. */
static void weigh_by_class(struct mask *mask, int mode)
{
    static const float table[][4] = {
        [MODE_UNION] = {0, 1, 1, 1},    [MODE_GENERAL] = {0, 1, 0, 1},
        [MODE_SPECIFIC] = {0, 0, 1, 1}, [MODE_FIXED] = {0, 1, 1, 1},
        [MODE_OVERLAP] = {0, 0, 0, 1},  [MODE_NONOVERLAP] = {0, 1, 1, 0},
        [MODE_POOLED] = {0, 0, 1, 1},   [MODE_NONE] = {1, 1, 1, 1},
    };

    for (int i = 0; i < mask->neurons; i++)
        mask->weight[i] = table[mode][mask->class_bits[i]];
}

static void set_weights(struct mask *mask, const struct attribution *a, const struct work *w)
{
    int mode = params_choice(w->p, P_MASK_MODE);

    switch (mode) {
    case MODE_SOFT:
        weigh_softly(mask);
        break;
    case MODE_KEYMAG:
        weigh_by_key(mask, a, w);
        break;
    case MODE_RANDOM:
        weigh_at_random(mask, w);
        break;
    default:
        weigh_by_class(mask, mode);
    }
    for (int i = 0; i < mask->neurons; i++)
        mask->selected += mask->weight[i] > 0;
}

struct mask *mask_build(const struct attribution *a, const struct params *p)
{
    struct work w = work_new(a, p);
    size_t m = (size_t)a->neurons;
    struct mask *mask = xcalloc(1, sizeof(*mask));
    struct score_reduction how = {
        .zscore_general = params_choice(p, P_SCORE_GE_TEST) == GE_ZSCORE,
        .zscore_specific = params_choice(p, P_SCORE_SP_INPUT) == SP_ZSCORE,
    };

    mask->layer = a->layer;
    mask->neurons = a->neurons;
    mask->r_general = xmalloc(m * sizeof(float));
    mask->r_specific = xmalloc(m * sizeof(float));
    mask->weight = xmalloc(m * sizeof(float));
    mask->class_bits = xcalloc(m, 1);
    scores_reduce(w.score, a->rows, a->neurons, how, mask->r_general, mask->r_specific, w.mean_z);
    set_ratios(mask, &w, a->rows);
    choose_side(mask, &mask->general, mask->r_general, CLASS_GENERAL, &w);
    choose_side(mask, &mask->specific, mask->r_specific, CLASS_SPECIFIC, &w);
    for (size_t i = 0; i < m; i++)
        mask->both += mask->class_bits[i] == (CLASS_GENERAL | CLASS_SPECIFIC);
    set_weights(mask, a, &w);
    work_free(&w);
    return mask;
}

void mask_apply_overrides(struct mask *mask, const struct mask_override *force, int count)
{
    for (int i = 0; i < count; i++) {
        float *w;

        if (force[i].layer != mask->layer || force[i].neuron < 0 ||
            force[i].neuron >= mask->neurons)
            continue;
        w = &mask->weight[force[i].neuron];
        mask->selected += (force[i].in ? 1 : 0) - (*w > 0 ? 1 : 0);
        *w = force[i].in ? 1 : 0;
    }
}

void mask_free(struct mask *mask)
{
    if (!mask)
        return;
    free(mask->r_general);
    free(mask->r_specific);
    free(mask->class_bits);
    free(mask->weight);
    free(mask);
}
