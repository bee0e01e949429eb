/* Line charts in braille dots: ranks by layer, losses by step. Pure drawing. */
#ifndef TUI_CHART_H
#define TUI_CHART_H

#include "tui/surface.h"

struct series {
    const double *y; /* NAN: no point there */
    int count;       /* points, spread evenly over the width of `points` */
    enum role role;
};

struct chart {
    const struct series *series;
    int count;
    int points;       /* along x; 0: the longest series */
    double low, high; /* range of y; low at the bottom (high may be the smaller: ranks) */
    bool log;         /* y is shown as its logarithm; both ends must be > 0 */
};

/* The curves alone fill the area; labels are the caller's. Later series lie on top. */
void chart_draw(const struct chart *c, struct surface *s, struct rect area);
/* The same with every third dot only: another time, another state. */
void chart_draw_dotted(const struct chart *c, struct surface *s, struct rect area);
/* Row (0 at the top) where y lies in an area of h rows. */
int chart_row(const struct chart *c, double y, int h);

#endif
