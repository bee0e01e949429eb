/* What is known of a session's states, as panes: pure pictures of the desk. */
#ifndef VIEWS_PANES_PANE_HISTORY_H
#define VIEWS_PANES_PANE_HISTORY_H

#include "views/ui_state.h"

/* Reliability and locality over the edits; until they are measured, p(target) right after each. */
void pane_drift(const struct ui_state *d, struct surface *s, struct rect area);
/* What lies between two states: columns and norms a layer, and every question that changed. */
void pane_diff(const struct ui_state *d, struct surface *s, struct rect area);
/* The states asked, in place, and the edit that was found. */
void pane_bisect(const struct ui_state *d, struct surface *s, struct rect area);
/* pane_details.c: one edit, NULL: the base. */
void pane_details(const struct ui_state *d, const struct history_entry *e, struct surface *s,
                  struct rect area);
/* The local time of day, with `date` the day as well. Returns out. */
const char *format_clock(double when, bool date, char out[32]);

#endif
