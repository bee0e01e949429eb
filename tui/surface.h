/* A grid of cells. Views draw on it; the terminal, a test or a file shows it.
 *
 * A cell holds one grapheme of one or two columns and says what it *means* (a role); colours are
 * the theme's business. Heatmaps override colours with inks: a level of a ramp, or another role's
 * colour. A surface belongs to one thread. All coordinates are (row, column) from the top left. */
#ifndef TUI_SURFACE_H
#define TUI_SURFACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* X(id, name in theme files, letter in golden screens): what a piece of text means. A letter is a
 * role's for good: a new role takes one that is free. */
#define ROLES(X)                                                            \
    X(TEXT, "text", 'a')                 /* plain words on the ground */    \
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
    X(BUTTON_ACTIVE, "button.active", 'O')

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

const char *role_name(enum role role);
char role_letter(enum role role); /* in surface_roles() */
const char *ramp_name(enum ramp ramp);

enum { CELL_BYTES = 36 }; /* a character with its marks, an emoji of seven code points; NUL */
enum { COLOUR_SLOT_NONE = 0, RAMP_LEVELS = 256 };

struct rect {
    int y, x, h, w;
};

struct cell {
    char text[CELL_BYTES]; /* "" in the right half of a wide character */
    uint8_t width;         /* 1 or 2; 0 in the right half */
    uint8_t role, ground;  /* ground: the role whose background shows where role has none */
    uint16_t fg, bg;       /* inks */
};

struct surface {
    int h, w;
    struct cell *cells;
    int cursor_y, cursor_x; /* the hardware cursor; -1: hidden */
};

/* level 0..255 of a ramp, or a role's foreground, as an ink */
static inline uint16_t colour_slot_ramp(enum ramp ramp, int level)
{
    return (uint16_t)(1 + (int)ramp * RAMP_LEVELS + level);
}
static inline uint16_t colour_slot_role(enum role role)
{
    return (uint16_t)(0x8000 | (unsigned)role);
}

struct surface *surface_new(int h, int w); /* sizes below 1 count as 1 */
void surface_free(struct surface *s);
void surface_resize(struct surface *s, int h, int w); /* cleared */
void surface_clear(struct surface *s);
struct rect surface_rect(const struct surface *s);
/* The cell, or NULL outside. */
struct cell *surface_at(struct surface *s, int y, int x);

/* Blanks with the ground's background; text written later keeps it. */
void surface_fill(struct surface *s, struct rect area, enum role ground);
/* Writes UTF-8 at (y, x) of `area`, inside it only. Controls and bytes that are not UTF-8 become
 * '?': escape model text first (text.h). Returns the columns it takes, clipped or not. */
int surface_text(struct surface *s, struct rect area, int y, int x, enum role role,
                 const char *text);
/* One character with inks; used by heatmaps and bars. */
void surface_glyph(struct surface *s, struct rect area, int y, int x, enum role role,
                   const char *glyph, uint16_t fg, uint16_t bg);
/* Puts the hardware cursor at (y, x) of the area: screen readers follow it. */
void surface_cursor(struct surface *s, struct rect area, int y, int x);

/* A place to write on, moving right; y and x are relative to the area. */
struct pen {
    struct surface *s;
    struct rect area;
    int y, x;
};

struct pen pen_at(struct surface *s, struct rect area, int y, int x);
void pen_text(struct pen *p, enum role role, const char *text);
/* The format is show_format()'s: what it quotes is escaped, cut and padded by columns. */
void pen_printf(struct pen *p, enum role role, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Exactly `cols` columns: cut with an ellipsis or padded. */
void pen_fit(struct pen *p, enum role role, int cols, const char *text);
/* Right-aligned in `cols` columns. */
void pen_right(struct pen *p, enum role role, int cols, const char *text);

struct buf;
/* The characters as text, trailing blanks cut, one line a row. */
void surface_dump(const struct surface *s, struct buf *out);
/* Roles as a grid of letters and ramp levels as digits: goldens that outlive a theme. */
void surface_roles(const struct surface *s, struct buf *out);

#endif
