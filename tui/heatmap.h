/* Heatmaps in half blocks: two rows of data a row of cells. Pure drawing. */
#ifndef TUI_HEATMAP_H
#define TUI_HEATMAP_H

#include "tui/surface.h"

enum heat_scale { SCALE_SQRT, SCALE_LINEAR, SCALE_LOG, SCALE_RANK, SCALE_COUNT };
enum heat_pool { POOL_MAX, POOL_MEAN, POOL_COUNT };

const char *heat_scale_name(enum heat_scale scale); /* "√", "linear", "log", "rank" */
const char *heat_pool_name(enum heat_pool pool);    /* "max", "mean" */

/* n values into `bins` bins (bins <= n): the largest |x|, or the mean |x|. */
void heat_pool(const float *x, int n, enum heat_pool pool, float *bin, int bins);

struct heatmap {
    const float *value; /* [rows][cols]: NAN not computed yet, infinite an error */
    int rows, cols;
    double high; /* value of the highest level; the lowest is 0 */
    enum heat_scale scale;
    enum ramp ramp;
};

/* Level 0..255 of a value. SCALE_RANK needs `sorted`, n values in rising order. */
int heat_level(double value, double high, enum heat_scale scale, const float *sorted, int n);
/* One column of cells a column of data, one row of cells two rows of data; from the area's top
 * left, what does not fit is cut. Data rows without a partner use the upper half. */
void heatmap_draw(const struct heatmap *m, struct surface *s, struct rect area);
/* A bar of `cols` columns from the lowest to the highest level. */
void heat_legend(struct surface *s, struct rect area, int y, int x, int cols, enum ramp ramp);

#endif
