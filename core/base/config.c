#include "core/base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

static bool copy(char *out, size_t room, const char *text, size_t n, int number, struct err *err)
{
    char *word = xtrimmed(text, n);
    bool fits = strlen(word) < room;

    snprintf(out, room, "%s", word);
    free(word);
    return fits || err_set(err, ERR_FORMAT, "line %d is too long", number);
}

/* Where the value ends: a comment begins after a blank, so that a value may hold a #. */
static size_t before_comment(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == '#' && (!i || p[i - 1] == ' ' || p[i - 1] == '\t'))
            return i;
    return n;
}

static bool assignment(const char *p, size_t n, struct config_line *line, struct err *err)
{
    const char *equals = n > 1 ? memchr(p + 1, '=', n - 1) : NULL;
    size_t rest;

    if (!equals)
        return err_set(err, ERR_FORMAT, "line %d: '%.*s' is not NAME = VALUE", line->number,
                       n < 60 ? (int)n : 60, p);
    rest = n - (size_t)(equals - p) - 1;
    return copy(line->name, sizeof(line->name), p, (size_t)(equals - p), line->number, err) &&
           copy(line->value, sizeof(line->value), equals + 1, before_comment(equals + 1, rest),
                line->number, err);
}

bool config_next(const char **text, struct config_line *line, struct err *err)
{
    while (**text) {
        const char *start = *text, *p = start;
        size_t n = strcspn(start, "\n"), left;

        *text += n + (start[n] == '\n');
        line->number++;
        line->from += line->length + (line->number > 1);
        line->length = (int)n;
        while (p < start + n && (*p == ' ' || *p == '\t' || *p == '\r'))
            p++;
        left = n - (size_t)(p - start);
        while (left && strchr(" \t\r", p[left - 1]))
            left--;
        if (!left || *p == '#')
            continue;
        if (*p != '[' || !memchr(p, ']', left) || memchr(p, '=', left))
            return assignment(p, left, line, err);
        if (!copy(line->section, sizeof(line->section), p + 1,
                  (size_t)((const char *)memchr(p, ']', left) - p) - 1, line->number, err))
            return false;
    }
    return false;
}
