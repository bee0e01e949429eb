/* The dialog over the view: a question and its buttons, or a field in which "yes" is typed. */
#include <stdio.h>
#include <string.h>

#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/shell/frame.h"

/* The n-th line of a text, at most 200 bytes of it; false past the end. */
static bool line_of(const char *text, int n, char out[200])
{
    while (n-- > 0) {
        text += strcspn(text, "\n");
        if (!*text++)
            return false;
    }
    snprintf(out, 200, "%.*s", (int)strcspn(text, "\n"), text);
    return true;
}

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
    int rows = 0, wide = 44;
    char line[200];

    for (; line_of(question->text, rows, line); rows++)
        wide = text_width(line) + 4 > wide ? text_width(line) + 4 : wide;
    return rect_middle((struct rect){0, 0, h, w}, rows + 4, wide < w - 2 ? wide : w - 2);
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
    const char *text = screen->question->text;
    struct rect area = dialog_area(screen->question, s->h, s->w), in;
    char line[200];

    surface_fill(s, area, ROLE_DIALOG);
    in = box_draw(s, area, screen->question->title, "", true);
    for (int i = 0; line_of(text, i, line) && i < in.h - 1; i++) {
        struct pen p = pen_at(s, in, i, 0);

        pen_fit(&p, ROLE_DIALOG, in.w, line);
    }
    draw_buttons(screen, s, in);
}
