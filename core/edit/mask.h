/* From attribution scores to a neuron mask (paper Eq. 4 to 8; editscope-method(7) 4).
 *
 * A pure function of scores and parameters: no device, no model, no state. The screen calls it for
 * every change of a parameter, the engine for every edit, and both get the same mask. Any thread.
 */
#ifndef CORE_EDIT_MASK_H
#define CORE_EDIT_MASK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/edit/attribution.h"

struct params;

enum { CLASS_GENERAL = 1, CLASS_SPECIFIC = 2 }; /* bits; a neuron can be both */
const char *class_name(unsigned bits);          /* "none", "general", "specific", "both" */

struct mask_side {      /* one of the two kinds, general or specific */
    double H, rho, tau; /* entropy of Eq. 6/7 in [0,1], ratio, threshold on the score */
    int chosen;         /* neurons of this kind, both included */
    double ties;        /* share of the chosen and unchosen neurons that sit exactly at tau */
    double next_up, next_down; /* quantile_ge: nearest rho above/below at which the choice
                                  changes (NAN if none); topk: rho +- 1/M */
};

struct mask {
    int layer, neurons;
    struct mask_side general, specific;
    int both, selected;  /* intersection of the two kinds; neurons with weight > 0 */
    float *r_general;    /* [M] Eq. 4, 0..N */
    float *r_specific;   /* [M] Eq. 5 */
    uint8_t *class_bits; /* [M] CLASS_* */
    float *weight;       /* [M] 0..1: what the update's column is multiplied with */
    bool elsewhere;      /* mask.mode = previous: which neurons it keeps, the scores of another fact
                            say. Weights are NAN, and `selected` is 0 */
};

/* The mask of one layer from parameters score.*, ratio.*, select.*, mask.* : the same wherever it
 * is made, for all it needs comes with the scores. mask.mode = keymag takes the attribution's
 * first key; where none is known, the mean |activation|. mask.mode = random draws round(rho M)
 * neurons where rho is mask.density, or the union's size if that is 0, by seed and layer; redrawn
 * does so by the fact as well. Never fails. Free with mask_free(). */
struct mask *mask_build(const struct attribution *a, const struct params *p);
/* True if the mask mode sets the ratio of this side, so that Eq. 6 (general) or Eq. 7 (specific)
 * has no effect on it: fixed sets both, pooled the specific one. */
bool mask_mode_sets_ratio(const struct params *p, bool general);
/* One neuron that is in or out of the mask whatever its scores say. */
struct mask_override {
    int layer, neuron;
    bool in;
};
/* Forces those of the mask's layer: weight 1 or 0, `selected` follows; classes stay what they are.
 * Neurons that are not there are left out. */
void mask_apply_overrides(struct mask *mask, const struct mask_override *force, int count);
void mask_free(struct mask *mask);

#endif
