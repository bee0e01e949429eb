/* Themes: what roles and ramps look like.
 *
 * A theme is a text file; man/editscope-theme.5 is the reference. An example:
 *
 *     inherit = dark
 *     light = no                       # for a dark background
 *     tier = 256                       # use no more than 256 colours, even if there are more
 *     error = #ff5f5f bold | 203 bold | bright-red | bold reverse
 *     selected = default on #303030
 *     [ramp]
 *     heat = #000000 #b30000 #ffff00   # from low to high
 *     heat.256 = 16 52 88 124 160 226  # the steps for 256 colours
 *
 * A style is `foreground [on background] [attributes]`. The four styles of a role are for direct
 * colour, 256 colours, 16 (and 8) colours, and no colours. Where the second or third is missing or
 * empty, the one before it is used; where the fourth is, the first. Roles that a file does not name
 * keep what they had: from `inherit`, else from the built-in dark theme. `glyphs = ascii` avoids
 * characters beyond ASCII.
 *
 * The way of a theme: theme_load() finds and parses a file into struct theme (theme_search.c,
 * theme.c); palette_build() works it out for one terminal into struct palette (palette.c);
 * palette_paint() reads that for each cell. theme_check() tells an author about text that is hard
 * to read and colours that some people cannot tell apart (theme_check.c). */
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

/* The tiers below direct colour that can have a style of their own: 256 colours, 16 colours, none.
 */
enum { REDUCED_TIERS = 3 };

struct theme {
    char name[32];
    bool light;
    bool ascii;   /* no glyphs beyond ASCII */
    bool limited; /* to `most` colours, however many there are */
    enum tier most;
    struct style role[ROLE_COUNT];                   /* with direct colour */
    struct style reduced[ROLE_COUNT][REDUCED_TIERS]; /* where the bit of `given` is set */
    unsigned char given[ROLE_COUNT];
    struct ramp_stops ramp[RAMP_COUNT];
};

/* The built-in dark theme. */
void theme_default(struct theme *theme);
/* Parses a file's text on top of what is in `theme`. Errors are ERR_FORMAT and name the line;
 * `theme` is then partly changed. */
bool theme_parse(struct theme *theme, const char *text, struct err *err);
/* Loads a theme by path (it has a slash) or by name. A name is looked for in `folder` (NULL:
 * skipped), in $XDG_CONFIG_HOME/editscope/themes, in editscope/themes of each of $XDG_DATA_DIRS,
 * then among the built-in ones. Errors: ERR_USAGE, no such theme; those of theme_parse(), with the
 * file's name. On an error `theme` is unchanged. */
bool theme_load(struct theme *theme, const char *name, const char *folder, struct err *err);
/* Every theme that theme_load() would find by name, each name once, in the order of the search. */
struct theme_place {
    char name[32];
    char *path; /* NULL: compiled in */
};
/* Returns how many; the caller frees each path and the array. */
int theme_list(const char *folder, struct theme_place **out);
/* What a careful author wants to know, a line each, appended: a role that looks like nothing,
 * text of low contrast, ramps that turn back in lightness, classes or old and new that some eyes
 * cannot tell apart. Returns how many lines. */
struct buf;
int theme_check(const struct theme *theme, struct buf *out);
enum { CONTRAST_TEXT_TENTHS = 45, CONTRAST_GRAPHIC_TENTHS = 30, DISTANCE_LEAST = 15 };
enum { HEAT_STEP_LEAST = 4 }; /* of L*, between two of the steps for 256 colours */

struct builtin_theme {
    const char *name, *text;
};
const char *theme_builtin(const char *name);        /* its text, or NULL */
extern const struct builtin_theme builtin_themes[]; /* NULL name ends it; made of themes/ */

/* What a terminal can show. */
struct caps {
    enum tier tier;
    bool ascii;      /* no UTF-8: glyphs of ours become letters */
    bool no_braille; /* the font lacks it (Linux console) */
};

/* A theme worked out for one terminal: colours are -1 (default), an index, or 0xRRGGBB. */
struct palette {
    struct caps caps;
    enum tier tier; /* of the roles: what the terminal can and the theme wants */
    int32_t fg[ROLE_COUNT], bg[ROLE_COUNT]; /* bg -2: the backdrop's */
    unsigned attrs[ROLE_COUNT];
    int32_t ramp[RAMP_COUNT][RAMP_LEVELS];
    int32_t on_ramp[RAMP_COUNT][RAMP_LEVELS]; /* black or white: what is read on that level */
};

/* Works a theme out for a terminal. See palette.c. */
void palette_build(struct palette *p, const struct theme *theme, struct caps caps);

/* One cell as the terminal gets it. */
struct paint {
    char text[CELL_BYTES];
    int32_t fg, bg;
    unsigned attrs;
};

/* Turns one cell into what the terminal is sent. */
void palette_paint(const struct palette *p, const struct cell *c, struct paint *out);
/* Appends the escape sequence that selects these colours and attributes, starting from a reset. */
void paint_sgr(const struct paint *paint, enum tier tier, struct buf *out);
/* The surface as text with SGR escape sequences, one line per row, trailing blanks kept. */
void surface_ansi(const struct surface *s, const struct palette *p, struct buf *out);

#endif
