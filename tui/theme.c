#include "tui/theme.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"

enum { LINE_MAX_BYTES = 1024, DEPTH_MAX = 4 };

static bool parse_at(struct theme *theme, const char *text, size_t len, int depth, struct err *err);

static const struct {
    const char *name;
    unsigned bit;
} attributes[] = {
    {"bold", ATTR_BOLD},           {"dim", ATTR_DIM},         {"italic", ATTR_ITALIC},
    {"underline", ATTR_UNDERLINE}, {"reverse", ATTR_REVERSE},
};

static bool attribute(const char *word, unsigned *attrs)
{
    for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
        if (!strcmp(word, attributes[i].name)) {
            *attrs |= attributes[i].bit;
            return true;
        }
    return !strcmp(word, "plain");
}

/* "fg on bg bold" */
static bool parse_style(struct style *style, char *value, int line, struct err *err)
{
    struct style s = {.fg = {COLOUR_UNSET, 0}};
    char *save = NULL;
    bool background = false;

    for (char *w = strtok_r(value, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        if (!strcmp(w, "on") && !background) {
            background = true;
        } else if (background && s.bg.kind == COLOUR_UNSET) {
            if (!colour_parse(&s.bg, w))
                return err_set(err, ERR_FORMAT, "line %d: '%s' is no colour", line, w);
        } else if (!attribute(w, &s.attrs)) {
            if (s.fg.kind != COLOUR_UNSET || background || !colour_parse(&s.fg, w))
                return err_set(err, ERR_FORMAT,
                               "line %d: '%s' is no colour or attribute (#rrggbb, 0 to 255, a "
                               "name, bold, dim, italic, underline, reverse)",
                               line, w);
        }
    }
    if (background && s.bg.kind == COLOUR_UNSET)
        return err_set(err, ERR_FORMAT, "line %d: a colour is missing after 'on'", line);
    *style = s;
    return true;
}

/* "STYLE | STYLE | STYLE | ATTRIBUTES", the later ones optional or empty */
static bool parse_role(struct theme *theme, enum role role, char *value, int line, struct err *err)
{
    struct style poorer[POORER];
    struct style first = {.fg = {COLOUR_UNSET, 0}};
    unsigned char given = 0;

    for (int at = -1; value; at++) {
        char *bar = strchr(value, '|');
        struct style *to = at < 0 ? &first : &poorer[at < POORER ? at : 0];

        if (bar)
            *bar++ = '\0';
        if (at == POORER)
            return err_set(err, ERR_FORMAT,
                           "line %d: more than four styles (direct | 256 | 16 | none)", line);
        if (!parse_style(to, value, line, err))
            return false;
        if (at >= 0 && (to->fg.kind != COLOUR_UNSET || to->bg.kind != COLOUR_UNSET || to->attrs ||
                        strstr(value, "plain")))
            given |= (unsigned char)(1u << at);
        value = bar;
    }
    theme->role[role] = first;
    memcpy(theme->poorer[role], poorer, sizeof(poorer));
    theme->given[role] = given;
    return true;
}

static bool parse_ramp(struct theme *theme, const char *name, char *value, int line,
                       struct err *err)
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
        return err_set(err, ERR_FORMAT, "line %d: no ramp '%s'", line, name);
    for (char *w = strtok_r(value, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
        if (n == RAMP_STOPS)
            return err_set(err, ERR_FORMAT, "line %d: more than %d colours", line, RAMP_STOPS);
        if (!colour_parse(&stop[n], w) || stop[n].kind == COLOUR_DEFAULT)
            return err_set(err, ERR_FORMAT, "line %d: '%s' is no colour", line, w);
        n++;
    }
    if (n < 2)
        return err_set(err, ERR_FORMAT, "line %d: a ramp needs two colours or more", line);
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

static bool parse_tier(struct theme *theme, const char *value, int line, struct err *err)
{
    static const char *const words[] = {"mono", "8", "16", "256", "direct"};

    for (int t = 0; t <= (int)TIER_DIRECT; t++)
        if (!strcmp(value, words[t])) {
            theme->most = (enum tier)t;
            theme->limited = t != (int)TIER_DIRECT;
            return true;
        }
    return err_set(err, ERR_FORMAT, "line %d: tier '%s' is not mono, 8, 16, 256 or direct", line,
                   value);
}

/* A line that is about the whole theme; *known: it is. */
static bool parse_whole(struct theme *theme, const char *name, const char *value, int line,
                        bool *known, struct err *err)
{
    *known = true;
    if (!strcmp(name, "tier"))
        return parse_tier(theme, value, line, err);
    if (!strcmp(name, "light")) {
        theme->light = !strcmp(value, "yes");
        return theme->light || !strcmp(value, "no") ||
               err_set(err, ERR_FORMAT, "line %d: light is yes or no, not '%s'", line, value);
    }
    if (!strcmp(name, "glyphs")) {
        theme->ascii = !strcmp(value, "ascii");
        return theme->ascii || !strcmp(value, "all") ||
               err_set(err, ERR_FORMAT, "line %d: glyphs is ascii or all, not '%s'", line, value);
    }
    *known = false;
    return true;
}

static bool set(struct theme *theme, bool in_ramps, const char *name, char *value, int line,
                int depth, struct err *err)
{
    const char *base;
    bool known;

    if (in_ramps)
        return parse_ramp(theme, name, value, line, err);
    if (!parse_whole(theme, name, value, line, &known, err))
        return false;
    if (known)
        return true;
    if (!strcmp(name, "inherit")) {
        base = depth < DEPTH_MAX ? theme_builtin(value) : NULL;
        if (!base)
            return err_set(err, ERR_FORMAT, "line %d: no theme '%s' to inherit from", line, value);
        return parse_at(theme, base, strlen(base), depth + 1, err);
    }
    for (int r = 0; r < ROLE_COUNT; r++)
        if (!strcmp(role_name((enum role)r), name))
            return parse_role(theme, (enum role)r, value, line, err);
    return err_set(err, ERR_FORMAT, "line %d: no role '%s'", line, name);
}

static char *trim(char *text)
{
    char *end;

    text += strspn(text, " \t\r");
    end = text + strlen(text);
    while (end > text && strchr(" \t\r", end[-1]))
        *--end = '\0';
    return text;
}

/* A comment starts at a # that no colour follows. */
static void cut_comment(char *line)
{
    for (char *p = strchr(line, '#'); p; p = strchr(p + 1, '#'))
        if ((p == line || isspace((unsigned char)p[-1])) &&
            strspn(p + 1, "0123456789abcdefABCDEF") != 6) {
            *p = '\0';
            return;
        }
}

static bool parse_at(struct theme *theme, const char *text, size_t len, int depth, struct err *err)
{
    bool in_ramps = false;
    int line = 0;

    for (const char *end = text + len; text < end;) {
        const char *nl = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((nl ? nl : end) - text);
        char copy[LINE_MAX_BYTES], *name, *equals;

        line++;
        if (n >= sizeof(copy))
            return err_set(err, ERR_FORMAT, "line %d is longer than %d bytes", line,
                           LINE_MAX_BYTES - 1);
        memcpy(copy, text, n);
        copy[n] = '\0';
        text += n + (nl != NULL);
        cut_comment(copy);
        name = trim(copy);
        if (!*name)
            continue;
        if (*name == '[') {
            in_ramps = !strcmp(name, "[ramp]");
            if (!in_ramps && strcmp(name, "[roles]"))
                return err_set(err, ERR_FORMAT, "line %d: no section '%s'", line, name);
            continue;
        }
        equals = strchr(name, '=');
        if (!equals)
            return err_set(err, ERR_FORMAT, "line %d: not 'role = colour'", line);
        *equals = '\0';
        if (!set(theme, in_ramps, trim(name), trim(equals + 1), line, depth, err))
            return false;
    }
    return true;
}

bool theme_parse(struct theme *theme, const char *text, size_t len, struct err *err)
{
    return parse_at(theme, text, len, 0, err);
}

void theme_default(struct theme *theme)
{
    const char *dark = builtin_themes[0].text;

    memset(theme, 0, sizeof(*theme));
    snprintf(theme->name, sizeof(theme->name), "%s", builtin_themes[0].name);
    theme_parse(theme, dark, strlen(dark), NULL);
}
