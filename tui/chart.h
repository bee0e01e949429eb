/* Line charts in braille characters: ranks by layer, losses by step. A cell holds 2 x 4 dots, so an
 * area of h x w cells has 4h x 2w of them. Only curves are drawn here; axes and labels are the
 * caller's, who asks chart_row() where a value lies. */
#ifndef TUI_CHART_H
#define TUI_CHART_H

#include "tui/surface.h"

struct series {
    const double *y; /* NAN: no point there */
    int count;       /* points, spread evenly over the width of `points` */
    enum role role;
    const char *mark; /* this character at points; NULL: a line through them */
};

struct chart {
    const struct series *series;
    int count;
    int points;       /* along x; 0: the longest series */
    double low, high; /* range of y; low at the bottom (high may be the smaller: ranks) */
    bool log;         /* y is shown as its logarithm; both ends must be > 0 */
};

/* Draws the curves over the whole area. Where two lines meet in a cell, the one drawn later takes
 * the cell: a cell can have one colour only. Marks lie over lines. */
void chart_draw(const struct chart *c, struct surface *s, struct rect area);
/* The row (0 at the top) where y lies in an area of h rows; values out of range lie on the edge. */
int chart_row(const struct chart *c, double y, int h);

#endif
