/* A fact's scoreboard as lines and as a sentence. Pure drawing. */
#ifndef VIEWS_PANES_PANE_BOARD_H
#define VIEWS_PANES_PANE_BOARD_H

#include "core/engine/results.h"
#include "tui/surface.h"

/* "rephrase 2/2 · question ✓ · chat ✗ · neighbours 9/10 kept": what the base could not do either
 * is left out of the counts, and said. */
const char *board_words(const struct probed *board, char out[160]);
/* A line a probe from `top` on, the edit's first; with their answers where there is room. */
void board_draw(const struct probed *board, struct surface *s, struct rect in, int top);

#endif
