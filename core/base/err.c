/* Records errors: the first one is kept, context is put before it, and the hint is located. */
#include "core/base/err.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
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

/* A control byte marks the beginning of the hint in the format. show_format() escapes controls in
 * quoted text, so in the result the mark can only be ours. */
enum { MARK = 0x1f };

/* The format with a mark after its first "; ". The caller frees it. */
static char *format_with_mark(const char *fmt)
{
    const char *hint = strstr(fmt, "; ");

    return hint ? xasprintf("%.*s; %c%s", (int)(hint - fmt), fmt, MARK, hint + 2) : xstrdup(fmt);
}

bool err_vset(struct err *err, enum err_kind kind, const char *fmt, va_list ap)
{
    struct buf text = {0};
    char *with_mark, *mark;

    if (!err || err->kind)
        return false;
    err->kind = kind;
    with_mark = format_with_mark(fmt);
    show_vformat(&text, with_mark, ap);
    mark = text.data ? strchr(text.data, MARK) : NULL;
    if (mark)
        memmove(mark, mark + 1, strlen(mark));
    utf8_copy(err->text, sizeof(err->text), text.data ? text.data : "");
    if (mark && (size_t)(mark - text.data) < strlen(err->text))
        err->hint = (unsigned short)(mark - text.data);
    buf_free(&text);
    free(with_mark);
    return false;
}

bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    err_vset(err, kind, fmt, ap);
    va_end(ap);
    return false;
}

bool err_pass(struct err *err, const struct err *from)
{
    if (err && !err->kind)
        *err = *from;
    return false;
}

const char *err_hint(const struct err *err)
{
    return err->hint ? err->text + err->hint : "";
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
    buf_puts(&text, ": ");
    /* The end may be cut off. The beginning matters most. */
    if (err->hint)
        err->hint = text.len + err->hint < sizeof(err->text) - 1
                        ? (unsigned short)(text.len + err->hint)
                        : 0;
    buf_puts(&text, err->text);
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
