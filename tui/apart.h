/* Cells that are written beside curses, because terminals disagree on their width.
 *
 * curses assumes where the cursor is after a character. Where a terminal draws an emoji in one
 * column instead of two, the rest of the row would move, and nothing would erase what is left when
 * the text goes. So curses gets a blank there, and the cell itself is written at its place: with an
 * absolute move before it, and with the cursor put back after it. Rows in which these cells change
 * are redrawn whole. */
#ifndef TUI_APART_H
#define TUI_APART_H

#include "core/base/buf.h"
#include "tui/theme.h"

struct apart {
    struct buf now, before; /* what writes the cells of this frame, and of the last */
};

/* Whether the cell at (y, x) of a screen of w columns belongs here; if so, it is noted. */
bool apart_cell(struct apart *a, const struct paint *paint, enum tier tier, int y, int x, int w);
/* Before curses updates the screen: calls redraw() for the rows to be redrawn. */
void apart_prepare(const struct apart *a, void (*redraw)(int y));
/* After that: writes the cells. The next frame begins. */
void apart_write(struct apart *a, void (*write)(const char *bytes));
void apart_free(struct apart *a);

#endif
