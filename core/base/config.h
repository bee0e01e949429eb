/* A config file: lines NAME = VALUE, sections [NAME], comments after #. */
#ifndef CORE_BASE_CONFIG_H
#define CORE_BASE_CONFIG_H

#include "core/base/err.h"

struct config_line { /* zero-initialise before the first */
    char section[64], name[64], value[256];
    int number;       /* from 1 */
    int from, length; /* of the line in the text, in bytes, without its end */
};

/* The next line that says something; false at the end, or with an error where a line is neither.
 * A name is everything before the first = that is not its first character: `= = exact` names the
 * key =; a value ends before " #". */
bool config_next(const char **text, struct config_line *line, struct err *err);

#endif
