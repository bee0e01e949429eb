/* The lines of plain mode as they are spoken. On the screen a line break of an answer stands as \n
 * in its row; read aloud these are two characters without a meaning, so it is said in words.
 */
#include <stdarg.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/std.h"
#include "views/shell/plain_internal.h"

/* Appends how many marks of a kind there are, as a word of its own. */
static void put_mark(struct buf *out, int n, const char *name, char next)
{
    if (out->len && !strchr(" \"\n", out->data[out->len - 1]))
        buf_puts(out, " ");
    if (n > 1)
        buf_printf(out, "(%d %ss)", n, name);
    else
        buf_printf(out, "(%s)", name);
    if (!strchr(" \".,\n", next)) /* not at the end either */
        buf_puts(out, " ");
}

void plain_spoken(struct buf *out, const char *shown)
{
    static const char *const known[][2] = {{"\\n", "line break"}, {"\\t", "tab"}};

    for (const char *p = shown; *p;) {
        const char *from = p;

        for (int i = 0; i < 2 && p == from; i++) {
            while (!strncmp(p, known[i][0], 2))
                p += 2;
            if (p > from)
                put_mark(out, (int)(p - from) / 2, known[i][1], *p);
        }
        if (p == from)
            buf_add(out, p++, 1);
    }
}

void plain_say_text(const char *text)
{
    struct buf out = {0};

    plain_spoken(&out, text);
    std_text(out.data ? out.data : "");
    buf_free(&out);
}

void plain_say(const char *fmt, ...)
{
    struct buf out = {0};
    va_list ap;

    va_start(ap, fmt);
    show_vformat(&out, fmt, ap);
    va_end(ap);
    plain_say_text(out.data ? out.data : "");
    buf_free(&out);
}
