/* A table: named columns and typed cells. What has rows fills one; each form that a table takes,
 * for people or for programs, is written here and nowhere else.
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
    char *text; /* UTF-8; what was not became U+FFFD */
    long long integer;
    double real;
};

/* How people see a column; programs get its name and the whole value (reals: 9 digits). */
struct table_column {
    char *name;
    char as;       /* printf's d, f, g, s, or p: a share as "12.3 %"; 0: as the cells are */
    int width;     /* columns in text, at least; negative: flush left; 0: its widest cell */
    int precision; /* printf's of the kind; -1: none was given */
    int gap;       /* blanks before it in text */
};

struct table { /* zero-initialise, or {.name = ...}; table_free() ends it */
    const char *name;
    struct table_column *column;
    int columns;
    struct table_cell *cell; /* [cells], row after row */
    size_t cells, room;
};

/* Columns first: names alone, with blanks between them, or names and how people see them, with as
 * many blanks between them as text shall have: "layer%5d  null fraction%13.4f  kept%7.1p  says%s".
 */
void table_columns(struct table *t, const char *names);
void table_layout(struct table *t, const char *layout);
/* Then cells from left to right, row after row. */
void table_text(struct table *t, const char *text); /* NULL: missing */
void table_format(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void table_integer(struct table *t, long long n);
void table_real(struct table *t, double x); /* missing where it is not finite */
void table_bool(struct table *t, bool yes);
void table_missing(struct table *t);
size_t table_row_count(const struct table *t); /* whole ones */
void table_free(struct table *t);

/* Each appends. What is missing is "-" in text and nothing elsewhere, null in JSON.
 * Text: titles, then rows in columns; of one row or of the titles alone where rows are printed as
 * they come, which needs widths. Only the last column may be wider than it is said to be. */
void table_to_text(const struct table *t, struct buf *out);
void table_titles_to_text(const struct table *t, struct buf *out);
void table_row_to_text(const struct table *t, size_t row, struct buf *out);
/* RFC 4180: a header, CRLF; a text that a spreadsheet would take for a formula is as it is. */
void table_to_csv(const struct table *t, struct buf *out);
/* {"schema": 1, "table": NAME, "rows": [{COLUMN: VALUE}]} */
void table_to_json(const struct table *t, struct buf *out);
/* As GitHub's Markdown has tables. */
void table_to_markdown(const struct table *t, struct buf *out);
/* A tabular with the rules of booktabs. */
void table_to_latex(const struct table *t, struct buf *out);

/* The forms that are files, by their ending; an empty ending ends the list. */
struct table_form {
    const char *ending; /* ".csv" */
    void (*write)(const struct table *t, struct buf *out);
};
extern const struct table_form table_forms[];

#endif
