/* Ranges and steps of the live parameters. The table has one row per knob: parameter, symbol,
 * label, slider range, step, logarithmic, inverse, equation of the paper. */
#include "views/knobs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/show.h"

static const struct knob_info knobs[KNOB_COUNT] = {
    {P_RATIO_GE_A, "α_ge", "scaler gen.", -1, 1, 0.01, false, false, "Eq. 6"},
    {P_RATIO_SP_A, "α_sp", "scaler spec.", -1, 1, 0.01, false, false, "Eq. 7"},
    {P_RATIO_GE_B, "β_ge", "bias gen.", 0, 1, 0.01, false, false, "Eq. 6"},
    {P_RATIO_SP_B, "β_sp", "bias spec.", 0, 1, 0.01, false, false, "Eq. 7"},
    {P_RATIO_INV_TEMP, "τ", "temperature", 1e-3, 10, 1.1, true, true, "Eq. 6"},
    {P_ATTR_AMPLIFY, "×", "amplify", 1, 1000, 1.1, true, false, "Eq. 2"},
};

const struct knob_info *knob_info(enum knob knob)
{
    return &knobs[knob];
}

/* The value as it is shown. */
static double knob_value(const struct params *p, enum knob knob)
{
    double v = p->value[knobs[knob].param];

    return knobs[knob].inverse ? 1 / v : v;
}

double knob_position(const struct params *p, enum knob knob)
{
    const struct knob_info *k = &knobs[knob];
    double v = knob_value(p, knob);

    if (!k->log)
        return (v - k->low) / (k->high - k->low);
    return v <= k->low ? 0 : log(v / k->low) / log(k->high / k->low);
}

/* Sets the shown value, within the parameter's own range, which may be wider than the slider's. */
static void knob_set(struct params *p, enum knob knob, double value)
{
    const struct knob_info *k = &knobs[knob];
    const struct param_info *info = param_info(k->param);
    double v = k->inverse ? 1 / value : value;

    if (!isfinite(v))
        return;
    v = v < info->low ? info->low : v > info->high ? info->high : v;
    p->value[k->param] = v;
    p->source[k->param] = FROM_COMMAND_LINE;
}

/* A logarithmic knob at 10 or more moves to a whole number: 10, 11, 13, 15 ... */
void knob_step(struct params *p, enum knob knob, int steps)
{
    const struct knob_info *k = &knobs[knob];
    double v = knob_value(p, knob);

    if (!k->log) {
        knob_set(p, knob, round((v + steps * k->step) / k->step) * k->step);
        return;
    }
    v = (v < k->low ? k->low : v) * pow(k->step, steps);
    if (!k->inverse && v >= 10)
        v = steps > 0 ? ceil(v - 1e-9) : floor(v + 1e-9);
    knob_set(p, knob, v);
}

const char *knob_text(const struct params *p, enum knob knob, char out[16])
{
    double v = knob_value(p, knob);

    snprintf(out, 16, fabs(v) >= 10 ? "%.4g" : fabs(v) < 0.001 && v != 0 ? "%.1e" : "%.3f", v);
    return out;
}

/* The knob that shows the parameter as its inverse; KNOB_COUNT: none does. */
static enum knob inverse_knob(enum param id)
{
    enum knob k = 0;

    while (k < KNOB_COUNT && !(knob_info(k)->param == id && knob_info(k)->inverse))
        k++;
    return k;
}

const char *param_word(enum param id)
{
    enum knob k = inverse_knob(id);

    return k < KNOB_COUNT ? knob_info(k)->symbol : param_info(id)->name;
}

const char *param_symbol(enum param id)
{
    bool own = *param_info(id)->symbol && inverse_knob(id) == KNOB_COUNT;

    return own ? param_info(id)->symbol : param_word(id);
}

const char *param_value_words(const struct params *p, enum param id, char out[48])
{
    enum knob k = inverse_knob(id);
    struct buf value = {0};

    params_show(p, id, &value);
    if (k < KNOB_COUNT)
        knob_text(p, k, out);
    else if (param_info(id)->kind == PARAM_NUMBER && !param_is_auto(p, id))
        snprintf(out, 48, "%.4g", strtod(value.data, NULL));
    else
        show_print(out, 48, "%s", value.data);
    buf_free(&value);
    return out;
}

void choice_step(struct params *p, enum param param, int by)
{
    int words = (int)param_info(param)->high + 1;

    p->value[param] = (params_choice(p, param) + words + by) % words;
    p->source[param] = FROM_COMMAND_LINE;
}

const char *choice_meaning(const struct params *p, enum param param)
{
    static const struct {
        enum param param;
        const char *word, *meaning;
    } meanings[] = {
        {P_MASK_MODE, "union", "general or specific neurons (Eq. 8)"},
        {P_MASK_MODE, "general", "general neurons only"},
        {P_MASK_MODE, "specific", "specific neurons only"},
        {P_MASK_MODE, "fixed", "the union, with ratios that do not depend on the entropy"},
        {P_MASK_MODE, "overlap", "neurons that are both general and specific"},
        {P_MASK_MODE, "nonoverlap", "neurons that are general or specific, not both"},
        {P_MASK_MODE, "soft", "every neuron, weighted by its score"},
        {P_MASK_MODE, "pooled", "specific neurons at the ratio 0.7"},
        {P_MASK_MODE, "random", "as many neurons as the union, drawn by the seed"},
        {P_MASK_MODE, "keymag", "the neurons with the largest coefficients"},
        {P_MASK_MODE, "none", "every neuron: no mask"},
        {P_MASK_MODE, "complement", "the neurons that the union leaves out"},
        {P_MASK_MODE, "redrawn", "as many neurons as the union, drawn again for each fact"},
        {P_MASK_MODE, "previous", "the neurons that the facts of the edit before have"},
        {P_SELECT_RULE, "topk", "the ρ M highest scores; of equal ones the lowest index"},
        {P_SELECT_RULE, "topk_hash", "the ρ M highest scores; of equal ones by a hash"},
        {P_SELECT_RULE, "quantile_ge", "all scores at or above the 1 - ρ quantile"},
        {P_MASK_COMPENSATE, "none", "a masked update stays as it is"},
        {P_MASK_COMPENSATE, "gain", "a masked update is scaled up to the gain without a mask"},
        {P_MASK_COMPENSATE, "auto", "gain, in layers whose mask keeps less than 0.8 of it"},
        {P_ATTR_TARGET, "pred", "what the model predicts"},
        {P_ATTR_TARGET, "old", "the old object"},
        {P_ATTR_TARGET, "new", "the new object"},
    };

    for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
        if (meanings[i].param == param && !strcmp(meanings[i].word, params_word(p, param)))
            return meanings[i].meaning;
    return "";
}
