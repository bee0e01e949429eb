/* What a view shows as rows and columns, for programs that read tables. */
#ifndef VIEWS_SHEET_H
#define VIEWS_SHEET_H

#include "views/desk.h"

enum { SHEET_COLUMNS = 48 };

struct sheet_cell {
    enum { CELL_NONE, CELL_TEXT, CELL_NUMBER, CELL_WHOLE, CELL_BOOL } kind;
    char *text; /* UTF-8; what was not became U+FFFD */
    double number;
};

struct sheet {
    const char *name; /* of the view */
    char column[SHEET_COLUMNS][32];
    int columns;
    struct sheet_cell *cell; /* [cells], row after row; a row that was not filled is NONE */
    size_t cells, room;
};

/* The rows behind the view of this name. false: it shows no table, or nothing is in it yet. */
bool sheet_of(struct sheet *sheet, const char *view, const struct desk *d);
void sheet_free(struct sheet *sheet);

/* Appends. CSV as RFC 4180 has it, with a header and CRLF; a text that a spreadsheet would take
 * for a formula is as it is. JSON: {"schema": 1, "table": NAME, "rows": [{COLUMN: VALUE}]}.
 * Numbers that are not finite are empty, and null. */
void sheet_csv(const struct sheet *sheet, struct buf *out);
void sheet_json(const struct sheet *sheet, struct buf *out);

/* To fill one: columns first, separated by spaces, then cells from left to right. */
void sheet_columns(struct sheet *sheet, const char *names);
void sheet_text(struct sheet *sheet, const char *text); /* NULL: none */
void sheet_number(struct sheet *sheet, double x);
void sheet_whole(struct sheet *sheet, long n);
void sheet_bool(struct sheet *sheet, bool yes);
void sheet_none(struct sheet *sheet);

#endif
