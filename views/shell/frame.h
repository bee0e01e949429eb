/* The frame around every view: banner, status line, footer, tabs, dialog. Pure drawing. */
#ifndef VIEWS_SHELL_FRAME_H
#define VIEWS_SHELL_FRAME_H

#include "tui/field.h"
#include "views/view.h"

enum { SCREEN_MIN_H = 16, SCREEN_MIN_W = 50, MESSAGE_AGES = 10 };

struct caption;
struct completions;
struct terms;

/* Everything one frame is drawn from; all of it borrowed. Golden tests fill one by hand. */
struct screen {
    const struct ui_state *ui;
    const struct view *view;
    const struct question *question;       /* NULL: no dialog */
    bool confirm_selected;                 /* the yes button is selected, else Cancel */
    const struct field *reply;             /* what is typed in a dialog that wants "yes" */
    const struct field *line;              /* NULL: no input line */
    const char *line_sign;                 /* stands before it: ":" */
    const struct completions *completions; /* of the line; NULL: none */
    int offered;                           /* the one chosen, -1: none */
    enum tone tone;
    const char *message; /* of the status line */
    double message_age;  /* seconds; shown from MESSAGE_AGES on */
    bool paused;
    bool view_only;                /* no model is open: what computes or writes is refused */
    const char *recorded;          /* "▶ RECORDED 0:12/1:40"; NULL: a live program */
    const struct terms *terms;     /* the box of K; NULL: none */
    const struct caption *caption; /* of the tour, a recording or --present; NULL: none */
};

/* Clears the surface and draws the frame and the view. On a surface smaller than SCREEN_MIN only a
 * line says so. */
void screen_draw(const struct screen *screen, struct surface *s);
/* The rows between banner and status line: where the view is drawn, and the caption below it. */
struct rect screen_body(int h, int w);
/* The view's part of them. */
struct rect screen_view(const struct screen *screen, int h, int w);
/* What a click at (y, x) outside the body means: an action, or a key of the open field or dialog.
 */
struct screen_click {
    enum action action; /* ACTION_NONE: none */
    int32_t key;        /* -1: none */
};
struct screen_click screen_click(const struct screen *screen, int h, int w, int y, int x);

/* Parts of screen_draw(). */
void footer_draw(const struct screen *screen, struct surface *s, struct rect line);
void tabs_draw(const struct screen *screen, struct surface *s, struct rect line);
void dialog_draw(const struct screen *screen, struct surface *s);

/* The button of the dialog there: 1 yes, 0 Cancel, -1 none. */
int screen_button(const struct screen *screen, int h, int w, int y, int x);

#endif
