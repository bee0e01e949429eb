/* An input line, or a few: text, a cursor, the editing keys of a shell.
 *
 * Handles characters, Left/Right, Home/End, C-a C-e, C-u C-k C-w, Backspace, Delete, and pastes
 * (their line breaks become spaces). A field of several lines keeps line breaks, makes them of C-j
 * and Alt-Enter, and handles Up and Down between its lines. Everything else is left to the
 * caller. */
#ifndef TUI_FIELD_H
#define TUI_FIELD_H

#include "core/base/buf.h"
#include "tui/key.h"
#include "tui/surface.h"

enum { FIELD_MAX = 8192 }; /* bytes; more is dropped */

struct field { /* zero-initialise; field_free() ends it */
    struct buf text;
    size_t at;  /* byte offset of the cursor, at a character's start */
    bool lines; /* line breaks are kept */
};

void field_free(struct field *f);
void field_set(struct field *f, const char *text);      /* cursor at the end */
const char *field_text(const struct field *f);          /* never NULL */
bool field_key(struct field *f, const struct key *key); /* false: not a key of a field */
/* One line of `cols` columns, scrolled so that the cursor shows; the hardware cursor is put
 * there if `focus`. */
void field_draw(const struct field *f, struct surface *s, struct rect area, int y, int x, int cols,
                bool focus);
/* The rows that a field of several lines takes in `cols` columns, at least 1. */
int field_rows(const struct field *f, int cols);
/* The same on the whole area, wrapped; scrolled so that the cursor shows. */
void field_draw_rows(const struct field *f, struct surface *s, struct rect area, bool focus);

#endif
