/* A plot of points over two metrics, with its axes: pane_plot.c. Compare draws its random masks
 * with it, Sweep its plane. */
#ifndef VIEWS_PANES_PANE_PLOT_H
#define VIEWS_PANES_PANE_PLOT_H

#include "tui/surface.h"

struct plot {
    int metric[2];          /* of x and y, in metric_table */
    double low[2], high[2]; /* their ranges: 0 of x, 1 of y */
    bool log[2];            /* of values above 0 that lie far apart, the logarithm is shown */
};

/* Starts ranges, adds a point to them (NAN: it has none), and widens them in the end by 6 % on both
 * sides, so that no point lies on the frame; more where the values differ by nothing that counts,
 * so that noise is no scale. plot_widen() is false if there was no point. */
void plot_begin(struct plot *p, const char *x, const char *y); /* names of metrics */
void plot_include(struct plot *p, double x, double y);
bool plot_widen(struct plot *p);
/* Draws axes and scale into the area inside a frame, and returns where the points go; empty if
 * there is too little room. */
struct rect plot_axes(const struct plot *p, struct surface *s, struct rect in);
/* The cell of a point; y grows downwards. False: it lies outside, or is NAN. */
bool plot_cell(const struct plot *p, double x, double y, struct rect points, int *row, int *col);

#endif
