/* Panes about the states of a session: drift, differences, bisection, one edit. They only draw. */
#ifndef VIEWS_PANES_PANE_HISTORY_H
#define VIEWS_PANES_PANE_HISTORY_H

#include "views/ui_state.h"

/* Reliability and locality over the edits; until they are measured, p(target) right after each
 * edit. */
void pane_drift(const struct ui_state *d, struct surface *s, struct rect area);
/* What differs between two states: changed columns and norms per layer, and every probe whose
 * answer changed. */
void pane_diff(const struct ui_state *d, struct surface *s, struct rect area);
/* The states that a bisection has asked, at their places, and the edit it found. */
void pane_bisect(const struct ui_state *d, struct surface *s, struct rect area);
/* One edit; NULL: the base. In pane_details.c. */
void pane_details(const struct ui_state *d, const struct history_entry *e, struct surface *s,
                  struct rect area);
/* The local time of day "14:02", with `date` also the day. Returns out. */
const char *format_clock(double when, bool date, char out[32]);

#endif
