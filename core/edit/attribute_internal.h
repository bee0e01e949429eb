/* An attribution run, for the files that compute its scores: attribute.c (the forward pass),
 * attribute_stage.c (prepares a layer), attribute_words.c (which words of the vocabulary it takes),
 * attribute_layers.c (LPS, PSA), attribute_estimate.c (MPC). */
#ifndef CORE_EDIT_ATTRIBUTE_INTERNAL_H
#define CORE_EDIT_ATTRIBUTE_INTERNAL_H

#include "core/edit/attribute.h"

struct attribute_run {
    const struct model_state *view;
    struct params params;
    unsigned id;
    int rows, layers, neurons, hidden, vocab;
    int *pick;       /* [rows] row of the packed pass that is scored */
    int *target;     /* [rows] */
    struct mat h, m; /* [layers * rows, d], [layers * rows, M] at the scored positions */
    struct mat scratch_h, scratch_m;
    float *rms2; /* [rows] mean square of the final hidden state, centred if the norm centres */
    float eps;
    int queue_depth; /* tiles that the host may queue beyond the one at work */
};

/* What the tiles of a layer read and write on the device. */
struct layer_work {
    struct mat values;     /* [d, M] diag(g) W_l, see lens_contribution() */
    struct mat lens;       /* [N, d] g * h: the unperturbed lens before the head */
    struct mat base;       /* [N, V] */
    struct mat add;        /* [1, V] W_U beta, where it is not in the base; data NULL: none */
    struct mat coeff;      /* [N, M] c of editscope-method(7) 3.5 */
    struct mat base_scale; /* [N, M] attr.norm = own: 1 / rms of each perturbed vector */
    struct lps_state state;
};

/* The part of the vocabulary that a layer's sums take (attr.words). */
struct attribute_words {
    int count;       /* K */
    int *id;         /* [K] tokens, ascending */
    float *weight;   /* [K] log of how many words each stands for */
    int *target;     /* [N] index of each row's explained token */
    struct mat head; /* [K, d] their rows of the unembedding */
};

void layer_work_free(struct layer_work *w, struct device *dev);
/* An attribution of a layer of this run that holds no scores yet. */
struct attribution *attribute_empty(const struct attribute_run *run, int layer,
                                    enum strategy strategy, bool curves);
/* Queues a copy of the coefficients of the layer to a->activation; there after device_sync(). */
void attribute_fetch_activation(struct attribute_run *run, int layer, struct attribution *a);
/* Takes the mean from x [d], if the final norm is a layer norm. */
void attribute_centre(const struct attribute_run *run, float *x);
double attribute_square(const float *x, int n); /* |x|^2 */
/* Whether a neuron only adds to the unperturbed logits: neither the norm (attr.norm = own) nor a
 * softcap changes them. */
bool attribute_base_is_fixed(const struct attribute_run *run);
/* Fills w with what the tiles of the layer need, and activation and value_norm of `a`. own_base
 * [N][M], unless NULL (attr.norm = own): the factor of the base for each row and neuron. */
bool attribute_stage(struct attribute_run *run, int layer, struct attribution *a,
                     struct layer_work *w, float *own_base, struct err *err);
/* Chooses words by the unperturbed lens w->base [N, V] and shrinks it to [N, K], the weights added.
 * base_logp [N]: log p(target) over the whole vocabulary. *out is NULL, and nothing changed, where
 * attr.words is 0 or not less than the vocabulary, and where the base is not fixed, since a weight
 * cannot be added to it there. */
bool attribute_words_choose(struct attribute_run *run, struct layer_work *w, double *base_logp,
                            struct attribute_words **out, struct err *err);
void attribute_words_free(struct attribute_words *s, struct device *dev);
/* 1 / rms of each row of h itself: the unperturbed lens under attr.norm = own. */
bool attribute_own_scale(struct attribute_run *run, int layer, float *scale, struct err *err);
/* norm [M]: the length of each column of values [d, M]. */
bool attribute_norms(struct attribute_run *run, struct mat values, float *norm, struct err *err);
/* MPC: the coefficient, times ||v||, or times the target's direct projection U_y
 * (editscope-method(7) 3.6). The caller has filled a->activation, for norms a->value_norm too, and
 * w->values = diag(g) W_l. */
bool attribute_project(struct attribute_run *run, struct layer_work *w, struct attribution *a,
                       struct err *err);

#endif
