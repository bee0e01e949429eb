/* How a mask stands among random masks of the same size, on the host alone.
 *
 * The engine's solver_chance() does the same for what is on a device; this one needs neither
 * device nor solver, for runs and sessions that are only looked at. Pure and thread-safe. */
#ifndef CORE_EDIT_MASK_CHANCE_H
#define CORE_EDIT_MASK_CHANCE_H

/* key [M] and x [M] are one layer's edit key and unmasked solution, weight [M] the mask (NULL: all
 * ones), C [M][M] the second moment, symmetric, or NULL. Random masks are the weights shuffled over
 * the neurons, `draws` of them; the same seed gives the same ones. With xm = weight * x,
 * gain = k^T xm and leak = xm^T C xm:
 * *gain_percentile: share (0..100) of random masks with a smaller gain, equal ones counting half.
 * *leak_ratio_percentile: the same for leak / gain^2, where less is better; NAN if C is NULL.
 * Products are float32, draws M^2 / 2 multiply-adds: 200 draws take about 13 ms at M = 1536. */
void mask_chance(const float *key, const float *x, const float *weight, int M, const double *C,
                 int draws, unsigned seed, double *gain_percentile, double *leak_ratio_percentile);

#endif
