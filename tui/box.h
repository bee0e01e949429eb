/* The small parts that panes are drawn with: frame, slider, meter, list row. They only draw.
 *
 *   ╭ Title ───────────────── hint ╮   box_draw(); the area inside is returned
 *   │ ━━━━━━━━●──────────   0.303  │   slider_draw()
 *   │ ██████▍                      │   meter_draw()
 *   ╰ foot ────────────────────────╯   box_foot() */
#ifndef TUI_BOX_H
#define TUI_BOX_H

#include "tui/surface.h"

/* Draws a rounded frame with a title on the left and a hint on the right of its upper edge, both
 * optional (""). The hint is left out where the title needs its room. Returns the area inside, with
 * one blank column on both sides: (h - 2) x (w - 4). A frame below 3 x 6 draws nothing and returns
 * an empty area. */
struct rect box_draw(struct surface *s, struct rect area, const char *title, const char *hint,
                     bool focus);
/* Writes text into the lower edge of a frame drawn before; "" does nothing. */
void box_foot(struct surface *s, struct rect area, const char *text);
/* A line of `cols` columns with a round knob at t (0..1). */
void slider_draw(struct surface *s, struct rect area, int y, int x, int cols, double t, bool focus);
/* A bar of `cols` columns filled to t (0..1), in steps of an eighth of a column. */
void meter_draw(struct surface *s, struct rect area, int y, int x, int cols, double t,
                enum role role);
/* A bar one cell wide, as high as t (0..1): " ▁▂▃▄▅▆▇█". */
const char *bar_glyph(double t);

/* Position in a list longer than its pane: the row under the cursor, and the first row shown. */
struct list {
    int at, top;
};

/* Moves the cursor by `by` rows, keeps it within [0, count), and scrolls so that it is among the
 * `shown` rows. */
void list_move(struct list *l, int by, int count, int shown);
/* The first row to draw: what list_move() would set, without changing anything. */
int list_top(const struct list *l, int count, int shown);
/* Prepares row y of a list and returns a pen at its start. Where `here` is true the row is filled
 * as selected, and the hardware cursor, which screen readers follow, is put at column x (-1: it is
 * not). */
struct pen list_row(struct surface *s, struct rect in, int y, bool here, int x);

#endif
