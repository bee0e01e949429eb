/* Parses theme files. Finding them is theme_search.c, judging them theme_check.c. */
#include "tui/theme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/config.h"

enum { DEPTH_MAX = 4 };

static const struct {
    const char *name;
    unsigned bit;
} attributes[] = {
    {"bold", ATTR_BOLD},           {"dim", ATTR_DIM},         {"italic", ATTR_ITALIC},
    {"underline", ATTR_UNDERLINE}, {"reverse", ATTR_REVERSE},
};

/* Adds the bit of an attribute's name to *attrs; "plain" adds none. false: no such attribute. */
static bool parse_attribute(const char *word, unsigned *attrs)
{
    for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
        if (!strcmp(word, attributes[i].name)) {
            *attrs |= attributes[i].bit;
            return true;
        }
    return !strcmp(word, "plain");
}

/* Parses "FOREGROUND on BACKGROUND ATTRIBUTES", each part optional. */
static bool parse_style(struct style *style, char *value, struct err *err)
{
    struct style s = {.fg = {COLOUR_UNSET, 0}};
    char *save = NULL;
    bool background = false;

    for (char *w = strtok_r(value, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        if (!strcmp(w, "on") && !background) {
            background = true;
        } else if (background && s.bg.kind == COLOUR_UNSET) {
            if (!colour_parse(&s.bg, w))
                return err_set(err, ERR_FORMAT, "'%s' is not a colour", w);
        } else if (!parse_attribute(w, &s.attrs)) {
            if (s.fg.kind != COLOUR_UNSET || background || !colour_parse(&s.fg, w))
                return err_set(err, ERR_FORMAT,
                               "'%s' is not a colour or attribute (#rrggbb, 0 to 255, a "
                               "name, bold, dim, italic, underline, reverse)",
                               w);
        }
    }
    if (background && s.bg.kind == COLOUR_UNSET)
        return err_set(err, ERR_FORMAT, "a colour is missing after 'on'");
    *style = s;
    return true;
}

/* Parses "STYLE | STYLE | STYLE | ATTRIBUTES", the later ones optional or empty. Bit n of `given`
 * says that style n + 1 was given: 256 colours, 16 colours, none. */
static bool parse_role(struct theme *theme, enum role role, char *value, struct err *err)
{
    struct style reduced[REDUCED_TIERS];
    struct style first = {.fg = {COLOUR_UNSET, 0}};
    unsigned char given = 0;

    for (int at = -1; value; at++) {
        char *bar = strchr(value, '|');
        struct style *to = at < 0 ? &first : &reduced[at < REDUCED_TIERS ? at : 0];

        if (bar)
            *bar++ = '\0';
        if (at == REDUCED_TIERS)
            return err_set(err, ERR_FORMAT, "more than four styles (direct | 256 | 16 | none)");
        if (!parse_style(to, value, err))
            return false;
        if (at >= 0 && (to->fg.kind != COLOUR_UNSET || to->bg.kind != COLOUR_UNSET || to->attrs ||
                        strstr(value, "plain")))
            given |= (unsigned char)(1u << at);
        value = bar;
    }
    theme->role[role] = first;
    memcpy(theme->reduced[role], reduced, sizeof(reduced));
    theme->given[role] = given;
    return true;
}

/* Parses the colours of `NAME = ...` (stops) or `NAME.256 = ...` (steps for 256 colours). New
 * stops drop inherited steps, which would not match them. */
static bool parse_ramp(struct theme *theme, const char *name, char *value, struct err *err)
{
    const char *dot = strstr(name, ".256");
    size_t len = dot && !dot[4] ? (size_t)(dot - name) : strlen(name);
    struct colour stop[RAMP_STOPS];
    char *save = NULL;
    int n = 0, r;

    for (r = 0; r < RAMP_COUNT; r++)
        if (strlen(ramp_name((enum ramp)r)) == len && !strncmp(ramp_name((enum ramp)r), name, len))
            break;
    if (r == RAMP_COUNT)
        return err_set(err, ERR_FORMAT, "unknown ramp '%s'", name);
    for (char *w = strtok_r(value, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        if (n == RAMP_STOPS)
            return err_set(err, ERR_FORMAT, "more than %d colours", RAMP_STOPS);
        if (!colour_parse(&stop[n], w) || stop[n].kind == COLOUR_DEFAULT)
            return err_set(err, ERR_FORMAT, "'%s' is not a colour", w);
        n++;
    }
    if (n < 2)
        return err_set(err, ERR_FORMAT, "a ramp needs two colours or more");
    if (len != strlen(name)) {
        memcpy(theme->ramp[r].step, stop, sizeof(stop));
        theme->ramp[r].steps = n;
    } else {
        memcpy(theme->ramp[r].stop, stop, sizeof(stop));
        theme->ramp[r].stops = n;
        theme->ramp[r].steps = 0; /* the steps of an inherited ramp are not this one's */
    }
    return true;
}

const char *theme_builtin(const char *name)
{
    for (int i = 0; builtin_themes[i].name; i++)
        if (!strcmp(builtin_themes[i].name, name))
            return builtin_themes[i].text;
    return NULL;
}

static bool parse_tier(struct theme *theme, const char *value, struct err *err)
{
    static const char *const words[] = {"mono", "8", "16", "256", "direct"};

    for (int t = 0; t <= (int)TIER_DIRECT; t++)
        if (!strcmp(value, words[t])) {
            theme->most = (enum tier)t;
            theme->limited = t != (int)TIER_DIRECT;
            return true;
        }
    return err_set(err, ERR_FORMAT, "tier '%s' is not mono, 8, 16, 256 or direct", value);
}

struct theme_reading {
    struct theme *theme;
    int depth;
};

static bool parse_ramp_line(void *ctx, const struct config_line *line, struct err *err)
{
    struct theme_reading *r = ctx;

    return parse_ramp(r->theme, line->name, line->value, err);
}

static bool parse_at_depth(struct theme *theme, const char *text, int depth, struct err *err);

static bool parse_role_line(void *ctx, const struct config_line *line, struct err *err)
{
    struct theme_reading *theme_reading = ctx;
    struct theme *theme = theme_reading->theme;
    const char *name = line->name;
    char *value = line->value;

    if (!strcmp(name, "tier"))
        return parse_tier(theme, value, err);
    if (!strcmp(name, "light")) {
        theme->light = !strcmp(value, "yes");
        return theme->light || !strcmp(value, "no") ||
               err_set(err, ERR_FORMAT, "light is yes or no, not '%s'", value);
    }
    if (!strcmp(name, "glyphs")) {
        theme->ascii = !strcmp(value, "ascii");
        return theme->ascii || !strcmp(value, "all") ||
               err_set(err, ERR_FORMAT, "glyphs is ascii or all, not '%s'", value);
    }
    if (!strcmp(name, "inherit")) {
        const char *base = theme_reading->depth < DEPTH_MAX ? theme_builtin(value) : NULL;

        return base ? parse_at_depth(theme, base, theme_reading->depth + 1, err)
                    : err_set(err, ERR_FORMAT, "no theme '%s' to inherit from", value);
    }
    for (int r = 0; r < ROLE_COUNT; r++)
        if (!strcmp(role_name((enum role)r), name))
            return parse_role(theme, (enum role)r, value, err);
    return err_set(err, ERR_FORMAT, "unknown role '%s'", name);
}

/* `depth` counts `inherit`, so that two built-in themes that inherit each other end in an error. */
static bool parse_at_depth(struct theme *theme, const char *text, int depth, struct err *err)
{
    struct theme_reading theme_reading = {theme, depth};
    const struct config_section sections[] = {{"", parse_role_line, &theme_reading, true},
                                              {"roles", parse_role_line, &theme_reading, true},
                                              {"ramp", parse_ramp_line, &theme_reading, true},
                                              {0}};
    struct err own = {0};

    if (config_read(text, sections, &own))
        return true;
    own.kind = ERR_FORMAT; /* an unknown section too */
    return err_pass(err, &own);
}

bool theme_parse(struct theme *theme, const char *text, struct err *err)
{
    return parse_at_depth(theme, text, 0, err);
}

void theme_default(struct theme *theme)
{
    memset(theme, 0, sizeof(*theme));
    snprintf(theme->name, sizeof(theme->name), "%s", builtin_themes[0].name);
    theme_parse(theme, builtin_themes[0].text, NULL);
}
