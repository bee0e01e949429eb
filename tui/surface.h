/* A grid of cells that views draw on. The terminal, a test, or a file (text, ANSI, SVG) shows it.
 *
 * A cell holds one grapheme of one or two columns and says what it *means*, not how it looks:
 *
 *   view        draws    surface_text(s, area, 2, 5, ROLE_ERROR, "failed")
 *   cell        holds    {text "f", role ERROR, backdrop DIALOG, fg/bg: no colour slot}
 *   palette.c   looks up the theme: ERROR is #ff5f5f on DIALOG's background, bold
 *   term.c      sends    what this terminal can show of that
 *
 * So a view never names a colour, a theme never names a view, and a golden screen in
 * tests/screens/ stays the same when a theme changes: it records characters and role letters only.
 *
 * Two things colour a cell beyond its role:
 *
 *   backdrop     the role whose background is seen where the cell's own role has none: text on a
 *                selected row or in a dialog. surface_fill() sets it; text written later keeps it.
 *   colour slot  a number for a colour that is not the role's, used by heatmaps and bars. 0: none;
 *                1 + ramp * 256 + level: level 0..255 of a ramp; 0x8000 | role: another role's
 *                foreground.
 *
 * A surface belongs to one thread. All coordinates are (row, column) from the top left, relative
 * to an area; nothing is ever written outside the area. */
#ifndef TUI_SURFACE_H
#define TUI_SURFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(id, name in theme files, letter in golden screens): what a piece of text means. Goldens depend
 * on the letters, so a letter is never reused: a new role takes a free one. */
#define ROLES(X)                                                            \
    X(TEXT, "text", 'a')                 /* plain text on the background */ \
    X(DIM, "dim", 'b')                   /* labels, axes, hints */          \
    X(STRONG, "strong", 'c')             /* values that matter */           \
    X(BORDER, "border", 'd')             /* a pane's frame */               \
    X(BORDER_FOCUS, "border.focus", 'e') /* the frame of the focused one */ \
    X(TITLE, "title", 'f')                                                  \
    X(HINT, "hint", 'g')     /* the right end of a frame */                 \
    X(BANNER, "banner", 'h') /* the first line */                           \
    X(BANNER_NAME, "banner.name", 'i')                                      \
    X(BASE, "state.base", 'j') /* whose weights are loaded */               \
    X(PREVIEW, "state.preview", 'k')                                        \
    X(EDITED, "state.edited", 'l')                                          \
    X(STATUS, "status", 'm') /* the line above the footer */                \
    X(GOOD, "good", 'n')                                                    \
    X(WARN, "warn", 'o')                                                    \
    X(ERROR, "error", 'p')                                                  \
    X(KEY, "key", 'q') /* a key's name in footer and help */                \
    X(TAB, "tab", 'r')                                                      \
    X(TAB_ACTIVE, "tab.active", 's')                                        \
    X(SELECTED, "selected", 't') /* the row under the cursor */             \
    X(FIELD, "field", 'u')       /* an input line */                        \
    X(TOKEN, "token", 'v')                                                  \
    X(SUBJECT, "subject", 'w')                                              \
    X(LOOKUP, "lookup", 'x') /* the subject's last token */                 \
    X(SLOT, "slot", 'y')     /* the {} of a template */                     \
    X(OLD, "old", 'z')       /* the old object */                           \
    X(NEW, "new", 'A')       /* the new object */                           \
    X(ACCENT, "accent", 'B')                                                \
    X(GENERAL, "general", 'C')                                              \
    X(SPECIFIC, "specific", 'D')                                            \
    X(BOTH, "both", 'E')                                                    \
    X(NONE, "none", 'F')                                                    \
    X(TRACK, "track", 'G') /* a slider's line, right of the knob */         \
    X(FILL, "fill", 'H')   /* left of the knob */                           \
    X(KNOB, "knob", 'I')                                                    \
    X(BAR, "bar", 'J')                                                      \
    X(CURVE, "curve", 'K') /* a curve with no role of its own */            \
    X(EMPTY, "empty", 'L') /* not computed yet */                           \
    X(DIALOG, "dialog", 'M')                                                \
    X(BUTTON, "button", 'N')                                                \
    X(BUTTON_ACTIVE, "button.active", 'O')                                  \
    X(STALE, "stale", 'P') /* made from something else than what is at hand */

enum role {
#define X(id, name, letter) ROLE_##id,
    ROLES(X)
#undef X
        ROLE_COUNT
};

/* X(id, name in theme files) */
#define RAMPS(X)            \
    X(HEAT, "heat")         \
    X(GREY, "grey")         \
    X(GENERAL, "general")   \
    X(SPECIFIC, "specific") \
    X(BOTH, "both")         \
    X(DIVERGE, "diverge")

