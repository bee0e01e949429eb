/* The rows behind each view, as a table for export. */
#ifndef VIEWS_SHEETS_H
#define VIEWS_SHEETS_H

#include "core/base/table.h"
#include "views/view.h"

/* Fills a table of the view's name. false: it shows no table, or nothing is in it yet. */
bool sheet_of(struct table *table, const struct view_ops *view, const struct desk *d);

/* What view_ops.table can be; a view that has another writes it in its own file. */
bool sheet_neurons(struct table *s, const struct desk *d);
bool sheet_heatmap(struct table *s, const struct desk *d);
bool sheet_ratios(struct table *s, const struct desk *d);
bool sheet_lens(struct table *s, const struct desk *d);
bool sheet_query(struct table *s, const struct desk *d);
bool sheet_history(struct table *s, const struct desk *d);
bool sheet_facts(struct table *s, const struct desk *d);
bool sheet_tries(struct table *s, const struct desk *d);

/* Endings of files that hold the picture; table_forms[] has those that hold the rows. */
enum { PICTURE_SVG, PICTURE_ANSI, PICTURE_TEXT, PICTURE_FORMS };
extern const char *const picture_endings[PICTURE_FORMS];

#endif
