/* Parses a grid such as "alpha_ge=.05,.1;beta_sp=.1..0.5/5" and enumerates its cells. */
#include "core/base/param_grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A part of the text, not NUL-terminated. */
struct piece {
    const char *text;
    int len;
};

static struct piece piece_trim(const char *text, size_t len)
{
    while (len && strchr(" \t\n", *text)) {
        text++;
        len--;
    }
    while (len && strchr(" \t\n", text[len - 1]))
        len--;
    return (struct piece){text, (int)len};
}

/* Adds a value to the axis after checking it against the table. */
static bool add_value(struct param_grid_axis *axis, const char *value, int len, struct err *err)
{
    struct params scratch;
    char *to = axis->value[axis->count];

    if (axis->count == PARAM_GRID_VALUES)
        return err_set(err, ERR_USAGE, "grid: %s has more than %d values", axis->name,
                       PARAM_GRID_VALUES);
    if (!len || len >= (int)sizeof(axis->value[0]))
        return err_set(err, ERR_USAGE, "grid: %s: '%.*s' is not a value", axis->name,
                       len > 40 ? 40 : len, value);
    snprintf(to, sizeof(axis->value[0]), "%.*s", len, value);
    params_default(&scratch);
    if (!params_set(&scratch, axis->name, to, FROM_COMMAND_LINE, err))
        return err_in(err, "grid");
    axis->count++;
    return true;
}

/* Adds the COUNT values of LOW..HIGH/COUNT, both ends included. */
static bool add_range(struct param_grid_axis *axis, struct piece p, struct err *err)
{
    char text[64], first[64], value[24], *end;
    const char *dots, *last;
    double low, high;
    long count;

    snprintf(text, sizeof(text), "%.*s", p.len, p.text);
    dots = strstr(text, "..");
    if (!dots)
        goto bad;
    snprintf(first, sizeof(first), "%.*s", (int)(dots - text), text); /* "0." is a number too */
    low = strtod(first, &end);
    if (end == first || end[strspn(end, " ")])
        goto bad;
    high = strtod(dots + 2, &end);
    if (end == dots + 2 || *end != '/')
        goto bad;
    last = end + 1;
    count = strtol(last, &end, 10);
    if (end == last || *end || count < 2 || count > PARAM_GRID_VALUES || !isfinite(low) ||
        !isfinite(high))
        goto bad;
    for (long i = 0; i < count; i++) {
        double v = low + (high - low) * (double)i / (double)(count - 1);

        snprintf(value, sizeof(value), "%.6g", v);
        if (!add_value(axis, value, (int)strlen(value), err))
            return false;
    }
    return true;
bad:
    return err_set(err, ERR_USAGE,
                   "grid: %s: '%s' is not a range; use LOW..HIGH/COUNT, such as 0.1..0.5/5",
                   axis->name, text);
}

/* Adds the axis of NAME=VALUE,VALUE,... */
static bool add_axis(struct param_grid *grid, struct piece p, struct err *err)
{
    const char *equals = memchr(p.text, '=', (size_t)p.len), *at, *end = p.text + p.len;
    struct param_grid_axis *axis = &grid->axis[grid->axes];
    struct piece name = piece_trim(p.text, equals ? (size_t)(equals - p.text) : (size_t)p.len);

    if (!equals || !name.len || name.len >= (int)sizeof(axis->name))
        return err_set(err, ERR_USAGE, "grid: '%.*s' is not NAME=VALUE,VALUE",
                       p.len > 60 ? 60 : p.len, p.text);
    if (grid->axes == PARAM_GRID_AXES)
        return err_set(err, ERR_USAGE, "grid: '%.*s' is one parameter too many; at most %d",
                       name.len, name.text, PARAM_GRID_AXES);
    *axis = (struct param_grid_axis){0};
    snprintf(axis->name, sizeof(axis->name), "%.*s", name.len, name.text);
    for (int i = 0; i < grid->axes; i++)
        if (!strcmp(grid->axis[i].name, axis->name))
            return err_set(err, ERR_USAGE, "grid: %s is given twice", axis->name);
    for (at = equals + 1; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        struct piece v = piece_trim(at, (size_t)((comma ? comma : end) - at));
        bool range = false;

        for (int i = 0; i + 1 < v.len; i++)
            range = range || (v.text[i] == '.' && v.text[i + 1] == '.');
        if (!(range ? add_range(axis, v, err) : add_value(axis, v.text, v.len, err)))
            return false;
        at = (comma ? comma : end) + 1;
    }
    grid->axes++;
    return true;
}

bool param_grid_parse(struct param_grid *grid, const char *text, struct err *err)
{
    *grid = (struct param_grid){.cells = 1};
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, ";");
        struct piece p = piece_trim(at, n);

        if (p.len && !add_axis(grid, p, err))
            return false;
        at += n + (at[n] == ';');
    }
    if (!grid->axes)
        return err_set(err, ERR_USAGE,
                       "grid: empty; an example is alpha_ge=.05,.1;beta_sp=.1..0.5/5");
    for (int i = 0; i < grid->axes; i++) {
        grid->cells *= grid->axis[i].count;
        if (grid->cells > PARAM_GRID_CELLS)
            return err_set(err, ERR_USAGE, "grid: %s makes more than %d cells; use fewer values",
                           grid->axis[i].name, PARAM_GRID_CELLS);
    }
    return true;
}

int param_grid_at(const struct param_grid *grid, int cell, int axis)
{
    for (int i = grid->axes - 1; i > axis; i--)
        cell /= grid->axis[i].count;
    return cell % grid->axis[axis].count;
}

bool param_grid_set(const struct param_grid *grid, int cell, struct params *p, struct err *err)
{
    for (int i = 0; i < grid->axes; i++) {
        const struct param_grid_axis *axis = &grid->axis[i];

        if (!params_set(p, axis->name, axis->value[param_grid_at(grid, cell, i)], FROM_COMMAND_LINE,
                        err))
            return false;
    }
    return true;
}
