/* Top activations: for each neuron of a few layers its largest coefficients in a text, by absolute
 * value, and the tokens they were at (max-activating examples).
 *
 * Fed with the coefficients that second moments are summed from (core/edit/moments_text.h), and
 * kept in the cache folder, a small file a layer under the name of the moments' sums. Without the
 * file they are computed again. Engine thread. */
#ifndef CORE_EDIT_TOP_ACTIVATIONS_H
#define CORE_EDIT_TOP_ACTIVATIONS_H

#include "core/edit/moments.h"

enum { TOP_ACTIVATIONS_KEPT = 3 };

struct top_activations {
    struct moments_origin origin;
    int layers, neurons;
    int *layer;   /* [layers] */
    long tokens;  /* of the text that are in it */
    float *value; /* [layers][M][TOP_ACTIVATIONS_KEPT] coefficients, the largest first; 0: none */
    int *at;      /* the same: index of the token in the text */
};

/* Empty, for the layers of these moments. */
struct top_activations *top_activations_new(const struct moments *m);
void top_activations_free(struct top_activations *c); /* NULL is fine */
/* coeff [n][M] of layer c->layer[index] at tokens first .. first + n of the text. */
void top_activations_add(struct top_activations *c, int index, const float *coeff, int n,
                         long first);
/* Writes them to the cache, atomically; reads them back. A file that is missing, damaged or of
 * something else leaves c empty: false. */
bool top_activations_save(const struct top_activations *c, const struct moments *m,
                          struct err *err);
bool top_activations_load(struct top_activations *c, const struct moments *m);

#endif
