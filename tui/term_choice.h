/* What the screen uses of a terminal: how many colours, which glyphs, and why. Decided from the
 * environment and from what the terminfo database states about TERM; curses is not asked here. */
#ifndef TUI_TERM_CHOICE_H
#define TUI_TERM_CHOICE_H

#include <stdbool.h>

#include "tui/colour.h"

/* What the database states about TERM. term.c fills it. */
struct term_stated {
    const char *name; /* TERM; "dumb" if it is not set */
    const char *read; /* the description that is used: TERM's, or that of a likely stand-in */
    bool known;       /* TERM has a description here */
    bool places_cursor;
    int colours; /* 0: none */
    bool direct; /* its colours are RGB values */
};

enum { COLOURS_INDEXED = 256, COLOURS_DIRECT = 1 << 24 };

struct term_choice {
    enum tier tier; /* what to draw with */
    int colours;    /* COLOURS_*: how to select them, whatever is stated; 0: as stated */
    char why[96];   /* "COLORTERM=truecolor" */
};

/* Chooses the colours. `color` is the option --color; NULL: auto. */
struct term_choice term_choose_colours(const struct term_stated *stated, const char *color);
enum tier term_tier_of(int colours);
/* The description to use where TERM's is missing: xterm-256color if TERM looks like a terminal of
 * that family, else vt100. */
const char *term_stand_in(const char *name);
/* Sets the program's locale; numbers keep the decimal point. Returns whether text is UTF-8, and
 * writes why. */
bool term_choose_locale(char why[96]);
/* Whether the terminal of this name (NULL: none) draws text without the glyphs of braille. */
bool term_lacks_braille(const char *name);
/* Describes what would be used, in words. */
struct term_report;
void term_describe(const struct term_stated *stated, struct term_report *out);

#endif
