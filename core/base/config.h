/* A config file: lines NAME = VALUE, sections [NAME], comments after #. */
#ifndef CORE_BASE_CONFIG_H
#define CORE_BASE_CONFIG_H

#include "core/base/err.h"

struct config_line {
    const char *section, *name; /* section "": before any heading */
    char *value;                /* may be cut up */
    int number;                 /* from 1 */
};

/* Who takes the lines of a section. */
struct config_section {
    const char *name; /* "" is the top; "keys.*" is every section whose name begins with "keys." */
    bool (*take)(void *ctx, const struct config_line *line, struct err *err); /* NULL: left alone */
    void *ctx;
};

/* Hands each line to its section, in the order of the file, up to the first that is refused. The
 * list ends with a NULL name; a line of a section that is not in it is ERR_USAGE. Every error
 * names the line. A name is everything before the first = that is not its first character: `= =
 * exact` names the key =; a value ends before " #" unless six
 * hexadecimal digits follow: a colour. */
bool config_read(const char *text, const struct config_section *sections, struct err *err);

#endif
