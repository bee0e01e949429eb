/* Text in columns: widths and cutting.
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

/* The next grapheme of NUL-terminated text (show_cluster()) and moves *text past it; false at the
 * end. Controls, and bytes that are not UTF-8, come out as '?'. */
bool text_next(const char **text, struct grapheme *g);
int text_width(const char *text); /* columns */
/* Appends the text, cut to `cols` columns; a cut ends in an ellipsis. */
void text_fit(struct buf *out, const char *text, int cols);
/* How many bytes of the text make the next line of `cols` columns, broken at a space if it can;
 * at least one character, 0 only at the end. Spaces at the break belong to the line. */
size_t text_line(const char *text, int cols);
/* The next row of text that may hold line breaks, wrapped as above: *row and its bytes. Moves *text
 * on, to NULL behind the last row; false when it is NULL. An empty text is one empty row. */
bool text_row(const char **text, int cols, const char **row, size_t *n);
/* A vocabulary piece as show_escape() shows it, with leading spaces as middle dots. `out` holds
 * size bytes. */
const char *text_piece(char *out, size_t size, const char *piece);
enum { TEXT_CELL_CODES = 6 }; /* curses takes five code points a cell */
/* What of a cell's text is sent to a terminal; returns in how many columns one shows it. No two
 * terminals agree on the width of joined emoji, flags, keycaps and variants; all agree on that of
 * one character. So a cluster is its first character and a flag its two letters: what stands behind
 * it is in its place, and nothing of it stays when it goes. *second: what fills a second column. */
int text_terminal_cell(const char *text, wchar_t wide[TEXT_CELL_CODES], wchar_t *second);
/* The nearest ASCII character to a glyph of ours, '?' if there is none. */
char text_ascii(int32_t code);
/* 0.0057, 0.891, 2e-4: three digits that mean something, in at most 6 columns. */
const char *text_probability(char out[16], double p);
/* 49,152 */
const char *text_thousands(char out[32], long long n);

#endif
