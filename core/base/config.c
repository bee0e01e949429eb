/* Splits a config file into lines and passes each to the function of its section. */
#include "core/base/config.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

static const char blanks[] = " \t\r";

/* Removes blanks at both ends of text .. end, in place. */
static char *config_trim(char *text, char *end)
{
    while (text < end && strchr(blanks, *text))
        text++;
    while (end > text && strchr(blanks, end[-1]))
        end--;
    *end = '\0';
    return text;
}

/* The end of a value. A # begins a comment if a blank is before it and if it is no colour. */
static char *value_end(char *value, bool colours)
{
    char *p = value;

    while (*p && !(*p == '#' && (p == value || p[-1] == ' ' || p[-1] == '\t') &&
                   (!colours || strspn(p + 1, "0123456789abcdefABCDEF") != 6)))
        p++;
    return p;
}

/* The value in the rest of a line: what is in double quotes, if a quote begins it and nothing but a
 * comment follows the closing one; else everything before a comment. */
static char *config_value(char *text, bool colours)
{
    char *quoted = text + strspn(text, blanks), *close, *rest;

    close = *quoted == '"' ? strchr(quoted + 1, '"') : NULL;
    rest = close ? close + 1 + strspn(close + 1, blanks) : NULL;
    if (!rest || (*rest && *rest != '#'))
        return config_trim(text, value_end(text, colours));
    *close = '\0';
    return quoted + 1;
}

static const struct config_section *section_of(const struct config_section *sections,
                                               const char *name)
{
    for (; sections->name; sections++) {
        size_t n = strlen(sections->name);

        if (n && sections->name[n - 1] == '*' ? !strncmp(sections->name, name, n - 1)
                                              : !strcmp(sections->name, name))
            return sections;
    }
    return NULL;
}

/* Reports an unknown section with the list of known ones. */
static bool unknown_section(const struct config_section *sections, const char *name,
                            struct err *err)
{
    struct buf known = {0};

    for (; sections->name; sections++)
        if (*sections->name)
            buf_printf(&known, "%s%s", known.len ? ", " : "", sections->name);
    err_set(err, ERR_USAGE, "unknown section [%s]; known: %s", name, known.data);
    buf_free(&known);
    return false;
}

/* Handles one trimmed line: a heading sets *section, an assignment goes to its section. */
static bool config_line(char *line, char **section, int number,
                        const struct config_section *sections, struct err *err)
{
    struct config_line of = {.number = number};
    const struct config_section *to;
    char *equals = strchr(line + 1, '=');

    if (*line == '[' && strchr(line, ']') && !strchr(line, '=')) {
        *section = config_trim(line + 1, strchr(line, ']'));
        return true;
    }
    if (!equals)
        return err_set(err, ERR_FORMAT, "'%.60s' is not NAME = VALUE", line);
    of.section = *section;
    of.name = config_trim(line, equals);
    to = section_of(sections, *section);
    of.value = config_value(equals + 1, to && to->colours);
    if (!to)
        return unknown_section(sections, *section, err);
    return !to->take || to->take(to->ctx, &of, err);
}

bool config_read(const char *text, const struct config_section *sections, struct err *err)
{
    char *copy = xstrdup(text), *top = copy + strlen(copy), *section = top, *next;
    struct err own = {0};
    int number = 0;

    for (char *line = copy; line && !own.kind; line = next) {
        char *end = line + strcspn(line, "\n");

        next = *end ? end + 1 : NULL;
        line = config_trim(line, end);
        number++;
        if (*line && *line != '#' && !config_line(line, &section, number, sections, &own))
            err_in(&own, "line %d", number);
    }
    free(copy);
    return !own.kind || err_pass(err, &own);
}
