/* The live parameters, "knobs": those that have a slider on the Edit view and act at once. Pure. */
#ifndef VIEWS_KNOBS_H
#define VIEWS_KNOBS_H

#include "core/base/params.h"

enum knob {
    KNOB_ALPHA_GE,
    KNOB_ALPHA_SP,
    KNOB_BETA_GE,
    KNOB_BETA_SP,
    KNOB_TAU,
    KNOB_AMPLIFY,
    KNOB_COUNT
};

/* How a knob is shown and stepped. A knob may show 1 / parameter: the temperature τ is stored as
 * its inverse. */
struct knob_info {
    enum param param;
    const char *symbol, *label;
    double low, high, step; /* of the slider; step is a factor where log */
    bool log, inverse;      /* inverse: 1/parameter is shown */
    const char *equation;
};

const struct knob_info *knob_info(enum knob knob);
/* Where the slider's knob is, 0..1; logarithmic for τ and the amplification. */
double knob_position(const struct params *p, enum knob knob);
/* Steps the parameter up or down. Steps land on multiples of `step`, or multiply by it where
 * `log`. */
void knob_step(struct params *p, enum knob knob, int steps);
/* The value as shown, "0.303". Returns out. */
const char *knob_text(const struct params *p, enum knob knob, char out[16]);
/* What people call a parameter and its value: its name and four digits; where a knob shows the
 * inverse, what that says (τ 0.033). */
const char *param_word(enum param id);
const char *param_symbol(enum param id); /* the same by its symbol, if it has one */
const char *param_value_words(const struct params *p, enum param id, char out[48]);
/* The next word of a parameter that is a choice, such as mask.mode, or the previous one (by -1);
 * the first follows the last. */
void choice_step(struct params *p, enum param param, int by);
/* What its word means, for the choices that have a key; else "". */
const char *choice_meaning(const struct params *p, enum param param);

#endif
