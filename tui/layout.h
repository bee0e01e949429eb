/* Rectangles in, rectangles out: pure functions of sizes, tested on every size. */
#ifndef TUI_LAYOUT_H
#define TUI_LAYOUT_H

#include <stdbool.h>

#include "tui/surface.h"

/* One slice of a row or column of rectangles. */
struct slice {
    int min;    /* rows or columns below which it is better not shown */
    int want;   /* enough to be complete; beyond it only `weight` counts */
    int weight; /* share of what is left over; 0: never more than want */
    int drop;   /* who goes first when room is short: the highest; 0: never */
};

/* Cuts `area` into n slices from top to bottom (or left to right). Slices with no room get a size
 * of zero. What is shown lies inside, never overlaps, and fills the area if any has weight. */
void layout_rows(struct rect area, const struct slice *slice, int n, struct rect *out);
void layout_columns(struct rect area, const struct slice *slice, int n, struct rect *out);

bool rect_empty(struct rect r);
bool rect_has(struct rect r, int y, int x);
/* h x w in the middle of r, cut to fit. */
struct rect rect_middle(struct rect r, int h, int w);

#endif
