/* A fact's scoreboard as lines and as a sentence. Pure drawing. */
#ifndef VIEWS_PANES_PANE_SCOREBOARD_H
#define VIEWS_PANES_PANE_SCOREBOARD_H

#include "core/engine/events.h"
#include "tui/surface.h"

/* "rephrase 2/2 · question ✓ · chat ✗ · neighbours 9/10 kept": what the base could not do either
 * is left out of the counts, and said. */
const char *scoreboard_summary(const struct probe_report *board, char out[160]);
/* A line a probe from `top` on, the edit's first; with their answers where there is room. */
void scoreboard_draw(const struct probe_report *board, struct surface *s, struct rect in, int top);

#endif
