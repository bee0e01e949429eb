/* Selection of neurons by their scores: the highest, a quantile, a share of the mass, at random
 * (paper Eq. 8; editscope-method(7) 4.6, 4.7). Pure functions; any thread. All are O(n). */
#ifndef CORE_EDIT_SELECT_H
#define CORE_EDIT_SELECT_H

#include <stdint.h>

struct selection {
    double threshold; /* topk: the lowest chosen score (the highest one if none is chosen);
                         quantile: the quantile itself */
    int chosen;
    double ties; /* share of all n that hold the lowest chosen score, 0 if only one does */
    double next_up, next_down; /* nearest ratio above/below that changes the choice, or NAN */
};

/* Marks `bit` in bits [n] of exactly round(ratio n) places with the highest score [n]. Equal
 * scores: the higher tie_break [n] first, then the lower index; tie_break NULL: by a hash of the
 * index. work [3n]. Scores must not be NaN. */
struct selection select_topk(const float *score, const float *tie_break, int n, double ratio,
                             uint32_t *work, uint8_t *bits, uint8_t bit);
/* Marks all places with score >= quantile(score, 1 - ratio), computed as torch.quantile does for
 * float32 (linear interpolation). work [3n]. */
struct selection select_quantile(const float *score, int n, double ratio, uint32_t *work,
                                 uint8_t *bits, uint8_t bit);
/* weight [n] = 1 for the largest |x| that together hold at least `mass` of the sum of |x|, 0
 * elsewhere; equal ones by index. Returns how many. work [3n]. */
int select_mass(const float *x, int n, double mass, uint32_t *work, float *weight);
/* weight [n] = 1 at `count` places drawn without replacement. work [n]. */
void select_random(int n, int count, uint64_t seed, uint32_t *work, float *weight);

#endif
