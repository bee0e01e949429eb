/* Reads config files and themes: lines NAME = VALUE, sections [NAME], comments after #.
 *
 *   amplify = 30          # before any heading the section is "": a parameter
 *   text = "a #1.txt"     # a value in double quotes is taken as it is
 *   warn = #e0af68        # where a section has colours, one is no comment
 *   [keys.edit]
 *   = = exact             # in the Edit view the key "=" does the action "exact"
 *
 * This reader knows lines and sections only; each section's function gives names a meaning. */
#ifndef CORE_BASE_CONFIG_H
#define CORE_BASE_CONFIG_H

#include "core/base/err.h"

struct config_line {
    const char *section, *name; /* section "": before any heading */
    char *value;                /* the receiver may modify it */
    int number;                 /* from 1 */
};

/* A section and the function that receives its lines. */
struct config_section {
    const char *name; /* "" is the top; "keys.*" is every section whose name begins with "keys." */
    bool (*take)(void *ctx, const struct config_line *line, struct err *err); /* NULL: ignore */
    void *ctx;
    bool colours; /* values may be #rrggbb */
};

/* Passes each line to its section, in file order, and stops at the first error. `sections` ends
 * with a NULL name. A line of an unlisted section is ERR_USAGE. Every error names the line. A name
 * is everything before the first = that is not the line's first character. A value ends before a #
 * that has a blank in front; a value in double quotes may hold it. The lines are valid during the
 * call only. */
bool config_read(const char *text, const struct config_section *sections, struct err *err);

#endif
