/* Texts that name keys. A key is written as its action in braces, "{attribute} scores them", and
 * becomes the key that is bound to it now, in the view that is shown: "x scores them". Where no key
 * is bound it becomes the command, ":attribute", and in plain mode the word to type, "attribute".
 *
 * host->message() takes such texts as its format. Whoever draws a hint prints it by one of these.
 * Only the format is looked at, never what is printed into it, so a prompt may hold braces. */
#ifndef VIEWS_HINT_H
#define VIEWS_HINT_H

#include <stdarg.h>

#include "tui/surface.h"
#include "views/actions.h"
#include "views/ui_state.h"

enum { HINT_MAX = 240 };

void hint_vprint(const struct ui_state *d, char *out, size_t n, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));
void hint_print(const struct ui_state *d, char *out, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for a text in which % is no format. Returns out. */
const char *hint_text(const struct ui_state *d, char out[HINT_MAX], const char *text);
/* The key of one action alone, as it would stand in such a text. Returns out. */
const char *hint_key(const struct ui_state *d, char out[HINT_MAX], enum action action);
/* box_draw(), surface_text() and surface_lines() with such a text. Of a file that is shown without
 * its model (ui_state.viewed), a text that names a key which asks the engine is not true: then the
 * box has no hint, and the others say HINT_NOT_THERE. */
#define HINT_NOT_THERE "not in this file; no model is open"
struct rect hint_box(const struct ui_state *d, struct surface *s, struct rect area,
                     const char *title, const char *hint, bool focus);
void hint_draw(const struct ui_state *d, struct surface *s, struct rect area, int y, int x,
               enum role role, const char *text);
int hint_lines(const struct ui_state *d, struct surface *s, struct rect area, int y, enum role role,
               const char *text);

#endif
