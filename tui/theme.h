/* Themes: what roles and ramps look like.
 *
 * A file is lines of `role = STYLE [| STYLE-256 [| STYLE-16 [| ATTRIBUTES]]]`, a style being
 * `foreground [on background] [attributes]`; # starts a comment. The styles are for direct
 * colour, 256, 16 (and 8) colours and none; one that is missing or empty is the nearest to the
 * richer one before it. A section `[ramp]` has lines `name = colour colour ...` from low to high;
 * `name.256 = index ...` gives the steps for 256 colours. `inherit = NAME`, `light = yes`,
 * `tier = 16` (never more than that) and `glyphs = ascii` come first if at all. Roles that are
 * not named keep what they had. man/editscope-theme.5 is the reference. */
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

enum { REDUCED_TIERS = 3 }; /* tiers below direct colour with a style of their own: 256, 16, mono */

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

void theme_default(struct theme *theme); /* the compiled-in dark one */
/* Over what is in `theme`. Errors name the line. */
bool theme_parse(struct theme *theme, const char *text, struct err *err);
/* A path (with a slash) or a name, looked for in `folder` (NULL: none), in
 * $XDG_CONFIG_HOME/editscope/themes, in editscope/themes of each of $XDG_DATA_DIRS, then among
 * those compiled in. Errors: ERR_USAGE, no such theme; what theme_parse() says, with the file. */
bool theme_load(struct theme *theme, const char *name, const char *folder, struct err *err);
/* Every theme that theme_load() would find by name, each name once, in the order of the search. */
struct theme_place {
    char name[32];
    char *path; /* NULL: compiled in */
};
/* Caller frees each path and the array. Returns how many. */
int theme_list(const char *folder, struct theme_place **out);
/* What a careful author wants to know, a line each, appended: a role that looks like nothing,
 * text of low contrast, ramps that turn back in lightness, classes or old and new that some eyes
 * cannot tell apart. Returns how many lines. */
struct buf;
int theme_check(const struct theme *theme, struct buf *out);
enum { CONTRAST_TEXT_TENTHS = 45, CONTRAST_GRAPHIC_TENTHS = 30, DISTANCE_LEAST = 15 };

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
