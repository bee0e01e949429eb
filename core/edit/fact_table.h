/* Facts as rows of a table whose first line names the columns: CSV, or the same with ; or tabs. */
#ifndef CORE_EDIT_FACT_TABLE_H
#define CORE_EDIT_FACT_TABLE_H

#include <stdbool.h>

#include <jansson.h>

#include "core/base/err.h"

typedef bool fact_table_row(void *ctx, const json_t *record, int line, struct err *err);

/* Whether the first line of the text names a column for a subject and others beside it. */
bool fact_table_is(const char *text);
/* Calls `row` for each row with what its cells hold as one object; cells that are empty are left
 * out of it. `line`: that of the text's first byte. A row with other than the named cells is
 * ERR_FORMAT. */
bool fact_table_read(const char *text, int line, fact_table_row *row, void *ctx, struct err *err);

#endif
