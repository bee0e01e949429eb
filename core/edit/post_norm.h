/* What an FFN with a norm behind it (Gemma 3) is to give to that norm, so that the norm adds to the
 * stream what is wanted (editscope-method(7) 7.2). Host arithmetic in float64. Engine thread. */
#ifndef CORE_EDIT_POST_NORM_H
#define CORE_EDIT_POST_NORM_H

#include "core/model/model.h"

/* n(u) = gain * u / sqrt(mean(u^2) + eps) */
struct post_norm {
    int width;
    double *gain; /* [width] */
    double eps;
};

/* The norm behind the FFN of a layer that has one. Free with post_norm_free(), also on failure. */
bool post_norm_fetch(struct post_norm *n, const struct model *m, int layer, struct err *err);
void post_norm_free(struct post_norm *n);

/* out = n(u) */
void post_norm_apply(const struct post_norm *n, const float *u, double *out);
/* |z / rms(z) - y / rms(y)|: how far z turns y */
double post_norm_way(const struct post_norm *n, const float *y, const float *z);
/* share [width] comes as what is left to change of the stream, and becomes the change that turns y,
 * keeping its length, for this layer's part of that. norm [layers]: this layer's, and those of the
 * layers that are written after it. No turn is longer than `most`. */
void post_norm_turn(const struct post_norm *norm, int layers, const float *y, double most,
                    float *share);

#endif
