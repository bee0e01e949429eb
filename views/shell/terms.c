/* Draws the box of terms, and scrolls it (terms.h). */
#include "views/shell/terms.h"

#include <stdio.h>

#include "tui/box.h"
#include "tui/key.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/glossary.h"
#include "views/hint.h"

enum { TERM = 20, WIDEST = 92, PAGE = 10 };

const char *view_place(const struct view *v)
{
    return v->ops->place ? v->ops->place(v) : v->ops->name;
}

static bool is_shown(const struct terms *t, const char *place, const struct glossary_term *term)
{
    return t->all || glossary_has(term, place);
}

int terms_count(const char *place)
{
    int n = 0;

    for (const struct glossary_term *g = glossary; g->term; g++)
        n += glossary_has(g, place);
    return n;
}

bool terms_key(struct terms *t, int32_t code, enum action action)
{
    int by = action_steps(action, PAGE, 10000);

    if (by) {
        t->top += by;
        t->top = t->top < 0 ? 0 : t->top;
        return true;
    }
    t->open = false;
    return action == ACTION_BACK || action == ACTION_DETAILS || action == ACTION_QUIT ||
           action == ACTION_ENTER || code == K_ESCAPE;
}

/* Draws row y - t->top of each term's text and returns how many rows there are; with s NULL it only
 * counts. */
static int term_rows(const struct terms *t, const char *place, struct surface *s, struct rect in,
                     int cols)
{
    int y = -t->top;

    for (const struct glossary_term *g = glossary; g->term; g++) {
        const char *at = g->text;
        bool first = true;

        if (!is_shown(t, place, g))
            continue;
        for (size_t n; (n = text_line(at, cols)) > 0; at += n, y++, first = false) {
            char row[400];
            struct pen p = pen_at(s, in, y, 0);

            if (!s || y < 0 || y >= in.h)
                continue;
            if (first)
                pen_fit(&p, ROLE_ACCENT, TERM - 1, g->term);
            p.x = TERM;
            snprintf(row, sizeof(row), "%.*s", (int)n - (at[n - 1] == ' '), at);
            pen_fit(&p, ROLE_DIALOG, cols, row);
        }
    }
    return y + t->top;
}

/* Where the box lies, how many rows its text has, and how wide that is. */
static struct rect box_of(const struct terms *t, const char *place, struct rect area, int *rows,
                          int *cols)
{
    int w = area.w - 4 < WIDEST ? area.w - 4 : WIDEST;

    *cols = w - 4 - TERM;
    *rows = term_rows(&(struct terms){.all = t->all}, place, NULL, area, *cols);
    return rect_middle(area, *rows + 2 < area.h ? *rows + 2 : area.h, w);
}

void terms_fit(struct terms *t, const char *place, struct rect area)
{
    int rows, cols, shown = box_of(t, place, area, &rows, &cols).h - 2;

    if (t->top > rows - shown)
        t->top = rows > shown ? rows - shown : 0;
}

void terms_draw(const struct ui_state *d, const struct terms *t, const char *place,
                struct surface *s, struct rect area)
{
    int rows, cols;
    struct rect box = box_of(t, place, area, &rows, &cols), in;

    surface_fill(s, box, ROLE_DIALOG);
    in = hint_box(d, s, box, t->all ? "The words of the screen" : "In words",
                  rows > box.h - 2 ? "{down} {up} scroll  {back} closes" : "{back} closes", true);
    box_foot(s, box, "Eq.: the paper; (4.5): editscope-method(7)");
    term_rows(t, place, s, in, cols);
    surface_cursor(s, in, 0, 0);
}
