/* The mask of a layer: from the scores of its neurons to the weights that its update is multiplied
 * with (editscope-method(7) 4). The steps, each a function below, for N rows and M neurons:
 *
 *   scores    A [N][M], cleaned: a score that is not finite counts as 0
 *   reduced   general r_ge [M]: in how many rows is the neuron above the mean    scores_reduce()
 *             specific r_sp [M]: its highest score in any row
 *   entropy   H_ge, H_sp in 0 ... 1: how evenly is the score spread over the neurons
 *   ratio     rho = a H^gamma + b: the flatter the scores, the more neurons   set_ratios()
 *   threshold tau: the lowest of the round(rho M) highest r (topk), or the
 *             (1 - rho) quantile of r (quantile_ge)                              choose_side()
 *   class     general, specific, both or none: a side takes r >= tau; topk
 *             takes only some of those with r = tau, see below
 *   weight    by mask.mode; union: 1 for all but class none                      set_weights()
 *
 * The example of editscope-method(7) 4.9, with the defaults:
 *
 *   A  .9 -.2  .1  0  .4 -.5  .05 .3      r_ge  3  1  1  0  2  1  0  3
 *      .7  .2 -.1  0  .5 -.4  .1  .2      r_sp .9 .2 .2  0 .5 .6 .1 .3
 *      .8 -.3  .2  0 -.1  .6  .02 .25
 *
 *   H_ge = .00555, rho_ge = .1 H_ge + .3 = .3006, round(.3006 * 8) = 2: neurons 0 and 7
 *   H_sp = .836,   rho_sp = .1 H_sp + .2 = .2836, round(.2836 * 8) = 2: neurons 0 and 5
 *   union: 0, 5, 7 of 8
 *
 * r_ge has N + 1 values at most, so that many neurons tie at tau. topk breaks ties by the mean
 * z-score; quantile_ge takes all of them, as the released code does, and the share it takes jumps.
 *
 * The screen builds the masks of all layers for each change of a parameter (30 layers of 1536
 * neurons in a few milliseconds), so nothing here sorts; see select.c and scores.c. */
#include "core/edit/mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/base/params.h"
#include "core/edit/scores.h"
#include "core/edit/select.h"

/* rho_sp of mask.mode = pooled. */
static const double pooled_ratio = 0.7;

const char *class_name(unsigned bits)
{
    static const char *const name[] = {"none", "general", "specific", "both"};

    return name[bits & (CLASS_GENERAL | CLASS_SPECIFIC)];
}

/* What one call works with. `score` is that of the attribution, or a cleaned copy. */
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
    if (!scores_finite(a->score, n)) { /* a score that is not finite counts as 0 */
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

/* kappa of editscope-method(7) 4.4; with ratio.scale = unit divided by the largest |x|. */
static float inverse_temperature(const struct params *p, const float *x, int n)
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

        h += scores_softmax_entropy(row, neurons, inverse_temperature(w->p, row, neurons),
                                    w->scratch);
    }
    return rows ? h / rows : 0;
}

/* Eq. 7: entropy of the maxima. */
static double specific_entropy(const struct work *w, const float *maxima, int neurons)
{
    if (params_choice(w->p, P_RATIO_SP_DIST) == DIST_L1)
        return scores_share_entropy(maxima, neurons, w->scratch);
    return scores_softmax_entropy(maxima, neurons, inverse_temperature(w->p, maxima, neurons),
                                  w->scratch);
}

static double ratio_of(const struct params *p, double h, enum param a, enum param b,
                       enum param gamma)
{
    return clamped(p->value[b] + p->value[a] * pow(h, p->value[gamma]), 0, 1);
}

bool mask_mode_sets_ratio(const struct params *p, bool general)
{
    int mode = params_choice(p, P_MASK_MODE);

    return mode == MODE_FIXED || (mode == MODE_POOLED && !general);
}

static void set_ratios(struct mask *mask, const struct work *w, int rows)
{
    const struct params *p = w->p;

    mask->general.H = clamped(general_entropy(w, rows, mask->neurons), 0, 1);
    mask->specific.H = clamped(specific_entropy(w, mask->r_specific, mask->neurons), 0, 1);
    mask->general.rho = ratio_of(p, mask->general.H, P_RATIO_GE_A, P_RATIO_GE_B, P_RATIO_GE_GAMMA);
    mask->specific.rho =
        ratio_of(p, mask->specific.H, P_RATIO_SP_A, P_RATIO_SP_B, P_RATIO_SP_GAMMA);
    if (mask_mode_sets_ratio(p, true))
        mask->general.rho = p->value[P_MASK_FIXED_GE];
    if (mask_mode_sets_ratio(p, false))
        mask->specific.rho =
            params_choice(p, P_MASK_MODE) == MODE_POOLED ? pooled_ratio : p->value[P_MASK_FIXED_SP];
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

    /* Where all scores are equal the quantile selects every neuron. The released code does so (its
     * clamp makes scores equal), and with attr.clamp we do; else round(rho M) neurons are taken. */
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

/* mask.mode = soft: the sigmoid of the z-scores of r_sp. All weights are above 0. */
static void set_soft_weights(struct mask *mask)
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

/* The neurons of the largest |key|, as many as the union has. */
static void set_largest_weights(struct mask *mask, const float *key, const struct work *w)
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

static void set_key_weights(struct mask *mask, const struct attribution *a, const struct work *w)
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
        set_largest_weights(mask, key, w);
}

/* `draw` is 0, or a number of the fact. */
static void set_random_weights(struct mask *mask, uint64_t draw, const struct work *w)
{
    double density = w->p->value[P_MASK_DENSITY];
    uint64_t seed = ((uint64_t)w->p->value[P_SEED] << 16 | (uint64_t)mask->layer) ^ draw << 32;
    int count = density > 0 ? (int)lround(density * mask->neurons) : union_size(mask);

    select_random(mask->neurons, count, seed, w->order, mask->weight);
}

/* Class bits (0 to 3) to weights. */
static void set_class_weights(struct mask *mask, int mode)
{
    static const float table[][4] = {
        [MODE_UNION] = {0, 1, 1, 1},      [MODE_GENERAL] = {0, 1, 0, 1},
        [MODE_SPECIFIC] = {0, 0, 1, 1},   [MODE_FIXED] = {0, 1, 1, 1},
        [MODE_OVERLAP] = {0, 0, 0, 1},    [MODE_NONOVERLAP] = {0, 1, 1, 0},
        [MODE_POOLED] = {0, 0, 1, 1},     [MODE_NONE] = {1, 1, 1, 1},
        [MODE_COMPLEMENT] = {1, 0, 0, 0},
    };

    for (int i = 0; i < mask->neurons; i++)
        mask->weight[i] = table[mode][mask->class_bits[i]];
}

static void set_weights(struct mask *mask, const struct attribution *a, const struct work *w)
{
    int mode = params_choice(w->p, P_MASK_MODE);

    switch (mode) {
    case MODE_SOFT:
        set_soft_weights(mask);
        break;
    case MODE_KEYMAG:
        set_key_weights(mask, a, w);
        break;
    case MODE_RANDOM:
        set_random_weights(mask, 0, w);
        break;
    case MODE_REDRAWN:
        set_random_weights(mask, a->draw, w);
        break;
    case MODE_PREVIOUS:
        mask->elsewhere = true;
        for (int i = 0; i < mask->neurons; i++)
            mask->weight[i] = NAN;
        break;
    default:
        set_class_weights(mask, mode);
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
