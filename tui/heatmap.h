/* Heatmaps in half blocks: two rows of data a row of cells. Pure drawing. */
#ifndef TUI_HEATMAP_H
#define TUI_HEATMAP_H

#include "tui/surface.h"

enum heat_scale { SCALE_SQRT, SCALE_LINEAR, SCALE_LOG, SCALE_RANK, SCALE_COUNT };
enum heat_pool { POOL_MAX, POOL_MEAN, POOL_ABOVE, POOL_COUNT };

const char *heat_scale_name(enum heat_scale scale); /* "√", "linear", "log", "rank" */
const char *heat_pool_name(enum heat_pool pool);    /* "max", "mean", "count" */

/* n values into `bins` bins (bins <= n): the value of largest size with its sign, the mean, or
 * how many are above zero. A value that is no number makes its bin infinite. */
void heat_pool(const float *x, int n, enum heat_pool pool, float *bin, int bins);

/* In a row of values: a mark between two columns, as a cut is drawn. */
#define HEAT_RULE (-INFINITY)

struct heatmap {
    const float *value; /* [rows][cols]: NAN not computed yet, +infinite an error, HEAT_RULE */
    int rows, cols;
    double high; /* value of the highest level; the lowest is 0, or -high on a diverging ramp */
    enum heat_scale scale;
    enum ramp ramp;
    int wide;                  /* columns of cells a column of data; below 1 counts as 1 */
    int tall;                  /* half rows of cells a row of data: 1, 2, 4 ...; below 1: 1 */
    const double *row_high;    /* [rows], or NULL: a scale a row */
    const enum ramp *row_ramp; /* [rows], or NULL: a ramp a row */
};

/* Level 0..255 of a value. SCALE_RANK needs `sorted`, n sizes in rising order. */
int heat_level(double value, double high, enum heat_scale scale, const float *sorted, int n);
/* The same on a ramp with a middle: 128 is zero, below it the value is negative. */
int heat_level_signed(double value, double high, enum heat_scale scale, const float *sorted, int n);
/* From the area's top left; what does not fit is cut. Data rows without a partner use the upper
 * half of their cells. */
void heatmap_draw(const struct heatmap *m, struct surface *s, struct rect area);
/* A bar of `cols` columns from the lowest to the highest level. */
void heat_legend(struct surface *s, struct rect area, int y, int x, int cols, enum ramp ramp);
/* The size that `share` (0..1) of the finite values do not exceed; 0 without any. */
double heat_clip(const float *value, int n, double share);

#endif
