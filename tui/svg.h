/* A surface as a picture: SVG 1.1 with every colour spelled out. */
#ifndef TUI_SVG_H
#define TUI_SVG_H

#include "tui/theme.h"

struct buf;

enum { SVG_CELL_W = 8, SVG_CELL_H = 17 }; /* user units a cell */

/* Appends the document. Blocks, shades, braille dots and lines are shapes, so they join without
 * gaps in every font; other text is one run a role, stretched to its columns. The theme's direct
 * colours whatever the terminal shows; where it leaves one to the terminal, black on white or
 * white on black. `title` is escaped, like all text. */
void svg_surface(const struct surface *s, const struct theme *theme, bool ascii, const char *title,
                 struct buf *out);

#endif
