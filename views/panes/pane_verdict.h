/* Draws the rows of a verdict card. Only draws. */
#ifndef VIEWS_PANES_PANE_VERDICT_H
#define VIEWS_PANES_PANE_VERDICT_H

#include "views/verdict_card.h"

/* The lines that all rows take in this many columns. `opened`: the row that shows all it knows; -1:
 * none. */
int card_height(const struct card *c, int opened, int cols);
/* Draws the rows from line `top` on. `at`: the row under the cursor; -1: there is no cursor. */
void card_draw(const struct card *c, int at, int opened, int top, struct surface *s,
               struct rect in);
/* The first line to draw so that row `at` is in the middle of h lines, as far as there are rows. */
int card_top(const struct card *c, int at, int opened, int h, int cols);
/* The row at line y of what card_draw() drew; -1: none. */
int card_row_at(const struct card *c, int opened, int top, int y, int cols);

/* The verdict as a pane: as many of the main rows as there is room for. */
void pane_verdict(const struct ui_state *d, struct surface *s, struct rect area, bool focus);

#endif
