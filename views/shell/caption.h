/* The strip above the status line: what happens now in one sentence, what to press, and the keys
 * that were pressed. Shown by the tour, by a recorded run and by --present. Pure drawing.
 *
 *   ── 3 of 7 · preview ─────────────────────────────────── x  2  +  +  P ──
 *   The edit is tried on a copy of the weights. Nothing is written, and you
 *   see what the model would say.                          [ P ]  Esc ends it */
#ifndef VIEWS_SHELL_CAPTION_H
#define VIEWS_SHELL_CAPTION_H

#include "tui/surface.h"
#include "views/actions.h"

enum { CAST_KEYS = 10 };

/* The keys that were pressed last, oldest first; letters typed one after another are one text. */
struct key_cast {
    char shown[CAST_KEYS][24];
    int count;
    bool text;          /* the last one is a text that the next letter joins */
    enum action action; /* what the last one did; ACTION_NONE: it was typed, or did nothing */
};

void key_cast_add(struct key_cast *c, int32_t code, bool typed, enum action action);

struct caption { /* borrowed */
    char title[48];
    const char *sentence;
    char press[96];              /* at the right end of the last row */
    const struct key_cast *keys; /* NULL: not shown */
};

/* Rows that the strip takes of a screen of h rows and w columns. */
int caption_rows(int h, int w);
void caption_draw(const struct caption *caption, struct surface *s, struct rect area);

#endif
