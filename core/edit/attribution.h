/* Attribution scores of one layer (editscope-method(7) 3): immutable once built, shared by a
 * reference count between the engine and the screen. Arrays are dense, row by row: element (b, i)
 * of an [N][M] array is at b * M + i. Any thread. */
#ifndef CORE_EDIT_ATTRIBUTION_H
#define CORE_EDIT_ATTRIBUTION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/err.h"

enum strategy { STRATEGY_LPS, STRATEGY_PSA, STRATEGY_MPC };

struct attribution {
    atomic_int refs;
    unsigned id;         /* of the run: all layers of one run share it */
    unsigned generation; /* of the weights view it was computed under */
    enum strategy strategy;
    int layer, layers; /* this layer, layers of the model */
    int rows, neurons; /* N, M */
    double amplify;    /* amplification of Eq. 2 it was computed with */
    int words;         /* attr.words, if that many words were drawn for its sums; 0: all are in */
    float *score;      /* [N][M]: LPS in nats (Eq. 3), PSA in probability, MPC a coefficient */
    float *activation; /* [N][M]: neuron coefficients m_i at the scored position */
    float *slope;      /* [N][M]: d score / d amplify; NULL: not computed, or not known */
    float *curve;      /* [N][M]: d2 score / d amplify2; NULL as the slope */
    float *value_norm; /* [M]: ||v_i|| */
    int *target;       /* [N]: the token whose probability is explained */
    double *base_logp; /* [N]: log p(target) of the lens before any amplification */
    double seconds;    /* wall time of this layer */
    float *key;        /* [keys][M]: the layer's edit key of each request, for mask.mode = keymag */
    int keys;          /* 0: not known (previews, recordings of 0.1.0) */
    unsigned draw;     /* a number of its facts, for mask.mode = redrawn; 0: not known, as keys */
};

/* All arrays allocated, zeroed (slope and curve only if `curves`); refs = 1. */
struct attribution *attribution_new(int layer, int rows, int neurons, bool curves);
/* Gives it the keys [keys][M], which are copied. */
void attribution_set_keys(struct attribution *a, const float *key, int keys);
/* Whether all its numbers are finite; ERR_FORMAT names the layer, what, the row and the neuron. */
bool attribution_is_finite(const struct attribution *a, struct err *err);
/* The neurons of the highest scores in any row (Eq. 5), the best first, of equal ones the lower; at
 * most `wanted` of them into out. Returns how many. */
int attribution_strongest(const struct attribution *a, int wanted, int *out);
/* The highest score of a neuron in any row. */
double attribution_strength(const struct attribution *a, int neuron);
struct attribution *attribution_ref(struct attribution *a);
void attribution_unref(struct attribution *a); /* NULL is fine; any thread */

#endif
