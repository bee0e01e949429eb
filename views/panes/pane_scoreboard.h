/* A fact's scoreboard, as rows and as a sentence. Only draws. */
#ifndef VIEWS_PANES_PANE_SCOREBOARD_H
#define VIEWS_PANES_PANE_SCOREBOARD_H

#include "core/engine/events.h"
#include "tui/surface.h"

/* "rephrase 2/2 · question 1/1 · chat 0/1 · neighbours 9/10 kept". Probes that the base fails are
 * not counted, and their number is given. Returns out. */
const char *scoreboard_summary(const struct probe_report *board, char out[160]);
/* One row per probe from `top` on, the edit's own first; with the answers where there is room. */
void scoreboard_draw(const struct probe_report *board, struct surface *s, struct rect in, int top);

#endif
