/* A surface as a picture: SVG 1.1 with every colour written out, for papers and web pages. */
#ifndef TUI_SVG_H
#define TUI_SVG_H

#include "tui/theme.h"

struct buf;

enum { SVG_CELL_W = 8, SVG_CELL_H = 17 }; /* user units a cell */

/* Appends text for XML: & < > " escaped, characters that XML does not allow become '?'. */
void svg_escape(struct buf *out, const char *text);
/* Appends the whole document. Blocks, shades, braille dots and frame lines become shapes, so that
 * they join without gaps in every font; other text becomes one <text> per run of cells that look
 * alike, stretched to its columns. Colours are the theme's direct ones, whatever the terminal
 * shows; where the theme leaves a colour to the terminal, black on white (light) or white on black.
 * `title` is escaped, like all text. */
void svg_surface(const struct surface *s, const struct theme *theme, bool ascii, const char *title,
                 struct buf *out);

#endif
