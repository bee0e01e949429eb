/* An input field of one line or several: text, a cursor, and the editing keys of a shell.
 *
 * Keys: characters, Left/Right (C-b C-f), Home/End (C-a C-e), C-u (delete all), C-k (delete to the
 * end), C-w (delete a word), Backspace, Delete (C-d), and pastes. In a field of one line, line
 * breaks of a paste become spaces. A field of several lines keeps them, makes them of C-j and
 * Alt-Enter, and moves between lines with Up and Down. field_key() returns false for every other
 * key. */
#ifndef TUI_FIELD_H
#define TUI_FIELD_H

#include "core/base/buf.h"
#include "tui/key.h"
#include "tui/surface.h"

enum { FIELD_MAX = 8192 }; /* bytes; more is dropped */

/* Frees the text; the field is empty and usable afterwards. */
struct field { /* zero-initialise; field_free() ends it */
    struct buf text;
    size_t at;  /* byte offset of the cursor, at a character's start */
    bool lines; /* line breaks are kept */
};

void field_free(struct field *f);
/* Replaces the text and puts the cursor at its end. */
void field_set(struct field *f, const char *text);
/* The text, never NULL; valid until the field changes. */
const char *field_text(const struct field *f);
/* Applies a key. Returns false if it is not a key of a field. */
bool field_key(struct field *f, const struct key *key);
/* Draws one line of `cols` columns at (y, x) of the area, scrolled so that the cursor is seen, but
 * never further than the text needs. With `focus` the hardware cursor is put there. */
void field_draw(const struct field *f, struct surface *s, struct rect area, int y, int x, int cols,
                bool focus);
/* How many rows a field of several lines takes when wrapped to `cols` columns; at least 1. */
int field_rows(const struct field *f, int cols);
/* Draws a field of several lines on the whole area, wrapped, and scrolled so that the cursor is
 * seen. */
void field_draw_rows(const struct field *f, struct surface *s, struct rect area, bool focus);

#endif
