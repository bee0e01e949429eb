/* The live knobs: which parameters they are, and how they step. Pure. */
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

struct knob_info {
    enum param param;
    const char *symbol, *label;
    double low, high, step; /* of the slider; step is a factor where log */
    bool log, inverse;      /* inverse: 1/parameter is shown */
    const char *equation;
};

const struct knob_info *knob_info(enum knob knob);
double knob_position(const struct params *p, enum knob knob); /* 0..1 along the slider */
void knob_step(struct params *p, enum knob knob, int steps);
const char *knob_text(const struct params *p, enum knob knob, char out[16]);
/* A choice's next word. */
void choice_next(struct params *p, enum param param);

#endif
