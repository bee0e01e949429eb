/* Text in columns: how wide it is, and how to cut it. A terminal counts columns, not bytes or code
 * points: "é" is one column in two or three bytes, "語" two columns, a family emoji two columns of
 * seven code points.
 *
 * Nothing here depends on the program's locale. Thread-safe. */
#ifndef TUI_TEXT_H
#define TUI_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#include "tui/surface.h"

struct buf;

struct grapheme {
    char text[CELL_BYTES]; /* NUL-terminated */
    int width;             /* columns: 1 or 2 */
    int32_t code;          /* of the base character */
};

/* Reads the next grapheme of NUL-terminated text (rules: show_cluster()) and moves *text past it;
 * false at the end. Controls, and bytes that are not UTF-8, come out as '?'. */
bool text_next(const char **text, struct grapheme *g);
int text_width(const char *text); /* columns */
/* Appends the text, cut to `cols` columns; a text that is cut ends in "…". */
void text_fit(struct buf *out, const char *text, int cols);
/* The same for a sentence of parts, "edit 3 holds: Rome · says Rome · 1.2 s", the most important
 * one first: whole parts go from the end, then words; only a first word is cut. */
void text_fit_parts(struct buf *out, const char *text, int cols);
/* Appends as many parts, from the first on, as these columns hold; none if not even that. */
void text_parts(struct buf *out, const char *text, int cols);
/* How many bytes of the text make the next line of `cols` columns, broken at a space if possible.
 * At least one character; 0 only at the end. Spaces at the break belong to the line. */
size_t text_line(const char *text, int cols);
/* The next row of text with line breaks, wrapped as above: *row and its bytes *n. Moves *text on,
 * to NULL after the last row; returns false when it is NULL. An empty text is one empty row. */
bool text_row(const char **text, int cols, const char **row, size_t *n);
/* How many rows text_row() makes of it. */
int text_rows(const char *text, int cols);
/* A token as people read it: escaped by show_escape(), spaces at both ends as middle dots. " Rome"
 * -> "·Rome". `out` holds size bytes. Returns out. */
const char *text_piece(char *out, size_t size, const char *piece);
/* What a model said, for one line: as above but without these spaces, and in words if the answer
 * has no token. NULL: nobody asked; then "". Returns out. */
#define TEXT_SAID_NOTHING "nothing: the model ended its turn at once"
const char *text_said(char *out, size_t size, const char *answer);
enum { TEXT_CELL_CODES = 6 }; /* curses takes five code points a cell */
/* What to send a terminal for a cell's text; returns in how many columns the terminal shows it,
 * which may be one less than the cell has. *second is what fills the second column then. */
int text_terminal_cell(const char *text, wchar_t wide[TEXT_CELL_CODES], wchar_t *second);
/* Whether terminals may disagree on the columns of what text_terminal_cell() gives for this text:
 * emoji (tables differ by Unicode version), and letters with marks. */
bool text_width_disputed(const char *text);
/* The nearest ASCII character to a glyph that this program draws; '?' if there is none. */
char text_ascii(int32_t code);
/* "0.0057", "0.891", "2e-4": three significant digits in at most 6 columns. Returns out. */
const char *text_probability(char out[16], double p);
/* "49,152". Returns out. */
const char *text_thousands(char out[32], long long n);

#endif
