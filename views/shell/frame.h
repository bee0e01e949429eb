/* What stands around every view: banner, status, footer, tabs, dialog. Pure drawing. */
#ifndef VIEWS_SHELL_FRAME_H
#define VIEWS_SHELL_FRAME_H

#include "tui/field.h"
#include "views/view.h"

enum { SCREEN_MIN_H = 16, SCREEN_MIN_W = 50 };

/* One screen, whole: what the loop shows and what golden tests compare. */
struct completions;

struct screen {
    const struct ui_state *ui;
    const struct view *view;
    const struct question *question;      /* NULL: no dialog */
    bool confirm_selected;                /* the dialog's other button */
    const struct field *line;             /* NULL: no input line */
    const struct completions *candidates; /* of the line; NULL: none */
    int offered;                          /* the one chosen, -1: none */
    enum tone tone;
    const char *said; /* of the status line */
    bool paused;
    const char *tape; /* of a recorded run: how far it is; NULL: none */
};

void screen_draw(const struct screen *screen, struct surface *s);
/* Where the view goes on a surface of this size. */
struct rect screen_body(int h, int w);
/* What a click at (y, x) outside the body means; ACTION_NONE: nothing. */
enum action screen_click(const struct screen *screen, int h, int w, int y, int x);

/* The button of the dialog there: 1 yes, 0 Cancel, -1 none. */
int screen_button(const struct screen *screen, int h, int w, int y, int x);

#endif
