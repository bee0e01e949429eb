/* Themes: what roles and ramps look like.
 *
 * A file is lines of `role = foreground [on background] [attributes]`, # starts a comment, and a
 * section `[ramp]` of lines `name = colour colour ...` from low to high. `name.256 = index ...`
 * gives the steps for 256 colours; without it they are the nearest ones. `inherit = NAME` and
 * `light = yes` come first if at all. Roles that are not named keep what they had. */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include "core/base/err.h"
#include "tui/colour.h"
#include "tui/surface.h"

enum { ATTR_BOLD = 1, ATTR_DIM = 2, ATTR_ITALIC = 4, ATTR_UNDERLINE = 8, ATTR_REVERSE = 16 };
enum { RAMP_STOPS = 64, THEME_MAX = 1 << 16 };

struct style {
    struct colour fg, bg;
    unsigned attrs;
};

struct ramp_stops {
    struct colour stop[RAMP_STOPS]; /* interpolated on a direct-colour terminal */
    int stops;
    struct colour step[RAMP_STOPS]; /* used as they are with 256 colours */
    int steps;
};

struct theme {
    char name[32];
    bool light;
    struct style role[ROLE_COUNT];
    struct ramp_stops ramp[RAMP_COUNT];
};

void theme_default(struct theme *theme); /* the compiled-in dark one */
/* Over what is in `theme`. Errors name the line. */
bool theme_parse(struct theme *theme, const char *text, size_t len, struct err *err);
/* A path (with a slash) or a name: $XDG_CONFIG_HOME/editscope/themes, then compiled in. */
bool theme_load(struct theme *theme, const char *name, struct err *err);
/* What a careful author would want to know: text of low contrast, ramps that do not rise. One
 * line each is appended; returns how many. */
struct buf;
int theme_check(const struct theme *theme, struct buf *out);

struct builtin_theme {
    const char *name, *text;
};
extern const struct builtin_theme builtin_themes[]; /* NULL name ends it; equal to themes/ */

/* What a terminal can show. */
struct caps {
    enum tier tier;
    bool ascii;      /* no UTF-8: glyphs of ours become letters */
    bool no_braille; /* the font lacks it (Linux console) */
};

/* A theme worked out for one terminal: colours are -1 (default), an index, or 0xRRGGBB. */
struct palette {
    struct caps caps;
    int32_t fg[ROLE_COUNT], bg[ROLE_COUNT]; /* bg -2: the ground's */
    unsigned attrs[ROLE_COUNT];
    int32_t ramp[RAMP_COUNT][RAMP_LEVELS];
    int32_t on_ramp[RAMP_COUNT][RAMP_LEVELS]; /* black or white: what is read on that level */
};

void palette_build(struct palette *p, const struct theme *theme, struct caps caps);

/* One cell as the terminal gets it. */
struct paint {
    char text[CELL_BYTES];
    int32_t fg, bg;
    unsigned attrs;
};

void palette_paint(const struct palette *p, const struct cell *c, struct paint *out);
/* The surface with SGR escapes, a line a row, trailing blanks kept. */
void surface_ansi(const struct surface *s, const struct palette *p, struct buf *out);

#endif
