#include "core/base/err.h"

#include <stdarg.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/show.h"
#include "core/base/utf8.h"

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
    struct buf text = {0};
    va_list ap;

    if (!err || err->kind)
        return false;
    err->kind = kind;
    va_start(ap, fmt);
    show_vformat(&text, fmt, ap);
    va_end(ap);
    utf8_copy(err->text, sizeof(err->text), text.data ? text.data : "");
    buf_free(&text);
    return false;
}

bool err_in(struct err *err, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;

    if (!err || !err->kind)
        return false;
    va_start(ap, fmt);
    show_vformat(&text, fmt, ap);
    va_end(ap);
    /* what does not fit is cut off, which is all right: the beginning says most */
    if (text.len < sizeof(err->text)) {
        buf_puts(&text, ": ");
        buf_puts(&text, err->text);
    }
    utf8_copy(err->text, sizeof(err->text), text.data);
    buf_free(&text);
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