enum ramp {
#define X(id, name) RAMP_##id,
    RAMPS(X)
#undef X
        RAMP_COUNT
};

/* "state.base" for ROLE_BASE and so on: as theme files spell them. */
const char *role_name(enum role role);
char role_letter(enum role role); /* in surface_roles() */
const char *ramp_name(enum ramp ramp);

enum { CELL_BYTES = 36 }; /* a character with its marks, an emoji of seven code points; NUL */
enum { COLOUR_SLOT_NONE = 0, RAMP_LEVELS = 256 };

struct rect {
    int y, x, h, w;
};

/* One cell of the grid; 44 bytes, so a screen of 200 x 60 is half a megabyte. */
struct cell {
    char text[CELL_BYTES];  /* "" in the right half of a wide character */
    uint8_t width;          /* 1 or 2; 0 in the right half */
    uint8_t role, backdrop; /* backdrop: the role whose background shows where role has none */
    uint16_t fg, bg;        /* colour slots */
};

struct surface {
    int h, w;
    struct cell *cells;
    int cursor_y, cursor_x; /* the hardware cursor; -1: hidden */
};

/* level 0..255 of a ramp, or a role's foreground,as a colour slot */
static inline uint16_t colour_slot_ramp(enum ramp ramp, int level)
{
    return (uint16_t)(1 + (int)ramp * RAMP_LEVELS + level);
}
static inline uint16_t colour_slot_role(enum role role)
{
    return (uint16_t)(0x8000 | (unsigned)role);
}

/* A blank surface of h x w cells; sizes below 1 count as 1. surface_free() ends it. */
struct surface *surface_new(int h, int w);
void surface_free(struct surface *s);
/* Changes the size; the surface is blank afterwards. */
void surface_resize(struct surface *s, int h, int w);
/* Blank, without a backdrop, cursor hidden. */
void surface_clear(struct surface *s);
struct rect surface_rect(const struct surface *s);
/* The cell at (y, x) of the surface; NULL outside. */
struct cell *surface_at(struct surface *s, int y, int x);

/* Fills the area with blanks on this role's background; text written later keeps that background.
 */
void surface_fill(struct surface *s, struct rect area, enum role backdrop);
/* Writes UTF-8 at (y, x) of `area`, cut at its edges; a cut at the right edge shows as "…".
 * Controls and bytes that are not UTF-8 become
 * '?'; text of models should go through text_piece() first. Returns the columns the text takes, cut
 * or not. */
int surface_text(struct surface *s, struct rect area, int y, int x, enum role role,
                 const char *text);
/* Writes the text from row y of the area on, broken at blanks into as many rows as it needs; one
 * that needs more than there are is cut. Returns the rows it took. */
int surface_lines(struct surface *s, struct rect area, int y, enum role role, const char *text);
/* Writes one character with colour slots for foreground and background; COLOUR_SLOT_NONE leaves the
 * role's. */
void surface_glyph(struct surface *s, struct rect area, int y, int x, enum role role,
                   const char *glyph, uint16_t fg, uint16_t bg);
/* Marks all that is drawn on the area as stale: text gets ROLE_STALE, colours of ramps become
 * STALE_HATCH, and so do the free columns beside each row that has text (the margins inside a
 * frame). */
#define STALE_HATCH "╱"
void surface_stale(struct surface *s, struct rect area);
/* Puts the hardware cursor at (y, x) of the area. Screen readers follow it. */
void surface_cursor(struct surface *s, struct rect area, int y, int x);

/* A place to write at, which moves right as text is written; y and x are relative to the area. */
struct pen {
    struct surface *s;
    struct rect area;
    int y, x;
};

struct pen pen_at(struct surface *s, struct rect area, int y, int x);
void pen_text(struct pen *p, enum role role, const char *text);
/* printf with the formats of show_format(): quoted text is escaped, and cut and padded by columns.
 */
void pen_printf(struct pen *p, enum role role, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Exactly `cols` columns: longer text is cut with an ellipsis, shorter text padded with blanks. */
void pen_fit(struct pen *p, enum role role, int cols, const char *text);
/* A sentence of parts in at most so many columns (text_fit_parts()), without padding. */
void pen_parts(struct pen *p, enum role role, int cols, const char *text);
/* Right-aligned in `cols` columns. */
void pen_right(struct pen *p, enum role role, int cols, const char *text);

struct buf;
/* The characters as text, one line per row, trailing blanks cut. */
void surface_dump(const struct surface *s, struct buf *out);
/* One letter per cell for its role, or a digit 0-9 for its level of a ramp. Golden screens keep
 * these, so that they stay valid when a theme changes. */
void surface_roles(const struct surface *s, struct buf *out);

#endif
