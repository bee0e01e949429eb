/* Draws a matrix of numbers as colours, two rows of data in each row of cells: the character ▀ has
 * the colour of the upper value as its foreground and that of the lower as its background. Only
 * draws; views/panes/heat_grid.c makes the matrix of layers and neurons. */
#ifndef TUI_HEATMAP_H
#define TUI_HEATMAP_H

#include "tui/surface.h"

enum heat_scale { SCALE_SQRT, SCALE_LINEAR, SCALE_LOG, SCALE_RANK, SCALE_COUNT };
enum heat_pool { POOL_MAX, POOL_MEAN, POOL_ABOVE, POOL_COUNT };

const char *heat_scale_name(enum heat_scale scale); /* "√", "linear", "log", "rank" */
const char *heat_pool_name(enum heat_pool pool);    /* "max", "mean", "count" */

/* Pools n values into `bins` bins (bins <= n); bin b holds values [b n / bins, (b + 1) n / bins).
 * POOL_MAX: the value of largest size, with its sign. POOL_MEAN: the mean. POOL_ABOVE: how many are
 * above zero. A value that is not finite makes its bin infinite, which is drawn as an error. */
void heat_pool(const float *x, int n, enum heat_pool pool, float *bin, int bins);

/* A value that is drawn as a vertical line: where a threshold cuts the row. */
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
    const bool *row_stale;     /* [rows], or NULL: rows that are hatched. Beside a row that is not,
                                  in the same row of cells, such a row is not drawn */
};

/* Level 0..255 of a value: t = value / high clamped to 0..1, then sqrt(t), t, 1 + log10(t) / 3
 * (three decades; 0 below) or the value's rank. SCALE_RANK needs `sorted`, n sizes in ascending
 * order. */
int heat_level(double value, double high, enum heat_scale scale, const float *sorted, int n);
/* The same on a ramp with a middle: 128 is zero, 255 is +high, 0 is -high. */
int heat_level_signed(double value, double high, enum heat_scale scale, const float *sorted, int n);
/* Draws from the area's top left; what does not fit is cut. A last row of data without a partner
 * fills the upper half of its cells. */
void heatmap_draw(const struct heatmap *m, struct surface *s, struct rect area);
/* A bar of `cols` columns that shows the ramp from its lowest to its highest level. */
void heat_legend(struct surface *s, struct rect area, int y, int x, int cols, enum ramp ramp);
/* The size that this share (0..1) of the finite values does not exceed; the largest size if that is
 * 0 (nearly all values are zero); 0 without any finite value. */
double heat_clip(const float *value, int n, double share);

#endif
