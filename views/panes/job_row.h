/* The jobs as one line, in the right half of the status row of every view, and the words that this
 * line, the Jobs view and plain mode share. UI thread. */
#ifndef VIEWS_PANES_JOB_ROW_H
#define VIEWS_PANES_JOB_ROW_H

#include "tui/surface.h"
#include "views/ui_state.h"

/* The time left, "6 s", "2 min", "6 s+" (at least), or else the share that is done, "20 %"; "" if
 * neither is known. Returns out. */
const char *job_left_text(const struct ui_state *d, const struct ui_job *card, char out[24]);
const char *job_share_text(const struct progress *progress, char out[24]); /* "20 %" or "" */
const char *job_seconds_text(double seconds, bool more, char out[24]); /* "6 s+"; "": under 1 s */
const char *job_glyph(const struct ui_job *card);
/* Draws "▸ preview 6 s  ○ commit  ○ map 20 %" at the right end: over at most half of the line, and
 * down to a third of it where the message at the left needs `left` columns. Returns the column that
 * it begins at; line.w: nothing runs. */
int job_row_draw(const struct ui_state *d, struct surface *s, struct rect line, int left);

#endif
