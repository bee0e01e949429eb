#include "tui/theme.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"

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

static const char *builtin(const char *name)
{
    for (int i = 0; builtin_themes[i].name; i++)
        if (!strcmp(builtin_themes[i].name, name))
            return builtin_themes[i].text;
    return NULL;
}

static bool set(struct theme *theme, bool in_ramps, const char *name, char *value, int line,
                int depth, struct err *err)
{
    const char *base;

    if (in_ramps)
        return parse_ramp(theme, name, value, line, err);
    if (!strcmp(name, "light")) {
        theme->light = !strcmp(value, "yes");
        return true;
    }
    if (!strcmp(name, "inherit")) {
        base = depth < DEPTH_MAX ? builtin(value) : NULL;
        if (!base)
            return err_set(err, ERR_FORMAT, "line %d: no theme '%s' to inherit from", line, value);
        return parse_at(theme, base, strlen(base), depth + 1, err);
    }
    for (int r = 0; r < ROLE_COUNT; r++)
        if (!strcmp(role_name((enum role)r), name))
            return parse_style(&theme->role[r], value, line, err);
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

bool theme_load(struct theme *theme, const char *name, struct err *err)
{
    char *relative = xasprintf("themes/%s", name);
    char *path = strchr(name, '/') ? xstrdup(name) : file_config_path(relative);
    const char *last = strrchr(name, '/');
    struct theme loaded;
    char *text = NULL;
    bool ok = true;
    size_t len = 0;

    theme_default(&loaded);
    if (strchr(name, '/') || file_exists(path)) {
        text = file_read(path, THEME_MAX, &len, err);
        ok = text && theme_parse(&loaded, text, len, err);
        if (!ok)
            err_in(err, "theme %s", path);
    } else if (builtin(name)) {
        theme_parse(&loaded, builtin(name), strlen(builtin(name)), NULL);
    } else {
        ok = err_set(err, ERR_USAGE,
                     "no theme '%s': dark, light, contrast, 16, mono or a file's path", name);
    }
    if (ok) {
        snprintf(loaded.name, sizeof(loaded.name), "%s", last ? last + 1 : name);
        *theme = loaded;
    }
    free(text);
    free(path);
    free(relative);
    return ok;
}

static bool check_contrast(const struct theme *t, enum role role, struct buf *out)
{
    struct colour fg = t->role[role].fg, bg = t->role[role].bg;
    double ratio;

    if (bg.kind == COLOUR_UNSET)
        bg = t->role[ROLE_TEXT].bg;
    if (fg.kind < COLOUR_INDEX || bg.kind < COLOUR_INDEX)
        return true;
    ratio = colour_contrast(colour_rgb(fg), colour_rgb(bg));
    if (ratio >= 4.5)
        return true;
    buf_printf(out, "%s: contrast %.1f is below 4.5\n", role_name(role), ratio);
    return false;
}

static bool check_ramp(const struct theme *t, enum ramp ramp, struct buf *out)
{
    const struct ramp_stops *r = &t->ramp[ramp];
    double before = 0, way = 0;

    if (!r->stops) {
        buf_printf(out, "ramp %s is missing\n", ramp_name(ramp));
        return false;
    }
    for (int i = 0; i < r->stops && ramp != RAMP_DIVERGE; i++) {
        double now = colour_lightness(colour_rgb(r->stop[i]));

        if (i == 1)
            way = now - before;
        if (i > 0 && (now - before) * way <= 0) {
            buf_printf(out, "ramp %s: step %d turns back in lightness\n", ramp_name(ramp), i + 1);
            return false;
        }
        before = now;
    }
    return true;
}

int theme_check(const struct theme *theme, struct buf *out)
{
    int bad = 0;

    for (int r = 0; r < ROLE_COUNT; r++)
        if (r != ROLE_BORDER && r != ROLE_TRACK && r != ROLE_EMPTY && r != ROLE_NONE &&
            r != ROLE_FILL && r != ROLE_BAR)
            bad += !check_contrast(theme, (enum role)r, out);
    for (int r = 0; r < RAMP_COUNT; r++)
        bad += !check_ramp(theme, (enum ramp)r, out);
    return bad;
}
