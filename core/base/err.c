#include "core/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *code;
    int status;
} kinds[] = {
    [ERR_NONE] = {"none", 0},
    [ERR_IO] = {"io", 1},
    [ERR_FORMAT] = {"format", 1},
    [ERR_LIMIT] = {"limit", 1},
    [ERR_USAGE] = {"usage", 2},
    [ERR_ACCEPT] = {"accept", 3},
    [ERR_MODEL] = {"model", 4},
    [ERR_DEVICE] = {"device", 4},
    [ERR_STATE] = {"state", 5},
    [ERR_HELD] = {"held", 6},
    [ERR_CANCELLED] = {"cancelled", 130},
};

bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list ap;

    if (!err || err->kind)
        return false;
    err->kind = kind;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return false;
}

bool err_in(struct err *err, const char *fmt, ...)
{
    char text[sizeof(err->text) - 1];
    va_list ap;
    int n;

    if (!err || !err->kind)
        return false;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    /* what does not fit is cut off, which is all right: the beginning says most */
    if (n >= 0 && (size_t)n < sizeof(text) &&
        snprintf(text + n, sizeof(text) - (size_t)n, ": %s", err->text) < 0)
        text[n] = '\0';
    memcpy(err->text, text, sizeof(text));
    return false;
}

int err_exit_status(enum err_kind kind)
{
    return kinds[kind].status;
}

const char *err_code(enum err_kind kind)
{
    return kinds[kind].code;
}
