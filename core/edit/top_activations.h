/* Where in a text a neuron speaks loudest: for each neuron of a few layers the largest
 * coefficients, by absolute value, and the tokens they stood at.
 *
 * Fed with the coefficients that second moments are summed from (core/edit/moments_text.h), in the
 * order of the text, and kept in the cache folder, a small file a layer under the name of the
 * moments' sums. Without the file they are made again. Belongs to the device's thread. */
#ifndef CORE_EDIT_TOP_ACTIVATIONS_H
#define CORE_EDIT_TOP_ACTIVATIONS_H

#include "core/edit/moments.h"

enum { TOP_ACTIVATIONS_KEPT = 3 };

struct top_activations {
    struct moments_origin origin;
    int layers, neurons;
    int *layer;   /* [layers] */
    long tokens;  /* of the text that were heard, from its beginning */
    float *value; /* [layers][M][TOP_ACTIVATIONS_KEPT] coefficients, the loudest first; 0: none */
    int *at;      /* the same: index of the token in the text */
};

/* None heard yet, for the layers of these moments. */
struct top_activations *top_activations_new(const struct moments *m);
void top_activations_free(struct top_activations *c); /* NULL is fine */
/* coeff [n][M] of layer c->layer[index] at tokens first .. first + n of the text. */
void top_activations_add(struct top_activations *c, int index, const float *coeff, int n,
                         long first);
/* Writes them to the cache, atomically; reads them back. A file that is of something else,
 * damaged or not there leaves c with none heard: false. */
bool top_activations_save(const struct top_activations *c, const struct moments *m,
                          struct err *err);
bool top_activations_load(struct top_activations *c, const struct moments *m);

#endif
