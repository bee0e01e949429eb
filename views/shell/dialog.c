/* The dialog over the view: a question and its buttons, or a field in which "yes" is typed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/shell/frame.h"

/* Cancel and the yes button in the dialog's last row, or the field; screen_button() knows these
 * widths. */
static void draw_buttons(const struct screen *screen, struct surface *s, struct rect in)
{
    struct pen p = pen_at(s, in, in.h - 1, 0);
    bool yes = screen->confirm_selected;

    if (screen->question->typed) {
        pen_text(&p, ROLE_BUTTON, "esc Cancel ");
        p.x += 2;
        pen_printf(&p, ROLE_DIALOG, "%s: type yes ", screen->question->yes);
        field_draw(screen->reply, s, in, p.y, p.x, 6, true);
        return;
    }
    surface_cursor(s, in, p.y, 1);
    pen_text(&p, yes ? ROLE_BUTTON : ROLE_BUTTON_ACTIVE, " n  Cancel ");
    p.x += 2;
    if (yes)
        surface_cursor(s, in, p.y, p.x + 1);
    pen_printf(&p, yes ? ROLE_BUTTON_ACTIVE : ROLE_BUTTON, " y  %s ", screen->question->yes);
}

/* As large as the text of the question needs, in the middle of the screen. */
static struct rect dialog_area(const struct question *question, int h, int w)
{
    const char *text = question->text, *row;
    int rows = 0, wide = 44, most = w - 2 > 5 ? w - 2 : 5;
    size_t n;

    while (text_row(&text, most - 4, &row, &n)) {
        char *line = xasprintf("%.*s", (int)n, row);

        rows++;
        wide = text_width(line) + 4 > wide ? text_width(line) + 4 : wide;
        free(line);
    }
    return rect_middle((struct rect){0, 0, h, w}, rows + 4, wide < most ? wide : most);
}

int screen_button(const struct screen *screen, int h, int w, int y, int x)
{
    struct rect area = dialog_area(screen->question, h, w);
    int from = x - area.x - 2; /* as draw_buttons() lays them out */

    if (y != area.y + area.h - 2 || from < 0)
        return -1;
    if (from < 11)
        return 0;
    return !screen->question->typed && from >= 13 && from < 18 + text_width(screen->question->yes)
               ? 1
               : -1;
}

void dialog_draw(const struct screen *screen, struct surface *s)
{
    const char *text = screen->question->text, *row;
    struct rect area = dialog_area(screen->question, s->h, s->w), in;
    size_t n;

    surface_fill(s, area, ROLE_DIALOG);
    in = box_draw(s, area, screen->question->title, "", true);
    for (int i = 0; i < in.h - 1 && text_row(&text, in.w, &row, &n); i++) {
        struct pen p = pen_at(s, in, i, 0);

        pen_printf(&p, ROLE_DIALOG, "%.*s", (int)n, row);
    }
    draw_buttons(screen, s, in);
}
