/* The rows behind each view, as a table that :export writes as CSV, JSON, Markdown or LaTeX. */
#ifndef VIEWS_VIEW_TABLES_H
#define VIEWS_VIEW_TABLES_H

#include "core/base/table.h"
#include "views/view.h"

/* Fills a table named after the view, with what it is about (view_ops.about). false: the view has
 * no table, or nothing is in it yet. */
bool view_table_of(struct table *table, const struct view_ops *view, const struct ui_state *d);

/* The functions that view_ops.table can name. Each adds columns, then rows; false: no rows. A view
 * with a table of its own writes it in its own file. */
bool table_of_neurons(struct table *s, const struct ui_state *d);
bool table_of_heatmap(struct table *s, const struct ui_state *d);
bool table_of_ratios(struct table *s, const struct ui_state *d);
bool table_of_lens(struct table *s, const struct ui_state *d);
bool table_of_answers(struct table *s, const struct ui_state *d);
bool table_of_history(struct table *s, const struct ui_state *d);
bool table_of_facts(struct table *s, const struct ui_state *d);
bool table_of_variants(struct table *s, const struct ui_state *d);

/* What of the edits can be exported, ended by NULL: the KIND of :export and of `export --as`. */
extern const char *const export_kinds[];
/* Whether the files hold the model as it was, since the exported state has no edit. */
bool export_is_unedited(const struct export_report *x);

/* Endings of files that hold the picture; table_forms[] has those that hold rows. */
enum { PICTURE_SVG, PICTURE_ANSI, PICTURE_TEXT, PICTURE_FORMS };
extern const char *const picture_endings[PICTURE_FORMS];
/* All endings of :export: pictures, the web page, tables; NULL ends them. */
enum { EXPORT_ENDINGS = 16 };
#define PAGE_ENDING ".html"
void export_endings(const char *out[EXPORT_ENDINGS]);

#endif
