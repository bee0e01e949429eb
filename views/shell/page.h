/* An edit as one web page: verdict, map, ratios, lens, provenance, and the data behind them. */
#ifndef VIEWS_SHELL_PAGE_H
#define VIEWS_SHELL_PAGE_H

#include "tui/theme.h"
#include "views/ui_state.h"

/* Appends the whole document. It needs no other file and no network. All text is escaped. The
 * results are in it as lines of a recording, which `editscope view` opens (events_from_file.c). */
void page_write(const struct ui_state *d, const struct theme *theme, struct buf *out);

#endif
