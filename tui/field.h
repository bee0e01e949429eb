/* An input line: text, a cursor, the editing keys of a shell.
 *
 * Handles characters, Left/Right, Home/End, C-a C-e, C-u C-k C-w, Backspace, Delete, and pastes
 * (their line breaks become spaces). Everything else is left to the caller. */
#ifndef TUI_FIELD_H
#define TUI_FIELD_H

#include "core/base/buf.h"
#include "tui/key.h"
#include "tui/surface.h"

enum { FIELD_MAX = 8192 }; /* bytes; more is dropped */

struct field { /* zero-initialise; field_free() ends it */
    struct buf text;
    size_t at; /* byte offset of the cursor, at a character's start */
};

void field_free(struct field *f);
void field_set(struct field *f, const char *text);      /* cursor at the end */
const char *field_text(const struct field *f);          /* never NULL */
bool field_key(struct field *f, const struct key *key); /* false: not a key of a field */
void field_insert(struct field *f, const char *bytes, size_t n);
/* One line of `cols` columns, scrolled so that the cursor shows; the hardware cursor is put
 * there if `focus`. */
void field_draw(const struct field *f, struct surface *s, struct rect area, int y, int x, int cols,
                bool focus);

#endif
