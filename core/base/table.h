/* A table: named columns and typed cells, filled row by row, written as text, CSV, JSON, Markdown
 * or LaTeX. Everything in the program that has rows fills one of these, so each format is written
 * in one place.
 *
 *   struct table t = {.name = "layers"};
 *   table_columns(&t, "layer gain");
 *   table_integer(&t, 5), table_real(&t, 0.93);        row 0
 *   table_to_csv(&t, &out);
 *   table_free(&t);
 *
 * Texts and names are copied. One thread at a time. */
#ifndef CORE_BASE_TABLE_H
#define CORE_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

enum cell_kind { CELL_MISSING, CELL_TEXT, CELL_INTEGER, CELL_REAL, CELL_BOOL };

struct table_cell {
    enum cell_kind kind;
    char *text; /* UTF-8; other bytes became U+FFFD */
    long long integer;
    double real;
};

/* How a column looks in text. CSV and JSON always get the full value (reals with 9 digits). */
struct table_column {
    char *name;
    char as;       /* printf's d, f, g or s; p: a share as "12.3 %"; 0: by the kind of each cell */
    int width;     /* minimal display columns; negative: flush left; 0: that of the widest cell */
    int precision; /* as in printf; -1: not given */
    int gap;       /* spaces before the column */
};

struct table { /* zero-initialise, or {.name = ...}; table_free() ends it */
    const char *name;
    struct table_column *column;
    int columns;
    struct table_cell *cell; /* [cells], row after row */
    size_t cells, room;
    char *about; /* what the rows are of, or NULL; table_about() */
};

/* First add the columns: names separated by spaces, */
void table_columns(struct table *t, const char *names);
/* or names with their formats, separated by as many spaces as the text output has between columns:
 * "layer%5d  null fraction%13.4f  selected%9.1p  answer%s". */
void table_layout(struct table *t, const char *layout);
/* Then add cells from left to right, row after row. */
void table_text(struct table *t, const char *text); /* NULL: missing */
void table_format(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_integer(struct table *t, long long n);
void table_real(struct table *t, double x); /* NaN and infinities become missing */
void table_bool(struct table *t, bool yes);
void table_missing(struct table *t);
/* One line about all rows. Markdown has it below the table, LaTeX as a comment, JSON as "about",
 * CSV as a last column that is empty after the first row; text does not show it. Copied. */
void table_about(struct table *t, const char *text);
size_t table_row_count(const struct table *t); /* complete rows */
void table_free(struct table *t);

/* The writers append to `out`. A missing cell is "-" in text, null in JSON and empty elsewhere.
 *
 * Text: titles, then rows in aligned columns. To print rows as they arrive, print the titles alone
 * and then each row alone; the columns then need a width, because later cells are not known yet. */
void table_to_text(const struct table *t, struct buf *out);
void table_titles_to_text(const struct table *t, struct buf *out);
void table_row_to_text(const struct table *t, size_t row, struct buf *out);
/* RFC 4180: a header line, CRLF line ends. Texts that look like formulas are not changed. */
void table_to_csv(const struct table *t, struct buf *out);
/* {"schema": 1, "table": NAME, "about": TEXT, "rows": [{COLUMN: VALUE}]} */
void table_to_json(const struct table *t, struct buf *out);
/* GitHub's Markdown. */
void table_to_markdown(const struct table *t, struct buf *out);
/* A tabular environment with the rules of the booktabs package. */
void table_to_latex(const struct table *t, struct buf *out);

/* The file formats, by the ending of the file name; an empty ending ends the list. */
struct table_form {
    const char *ending; /* ".csv" */
    void (*write)(const struct table *t, struct buf *out);
};
extern const struct table_form table_forms[];

#endif
