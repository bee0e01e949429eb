/* A fact's scoreboard, as rows and as a sentence. */
#ifndef VIEWS_PANES_PANE_SCOREBOARD_H
#define VIEWS_PANES_PANE_SCOREBOARD_H

#include "core/engine/events.h"
#include "tui/surface.h"

/* "rephrase 2/2 · question 1/1 · chat 0/1 · neighbours 9/10 kept". Probes that the base fails are
 * not counted, and their number is given. Returns out. */
const char *scoreboard_summary(const struct probe_report *board, char out[160]);
/* What the probes pane shows, and where: a row for each probe, wrapped and never cut. */
struct scoreboard {
    int at;     /* the row under the cursor */
    int opened; /* the row that is open, from 1; 0: none */
};

/* Moves the cursor by so many rows of the board (NULL: there are none). */
void scoreboard_move(struct scoreboard *w, const struct probe_report *board, int by);
/* The row at line y of the area; -1: none. */
int scoreboard_row_at(const struct scoreboard *w, const struct probe_report *board, struct rect in,
                      int y);
/* Draws the rows, the cursor only with `focus`, and returns how many lines are below the area. */
int scoreboard_draw(const struct scoreboard *w, const struct probe_report *board, bool focus,
                    struct surface *s, struct rect in);

#endif
