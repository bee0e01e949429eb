/* The small furniture of a pane: frame, slider, meter, button. Pure drawing. */
#ifndef TUI_BOX_H
#define TUI_BOX_H

#include "tui/surface.h"

/* A rounded frame with a title on the left and a hint on the right of its upper edge. Returns the
 * inside (one column of air on both sides). Frames too small for an inside draw nothing. */
struct rect box_draw(struct surface *s, struct rect area, const char *title, const char *hint,
                     bool focus);
/* Words in the lower edge; "" is fine. */
void box_foot(struct surface *s, struct rect area, const char *text);
/* A line of `cols` columns with a knob at t (0..1). */
void slider_draw(struct surface *s, struct rect area, int y, int x, int cols, double t, bool focus);
/* A bar of `cols` columns filled to t, in eighths. */
void meter_draw(struct surface *s, struct rect area, int y, int x, int cols, double t,
                enum role role);
/* One cell high as t: ▁▂▃▄▅▆▇█ */
const char *bar_glyph(double t);

/* Where a list is: the row under the cursor and the first one shown. */
struct list {
    int at, top;
};

/* Keeps both in range and the cursor in sight of `shown` rows. Moves by `by` first. */
void list_move(struct list *l, int by, int count, int shown);
/* The first row to draw: as list_move() would leave it, without changing anything. */
int list_top(const struct list *l, int count, int shown);
/* Where to write row y. The one under the cursor (`here`) stands out, and screen readers are led to
 * its column x (-1: they are not). */
struct pen list_row(struct surface *s, struct rect in, int y, bool here, int x);

#endif
