/* Cuts rectangles into rectangles: how panes share the screen. Pure functions of sizes; layout_test
 * tries them on every size. */
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

/* Cuts `area` into n slices from top to bottom (layout_rows) or left to right (layout_columns); n
 * <= 16. A slice without room gets size 0. The slices lie inside, never overlap, and fill the area
 * if any of them has a weight. */
void layout_rows(struct rect area, const struct slice *slice, int n, struct rect *out);
void layout_columns(struct rect area, const struct slice *slice, int n, struct rect *out);

bool rect_empty(struct rect r);
bool rect_has(struct rect r, int y, int x);
/* An h x w rectangle in the middle of r, cut to fit. */
struct rect rect_middle(struct rect r, int h, int w);

#endif
