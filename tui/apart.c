/* Writes cells at their places, whatever the terminal thinks of their width. */
#include "tui/apart.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"
#include "tui/text.h"

bool apart_cell(struct apart *a, const struct paint *paint, enum tier tier, int y, int x, int w)
{
    wchar_t wide[TEXT_CELL_CODES], second;

    if (!text_width_disputed(paint->text))
        return false;
    if (x + 2 > w) /* drawn wider, it would go on in the next row */
        return true;
    text_terminal_cell(paint->text, wide, &second);
    buf_printf(&a->now, "\033[%d;%dH", y + 1, x + 1);
    paint_sgr(paint, tier, &a->now);
    for (int i = 0; wide[i]; i++) {
        char bytes[4];

        buf_add(&a->now, bytes, (size_t)utf8_put(bytes, (int32_t)wide[i]));
    }
    return true;
}

/* Calls redraw() for each row named by an absolute move, ESC [ y ; x H. */
static void redraw_rows(const struct buf *cells, void (*redraw)(int y))
{
    int last = 0;

    for (const char *s = cells->data; s && (s = strstr(s, "\033[")) != NULL; s++) {
        char *end;
        int y = (int)strtol(s + 2, &end, 10);

        if (*end == ';' && end[1 + strspn(end + 1, "0123456789")] == 'H' && y != last)
            redraw((last = y) - 1);
    }
}

void apart_prepare(const struct apart *a, void (*redraw)(int y))
{
    if (a->now.len == a->before.len &&
        (!a->now.len || !memcmp(a->now.data, a->before.data, a->now.len)))
        return;
    redraw_rows(&a->before, redraw);
    redraw_rows(&a->now, redraw);
}

/* ESC 7 and ESC 8 keep the cursor and its colours, which curses knows. */
void apart_write(struct apart *a, void (*write)(const char *bytes))
{
    struct buf last = a->before;

    if (a->now.len) {
        write("\0337");
        write(a->now.data);
        write("\0338");
    }
    a->before = a->now;
    buf_clear(&last);
    a->now = last;
}

void apart_free(struct apart *a)
{
    buf_free(&a->now);
    buf_free(&a->before);
}
